"""A program in which every definition stands once.

A flow that is summed up in the objective is laid out beside the same flow in the dynamics. Solvers find
that two columns are one where rows say it; that two products are one, no row says, and a relaxation of both
lets one be small where the other is large. Here columns that are defined by the same row, or as the
same product, become one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program, ProgramBlock

#: What a column is defined as: the entries of its row and a number, or what it is a product of.
Definition = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Once:
    """`program` has a column for each of `kept`, columns of the program before; `place` takes each of
    those to its column now.
    """

    program: Program
    kept: IntArray
    place: IntArray

    def inward(self, point: FloatArray) -> FloatArray:
        """The point of this program."""
        return point[self.kept]

    def outward(self, point: FloatArray) -> FloatArray:
        """The point of the program before, from one whose first columns are those of this program."""
        return point[self.place]


def once(program: Program) -> Once:
    """The program without repeated definitions; extremes and conditional rows are not looked at."""
    p = program
    same = _same(p)
    kept = np.flatnonzero(same == np.arange(p.columns))
    number = np.full(p.columns, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    place = number[same]
    defined = np.full(p.rows, -1, dtype=np.int64) if p.defined is None else p.defined
    own = np.flatnonzero((defined < 0) | (same[defined] == defined))
    fold = sparse.csr_array((np.ones(p.columns), (np.arange(p.columns), place)))
    matrix = sparse.csr_array(p.matrix[own] @ fold)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    lower, upper = p.lower[kept].copy(), p.upper[kept].copy()
    np.maximum.at(lower, place, p.lower)
    np.minimum.at(upper, place, p.upper)
    q = p.products
    mine = q.taken(same[q.result] == q.result)
    made = replace(
        p,
        objective=np.bincount(place, p.objective, len(kept)).astype(float),
        lower=lower,
        upper=upper,
        integer=p.integer[kept],
        matrix=matrix,
        row_lower=p.row_lower[own],
        row_upper=p.row_upper[own],
        defined=np.where(defined[own] >= 0, place[defined[own]], -1),
        products=replace(
            mine, result=place[mine.result], left=place[mine.left], right=place[mine.right]
        ),
        functions=tuple(
            replace(f, result=place[f.result], argument=place[f.argument]) for f in p.functions
        ),
        extremes=tuple(
            replace(e, result=place[e.result], argument=place[e.argument]) for e in p.extremes
        ),
        column_blocks=_blocks(p, kept),
        row_blocks=(ProgramBlock("row", 0, len(own), "auxiliary"),),
    )
    return Once(made, kept, place)


def _blocks(p: Program, kept: IntArray) -> tuple[ProgramBlock, ...]:
    """The blocks of the columns that are kept: what is stated may not leave its range."""
    starts = np.searchsorted(kept, [b.start for b in p.column_blocks])
    ends = np.searchsorted(kept, [b.start + b.count for b in p.column_blocks])
    return tuple(
        ProgramBlock(b.name, int(start), int(end - start), b.role)
        for b, start, end in zip(p.column_blocks, starts, ends, strict=True)
        if end > start
    )


def _same(p: Program) -> IntArray:
    """For each column, the first that is defined as it is."""
    same = np.arange(p.columns)
    if p.defined is None:
        return same
    rows = [(i, int(j)) for i, j in enumerate(p.defined.tolist()) if j >= 0]
    held = p.integer.copy()
    for atoms in p.functions:
        held[atoms.result] = True
    for e in p.extremes:
        held[e.result] = True
    m, q = p.matrix, p.products
    while True:
        before = same.copy()
        seen: dict[Definition, int] = {}
        for i, j in rows:
            if same[j] != j or held[j]:
                continue
            entries = slice(m.indptr[i], m.indptr[i + 1])
            columns, values = same[m.indices[entries]], m.data[entries]
            own = float(values[columns == j].sum())
            if own == 0.0:
                continue
            parts: dict[int, float] = {}
            for c, a in zip(columns.tolist(), values.tolist(), strict=True):
                if c != j:
                    parts[c] = parts.get(c, 0.0) + a / own
            sides = p.row_lower[i] / own, p.row_upper[i] / own
            same[j] = seen.setdefault((tuple(sorted(parts.items())), sides), j)
        for w, a, b, _ in q.entries():
            if same[w] == w and not held[w]:
                pair = sorted((int(same[a]), int(same[b])))
                same[w] = seen.setdefault(("product", *pair), w)
        ratio = q.is_ratio
        if ratio.any():
            # The quotient is what a ratio defines: its product stays.
            same[q.result[ratio]] = before[q.result[ratio]]
        if (same == before).all():
            return same
