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
from math import ldexp

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.boxes.envelopes import Envelopes
from allocc.engine.certifying.facts import Fact
from allocc.engine.certifying.frame import ONE
from allocc.engine.certifying.ranges import CORNERS, Ranges

#: Binary digits after the point that multipliers of the scaled program are rounded to, one after another.
DIGITS = (14, 20, 26, 34, 44, 56)
#: Of what is proven beyond what is needed, this part may be lost by wider ends that are stated once.
SPENT = Fraction(1, 2)


@dataclass(frozen=True)
class Bound:
    """`terms` are at least `level`, as `parts` add up to."""

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
            if bound is not None and bound.level > needed:
                return Fact("G", ONE, (), tuple(_merged([*start, *bound.parts])))
        return None

    def end(self, ranges: Ranges, j: int, sign: int, y: FloatArray, least: float) -> Bound | None:
        """A bound of `sign` times a column from below, of at least `least`, from duals with the cut-off."""
        unit = float(self.envelopes.scaling.columns[j])
        needed = Fraction(least)
        for digits in DIGITS:
            bound = self._multiplied(ranges, y, digits, unit, {j: Fraction(sign)}, needed)
            if bound is not None and bound.level >= needed:
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
        parts, left, level = [], dict(goal), Fraction(0)
        for fact, multiplier in self._used(ranges, y, digits, unit):
            parts.append((fact, multiplier))
            level += multiplier * fact.side
            for j, a in self.costs_of(fact):
                left[j] = left.get(j, Fraction(0)) - multiplier * a
        ends: dict[int, Fact] = {}
        cheap: list[tuple[Fraction, int, Fact]] = []
        for j, d in left.items():
            if not d:
                continue
            end, wide = (r.facts[d < 0][j] for r in (ranges, self.wide))
            if end is None:
                return None
            level += d * end.side
            ends[j] = end
            if wide is not None and wide is not end:
                cheap.append((d * (end.side - wide.side), j, wide))
        room = SPENT * (level - needed)
        for lost, j, wide in sorted(cheap, key=lambda c: c[:2]):
            if lost > room:
                break
            room -= lost
            level -= lost
            ends[j] = wide
        parts += [(end, left[j]) for j, end in ends.items()]
        return Bound(level, tuple(_merged(parts)))

    def costs_of(self, fact: Fact) -> Iterator[tuple[int, Fraction]]:
        """The terms of a fact, the objective written out."""
        if fact.terms is None:
            return ((j, self.sign * a) for j, a in self.costs.items())
        return iter(fact.terms)

    def _used(
        self, ranges: Ranges, y: FloatArray, digits: int, unit: float
    ) -> Iterator[tuple[Fact, Fraction]]:
        """The rows, envelopes and the cut-off that are used, and their multipliers in their own units."""
        e, frame = self.envelopes, self.frame
        scaling, rows, count = e.scaling, self.envelopes.rows, len(e.result)
        grid = np.rint(np.ldexp(y, digits))
        behind = len(e.indptr) - 1  # the row of the cut-off, where there is one
        for i in np.flatnonzero(grid).tolist():
            if i < rows:
                scale = float(scaling.rows[i])
                fact = frame.side(i, grid[i] < 0)
            elif i == behind:
                scale, fact = scaling.objective * self.sign, self.cutoff
            else:
                block, k = divmod(i - rows, count)
                if block >= 4:
                    continue
                p = frame.products[k]
                scale = 1.0 / float(scaling.columns[p.result])
                fact = ranges.plane(p, *CORNERS[block // 2][block % 2])
                # An upper side has no use from below.
                if fact is not None and (fact.sense == "G") != (grid[i] > 0):
                    continue
            if fact is None:
                continue
            yield fact, Fraction(int(grid[i])) * Fraction(ldexp(scale * unit, -digits))


def _merged(parts: list[tuple[Fact, Fraction]]) -> list[tuple[Fact, Fraction]]:
    """Each fact once."""
    found: dict[Fact, Fraction] = {}
    for fact, multiplier in parts:
        found[fact] = found.get(fact, Fraction(0)) + multiplier
    return [(fact, multiplier) for fact, multiplier in found.items() if multiplier]

