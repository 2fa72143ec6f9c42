"""How a solve ends: the outcome, with what is proven of it."""

from __future__ import annotations

import os
from dataclasses import replace

from allocc.backends import registry
from allocc.backends.solution import Solution
from allocc.compiler.reformulations.coefficients import far_apart
from allocc.engine.choose import takes_the_rest
from allocc.engine.confirm import holds_nothing, look_into
from allocc.engine.judging.assess import ROUNDING, Assessment
from allocc.engine.judging.continuous import NotMeasured, deviations
from allocc.engine.judging.outcome import Deviation, Outcome, Status, Stopped
from allocc.engine.ledger import WORDS
from allocc.engine.loop import Loop
from allocc.engine.proving.examine import said

#: What a solver says when it has no point and no limit stopped it.
_NO_POINT = ("infeasible", "unbounded", "infeasible_or_unbounded")


def without_point(loop: Loop, solution: Solution) -> Outcome | None:
    """The outcome of a solve that brought no point; None where it did."""
    if solution.point is not None:
        return None
    loop.prove(solution.bound, solution.word)
    ended = solution.termination
    if ended == "infeasible_or_unbounded" and loop.bounded:
        ended = "infeasible"
    if ended == "infeasible" and not holds_nothing(loop, solution):
        doubt = ": not confirmed" if loop.best is None else ", and this does"
        words = f"{solution.solver} says that nothing meets every limit{doubt}"
        return finish(loop, replace(solution, termination="failed", message=words))
    if ended not in _NO_POINT or (loop.best is not None and ended == "infeasible"):
        return finish(loop, solution)
    if ended == "unbounded" and loop.bounded:
        words = f"{solution.solver} says unbounded, and the ranges bound the objective"
        return finish(loop, replace(solution, termination="failed", message=words))
    # What was found on the way is no answer where there is none, or always a better one.
    loop.best = None
    return end(loop, "infeasible" if ended == "infeasible" else "unbounded", "", solution.message)


def finish(loop: Loop, solution: Solution) -> Outcome:
    """The outcome when nothing more is to be done after a solve."""
    stopped: Stopped = ""
    if loop.cancelled or solution.termination == "interrupted":
        stopped = "interrupted"
    elif loop.out_of_time or solution.termination == "time_limit":
        stopped = "time_limit"
    elif solution.termination == "memory_limit":
        stopped = "memory_limit"
    elif solution.termination == "failed":
        stopped = "failed"
    else:
        stopped = "exhausted"
    return end(loop, loop.status, stopped, solution.message or _unsettled(loop, stopped))


def end(loop: Loop, status: Status, stopped: Stopped, message: str = "") -> Outcome:
    """The outcome, with its certificate."""
    look_into(loop)
    best = loop.best
    if best is not None and loop.contradicted:
        loop.notes.append(_contradiction(loop, best))
        for word in WORDS:
            loop.withdraw(word)
    if status in ("optimal", "feasible", "unknown"):
        status = loop.status
        if status == "optimal":
            # What a solver said on the way, of a part of the search, says nothing of this.
            stopped, message = "gap", ""
        elif stopped == "gap":
            stopped = "exhausted"
    if status == "unknown":
        loop.refuse_undefined()
    if status == "infeasible":
        loop.tell_undefined()
    if best is not None:
        for name, reached in best.probabilities.items():
            loop.notes.append(f"chance {name}: holds with probability {reached:.6g}")
    if stopped == "time_limit" and loop.choice.method == "refine":
        _another_solver(loop)
    off = _deviations(loop, best) if best is not None else ()
    outcome = Outcome(
        status=status,
        stopped=stopped,
        value=best.value if best else None,
        bound=loop.bound,
        word=loop.word if status != "infeasible" else loop.emptiness,
        gap=loop.gap,
        violation=best.violation if best else None,
        values=best.values if best else None,
        terms=best.terms if best else {},
        solver=loop.options.solver,
        method=loop.choice.method,
        explanation=loop.choice.reason,
        seconds=loop.seconds,
        rounds=loop.rounds,
        history=tuple(loop.history),
        gap_measure=None if loop.gap is None else loop.measure,
        discretization=off,
        message=message,
        notes=tuple(loop.notes),
    )
    loop.report_progress("done")
    return replace(outcome, history=tuple(loop.history))


def _unsettled(loop: Loop, stopped: Stopped) -> str:
    """What in the model keeps solvers from settling it; empty where it is settled."""
    if stopped != "exhausted" or loop.closed or loop.box is None:
        return ""
    found = far_apart(loop.box)
    return "" if found is None else str(found)


def _another_solver(loop: Loop) -> None:
    """Note an installed solver that branches on products and functions itself."""
    assert loop.box is not None
    name = takes_the_rest(loop.box)
    if name:
        licence = (
            ", as far as its licence reaches," if registry.get(name).capabilities.licensed else ""
        )
        loop.note(
            f"{name} is installed, takes the products and functions of this model as they are{licence} "
            f"and may be faster: --solver {name} --method direct"
        )


def _contradiction(loop: Loop, best: Assessment) -> str:
    if best.violation.relative > ROUNDING:
        return (
            f"the allocation breaks {best.violation.where} by {best.violation.absolute:.2g}, which "
            f"the tolerance allows, and its value {best.value:.10g} is better than the bound "
            f"{loop.bound:.10g} on all that break nothing; no bound is given"
        )
    return (
        f"the solver's bound {loop.bound:.10g} contradicts the simulated value "
        f"{best.value:.10g}; the bound is not to be trusted"
    )


def _deviations(loop: Loop, best: Assessment) -> tuple[Deviation, ...]:
    """The distance to continuous time; where it cannot be measured, a note says why.

    What is proven by then is not lost, whatever happens here.
    """
    unknown = "how far the steps are from continuous time is not known"
    try:
        return deviations(loop.problem, best.values)
    except NotMeasured as reason:
        loop.note(f"{unknown}: {reason}")
    except KeyboardInterrupt:
        loop.note(f"{unknown}: interrupted")
    except MemoryError:
        loop.note(f"{unknown}: there is not enough memory")
    except Exception as error:
        if os.environ.get("ALLOCC_DEBUG") == "1":
            raise
        loop.note(f"{unknown}: allocc broke down there, please report it ({said(error)})")
    return ()
