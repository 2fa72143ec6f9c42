"""Columns with a price of their own in the objective, and how they follow from other columns.

A penalty such as `0.1 * linf(spend, share)` prices a column k with `k >= spend - share` and
`k >= share - spend`, through an absolute value and a maximum. Such chains are collected here, so
that the reformulation over pieces can pay the price in every piece (see `pieces.price`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program

#: Chains of at most so many steps: a definition, an absolute value, a maximum, and a row.
LONGEST = 5


@dataclass(frozen=True)
class PricedRows:
    """Entry by entry: `side * x[priced] >= side * (slope * x[column] + level)`, side 1 or -1."""

    priced: IntArray
    column: IntArray
    slope: FloatArray
    level: FloatArray
    side: FloatArray

    def of(self, columns: IntArray) -> PricedRows:
        """Those that follow from one of `columns`."""
        keep = np.isin(self.column, columns)
        return PricedRows(
            self.priced[keep],
            self.column[keep],
            self.slope[keep],
            self.level[keep],
            self.side[keep],
        )


#: `x[u] >= slope * x[v] + level` (or <=), as (v, slope, level).
_Step = tuple[int, float, float]


class _Steps:
    """One-step bounds of a column by another, from two-column rows and from abs, max and min."""

    def __init__(self, program: Program) -> None:
        self.below: dict[int, list[_Step]] = {}
        self.above: dict[int, list[_Step]] = {}
        for atoms in program.functions:
            if not atoms.function.smooth:
                for w, x in zip(atoms.result.tolist(), atoms.argument.tolist(), strict=True):
                    self.below.setdefault(w, []).extend([(x, 1.0, 0.0), (x, -1.0, 0.0)])
        for e in program.extremes:
            side = self.below if e.sense == "max" else self.above
            for w, x in zip(e.result[e.owner].tolist(), e.argument.tolist(), strict=True):
                side.setdefault(w, []).append((x, 1.0, 0.0))
        self._rows(program)

    def _rows(self, program: Program) -> None:
        m = program.matrix
        fixed = program.lower == program.upper
        row = np.repeat(np.arange(program.rows), np.diff(m.indptr))
        free = ~fixed[m.indices] & (m.data != 0)
        two = np.bincount(row[free], minlength=program.rows) == 2
        constant = np.bincount(
            row[~free],
            m.data[~free] * program.lower[m.indices[~free]],
            minlength=program.rows,
        )
        entry = np.flatnonzero(free & two[row])
        pairs = entry.reshape(-1, 2)
        for first, second in pairs.tolist():
            r = int(row[first])
            low, high = program.row_lower[r] - constant[r], program.row_upper[r] - constant[r]
            for a, b in ((first, second), (second, first)):
                u, v = int(m.indices[a]), int(m.indices[b])
                scale = float(m.data[a])
                slope = -float(m.data[b]) / scale
                # scale * u + other * v within low .. high
                ends = (low / scale, high / scale) if scale > 0 else (high / scale, low / scale)
                if np.isfinite(ends[0]):
                    self.below.setdefault(u, []).append((v, slope, float(ends[0])))
                if np.isfinite(ends[1]):
                    self.above.setdefault(u, []).append((v, slope, float(ends[1])))


def priced_rows(program: Program, targets: IntArray) -> PricedRows:
    """All chains from a column with a price to a column of `targets`.

    A chain is kept only where the priced column is bounded on the side that its price pushes to.
    Columns of the targets' own families are no penalties, even if they are no targets themselves.
    """
    family = np.zeros(program.columns, dtype=bool)
    family[targets] = True
    for block in program.column_blocks:
        members = family[block.start : block.start + block.count]
        members[:] = members.any()
    priced = np.flatnonzero((program.objective != 0) & ~family).tolist()
    if not priced:
        return _none()
    steps = _Steps(program)
    wanted = set(targets.tolist())
    sign = 1.0 if program.sense == "minimize" else -1.0
    found: list[tuple[int, int, float, float, float]] = []
    for k in priced:
        side = 1.0 if sign * program.objective[k] > 0 else -1.0
        end = program.lower[k] if side > 0 else program.upper[k]
        if not np.isfinite(end):
            continue
        stack = [(k, 1.0, 0.0, 0)]
        seen = {(k, True)}
        while stack:
            u, slope, level, length = stack.pop()
            if u in wanted:
                found.append((k, u, slope, level, side))
                continue
            if length == LONGEST:
                continue
            table = steps.below if side * slope > 0 else steps.above
            for v, a, b in table.get(u, ()):
                place = (v, slope * a > 0)
                if a != 0 and place not in seen:
                    seen.add(place)
                    stack.append((v, slope * a, slope * b + level, length + 1))
    if not found:
        return _none()
    owner, column, slope_, level_, side_ = (np.array(x) for x in zip(*found, strict=True))
    return PricedRows(owner, column, slope_, level_, side_)


def _none() -> PricedRows:
    none = np.zeros(0, dtype=np.int64)
    return PricedRows(none, none, np.zeros(0), np.zeros(0), np.zeros(0))
