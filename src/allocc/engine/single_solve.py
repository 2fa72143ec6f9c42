"""One program that is exact: solved at once, and again where the answer is not good enough."""

from __future__ import annotations

from allocc.backends.registry import Backend
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.engine.confirm import settled, solve_mixed
from allocc.engine.endings import finish, without_point
from allocc.engine.judging.outcome import Outcome
from allocc.engine.loop import Loop
from allocc.engine.refine import SEARCH
from allocc.engine.relaxed import relaxed_first


def single_solve(loop: Loop, backend: Backend, relaxation: Relaxation, built: Built) -> Outcome:
    """One solve of a program that is exact."""
    loop.rounds = 1
    target = loop.options.gap * 0.5
    start = None if loop.best_point is None else built.lift_point(loop.best_point)
    rounded = relaxed_first(loop, backend, built.program)
    if rounded is not None and rounded.point is not None:
        loop.offer(built.lower_point(rounded.point))
        if not loop.closed:
            loop.heuristics.round(relaxation, built.lower_point(rounded.point))
        loop.report_progress("relaxed and rounded")
        if loop.closed:
            return finish(loop, rounded)
        start = rounded.point
    for _ in range(3):
        solution = solve_mixed(loop, backend, built, target, start)
        outcome = without_point(loop, solution)
        if outcome is not None:
            return outcome
        assert solution.point is not None
        loop.prove(solution.bound, solution.word)
        point = built.lower_point(solution.point)
        loop.heuristics.round(relaxation, point)
        # A look around also exposes a solver that calls a poor point optimal.
        loop.heuristics.search(point, SEARCH)
        loop.report_progress("solved")
        certain = solution.termination == "optimal" and loop.best is not None
        if settled(loop) or not certain:
            break
        target, start = target * 0.01, solution.point
    return finish(loop, solution)
