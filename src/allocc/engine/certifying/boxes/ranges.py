r"""Ranges of all columns in a box, each end with its derivation.

Ends follow from rows, forward and backward; from the envelope of a product,

.. math::
    (a - p)(b - q) \ge 0 \;\Rightarrow\; ab \ge q\,a + p\,b - pq ,

p and q being ends; and from a definition with what it is made of written out (see `written_out`), without
which ranges of an epidemic grow from step to step. What is new is found in floating point and then derived in
rationals.

:Reference: McCormick (1976), Mathematical Programming 10:147-175.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, inf, isfinite, log10

import numpy as np

from allocc.compiler.programs.program import Products
from allocc.engine.certifying.boxes.facts import Fact
from allocc.engine.certifying.boxes.frame import CORNERS, ONE, Frame, Line, Product, Task
from allocc.engine.certifying.boxes.written_out import choose, derive
from allocc.engine.certifying.exact import placed, rounded
from allocc.engine.certifying.vipr import Sense

#: A new end counts where it shortens the range by this part of it, and by this part of its size.
WORTH, DUST = 5e-3, 1e-9
#: Rounding may lose this part of what a new end brings.
LOST = 1e-3
#: So many tasks are done in a box for each that there is.
ROUNDS = 20
#: A whole number may be missed by this much.
NEAR = 1e-9


class Empty(Exception):
    """Nothing is in a box, as `fact` shows."""

    def __init__(self, fact: Fact) -> None:
        super().__init__()
        self.fact = fact


@dataclass(eq=False)
class Ranges:
    """The ends of all columns in a box: `facts` and their values, lower and upper ones."""

    frame: Frame
    facts: tuple[list[Fact | None], list[Fact | None]]
    near: tuple[list[float], list[float]]
    planes: dict[tuple[int, bool, bool], Fact] = field(default_factory=dict)
    _queue: list[tuple[int, int]] = field(default_factory=list)
    _queued: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, frame: Frame) -> Ranges:
        """The ranges that the program has; what follows from them is still to be found."""
        lower, upper = frame.ends()
        near = (
            [-inf if f is None else float(f.side) for f in lower],
            [inf if f is None else float(f.side) for f in upper],
        )
        found = cls(frame, (lower, upper), near)
        for t in range(len(frame.tasks)):
            found._await(t)
        return found

    def copy(self) -> Ranges:
        """The same ranges, to be shortened in a part of the box."""
        (low, high), (a, b) = self.facts, self.near
        return Ranges(self.frame, (low[:], high[:]), (a[:], b[:]), dict(self.planes))

    def bounded(self, products: Products) -> bool:
        """Whether every factor of a product has both ends."""
        factors = np.union1d(products.left, products.right).tolist()
        return all(f is not None for side in self.facts for f in (side[j] for j in factors))

    # ---- what is learned ----

    def learn(self, fact: Fact) -> None:
        """Take an end of one column; raises `Empty` where its range has nothing left."""
        assert fact.terms is not None
        ((j, _),) = fact.terms
        upper = fact.sense == "L"
        known = self.facts[upper][j]
        if known is not None and (known.side <= fact.side if upper else known.side >= fact.side):
            return
        self.facts[upper][j] = fact
        self.near[upper][j] = float(fact.side)
        low, high = self.facts[0][j], self.facts[1][j]
        if low is not None and high is not None and low.side > high.side:
            raise Empty(Fact("G", ONE, (), ((low, ONE), (high, -ONE))))
        for t in self.frame.watchers[j]:
            self._await(t)

    def _await(self, t: int) -> None:
        if t not in self._queued:
            self._queued.add(t)
            heapq.heappush(self._queue, (self.frame.tasks[t].level, t))

    def propagate(self) -> None:
        """Derive what follows; raises `Empty`."""
        left = ROUNDS * len(self.frame.tasks)
        while self._queue and left and not self.frame.stop():
            left -= 1
            _, t = heapq.heappop(self._queue)
            self._queued.discard(t)
            task = self.frame.tasks[t]
            if task.product is not None:
                self._product(task.product)
            elif task.definition is not None:
                self._definition(task, task.definition.column)
            else:
                i = task.row
                self._row(self.frame.rows[i], self.frame.side(i, False), self.frame.side(i, True))
        self._queue.clear()
        self._queued.clear()

    def improves(self, j: int, upper: bool, value: float) -> bool:
        """Whether a new end is worth a derivation."""
        low, high = self.near[0][j], self.near[1][j]
        if not isfinite(value) or low == high:
            return False
        if self.frame.integer[j]:
            value = float(floor(value + NEAR) if upper else ceil(value - NEAR))
        gain = high - value if upper else value - low
        if isfinite(high - low):
            return gain > max(WORTH * (high - low), DUST * max(abs(low), abs(high)))
        return gain > WORTH * abs(value)

    def take(
        self, j: int, upper: bool, side: Fraction, parts: Sequence[tuple[Fact, Fraction]]
    ) -> None:
        """Learn an end that a combination says."""
        sense: Sense = "L" if upper else "G"
        old = self.near[upper][j]
        gain = abs(float(side) - old)
        digits = 10
        if isfinite(gain) and gain and side:
            digits = min(max(3, ceil(log10(abs(float(side)) / (LOST * gain))) + 1), 17)
        end = placed(rounded(side, upper, digits), upper)
        self.learn(self.whole(Fact(sense, end, ((j, ONE),), tuple(parts))))

    def whole(self, fact: Fact) -> Fact:
        """An end, at the next whole number where its column is whole."""
        assert fact.terms is not None
        ((j, _),) = fact.terms
        if not self.frame.integer[j]:
            return fact
        side = Fraction(floor(fact.side) if fact.sense == "L" else ceil(fact.side))
        if side == fact.side:
            return fact
        return Fact(fact.sense, side, fact.terms, ((fact, ONE),), whole=True)

    # ---- rows ----

    def _row(self, line: Line, lower: Fact | None, upper: Fact | None) -> None:
        """Ends that the two sides of a row say of its columns."""
        for side in (lower, upper):
            if side is None:
                continue
            above = side.sense == "L"
            # For an upper side, the least that the terms are; for a lower one, the most.
            ends = [
                self.near[(a < 0) == above][j] for j, a in zip(line.columns, line.near, strict=True)
            ]
            parts = [a * e for a, e in zip(line.near, ends, strict=True)]
            open_ends = [k for k, part in enumerate(parts) if not isfinite(part)]
            if len(open_ends) > 1:
                continue
            total = sum(part for part in parts if isfinite(part))
            level = float(side.side)
            for k in open_ends or range(len(parts)):
                a = line.near[k]
                rest = total - (parts[k] if not open_ends else 0.0)
                value, j = (level - rest) / a, line.columns[k]
                end = (a > 0) == above
                if self.improves(j, end, value):
                    self._row_end(line, side, k, end)

    def _row_end(self, line: Line, side: Fact, k: int, upper: bool) -> None:
        own = line.exact[k]
        total, parts = side.side / own, [(side, 1 / own)]
        for at, (j, a) in enumerate(line.terms()):
            if at != k:
                factor = a / own
                end = self.facts[(factor < 0) == upper][j]
                if end is None:
                    return
                total -= factor * end.side
                parts.append((end, -factor))
        self.take(line.columns[k], upper, total, parts)

    def _definition(self, task: Task, j: int) -> None:
        if self.near[0][j] == self.near[1][j]:
            return
        for upper in (False, True):
            choices, value = choose(task, self.near, upper)
            if self.improves(j, upper, value):
                end = derive(task, self.frame, self.facts, self.plane, choices, upper)
                if end is not None:
                    self.take(*end)

    # ---- products ----

    def plane(self, p: Product, first: bool, second: bool) -> Fact | None:
        """What the product of two ends says; None where one is open. `first` is True for an upper end."""
        a, b = self.facts[first][p.first], self.facts[second][p.second]
        if a is None or b is None:
            return None
        key = (p.row, first, second)
        known = self.planes.get(key)
        if known is None or known.parts[0][0] is not a or known.parts[1][0] is not b:
            terms = [(p.result, ONE)]
            if p.first == p.second:
                terms.append((p.first, -a.side - b.side))
            else:
                terms += [(p.first, -b.side), (p.second, -a.side)]
            sense: Sense = "G" if first == second else "L"
            self.planes[key] = known = Fact(
                sense,
                -a.side * b.side,
                tuple((j, x) for j, x in terms if x),
                ((a, ONE), (b, ONE)),
                product=p.row,
            )
        return known

    def _product(self, p: Product) -> None:
        for first, second in (*CORNERS[0], *CORNERS[1]):
            plane = self.plane(p, first, second)
            if plane is not None:
                assert plane.terms is not None
                line = Line.of(list(plane.terms))
                lower = plane.sense == "G"
                self._row(line, plane if lower else None, None if lower else plane)
