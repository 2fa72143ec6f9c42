r"""Ranges of all columns in a box, each end with its derivation.

Ends follow from rows, forward and backward; from the envelope of a product,

.. math::
    (a - p)(b - q) \ge 0 \;\Rightarrow\; ab \ge q\,a + p\,b - pq ,

p and q being ends; and from a definition with what it is made of written out, for each product the side of
its envelope that says most there. The last is exact for the steps of an epidemic, where :math:`S - \beta S I`
falls neither with S nor with I alone. What is new is found in floating point and then derived in rationals.

:Reference: McCormick (1976), Mathematical Programming 10:147-175.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, inf, isfinite, isnan, log10

import numpy as np

from allocc.compiler.programs.program import Products
from allocc.engine.certifying.exact import placed, rounded
from allocc.engine.certifying.facts import Fact
from allocc.engine.certifying.frame import ONE, Definition, Frame, Line, Product, Task

#: A new end counts where it shortens the range by this part of it, and by this part of its size.
WORTH, DUST = 5e-3, 1e-9
#: Rounding may lose this part of what a new end brings.
LOST = 1e-3
#: So many tasks are done in a box for each that there is.
ROUNDS = 20
#: A whole number may be missed by this much.
NEAR = 1e-9
#: Both factors of a product at these of their ends: for a lower side of the product, and an upper one.
CORNERS = ((False, False), (True, True)), ((True, False), (False, True))


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
        while self._queue and left:
            left -= 1
            _, t = heapq.heappop(self._queue)
            self._queued.discard(t)
            task = self.frame.tasks[t]
            if task.product is not None:
                self._product(task.product)
            elif task.definition is not None:
                self._definition(task)
            else:
                i = task.row
                self._row(self.frame.rows[i], self.frame.side(i, False), self.frame.side(i, True))
        self._queue.clear()
        self._queued.clear()

    def _improves(self, j: int, upper: bool, value: float) -> bool:
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

    def _take(
        self, j: int, upper: bool, side: Fraction, parts: Sequence[tuple[Fact, Fraction]]
    ) -> None:
        """Learn an end that a combination says."""
        sense = "L" if upper else "G"
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
                self.near[(a < 0) == above][j]
                for j, a in zip(line.columns, line.near, strict=True)
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
                if self._improves(j, end, value):
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
        self._take(line.columns[k], upper, total, parts)

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
            sense = "G" if first == second else "L"
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

    # ---- definitions written out ----

    def _definition(self, task: Task) -> None:
        d = task.definition
        assert d is not None
        if self.near[0][d.column] == self.near[1][d.column]:
            return
        for upper in (False, True):
            choices, value = self._best_choices(d, task.inner, upper)
            if self._improves(d.column, upper, value):
                self._written_out(d, task.inner, choices, upper)

    def _best_choices(
        self, d: Definition, inner: tuple[Definition | Product, ...], upper: bool
    ) -> tuple[list[int], float]:
        """For each inner definition 0 for its end, 1 or 2 for what it is made of; and the end that comes out."""
        choices = [1] * len(inner)
        best = self._value(d, inner, choices, upper)
        better = True
        while better:
            better = False
            for k, x in enumerate(inner):
                had = choices[k]
                for other in (0, 1, 2) if isinstance(x, Product) else (0, 1):
                    if other == choices[k]:
                        continue
                    before, choices[k] = choices[k], other
                    value = self._value(d, inner, choices, upper)
                    if value < best - DUST * abs(best) if upper else value > best + DUST * abs(best):
                        best = value
                    else:
                        choices[k] = before
                better |= choices[k] != had
        return choices, best

    def _value(
        self, d: Definition, inner: tuple[Definition | Product, ...], choices: list[int], upper: bool
    ) -> float:
        near, total = self.near, float(d.constant)
        left = dict(zip(d.line.columns, d.line.near, strict=True))
        for x, choice in zip(inner, choices, strict=True):
            if not choice:
                continue
            if isinstance(x, Product):
                q = left.pop(x.result, 0.0)
                if q:
                    one, two = CORNERS[(q > 0) == upper][choice - 1]
                    a, b = near[one][x.first], near[two][x.second]
                    left[x.first] = left.get(x.first, 0.0) + q * b
                    left[x.second] = left.get(x.second, 0.0) + q * a
                    total -= q * a * b
            else:
                q = left.pop(x.column, 0.0)
                if q:
                    total += q * float(x.constant)
                    for k, a in zip(x.line.columns, x.line.near, strict=True):
                        left[k] = left.get(k, 0.0) + q * a
        for j, q in left.items():
            if q:
                total += q * near[(q > 0) == upper][j]
        if isnan(total):
            return inf if upper else -inf
        return total

    def _written_out(
        self, d: Definition, inner: tuple[Definition | Product, ...], choices: list[int], upper: bool
    ) -> None:
        """Derive what `_value` has found."""
        own = self.frame.side(d.row, False)
        assert own is not None
        parts, total = [(own, d.factor)], d.constant
        left = dict(d.line.terms())
        for x, choice in zip(inner, choices, strict=True):
            if not choice:
                continue
            if isinstance(x, Product):
                q = left.pop(x.result, Fraction(0))
                if not q:
                    continue
                fact = self.plane(x, *CORNERS[(q > 0) == upper][choice - 1])
                if fact is None:
                    return
                assert fact.terms is not None
                parts.append((fact, q))
                total += q * fact.side
                for k, a in fact.terms[1:]:
                    left[k] = left.get(k, Fraction(0)) - q * a
            else:
                q = left.pop(x.column, Fraction(0))
                if not q:
                    continue
                fact = self.frame.side(x.row, False)
                assert fact is not None
                parts.append((fact, q * x.factor))
                total += q * x.constant
                for k, a in x.line.terms():
                    left[k] = left.get(k, Fraction(0)) + q * a
        for j, q in left.items():
            if q:
                end = self.facts[(q > 0) == upper][j]
                if end is None:
                    return
                parts.append((end, q))
                total += q * end.side
        self._take(d.column, upper, total, parts)
