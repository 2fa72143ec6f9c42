"""Refinement: pieces are split where the relaxation is wrong, first on linear programs, then on
mixed-integer ones, with allocations simulated and improved on the way.

Splitting on the linear relaxation alone is cheap and brings the bound close to that of all single
values at once; the mixed-integer rounds then have few binaries left. Pieces whose reduced cost
shows that no better allocation can lie in them are dropped (reduced cost fixing).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import LicenceLimit, Refused, Solution, Word
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.refinement import add_tangents, split_active
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.engine import solver_calls
from allocc.engine.confirm import holds_nothing, prove_remaining, settled, solve_mixed
from allocc.engine.divide import divide
from allocc.engine.endings import end, finish, without_point
from allocc.engine.first_tangents import tangent_rounds
from allocc.engine.judging.outcome import Outcome
from allocc.engine.loop import Loop
from allocc.engine.proving.tightening import factors, tighten_by_optimization

#: The loop gives up refining after this many rounds; it ends earlier in practice.
MOST_ROUNDS = 500
#: Linear rounds end when one gains less than this share of the open gap.
LINEAR_PROGRESS = 0.01
#: Work of a local search, for each round before it (about seconds; see `FixedProgram.work`).
SEARCH = 0.1
#: At most so many linear rounds.
LINEAR_ROUNDS = 60
#: With at most so many values left in all integer factors together, they are all told apart.
FEW_VALUES = 180
#: So many rounds without a better bound or value are the end: what is left is rounding.
STALLED = 10
#: A range is shortened by its reduced cost when this share of it is left, or less.
WORTH = 0.9
#: A mixed-integer round runs for at least so many seconds before its allocations are judged.
SLICE = 5.0
#: Cut-offs by the best value have this part of what the objective is measured by as room: solvers
#: give reduced costs to about as many digits, and it is far below any gap that is asked for.
MARGIN = 1e-7
#: Bounds by optimization are sought again while a pass shortens the ranges by this share.
TIGHTENING_PROGRESS, TIGHTENING_ROUNDS = 0.05, 12


def refine(loop: Loop, backend: Backend, relaxation: Relaxation, program: Program) -> Outcome:
    """Run the loop to its end."""
    if len(relaxation.plan.multiplied):
        tangent_rounds(loop, backend, relaxation)
        divided = divide(loop, relaxation, program)
        if divided is not None:
            return divided
    if relaxation.plan.has_continuous_cuts:
        ended = _tightening_rounds(loop, backend, relaxation, program)
    else:
        ended = _linear_rounds(loop, backend, relaxation)
    if ended is not None:
        return ended
    return _integer_rounds(loop, backend, relaxation, program)


def _tightening_rounds(
    loop: Loop, backend: Backend, relaxation: Relaxation, program: Program
) -> Outcome | None:
    """Where continuous factors are multiplied: a first allocation, then bounds by optimization."""
    try:
        built = relaxation.build()
    except Infeasible:
        return _exhausted(loop, None)
    loop.rounds += 1
    solution = solve_mixed(loop, backend, built, 1e-2)
    if solution.point is None:
        return without_point(loop, solution)
    loop.prove(solution.bound, solution.word)
    loop.heuristics.round(relaxation, built.lower_point(solution.point))
    loop.heuristics.polish(relaxation, program)
    loop.report_progress(f"round {loop.rounds}")
    for _ in range(TIGHTENING_ROUNDS):
        if settled(loop):
            return finish(loop, solution)
        add_tangents(relaxation, solution.point, 0.0)
        cutoff = loop.best.value if loop.best is not None else None
        relaxation.dropped = relaxation.dropped or cutoff is not None
        try:
            shrunk = tighten_by_optimization(
                relaxation,
                factors(relaxation),
                cutoff,
                MARGIN * loop.measure,
                lambda: loop.stopped,
                loop.remaining,
            )
        except Refused as refused:
            loop.note(f"ranges are not shortened further: {refused}")
            return None
        except Infeasible:
            if loop.best is None:
                return None
            return _exhausted(loop, solution)
        try:
            built = relaxation.build()
        except Infeasible:
            return _exhausted(loop, solution)
        loop.rounds += 1
        solution = solve_mixed(loop, backend, built, 1e-3, dropped=relaxation.dropped)
        if solution.point is None:
            return _without(loop, relaxation, solution)
        prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
        before = loop.best
        loop.heuristics.round(relaxation, built.lower_point(solution.point))
        if loop.best is not before:
            loop.heuristics.polish(relaxation, program)
        loop.report_progress(f"bounds by optimization, ranges {100 * shrunk:.0f} % shorter")
        if shrunk < TIGHTENING_PROGRESS:
            break
    return finish(loop, solution) if loop.closed else None


def _without(loop: Loop, relaxation: Relaxation, solution: Solution) -> Outcome:
    """The end where a round brought no point."""
    if solution.termination == "infeasible" and loop.best is not None and relaxation.dropped:
        if holds_nothing(loop, solution):
            return _exhausted(loop, solution, loop.emptiness)
        return finish(loop, replace(solution, termination="failed"))
    prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
    outcome = without_point(loop, replace(solution, bound=None))
    assert outcome is not None
    return outcome


def _linear_rounds(loop: Loop, backend: Backend, relaxation: Relaxation) -> Outcome | None:
    """Split on linear programs; the outcome if that is the end, else None."""
    solution: Solution | None = None
    for _ in range(LINEAR_ROUNDS):
        try:
            built = relaxation.build(integral=False)
        except Infeasible:
            return _exhausted(loop, solution)
        loop.rounds += 1
        solution = solver_calls.call(loop, backend, built.program, 1e-9, None)
        if solution.point is None:
            if solution.termination == "unbounded":
                # An unbounded relaxation says nothing of the mixed-integer program: go on to it.
                return None
            return _without(loop, relaxation, solution)
        if solution.termination != "optimal":
            return finish(loop, solution)
        before = loop.bound
        prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
        loop.heuristics.round(relaxation, built.lower_point(solution.point))
        if not loop.closed and loop.rounds % 3 == 2:
            loop.heuristics.search(solution.point, SEARCH * loop.rounds)
        loop.report_progress(f"linear round {loop.rounds}")
        if settled(loop):
            return finish(loop, solution)
        if not fix_by_reduced_costs(loop, relaxation, built, solution):
            return _exhausted(loop, solution)
        short = add_tangents(relaxation, solution.point, 1e-3 * loop.options.gap)
        if split_active(relaxation, built, solution.point, 1e-4, loop.best_point) + short == 0:
            break
        if before is None or loop.best is None or loop.bound is None:
            continue
        if abs(loop.bound - before) < LINEAR_PROGRESS * abs(loop.best.value - before):
            break
    if loop.best is not None and solution is not None and solution.point is not None:
        loop.heuristics.search(solution.point, 2 * SEARCH * loop.rounds)
        loop.report_progress("local search")
        if loop.closed:
            return finish(loop, solution)
        if not fix_by_reduced_costs(loop, relaxation, built, solution):
            return _exhausted(loop, solution)
    return None


def fix_by_reduced_costs(
    loop: Loop, relaxation: Relaxation, built: Built, solution: Solution
) -> bool:
    """Cut off what the reduced costs exclude; False when nothing better than the best is left.

    With bound L and reduced costs d of any dual point, an allocation of value U or better has
    |x_j - end_j| <= (U - L) / |d_j| for every column: pieces are dropped, and ranges shortened.
    """
    if loop.best is None or solution.reduced_costs is None or solution.bound is None:
        return True
    if solution.word != "proven":
        return True
    sign = 1.0 if loop.minimize else -1.0
    # A margin, so that an allocation as good as the best is never lost to rounding.
    room = max(sign * (loop.best.value - solution.bound), 0.0)
    room += MARGIN * loop.measure
    cost = sign * solution.reduced_costs
    for copy in built.copies:
        out = cost[copy.binaries] > room
        if out.all():
            return False
        if out.any():
            relaxation.keep_pieces(copy.variable, copy.low[~out], copy.high[~out])
    n = built.base_columns
    lower, upper = relaxation.program.lower.copy(), relaxation.program.upper.copy()
    low, high = built.program.lower[:n], built.program.upper[:n]
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(np.isfinite(high - low), high - low, np.inf)
        reach = room / np.abs(cost[:n])
        reach += 1e-9 * (np.abs(low) + np.abs(high))
    shorter = reach < WORTH * width
    if not shorter.any():
        return True
    from_low, from_high = shorter & (cost[:n] > 0), shorter & (cost[:n] < 0)
    # What is shortened is finite; elsewhere `low + reach` may be -inf + inf.
    upper[from_low] = np.minimum(upper[from_low], low[from_low] + reach[from_low])
    lower[from_high] = np.maximum(lower[from_high], high[from_high] - reach[from_high])
    try:
        relaxation.shrink(lower, upper)
    except Infeasible:
        return False
    relaxation.dropped = True
    return True


def _integer_rounds(
    loop: Loop, backend: Backend, relaxation: Relaxation, program: Program
) -> Outcome:
    """Split on mixed-integer programs until the gap is closed."""
    before_exact = None
    if relaxation.values_left() <= FEW_VALUES:
        # What is left is small: one exact program instead of several rounds.
        before_exact = dict(relaxation.pieces)
        relaxation.make_exact()
    solution: Solution | None = None
    tries, stalled = 0, 0
    before: tuple[float | None, float | None] = (None, None)
    while loop.rounds < MOST_ROUNDS:
        try:
            built = relaxation.build()
        except Infeasible:
            return _exhausted(loop, solution)
        loop.rounds += 1
        gap = loop.gap
        target = max(0.2 * loop.options.gap, 0.1 * (gap if gap is not None else 1e-2))
        target = min(target, 1e-2)
        if before_exact is not None:
            # No round after this one would know more: the gap that is asked for, at once.
            target = 0.5 * loop.options.gap * 0.01**tries
        start = built.lift_point(loop.best_point) if loop.best_point is not None else None
        # A slice of time: allocations are simulated, and may close the gap, before more is spent.
        seconds = max(SLICE, loop.seconds) if loop.best is not None else None
        try:
            solution = solve_mixed(loop, backend, built, target, start, seconds, relaxation.dropped)
        except LicenceLimit as limit:
            if before_exact is not None:
                # The exact program is too large for the licence; rounds of pieces may not be.
                relaxation.pieces, before_exact = before_exact, None
                continue
            if loop.best is None:
                raise
            return finish(loop, Solution("failed", None, None, None, 0.0, message=str(limit)))
        sliced = solution.termination == "time_limit" and not loop.out_of_time
        if solution.point is None:
            if sliced and loop.best is not None:
                prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
                continue
            return _without(loop, relaxation, solution)
        prove_remaining(loop, relaxation.dropped, solution.bound, solution.word)
        point = built.lower_point(solution.point)
        best = loop.best
        loop.heuristics.round(relaxation, point)
        if loop.best is not best and relaxation.plan.has_continuous_cuts:
            loop.heuristics.polish(relaxation, program)
        loop.heuristics.search(point, 2 * SEARCH * loop.rounds)
        loop.report_progress(f"round {loop.rounds}")
        if settled(loop):
            break
        had = loop.bound, loop.best.value if loop.best is not None else None
        stalled = stalled + 1 if had == before and not sliced else 0
        before = had
        if stalled >= STALLED:
            break
        if sliced:
            continue
        if solution.termination != "optimal":
            break
        short = add_tangents(relaxation, point, 1e-3 * loop.options.gap)
        splits = short + split_active(relaxation, built, solution.point, loop.options.gap * 1e-3)
        if splits == 0:
            splits = split_active(relaxation, built, solution.point, 1e-9)
        if splits == 0:
            tries += 1
            if target <= 0.2 * loop.options.gap * (1e-3 if before_exact is not None else 1.0):
                break
    assert solution is not None
    return finish(loop, solution)


def _exhausted(loop: Loop, solution: Solution | None, word: Word = "proven") -> Outcome:
    """Nothing better is left in any piece: the best allocation is optimal."""
    if loop.best is None:
        return end(loop, "infeasible", "", "no value satisfies the limits in any piece")
    # The cut-off that found nothing better was itself rounded outward by this much.
    margin = MARGIN * loop.measure
    loop.prove(loop.best.value - margin if loop.minimize else loop.best.value + margin, word)
    last = solution or Solution("optimal", None, None, None, 0.0)
    return finish(loop, last)
