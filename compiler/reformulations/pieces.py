r"""Products and functions over a variable whose range is cut into pieces.

For a variable :math:`x` with pieces :math:`[l_j, u_j]`, a binary :math:`z_j` says that :math:`x` lies in
piece :math:`j`, and :math:`x_j` is the part of it that is there (the disaggregated form):

.. math::
    \sum_j z_j = 1, \quad x = \sum_j x_j, \quad l_j z_j \le x_j \le u_j z_j .

In a product :math:`c = x\, y` the other factor and the product are split as well,

.. math::
    y = \sum_j y_j, \quad y_{j,L}\, z_j \le y_j \le y_{j,U}\, z_j, \qquad c = \sum_j c_j,

where :math:`[y_{j,L}, y_{j,U}]` is the range of :math:`y` while :math:`x` is in the piece, and
:math:`c_j` lies in McCormick's envelope of :math:`(x_j, y_j)` over the piece, each row scaled by
:math:`z_j`.

:Source: ``c = x * y``, and functions of ``x``.
:Target: Binaries, disaggregated copies, linear rows.
:Exact: In every piece that is a single point, since then :math:`c_j = l_j y_j`; so for an integer
    :math:`x` when all of its pieces are single values (the unary form). Else a relaxation, which
    tightens as pieces are split.
:Reference: Balas (1998), Discrete Applied Mathematics 89:3-44; Wicaksono and Karimi (2008),
    AIChE Journal 54:991-1008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.extension import Extension


@dataclass(frozen=True)
class Pieces:
    """The range of a column in pieces `low[k] .. high[k]`, in order; `whole` if only whole numbers count."""

    low: FloatArray
    high: FloatArray
    whole: bool

    def __len__(self) -> int:
        return len(self.low)

    @property
    def values(self) -> float:
        """How many values are left; infinite where they are not whole."""
        return float(np.sum(self.high - self.low + 1)) if self.whole else np.inf

    def is_range(self, low: float, high: float) -> bool:
        """Whether the pieces say no more than this range."""
        return len(self) == 1 and bool(self.low[0] == low and self.high[0] == high)

    def within(self, low: float, high: float) -> Pieces:
        """What of the pieces lies in a range: perhaps none."""
        low_ends, high_ends = np.maximum(self.low, low), np.minimum(self.high, high)
        kept = low_ends <= high_ends
        return replace(self, low=low_ends[kept], high=high_ends[kept])

    def singles(self) -> Pieces:
        """Every whole value that is left as a piece."""
        ends = zip(self.low, self.high, strict=True)
        values = np.concatenate([np.arange(a, b + 1) for a, b in ends])
        return replace(self, low=values, high=values)

    def split(self, at: float, shortest: float = 0.0) -> Pieces:
        """The piece that holds `at` cut there; the very same pieces where it cannot be cut.

        A whole value is set apart from those below and above. A continuous piece is cut in two, neither of
        which is shorter than a fifth of it; one of at most `shortest` is not cut.
        """
        k = int(np.argmin(np.maximum(self.low - at, at - self.high)))
        a, b = float(self.low[k]), float(self.high[k])
        if a == b or (not self.whole and b - a <= shortest):
            return self
        if self.whole:
            v = float(min(max(round(at), a), b))
            parts = [(x, y) for x, y in ((a, v - 1), (v, v), (v + 1, b)) if x <= y]
        else:
            v = min(max(at, a + 0.2 * (b - a)), b - 0.2 * (b - a))
            parts = [(a, v), (v, b)]
        low, high = np.array(parts).T
        return replace(
            self,
            low=np.concatenate([self.low[:k], low, self.low[k + 1 :]]),
            high=np.concatenate([self.high[:k], high, self.high[k + 1 :]]),
        )


@dataclass(frozen=True)
class PieceColumns:
    """Where the copies of one partitioned variable are, to read and to write points.

    `binaries` has a column a piece; `copies[k]` the columns of the copies of `whole[k]`, one a
    piece, -1 where a copy is not needed.
    """

    variable: int
    low: FloatArray
    high: FloatArray
    binaries: IntArray
    whole: IntArray
    copies: IntArray

    def with_copies(self, whole: int, copies: IntArray) -> PieceColumns:
        """The same with the copies of one more column."""
        return replace(
            self,
            whole=np.append(self.whole, whole),
            copies=np.concatenate([self.copies, copies[None, :]]),
        )

    def reader(self, point: FloatArray, which: IntArray) -> Callable[[IntArray], FloatArray]:
        """A function from columns to their values in the pieces `which`: (columns, pieces).

        Where a column has no copy in a piece, its own value counts.
        """
        index = {w: n for n, w in enumerate(self.whole.tolist())}

        def value(columns: IntArray) -> FloatArray:
            rows = np.array([index.get(c, -1) for c in columns.tolist()], dtype=np.int64)
            copies = self.copies[rows][:, which]
            has_copy = (rows >= 0)[:, None] & (copies >= 0)
            return np.where(has_copy, point[copies], point[columns][:, None])

        return value

    def lift(self, point: FloatArray) -> None:
        """Fill in the copies from the values of the whole variables, in place."""
        x = point[self.variable]
        distance = np.maximum(self.low - x, x - self.high)
        chosen = int(np.argmin(distance))
        point[self.binaries] = 0.0
        point[self.binaries[chosen]] = 1.0
        good = self.copies >= 0
        point[self.copies[good]] = 0.0
        here = self.copies[:, chosen]
        at = here >= 0
        point[here[at]] = point[self.whole[at]]


@dataclass(frozen=True)
class Cut:
    """Products `result = variable * other` to be written over the pieces `low[j] .. high[j]`.

    `other_ranges` and `result_ranges` are lower and upper bounds of the other factors and of the
    products in each piece, each of shape (pieces, products). Every piece is feasible: one with an
    empty range must be left out.
    """

    variable: int
    low: FloatArray
    high: FloatArray
    result: IntArray
    other: IntArray
    other_ranges: tuple[FloatArray, FloatArray]
    result_ranges: tuple[FloatArray, FloatArray]


def disaggregate(build: Extension, cuts: Sequence[Cut]) -> list[PieceColumns]:
    """Write the products of each cut over its pieces, all of them in whole blocks."""
    if not cuts:
        return []
    sizes = [len(c.low) for c in cuts]
    low, high = (
        np.concatenate(side) for side in zip(*((c.low, c.high) for c in cuts), strict=True)
    )
    binaries = build.columns("piece", len(low), 0.0, 1.0, integer=True)
    owner = np.repeat(np.arange(len(cuts)), sizes)
    build.ragged("one piece", owner, binaries, 1.0, 1.0, 1.0, len(cuts))

    # x = sum of its copies; a single-point piece needs none
    wide = np.flatnonzero(low != high)
    z = binaries[wide]
    x_copy = np.full(len(low), -1)
    x_copy[wide] = x = build.columns(
        "piece of x", len(wide), np.minimum(low[wide], 0), np.maximum(high[wide], 0)
    )
    build.ragged(
        "pieces of x",
        np.concatenate([np.arange(len(cuts)), owner]),
        np.concatenate([[c.variable for c in cuts], np.where(x_copy >= 0, x_copy, binaries)]),
        np.concatenate([np.ones(len(cuts)), np.where(x_copy >= 0, -1.0, -low)]),
        0.0,
        0.0,
        len(cuts),
    )
    build.rows("piece >=", [(x, 1.0), (z, -low[wide])], 0.0, np.inf)
    build.rows("piece <=", [(x, 1.0), (z, -high[wide])], -np.inf, 0.0)

    # y = sum of its copies, each within its range in the piece
    ends = np.cumsum(sizes)[:-1]
    own = [
        _Own(c, mine, copies)
        for c, mine, copies in zip(
            cuts, np.split(binaries, ends), np.split(x_copy, ends), strict=True
        )
    ]
    yl, yu, factor = (_joined(o.factor[k] for o in own) for k in range(3))
    y = build.columns("piece of factor", len(yl), np.minimum(yl, 0), np.maximum(yu, 0))
    build.rows("factor >=", [(y, 1.0), (factor, -yl)], 0.0, np.inf)
    build.rows("factor <=", [(y, 1.0), (factor, -yu)], -np.inf, 0.0)
    for o, mine in zip(own, _split(y, [o.factors for o in own]), strict=True):
        o.place_factors(mine)
    _sums(build, "pieces of factor", [(o.others, o.y, np.ones(o.y.shape)) for o in own])

    # c = sum of its copies, each in the envelope of its piece; by wide pieces, then products
    a, b, lo, hi, rl, ru, xs, ys, zs = (
        _joined(column) for column in zip(*(o.envelopes() for o in own), strict=True)
    )
    corners = np.stack([a * lo, a * hi, b * lo, b * hi])
    product = build.columns(
        "piece of product",
        len(a),
        np.minimum(np.maximum(corners.min(axis=0), rl), 0.0),
        np.maximum(np.minimum(corners.max(axis=0), ru), 0.0),
    )
    # The product has a range of its own in the piece, which may be tighter than its factors'.
    build.rows("product >=", [(product, 1.0), (zs, -rl)], 0.0, np.inf)
    build.rows("product <=", [(product, 1.0), (zs, -ru)], -np.inf, 0.0)
    for p, q, is_lower in ((a, lo, True), (b, hi, True), (b, lo, False), (a, hi, False)):
        # c_j - q x_j - p y_j + p q z_j  >= (or <=)  0
        build.rows(
            "product in piece",
            [(product, 1.0), (xs, -q), (ys, -p), (zs, p * q)],
            0.0 if is_lower else -np.inf,
            np.inf if is_lower else 0.0,
        )
    for o, mine in zip(own, _split(product, [o.products for o in own]), strict=True):
        o.place_products(mine)
    _sums(build, "pieces of product", [(o.cut.result, *o.weighted()) for o in own])
    return [o.columns() for o in own]


class _Own:
    """What belongs to one cut while all are written: arrays by pieces and other factors."""

    def __init__(self, cut: Cut, binaries: IntArray, x_copy: IntArray) -> None:
        self.cut, self.binaries, self.x = cut, binaries, x_copy
        self.wide = np.flatnonzero(cut.low != cut.high)
        self.others, first, self.slot = np.unique(cut.other, return_index=True, return_inverse=True)
        self.lower, self.upper = (side[:, first] for side in cut.other_ranges)
        self.factors = self.lower.size
        self.products = len(self.wide) * len(cut.result)
        self.y: IntArray = np.zeros((0, 0), dtype=np.int64)
        self.c: IntArray = self.y

    @property
    def factor(self) -> tuple[FloatArray, FloatArray, IntArray]:
        """Bounds of the factors' copies, and their pieces' binaries."""
        return self.lower.ravel(), self.upper.ravel(), np.repeat(self.binaries, len(self.others))

    def place_factors(self, columns: IntArray) -> None:
        """Take the columns of the factors' copies."""
        self.y = columns.reshape(self.lower.shape)

    def place_products(self, columns: IntArray) -> None:
        """Take the columns of the products' copies, which only wide pieces have."""
        self.c = np.full((len(self.binaries), len(self.cut.result)), -1)
        self.c[self.wide] = columns.reshape(len(self.wide), len(self.cut.result))

    def envelopes(self) -> list[Any]:
        """Ends of the piece, of the factor and of the product; columns of x, y and z."""
        shape = (len(self.wide), len(self.cut.result))
        w, slot = self.wide, self.slot
        found = [
            self.cut.low[w, None],
            self.cut.high[w, None],
            self.lower[w][:, slot],
            self.upper[w][:, slot],
            *(side[w] for side in self.cut.result_ranges),
            self.x[w, None],
            self.y[w][:, slot],
            self.binaries[w, None],
        ]
        return [np.broadcast_to(values, shape).ravel() for values in found]

    def weighted(self) -> tuple[IntArray, FloatArray]:
        """What each product is the sum of: columns and weights, by pieces and products."""
        single = (self.cut.low == self.cut.high)[:, None]
        columns = np.where(single, self.y[:, self.slot], self.c)
        return columns, np.broadcast_to(np.where(single, self.cut.low[:, None], 1.0), self.c.shape)

    def columns(self) -> PieceColumns:
        """Where everything came to lie."""
        return PieceColumns(
            self.cut.variable,
            self.cut.low,
            self.cut.high,
            self.binaries,
            np.concatenate([[self.cut.variable], self.others, self.cut.result]),
            np.concatenate([self.x[None, :], self.y.T, self.c.T]),
        )


def _joined(parts: Iterable[Any]) -> Any:
    return np.concatenate(list(parts))


def _split(columns: IntArray, sizes: Sequence[int]) -> list[IntArray]:
    return list(np.split(columns, np.cumsum(sizes)[:-1]))


def _sums(
    build: Extension, name: str, blocks: Sequence[tuple[IntArray, IntArray, FloatArray]]
) -> None:
    """Rows `whole[k] = sum_j weights[j, k] copies[j, k]` of every (whole, copies, weights)."""
    first, rows, columns, values = 0, [], [], []
    for whole, copies, weights in blocks:
        n = len(whole)
        rows.append(first + np.tile(np.arange(n), len(copies) + 1))
        columns += [whole, copies.ravel()]
        values += [np.ones(n), -weights.ravel()]
        first += n
    if first:
        build.ragged(name, _joined(rows), _joined(columns), _joined(values), 0.0, 0.0, first)
