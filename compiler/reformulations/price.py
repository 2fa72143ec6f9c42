r"""The price of a penalty, paid in every piece.

Where a column :math:`k` has a price in the objective and follows from a factor :math:`y` of products
over pieces, as :math:`k \ge a\, y + b` (through absolute values, maxima and rows of two columns), it is
split as the factor is:

.. math::
    k = \sum_j k_j, \quad k_j \ge a\, y_j + b\, z_j, \quad k_j \ge k_L\, z_j .

Without it a fractional :math:`z` moves all of :math:`y` into the piece that serves best at no cost,
because :math:`\sum_j y_j`, which is all that :math:`k` sees, stays the same. It cuts off no allocation:
with :math:`k_j = k` in the piece that is chosen and zero in the others, the rows say what
:math:`k \ge a\, y + b` says.

:Source: Columns with a cost of their own that are bounded by factors of products over pieces.
:Target: Disaggregated copies of these columns, linear rows.
:Exact: Nothing is added to what is feasible; the relaxation becomes that of each piece by itself.
:Reference: Balas (1998), Discrete Applied Mathematics 89:3-44 (the hull of a disjunction holds every
    row of its parts).
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.priced import PricedRows
from allocc.compiler.reformulations.pieces import Cut, PieceColumns


def write(
    build: Extension,
    copy: PieceColumns,
    cut: Cut,
    rows: PricedRows,
    lower: FloatArray,
    upper: FloatArray,
) -> PieceColumns:
    """Pay the price in every piece of `copy`, which holds the products of `cut`.

    Those of `rows` are taken that follow from the cut variable, a factor or a product. `lower` and
    `upper` are the bounds of the program's columns, finite on the side that a price pushes to.
    """
    result, other = cut.result, cut.other
    rows = rows.of(np.concatenate([[cut.variable], other, result]))
    if not len(rows.priced):
        return copy
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
    follows = rows.column.tolist()
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
                    [column[c] for c in follows],
                    -rows.side * rows.slope * [times[c] for c in follows],
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
