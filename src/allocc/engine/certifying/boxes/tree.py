"""A tree of boxes that shows that no point of a program with products is as good as a level, in rationals.

It divides as `SpatialTree` does. Here every end of a range is derived (see `Ranges`), and a box is a leaf only
where the duals of its linear program, multiplied out, show that nothing is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.engine.certifying.boxes.bounding import Bounding
from allocc.engine.certifying.boxes.facts import Box, Fact, Used
from allocc.engine.certifying.boxes.frame import ONE
from allocc.engine.certifying.boxes.programs import DualLook, Extreme
from allocc.engine.certifying.boxes.ranges import Empty, Ranges
from allocc.engine.certifying.exact import fraction, placed, rounded
from allocc.engine.certifying.written import NoProof
from allocc.engine.proving.best_first import Node
from allocc.engine.proving.box_look import Ground, Seen
from allocc.engine.proving.spatial import Complete, SpatialTree

#: Passes of shortening ranges at the root, each of which has to gain this part of what is left.
PASSES, PROGRESS = 12, 0.1
#: For so many products of the whole program, and of a box in which little is left.
MOST_AT_ROOT, MOST_TIGHTENED = 60, 10
#: An end by a linear program has to shorten the range by this part of it; that much may be lost of it.
WORTH, LOST = 0.02, 1e-3
#: What leaves use is kept until it is written: of so many parts of combinations, each some 300 bytes.
MOST_PARTS = 10_000_000
#: A column is divided at a number with so few digits, where they tell it from the ends of its range.
SHORT = 4


class BoxTree(SpatialTree):
    """See the module. `root` is the box that assumes the cut-off, or nothing; `wide` are the ranges without it."""

    together = 1

    def __init__(
        self,
        ground: Ground,
        wide: Ranges,
        root: Box,
        complete: Complete,
        offer: Callable[[FloatArray], object],
        level: float,
        stop: Callable[[], bool],
        remaining: Callable[[], float | None],
    ) -> None:
        """`level` is where boxes end, in the units of solvers: a little beyond what `root` assumes."""
        super().__init__(ground, complete, offer, lambda: level, lambda: level, stop, remaining)
        self.root, self.wide = root, wide
        self.look = DualLook(ground, stop, remaining)
        self.bounding = Bounding(ground.envelopes, wide, root.assumed)
        #: The boxes of open nodes, and the ranges of the box around each.
        self._open: dict[Node, tuple[Box, Ranges]] = {}
        self._here, self._ranges = root, wide
        self.used = Used()

    def _root(self) -> Node | None:
        lower, upper = self._near(self.wide)
        if not (np.isfinite(lower) & np.isfinite(upper))[self.kept].all():
            return None
        node = Node(lower[self.kept], upper[self.kept], -np.inf)
        self._open[node] = self.root, self.wide
        return node

    def _near(self, ranges: Ranges) -> tuple[FloatArray, FloatArray]:
        return np.array(ranges.near[0]), np.array(ranges.near[1])

    # ---- one box ----

    def _look(self, nodes: Sequence[Node]) -> list[Node]:
        children = []
        for node in nodes:
            self._here, around = self._open.pop(node)
            ranges = self._ranges = around.copy()
            try:
                assumed = self._here.assumed
                if self._here is not self.root and assumed is not None:
                    ranges.learn(assumed)
                    ranges.propagate()
                children += self._examined(node, ranges)
            except Empty as empty:
                self._here.absurd = empty.fact
            if self._here.absurd is not None and self.used.add(self._here.absurd) > MOST_PARTS:
                raise NoProof(f"the proof would be too large, after {self.nodes} boxes")
            self.work = self.look.solved
        return children

    def _examined(self, node: Node, ranges: Ranges) -> list[Node]:
        """The children of a box; none where it is shown to be empty. Raises `Empty`, `NoProof`."""
        seen = self._seen(node, ranges)
        if seen is None:
            return []
        for _ in range(self._passes(seen)):
            if seen.point is None or self.stop() or not np.isfinite(self.target()):
                break
            before, left = seen.bound, self.target() - seen.bound
            if not self._with_shorter_ranges(seen, ranges):
                break
            seen = self._seen(node, ranges)
            if seen is None:
                return []
            if seen.bound - before < PROGRESS * left:
                break
        children = self._divided(seen)
        if not children:
            raise NoProof(f"one of {self.nodes} boxes could not be shown to hold nothing")
        return children

    def _passes(self, seen: Seen) -> int:
        """How often ranges of a box are shortened by linear programs."""
        if self._here is self.root:
            return PASSES
        return 1 if self._worth(self.target())(seen) else 0

    def _seen(self, node: Node, ranges: Ranges) -> Seen | None:
        """What a linear program says of a box; None where it shows that nothing is in it."""
        lower, upper = self._near(ranges)
        program = self.ground.envelopes.over(lower, upper)
        found = self.look.relaxed(program, node.basis)
        if found.multipliers is not None and (found.empty or found.bound >= self.target()):
            absurd = self.bounding.absurd(ranges, found.multipliers, found.empty)
            if absurd is not None:
                self._here.absurd = absurd
                return None
        seen = self.look.seen(lower, upper, found, node.bound, self.target())
        # What was not shown in rationals is divided further.
        below = float(np.nextafter(self.target(), -np.inf))
        return replace(seen, bound=min(seen.bound, below))

    # ---- ranges by linear programs ----

    def _with_shorter_ranges(self, seen: Seen, ranges: Ranges) -> bool:
        """Shorten ranges by linear programs with the cut-off; False where none is shorter. Raises `Empty`."""
        most = MOST_AT_ROOT if self._here is self.root else MOST_TIGHTENED
        which = self.look.most_wrong(seen, most)
        found = False
        for extreme in self.look.extremes(seen, self.target(), which):
            found |= self._end(ranges, extreme)
        ranges.propagate()
        return found

    def _end(self, ranges: Ranges, extreme: Extreme) -> bool:
        """Learn an end; whether it is worth it. Raises `Empty`."""
        j, sign, y = extreme.column, extreme.sign, extreme.multipliers
        if extreme.empty:
            absurd = self.bounding.absurd(ranges, y, True)
            if absurd is not None:
                raise Empty(absurd)
            return False
        low, high = ranges.near[0][j], ranges.near[1][j]
        gain = extreme.value - low if sign > 0 else high + extreme.value
        if not gain > WORTH * (high - low):
            return False
        bound = self.bounding.end(ranges, j, sign, y, extreme.value - LOST * gain)
        if bound is None:
            return False
        upper = sign < 0
        side = placed(rounded(sign * bound.level, upper, 8), upper)
        parts = tuple((fact, sign * multiplier) for fact, multiplier in bound.parts)
        fact = Fact("L" if upper else "G", side, ((j, ONE),), parts)
        ranges.learn(ranges.whole(fact))
        return True

    # ---- dividing ----

    def _children(self, seen: Seen, j: int, down: float, up: float) -> list[Node]:
        low, high = float(seen.lower[j]), float(seen.upper[j])
        at = fraction(float(down))
        if down == up:
            at = short_between(low, high, at)
            down = up = float(at)
        nodes = super()._children(seen, j, down, up)
        after = at if down == up else fraction(float(up))
        terms = ((j, ONE),)
        boxes = [self._here.within("L", at, terms), self._here.within("G", after, terms)]
        for node, box in zip(nodes, boxes, strict=True):
            self._open[node] = box, self._ranges
        return nodes


def short_between(low: float, high: float, at: Fraction) -> Fraction:
    """A number with few digits near `at`, strictly between two ends."""
    for digits in range(SHORT, 18):
        found = placed(rounded(at, False, digits), False)
        if low < found < high and abs(found - at) <= (high - low) / 10:
            return found
    return placed(at, False)
