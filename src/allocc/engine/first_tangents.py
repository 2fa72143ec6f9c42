"""Tangents of curves where a linear relaxation needs them, before anything is divided.

A curve that is kept from its convex side alone has no error that dividing a range would mend: what is missing is a
tangent where the relaxation stands (Kelley 1960, Journal of the Society for Industrial and Applied Mathematics
8:703-712). Tangents hold everywhere, so that what is found here serves every piece and every box later.
"""

from __future__ import annotations

from allocc.backends.registry import Backend
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.relaxing.refinement import add_tangents
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine import solver_calls
from allocc.engine.confirm import prove_remaining
from allocc.engine.loop import Loop

#: Rounds end where one gains less than this part of the bound, and after so many.
PROGRESS, MOST_ROUNDS = 1e-3, 12


def tangent_rounds(loop: Loop, backend: Backend, relaxation: Relaxation) -> None:
    """Solve the linear relaxation and add tangents, while its bound gains by them."""
    if not any(f.function.smooth for f in relaxation.program.functions):
        return
    before: float | None = None
    for _ in range(MOST_ROUNDS):
        try:
            built = relaxation.build(integral=False)
        except Infeasible:
            # What follows finds the same, and says it.
            return
        solution = solver_calls.call(loop, backend, built.program, 1e-9, None)
        if solution.termination != "optimal" or solution.point is None or solution.bound is None:
            return
        loop.rounds += 1
        prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
        loop.report_progress(f"tangents, round {loop.rounds}")
        gained = before is None or abs(solution.bound - before) >= PROGRESS * abs(solution.bound)
        before = solution.bound
        if not gained or loop.closed or loop.stopped:
            return
        if not add_tangents(relaxation, solution.point, 1e-3 * loop.options.gap):
            return
