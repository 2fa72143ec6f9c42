"""Values over a declared index space: what a statement says of every point of its index.

A bare column stands for the whole of a value (`param cost[County] = county.cost`): it is looked up by
the labels of the space, and rows that are missing or left over are told of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Data, Node
from allocc.compiler.algebra.index import Coordinate, IndexSet, lookup, spread
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import DataTable
from allocc.compiler.evaluating.columns import Columns
from allocc.compiler.evaluating.subscripts import Mask
from allocc.compiler.failures import NeedsTime
from allocc.compiler.labels import label_text
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.forgotten import forgotten_index
from allocc.compiler.scoping.spaces import Space
from allocc.compiler.scoping.symbols import Symbols
from allocc.dsl import tree
from allocc.dsl.diagnostics import DataPlace


def assign(
    name: str,
    e: tree.Expression,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Columns,
    what: str = "value",
    numeric: bool = False,
) -> Node:
    """The value of `e` over a declared space; a bare column is looked up by the space's labels.

    `what` of `name` it is, for messages; `numeric` where only numbers will do.
    """
    symbols = evaluator.symbols
    read = evaluator.number if numeric else evaluator.node
    field = bare_column(e)
    if field is not None and space.axes:
        table = symbols.table(field.table)
        if table.keys and sum(s.arity for s in sets) == table.key_set.arity:
            fallback = read(e.otherwise, space.scope) if isinstance(e, tree.Fallback) else None
            return _column_over(table, field, space, sets, evaluator, numeric, fallback)
    node = read(e, space.scope)
    if any(a not in space.axes for a in node.axes):
        wanted = [s.name for s in sets]
        given = [a.set.name for a in node.axes]
        declared = symbols.declared
        statement = (declared.initials if what == "initial value" else declared.names)[name]
        forgotten = forgotten_index(e, given, statement.index, declared)
        mismatch = scoping_errors.index_mismatch(name, wanted, given, e.span, what, forgotten)
        extra = [a.set for a in node.axes if a not in space.axes]
        if all(s.kind == "time" and s not in sets for s in extra):
            raise NeedsTime(mismatch)
        raise failures.Failed(mismatch)
    return node


def bare_column(e: tree.Expression | None) -> tree.Field | None:
    """The column that is a whole value, with or without an `else`."""
    inner = e.subscript if isinstance(e, tree.Fallback) else e
    return inner if isinstance(inner, tree.Field) else None


def _rows(table: DataTable, space: Space, sets: tuple[IndexSet, ...]) -> Coordinate:
    """For each point of a space, the row of a table with the same labels."""
    key_set = table.key_set
    if len(sets) == 1:
        return Coordinate(sets[0], space.axes, np.arange(space.axes[0].size)).into(key_set)
    if all(s.arity == 1 for s in sets):
        parts = [
            Coordinate(s, (a,), np.arange(a.size)) for s, a in zip(sets, space.axes, strict=True)
        ]
        axes, positions = lookup(key_set, parts)
        return Coordinate(key_set, axes, positions)
    shape = tuple(a.size for a in space.axes)
    flat = np.indices(shape).reshape(len(shape), -1)
    found = [
        key_set.positions.get(
            tuple(t[p] for s, p in zip(sets, point, strict=True) for t in s.texts), -1
        )
        for point in flat.T
    ]
    return Coordinate(key_set, space.axes, np.array(found).reshape(shape))


def _column_over(
    table: DataTable,
    e: tree.Field,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Columns,
    numeric: bool,
    fallback: Node | None,
) -> Node:
    symbols = evaluator.symbols
    column = e.column.name
    if column not in table.header:
        raise failures.Failed(
            data_errors.unknown_column(table.name, table.file, column, e.column.span, table.header)
        )
    rows = _rows(table, space, sets)
    what = ", ".join(s.name for s in sets)
    mask: Mask | None = None
    if rows.outside and fallback is not None:
        mask = Mask(rows.axes, rows.positions >= 0)
    elif rows.outside:
        where = np.argwhere(rows.positions < 0)
        labels = [point_text(sets, point) for point in where]
        have = table.key_set.texts[0] if table.key_set.arity == 1 else ()
        raise failures.Failed(
            data_errors.missing_rows(table.file, table.name, what, labels, e.span, have)
        )
    used = np.zeros(len(table.rows), dtype=bool)
    used[rows.positions[rows.positions >= 0]] = True
    filtered = any(_is_filter(s, symbols) for s in sets)
    if not used.all() and not filtered and (table.name, what) not in symbols.usage.told:
        symbols.usage.told.add((table.name, what))
        unused = np.flatnonzero(~used)
        labels = [", ".join(t[i] for t in table.key_set.texts) for i in unused]
        line = table.first_line[int(unused[0])]
        symbols.collector.add(data_errors.unused_rows(table.file, line, what, labels, e.span))
    total = table.total_row(column)
    if total is not None and used[total]:
        label, line = table.texts(table.keys[0])[total], table.first_line[total]
        symbols.collector.add(data_errors.total_row(table.file, line, label, column, e.span))
    safe = Coordinate(rows.set, rows.axes, np.maximum(rows.positions, 0))
    return evaluator.cells(table, column, safe, mask, fallback, e.span, space.scope, numeric)


def _is_filter(index_set: IndexSet, symbols: Symbols) -> bool:
    """Whether a set is a part of another on purpose, and leaves rows out."""
    statement = symbols.declared.names.get(index_set.name)
    return isinstance(statement, tree.SetDeclaration) and isinstance(
        statement.value, tree.SetFilter
    )


def point_text(sets: Sequence[IndexSet], point: Iterable[int]) -> str:
    """The labels of a point of an index space, as a user writes them."""
    return ", ".join(
        label_text(x) for s, p in zip(sets, point, strict=True) for x in s.label(int(p))
    )


def named_point(name: str, sets: Sequence[IndexSet], point: Sequence[int]) -> str:
    """`'x[a, b]'`, or `'x'` where there is no index."""
    return f"'{name}[{point_text(sets, point)}]'" if sets else f"'{name}'"


def cell_place(
    e: tree.Expression | None,
    point: Sequence[int],
    space: Space,
    sets: tuple[IndexSet, ...],
    symbols: Symbols,
) -> DataPlace | None:
    """The cell that a point's value was read from, if the value is a bare column that has it."""
    field = bare_column(e)
    if field is None:
        return None
    table = symbols.table(field.table)
    row = 0
    if table.keys and sets:
        row = int(_rows(table, space, sets).positions[tuple(point)])
    if row < 0 or not table.texts(field.column.name)[row]:
        return None
    return DataPlace(table.file, table.first_line[row], field.column.name)


def full(data: Data, space: Space) -> Any:
    """A data node as an array over all axes of a space."""
    return np.broadcast_to(spread(data.values, data.axes, space.axes), space.shape).copy()
