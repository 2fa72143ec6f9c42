r"""Bounds by the linear program of a box, multiplied out: of the objective, of a column, of nothing (Farkas).

With any multipliers y of rows and envelopes, and z of the cut-off :math:`c'x \le T`,

.. math::
    g'x \;\ge\; \sum_i y_i b_i - z T + \sum_j d_j e_j , \qquad d = g - A'y + z c ,

:math:`e_j` being the end of :math:`x_j` that :math:`d_j` points to. Multipliers are rounded to few digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import frexp

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.boxes.envelopes import Envelopes
from allocc.engine.certifying.boxes.facts import Fact
from allocc.engine.certifying.boxes.frame import CORNERS, ONE
from allocc.engine.certifying.boxes.ranges import Ranges
from allocc.engine.certifying.exact import TEN, whole

#: Binary digits after the point that multipliers of the scaled program are rounded to, one after another.
DIGITS = (14, 20, 26, 34, 44, 56)
#: One part in so many of what is proven beyond what is needed is lost by wider ends that are stated once.
SPENT = 2


@dataclass(frozen=True)
class Bound:
    """What was asked for is at least `level`, as `parts` add up to."""

    level: Fraction
    parts: tuple[tuple[Fact, Fraction], ...]


class Bounding:
    """Multiplies out duals of `envelopes` over boxes; `wide` are the ranges of the whole program.

    `cutoff` is what is assumed of the objective, which is `sign` times minimized; None where nothing is.
    """

    def __init__(self, envelopes: Envelopes, wide: Ranges, cutoff: Fact | None) -> None:
        self.envelopes, self.wide, self.cutoff = envelopes, wide, cutoff
        self.frame = wide.frame
        exact = self.frame.exact
        self.sign = exact.sign
        #: The objective as one that is minimized.
        self.costs = {j: self.sign * a for j, a in exact.cost()}
        self._known: dict[Fact, list[tuple[int, int]]] = {}

    def absurd(self, ranges: Ranges, y: FloatArray, empty: bool) -> Fact | None:
        """That nothing as good as the cut-off is in a box; `empty`: that nothing is.

        None where the duals do not say so.
        """
        scaling = self.envelopes.scaling
        # Rows of the linear program prove c'x >= level, which the cut-off contradicts.
        start, goal, unit, needed = [], dict[int, Fraction](), 1.0, Fraction(0)
        if not empty:
            assert self.cutoff is not None
            start, goal = [(self.cutoff, Fraction(-self.sign))], dict(self.costs)
            unit, needed = 1.0 / scaling.objective, self.sign * self.cutoff.side
        for digits in DIGITS:
            bound = self._multiplied(ranges, y, digits, unit, goal, needed)
            if bound is not None:
                return Fact("G", ONE, (), (*start, *bound.parts))
        return None

    def end(self, ranges: Ranges, j: int, sign: int, y: FloatArray, least: float) -> Bound | None:
        """A bound of `sign` times a column from below, of at least `least`, from duals with the cut-off."""
        unit = float(self.envelopes.scaling.columns[j])
        needed = Fraction(least)
        for digits in DIGITS[1:]:
            bound = self._multiplied(ranges, y, digits, unit, {j: Fraction(sign)}, needed)
            if bound is not None:
                return bound
        return None

    def _multiplied(
        self,
        ranges: Ranges,
        y: FloatArray,
        digits: int,
        unit: float,
        goal: dict[int, Fraction],
        needed: Fraction,
    ) -> Bound | None:
        """Everything in whole numbers: multipliers over a power of two, coefficients and ends over `TEN`.

        None where less than `needed` is proven.
        """
        used, two = self._used(ranges, y, digits, unit)
        left = {j: whole(a) * two for j, a in goal.items()}
        level = 0
        for fact, times in used:
            level += times * self._side(fact)
            for j, a in self._terms(fact):
                left[j] = left.get(j, 0) - times * a
        floor = (needed * two * TEN * TEN).__floor__()
        found = self._ended(ranges, left, level, floor)
        if found is None or found[0] <= floor:
            return None
        level, ends = found
        parts = [(fact, Fraction(times, two)) for fact, times in used]
        parts += [(end, Fraction(left[j], two * TEN)) for j, end in ends.items()]
        return Bound(Fraction(level, two * TEN * TEN), tuple(parts))

    def _ended(
        self, ranges: Ranges, left: dict[int, int], level: int, needed: int
    ) -> tuple[int, dict[int, Fact]] | None:
        """The level with the ends that what is left of each column points to; None where one is open.

        Ends of the whole program are used while more than `needed` remains.
        """
        ends: dict[int, Fact] = {}
        cheap: list[tuple[int, int, Fact]] = []
        for j, d in left.items():
            if not d:
                continue
            end, wide = (r.facts[d < 0][j] for r in (ranges, self.wide))
            if end is None:
                return None
            here = d * whole(end.side)
            level += here
            ends[j] = end
            if wide is not None and wide is not end:
                cheap.append((here - d * whole(wide.side), j, wide))
        room = (level - needed) // SPENT
        for lost, j, wide in sorted(cheap, key=lambda c: c[:2]):
            if lost > room:
                break
            room -= lost
            level -= lost
            ends[j] = wide
        return level, ends

    def _side(self, fact: Fact) -> int:
        """The side of a row, an envelope or the cut-off, over the square of `TEN`."""
        if fact.product >= 0:
            (a, _), (b, _) = fact.parts
            return -(whole(a.side) * whole(b.side))
        return whole(fact.side) * TEN

    def _terms(self, fact: Fact) -> Iterator[tuple[int, int]]:
        """The terms of a fact over `TEN`, the objective written out."""
        if fact.given >= 0:
            if fact not in self._known:
                assert fact.terms is not None
                self._known[fact] = [(j, whole(a)) for j, a in fact.terms]
            return iter(self._known[fact])
        if fact.terms is None:
            return ((j, whole(self.sign * a)) for j, a in self.costs.items())
        return ((j, whole(a)) for j, a in fact.terms)

    def _used(
        self, ranges: Ranges, y: FloatArray, digits: int, unit: float
    ) -> tuple[list[tuple[Fact, int]], int]:
        """The rows, envelopes and the cut-off that are used, with multipliers in their own units over a number."""
        e, frame = self.envelopes, self.frame
        scaling, rows, count = e.scaling, e.rows, len(e.result)
        grid = np.rint(np.ldexp(y, digits))
        behind = len(e.indptr) - 1  # the row of the cut-off, where there is one
        found: list[tuple[Fact, int, int]] = []
        for i in np.flatnonzero(grid).tolist():
            times = int(grid[i])
            if i < rows:
                scale = float(scaling.rows[i])
                fact = frame.side(i, times < 0)
            elif i == behind:
                scale, fact, times = scaling.objective, self.cutoff, times * self.sign
            else:
                block, k = divmod(i - rows, count)
                if block >= 4:
                    continue
                p = frame.products[k]
                scale = 1.0 / float(scaling.columns[p.result])
                fact = ranges.plane(p, *CORNERS[block // 2][block % 2])
                # An upper side has no use from below.
                if fact is not None and (fact.sense == "G") != (times > 0):
                    continue
            if fact is not None:
                # Scales are powers of two.
                found.append((fact, times, frexp(scale * unit)[1] - 1 - digits))
        least = min((power for _, _, power in found), default=0)
        most = max(0, -least)
        return [(fact, times << (power + most)) for fact, times, power in found], 1 << most
