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

Where a column :math:`k` has a price in the objective and follows from a factor, as
:math:`k \ge a\, y + b` (see ``priced``), it is split as well, and the price is paid in every piece:

.. math::
    k = \sum_j k_j, \quad k_j \ge a\, y_j + b\, z_j, \quad k_j \ge k_L\, z_j .

Without it a fractional :math:`z` could move all of :math:`y` into the piece that serves best, at no cost,
because :math:`\sum_j y_j`, which is all that :math:`k` sees, stays the same.

:Source: ``c = x * y``, and functions of ``x``.
:Target: Binaries, disaggregated copies, linear rows.
:Exact: In every piece that is a single point, since then :math:`c_j = l_j y_j`; so for an integer
    :math:`x` when all of its pieces are single values (the unary form). Else a relaxation, which
    tightens as pieces are split.
:Reference: Balas (1998), Discrete Applied Mathematics 89:3-44; Wicaksono and Karimi (2008),
    AIChE Journal 54:991-1008.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.extension import Extension
from allocc.compiler.priced import PricedRows
from allocc.compiler.program import BoolArray, FloatArray, IntArray


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
    piece_lower: FloatArray,
    piece_upper: FloatArray,
    below: BoolArray | bool = True,
    above: BoolArray | bool = True,
) -> PieceColumns:
    """Write products `result = variable * other` over pieces `low[j] .. high[j]`.

    `piece_lower` and `piece_upper` have shape (pieces, columns): bounds of every column of the
    program in each piece; a column of -inf .. inf there is not used. Pieces are assumed to be
    feasible; a piece with an empty range must be left out by the caller.
    """
    pieces = len(low)
    binaries = build.columns("piece", pieces, 0.0, 1.0, integer=True)
    build.rows("one piece", [(np.array([z]), 1.0) for z in binaries], 1.0, 1.0)
    point = low == high
    below = np.broadcast_to(below, len(result))
    above = np.broadcast_to(above, len(result))

    # x = sum of its copies; a single-point piece needs none
    x_copy = np.full(pieces, -1)
    wide = np.flatnonzero(~point)
    x_copy[wide] = build.columns(
        "piece of x", len(wide), np.minimum(low[wide], 0), np.maximum(high[wide], 0)
    )
    entries = [(np.array([variable]), 1.0)]
    for j in range(pieces):
        entries.append(
            (np.array([x_copy[j]]), -1.0) if x_copy[j] >= 0 else (np.array([binaries[j]]), -low[j])
        )
    build.rows("pieces of x", entries, 0.0, 0.0)
    build.rows(
        "piece >=",
        [(x_copy[wide], 1.0), (binaries[wide], -low[wide])],
        0.0,
        np.inf,
        count=len(wide),
    )
    build.rows(
        "piece <=",
        [(x_copy[wide], 1.0), (binaries[wide], -high[wide])],
        -np.inf,
        0.0,
        count=len(wide),
    )

    # y = sum of its copies, each within its range in the piece
    others, slot = np.unique(other, return_inverse=True)
    n = len(others)
    yl, yu = piece_lower[:, others], piece_upper[:, others]
    y_copy = build.columns(
        "piece of factor", pieces * n, np.minimum(yl, 0).ravel(), np.maximum(yu, 0).ravel()
    ).reshape(pieces, n)
    z = np.repeat(binaries, n)
    flat = y_copy.ravel()
    build.rows("factor >=", [(flat, 1.0), (z, -yl.ravel())], 0.0, np.inf)
    build.rows("factor <=", [(flat, 1.0), (z, -yu.ravel())], -np.inf, 0.0)
    build.rows(
        "pieces of factor",
        [(others, 1.0), *((y_copy[j], -1.0) for j in range(pieces))],
        0.0,
        0.0,
        count=n,
    )

    # c = sum of its copies, each in the envelope of its piece
    m = len(result)
    rl, ru = piece_lower[:, result], piece_upper[:, result]
    c_copy = np.full((pieces, m), -1)
    for j in wide.tolist():
        ends = np.stack([low[j] * yl[j], low[j] * yu[j], high[j] * yl[j], high[j] * yu[j]])
        cl = np.minimum(np.maximum(ends.min(axis=0)[slot], rl[j]), 0.0)
        cu = np.maximum(np.minimum(ends.max(axis=0)[slot], ru[j]), 0.0)
        c_copy[j] = build.columns("piece of product", m, cl, cu)
        xj, yj, zj = np.full(m, x_copy[j]), y_copy[j][slot], np.full(m, binaries[j])
        # The product has a range of its own in the piece, which may be tighter than its factors'.
        build.rows("product >=", [(c_copy[j], 1.0), (zj, -rl[j])], 0.0, np.inf)
        build.rows("product <=", [(c_copy[j], 1.0), (zj, -ru[j])], -np.inf, 0.0)
        lo, hi = yl[j][slot], yu[j][slot]
        for p, q, is_lower in (
            (low[j], lo, True),
            (high[j], hi, True),
            (high[j], lo, False),
            (low[j], hi, False),
        ):
            # c_j - q x_j - p y_j + p q z_j  >= (or <=)  0
            side = np.flatnonzero(below if is_lower else above)
            build.rows(
                "product in piece",
                [
                    (c_copy[j][side], 1.0),
                    (xj[side], -q[side]),
                    (yj[side], -p),
                    (zj[side], p * q[side]),
                ],
                0.0 if is_lower else -np.inf,
                np.inf if is_lower else 0.0,
                count=len(side),
            )
    entries = [(result, 1.0)]
    for j in range(pieces):
        entries.append((c_copy[j], -1.0) if not point[j] else (y_copy[j][slot], -low[j]))
    build.rows("pieces of product", entries, 0.0, 0.0, count=m)

    whole = np.concatenate([[variable], others, result])
    copies = np.concatenate([x_copy[None, :], y_copy.T, c_copy.T])
    return PieceColumns(variable, low, high, binaries, whole, copies)


def price(
    build: Extension,
    copy: PieceColumns,
    rows: PricedRows,
    result: IntArray,
    other: IntArray,
    lower: FloatArray,
    upper: FloatArray,
) -> PieceColumns:
    """Write the `rows` of priced columns in every piece of `copy`, made for `result` and `other`.

    Each row's column is the partitioned one, a factor or a result; `lower` and `upper` are the
    bounds of the program's columns, finite on the side that the price pushes to.
    """
    priced, slot = np.unique(rows.priced, return_inverse=True)
    side = np.zeros(len(priced))
    side[slot] = rows.side
    pieces, n = len(copy.binaries), len(priced)
    end = np.where(side > 0, lower[priced], upper[priced])
    mine = build.columns(
        "piece of price",
        pieces * n,
        np.tile(np.where(side > 0, np.minimum(end, 0.0), -np.inf), pieces),
        np.tile(np.where(side > 0, np.inf, np.maximum(end, 0.0)), pieces),
    ).reshape(pieces, n)
    build.rows(
        "pieces of price",
        [(priced, 1.0), *((mine[j], -1.0) for j in range(pieces))],
        0.0,
        0.0,
        count=n,
    )
    away = np.flatnonzero(end != 0.0)
    for j in range(pieces):
        z = copy.binaries[j]
        build.rows(
            "price in piece",
            [(mine[j][away], side[away]), (np.full(len(away), z), -side[away] * end[away])],
            0.0,
            np.inf,
            count=len(away),
        )
        column, times = _in_piece(copy, j, result, other)
        build.rows(
            "price in piece",
            [
                (mine[j][slot], rows.side),
                (
                    np.array([column[c] for c in rows.column.tolist()]),
                    [
                        -s * a * times[c]
                        for s, a, c in zip(
                            rows.side.tolist(),
                            rows.slope.tolist(),
                            rows.column.tolist(),
                            strict=True,
                        )
                    ],
                ),
                (np.full(len(slot), z), -rows.side * rows.level),
            ],
            0.0,
            np.inf,
        )
    for k, whole in enumerate(priced.tolist()):
        copy = copy.with_copies(whole, mine[:, k])
    return copy


def _in_piece(
    copy: PieceColumns, j: int, result: IntArray, other: IntArray
) -> tuple[dict[int, int], dict[int, float]]:
    """For every column that stands in piece j: the column that is its part there, and times what.

    In a piece that is the single value v, x is v times the binary, and x y is v times y's part.
    """
    column = {int(w): int(c) for w, c in zip(copy.whole, copy.copies[:, j], strict=True)}
    times = dict.fromkeys(column, 1.0)
    value = float(copy.low[j])
    if column[copy.variable] < 0:
        column[copy.variable], times[copy.variable] = int(copy.binaries[j]), value
    for c, y in zip(result.tolist(), other.tolist(), strict=True):
        if column[c] < 0:
            column[c], times[c] = column[y], value
    return column, times
