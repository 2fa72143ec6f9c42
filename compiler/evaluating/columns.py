"""Columns of tables where an expression reads them: numbers, words, blank cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Data, Node
from allocc.compiler.algebra.index import Coordinate, IndexSet, join_axes, spread
from allocc.compiler.arrays import BoolArray
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import DataTable
from allocc.compiler.evaluating.subscripts import Mask, Subscripts
from allocc.compiler.labels import label_text
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.context import Read
from allocc.compiler.scoping.scope import Scope
from allocc.dsl import tree
from allocc.dsl.tree import Span

#: The one row of a table without a key.
ONE = IndexSet("row", [[1]], "integer")


class Columns(Subscripts):
    """The part of an evaluator that reads tables."""

    def column(
        self,
        e: tree.Field,
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        fallback: Node | None,
        numeric: bool = False,
    ) -> Node:
        """A column of a table, subscripted or bare; `numeric` where only numbers will do."""
        table = self.symbols.table(e.table)
        column = e.column.name
        if column not in table.header:
            raise failures.Failed(
                data_errors.unknown_column(
                    table.name, table.file, column, e.column.span, table.header
                )
            )
        if not table.keys:
            if len(table.rows) != 1:
                raise failures.Failed(
                    data_errors.many_rows(table.file, table.name, len(table.rows), e.span)
                )
            if indices:
                raise failures.Failed(scoping_errors.not_indexed(f"{table.name}.{column}", e.span))
            single = Coordinate(ONE, (), np.asarray(0))
            return self.cells(table, column, single, None, fallback, e.span, scope, numeric)
        sets = (table.key_set,)
        mask: Mask | None = None
        if indices is None:
            coordinates = self.fill(sets, [None], scope)
        else:
            name = f"{table.name}.{column}"
            span = e.span.to(indices[-1].span)
            try:
                coordinates, mask = self._rows(name, table, indices, scope, span, fallback)
            except failures.Outside as outside:
                if not outside.labels:
                    raise
                what = ", ".join(table.keys)
                have = table.key_set.texts[0] if table.key_set.arity == 1 else ()
                raise failures.Failed(
                    data_errors.missing_rows(
                        table.file, table.name, what, outside.labels, outside.span, have
                    )
                ) from None
        return self.cells(table, column, coordinates[0], mask, fallback, e.span, scope, numeric)

    def _rows(
        self,
        name: str,
        table: DataTable,
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
        fallback: Node | None,
    ) -> tuple[list[Coordinate], Mask | None]:
        """The rows of a table that subscripts mean; a written label without a row has none."""
        key_set = table.key_set
        if len(indices) == 1 == key_set.arity and isinstance(indices[0], tree.Text | tree.Number):
            label = label_text(indices[0].value)
            if (label,) not in key_set.positions:
                if fallback is not None:
                    inside: BoolArray = np.asarray(False)
                    return [Coordinate(key_set, (), np.asarray(0))], Mask((), inside)
                raise scoping_errors.outside_set(name, key_set.name, [label], indices[0].span)
        return self.pick(name, (key_set,), indices, scope, span, fallback)

    def cells(
        self,
        table: DataTable,
        column: str,
        rows: Coordinate,
        mask: Mask | None,
        fallback: Node | None,
        span: Span,
        scope: Scope,
        numeric: bool = False,
    ) -> Node:
        """The cells of a column at rows; blank ones take the fallback or are an error.

        A column is one of words when most of the cells that are read are words, unless a number
        is asked for. Otherwise every word among its numbers is a mistake.
        """
        if self.context.reads is not None:
            self.context.reads.append(Read(table, [rows], column))
        axes = join_axes(rows.axes, mask.axes if mask is not None else ())
        read = np.broadcast_to(spread(rows.positions, rows.axes, axes), tuple(a.size for a in axes))
        used: BoolArray = np.ones(read.shape, dtype=bool)
        if scope.guard is not None and set(scope.guard.axes) <= set(axes):
            used = used & spread(scope.guard.values, scope.guard.axes, axes).astype(bool)
        if mask is not None:
            used = used & spread(mask.inside, mask.axes, axes)
        inside = read if mask is None else read[spread(mask.inside, mask.axes, axes)]
        usage = self.symbols.usage
        usage.note(table, inside)
        # One row that is chosen leaves the others out on purpose.
        if fallback is not None and rows.axes:
            usage.optional.setdefault(table, span)
        wrong = table.words(column, read[used])
        if wrong:
            texts = np.array(table.texts(column), dtype=object)
            distinct = np.unique(read[used])
            if not numeric and 2 * len(wrong) > sum(1 for i in distinct if texts[i]):
                usage.words[table].add(column)
                words = Data(rows.axes, np.asarray(texts[rows.positions], dtype=object), span)
                return self.masked(words, mask, fallback)
            raise failures.Failed(
                *(
                    data_errors.cell_not_a_number(
                        table.file, table.first_line[i], column, texts[i], span
                    )
                    for i in wrong[:5]
                )
            )
        picked = table.numbers(column)[read]
        blank = np.isnan(picked)
        if fallback is None and (used & blank).any():
            row = int(read[used & blank].ravel()[0])
            line = table.first_line[row]
            raise failures.Failed(data_errors.blank_cell(table.file, line, column, span))
        value = Data(axes, np.where(blank, 0.0, picked), span)
        known = ~blank if mask is None else ~blank & spread(mask.inside, mask.axes, axes)
        if fallback is None or known.all():
            return value
        return self.masked(value, Mask(axes, known), fallback)
