"""Points at which a search for allocations begins: shares of what limits allow, and whole numbers near.

All arrays are over decisions: `low` and `high` are finite ends of their ranges, `limits` what their rows say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import Program

#: So many ways are tried to round a point.
MOST_ROUNDINGS = 8
#: A number nearer to a whole one than this is one.
WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class DecisionRows:
    """The rows of a program that are on decisions alone: `lower <= matrix @ decisions <= upper`."""

    matrix: sparse.csr_array
    lower: FloatArray
    upper: FloatArray

    def hold(self, x: FloatArray) -> bool:
        """Whether decisions meet all of them, but for rounding."""
        activity, size = self.matrix @ x, abs(self.matrix) @ np.abs(x)
        return bool((np.maximum(self.lower - activity, activity - self.upper) <= 1e-9 * size).all())

    def taken(self, rows: BoolArray) -> DecisionRows:
        """Some of them."""
        return DecisionRows(self.matrix[rows], self.lower[rows], self.upper[rows])


def decision_rows(program: Program, decided: IntArray) -> DecisionRows:
    """The rows on `decided` columns alone that hold on no condition."""
    others = np.ones(program.columns, dtype=bool)
    others[decided] = False
    holds = np.ones(program.rows, dtype=bool)
    for block in program.conditional:
        holds[block.rows] = False
    m = program.matrix
    row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
    foreign = np.bincount(row_of, others[m.indices], program.rows) > 0
    rows = np.flatnonzero(holds & ~foreign & (np.diff(m.indptr) > 0))
    return DecisionRows(
        sparse.csr_array(m[rows][:, decided]), program.row_lower[rows], program.row_upper[rows]
    )


def proportional(
    rows: DecisionRows, low: FloatArray, high: FloatArray, integer: BoolArray
) -> list[FloatArray]:
    """Every decision at a share of its range that the rows allow: the largest common one, and its own.

    Whole decisions are shared out first, rounded down, and the others within what these leave.
    """
    mixed = np.asarray(abs(rows.matrix) @ np.where(integer, 0.0, 1.0)) > 0
    found = []
    for common in (True, False):
        x = low.copy()
        for part, mine in ((rows.taken(~mixed), integer), (rows.taken(mixed), ~integer)):
            share = _shares(part, x, high, mine, common)
            x = np.where(mine, low + share * (high - low), x)
            x = np.where(integer, np.maximum(np.floor(x + WHOLE), np.ceil(low)), x)
        found.append(x)
    return found


def _shares(
    rows: DecisionRows, x: FloatArray, high: FloatArray, mine: BoolArray, common: bool
) -> FloatArray:
    """The share of the way from x to `high` that the rows of each decision allow, in 0 .. 1."""
    m = rows.matrix
    way = np.where(mine, high - x, 0.0)
    at, full = m @ x, m @ way
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(full > 0, (rows.upper - at) / full, 1.0)
        below = np.where(full < 0, (rows.lower - at) / full, 1.0)
    allowed = np.clip(np.minimum(above, below), 0.0, 1.0)
    if common:
        return np.full(len(x), float(np.min(allowed, initial=1.0)))
    share = np.ones(len(x))
    np.minimum.at(share, m.indices, np.repeat(allowed, np.diff(m.indptr)))
    return share


def shares(low: FloatArray, high: FloatArray, seed: int, count: int) -> Iterator[FloatArray]:
    """The middle, the lower and the upper ends, and `count` random points between them."""
    for share in (0.5, 0.0, 1.0):
        yield low + share * (high - low)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield low + rng.random(len(low)) * (high - low)


def roundings(rows: DecisionRows, x: FloatArray, integer: BoolArray) -> list[FloatArray]:
    """Points with whole numbers near x that meet the rows on whole decisions, the nearest first.

    Each rounds up what has at least some fractional part, and down the rest.
    """
    only_whole = rows.taken(np.asarray(abs(rows.matrix) @ np.where(integer, 0.0, 1.0)) == 0)
    below = np.floor(x + WHOLE)
    part = np.where(integer, np.maximum(x - below, 0.0), 0.0)
    part[part <= WHOLE] = 0.0
    found = []
    for threshold in [2.0, *np.unique(part[part > 0]).tolist()]:
        y = np.where(integer, below + ((part > 0) & (part >= threshold)), x)
        if only_whole.hold(np.where(integer, y, 0.0)):
            found.append(y)
    found.sort(key=lambda y: float(np.abs(y - x).sum()))
    return found[:MOST_ROUNDINGS]
