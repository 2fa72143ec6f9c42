r"""Branch and bound over boxes of decisions and of what they lead to, for products of continuous columns.

Whole columns are divided first: where sites are fixed, doses lie near their limit, the susceptible have a
short range, and an envelope is nearly exact. Then the column is divided whose product is most wrong, measured
by what it costs, at the point that the simulated decisions take. In each box ranges are propagated through
the dynamics and envelopes are rebuilt (see `box_look`). Two boxes are looked at at a time, whatever the
machine, so that the tree is the same everywhere.

:Reference: McCormick (1976), Mathematical Programming 10:147-175; Belotti et al. (2009), Optimization
    Methods and Software 24:597-634, for branching and tightening.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from allocc.backends.isolation import reason
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.proving.best_first import BestFirst, Grown, Node
from allocc.engine.proving.box_look import BoxLook, Ground, Seen

#: A column nearer to a whole number than this is one.
WHOLE = 1e-6
#: A box is divided at the simulated value, but not nearer to its ends than this part of it.
INSIDE = 0.2
#: Ranges shorter than this part of the column's size are not divided.
SHORT = 1e-7
#: Where less than this part of the cut-off is left to prove, ranges are shortened by optimization, for so
#: many products.
NEARLY, MOST_TIGHTENED = 0.1, 10
#: The same before anything is divided: passes over all factors where less than this part is left, and while
#: one shortens ranges by this share.
HALF, PASSES, PROGRESS = 0.5, 8, 0.1
#: The points of the first so many nodes are all simulated, and then of every so many.
FIRST, EVERY = 60, 8

Complete = Callable[[FloatArray], FloatArray]


class SpatialTree(BestFirst):
    """A tree over a program with products, in its own units; see `BestFirst` for what it is told.

    `complete` simulates the decisions of a point. `level` in `target` and `enough` is scaled as in
    `ground.envelopes`, without the offset.
    """

    together = 2

    def __init__(
        self,
        ground: Ground,
        complete: Complete,
        offer: Callable[[FloatArray], object],
        target: Callable[[], float],
        enough: Callable[[], float],
        stop: Callable[[], bool],
        remaining: Callable[[], float | None],
    ) -> None:
        p = ground.program
        super().__init__(p.sense == "minimize", offer, target, enough, stop)
        self.ground, self.complete = ground, complete
        self.whole = np.flatnonzero(p.integer)
        #: What a node keeps: the rest follows from it by propagation.
        self.kept: IntArray = np.union1d(self.whole, ground.envelopes.arguments)
        self.size = ground.envelopes.scaling.columns
        self.lower, self.upper = p.lower, p.upper
        self.looks = [BoxLook(ground, stop, remaining) for _ in range(self.together)]

    def grow(self, *given: object, **named: object) -> Grown:
        """See `BestFirst.grow`."""
        # Solvers in this process would wait for each other.
        threads = 1 if reason() else self.together
        with ThreadPoolExecutor(threads, thread_name_prefix="allocc-tree") as self.threads:
            return super().grow(*given, **named)  # type: ignore[arg-type]

    # ---- the root ----

    def _root(self) -> Node | None:
        """The whole program, its ranges shortened by optimization while that brings something."""
        if not (np.isfinite(self.lower) & np.isfinite(self.upper))[self.kept].all():
            return None
        bound, basis = -np.inf, None
        factors = self.ground.envelopes.arguments
        for _ in range(PASSES):
            cutoff = self.target()
            seen = self.looks[0].look(self.lower, self.upper, bound, basis, cutoff, lambda *_: 0)
            if seen.empty or seen.point is None:
                break
            bound, basis = seen.bound, seen.basis
            self.least = bound
            self.offer(seen.point)
            if seen.cut:
                self._cut()
            self.lower, self.upper = seen.lower, seen.upper
            cutoff = self.target()
            if not cutoff - bound <= HALF * abs(cutoff) or bound >= cutoff or self.stop():
                break
            before = (self.upper - self.lower)[factors]
            if not self._shortened(seen, cutoff, factors):
                return Node(self.lower[self.kept], self.upper[self.kept], max(bound, cutoff))
            wide = before > SHORT * self.size[factors]
            after = (self.upper - self.lower)[factors]
            if not wide.any() or 1.0 - np.mean(after[wide] / before[wide]) < PROGRESS:
                break
        return Node(self.lower[self.kept], self.upper[self.kept], bound, basis=basis)

    def _shortened(self, seen: Seen, cutoff: float, factors: IntArray) -> bool:
        """Shorten the ranges of the whole program by optimization; False where nothing is left."""
        halves = [factors[k :: self.together] for k in range(self.together)]
        found = list(
            self.threads.map(
                lambda look, half: look.extremes(seen, cutoff, half), self.looks, halves
            )
        )
        self._cut()
        for ends in found:
            if ends is None:
                return False
            self.lower = np.maximum(self.lower, ends[0])
            self.upper = np.minimum(self.upper, ends[1])
        crossed = self.lower > self.upper
        if crossed.any():
            if (self.lower - self.upper > 1e-6 * self.size)[crossed].any():
                return False
            self.lower, self.upper = (
                np.minimum(self.lower, self.upper),
                np.maximum(self.lower, self.upper),
            )
        return True

    # ---- nodes ----

    def _look(self, nodes: Sequence[Node]) -> list[Node]:
        cutoff = self.target()

        def look(k: int, node: Node) -> Seen:
            lower, upper = self.lower.copy(), self.upper.copy()
            lower[self.kept] = np.maximum(lower[self.kept], node.lower)
            upper[self.kept] = np.minimum(upper[self.kept], node.upper)
            if (lower > upper).any():
                return Seen(node.bound, lower, upper, empty=True)
            return self.looks[k].look(
                lower, upper, node.bound, node.basis, cutoff, self._worth(cutoff)
            )

        found = list(self.threads.map(look, range(len(nodes)), nodes))
        self.work = sum(look.solved for look in self.looks)
        children = []
        for seen in found:
            self.certain &= seen.certain
            if seen.cut:
                self._cut()
            if not seen.empty:
                children += self._divided(seen)
        return children

    def _worth(self, cutoff: float) -> Callable[[FloatArray, FloatArray, FloatArray, float], int]:
        def worth(lower: FloatArray, upper: FloatArray, point: FloatArray, bound: float) -> int:
            if (lower < upper)[self.whole].any():
                return 0
            return MOST_TIGHTENED if cutoff - bound <= NEARLY * abs(cutoff) else 0

        return worth

    def _divided(self, seen: Seen) -> list[Node]:
        """The children of a box that was looked at; none where it is a leaf."""
        bound, point = seen.bound, seen.point
        if bound >= self.target():
            self._leaf(bound)
            return []
        if point is None:
            return self._halved(seen)
        away = np.abs(point - np.rint(point))[self.whole]
        fractional = bool((away > WHOLE).any())
        if not fractional and (self.nodes <= FIRST or self.nodes % EVERY == 0):
            self.offer(point)
            if bound >= self.target():
                self._leaf(bound)
                return []
        error = np.concatenate(seen.errors)
        free = seen.lower < seen.upper
        if fractional:
            open_ones = self.whole[free[self.whole] & (away > WHOLE)]
            if not len(open_ones):
                # The point is off a column that is fixed now: the box says more than it.
                return [self._node(seen, seen.lower, seen.upper)]
            j = int(open_ones[np.argmax(np.abs(point - np.rint(point))[open_ones])])
            return self._steps(seen, j, float(point[j]))
        wrong = error.max(initial=0.0) > 0.0
        open_ones = self.whole[free[self.whole]]
        if wrong and len(open_ones):
            widths = (seen.upper - seen.lower)[open_ones]
            j = int(open_ones[np.argmax(widths)])
            return self._steps(seen, j, float(point[j]))
        k = self._most_wrong(seen, error)
        if k is None:
            # The point of the relaxation is the best of the box.
            self.offer(point)
            self._leaf(bound, point)
            return []
        at = self.complete(point)[k]
        return self._parts(seen, k, float(at if np.isfinite(at) else point[k]))

    def _most_wrong(self, seen: Seen, error: FloatArray) -> int | None:
        """The wider factor of the product that is most wrong, or the argument of the function."""
        e = self.ground.envelopes
        curved = [f.argument for f in e.functions]
        left, right = (np.concatenate([side, *curved]) for side in (e.left, e.right))
        width = (seen.upper - seen.lower) / self.size
        wide = np.maximum(width[left], width[right]) > SHORT
        error = np.where(wide, error, 0.0)
        if not error.max(initial=0.0) > 0.0:
            return None
        k = int(np.argmax(error))
        return int(left[k] if width[left[k]] >= width[right[k]] else right[k])

    def _halved(self, seen: Seen) -> list[Node]:
        """The halves of a box whose linear program said nothing."""
        width = ((seen.upper - seen.lower) / self.size)[self.kept]
        k = int(np.argmax(width)) if len(width) else -1
        if k < 0 or width[k] <= SHORT:
            self._leaf(seen.bound)
            return []
        j = int(self.kept[k])
        middle = float(seen.lower[j] + seen.upper[j]) / 2.0
        whole = bool(self.ground.program.integer[j])
        return self._steps(seen, j, middle) if whole else self._parts(seen, j, middle)

    def _steps(self, seen: Seen, j: int, x: float) -> list[Node]:
        """Below and above a value of a whole column."""
        low, high = seen.lower[j], seen.upper[j]
        at = min(max(np.floor(x + WHOLE), low), high - 1.0)
        return self._children(seen, j, at, at + 1.0)

    def _parts(self, seen: Seen, j: int, x: float) -> list[Node]:
        """Below and above a value of a column, which lies well inside."""
        low, high = seen.lower[j], seen.upper[j]
        margin = INSIDE * (high - low)
        at = float(np.clip(x, low + margin, high - margin))
        return self._children(seen, j, at, at)

    def _children(self, seen: Seen, j: int, down: float, up: float) -> list[Node]:
        upper, lower = seen.upper.copy(), seen.lower.copy()
        upper[j], lower[j] = down, up
        return [self._node(seen, seen.lower, upper), self._node(seen, lower, seen.upper)]

    def _node(self, seen: Seen, lower: FloatArray, upper: FloatArray) -> Node:
        return Node(lower[self.kept], upper[self.kept], seen.bound, basis=seen.basis)
