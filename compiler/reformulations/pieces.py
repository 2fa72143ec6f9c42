r"""Products and functions over a variable whose range is cut into pieces (disaggregated form).

For a variable x with pieces [l_j, u_j], a binary z_j says that x lies in piece j:

.. math::
    \sum_j z_j = 1, \quad x = \sum_j x_j, \quad l_j z_j \le x_j \le u_j z_j .

Every other factor y of a product c = x y is split as y = sum y_j with y_j in z_j times its range in
that piece, and c = sum c_j, where c_j lies in McCormick's envelope of (x_j, y_j) over the piece,
each row scaled by z_j.

Source: `c = x * y`. Target: binaries, disaggregated copies, linear rows.
Exact for every piece that is a single point (then c_j = l_j y_j), so for an integer x when all of its
pieces are single values (the unary form); else a relaxation that tightens as pieces are split.
Reference: Balas (1998), Discrete Applied Mathematics 89:3-44; Wicaksono and Karimi (2008),
AIChE Journal 54:991-1008.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc.compiler.extension import Extension
from allocc.compiler.program import FloatArray, IntArray


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


def disaggregate(
    build: Extension,
    variable: int,
    low: FloatArray,
    high: FloatArray,
    result: IntArray,
    other: IntArray,
    other_ranges: tuple[FloatArray, FloatArray],
    result_ranges: tuple[FloatArray, FloatArray],
) -> PieceColumns:
    """Write products `result = variable * other` over pieces `low[j] .. high[j]`.

    `other_ranges` and `result_ranges` are lower and upper bounds of the products' other factors and
    of the products in each piece, each of shape (pieces, products). Pieces are assumed to be
    feasible; a piece with an empty range must be left out by the caller.
    """
    count, m = len(low), len(result)
    binaries = build.columns("piece", count, 0.0, 1.0, integer=True)
    _one_row(build, "one piece", binaries, np.ones(count), 1.0)

    # x = sum of its copies; a single-point piece needs none
    wide = np.flatnonzero(low != high)
    z = binaries[wide]
    x_copy = np.full(count, -1)
    x_copy[wide] = x = build.columns(
        "piece of x", len(wide), np.minimum(low[wide], 0), np.maximum(high[wide], 0)
    )
    _one_row(
        build,
        "pieces of x",
        np.concatenate([[variable], np.where(x_copy >= 0, x_copy, binaries)]),
        np.concatenate([[1.0], np.where(x_copy >= 0, -1.0, -low)]),
        0.0,
    )
    build.rows("piece >=", [(x, 1.0), (z, -low[wide])], 0.0, np.inf)
    build.rows("piece <=", [(x, 1.0), (z, -high[wide])], -np.inf, 0.0)

    # y = sum of its copies, each within its range in the piece
    others, first, slot = np.unique(other, return_index=True, return_inverse=True)
    n = len(others)
    yl, yu = (side[:, first] for side in other_ranges)
    flat = build.columns(
        "piece of factor", count * n, np.minimum(yl, 0).ravel(), np.maximum(yu, 0).ravel()
    )
    y_copy = flat.reshape(count, n)
    owner = np.repeat(binaries, n)
    build.rows("factor >=", [(flat, 1.0), (owner, -yl.ravel())], 0.0, np.inf)
    build.rows("factor <=", [(flat, 1.0), (owner, -yu.ravel())], -np.inf, 0.0)
    _sums(build, "pieces of factor", others, y_copy, np.ones((count, n)))

    # c = sum of its copies, each in the envelope of its piece; all of shape (wide pieces, products)
    def each(values: Any) -> Any:
        return np.broadcast_to(values, (len(wide), m)).ravel()

    a, b = each(low[wide, None]), each(high[wide, None])
    lo, hi = each(yl[wide][:, slot]), each(yu[wide][:, slot])
    rl, ru = (each(side[wide]) for side in result_ranges)
    ends = np.stack([a * lo, a * hi, b * lo, b * hi])
    c = build.columns(
        "piece of product",
        len(wide) * m,
        np.minimum(np.maximum(ends.min(axis=0), rl), 0.0),
        np.maximum(np.minimum(ends.max(axis=0), ru), 0.0),
    )
    xs, ys, zs = each(x[:, None]), each(y_copy[wide][:, slot]), each(z[:, None])
    # The product has a range of its own in the piece, which may be tighter than its factors'.
    build.rows("product >=", [(c, 1.0), (zs, -rl)], 0.0, np.inf)
    build.rows("product <=", [(c, 1.0), (zs, -ru)], -np.inf, 0.0)
    for p, q, is_lower in ((a, lo, True), (b, hi, True), (b, lo, False), (a, hi, False)):
        # c_j - q x_j - p y_j + p q z_j  >= (or <=)  0
        build.rows(
            "product in piece",
            [(c, 1.0), (xs, -q), (ys, -p), (zs, p * q)],
            0.0 if is_lower else -np.inf,
            np.inf if is_lower else 0.0,
        )
    c_copy = np.full((count, m), -1)
    c_copy[wide] = c.reshape(len(wide), m)
    single = (low == high)[:, None]
    _sums(
        build,
        "pieces of product",
        result,
        np.where(single, y_copy[:, slot], c_copy),
        np.broadcast_to(np.where(single, low[:, None], 1.0), (count, m)),
    )

    whole = np.concatenate([[variable], others, result])
    copies = np.concatenate([x_copy[None, :], y_copy.T, c_copy.T])
    return PieceColumns(variable, low, high, binaries, whole, copies)


def _one_row(
    build: Extension, name: str, columns: IntArray, values: FloatArray, side: float
) -> None:
    """The row `values' columns = side`."""
    build.ragged(name, np.zeros(len(columns), dtype=np.int64), columns, values, side, side, 1)


def _sums(
    build: Extension, name: str, whole: IntArray, copies: IntArray, weights: FloatArray
) -> None:
    """Rows `whole[k] = sum_j weights[j, k] copies[j, k]`."""
    count, n = copies.shape
    build.ragged(
        name,
        np.tile(np.arange(n), count + 1),
        np.concatenate([whole, copies.ravel()]),
        np.concatenate([np.ones(n), -weights.ravel()]),
        0.0,
        0.0,
        n,
    )
