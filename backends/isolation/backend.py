"""A backend whose solves go to a worker, and which looks the same from outside."""

from __future__ import annotations

import os
import pickle

from allocc.backends.highs_session import DIRECT_NONZEROS
from allocc.backends.interrupt import watched
from allocc.backends.isolation import pool
from allocc.backends.isolation.answers import failed, reading, sent, told
from allocc.backends.isolation.watching import Ended, NotStarted, Request, ask
from allocc.backends.isolation.wire import stripped
from allocc.backends.registry import Backend
from allocc.backends.solution import Capabilities, Solution, SolveOptions
from allocc.backends.support import crossed
from allocc.compiler.programs.program import Program

_TITLES = {"highs": "HiGHS", "scip": "SCIP", "gurobi": "Gurobi", "pyomo": "Pyomo"}


def isolated(backend: Backend, in_process: bool = False) -> Backend:
    """The backend, working in a process of its own.

    It is given back as it is where it is asked to work `in_process`, where `reason` says why there
    are no workers, and where its class does not say `isolable = True` itself: one that is derived
    from such a class may hold what cannot be sent.
    """
    if in_process or pool.reason() or not vars(type(backend)).get("isolable", False):
        return backend
    return IsolatedBackend(backend)


class IsolatedBackend:
    """A backend whose solves go to a worker."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        """The name of the backend inside."""
        return self._backend.name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend inside takes."""
        return self._backend.capabilities

    @property
    def interface(self) -> str:
        """The package that the backend inside uses."""
        return self._backend.interface

    def version(self) -> str:
        """The version of the solver's package."""
        return self._backend.version()

    def solver_version(self) -> str:
        """The version of the solver itself."""
        return self._backend.solver_version()

    def available(self) -> bool:
        """Whether the solver can be used here."""
        return self._backend.available()

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve in a worker. One that dies, or hears no stop, has failed; this process lives on."""
        if crossed(program):
            # Nothing for a solver; and only here the columns have their names.
            return self._backend.solve(program, options)
        arguments = (pickle.dumps(self._backend), dict(os.environ), stripped(program))
        again = True
        while (worker := None if pool.reason() else pool.take()) is not None:
            stoppable = _stoppable(program, options)
            request = Request(
                "backend",
                (*arguments, *sent(options, stoppable)),
                _title(self.name),
                reading(self.capabilities, program),
                options,
                stoppable,
                keeps=not program.linear,
            )
            try:
                return told(ask(worker, request))
            except NotStarted:
                continue
            except Ended as end:
                if again and not end.begun and end.termination == "failed":
                    # It had died while nobody asked it anything.
                    again = False
                    continue
                return failed(self.name, end)
            finally:
                pool.give(worker)
        return self._backend.solve(program, options)


def _stoppable(program: Program, options: SolveOptions) -> bool:
    """Whether the solve is to look at a flag. Small linear programs are faster without."""
    return not program.linear or len(program.matrix.data) > DIRECT_NONZEROS or watched(options)


def _title(name: str) -> str:
    return _TITLES.get(name.partition(":")[0], name)
