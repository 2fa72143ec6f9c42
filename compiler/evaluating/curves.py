"""Curves from tables: values between the rows of a column, on data and on decisions.

A table whose last key is a number is a curve for each combination of its other keys: points x_0 < ... < x_n with
values y_0 ... y_n. Between two points it is straight, before the first and after the last one it is level:

    f(x) = y_0 + sum_k (s_k - s_(k-1)) max(0, x - x_k),    s_(-1) = s_n = 0,

with the slope s_k after the point k. The maxima have exact forms; where the curve bends the way that is pushed
for (concave and maximized, convex and minimized) they need no binary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    Data,
    Node,
    add,
    constant,
    extreme,
    multiply,
    negate,
    variables,
)
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet, join_axes, spread
from allocc.compiler.algebra.numeric import sum_over
from allocc.compiler.arrays import FloatArray
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import DataTable
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping.scope import Scope
from allocc.dsl import tree

if TYPE_CHECKING:
    from allocc.compiler.evaluating.columns import Columns


@dataclass(frozen=True, eq=False)
class Curves:
    """The points of curves: `x` and `y` have a row a curve, and as many columns as the longest has points.

    A shorter one is filled up with its last point. `axes` are those over which curves are chosen, and `place` the row
    for each of their points.
    """

    x: FloatArray
    y: FloatArray
    axes: tuple[Axis, ...]
    place: Coordinate | None


def interpolated(e: tree.Call, scope: Scope, evaluator: Columns) -> Node:
    """`interpolate(VALUE, TABLE.COLUMN[...])`; raises `errors.Failed`."""
    value, curves = _read(e, scope, evaluator)
    rows = np.zeros((), dtype=int) if curves.place is None else curves.place.positions
    own = curves.axes
    if isinstance(value, Data):
        axes = join_axes(value.axes, own)
        at, which = np.broadcast_arrays(
            spread(value.values.astype(float), value.axes, axes), spread(rows, own, axes)
        )
        found = np.empty(at.shape)
        for row in np.unique(which):
            here = which == row
            found[here] = np.interp(at[here], curves.x[row], curves.y[row])
        return Data(axes, found, e.span)
    width = np.diff(curves.x, axis=1)
    rise = np.diff(curves.y, axis=1)
    slope = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
    none = np.zeros((len(slope), 1))
    bend = np.diff(np.hstack([none, slope, none]), axis=1)
    # What is filled up bends nowhere: the last point's bend stands at its first copy.
    used = np.flatnonzero(np.abs(bend).any(axis=0))
    if not len(used):
        return Data(own, curves.y[rows, 0], e.span)
    along = Axis(IndexSet("point", [list(range(len(used)))], "integer"))
    knots = Data((*own, along), curves.x[rows][..., used], e.span)
    weights = Data((*own, along), bend[rows][..., used], e.span)
    off = add(value, negate(knots), e.span)
    above = extreme("max", (off, constant(0.0)), e.span)
    start = Data(own, curves.y[rows, 0], e.span)
    return add(start, sum_over(multiply(weights, above), (along,)), e.span)


def latest(e: tree.Call, scope: Scope, evaluator: Columns) -> Node:
    """`latest(VALUE, TABLE.COLUMN[...])`: the row with the largest key that is not above the value; on data."""
    value, curves = _read(e, scope, evaluator)
    if not isinstance(value, Data):
        name = variables(value)[0].name
        raise failures.Failed(algebra_errors.needs_data("what `latest` looks up", name, e.span))
    rows = np.zeros((), dtype=int) if curves.place is None else curves.place.positions
    axes = join_axes(value.axes, curves.axes)
    at, which = np.broadcast_arrays(
        spread(value.values.astype(float), value.axes, axes), spread(rows, curves.axes, axes)
    )
    points = curves.x[which]
    place = (points <= at[..., None]).sum(axis=-1) - 1
    evaluator.check(
        place >= 0,
        axes,
        scope,
        lambda where: data_errors.before_first(e.span, where),
    )
    found = np.take_along_axis(curves.y[which], np.maximum(place, 0)[..., None], axis=-1)[..., 0]
    return Data(axes, found, e.span)


def _read(e: tree.Call, scope: Scope, evaluator: Columns) -> tuple[Node, Curves]:
    name = e.function.name
    if e.index is not None or len(e.arguments) != 2:
        count = len(e.arguments)
        raise failures.Failed(
            names_errors.wrong_argument_count(
                name, "a value and a column of a table", count, e.span
            )
        )
    value, source = e.arguments
    field = source.base if isinstance(source, tree.Subscript) else source
    if not isinstance(field, tree.Field):
        hint = f"write `{name}(VALUE, TABLE.COLUMN)`; the last key of the table is what VALUE is looked up in"
        raise failures.Failed(
            names_errors.wrong_kind(source.span.text, "a value", "a column", source.span, hint)
        )
    indices = source.indices if isinstance(source, tree.Subscript) else ()
    table = evaluator.symbols.table(field.table)
    if field.column.name not in table.header:
        raise failures.Failed(
            data_errors.unknown_column(
                table.name, table.file, field.column.name, field.column.span, table.header
            )
        )
    if len(table.keys) != len(indices) + 1:
        raise failures.Failed(
            data_errors.curve_keys(table.name, table.keys, len(indices), source.span)
        )
    x, y, leading = _points(table, field, len(indices), evaluator)
    place: Coordinate | None = None
    if leading is not None:
        shown = f"{table.name}.{field.column.name}"
        (place,), _ = evaluator.pick(shown, (leading,), indices, scope, source.span)
    axes = () if place is None else place.axes
    return evaluator.number(value, scope), Curves(x, y, axes, place)


def _points(
    table: DataTable, field: tree.Field, leading: int, evaluator: Columns
) -> tuple[FloatArray, FloatArray, IndexSet | None]:
    """The points of every curve in a table, by its keys but the last."""
    table.key_set  # noqa: B018 - a repeated key is told of
    evaluator.symbols.usage.note(table, np.arange(len(table.rows)))
    key = table.keys[-1]
    numbers = []
    for column in (key, field.column.name):
        found = table.numbers(column)
        bad = np.flatnonzero(np.isnan(found))
        if len(bad):
            i = int(bad[0])
            text = table.texts(column)[i]
            raise failures.Failed(
                data_errors.cell_not_a_number(
                    table.file, table.first_line[i], column, text, field.span
                )
            )
        numbers.append(found)
    x, y = numbers
    if not leading:
        order = np.argsort(x, kind="stable")
        return x[None, order], y[None, order], None
    names = table.label_set(table.keys[:-1])
    cells = list(zip(*(table.texts(c) for c in table.keys[:-1]), strict=True))
    rows: dict[int, list[int]] = {}
    for i, cell in enumerate(cells):
        rows.setdefault(names.positions[cell], []).append(i)
    most = max(map(len, rows.values()))
    xs, ys = np.empty((len(names), most)), np.empty((len(names), most))
    for k, own in rows.items():
        points = sorted(own, key=lambda i: float(x[i]))
        padded: Sequence[int] = [*points, *[points[-1]] * (most - len(points))]
        xs[k], ys[k] = x[padded], y[padded]
    return xs, ys, names
