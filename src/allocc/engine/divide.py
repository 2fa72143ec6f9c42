"""Products of continuous columns: a tree over boxes, with allocations simulated and improved on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocc.backends.solution import Solution
from allocc.compiler.arrays import FloatArray
from allocc.compiler.boxes.closed_mass import with_closed_mass
from allocc.compiler.boxes.once import Once, once
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.programs.reformulation import Facts, applied
from allocc.compiler.reformulations import exact_forms
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.confirm import AIM
from allocc.engine.endings import end, finish
from allocc.engine.judging.outcome import Outcome
from allocc.engine.loop import Loop
from allocc.engine.proving.best_first import Grown
from allocc.engine.proving.box_look import Ground
from allocc.engine.proving.spatial import SpatialTree

#: A small tree comes first: where whole columns decide, it ends before ranges are shortened once.
FIRST_NODES = 50
#: Without an allocation, so many nodes come before one is sought.
BEGIN = 20
#: While no allocation is known, it is sought from other points after so many nodes.
SEARCHES = (100, 200, 400, 800)
#: A search begins at a point of the relaxation after so many times as many as before.
RARER = 4
#: A tree is left after so many nodes: they would fill the memory.
MOST_NODES = 1_000_000
#: The bound is kept for the picture of the proof after so many nodes more.
KEPT_EVERY = 100
#: An allocation is improved by successive linear programs where it is better than the last by this part.
WORTH = 1e-4


def divide(loop: Loop, relaxation: Relaxation, program: Program) -> Outcome | None:
    """Grow the tree to its end; None where ranges are open, so that it has no root."""
    if loop.stopped:
        return _end(loop, Grown(-np.inf, False, False, 0))
    if loop.options.solver != "highs":
        loop.note(f"HiGHS solves the programs of the boxes: {loop.options.solver} is not asked")
    try:
        single, ground = _ground(loop, relaxation)
    except Infeasible:
        return _end(loop, Grown(0.0, True, True, 0))
    tree = _Search(loop, relaxation, program, single, ground)
    grown = tree.run()
    return None if grown is None else _end(loop, grown)


def _ground(loop: Loop, relaxation: Relaxation) -> tuple[Once, Ground]:
    single, made, known = to_divide(loop.problem, loop.places, relaxation)
    return single, Ground.of(made, made.stated, known, lambda: loop.stopped)


def to_divide(
    problem: Problem, places: Places, relaxation: Relaxation
) -> tuple[Once, Program, Program]:
    """The program with each definition once, and minima, maxima and absolute values as rows.

    Twice: as it is, and with further rows behind its own that follow from the model.
    """
    single = once(relaxation.with_tangents())
    made = applied(single.program, exact_forms(), Facts.of(single.program))
    return single, made, with_closed_mass(made, problem, places, single.place)


def completion(loop: Loop, program: Program, single: Once) -> Callable[[FloatArray], FloatArray]:
    """What takes a point of the divided program to one with what its decisions lead to.

    What is not determined stays.
    """
    given = loop.places.mask(loop.problem.decisions, program.columns)
    complete = Completer(program, given | program.integer)

    def completed(point: FloatArray) -> FloatArray:
        before = single.outward(point)
        full = complete(before)
        inward = single.inward(np.where(np.isfinite(full), full, before))
        return np.append(inward, point[len(inward) :])

    return completed


class _Search:
    """One tree for a loop: what it proves goes into the books, and so does what it finds."""

    def __init__(
        self, loop: Loop, relaxation: Relaxation, program: Program, single: Once, ground: Ground
    ) -> None:
        self.loop, self.relaxation, self.program = loop, relaxation, program
        self.single, self.ground = single, ground
        self.improved: float | None = None
        #: Points that were offered, and at how many a search begins.
        self.offers, self.next_search = 0, 1
        self.kept_at = 0
        self.tree = SpatialTree(
            ground,
            completion(loop, program, single),
            self._offer,
            self._level,
            self._level,
            lambda: loop.stopped,
            loop.remaining,
        )

    def run(self) -> Grown | None:
        """What the tree has proven; None where it has no root."""
        loop = self.loop
        # One look gives a bound, whatever is searched for then; a few may show that there is nothing.
        grown = self.tree.grow(1 if loop.best is not None else BEGIN, told=self._tell)
        if not grown.closed and not loop.stopped:
            loop.heuristics.descend(self.relaxation)
            loop.report_progress("search with gradients")
            self._improve()
            loop.report_progress("allocations simulated")
            grown = self.tree.grow(FIRST_NODES, told=self._tell)
        for nodes in SEARCHES:
            if grown.closed or loop.best is not None or loop.stopped:
                break
            loop.heuristics.descend(self.relaxation)
            grown = self.tree.grow(nodes, told=self._tell)
        if not (grown.closed or loop.stopped):
            self._improve()
            loop.report_progress("shortening ranges")
            self.tree.shorten(lambda level: self._tell(level, "ranges shortened"))
            grown = self.tree.grow(MOST_NODES, told=self._tell)
        if not (grown.nodes or grown.closed or loop.stopped or np.isfinite(grown.bound)):
            return None
        loop.rounds = grown.nodes
        if np.isfinite(grown.bound) and not grown.infeasible:
            loop.prove(self._outside(grown.bound), grown.word)
        return grown

    def _outside(self, level: float) -> float:
        return level / self.ground.envelopes.scaling.objective + self.program.offset

    def _level(self) -> float:
        """Where a node is cut off: near enough to the best value for the gap that is asked for."""
        loop = self.loop
        if loop.best is None:
            return np.inf if loop.minimize else -np.inf
        room = AIM * loop.allowed
        return self._level_of(loop.best.value - room if loop.minimize else loop.best.value + room)

    def _level_of(self, value: float) -> float:
        """A value in the units of solvers, without the offset."""
        return (value - self.program.offset) * self.ground.envelopes.scaling.objective

    def _offer(self, point: FloatArray) -> None:
        """Simulate the decisions of a relaxation's point; every now and then search from there."""
        before = self.single.outward(point)
        self.loop.offer(before)
        self.offers += 1
        if self.offers == self.next_search:
            self.next_search *= RARER
            self.loop.heuristics.descend(self.relaxation, before)
        self._improve()

    def _improve(self) -> None:
        """Look around the best allocation where it is clearly better than what was looked around before."""
        loop = self.loop
        if loop.best is None:
            return
        value = loop.best.value
        if self.improved is not None and abs(value - self.improved) <= WORTH * loop.measure:
            return
        if self.improved is None:
            loop.heuristics.polish(self.relaxation, self.program)
        elif loop.best_point is not None:
            loop.heuristics.descend(self.relaxation, loop.best_point)
        self.improved = loop.best.value

    def _tell(self, level: float, phase: str = "boxes divided") -> None:
        loop = self.loop
        bound = self._outside(level) if np.isfinite(level) else None
        if bound is not None and self.tree.certain:
            loop.prove(bound, "proven")
        loop.rounds = self.tree.nodes
        always = phase != "boxes divided" or loop.rounds >= self.kept_at + KEPT_EVERY
        if always:
            self.kept_at = loop.rounds
        loop.report_progress(phase, bound, always=always)


def _end(loop: Loop, grown: Grown) -> Outcome:
    if grown.infeasible and loop.best is None:
        loop.emptiness = grown.word
        return end(loop, "infeasible", "", "no values of the decisions meet the limits")
    ended = "optimal" if grown.closed else "node_limit"
    return finish(loop, Solution(ended, None, None, None, 0.0, grown.nodes, "highs"))  # type: ignore[arg-type]
