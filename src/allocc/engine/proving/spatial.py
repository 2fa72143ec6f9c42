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
from dataclasses import replace

import numpy as np

from allocc.backends.isolation import reason
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.proving.best_first import BestFirst, Grown, Node
from allocc.engine.proving.box_look import DUST, Box, BoxLook, Ground, Seen, ordered

#: A column nearer to a whole number than this is one.
WHOLE = 1e-6
#: A box is divided at the simulated value, but not nearer to its ends than this part of it.
INSIDE = 0.2
#: Ranges shorter than this part of the column's size in the box are not divided.
SHORT = 1e-7
#: Where less than this part of the cut-off is left to prove, ranges are shortened by optimization, for so
#: many products.
NEARLY, MOST_TIGHTENED = 0.1, 10
#: The same before anything is divided, for more products, while a pass gains this part of what is left.
MOST_AT_ROOT, PROGRESS = 60, 0.1
#: The points of the first so many boxes are all simulated, and then of every so many.
FIRST, EVERY = 60, 8

Complete = Callable[[FloatArray], FloatArray]


class SpatialTree(BestFirst):
    """A tree over a program with products, in its own units; see `BestFirst` for what it is told.

    `complete` simulates the decisions of a point. The levels are scaled as in
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
        #: What is known of the whole program: every node lies in it.
        self.whole_box = Box(p.lower, p.upper, bands=ground.envelopes.no_bands())
        self.looks = [BoxLook(ground, stop, remaining) for _ in range(self.together)]
        #: Boxes whose points are whole.
        self._pointed = 0

    @property
    def workers(self) -> int:
        """How many boxes are looked at at once; solvers in this process would wait for each other."""
        return 1 if reason() else self.together

    def grow(self, *given: object, **named: object) -> Grown:
        """See `BestFirst.grow`."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="allocc-tree") as self.threads:
            return super().grow(*given, **named)  # type: ignore[arg-type]

    # ---- the whole program ----

    def _root(self) -> Node | None:
        box = self.whole_box
        if not (np.isfinite(box.lower) & np.isfinite(box.upper))[self.kept].all():
            return None
        return Node(box.lower[self.kept], box.upper[self.kept], -np.inf)

    def shorten(self, told: Callable[[float], None] = lambda _: None) -> None:
        """Shorten the ranges of the whole program by optimization while that brings something.

        What each pass proves is a bound on the whole program, which `told` gets.
        """
        if not np.isfinite(self.target()):
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="allocc-tree") as self.threads:
            before = -np.inf
            while not self.stop():
                seen = self.looks[0].look(self.whole_box, self.target(), lambda _: 0)
                self.certain &= seen.certain
                if seen.cut:
                    self._cut()
                if seen.empty or seen.point is None:
                    return
                self.offer(seen.point)
                self.whole_box = Box(seen.lower, seen.upper, seen.bound, seen.basis, seen.bands)
                self._raise(seen.bound)
                told(self.sign * self.least)
                left = self.target() - seen.bound
                if left <= 0 or seen.bound - before < PROGRESS * left:
                    return
                before = seen.bound
                tight = self._shortened(seen, self.target())
                if tight is None:
                    # Nothing better than the cut-off is left.
                    self.whole_box = replace(self.whole_box, bound=self.target())
                    self._raise(self.target())
                    return
                self.whole_box = tight

    def _raise(self, bound: float) -> None:
        """Keep a bound on all that is better than the cut-off, which `_cut` has told of."""
        self.floor = max(self.floor, bound)
        self.least = max(self.least, min(self.worst, self.floor))

    def _shortened(self, seen: Seen, cutoff: float) -> Box | None:
        """The whole program tightened for the products that are most wrong; None where it is empty."""
        which = self.looks[0].most_wrong(seen, MOST_AT_ROOT)
        parts = [which[k :: self.together] for k in range(self.together)]
        found = list(
            self.threads.map(
                lambda look, part: look.tightened(seen, cutoff, part), self.looks, parts
            )
        )
        self._cut()
        boxes = [box for box in found if box is not None]
        if len(boxes) < len(found):
            return None
        lower = np.max([box.lower for box in boxes], axis=0)
        upper = np.min([box.upper for box in boxes], axis=0)
        ends = ordered(lower, upper, self.size)
        if ends is None:
            return None
        bands = boxes[0].bands
        for box, part in zip(boxes, parts, strict=True):
            mine = part[part < len(self.ground.envelopes.left)]
            assert box.bands is not None and bands is not None
            b = box.bands
            bands = bands.within(mine, b.slope[mine], b.lower[mine], b.upper[mine])
        return Box(*ends, seen.bound, seen.basis, bands)

    # ---- nodes ----

    def _look(self, nodes: Sequence[Node]) -> list[Node]:
        cutoff = self.target()

        def look(k: int, node: Node) -> Seen:
            known = self.whole_box
            lower, upper = known.lower.copy(), known.upper.copy()
            bound = max(node.bound, known.bound)
            lower[self.kept] = np.maximum(lower[self.kept], node.lower)
            upper[self.kept] = np.minimum(upper[self.kept], node.upper)
            if (lower > upper).any():
                return Seen(bound, lower, upper, empty=True)
            bands = known.bands if node.bands is None else node.bands.narrower(known.bands)
            box = Box(lower, upper, bound, node.basis, bands)
            return self.looks[k].look(box, cutoff, self._worth(cutoff))

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

    def _worth(self, cutoff: float) -> Callable[[Seen], int]:
        """For how many products a box is tightened: where whole columns are fixed and little is left."""

        def worth(seen: Seen) -> int:
            if (seen.lower < seen.upper)[self.whole].any():
                return 0
            return MOST_TIGHTENED if cutoff - seen.bound <= NEARLY * abs(cutoff) else 0

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
        if not fractional and self._is_simulated():
            self.offer(point)
            if bound >= self.target():
                self._leaf(bound)
                return []
        error = seen.errors
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

    def _is_simulated(self) -> bool:
        """Whether the next whole point is: they are counted, as nodes come in twos."""
        self._pointed += 1
        return self._pointed <= FIRST or self._pointed % EVERY == 0

    def _most_wrong(self, seen: Seen, error: FloatArray) -> int | None:
        """The wider factor of the product that is most wrong, or the argument of the function."""
        e = self.ground.envelopes
        width = self._width(seen)
        wide = np.maximum(width[e.first], width[e.second]) > SHORT
        error = np.where(wide, error, 0.0)
        if not error.max(initial=0.0) > 0.0:
            return None
        k = int(np.argmax(error))
        first, second = int(e.first[k]), int(e.second[k])
        return first if width[first] >= width[second] else second

    def _width(self, seen: Seen) -> FloatArray:
        """How wide each range is, in parts of the column's size in this box."""
        width = seen.upper - seen.lower
        largest = np.maximum(np.abs(seen.lower), np.abs(seen.upper))
        largest = np.maximum(np.minimum(largest, self.size), DUST * self.size)
        return np.asarray(width / largest)

    def _halved(self, seen: Seen) -> list[Node]:
        """The halves of a box whose linear program said nothing."""
        width = self._width(seen)[self.kept]
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
        return Node(
            lower[self.kept], upper[self.kept], seen.bound, basis=seen.basis, bands=seen.bands
        )
