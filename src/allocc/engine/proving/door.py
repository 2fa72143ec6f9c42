"""The one door to solvers: every program is scaled on its way in, every answer looked at on its way out.

Relaxations, successive linear programs, local search, prices, conflicts and tightening all go through
here. What comes out is in the program's own units. The bound of a linear program, and that it has no
point, are recomputed from dual values (`allocc.compiler.programs.duality`): they are proven, or are not said. What
a solver says of a mixed-integer program stays its claim here; `allocc.engine.confirm` looks into that.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from allocc.backends import registry
from allocc.backends.isolation import isolated, open_session
from allocc.backends.registry import Backend
from allocc.backends.solution import MissingSolver, Progress, Refused, Solution, SolveOptions, Word
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.duality import DualBound, dual_bound, shows_empty
from allocc.compiler.programs.elastic_program import elastic
from allocc.compiler.programs.program import Program
from allocc.compiler.programs.scaling import Scaling, scale
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.proving.examine import broken_off, examined, said, well_formed

#: Solvers that are asked where the chosen one has failed in every way.
OTHERS = ("highs", "scip")
INFEASIBLE = ("infeasible", "infeasible_or_unbounded")

Tell = Callable[[str], None]


def solve_linear(program: Program, options: SolveOptions | None = None) -> Solution:
    """A linear program of ordinary size, solved afresh and without presolve."""
    try:
        return open_session(program, {"presolve": "off"}).solve(options or SolveOptions())
    except Refused as refused:
        return broken_off("highs", "failed", str(refused))


class ScaledSession:
    """A program in its own units that stays loaded, scaled.

    Its bounds may only be shortened where `extreme` is asked; with `coefficients` these may change.
    """

    def __init__(self, program: Program, coefficients: bool = False) -> None:
        self.program, self.scaling = scale(program, propagate=not coefficients)
        self.boxed = self.scaling.boxed(self.program)
        self.session = open_session(self.program)

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for some columns."""
        index = np.atleast_1d(np.asarray(columns, dtype=np.int64))
        size = self.scaling.columns[index]
        low, high = np.asarray(lower) / size, np.asarray(upper) / size
        # The arrays are this session's own: they are what its bounds are proven with.
        self.program.lower[index], self.program.upper[index] = low, high
        self.boxed.lower[index] = np.maximum(self.boxed.lower[index], low)
        self.boxed.upper[index] = np.minimum(self.boxed.upper[index], high)
        self.session.set_column_bounds(index, low, high)

    def aim(self, column: int, sign: float) -> None:
        """Minimize a column, or maximize it where the sign is negative."""
        costs = np.zeros(self.program.columns)
        costs[column] = sign
        self.program = replace(self.program, objective=costs, offset=0.0, sense="minimize")
        self.session.set_objective(costs)

    def set_coefficients(self, rows: list[int], columns: list[int], values: list[float]) -> None:
        """New coefficients of rows that were measured with as large ones."""
        if len(rows):
            size = self.scaling.rows[rows] * self.scaling.columns[columns] * np.asarray(values)
            self.session.set_coefficients(rows, columns, size.tolist())

    def solve(self, options: SolveOptions) -> Solution:
        """Solve what is loaded; the point and value are in the program's own units."""
        return _out(self.session.solve(options), self.scaling)

    def extreme(self, options: SolveOptions) -> float | None:
        """The least value of the column that was aimed at, times its sign, in its own unit, as proven.

        None where nothing is proven; raises `Empty` where it is proven that nothing is there.
        """
        found = self.session.solve(options)
        if found.termination in INFEASIBLE:
            shown = _shown(registry.get("highs"), self.boxed, found, options)
            if shown is not None and shown.certain:
                raise Empty
            return None
        if found.termination != "optimal" or found.row_duals is None:
            return None
        proven = dual_bound(self.boxed, self.program.objective, found.row_duals)
        if not proven.certain or not np.isfinite(proven.level):
            return None
        column = int(np.flatnonzero(self.program.objective)[0])
        return proven.level * float(self.scaling.columns[column])

    def quick_value(self, options: SolveOptions) -> float | None:
        """The optimal value alone."""
        found = self.session.quick_value(options)
        return None if found is None else self.scaling.value_out(found)

    def iterations(self) -> int:
        """Simplex iterations of the last run."""
        return self.session.iterations()


class Empty(Exception):
    """Dual values prove that a linear program has no point."""


def ask(
    backend: Backend,
    program: Program,
    options: SolveOptions,
    tell: Tell = lambda _: None,
    remaining: Callable[[], float | None] = lambda: None,
    tries: int = 9,
    scaled: tuple[Program, Scaling] | None = None,
) -> Solution:
    """Solve a program in its own units.

    A try that fails is followed by others: without presolve, by the other method for linear programs,
    by another installed solver, `tries` in all. `remaining` says how many seconds are left.
    """
    if program.linear and not backend.capabilities.duals:
        # Its word alone would prove nothing: the solver that is always there gives dual values.
        backend = registry.get("highs")
    inner, scaling = scale(program) if scaled is None else scaled
    if scaling.empty:
        message = "the ranges that follow from the limits contradict each other"
        return replace(broken_off(backend.name, "infeasible", message), word="proven")
    start = options.start
    inside = replace(
        options,
        start=None if start is None else scaling.point_in(start),
        on_progress=_outside(options.on_progress, scaling),
    )
    found: Solution | None = None
    failed = ""
    for way in itertools.islice(_ways(backend, inner, inside), tries):
        if found is not None:
            left = remaining()
            if left is not None and left <= 0:
                break
            limits = [x for x in (left, options.time_limit) if x is not None]
            way = replace(way, options=replace(way.options, time_limit=min(limits, default=None)))
        answer = _once(way, inner, scaling, tell)
        if answer is None:
            continue
        if found is None or found.point is None or answer.point is not None:
            found = answer
        if answer.termination != "failed":
            if failed:
                tell(f"{failed}; {way.backend.name} answered {way.how}")
            break
        failed = failed or answer.message or f"{way.backend.name} failed"
    assert found is not None
    return _out(found, scaling)


@dataclass(frozen=True)
class _Way:
    """One way to ask; `how` says in words what is other than in the first."""

    backend: Backend
    options: SolveOptions
    how: str = ""


def _ways(backend: Backend, program: Program, options: SolveOptions) -> Iterator[_Way]:
    """How a program is asked about, in turn."""
    yield _Way(backend, options)
    yield _Way(backend, replace(options, presolve=False), "without presolve")
    if program.linear:
        method = "simplex" if options.interior else "interior points"
        yield _Way(backend, replace(options, interior=not options.interior), f"by {method}")
    for name in OTHERS:
        other = registry.get(name)
        takes = other.capabilities.products or program.polyhedral
        if name != backend.name and takes and other.available():
            yield _Way(other, options, "instead")


def _once(way: _Way, scaled: Program, scaling: Scaling, tell: Tell) -> Solution | None:
    """One answer, proven where it is one about a linear program; None where nobody is there."""
    try:
        found = _told_apart(way, scaled, isolated(way.backend).solve(scaled, way.options))
    except (MissingSolver, DiagnosticError):
        if not way.how:
            raise
        return None
    except Refused as refused:
        return broken_off(way.backend.name, "failed", str(refused))
    except MemoryError:
        return broken_off(way.backend.name, "memory_limit", "there is not enough memory")
    except Exception as error:
        if os.environ.get("ALLOCC_DEBUG") == "1":
            raise
        message = f"{way.backend.name} broke down: {said(error)}"
        return broken_off(way.backend.name, "failed", message)
    found = examined(scaled, well_formed(scaled, found, tell), tell)
    if scaled.linear:
        found = _proven(way, scaled, scaling.boxed(scaled), found)
    return _distrusted(found, tell) if found.altered and found.word == "claimed" else found


def _proven(way: _Way, scaled: Program, boxed: Program, found: Solution) -> Solution:
    """What a solver says of a linear program, with what its duals prove instead of its word.

    `boxed` is the program within the ranges that propagation proves.
    """
    if found.termination == "infeasible":
        shown = _shown(way.backend, boxed, found, way.options)
        if shown is not None:
            word: Word = "proven" if shown.certain else "agreed"
            return replace(found, bound=None, row_duals=None, word=word)
        message = f"{found.solver} says that a linear program is infeasible, and no duals prove it"
        return replace(found, termination="failed", row_duals=None, bound=None, message=message)
    if found.row_duals is None:
        return found
    minimize = scaled.sense == "minimize"
    proven = dual_bound(boxed, scaled.objective, found.row_duals, minimize)
    if not np.isfinite(proven.level):
        # Without a proof there is no bound: where a column is open, a cost below the solver's tolerance
        # may run away with it.
        return replace(found, bound=None, reduced_costs=None)
    # Whoever shortens a range by its reduced cost measures from the program's own end of it; where the
    # bound was proven from another one, nothing is said.
    costs = proven.reduced_costs if minimize else -proven.reduced_costs
    moved = ((costs > 0) & (boxed.lower > scaled.lower)) | (
        (costs < 0) & (boxed.upper < scaled.upper)
    )
    down = -np.inf if minimize else np.inf
    return replace(
        found,
        bound=float(np.nextafter(scaled.offset + proven.level, down)),
        reduced_costs=np.where(moved, 0.0, proven.reduced_costs),
        word="proven" if proven.certain else "agreed",
    )


def infeasibility(
    program: Program, ray: FloatArray | None, solve: Callable[[Program], Solution]
) -> DualBound | None:
    """What multipliers show of a linear program that is called infeasible; None where nothing.

    They are the solver's own `ray`, or the duals of the elastic program, which `solve` is asked for.
    """
    shown = None if ray is None else shows_empty(program, ray)
    if shown is not None:
        return shown
    loose = elastic(program, np.arange(program.rows))
    duals = solve(loose.program).row_duals
    return None if duals is None else shows_empty(program, loose.multipliers(duals))


def _shown(
    backend: Backend, program: Program, found: Solution, options: SolveOptions
) -> DualBound | None:
    """`infeasibility` with a backend's own answer, within the time that is left."""
    asked = replace(
        _after(options, found), start=None, on_progress=None, presolve=True, interior=False
    )
    solver = backend if backend.capabilities.duals else registry.get("highs")
    return infeasibility(program, found.row_duals, lambda p: isolated(solver).solve(p, asked))


def _told_apart(way: _Way, program: Program, found: Solution) -> Solution:
    """An answer that says infeasible or unbounded as one of the two, asked without objective."""
    if found.termination != "infeasible_or_unbounded":
        return found
    if not program.objective.any():
        return replace(found, termination="infeasible")  # nothing can be unbounded
    free = replace(program, objective=np.zeros(program.columns))
    asked = replace(_after(way.options, found), gap=1.0, start=None)
    second = isolated(way.backend).solve(free, asked)
    if second.point is not None:
        return replace(found, termination="unbounded")
    if second.termination in ("infeasible", "infeasible_or_unbounded"):
        return replace(found, termination="infeasible", row_duals=second.row_duals)
    return replace(found, termination=second.termination, message=second.message)


def _after(options: SolveOptions, found: Solution) -> SolveOptions:
    """The options with what is left of the time after an answer."""
    limit = options.time_limit
    left = None if limit is None else max(0.0, limit - found.seconds)
    return replace(options, time_limit=left)


def _distrusted(found: Solution, tell: Tell) -> Solution:
    """A solution of a program that the solver has changed: it proves nothing."""
    tell(f"{found.altered}; its bounds are not used")
    ended = found.termination
    if ended in ("infeasible", "unbounded", "infeasible_or_unbounded"):
        return replace(found, termination="failed", bound=None)
    return replace(found, bound=None, row_duals=None, reduced_costs=None)


def _outside(
    report: Callable[[Progress], None] | None, scaling: Scaling
) -> Callable[[Progress], None] | None:
    """A report of progress in the program's own units."""
    if report is None:
        return None

    def out(value: float | None) -> float | None:
        return None if value is None else scaling.value_out(value)

    return lambda p: report(replace(p, value=out(p.value), bound=out(p.bound)))


def _out(found: Solution, scaling: Scaling) -> Solution:
    """An answer in the units of the program that was asked about."""
    duals, costs = found.row_duals, found.reduced_costs
    return replace(
        found,
        point=None if found.point is None else scaling.point_out(found.point),
        value=None if found.value is None else scaling.value_out(found.value),
        bound=None if found.bound is None else scaling.value_out(found.bound),
        row_duals=None if duals is None else scaling.duals_out(duals),
        reduced_costs=None if costs is None else scaling.costs_out(costs),
    )
