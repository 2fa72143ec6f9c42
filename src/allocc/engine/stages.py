"""`Stages`: a model bound to its data, and what the compiler makes of it, each at first need."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError, in_order
from allocc.errors import reported

#: A run folder has copies of the model and its tables where they have at most so many bytes together.
LARGEST_COPIES = 20_000_000

if TYPE_CHECKING:
    from allocc.compiler.names.structure import Declarations
    from allocc.compiler.pipeline import Chain
    from allocc.compiler.relaxing.plan import Plan
    from allocc.compiler.scoping.model import BoundModel
    from allocc.compiler.unrolling.problem import Problem
    from allocc.engine.judging.assess import Assessment

    once = cached_property
else:

    class once(cached_property):
        """A cached property that one thread makes and the others wait for."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            with instance._making:
                return super().__get__(instance, owner)


class Stages:
    """A model bound to its data. `bound`, `problem` and what follows are the compiler's own stages.

    A stage is made at first need and shared by whoever asks, in whatever thread; nothing changes it.
    """

    def __init__(self, bound: BoundModel, data: Path, settings: dict[str, Any]) -> None:
        self.bound = bound
        self.data = data
        self.settings = settings
        self._making = RLock()
        self._chains: dict[str, Chain] = {}

    @property
    def name(self) -> str:
        """The name in the `model` statement."""
        return self.bound.name

    @property
    def title(self) -> str:
        """The title in the `model` statement."""
        return self.bound.title

    @property
    def path(self) -> Path | None:
        """The model file."""
        return self.bound.path

    @property
    def warnings(self) -> list[Diagnostic]:
        """What is suspicious but no mistake, by place in the file, then by code."""
        try:
            found = self.problem.diagnostics
        except DiagnosticError:
            # What is wrong beyond the binding is told by whoever needs the problem.
            found = self.bound.diagnostics
        return in_order(d for d in found if d.severity == "warning")

    @once
    def problem(self) -> Problem:
        """The model unrolled in time."""
        from allocc.compiler.unrolling.discretize import discretize

        with reported():
            return discretize(self.bound)

    @property
    def lowered(self) -> Chain:
        """The program as the model states it, with products and functions."""
        return self.chain("stated")

    def chain(self, method: str = "auto") -> Chain:
        """The passes between the problem and what is relaxed for a method; see `compile --emit passes`."""
        from allocc.engine.proving.denominators import prepared

        with self._making:
            if method not in self._chains:
                with reported():
                    self._chains[method] = prepared(self.problem, method)
            return self._chains[method]

    @once
    def plan(self) -> Plan:
        """Which reformulation serves what in the lowered program, with the ranges that follow."""
        from allocc.compiler.programs.bounds import Infeasible
        from allocc.compiler.relaxing.plan import classify

        with reported():
            try:
                return classify(self.lowered.program)
            except Infeasible:
                raise DiagnosticError([mistakes.bounds_infeasible()]) from None

    @once
    def baseline_problem(self) -> Problem:
        """The model in a world in which no intervention acts."""
        from allocc.compiler.unrolling.discretize import discretize

        with reported():
            return discretize(self.bound, effects=False)

    @once
    def baseline_simulation(self) -> tuple[Problem, Assessment] | None:
        """What happens in that world with every decision at its lower end, and what it is worth.

        None in a model without time. What is simulated may be no finite number.
        """
        from allocc.compiler.unrolling.simulate import lowest
        from allocc.engine.judging.assess import assess

        if self.bound.time is None:
            return None
        problem = self.baseline_problem
        return problem, assess(problem, lowest(problem))

    def units(self) -> dict[str, str | None]:
        """The unit of every quantity of the model, declared or inferred; None where none is known.

        A pure number has the unit `1`. Parameters that hold words are no quantities.
        """
        words = {n for n, p in self.bound.parameters.items() if p.values.dtype.kind == "O"}
        found = self.bound.units.quantities
        return {n: None if u is None else str(u) for n, u in found.items() if n not in words}

    def hashes(self) -> dict[str, str]:
        """The sha256 of every file of `inputs`, by its name there, as it was when first asked for."""
        return self._hashes

    @once
    def _hashes(self) -> dict[str, str]:
        copies = self.copies()
        return {
            name: hashlib.sha256(copies[name]).hexdigest() if name in copies else sha256(path)
            for name, path in self.inputs().items()
        }

    def copies(self) -> dict[str, bytes]:
        """The same files themselves, as they were then; none where they are larger than `LARGEST_COPIES`."""
        return self._copies

    @once
    def _copies(self) -> dict[str, bytes]:
        inputs = self.inputs()
        if sum(path.stat().st_size for path in inputs.values()) > LARGEST_COPIES:
            return {}
        return {name: path.read_bytes() for name, path in inputs.items()}

    def inputs(self) -> dict[str, Path]:
        """The model file, files beside it that it uses, and every table, by the name the model has for them.

        The worlds of its scenario are one of them.
        """
        return input_files(self.bound.declared, self.path, self.data)


def input_files(declared: Declarations, path: Path | None, data: Path) -> dict[str, Path]:
    """The files of a model that are there: see `Stages.inputs`. Nothing needs to be bound for it."""
    from allocc.dsl import tree

    found: dict[str, Path] = {}
    if path is not None and path.is_file():
        found[path.name] = path
        home = path.parent
        used = sorted({Path(s.span.source.name) for s in declared.statements} - {path})
        for other in used:
            if other.is_relative_to(home) and other.is_file():
                found.setdefault(other.relative_to(home).as_posix(), other)
    for statement in declared.statements:
        if isinstance(statement, tree.Table) and statement.name.name not in declared.only_in_fits:
            table = data / statement.file.value
            if table.is_file():
                found[statement.file.value] = table
    worlds = None if declared.scenario is None else declared.scenario.file
    if worlds is not None and (data / worlds.value).is_file():
        found[worlds.value] = data / worlds.value
    return found


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
