"""Ranges of a column's partners when it lies in a piece: propagation over the rows nearby.

Only short rows take part whose columns all stand in products of the column. All pieces of all
columns that are asked for at once are propagated at once, side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.bounds import Propagator, Ratios
from allocc.compiler.programs.program import Products, Program

#: Rows with more entries than this do not take part.
LONGEST_ROW = 4
#: A piece is propagated for so many sweeps; what more would bring is little.
SWEEPS = 10

Piece = tuple[float, float]


class LocalRanges:
    """The rows and products near one column, and what they have said of its pieces."""

    def __init__(self, program: Program, j: int) -> None:
        q = program.products
        mine = np.flatnonzero((q.left == j) | (q.right == j))
        columns = np.unique(np.concatenate([[j], q.result[mine], q.left[mine], q.right[mine]]))
        near = np.zeros(program.columns, dtype=bool)
        near[columns] = True
        m = program.matrix
        counts = np.diff(m.indptr)
        row_of = np.repeat(np.arange(program.rows), counts)
        outside = np.bincount(row_of, ~near[m.indices], program.rows)
        rows = np.flatnonzero((outside == 0) & (counts > 0) & (counts <= LONGEST_ROW))
        self.columns: IntArray = columns
        self.mine = int(np.searchsorted(columns, j))
        self.program = replace(
            program,
            objective=np.zeros(len(columns)),
            lower=program.lower[columns],
            upper=program.upper[columns],
            integer=program.integer[columns],
            matrix=m[rows][:, columns].tocsr(),
            row_lower=program.row_lower[rows],
            row_upper=program.row_upper[rows],
            products=Products(
                np.searchsorted(columns, q.result[mine]),
                np.searchsorted(columns, q.left[mine]),
                np.searchsorted(columns, q.right[mine]),
                q.is_ratio[mine],
            ),
            functions=(),
            extremes=(),
            defined=None,
        )
        self.ratios = Propagator(self.program).ratios
        self.known: dict[Piece, tuple[FloatArray, FloatArray] | None] = {}

    def update(self, program: Program) -> None:
        """Take over tighter bounds; what is known is kept if none of them is nearby."""
        lower, upper = program.lower[self.columns], program.upper[self.columns]
        p = self.program
        if np.array_equal(lower, p.lower) and np.array_equal(upper, p.upper):
            return
        self.program = replace(p, lower=lower, upper=upper)
        self.known.clear()

    def ranges(
        self, columns: IntArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Bounds of partners in pieces that `propagate` has found feasible: (pieces, columns)."""
        found = [self.known[piece] for piece in zip(low.tolist(), high.tolist(), strict=True)]
        places = np.searchsorted(self.columns, columns)
        lower, upper = (np.array(side) for side in zip(*(f for f in found if f), strict=True))
        return lower[:, places], upper[:, places]

    def feasible(self, low: FloatArray, high: FloatArray) -> list[bool]:
        """Whether each piece holds any point, as far as `propagate` has seen."""
        pieces = zip(low.tolist(), high.tolist(), strict=True)
        return [self.known[piece] is not None for piece in pieces]


def propagate(asked: Sequence[tuple[LocalRanges, FloatArray, FloatArray]]) -> None:
    """Have each of `asked` know the pieces `low .. high` of its column."""
    work: list[tuple[LocalRanges, list[Piece]]] = []
    for near, low, high in asked:
        pieces = zip(low.tolist(), high.tolist(), strict=True)
        new = [piece for piece in pieces if piece not in near.known]
        if new:
            work.append((near, new))
    if not work:
        return
    program, ratios, part = _side_by_side([(near, len(new)) for near, new in work])
    lower, upper = program.lower.copy(), program.upper.copy()
    start, places = 0, []
    for near, new in work:
        count = len(near.columns)
        for piece in new:
            lower[start + near.mine] = max(piece[0], lower[start + near.mine])
            upper[start + near.mine] = min(piece[1], upper[start + near.mine])
            places.append((near, piece, slice(start, start + count)))
            start += count
    lower, upper, feasible = Propagator(program, ratios).run_parts(lower, upper, part, SWEEPS)
    for (near, piece, here), good in zip(places, feasible.tolist(), strict=True):
        near.known[piece] = (lower[here], upper[here]) if good else None


def _side_by_side(
    parts: Sequence[tuple[LocalRanges, int]],
) -> tuple[Program, Ratios, IntArray]:
    """Copies of the local programs as one, its ratios, and the number of each column's copy."""
    column, row, entry, copy = 0, 0, 0, 0
    arrays: dict[str, list[Any]] = {}
    ratios: dict[bool, list[tuple[IntArray, IntArray, FloatArray]]] = {True: [], False: []}
    # `indptr` begins with a zero of its own; each copy adds the ends of its rows.
    arrays["indptr"] = [np.zeros(1, dtype=np.int64)]
    for near, count in parts:
        p, m, q = near.program, near.program.matrix, near.program.products
        every = np.arange(count)

        def moved(values: IntArray, first: int, size: int, every: IntArray = every) -> IntArray:
            """Positions in each copy."""
            return np.asarray((values + (first + size * every)[:, None]).ravel())

        for name, values in (
            ("lower", p.lower),
            ("upper", p.upper),
            ("integer", p.integer),
            ("row_lower", p.row_lower),
            ("row_upper", p.row_upper),
            ("data", m.data),
            ("is_ratio", q.is_ratio),
        ):
            arrays.setdefault(name, []).append(np.tile(values, count))
        for name, positions in (
            ("indices", m.indices),
            ("result", q.result),
            ("left", q.left),
            ("right", q.right),
        ):
            arrays.setdefault(name, []).append(moved(positions, column, p.columns))
        arrays["indptr"].append(moved(m.indptr[1:], entry, m.nnz))
        arrays.setdefault("part", []).append(np.repeat(copy + every, p.columns))
        for w, x, bound, is_lower in near.ratios:
            ratios[is_lower].append(
                (moved(w, column, p.columns), moved(x, column, p.columns), np.tile(bound, count))
            )
        column += count * p.columns
        row += count * p.rows
        entry += count * m.nnz
        copy += count
    a = {name: np.concatenate(found) for name, found in arrays.items()}
    program = replace(
        parts[0][0].program,
        objective=np.zeros(column),
        lower=a["lower"],
        upper=a["upper"],
        integer=a["integer"],
        matrix=sparse.csr_array((a["data"], a["indices"], a["indptr"]), shape=(row, column)),
        row_lower=a["row_lower"],
        row_upper=a["row_upper"],
        products=Products(a["result"], a["left"], a["right"], a["is_ratio"]),
    )
    joined: Ratios = []
    for is_lower, found in ratios.items():
        if found:
            w, x, bound = (np.concatenate(side) for side in zip(*found, strict=True))
            joined.append((w, x, bound, is_lower))
    return program, joined, a["part"]
