"""Claims of solvers about mixed-integer and nonlinear programs, and what they are worth.

A solver's bound is its word. It becomes *proven* when a tree of our own, whose leaves are closed by dual
values multiplied out, reaches it; *agreed* when another solve that differs truly ends with the same;
else it stays *claimed*. A point that is better than the claim ends it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import MissingSolver, Refused, Solution, Word
from allocc.compiler.arrays import FloatArray
from allocc.compiler.relaxing.relaxation import Built
from allocc.engine import solver_calls
from allocc.engine.judging.outcome import Status
from allocc.engine.loop import Loop, SolverClaim
from allocc.engine.proving import door
from allocc.engine.proving.best_first import Grown
from allocc.engine.proving.branch_and_bound import Tree

#: A confirmation may take so many seconds, and this share of what the solve took before; another solve
#: of the whole model may take as long again.
SECONDS, SHARE = 3.0, 0.5
#: Nodes and work (see `Tree.grow`; some 20 million a second) that a claim is worth at most.
MOST_NODES, MOST_WORK = 3000, 200_000_000
#: The same for the tree that comes before the solver: where it ends, nothing is claimed at all.
FIRST_NODES, FIRST_WORK = 400, 30_000_000
#: Nodes where no allocation is known: a solver finds one sooner than a tree that looks for bounds.
WITHOUT = 60
#: Linear programs with more columns may each take as long as a solver's whole search.
FIRST_COLUMNS, MOST_COLUMNS = 6_000, 60_000
#: A tree has done enough at this share of the asked gap; where it is near, it aims at a bound that is
#: the value but for rounding, relatively.
AIM, FINE = 0.9, 5e-10


def settled(loop: Loop) -> bool:
    """Whether no further round is wanted; a claim that would be the end is looked into first."""
    look_into(loop)
    return loop.ended


def look_into(loop: Loop) -> None:
    """Look into a claim that has not been, where it would be the end."""
    claim = loop.claim
    if claim is not None and (loop.closed or loop.contradicted) and loop.word == "claimed":
        loop.claim = None
        confirm(loop, claim)


def holds_nothing(loop: Loop, solution: Solution) -> bool:
    """Whether it is shown, and not only claimed, that a program without a point has none."""
    if solution.word != "claimed" or loop.claim is None:
        loop.emptiness = solution.word
        return solution.word != "claimed"
    claim, loop.claim = loop.claim, None
    found = confirm_empty(loop, claim)
    loop.emptiness = found or "claimed"
    return found is not None


def confirm(loop: Loop, claim: SolverClaim) -> None:
    """Look into a claim: the loop's bounds and allocations say afterwards what is left of it."""
    if loop.stopped:
        return
    before = loop.best
    if not claim.linear:
        _by_refinement(loop)
    elif claim.built.program.columns <= MOST_COLUMNS:
        grown = _grow(loop, claim.built, MOST_NODES, MOST_WORK, seconds=_clock(loop, claim.built))
        prove_remaining(loop, claim.dropped, _outside(claim.built, grown), grown.word)
    if loop.contradicted or (loop.best is not before and not loop.closed):
        loop.note(f"{_name(claim)} called an allocation optimal that is not")
        loop.withdraw("claimed")
        return
    if loop.word != "claimed":
        return
    second = _second(loop, claim)
    if second is None or second.termination != "optimal" or second.bound is None:
        return
    if second.point is not None:
        loop.offer(claim.built.lower_point(second.point))
    weaker = _weaker(loop, claim.solution.bound, second.bound)
    prove_remaining(loop, claim.dropped, weaker, "agreed")
    if loop.word == "claimed":
        loop.note(f"{_name(claim)} claims a bound that another solve of the same does not confirm")
        loop.withdraw("claimed")


def confirm_empty(loop: Loop, claim: SolverClaim) -> Word | None:
    """What it rests on that a program called infeasible is; None where that is only claimed.

    Points of it that are found are offered. Where parts were dropped, points that are no better than
    the best allocation do not count.
    """
    if loop.stopped:
        return None
    if not claim.linear:
        status, word = _by_refinement(loop)
        return word if status == "infeasible" else None
    if claim.built.program.columns <= MOST_COLUMNS:
        grown = _grow(loop, claim.built, MOST_NODES, MOST_WORK, seconds=_clock(loop, claim.built))
        prove_remaining(loop, claim.dropped, _outside(claim.built, grown), grown.word)
        if grown.infeasible:
            return grown.word
    if loop.closed or (loop.best is not None and not claim.dropped):
        return None
    second = _second(loop, claim)
    return "agreed" if second is not None and second.termination == "infeasible" else None


def solve_mixed(
    loop: Loop,
    backend: Backend,
    built: Built,
    gap: float,
    start: FloatArray | None = None,
    seconds: float | None = None,
    dropped: bool = False,
) -> Solution:
    """Solve a program that may have integers: a small one by a tree alone, so that nothing is claimed.

    `gap` is relative. `dropped` is kept with the claim (see `SolverClaim`).
    """
    if backend.capabilities.trees:
        found = _by_tree(loop, built, gap, dropped)
        if found is not None:
            return found
    solution = solver_calls.call(loop, backend, built.program, gap, start, seconds, built=built)
    if solution.word == "claimed":
        loop.claim = SolverClaim(backend, built, solution, dropped)
    return solution


def _by_tree(loop: Loop, built: Built, gap: float, dropped: bool) -> Solution | None:
    """The answer of a tree of limited size; None where it is not enough."""
    if not built.program.polyhedral or not built.program.integer.any():
        return None
    if built.program.columns > FIRST_COLUMNS:
        return None
    nodes = FIRST_NODES if loop.best is not None else WITHOUT
    grown = _grow(loop, built, nodes, FIRST_WORK, gap)
    bound = _outside(built, grown)
    prove_remaining(loop, dropped, bound, grown.word)
    if grown.infeasible:
        return Solution("infeasible", None, None, None, 0.0, grown.nodes, "highs", word=grown.word)
    if not grown.closed or bound is None:
        return None
    if grown.point is None:
        # Every node was cut off: nothing is better than what is had by more than the asked gap.
        return Solution("cutoff", None, None, bound, 0.0, grown.nodes, "highs", word=grown.word)
    point = built.scaled[1].point_out(grown.point)
    value = float(built.program.objective @ point) + built.program.offset
    return Solution("optimal", point, value, bound, 0.0, grown.nodes, "highs", word=grown.word)


def _grow(
    loop: Loop,
    built: Built,
    nodes: int,
    work: int,
    gap: float = 0.0,
    seconds: float | None = None,
) -> Grown:
    """A tree over a program, down to the asked gap, within so many `seconds`."""
    program = built.program
    scaled, scaling = built.scaled
    sign = 1.0 if loop.minimize else -1.0

    def offer(point: FloatArray) -> None:
        loop.offer(built.lower_point(scaling.point_out(point)))

    def level(share: float) -> float:
        if loop.best is None:
            return sign * np.inf
        aim = loop.best.value - sign * share * loop.measure
        return float((aim - program.offset) * scaling.objective)

    end = np.inf if seconds is None else loop.seconds + seconds

    def stop() -> bool:
        return loop.stopped or loop.seconds > end

    def remaining() -> float | None:
        left = loop.remaining()
        if seconds is None:
            return left
        own = max(end - loop.seconds, 0.0)
        return own if left is None else min(left, own)

    slack = 0.0 if loop.best is None else gap * abs(loop.best.value) * scaling.objective
    tree = Tree(
        scaling.boxed(scaled),
        offer,
        lambda: level(min(FINE, 0.5 * loop.options.gap)),
        lambda: level(AIM * loop.options.gap),
        stop,
        remaining,
    )
    return tree.grow(nodes, work, slack)


def _clock(loop: Loop, built: Built) -> float | None:
    """Seconds for a tree; none over small programs, whose trees end by counted work everywhere alike."""
    return None if built.program.columns <= FIRST_COLUMNS else _patience(loop)


def _patience(loop: Loop) -> float:
    """Seconds that a confirmation may take."""
    return SECONDS + SHARE * loop.seconds


def _outside(built: Built, grown: Grown) -> float | None:
    """The bound of a tree in the program's own unit."""
    if not np.isfinite(grown.bound):
        return None
    return float(grown.bound / built.scaled[1].objective + built.program.offset)


def prove_remaining(loop: Loop, dropped: bool, bound: float | None, word: Word) -> None:
    """Keep a bound on what is left, where pieces may have been dropped.

    What was dropped holds nothing better than the best allocation was then, so the bound on
    everything is the weaker of the two.
    """
    if bound is None:
        return
    if dropped and loop.best is not None:
        bound = _weaker(loop, bound, loop.best.value)
    loop.prove(bound, word)


def _weaker(loop: Loop, a: float | None, b: float) -> float:
    if a is None:
        return b
    return min(a, b) if loop.minimize else max(a, b)


def _second(loop: Loop, claim: SolverClaim) -> Solution | None:
    """Another solve of the same program, without presolve; None where there is none."""
    options = solver_calls.limits(loop, 0.5 * loop.options.gap, seconds=_patience(loop))
    options = replace(options, presolve=False, on_progress=None)
    try:
        return door.ask(
            claim.backend, claim.built.program, options, tries=1, scaled=claim.built.scaled
        )
    except (MissingSolver, Refused):
        return None


def _by_refinement(loop: Loop) -> tuple[Status, Word | None]:
    """Solve the model again with relaxations of our own: how that ends, and what it rests on."""
    left = max(SECONDS, loop.seconds)
    remaining = loop.remaining()
    options = replace(
        loop.options,
        solver="highs",
        method="auto",
        time_limit=left if remaining is None else min(left, remaining),
        on_progress=None,
    )
    starts = [loop.best.values] if loop.best is not None else []
    inner = Loop(loop.problem, options, loop.runner, starts)
    outcome = loop.runner(inner)
    if outcome.stopped == "interrupted":
        raise KeyboardInterrupt
    for word, bound in inner.bounds.items():
        if word != "claimed":
            loop.prove(bound, word)
    if inner.best is not None and loop.better(inner.best):
        loop.best = inner.best
    return outcome.status, outcome.word


def _name(claim: SolverClaim) -> str:
    return claim.solution.solver or claim.backend.name
