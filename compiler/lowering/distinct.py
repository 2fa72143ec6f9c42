"""Rows of numbers that are the same up to their sign, each once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Unsigned:
    """`matrix @ x + level`, of which each row is one of those that were given, or its opposite.

    `first` is where each row was met first, `place` the row of each that was given.
    """

    matrix: sparse.csr_array
    level: FloatArray
    first: IntArray
    place: IntArray


def unsigned(matrix: sparse.csr_array, level: FloatArray) -> Unsigned:
    """The rows `matrix @ x + level` without those that are another one or its opposite."""
    m = sparse.csr_array(matrix)
    m.sum_duplicates()
    m.eliminate_zeros()
    counts = np.diff(m.indptr)
    place = np.zeros(len(level), dtype=np.int64)
    firsts: list[IntArray] = []
    found = 0
    for size in np.unique(counts).tolist():
        rows = np.flatnonzero(counts == size)
        entries = m.indptr[rows][:, None] + np.arange(size)
        leading = m.data[entries[:, 0]] if size else level[rows]
        sign = np.where(leading < 0, -1.0, 1.0)
        # Adding zero makes one zero of the two that there are.
        values = sign[:, None] * m.data[entries] + 0.0
        key = np.column_stack([m.indices[entries], values, sign * level[rows] + 0.0])
        _, index, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
        place[rows] = found + back.ravel()
        firsts.append(rows[index])
        found += len(index)
    first = np.concatenate(firsts) if firsts else np.zeros(0, dtype=np.int64)
    return Unsigned(m[first], level[first], first, place)
