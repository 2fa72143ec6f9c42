"""A program that stays loaded in HiGHS: arrays go in as they are, LPs are re-solved from their last basis.

How `SolveOptions` are mapped: `gap` is mip_rel_gap, `absolute_gap` mip_abs_gap, `seed` random_seed.
`cutoff` stops a MIP once its dual bound has passed it and is not used for LPs. HiGHS's own
objective_bound is not used: 1.15.1 reads it in the sense of minimizing whatever the model's sense,
and when it cuts everything off HiGHS calls a worse point optimal, with a bound that is false.
`memory_limit_mb` is watched from outside, on Linux only. `start` is used for MIPs; HiGHS completes a
partial one.

`infeasible` and `unbounded` after presolve are reported only when a second solve without presolve
agrees: HiGHS 1.15.1 was seen to call a feasible program with 59 binaries infeasible.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allocc.backends.highs_versions import silent_highs
from allocc.backends.interrupt import Monitor, supervise, watched
from allocc.backends.solution import Refused, Solution, SolveOptions, Termination
from allocc.backends.support import (
    beyond,
    check_data,
    finite,
    finite_point,
    int32,
    load,
    objective_factor,
    refuse_unsupported,
)
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import Program

DIRECT_NONZEROS = 200_000
"""LPs up to this size run in the calling thread when nothing has to be watched."""

ROUNDING = 1e-7
"""A bound may be so far from what is proven, relative to the value: the eighth digit."""

STEP = 1e-3
"""Objectives of whole numbers with costs of at most three decimals have no values closer together."""

Basis = tuple[NDArray[np.int8], NDArray[np.int8]]
"""The state of every column and every row in a basis."""

Extreme = tuple[int, float, Termination, FloatArray | None]
"""Which direction, 1 for its least value and -1 for its most, how that ended, and the rows' multipliers."""


@dataclass(frozen=True, slots=True)
class Directions:
    """The k-th is x[first[k]] - slope[k] * x[second[k]], known to be in `lower[k] .. upper[k]`."""

    first: IntArray
    second: IntArray
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray

    def __len__(self) -> int:
        return len(self.first)

    def values(self, point: FloatArray) -> FloatArray:
        """Their values at a point."""
        return np.asarray(point[self.first] - self.slope * point[self.second])

    def entries(self) -> Iterator[tuple[int, int, float]]:
        """First and second column, and slope, of each."""
        return zip(self.first.tolist(), self.second.tolist(), self.slope.tolist(), strict=True)

    def taken(self, which: slice) -> Directions:
        """Some of them."""
        return Directions(
            self.first[which],
            self.second[which],
            self.slope[which],
            self.lower[which],
            self.upper[which],
        )


_ROWWISE = 2
_FEASIBLE = 2
_TERMINATIONS: dict[str, Termination] = {
    "kOptimal": "optimal",
    "kInfeasible": "infeasible",
    "kUnbounded": "unbounded",
    "kUnboundedOrInfeasible": "infeasible_or_unbounded",
    "kTimeLimit": "time_limit",
    "kMemoryLimit": "memory_limit",
    "kSolutionLimit": "node_limit",
    "kInterrupt": "interrupted",
    "kHighsInterrupt": "interrupted",
}
_TO_CONFIRM = ("infeasible", "unbounded", "infeasible_or_unbounded")


class HighsSession:
    """One program that stays loaded while bounds, costs and coefficients change.

    An LP starts from the basis of the solve before. Not for two threads at once. `settings` are
    HiGHS options by their own names, as `{"solver": "ipm"}`; they come last and win.
    """

    def __init__(self, program: Program, settings: Mapping[str, object] | None = None) -> None:
        refuse_unsupported(program, "highs", None)
        self._core: Any = load("highspy", "HiGHS", "")
        self._highs: Any = silent_highs(self._core)
        self._settings = dict(settings or {})
        self._applied: tuple[Any, ...] | None = None
        self._sense = program.sense
        self._objective: FloatArray = np.array(program.objective, dtype=np.float64)
        self._offset = float(program.offset)
        self._larger = 1.0
        self._factor = objective_factor(self._objective)
        self._integer: BoolArray = np.array(program.integer, dtype=np.bool_)
        self._mixed = bool(self._integer.any())
        statuses = self._core.HighsModelStatus.__members__
        self._terminations = {statuses[k]: v for k, v in _TERMINATIONS.items() if k in statuses}
        self._error = self._core.HighsStatus.kError
        self._indices = np.arange(program.columns, dtype=np.int32)
        # Coefficients that HiGHS takes for zero.
        self._left_out = 0
        self._least: float = self._highs.getOptionValue("small_matrix_value")[1]
        # Whether the next LP starts from a basis; HiGHS then leaves presolve out by itself.
        self._hot = False
        self._load(program)

    @property
    def factor(self) -> float:
        """What the objective is multiplied with in HiGHS."""
        return self._factor

    @property
    def tolerance(self) -> float:
        """Points that are better than a MIP's incumbent by less than this may be lost."""
        kept: float = self._highs.getOptionValue("mip_feasibility_tolerance")[1]
        return kept / self._factor

    def enlarge(self, times: float) -> None:
        """Take the objective so many times larger, a power of two; answers are in its own size."""
        self._larger *= times
        self.set_objective(self._objective, self._offset)

    def _load(self, program: Program) -> None:
        check_data(program)
        matrix = program.matrix
        status = self._highs.passModel(
            program.columns,
            program.rows,
            matrix.nnz,
            _ROWWISE,
            1 if self._sense == "minimize" else -1,
            self._offset * self._factor,
            self._objective * self._factor,
            program.lower,
            program.upper,
            program.row_lower,
            program.row_upper,
            int32(matrix.indptr),
            int32(matrix.indices),
            matrix.data,
            program.integer.astype(np.int32),
        )
        if status == self._error:
            raise Refused("HiGHS refuses the program: a number in it is out of range")
        self._left_out = max(0, int(np.count_nonzero(matrix.data)) - int(self._highs.getNumNz()))

    # ---- changes ----

    def load(self, program: Program, basis: Basis | None = None) -> None:
        """Another linear program with as many columns, to start from a basis where one is given."""
        if program.columns != len(self._objective) or program.integer.any():
            raise ValueError("a session takes over linear programs with the same columns only")
        self._sense, self._offset = program.sense, float(program.offset)
        self._objective = np.array(program.objective, dtype=np.float64)
        self._factor = objective_factor(self._objective) * self._larger
        self._applied = None
        self._load(program)
        self._hot = False
        if basis is not None and len(basis[1]) == program.rows:
            kinds = self._core.HighsBasisStatus
            given = self._core.HighsBasis()
            given.col_status, given.row_status = ([kinds(int(k)) for k in part] for part in basis)
            given.valid = True
            self._hot = self._highs.setBasis(given) != self._error

    def basis(self) -> Basis | None:
        """The basis of the last solve: what each column and each row is in HiGHS's numbering."""
        if not self._hot:
            return None
        held = self._highs.getBasis()
        columns, rows = (
            np.array([int(k) for k in part], dtype=np.int8)
            for part in (held.col_status, held.row_status)
        )
        return columns, rows

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for some columns."""
        index = _index(columns)
        self._try(
            self._highs.changeColsBounds(
                len(index), index, _spread(lower, index), _spread(upper, index)
            )
        )

    def set_objective(self, c: ArrayLike, offset: float = 0.0) -> None:
        """A new objective, one coefficient a column, in the same sense as before."""
        costs = np.array(c, dtype=np.float64)
        if costs.shape != self._objective.shape:
            raise ValueError(f"{len(self._objective)} coefficients are needed, not {costs.shape}")
        if not np.isfinite(costs).all():
            raise ValueError("the objective holds a number that is infinite or not a number")
        factor = objective_factor(costs) * self._larger
        self._try(self._highs.changeColsCost(len(costs), self._indices, costs * factor))
        self._try(self._highs.changeObjectiveOffset(float(offset) * factor))
        if factor != self._factor:
            self._factor, self._applied = factor, None
        self._objective, self._offset = costs, float(offset)

    def set_coefficients(
        self, rows: Sequence[int], columns: Sequence[int], values: Sequence[float]
    ) -> None:
        """New matrix coefficients, entry by entry; an entry may be new or become zero."""
        change, error, least = self._highs.changeCoeff, self._error, self._least
        for row, column, value in zip(rows, columns, values, strict=True):
            if change(row, column, value) == error:
                self._try(error)
            if 0.0 < abs(value) <= least:
                self._left_out += 1

    @property
    def _altered(self) -> str:
        """How HiGHS has changed the program, in words."""
        if not self._left_out:
            return ""
        return f"HiGHS left out {self._left_out} coefficients that are zero or nearly zero"

    def _try(self, status: Any) -> None:
        if status == self._error:
            raise Refused("HiGHS refuses the change: an index or a number is out of range")

    # ---- solving ----

    def solve(self, options: SolveOptions | None = None) -> Solution:
        """Solve what the session holds now."""
        options = options or SolveOptions()
        highs = self._highs
        monitor = Monitor()
        direct = not self._mixed and not watched(options) and highs.getNumNz() <= DIRECT_NONZEROS
        self._set_options(options, direct)
        if options.start is not None and self._mixed:
            self._set_start(options.start)
        hot = self._hot and not self._mixed
        self._run(monitor, options, direct)
        termination = self._termination(monitor)
        note = self._altered
        if termination in _TO_CONFIRM and not hot and highs.getOptionValue("presolve")[1] != "off":
            termination, note = self._confirm(monitor, options, direct, termination)
        return self._read(monitor, options, termination, note)

    def quick_value(self, options: SolveOptions) -> float | None:
        """The optimal value of a linear program in a direct run, None where there is none to give.

        Nothing but the value is read from HiGHS; where the answer is not plain, `solve` gives it.
        """
        if self._mixed or not self._hot or watched(options):
            return self.solve(options).value
        self._set_options(options, True)
        self._highs.run()
        if self._terminations.get(self._highs.getModelStatus()) != "optimal":
            return self.solve(options).value
        return float(self._highs.getObjectiveValue()) / self._factor

    def extremes(
        self, directions: Directions, near: float, point: FloatArray, patience: float | None
    ) -> list[Extreme]:
        """The multipliers of the rows with which each direction is least, and with which it is most.

        For a linear program without costs, in which `point` lies. An end to which one of the points found
        so far is as near as `near` times the range is not sought; nor is one after `patience` seconds.
        """
        highs, d = self._highs, directions
        self._set_options(SolveOptions(), True)
        least = most = d.values(point)
        found: list[Extreme] = []
        end = float("inf") if patience is None else time.perf_counter() + patience
        for k, (j, other, slope) in enumerate(d.entries()):
            for sign in (1.0, -1.0):
                away = least[k] - d.lower[k] if sign > 0 else d.upper[k] - most[k]
                if away <= near * (d.upper[k] - d.lower[k]) or time.perf_counter() > end:
                    continue
                if slope:
                    self._try(highs.changeColCost(other, -sign * slope))
                self._try(highs.changeColCost(j, sign))
                highs.run()
                ended = self._terminations.get(highs.getModelStatus(), "failed")
                if ended == "optimal":
                    solution = highs.getSolution()
                    there = d.values(np.array(solution.col_value))
                    least, most = np.minimum(least, there), np.maximum(most, there)
                    found.append((k, sign, ended, np.array(solution.row_dual)))
                elif ended in _TO_CONFIRM:
                    found.append((k, sign, ended, self._ray()))
                    break
            self._try(highs.changeColCost(j, 0.0))
            if slope:
                self._try(highs.changeColCost(other, 0.0))
            if found and found[-1][2] in _TO_CONFIRM:
                break
        self._objective = np.zeros(len(self._objective))
        return found

    def iterations(self) -> int:
        """Simplex iterations of the last run."""
        return int(self._highs.getInfoValue("simplex_iteration_count")[1])

    def _set_options(self, options: SolveOptions, direct: bool) -> None:
        # A scheduler that already works in this thread cannot change its number of threads, and
        # simplex does not use it: leave it alone in direct runs.
        threads = 0 if direct or options.threads is None else options.threads
        limit = float("inf") if options.time_limit is None else max(options.time_limit, 0.0)
        if not self._mixed and options.time_limit is not None:
            # HiGHS counts the time of all LP runs of one object, but each MIP run by itself.
            limit += self._highs.getRunTime()
        wanted = (options.gap, options.absolute_gap, options.seed, options.log, threads, limit)
        if wanted == self._applied:
            return
        for name, value in (
            ("mip_rel_gap", float(options.gap)),
            ("mip_abs_gap", float(options.absolute_gap) * self._factor),
            ("random_seed", int(options.seed)),
            ("output_flag", options.log),
            ("threads", threads),
            ("time_limit", limit),
            *self._settings.items(),
        ):
            if self._highs.setOptionValue(name, value) == self._error:
                raise ValueError(f"HiGHS refuses {value!r} for its option {name}")
        self._applied = wanted

    def _set_start(self, start: FloatArray) -> None:
        point = np.asarray(start, dtype=np.float64)
        if point.shape != self._objective.shape:
            raise ValueError(f"a start needs {len(self._objective)} entries, not {point.shape}")
        known = np.flatnonzero(np.isfinite(point)).astype(np.int32)
        if len(known) == len(point):
            solution = self._core.HighsSolution()
            solution.col_value = point
            self._highs.setSolution(solution)
        elif len(known):
            self._highs.setSolution(len(known), known, point[known])

    def _run(self, monitor: Monitor, options: SolveOptions, direct: bool) -> None:
        highs = self._highs
        if direct:
            highs.run()
            return
        sense, cutoff, factor = self._sense, options.cutoff, self._factor

        def on_mip(event: Any) -> None:
            try:
                out = event.data_out
                bound = out.mip_dual_bound / factor
                monitor.note(out.mip_primal_bound / factor, bound, out.mip_node_count)
                if cutoff is not None and beyond(sense, finite(bound), cutoff):
                    monitor.stop("cutoff")
            except BaseException as error:  # noqa: BLE001 - raised by supervise
                monitor.fail(error)
            if monitor.stopping:
                event.interrupt()

        def on_lp(event: Any) -> None:
            if monitor.stopping:
                event.interrupt()

        subscribed = (
            [(highs.cbMipInterrupt, on_mip)]
            if self._mixed
            else [(highs.cbSimplexInterrupt, on_lp), (highs.cbIpmInterrupt, on_lp)]
        )
        for hook, function in subscribed:
            hook.subscribe(function)
        abandoned = False
        try:
            supervise(highs.run, monitor, options)
        except KeyboardInterrupt:
            abandoned = True  # the solver's thread still runs: do not touch its hooks
            raise
        finally:
            if not abandoned:
                for hook, function in subscribed:
                    hook.unsubscribe(function)

    def _proven(self, bound: float, value: float | None) -> float:
        """What a MIP's dual bound has proven beside an incumbent, as far as `tolerance` lets it."""
        sign = 1.0 if self._sense == "minimize" else -1.0
        if value is None or self.tolerance <= ROUNDING * abs(value) or self._stepwise():
            return bound
        columns = self._highs.getLp()
        worst = np.where(sign * self._objective > 0, columns.col_lower_, columns.col_upper_)
        with np.errstate(invalid="ignore"):
            parts = np.where(self._objective != 0, self._objective * worst, 0.0)
        # What the ranges prove needs no search.
        level = float(parts.sum()) + self._offset
        near = min(sign * bound, sign * value - self.tolerance)
        return sign * (max(near, sign * level) if np.isfinite(level) else near)

    def _stepwise(self) -> bool:
        """Whether the objective moves in steps of `STEP`, so that nothing lies within `tolerance`."""
        costs = self._objective / STEP
        whole = np.abs(costs - np.rint(costs)) <= 1e-10 + 4e-16 * np.abs(costs)
        return bool((whole & (self._integer | (costs == 0))).all()) and self.tolerance < STEP / 2

    def _ray(self) -> FloatArray | None:
        """The multipliers of rows with which the last basis shows that nothing is feasible."""
        status, known, ray = self._highs.getDualRay()
        if status == self._error or not known:
            return None
        return np.array(ray, dtype=np.float64)

    def _termination(self, monitor: Monitor) -> Termination:
        termination = self._terminations.get(self._highs.getModelStatus(), "failed")
        if termination == "interrupted":
            return monitor.stopped()
        if termination == "unbounded" and self._mixed:
            return "infeasible_or_unbounded"  # HiGHS has only seen that the LP relaxation is
        return termination

    def _confirm(
        self, monitor: Monitor, options: SolveOptions, direct: bool, claim: Termination
    ) -> tuple[Termination, str]:
        """Solve again without presolve, within the time that is left."""
        highs = self._highs
        if options.time_limit is not None:
            left = options.time_limit - monitor.seconds
            if left <= 0.0:
                return "time_limit", f"HiGHS says {claim}; no time was left to confirm it"
            highs.setOptionValue("time_limit", left + (0.0 if self._mixed else highs.getRunTime()))
        presolve = highs.getOptionValue("presolve")[1]
        highs.clearSolver()
        highs.setOptionValue("presolve", "off")
        try:
            self._run(monitor, options, direct)
            second = self._termination(monitor)
        finally:
            highs.setOptionValue("presolve", presolve)
            self._applied = None
        if second == claim:
            return second, self._altered
        if second in _TO_CONFIRM:
            specific = claim if second == "infeasible_or_unbounded" else second
            return specific, self._altered
        return second, f"HiGHS said {claim} with presolve and {second} without; the second counts"

    def _read(
        self, monitor: Monitor, options: SolveOptions, termination: Termination, note: str
    ) -> Solution:
        highs = self._highs

        def info(name: str) -> Any:
            return highs.getInfoValue(name)[1]

        self._hot = info("basis_validity") == 1
        point = value = bound = duals = costs = None
        solution: Any = None
        if info("primal_solution_status") == _FEASIBLE and termination not in _TO_CONFIRM:
            solution = highs.getSolution()
            point = np.array(solution.col_value, dtype=np.float64)
            if finite_point(point):
                value = float(self._objective @ point) + self._offset
            else:
                point, note = None, "HiGHS returned a point that is not finite"
        if termination == "optimal" and point is None:
            termination, note = "failed", note or "HiGHS says optimal and gives no point"
        elif termination == "failed":
            note = note or f"HiGHS ended with {highs.getModelStatus().name}"
        nodes = 0
        if self._mixed:
            nodes = max(int(info("mip_node_count")), 0)
            if termination not in _TO_CONFIRM:
                known = finite(info("mip_dual_bound"))
                bound = None if known is None else self._proven(known / self._factor, value)
        elif termination == "infeasible" and options.duals:
            duals = self._ray()
        elif termination == "optimal":
            bound = value
            if options.duals and solution.dual_valid:
                duals = np.array(solution.row_dual, dtype=np.float64) / self._factor
                costs = np.array(solution.col_dual, dtype=np.float64) / self._factor
        if monitor.keyboard:
            note = note or "stopped by Ctrl-C"
        answer = Solution(
            termination,
            point,
            value,
            bound,
            monitor.seconds,
            nodes,
            "highs",
            note,
            duals,
            costs,
            altered=self._altered,
        )
        if options.on_progress is not None:
            monitor.note(value, bound, nodes)
            options.on_progress(monitor.progress())
        return answer


def _index(values: ArrayLike) -> Any:
    return np.atleast_1d(np.asarray(values, dtype=np.int32))


def _spread(values: ArrayLike, index: Any) -> FloatArray:
    """One number for all entries or one number for each."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape == index.shape:
        return numbers
    return np.full(index.shape, numbers)
