"""A program while it is laid out: blocks of columns and rows, put down one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.algebra.polynomial import Monomial, flatten
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.lowering.sparse_rows import SparseRows
from allocc.compiler.origin import Origin
from allocc.compiler.programs.program import (
    Extremes,
    FunctionAtoms,
    Products,
    Program,
    ProgramBlock,
    Role,
    no_products,
)
from allocc.compiler.unrolling.problem import Problem


class Layout:
    """Columns, linear rows and atoms of one problem; `assemble` makes a program of them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.columns = 0
        self.rows = 0
        self.column_blocks: list[ProgramBlock] = []
        self.row_blocks: list[ProgramBlock] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.integer: list[Any] = []
        self.row_lower: list[FloatArray] = []
        self.row_upper: list[FloatArray] = []
        self.sparse = SparseRows()
        #: The fields of blocks of products.
        self.products: list[tuple[IntArray, IntArray, IntArray, BoolArray]] = []
        self.functions: list[FunctionAtoms] = []
        self.extremes: list[Extremes] = []
        self.defines: list[tuple[int, IntArray]] = []

    def assemble(
        self, objective: list[tuple[IntArray, FloatArray]], offset: float = 0.0
    ) -> Program:
        """What has been laid out and written so far."""
        p = self.problem
        n = self.columns
        matrix = self.sparse.matrix(n)
        defined = np.full(self.rows, -1, dtype=np.int64)
        for row, columns in self.defines:
            defined[row : row + len(columns)] = columns
        costs = np.zeros(n)
        for columns, values in objective:
            np.add.at(costs, columns, values)
        products = [np.concatenate(x) for x in zip(*self.products, strict=True)]
        return Program(
            name=p.model.name,
            sense=p.sense,
            objective=costs,
            offset=offset,
            lower=np.concatenate(self.lower) if self.lower else np.zeros(0),
            upper=np.concatenate(self.upper) if self.upper else np.zeros(0),
            integer=np.concatenate(self.integer) if self.integer else np.zeros(0, dtype=bool),
            matrix=matrix,
            row_lower=np.concatenate(self.row_lower) if self.row_lower else np.zeros(0),
            row_upper=np.concatenate(self.row_upper) if self.row_upper else np.zeros(0),
            column_blocks=tuple(self.column_blocks),
            row_blocks=tuple(self.row_blocks),
            products=Products(*products) if products else no_products(),
            functions=tuple(self.functions),
            extremes=tuple(self.extremes),
            defined=defined,
        )

    def column_name(self, j: int) -> str:
        """The name of a column laid out so far."""
        for block in self.column_blocks:
            if block.start <= j < block.start + block.count:
                return block.name_of(j - block.start)
        raise IndexError(j)

    def new_columns(
        self,
        name: str,
        count: int,
        role: Role,
        lower: Any = -np.inf,
        upper: Any = np.inf,
        integer: bool = False,
        **about: Any,
    ) -> int:
        """Lay out a block of columns and return its first."""
        start = self.columns
        self.column_blocks.append(ProgramBlock(name, start, count, role, **about))
        self.lower.append(np.broadcast_to(np.asarray(lower, dtype=float), count).copy())
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=float), count).copy())
        self.integer.append(np.full(count, integer))
        self.columns += count
        return start

    def write(
        self,
        name: str,
        terms: list[Monomial],
        axes: tuple[Axis, ...],
        lower: Any,
        upper: Any,
        role: Role,
        labels: Any,
        origin: Origin | None,
    ) -> None:
        """Rows `lower <= terms <= upper` over axes; the terms are linear."""
        count = int(np.prod([a.size for a in axes], dtype=np.int64))
        level = np.zeros(count)
        shape = tuple(a.size for a in axes)
        regular = []
        triples = []
        for term in terms:
            if not term.scatter and set(term.all_axes) <= set(axes):
                value = spread(term.coefficient, term.axes, axes)
                if not term.factors:
                    level += np.broadcast_to(value, shape).ravel()
                    continue
                (factor,) = term.factors
                column = np.broadcast_to(spread(factor.columns, factor.axes, axes), shape)
                one = value.size == 1
                entries = value.ravel() if one else np.broadcast_to(value, shape).ravel()
                regular.append((column.ravel(), entries))
                continue
            rows, values, columns = flatten(term, axes)
            if columns:
                triples.append((rows, columns[0], values))
            else:
                np.add.at(level, rows, values)
        self.sparse.add(count, regular, triples)
        self.row_lower.append(np.broadcast_to(lower, count) - level)
        self.row_upper.append(np.broadcast_to(upper, count) - level)
        self.row_blocks.append(ProgramBlock(name, self.rows, count, role, origin, labels=labels))
        self.rows += count

    def define_rows(
        self,
        name: str,
        matrix: sparse.csr_array,
        level: FloatArray,
        column: int,
        origin: Origin,
    ) -> None:
        """Rows that define the columns from `column` on to be `matrix @ x + level`."""
        m, count = matrix.tocoo(), len(level)
        own = (np.arange(column, column + count), 1.0)
        self.sparse.add(count, [own], [(m.row.astype(np.int64), m.col.astype(np.int64), -m.data)])
        self.row_lower.append(level)
        self.row_upper.append(level)
        self.row_blocks.append(ProgramBlock(f"{name}:is", self.rows, count, "definition", origin))
        self.defines.append((self.rows, own[0]))
        self.rows += count
