"""The backends by name. Nothing here imports a solver until one is asked to work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from allocc.backends.gurobi import GurobiBackend
from allocc.backends.highs import HighsBackend
from allocc.backends.pyomo import PyomoBackend
from allocc.backends.scip import ScipBackend
from allocc.backends.solution import Capabilities, MissingSolver, Solution, SolveOptions
from allocc.compiler.programs.program import Program


class Backend(Protocol):
    """A solver behind the one question that allocc asks."""

    @property
    def name(self) -> str:
        """The name that `--solver` takes."""

    @property
    def capabilities(self) -> Capabilities:
        """What the solver takes as it is."""

    @property
    def interface(self) -> str:
        """The Python package that reaches the solver, as its makers write it."""

    def version(self) -> str:
        """The version of the package, or an empty string when it is missing."""

    def solver_version(self) -> str:
        """The version of the solver itself, or an empty string where it is not known.

        It may import the package; raises `MissingSolver` where that cannot be done.
        """

    def available(self) -> bool:
        """Whether the solver can be used here; a licence is not tried."""

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve the program within the options' limits."""


_BACKENDS: dict[str, Callable[[], Backend]] = {
    "highs": HighsBackend,
    "scip": ScipBackend,
    "gurobi": GurobiBackend,
    "pyomo": PyomoBackend,
}


def names() -> tuple[str, ...]:
    """All backends in the order of preference; a name says nothing about being installed."""
    return tuple(_BACKENDS)


def get(name: str) -> Backend:
    """The backend of a name: `highs`, `scip`, `gurobi`, `pyomo`, or `pyomo:NAME`.

    Its package may be missing; that is said by `available`, and by `solve` as `MissingSolver`.
    """
    key = name.strip().lower()
    if key.startswith("pyomo:") and len(key) > len("pyomo:"):
        return PyomoBackend(key.removeprefix("pyomo:"))
    if key in _BACKENDS:
        return _BACKENDS[key]()
    from allocc.dsl.diagnostics import nearest

    close = nearest(key, names())
    hint = f"did you mean {close!r}? " if close else ""
    raise MissingSolver(
        name, f"there is no solver {name!r}; {hint}solvers are {', '.join(names())}, pyomo:NAME"
    )
