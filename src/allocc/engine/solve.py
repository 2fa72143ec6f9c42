"""`solve`: from a problem to an outcome with its certificate."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.registry import Backend
from allocc.backends.solution import MissingSolver, Progress, Refused, Solution, SolveOptions
from allocc.compiler.bounds import Infeasible
from allocc.compiler.complete import Completer
from allocc.compiler.lower import lower
from allocc.compiler.magnitudes import refuse_extremes
from allocc.compiler.problem import Problem
from allocc.compiler.program import FloatArray, Program
from allocc.compiler.reformulations.growth import in_logarithms
from allocc.compiler.relaxation import Built, Relaxation
from allocc.compiler.scaling import safe_dual, scale
from allocc.compiler.simulate import Values
from allocc.dsl.diagnostics import AlloccError
from allocc.engine.assess import ROUNDING, Assessment, assess
from allocc.engine.choose import Choice, choose
from allocc.engine.continuous import discretization_error
from allocc.engine.examine import broken_off, examined, said, well_formed
from allocc.engine.fixed import FixedProgram, is_linear_when_fixed, solve_fixed
from allocc.engine.outcome import (
    Options,
    Outcome,
    Status,
    Step,
    Stopped,
    relative_gap,
)
from allocc.engine.refine import refine
from allocc.engine.relaxed import relaxed_first
from allocc.engine.search import LocalSearch
from allocc.engine.successive import SuccessiveLinear

#: Linear relaxations with more columns are solved by an interior point method.
LARGE = 3000
#: A difference of value and bound that counts as none.
ABSOLUTE_GAP = 1e-9
#: What a solver says when it has no point and no limit stopped it.
_NO_POINT = ("infeasible", "unbounded", "infeasible_or_unbounded")
#: A claim of a solver that contradicts the simulation by more than this is reported.
CONTRADICTION = 1e-6


def solve(problem: Problem, options: Options, starts: Sequence[Values] = ()) -> Outcome:
    """Choose a method, run it, and judge what comes out by simulation.

    `starts` are decisions that are simulated first; the best that is feasible is what the search
    begins at. They prove nothing, and bad ones do no harm.

    Raises `MissingSolver` where the solver is not there, `AlloccError` where the model cannot be
    compiled for it (a product without bounds, say).
    """
    return Loop(problem, options, starts).run()


class Loop:
    """One solve: the best allocation, the best bound, and how they came about."""

    def __init__(self, problem: Problem, options: Options, starts: Sequence[Values] = ()) -> None:
        self.problem = problem
        self.starts = starts
        self.options = options
        self.started = time.perf_counter()
        self.minimize = problem.sense == "minimize"
        self.bound: float | None = None
        self.best: Assessment | None = None
        self.best_point: FloatArray | None = None
        self.history: list[Step] = []
        self.rounds = 0
        self.notes: list[str] = []
        self.choice = Choice("exact", "")
        self._seen: set[bytes] = set()
        #: The program with the ranges that follow from the limits.
        self.box: Program | None = None
        self._search: LocalSearch | None = None
        self._successive: SuccessiveLinear | None = None

    # --- book-keeping ---------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    def remaining(self) -> float | None:
        """Seconds that are left, None without a limit."""
        limit = self.options.time_limit
        return None if limit is None else max(0.0, limit - self.seconds)

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit is reached."""
        left = self.remaining()
        return left is not None and left <= 0

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        cancel = self.options.cancel
        return cancel is not None and cancel.is_set()

    @property
    def gap(self) -> float | None:
        """The relative gap of what is had."""
        return relative_gap(self.best.value if self.best else None, self.bound)

    @property
    def closed(self) -> bool:
        """Whether the asked gap is reached."""
        gap = self.gap
        if gap is None or self.best is None or self.bound is None:
            return False
        # Around a value of nought a relative gap means nothing.
        return gap <= self.options.gap or abs(self.best.value - self.bound) <= ABSOLUTE_GAP

    @property
    def contradicted(self) -> bool:
        """Whether the best allocation is better than the bound: more rounds cannot mend that."""
        if self.best is None or self.bound is None:
            return False
        crossing = (self.bound - self.best.value) * (1.0 if self.minimize else -1.0)
        size = abs(self.best.value)
        return crossing > CONTRADICTION * max(size, 1.0) or (
            crossing > CONTRADICTION * size and not self.closed
        )

    @property
    def ended(self) -> bool:
        """Whether no further round is wanted."""
        return self.closed or self.contradicted or self.cancelled or self.out_of_time

    def _contradiction(self, best: Assessment) -> str:
        if best.violation.relative > ROUNDING:
            return (
                f"the allocation breaks {best.violation.where} by {best.violation.absolute:.2g}, which "
                f"the tolerance allows, and its value {best.value:.10g} is better than the bound "
                f"{self.bound:.10g} on all that break nothing; no bound is given"
            )
        return (
            f"the solver's bound {self.bound:.10g} contradicts the simulated value "
            f"{best.value:.10g}; the bound is not to be trusted"
        )

    def note(self, phase: str, bound: float | None = None, always: bool = True) -> None:
        """Report progress; `bound` is one that a running solve has proven."""
        shown = self.tighter(self.bound, bound)
        value = self.best.value if self.best else None
        step = Step(self.seconds, shown, value, relative_gap(value, shown), self.rounds, phase)
        if always:
            self.history.append(step)
        if self.options.on_progress is not None:
            self.options.on_progress(step)

    def tighter(self, a: float | None, b: float | None) -> float | None:
        """The stronger of two bounds."""
        if a is None or b is None:
            return b if a is None else a
        return max(a, b) if self.minimize else min(a, b)

    def prove(self, bound: float | None) -> None:
        """Keep a proven bound."""
        self.bound = self.tighter(self.bound, bound)

    def better(self, found: Assessment) -> bool:
        """Whether an allocation is feasible and better than the best."""
        if not np.isfinite(found.value) or found.violation.relative > self.options.violation:
            return False
        if self.best is None:
            return True
        return found.value < self.best.value if self.minimize else found.value > self.best.value

    def decisions(self, point: FloatArray) -> Values:
        """Decisions from a point of the program: whole numbers rounded, ranges kept."""
        found: Values = {}
        for v in self.problem.decisions:
            assert v.lower is not None and v.upper is not None
            x = point[v.offset : v.offset + v.size].reshape(v.shape)
            x = np.rint(x) if v.integer else x
            found[v] = np.clip(x, v.lower, v.upper)
        return found

    def offer(self, point: FloatArray) -> bool:
        """Simulate the decisions of a point, if they are new, and keep them if they are the best."""
        decisions = self.decisions(point)
        key = b"".join(x.tobytes() for x in decisions.values())
        if key in self._seen:
            return False
        self._seen.add(key)
        found = assess(self.problem, decisions)
        if not self.better(found):
            return False
        self.best = found
        self.best_point = point.copy()
        return True

    def solve_options(self, gap: float, start: FloatArray | None) -> SolveOptions:
        """Options for the backend in this round."""
        o = self.options

        def on_progress(p: Progress) -> None:
            self.note("solving", p.bound, always=False)

        return SolveOptions(
            time_limit=self.remaining(),
            gap=gap,
            threads=o.threads,
            seed=o.seed,
            memory_limit_mb=o.memory_limit_mb,
            start=start,
            on_progress=on_progress if o.on_progress is not None else None,
            cancel=o.cancel,
        )

    def call(
        self,
        backend: Backend,
        program: Program,
        gap: float,
        start: FloatArray | None,
        seconds: float | None = None,
        vertex: bool = False,
    ) -> Solution:
        """Solve a program, scaled if it is linear; a linear program's bound is recomputed.

        Large linear programs are solved by an interior point method, unless a `vertex` is needed.
        A solver that breaks down, or answers what cannot be, has failed: what is had is kept.
        """
        if self.best is None:
            refuse_extremes(program)
        try:
            found = self._call(backend, program, gap, start, seconds, vertex)
        except (MissingSolver, AlloccError):
            raise
        except MemoryError:
            found = broken_off(backend.name, "memory_limit", "there is not enough memory")
        except Exception as error:
            if os.environ.get("ALLOCC_DEBUG") == "1":
                raise
            found = broken_off(backend.name, "failed", f"{backend.name} broke down: {said(error)}")
        return examined(program, found, self.told)

    def told(self, note: str) -> None:
        """Keep a note, once."""
        if note not in self.notes:
            self.notes.append(note)

    def _call(
        self,
        backend: Backend,
        program: Program,
        gap: float,
        start: FloatArray | None,
        seconds: float | None,
        vertex: bool,
    ) -> Solution:
        options = self.solve_options(gap, start)
        if seconds is not None:
            left = options.time_limit
            options = replace(options, time_limit=seconds if left is None else min(seconds, left))
        if len(program.products) or program.functions:
            answer = backend.solve(program, options)
            return well_formed(program, self.told_apart(backend, program, answer), self.told)
        scaled, scaling = scale(program)
        if not vertex and not program.integer.any() and program.columns > LARGE:
            options = replace(options, interior=True)
        if start is not None:
            options = replace(options, start=scaling.point_in(start))
        answer = self.told_apart(backend, scaled, backend.solve(scaled, options))
        found = well_formed(scaled, answer, self.told)
        if "left out" in found.message:
            return self._distrust(found)
        bound, reduced = found.bound, found.reduced_costs
        if not program.integer.any() and found.row_duals is not None:
            level, costs = safe_dual(scaled, scaled.objective, found.row_duals, self.minimize)
            if np.isfinite(level):
                bound, reduced = program.offset + level, costs
        return replace(
            found,
            bound=bound,
            point=None if found.point is None else scaling.point_out(found.point),
            row_duals=None if found.row_duals is None else found.row_duals * scaling.rows,
            reduced_costs=None if reduced is None else reduced / scaling.columns,
        )

    def told_apart(self, backend: Backend, program: Program, found: Solution) -> Solution:
        """An answer that says infeasible or unbounded as one of the two, asked without objective."""
        if found.termination != "infeasible_or_unbounded" or not program.objective.any():
            return found
        free = replace(program, objective=np.zeros(program.columns))
        second = backend.solve(free, self.solve_options(1.0, None))
        if second.point is not None:
            return replace(found, termination="unbounded")
        if second.termination in ("infeasible", "infeasible_or_unbounded"):
            return replace(found, termination="infeasible")
        return replace(found, termination=second.termination, message=second.message)

    def _distrust(self, found: Solution) -> Solution:
        """A solution of a program that the solver has changed: it proves nothing."""
        self.told(f"{found.message}; its bounds are not used")
        ended = found.termination
        if ended in ("infeasible", "unbounded", "infeasible_or_unbounded"):
            return replace(found, termination="failed", bound=None)
        return replace(found, bound=None, row_duals=None, reduced_costs=None)

    # --- the loop -------------------------------------------------------------------------

    # What overflows is infinite, and is seen where values, bounds and coefficients are judged.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def run(self) -> Outcome:
        """Solve; once an allocation is had, nothing that happens later loses it."""
        try:
            return self._run()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return self.end(self._status(), "interrupted")
        except MemoryError:
            if self.best is None:
                raise
            return self.end(self._status(), "memory_limit", "there is not enough memory")
        except Exception as error:
            if self.best is None or os.environ.get("ALLOCC_DEBUG") == "1":
                raise
            return self.end(self._status(), "failed", f"allocc broke down: {said(error)}")

    def _run(self) -> Outcome:
        backend = registry.get(self.options.solver)
        program = lower(self.problem)
        grown = in_logarithms(program) if self.options.method in ("auto", "refine") else None
        if grown is not None:
            self.told("growth by a factor that a binary chooses is written in logarithms")
            program = grown
        try:
            relaxation = Relaxation(program)
        except Infeasible as empty:
            return self._propagated_infeasible(program, empty)
        self.box = relaxation.program
        self.choice = choose(relaxation, backend, self.options)
        self.note(self.choice.reason)
        if not self.problem.decisions:
            return self._nothing_to_decide()
        self._begin(program)
        if self.choice.method == "direct":
            return self._once(backend, relaxation, relaxation.build_direct(backend.capabilities))
        if self.choice.method == "exact":
            relaxation.make_exact()
            try:
                built = relaxation.build()
            except Infeasible as empty:
                return self._propagated_infeasible(program, empty)
            return self._once(backend, relaxation, built)
        return refine(self, backend, relaxation, program)

    def _begin(self, program: Program) -> None:
        """Simulate the starts, and complete the best one to a point of the program."""
        for start in self.starts:
            found = assess(self.problem, {v: start[v] for v in self.problem.decisions})
            if self.better(found):
                self.best = found
        if not self.starts:
            return
        if self.best is None:
            self.notes.append("no start meets every limit: none is used")
            return
        given = np.zeros(program.columns, dtype=bool)
        point = np.zeros(program.columns)
        for v in self.problem.decisions:
            here = slice(v.offset, v.offset + v.size)
            point[here] = np.asarray(self.best.values[v]).ravel()
            given[here] = True
        complete = Completer(program, given)
        full = complete(point)
        if not len(complete.missing) and np.isfinite(full).all():
            self.best_point = full
        self.note("start")

    def _nothing_to_decide(self) -> Outcome:
        self.offer(np.zeros(0))
        if self.best is not None:
            self.prove(self.best.value)
            return self.end("optimal", "gap")
        return self.end("infeasible", "")

    def _propagated_infeasible(self, program: Program, empty: Infeasible) -> Outcome:
        name = program.column_name(empty.column)
        if self.best is not None:
            return self.end(self._status(), "exhausted")
        return self.end("infeasible", "", f"no value of {name} satisfies the limits")

    def _once(self, backend: Backend, relaxation: Relaxation, built: Built) -> Outcome:
        """One solve of a program that is exact."""
        self.rounds = 1
        target = self.options.gap * 0.5
        start = None if self.best_point is None else built.lift_point(self.best_point)
        rounded = relaxed_first(self, backend, built.program)
        if rounded is not None and rounded.point is not None:
            self.offer(built.lower_point(rounded.point))
            if not self.closed:
                self.candidates(relaxation, built.lower_point(rounded.point))
            self.note("relaxed and rounded")
            if self.closed:
                return self.finish(rounded)
            start = rounded.point
        for _ in range(3):
            solution = self.call(backend, built.program, target, start)
            outcome = self.without_point(solution)
            if outcome is not None:
                return outcome
            assert solution.point is not None
            self.prove(solution.bound)
            point = built.lower_point(solution.point)
            self.candidates(relaxation, point)
            # A look around also exposes a solver that calls a poor point optimal.
            self.search_near(relaxation, point, max(0.1, 0.1 * self.seconds))
            self.note("solved")
            if self.closed or solution.termination != "optimal" or self.best is None:
                break
            if self.contradicted:
                break
            target, start = target * 0.01, solution.point
        return self.finish(solution)

    # --- allocations ------------------------------------------------------------------------

    @contextmanager
    def searching(self) -> Iterator[None]:
        """A search for better allocations, without which the loop goes on where it breaks down."""
        try:
            yield
        except Refused as refused:
            self.told(f"a search for better allocations ended early: {refused}")

    def candidates(self, relaxation: Relaxation, point: FloatArray) -> None:
        """Offer the best point with the integers of a point, or the point itself."""
        with self.searching():
            if self._with_integers(relaxation, point):
                return
        self.offer(point)

    def _with_integers(self, relaxation: Relaxation, point: FloatArray) -> bool:
        """Offer the best point with the integers of a point; whether that is the best there is."""
        if self._search is None and is_linear_when_fixed(relaxation):
            self._search = LocalSearch(FixedProgram(relaxation), self.minimize)
        if self._search is not None:
            here = self._rounded(point)
            value = self._search.value(here)
            if np.isfinite(value):
                # The linear program is exact: what it calls worse need not be simulated.
                found = None if self._is_worse(value) else self._search.point(here)
                if found is not None:
                    self.offer(found)
                return True
        elif relaxation.program.integer.any():
            fixed = solve_fixed(relaxation, point, self.remaining())
            if fixed is not None:
                self.offer(fixed)
        return False

    def _is_worse(self, signed: float) -> bool:
        """Whether a signed value (smaller is better) is clearly worse than the best."""
        if self.best is None:
            return False
        best = self.best.value if self.minimize else -self.best.value
        return signed > best + ABSOLUTE_GAP * max(1.0, abs(best))

    def _rounded(self, point: FloatArray) -> FloatArray:
        assert self._search is not None
        fixed = self._search.fixed
        return np.clip(np.rint(point[fixed.whole]), fixed.lower, fixed.upper)

    def polish(self, relaxation: Relaxation, program: Program) -> None:
        """Successive linear programs from the best allocation, integers fixed and then free."""
        if self.best_point is None:
            return
        if self._successive is None:
            columns = [np.arange(v.offset, v.offset + v.size) for v in self.problem.decisions]
            self._successive = SuccessiveLinear(relaxation, program, np.concatenate(columns))
        if not self._successive.usable:
            return

        def stop() -> bool:
            return self.cancelled or self.out_of_time

        with self.searching():
            for fix_integers in (True, False):
                if fix_integers or program.integer.any():
                    self._successive.run(
                        self.best_point, self.offer, stop, self.remaining, fix_integers=fix_integers
                    )

    def search_near(self, relaxation: Relaxation, point: FloatArray, budget: float) -> None:
        """Local search from the best allocation over the integers that the relaxation splits."""
        if self._search is None or not self._search.fixed.linear or self.best_point is None:
            return
        fixed = self._search.fixed
        here = self._rounded(self.best_point)
        wish = point[fixed.whole]
        free = np.flatnonzero(fixed.lower < fixed.upper)
        order = free[np.argsort(-np.abs(wish - here)[free], kind="stable")]
        left = self.remaining()
        seconds = budget if left is None else min(budget, left)

        def stop() -> bool:
            return self.cancelled

        with self.searching():
            value, found = self._search.run(here, order, seconds, stop)
            if found is not None and not self._is_worse(value):
                self.offer(found)

    # --- endings --------------------------------------------------------------------------

    def without_point(self, solution: Solution) -> Outcome | None:
        """The outcome of a solve that brought no point; None where it did."""
        if solution.point is not None:
            return None
        self.prove(solution.bound)
        ended = solution.termination
        if self.best is not None or ended not in _NO_POINT:
            return self.finish(solution)
        if ended == "infeasible_or_unbounded" and self._bounded():
            ended = "infeasible"
        if ended == "infeasible" and self._simple():
            self.told(f"{solution.solver} says that nothing meets every limit, and this does")
            return self.finish(replace(solution, termination="failed"))
        if ended == "unbounded" and self._bounded():
            self.told(f"{solution.solver} says unbounded, and the ranges bound the objective")
            return self.finish(replace(solution, termination="failed"))
        return self.end(
            "infeasible" if ended == "infeasible" else "unbounded", "", solution.message
        )

    def _simple(self) -> bool:
        """Whether the least, smallest or largest decisions meet every limit: a check on a solver."""
        assert self.box is not None
        none = np.zeros(self.box.columns)
        most = np.where(np.isfinite(self.box.upper), self.box.upper, none)
        for start in (none - np.inf, none, most):
            self.offer(np.clip(start, self.box.lower, self.box.upper))
        return self.best is not None

    def _bounded(self) -> bool:
        """Whether the ranges alone keep the objective from going to infinity."""
        assert self.box is not None
        p = self.box
        down = (p.objective > 0) == self.minimize
        return bool(np.isfinite(np.where(down, p.lower, p.upper)[p.objective != 0]).all())

    def finish(self, solution: Solution) -> Outcome:
        """The outcome when nothing more is to be done after a solve."""
        stopped: Stopped = ""
        if self.cancelled or solution.termination == "interrupted":
            stopped = "interrupted"
        elif self.out_of_time or solution.termination == "time_limit":
            stopped = "time_limit"
        elif solution.termination == "memory_limit":
            stopped = "memory_limit"
        elif solution.termination == "failed":
            stopped = "failed"
        else:
            stopped = "exhausted"
        return self.end(self._status(), stopped, solution.message)

    def _status(self) -> Status:
        """What is known when the loop ends here."""
        if self.closed:
            return "optimal"
        return "unknown" if self.best is None else "feasible"

    def end(self, status: Status, stopped: Stopped, message: str = "") -> Outcome:
        """The outcome, with its certificate."""
        best = self.best
        if status == "optimal":
            stopped = "gap"
        if best is not None and self.contradicted:
            self.notes.append(self._contradiction(best))
            if status == "optimal":
                status, stopped = "feasible", "exhausted"
            self.bound = None
        if best is not None:
            for name, reached in best.probabilities.items():
                self.notes.append(f"chance {name}: holds with probability {reached:.6g}")
        error = None
        if best is not None and self.problem.model.time is not None:
            error = discretization_error(self.problem, best.values)
        outcome = Outcome(
            status=status,
            stopped=stopped,
            value=best.value if best else None,
            bound=self.bound,
            gap=self.gap,
            violation=best.violation if best else None,
            values=best.values if best else None,
            terms=best.terms if best else {},
            solver=self.options.solver,
            method=self.choice.method,
            explanation=self.choice.reason,
            seconds=self.seconds,
            rounds=self.rounds,
            history=tuple(self.history),
            discretization=error,
            message=message,
            notes=tuple(self.notes),
        )
        self.note("done")
        return replace(outcome, history=tuple(self.history))
