"""Columns and rows added to a program, block by block, without touching what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import (
    Extremes,
    FunctionAtoms,
    Products,
    Program,
    ProgramBlock,
    no_products,
)

Entry = tuple[Any, Any]


class Extension:
    """Collects what reformulations add; `finish` makes the new program.

    The columns of the program keep their positions, so that the first entries of a point of the
    new program are a point of the old one.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.count = program.columns
        self.rows_count = program.rows
        self._column_blocks: list[ProgramBlock] = []
        self._row_blocks: list[ProgramBlock] = []
        self._lower: list[FloatArray] = []
        self._upper: list[FloatArray] = []
        self._integer: list[Any] = []
        self._row_lower: list[FloatArray] = []
        self._row_upper: list[FloatArray] = []
        self._rows: list[IntArray] = []
        self._columns: list[IntArray] = []
        self._values: list[FloatArray] = []

    def columns(
        self,
        name: str,
        count: int,
        lower: Any,
        upper: Any,
        integer: bool = False,
        labels: Any = None,
    ) -> IntArray:
        """Add auxiliary columns and return their positions."""
        start = self.count
        self._column_blocks.append(ProgramBlock(name, start, count, "auxiliary", labels=labels))
        self._lower.append(_each(lower, count))
        self._upper.append(_each(upper, count))
        self._integer.append(np.full(count, integer))
        self.count += count
        return np.arange(start, start + count)

    def rows(
        self, name: str, entries: Sequence[Entry], lower: Any, upper: Any, count: int | None = None
    ) -> None:
        """Add rows: each entry gives one column and one coefficient for every row."""
        n = count if count is not None else len(entries[0][0])
        if n == 0:
            return
        local = np.arange(self.rows_count, self.rows_count + n)
        for columns, values in entries:
            self._rows.append(local)
            self._columns.append(_each(columns, n, np.int64))
            self._values.append(_each(values, n))
        self._finish_rows(name, n, lower, upper)

    def ragged(
        self,
        name: str,
        rows: IntArray,
        columns: IntArray,
        values: Any,
        lower: Any,
        upper: Any,
        count: int,
    ) -> None:
        """Add `count` rows from triples; `rows` counts from 0."""
        self._rows.append(rows + self.rows_count)
        self._columns.append(columns)
        self._values.append(_each(values, len(rows)))
        self._finish_rows(name, count, lower, upper)

    def _finish_rows(self, name: str, n: int, lower: Any, upper: Any) -> None:
        self._row_lower.append(_each(lower, n))
        self._row_upper.append(_each(upper, n))
        self._row_blocks.append(ProgramBlock(name, self.rows_count, n, "auxiliary"))
        self.rows_count += n

    def finish(
        self,
        products: Products | None = None,
        functions: tuple[FunctionAtoms, ...] = (),
        extremes: tuple[Extremes, ...] = (),
    ) -> Program:
        """The program with everything that was added, and with the atoms that are left."""
        p = self.program
        shape = (self.rows_count, self.count)
        m = p.matrix
        matrix = sparse.csr_array((m.data, m.indices, m.indptr), shape=(p.rows, self.count))
        if self._rows:
            added = sparse.csr_array(
                sparse.coo_array(
                    (
                        np.concatenate(self._values),
                        (np.concatenate(self._rows) - p.rows, np.concatenate(self._columns)),
                    ),
                    shape=(self.rows_count - p.rows, self.count),
                )
            )
            added.sum_duplicates()
            added.eliminate_zeros()
            matrix = sparse.csr_array(
                (
                    np.concatenate([m.data, added.data]),
                    np.concatenate([m.indices, added.indices]),
                    np.concatenate([m.indptr, added.indptr[1:] + m.nnz]),
                ),
                shape=shape,
            )
        assert matrix.shape == shape
        extra = self.count - p.columns
        extra_rows = self.rows_count - p.rows
        defined = None
        if p.defined is not None:
            defined = np.concatenate([p.defined, np.full(extra_rows, -1, dtype=np.int64)])
        return replace(
            p,
            objective=np.concatenate([p.objective, np.zeros(extra)]),
            lower=np.concatenate([p.lower, *self._lower]),
            upper=np.concatenate([p.upper, *self._upper]),
            integer=np.concatenate([p.integer, *self._integer]),
            matrix=matrix,
            row_lower=np.concatenate([p.row_lower, *self._row_lower]),
            row_upper=np.concatenate([p.row_upper, *self._row_upper]),
            column_blocks=(*p.column_blocks, *self._column_blocks),
            row_blocks=(*p.row_blocks, *self._row_blocks),
            products=products if products is not None else no_products(),
            functions=functions,
            extremes=extremes,
            defined=defined,
        )


def _each(values: Any, count: int, kind: type = float) -> Any:
    """One number for all of `count`, or one for each."""
    found: Any = np.asarray(values, dtype=kind)
    return found if found.shape == (count,) else np.full(count, found)
