"""The data that stand in a limit at one place of its index: each value with where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet
from allocc.compiler.data.tables import DataTable
from allocc.compiler.data.typed_values import written_labels
from allocc.compiler.evaluating.aligned import bare_column, cell_place
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.labels import label_text, named
from allocc.compiler.scoping.context import Read
from allocc.compiler.scoping.model import LetSymbol, ParameterSymbol, enter
from allocc.compiler.scoping.scope import Now, Scope
from allocc.compiler.scoping.spaces import Space
from allocc.compiler.units import as_written as units
from allocc.dsl import tree
from allocc.results.findings import Cell

#: A limit's cells are counted, not listed, beyond this many.
MOST = 200


def cells(
    evaluator: Evaluator,
    expressions: Sequence[tree.Expression],
    space: Space,
    at: int,
) -> list[Cell]:
    """The cells that expressions read at the `at`-th point of a space, each once.

    Parameters that are made of others are followed by those.
    """
    place = np.unravel_index(at, space.shape) if space.axes else ()
    scope = at_point(space, [int(p) for p in place])
    return read_in(evaluator, ((e, scope) for e in expressions))


def read_in(evaluator: Evaluator, where: Iterable[tuple[tree.Expression, Scope]]) -> list[Cell]:
    """The cells that expressions read, each in its scope; each cell once, at most `MOST`."""
    found: dict[tuple[str, tuple[int, ...]], Cell] = {}
    for e, scope in where:
        for name, point, cell in _read(evaluator, e, scope):
            found.setdefault((name, point), cell)
            if len(found) >= MOST:
                return list(found.values())
    return list(found.values())


def _read(
    evaluator: Evaluator, e: tree.Expression, scope: Scope
) -> Iterator[tuple[str, tuple[int, ...], Cell]]:
    """The cells that one expression reads in a scope."""
    reads: list[Read] = []
    evaluator.within(reads=reads).node(e, scope)
    for read in reads:
        for point in _points(read.coordinates):
            match read.source:
                case LetSymbol() as symbol:
                    yield from _named(evaluator, symbol, point)
                case ParameterSymbol() as symbol:
                    yield from _parameter(evaluator, symbol, point)
                case DataTable() as table:
                    yield from _column(table, read.column, point[0])


def _named(
    evaluator: Evaluator, symbol: LetSymbol, point: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Cell]]:
    """What a named expression reads; its own value is not one that stands in a file."""
    statement = symbol.statement
    place = cell_place(statement.value, point, symbol.space, symbol.sets, evaluator.symbols)
    if place is None and bare_column(statement.value) is None:
        yield from _inside(evaluator, statement.value, symbol.space, point)
    elif place is not None and symbol.values is not None and symbol.values.dtype.kind == "f":
        name = statement.name.name
        value, unit = float(symbol.values[point]), units.text(statement.unit)
        shown = _shown(name, symbol.sets, point)
        cell = Cell(shown, value, unit, place.file, place.row, place.column or "")
        yield name, point, cell


def _shown(name: str, sets: Sequence[IndexSet], point: Sequence[int]) -> str:
    labels = [label_text(x) for s, p in zip(sets, point, strict=True) for x in s.label(p)]
    return named(name, labels)


def _column(table: DataTable, column: str, row: int) -> Iterator[tuple[str, tuple[int, ...], Cell]]:
    """A cell that is read without a parameter; blank cells and words are left out."""
    value = float(table.numbers(column)[row])
    if np.isnan(value):
        return
    name = f"{table.name}.{column}" if column.isidentifier() else f'{table.name}."{column}"'
    labels = ",".join(t[row] for t in table.key_set.texts) if table.keys else ""
    shown = f"{name}[{labels}]" if labels else name
    yield name, (row,), Cell(shown, value, "", table.file, table.first_line[row], column)


def _points(coordinates: Sequence[Coordinate]) -> list[tuple[int, ...]]:
    """The points that coordinates run over, each once; none where one lies outside of its set."""
    if not coordinates:
        return [()]
    axes = tuple(dict.fromkeys(a for c in coordinates for a in c.axes))
    columns = []
    for c in coordinates:
        order = [c.axes.index(a) for a in axes if a in c.axes]
        values = np.asarray(c.positions).transpose(order)
        sizes = iter(values.shape)
        values = values.reshape([next(sizes) if a in c.axes else 1 for a in axes])
        columns.append(np.broadcast_to(values, [a.size for a in axes]).ravel())
    rows = dict.fromkeys(zip(*(c[: MOST + 1].tolist() for c in columns), strict=True))
    return [row for row in rows if min(row) >= 0]


def _parameter(
    evaluator: Evaluator, symbol: ParameterSymbol, point: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Cell]]:
    statement, sets = symbol.statement, symbol.sets
    value = symbol.values[point]
    if isinstance(value, str):
        # A word chooses; it is no number that could be changed a little.
        return
    name = statement.name.name
    labels = [label_text(x) for s, p in zip(sets, point, strict=True) for x in s.label(p)]
    shown = _shown(name, sets, point)
    unit = units.text(statement.unit)
    if _set_from_outside(evaluator, name, sets, labels):
        yield name, point, Cell(shown, float(value), unit)
        return
    place = cell_place(statement.value, point, symbol.space, sets, evaluator.symbols)
    if place is not None:
        cell = Cell(shown, float(value), unit, place.file, place.row, place.column or "")
        yield name, point, cell
        return
    span = statement.span
    yield name, point, Cell(shown, float(value), unit, span.source.name, span.line)
    if statement.value is not None and bare_column(statement.value) is None:
        yield from _inside(evaluator, statement.value, symbol.space, point)


def _inside(
    evaluator: Evaluator, e: tree.Expression, space: Space, point: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Cell]]:
    """What the value of a declared name reads at a point of its space."""
    yield from _read(evaluator, e, at_point(space, point))


def at_point(space: Space, point: Sequence[int], now: Now | None = None) -> Scope:
    """The scope inside of a space at a single point of it: every axis has one member."""
    here = tuple(
        Coordinate(axis.set, (Axis(axis.set, 1),), np.array([p]))
        for axis, p in zip(space.axes, point, strict=True)
    )
    return enter(space, here, Scope(), now)


def _set_from_outside(
    evaluator: Evaluator, name: str, sets: Sequence[IndexSet], labels: Sequence[str]
) -> bool:
    for key in evaluator.symbols.settings:
        base, bracket, rest = key.partition("[")
        if base == name and (
            not bracket or tuple(labels) in written_labels(rest.removesuffix("]"), sets)
        ):
            return True
    return False
