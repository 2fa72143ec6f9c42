"""`solve`: from a problem to an outcome with its certificate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.registry import Backend
from allocc.backends.solution import MissingSolver, Solution, Word
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import written
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.reformulations.coefficients import far_apart
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.assess import ROUNDING, Assessment
from allocc.engine.choose import Choice, choose, takes_the_rest
from allocc.engine.confirm import Claim, confirm, confirm_empty, solve_mixed
from allocc.engine.continuous import NotMeasured, deviations
from allocc.engine.improve import Heuristics
from allocc.engine.ledger import WORDS, Ledger
from allocc.engine.outcome import Deviation, Options, Outcome, Status, Stopped
from allocc.engine.proving.denominators import prepared
from allocc.engine.proving.examine import said
from allocc.engine.refine import SEARCH, refine
from allocc.engine.relaxed import relaxed_first

#: Shares of every range at which allocations are simulated before anything is solved.
SHARES = (0.0, 0.5, 0.25, 0.75, 1.0)
#: What a solver says when it has no point and no limit stopped it.
_NO_POINT = ("infeasible", "unbounded", "infeasible_or_unbounded")


def solve(problem: Problem, options: Options, starts: Sequence[Values] = ()) -> Outcome:
    """Choose a method, run it, and judge what comes out by simulation.

    `starts` are decisions that are simulated first; the best that is feasible is what the search
    begins at. They prove nothing, and bad ones do no harm.

    Raises `MissingSolver` where the solver is not there, `AlloccError` where the model cannot be
    compiled for it (a product without bounds, say).
    """
    return Loop(problem, options, starts).run()


class Loop(Ledger):
    """One solve, from the first call to the outcome."""

    def __init__(self, problem: Problem, options: Options, starts: Sequence[Values] = ()) -> None:
        super().__init__(problem, options)
        self.starts = starts
        self.choice = Choice("exact", "")
        #: The program with the ranges that follow from the limits.
        self.box: Program | None = None
        self.heuristics = Heuristics(self)
        #: What a solver has said last of a mixed-integer or nonlinear program, not yet looked into.
        self.claim: Claim | None = None
        #: What it rests on that nothing meets every limit, where that is the end.
        self.emptiness: Word = "proven"

    # What overflows is infinite, and is seen where values, bounds and coefficients are judged.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def run(self) -> Outcome:
        """Solve; once an allocation is had, nothing that happens later loses it."""
        try:
            return self._run()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return self._broken_off("interrupted")
        except MemoryError:
            if self.best is None:
                raise
            return self._broken_off("memory_limit", "there is not enough memory")
        except MissingSolver:
            raise
        except Exception as error:
            if self.best is None or os.environ.get("ALLOCC_DEBUG") == "1":
                raise
            return self._broken_off("failed", f"allocc broke down: {said(error)}")

    def _broken_off(self, stopped: Stopped, message: str = "") -> Outcome:
        """The outcome of what is had; no claim is looked into any more."""
        self.claim = None
        return self.end(self._status(), stopped, message)

    def _run(self) -> Outcome:
        backend = registry.get(self.options.solver)
        chain = prepared(self.problem, self.options.method)
        for step in chain.steps:
            if step.told:
                self.told(step.told)
        self.places, program = chain.places, chain.program
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
        self._simple()
        if self.choice.method == "direct":
            return self._once(backend, relaxation, written(relaxation, "direct"))
        if self.choice.method == "exact":
            try:
                built = written(relaxation, "exact")
            except Infeasible as empty:
                return self._propagated_infeasible(program, empty)
            return self._once(backend, relaxation, built)
        return refine(self, backend, relaxation, program)

    def _begin(self, program: Program) -> None:
        """Simulate the starts, and complete the best one to a point of the program."""
        for start in self.starts:
            found = self.simulated({v: start[v] for v in self.problem.decisions})
            if self.better(found):
                self.best = found
        if not self.starts:
            return
        if self.best is None:
            self.notes.append("no start meets every limit: none is used")
            return
        decided = {v: self.best.values[v] for v in self.problem.decisions}
        complete = Completer(program, self.places.mask(decided, program.columns))
        full = complete(self.places.point(decided, program.columns))
        if not len(complete.missing) and np.isfinite(full).all():
            self.best_point = full
        self.note("start")

    def _nothing_to_decide(self) -> Outcome:
        self.offer(np.zeros(0))
        if self.best is not None:
            self.prove(self.best.value, "proven")
            return self.end("optimal", "gap")
        self.refuse_undefined()
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
                self.heuristics.round(relaxation, built.lower_point(rounded.point))
            self.note("relaxed and rounded")
            if self.closed:
                return self.finish(rounded)
            start = rounded.point
        for _ in range(3):
            solution = solve_mixed(self, backend, built, target, start)
            outcome = self.without_point(solution)
            if outcome is not None:
                return outcome
            assert solution.point is not None
            self.prove(solution.bound, solution.word)
            point = built.lower_point(solution.point)
            self.heuristics.round(relaxation, point)
            # A look around also exposes a solver that calls a poor point optimal.
            self.heuristics.search(point, SEARCH)
            self.note("solved")
            certain = solution.termination == "optimal" and self.best is not None
            if self.ended or not certain:
                break
            target, start = target * 0.01, solution.point
        return self.finish(solution)

    # --- claims ---------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether no further round is wanted: a claim that would be the end is looked into first."""
        self._look_into()
        return super().ended

    def _look_into(self) -> None:
        claim = self.claim
        if claim is not None and (self.closed or self.contradicted) and self.word == "claimed":
            self.claim = None
            confirm(self, claim)

    # --- endings --------------------------------------------------------------------------

    def without_point(self, solution: Solution) -> Outcome | None:
        """The outcome of a solve that brought no point; None where it did."""
        if solution.point is not None:
            return None
        self.prove(solution.bound, solution.word)
        ended = solution.termination
        if ended == "infeasible_or_unbounded" and self._bounded():
            ended = "infeasible"
        if ended == "infeasible" and not self.holds_nothing(solution):
            doubt = ": not confirmed" if self.best is None else ", and this does"
            words = f"{solution.solver} says that nothing meets every limit{doubt}"
            return self.finish(replace(solution, termination="failed", message=words))
        if ended not in _NO_POINT or (self.best is not None and ended == "infeasible"):
            return self.finish(solution)
        if ended == "unbounded" and self._bounded():
            words = f"{solution.solver} says unbounded, and the ranges bound the objective"
            return self.finish(replace(solution, termination="failed", message=words))
        # What was found on the way is no answer where there is none, or always a better one.
        self.best = None
        return self.end(
            "infeasible" if ended == "infeasible" else "unbounded", "", solution.message
        )

    def holds_nothing(self, solution: Solution) -> bool:
        """Whether it is shown, and not only claimed, that a program without a point has none."""
        if solution.word != "claimed" or self.claim is None:
            self.emptiness = solution.word
            return solution.word != "claimed"
        claim, self.claim = self.claim, None
        found = confirm_empty(self, claim)
        self.emptiness = found or "claimed"
        return found is not None

    def _simple(self) -> None:
        """Simulate the trivial allocations: the ends of the ranges, and shares between them."""
        assert self.box is not None
        none = np.zeros(self.box.columns)
        low = np.where(np.isfinite(self.box.lower), self.box.lower, none)
        high = np.where(np.isfinite(self.box.upper), self.box.upper, np.maximum(low, none))
        self.offer(np.clip(none, low, high))
        for share in SHARES:
            self.offer(low + share * (high - low))

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
        return self.end(self._status(), stopped, solution.message or self._unsettled(stopped))

    def _unsettled(self, stopped: Stopped) -> str:
        """What in the model keeps solvers from settling it; empty where it is settled."""
        if stopped != "exhausted" or self.closed or self.box is None:
            return ""
        found = far_apart(self.box)
        return "" if found is None else str(found)

    def _status(self) -> Status:
        """What is known when the loop ends here."""
        if self.closed:
            return "optimal"
        return "unknown" if self.best is None else "feasible"

    def _another_solver(self) -> None:
        """Note an installed solver that branches on products and functions itself."""
        assert self.box is not None
        name = takes_the_rest(self.box)
        if name:
            licence = ", as far as its licence reaches," if name == "gurobi" else ""
            self.told(
                f"{name} is installed, takes the products and functions of this model as they are{licence} "
                f"and may be faster: --solver {name} --method direct"
            )

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

    def _deviations(self, best: Assessment) -> tuple[Deviation, ...]:
        """The distance to continuous time; where it cannot be measured, a note says why.

        What is proven by then is not lost, whatever happens here.
        """
        unknown = "how far the steps are from continuous time is not known"
        try:
            return deviations(self.problem, best.values)
        except NotMeasured as reason:
            self.told(f"{unknown}: {reason}")
        except KeyboardInterrupt:
            self.told(f"{unknown}: interrupted")
        except MemoryError:
            self.told(f"{unknown}: there is not enough memory")
        except Exception as error:
            if os.environ.get("ALLOCC_DEBUG") == "1":
                raise
            self.told(f"{unknown}: allocc broke down there, please report it ({said(error)})")
        return ()

    def end(self, status: Status, stopped: Stopped, message: str = "") -> Outcome:
        """The outcome, with its certificate."""
        self._look_into()
        best = self.best
        if best is not None and self.contradicted:
            self.notes.append(self._contradiction(best))
            for word in WORDS:
                self.withdraw(word)
        if status in ("optimal", "feasible", "unknown"):
            status = self._status()
            if status == "optimal":
                # What a solver said on the way, of a part of the search, says nothing of this.
                stopped, message = "gap", ""
            elif stopped == "gap":
                stopped = "exhausted"
        if status == "unknown":
            self.refuse_undefined()
        if status == "infeasible":
            self.tell_undefined()
        if best is not None:
            for name, reached in best.probabilities.items():
                self.notes.append(f"chance {name}: holds with probability {reached:.6g}")
        if stopped == "time_limit" and self.choice.method == "refine":
            self._another_solver()
        off = self._deviations(best) if best is not None else ()
        outcome = Outcome(
            status=status,
            stopped=stopped,
            value=best.value if best else None,
            bound=self.bound,
            word=self.word if status != "infeasible" else self.emptiness,
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
            gap_measure=None if self.gap is None else self.measure,
            discretization=off,
            message=message,
            notes=tuple(self.notes),
        )
        self.note("done")
        return replace(outcome, history=tuple(self.history))
