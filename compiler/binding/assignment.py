"""Values for declared names: data aligned to index spaces, ranges checked, settings applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Node, Variable, variables
from allocc.compiler.algebra.index import Coordinate, IndexSet, lookup, same_sets, spread
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.settings import chosen_labels, set_entry, setting
from allocc.compiler.data.tables import Table
from allocc.compiler.evaluating.subscripts import Mask
from allocc.compiler.failures import NeedsTime
from allocc.compiler.labels import label_text
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.forgotten import forgotten_index
from allocc.compiler.scoping.model import CompartmentSymbol
from allocc.compiler.scoping.spaces import Space
from allocc.dsl import tree
from allocc.dsl.diagnostics import DataPlace, Diagnostic

if TYPE_CHECKING:
    from allocc.compiler.binding.resolution import Resolver


def assign(
    name: str,
    e: tree.Expression,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    what: str = "value",
    numeric: bool = False,
) -> Node:
    """The value of `e` over a declared space; a bare column is looked up by the space's labels.

    `what` of `name` it is, for messages; `numeric` where only numbers will do.
    """
    evaluator = binder.evaluator
    read = evaluator.number if numeric else evaluator.node
    field = bare_column(e)
    if field is not None and space.axes:
        table = binder.table(field.table)
        if table.keys and sum(s.arity for s in sets) == table.key_set.arity:
            fallback = read(e.otherwise, space.scope) if isinstance(e, tree.Fallback) else None
            return _column_over(table, field, space, sets, binder, numeric, fallback)
    node = read(e, space.scope)
    if any(a not in space.axes for a in node.axes):
        wanted = [s.name for s in sets]
        given = [a.set.name for a in node.axes]
        declared = binder.declared
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


def _rows(table: Table, space: Space, sets: tuple[IndexSet, ...]) -> Coordinate:
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
    table: Table,
    e: tree.Field,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    numeric: bool,
    fallback: Node | None,
) -> Node:
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
    filtered = any(_is_filter(s, binder) for s in sets)
    if not used.all() and not filtered and (table.name, what) not in binder.partly_used:
        binder.partly_used.add((table.name, what))
        unused = np.flatnonzero(~used)
        labels = [", ".join(t[i] for t in table.key_set.texts) for i in unused]
        line = table.first_line[int(unused[0])]
        binder.collector.add(data_errors.unused_rows(table.file, line, what, labels, e.span))
    total = table.total_row(column)
    if total is not None and used[total]:
        label, line = table.texts(table.keys[0])[total], table.first_line[total]
        binder.collector.add(data_errors.total_row(table.file, line, label, column, e.span))
    safe = Coordinate(rows.set, rows.axes, np.maximum(rows.positions, 0))
    return binder.evaluator.cells(table, column, safe, mask, fallback, e.span, space.scope, numeric)


def _is_filter(index_set: IndexSet, binder: Resolver) -> bool:
    """Whether a set is a part of another on purpose, and leaves rows out."""
    statement = binder.declared.names.get(index_set.name)
    return isinstance(statement, tree.SetDeclaration) and isinstance(
        statement.value, tree.SetFilter
    )


def unread_rows(binder: Resolver, but: Collection[tree.Span | None] = ()) -> Iterator[Diagnostic]:
    """A warning for each table whose rows were looked up with an `else`, and some of them never.

    Nothing is said of those at the places `but`, of which the reason is told already.
    """
    told = {name for name, _ in binder.partly_used}
    for name, statement in binder.declared.names.items():
        if not isinstance(statement, tree.Table) or name not in binder.used or name in told:
            continue
        table: Table = binder.resolve(name)
        if table.optional is not None and table.keys and table.unread and table.span not in but:
            labels = [", ".join(t[i] for t in table.key_set.texts) for i in table.unread]
            line = table.first_line[table.unread[0]]
            yield data_errors.unused_rows(table.file, line, None, labels, table.optional)


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
    binder: Resolver,
) -> DataPlace | None:
    """The cell that a point's value was read from, if the value is a bare column that has it."""
    field = bare_column(e)
    if field is None:
        return None
    table = binder.table(field.table)
    row = 0
    if table.keys and sets:
        row = int(_rows(table, space, sets).positions[tuple(point)])
    if row < 0 or not table.texts(field.column.name)[row]:
        return None
    return DataPlace(table.file, table.first_line[row], field.column.name)


def full(data: Data, space: Space) -> Any:
    """A data node as an array over all axes of a space."""
    return np.broadcast_to(spread(data.values, data.axes, space.axes), space.shape).copy()


def parameter_values(
    statement: tree.Parameter, space: Space, sets: tuple[IndexSet, ...], binder: Resolver
) -> Any:
    """The values of a parameter: from its settings, else from its expression; range checked."""
    name = statement.name.name
    whole = statement.kind != "continuous"
    numeric = whole or statement.unit is not None or statement.interval is not None
    given = {k: v for k, v in binder.settings.items() if k.split("[", 1)[0] == name}
    values: Any = None
    if statement.value is not None and set(given) != {name}:
        values = _stated(statement, space, sets, binder, numeric)
    elif statement.value is None and not given:
        raise failures.Failed(data_errors.no_value(name, statement.name.span))
    words = _takes_words(statement, values, space, sets, binder, numeric) if given else False
    if name in given:
        values = setting(name, given[name], sets, words)
    elif values is None:
        values = np.full(space.shape, np.nan)
    for key, value in given.items():
        if key != name:
            labels = chosen_labels(name, key[len(name) + 1 : -1], sets)
            values = set_entry(key, labels, value, sets, values, words)
    if values.dtype.kind == "f" and np.isnan(values).any():
        at = point_text(sets, np.argwhere(np.isnan(values))[0])
        raise failures.Failed(data_errors.bad_setting(name, f"no value is given for {at}"))
    if statement.interval is not None:
        _check_range(statement, values, space, sets, binder, bool(given))
    if whole:
        _check_whole(statement, values, space, sets, binder, bool(given))
    return values


def _stated(
    statement: tree.Parameter,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    numeric: bool,
) -> Any:
    """The values that a parameter's statement gives it."""
    assert statement.value is not None
    name = statement.name.name
    node = assign(name, statement.value, space, sets, binder, numeric=numeric)
    if not isinstance(node, Data):
        what = f"parameter '{name}'"
        raise failures.Failed(
            algebra_errors.needs_data(what, variables(node)[0].name, statement.value.span)
        )
    return full(node, space)


def _takes_words(
    statement: tree.Parameter,
    values: Any,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    numeric: bool,
) -> bool:
    """Whether a parameter may be set to a word: its own value is one, or nothing says number."""
    if numeric:
        return False
    if statement.value is None:
        return True
    if values is None:
        try:
            values = _stated(statement, space, sets, binder, numeric)
        except failures.Failed:
            return True
    return bool(values.dtype.kind == "O")


def _check_range(
    statement: tree.Parameter,
    values: Any,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    setting: bool,
) -> None:
    assert statement.interval is not None
    name = statement.name.name
    low, high = interval_values(statement.interval, space, binder, name)
    bad = (values < low) | (values > high)
    for at, named, value, place in _entries(bad, statement, values, space, sets, binder, setting):
        low_text = "" if np.isneginf(low[at]) else f"{low[at]:.12g} "
        high_text = "" if np.isposinf(high[at]) else f" {high[at]:.12g}"
        interval, span = f"{low_text}..{high_text}", statement.interval.span
        binder.collector.add(data_errors.out_of_range(named, value, interval, span, place, setting))


def _entries(
    bad: BoolArray,
    statement: tree.Parameter,
    values: FloatArray,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    setting: bool,
) -> Iterator[tuple[tuple[int, ...], str, str, DataPlace | None]]:
    """The first entries of a parameter that are bad: where, its name, its value, and its cell."""
    column = None if setting else statement.value
    for point in np.argwhere(bad)[:5]:
        at = tuple(point)
        place = cell_place(column, at, space, sets, binder)
        yield at, named_point(statement.name.name, sets, at), f"{values[at]:.12g}", place


def _check_whole(
    statement: tree.Parameter,
    values: FloatArray,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Resolver,
    setting: bool,
) -> None:
    """Tell of values that are no whole numbers, or of a `binary` none of 0 and 1."""
    binary = statement.kind == "binary"
    good = (values == 0) | (values == 1) if binary else values == np.rint(values)
    span = statement.value.span if statement.value is not None else statement.name.span
    for _, named, value, place in _entries(~good, statement, values, space, sets, binder, setting):
        binder.collector.add(data_errors.not_whole(named, value, binary, span, place, setting))


def interval_values(
    interval: tree.Interval | None, space: Space, binder: Resolver, name: str
) -> tuple[FloatArray, FloatArray]:
    """Both ends of a range over a space; an end that is left out is infinite."""
    ends = []
    for e, missing in (
        (interval.low if interval else None, -np.inf),
        (interval.high if interval else None, np.inf),
    ):
        if e is None:
            ends.append(np.full(space.shape, missing))
            continue
        node = assign(name, e, space, space.sets(), binder, "range", numeric=True)
        if not isinstance(node, Data):
            what = f"the range of '{name}'"
            raise failures.Failed(algebra_errors.needs_data(what, variables(node)[0].name, e.span))
        ends.append(full(node, space).astype(float))
    return ends[0], ends[1]


def make_decision(
    statement: tree.Decide, space: Space, sets: tuple[IndexSet, ...], binder: Resolver
) -> Variable:
    """The variable of a `decide` statement, with its bounds."""
    name = statement.name.name
    if statement.interval is None and statement.kind == "binary":
        low, high = np.zeros(space.shape), np.ones(space.shape)
    else:
        low, high = interval_values(statement.interval, space, binder, name)
    stated = low, high
    if statement.kind == "binary":
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    integer = statement.kind != "continuous"
    if integer:
        low, high = np.ceil(low - 1e-9), np.floor(high + 1e-9)
    for point in np.argwhere(low > high)[:3]:
        at = tuple(point)
        label = f"[{point_text(sets, at)}]" if sets else ""
        span = statement.interval.span if statement.interval else statement.span
        ends = (f"{stated[0][at]:.12g}", f"{stated[1][at]:.12g}")
        binder.collector.add(algebra_errors.bad_bounds(name, *ends, span, label, statement.kind))
    variable = binder.variable(statement, "decide", "decision", sets)
    variable.integer, variable.axes = integer, space.axes
    variable.lower, variable.upper = low, high
    return variable


def set_initial(statement: tree.Initial, symbol: CompartmentSymbol, binder: Resolver) -> None:
    """Fix a compartment's first point."""
    name = statement.name.name
    space, sets = symbol.space, symbol.variable.sets[:-1]
    if statement.index is not None:
        space, given = binder.space(statement.index)
        if not same_sets(sets, given):
            wanted, names = [s.name for s in sets], [s.name for s in given]
            raise failures.Failed(
                scoping_errors.index_mismatch(
                    name, wanted, names, statement.index.span, "initial value"
                )
            )
    node = assign(name, statement.value, space, sets, binder, "initial value", numeric=True)
    if not isinstance(node, Data):
        what = f"the initial value of '{name}'"
        raise failures.Failed(
            algebra_errors.needs_data(what, variables(node)[0].name, statement.value.span)
        )
    values = full(node, space).astype(float)
    for point in np.argwhere(values < 0)[:3]:
        shown = named_point(name, sets, point)
        place = cell_place(statement.value, point, space, sets, binder)
        binder.collector.add(
            algebra_errors.negative_initial(
                shown, f"{values[tuple(point)]:.12g}", statement.value.span, place
            )
        )
    symbol.initial = values
    variable = symbol.variable
    assert variable.lower is not None and variable.upper is not None
    variable.lower[..., 0] = values
    variable.upper[..., 0] = values
