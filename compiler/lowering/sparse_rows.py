"""Rows of a sparse matrix, gathered statement by statement.

Most statements have the same number of entries in every row: their columns and coefficients are then
laid side by side and need no sorting. Only sums over scattered axes go through triples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray

Regular = tuple[IntArray, Any]
Triples = tuple[IntArray, IntArray, FloatArray]


class SparseRows:
    """Blocks of rows in CSR form; every row has sorted columns, none of them twice, none zero."""

    def __init__(self) -> None:
        self._counts: list[IntArray] = []
        self._indices: list[Any] = []
        self._data: list[FloatArray] = []

    def add(self, count: int, regular: Sequence[Regular], triples: Sequence[Triples]) -> None:
        """Append `count` rows.

        A regular entry has one column for each row, and coefficients that broadcast; triples have
        rows that count from 0.
        """
        if not triples:
            side_by_side = _aligned(count, regular)
            if side_by_side is not None:
                indices, data = side_by_side
                self._counts.append(np.full(count, len(regular), dtype=np.int64))
                self._indices.append(indices)
                self._data.append(data)
                return
        every = np.arange(count)
        rows = [*(every for _ in regular), *(t[0] for t in triples)]
        columns = [*(c for c, _ in regular), *(t[1] for t in triples)]
        values = [*(np.broadcast_to(v, count) for _, v in regular), *(t[2] for t in triples)]
        if not rows:
            self._counts.append(np.zeros(count, dtype=np.int64))
            return
        column = np.concatenate(columns)
        width = int(column.max(initial=0)) + 1
        part = sparse.csr_array(
            sparse.coo_array(
                (np.concatenate(values), (np.concatenate(rows), column)), shape=(count, width)
            )
        )
        part.sum_duplicates()
        part.eliminate_zeros()
        self._counts.append(np.diff(part.indptr).astype(np.int64))
        self._indices.append(part.indices.astype(np.int32, copy=False))
        self._data.append(part.data)

    def matrix(self, columns: int) -> sparse.csr_array:
        """All rows as one matrix."""
        counts = np.concatenate([np.zeros(1, dtype=np.int64), *self._counts])
        indptr = np.cumsum(counts)
        nothing = np.zeros(0, dtype=np.int32)
        indices = np.concatenate([nothing, *self._indices])
        data = np.concatenate([np.zeros(0), *self._data])
        if len(data) < 2**31 - 1:
            indptr = indptr.astype(np.int32)
        matrix = sparse.csr_array((data, indices, indptr), shape=(len(counts) - 1, columns))
        matrix.has_canonical_format = True
        return matrix


def _aligned(count: int, regular: Sequence[Regular]) -> tuple[Any, FloatArray] | None:
    """Columns and coefficients side by side, if they are in one order in all rows and not zero."""
    if not regular or not count or not all(np.all(v) for _, v in regular):
        return None
    order = sorted(range(len(regular)), key=lambda k: int(regular[k][0][0]))
    for a, b in pairwise(order):
        if not bool(np.all(regular[a][0] < regular[b][0])):
            return None
    indices = np.empty((count, len(regular)), dtype=np.int32)
    data = np.empty((count, len(regular)))
    for place, k in enumerate(order):
        indices[:, place] = regular[k][0]
        data[:, place] = regular[k][1]
    return indices.ravel(), data.ravel()
