"""Values for declared names: data aligned to index spaces, ranges checked, settings applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc.compiler import errors, units
from allocc.compiler.evaluator import Evaluator
from allocc.compiler.expression import Data, Node, Variable, variables
from allocc.compiler.index import Coordinate, IndexSet, lookup, spread
from allocc.compiler.model import CompartmentSymbol, Method, Time
from allocc.compiler.program import FloatArray, label_text
from allocc.compiler.scope import Scope
from allocc.compiler.spaces import Space
from allocc.compiler.tables import Table
from allocc.dsl import tree
from allocc.dsl.diagnostics import DataPlace

if TYPE_CHECKING:
    from allocc.compiler.bind import Binder

#: More time points than this are taken for a mistake in the step.
MOST_POINTS = 1_000_000


def make_time(statement: tree.Time, evaluator: Evaluator) -> Time:
    """The horizon of a `time` statement."""
    scope = Scope()

    def number(e: tree.Expression, what: str) -> float:
        data = evaluator.data(e, scope, what)
        if data.axes:
            raise errors.Failed(errors.free_index(what, [a.set.name for a in data.axes], e.span))
        return float(data.values)

    first = number(statement.start, "the start of time")
    last = number(statement.end, "the end of time")
    step = number(statement.step, "the step") if statement.step is not None else 1.0
    step_span = statement.step.span if statement.step is not None else statement.span
    if not step > 0:
        raise errors.Failed(errors.bad_time(f"the step must be above 0, not {step:g}", step_span))
    if not last > first:
        raise errors.Failed(
            errors.bad_time(
                f"time must end after its start, but runs {first:g} .. {last:g}",
                statement.start.span.to(statement.end.span),
            )
        )
    periods = round((last - first) / step)
    if periods > MOST_POINTS:
        raise errors.Failed(
            errors.bad_time(
                f"this is {periods:,} steps; at most {MOST_POINTS:,} are made", step_span
            )
        )
    if abs(first + periods * step - last) > 1e-9 * max(1.0, abs(last), periods * step):
        below = np.floor((last - first) / step)
        raise errors.Failed(
            errors.bad_time(
                f"steps of {step:g} do not lead from {first:g} to {last:g}",
                step_span,
                f"end at {first + below * step:.12g}, or choose a step that divides {last - first:g}",
            )
        )
    values = [round(first + k * step, 12) for k in range(periods + 1)]
    labels = [int(v) if v == int(v) else v for v in values]
    method = statement.method.name if statement.method is not None else "euler"
    if method not in ("euler", "trapezoid", "exponential"):
        assert statement.method is not None
        known = ["euler", "trapezoid", "exponential"]
        raise errors.Failed(errors.unknown_name(method, statement.method.span, known))
    name = statement.name.name
    chosen: Method = method  # type: ignore[assignment]
    return Time(
        name,
        units.text(statement.unit),
        IndexSet(name, [labels], "time"),
        IndexSet("period", [labels[:-1]], "time"),
        step,
        chosen,
        statement,
    )


def assign(
    name: str, e: tree.Expression, space: Space, sets: tuple[IndexSet, ...], binder: Binder
) -> Node:
    """The value of `e` over a declared space; a bare column is looked up by the space's labels."""
    evaluator = binder.evaluator
    if isinstance(e, tree.Field) and space.axes:
        table = binder.table(e.table)
        if table.keys and sum(s.arity for s in sets) == table.key_set.arity:
            return _column_over(table, e, space, sets, binder)
    node = evaluator.node(e, space.scope)
    _check_axes(name, node, space, sets, e)
    return node


def _check_axes(
    name: str, node: Node, space: Space, sets: tuple[IndexSet, ...], e: tree.Expression
) -> None:
    extra = [a for a in node.axes if a not in space.axes]
    if extra:
        wanted = f"[{', '.join(s.name for s in sets)}]" if sets else "nothing"
        given = f"[{', '.join(a.set.name for a in node.axes)}]"
        raise errors.Failed(errors.index_mismatch(name, wanted, given, e.span))


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
    table: Table, e: tree.Field, space: Space, sets: tuple[IndexSet, ...], binder: Binder
) -> Node:
    column = e.column.name
    if column not in table.header:
        raise errors.Failed(
            errors.unknown_column(table.name, table.file, column, e.column.span, table.header)
        )
    rows = _rows(table, space, sets)
    if rows.outside:
        where = np.argwhere(rows.positions < 0)
        labels = [
            ", ".join(x for s, p in zip(sets, point, strict=True) for t in s.texts for x in [t[p]])
            for point in where[:7]
        ]
        labels += ["..."] * (len(where) - len(labels))
        what = ", ".join(s.name for s in sets)
        raise errors.Failed(errors.missing_rows(table.file, column, what, labels, e.span))
    used = np.zeros(len(table.rows), dtype=bool)
    used[rows.positions.ravel()] = True
    if not used.all():
        unused = [", ".join(t[i] for t in table.key_set.texts) for i in np.flatnonzero(~used)]
        what = " x ".join(s.name for s in sets)
        binder.collector.add(errors.unused_rows(table.file, what, unused, e.span))
    return binder.evaluator.cells(table, column, rows, None, (), None, e.span, space.scope)


def full(data: Data, space: Space) -> Any:
    """A data node as an array over all axes of a space."""
    return np.broadcast_to(spread(data.values, data.axes, space.axes), space.shape).copy()


def parameter_values(
    statement: tree.Parameter, space: Space, sets: tuple[IndexSet, ...], binder: Binder
) -> Any:
    """The values of a parameter: from its settings, else from its expression; range checked."""
    name = statement.name.name
    settings = binder.settings
    places: Any = None
    if name in settings:
        values = _setting(name, settings[name], sets)
    elif statement.value is None:
        raise errors.Failed(errors.no_value(name, statement.name.span))
    else:
        node = assign(name, statement.value, space, sets, binder)
        if not isinstance(node, Data):
            raise errors.Failed(
                errors.needs_data(
                    f"parameter '{name}'", variables(node)[0].name, statement.value.span
                )
            )
        values = full(node, space)
        places = statement.value if isinstance(statement.value, tree.Field) else None
    for key, value in settings.items():
        if key.startswith(f"{name}[") and key.endswith("]"):
            labels = tuple(x.strip() for x in key[len(name) + 1 : -1].split(","))
            values = _set_entry(key, labels, value, sets, values)
    if statement.interval is not None:
        _check_range(statement, values, space, sets, binder, places)
    return values


def _setting(name: str, given: Any, sets: tuple[IndexSet, ...]) -> Any:
    shape = tuple(len(s) for s in sets)
    if hasattr(given, "to_dict"):
        given = given.to_dict()
    if isinstance(given, Mapping):
        values = np.full(shape, np.nan)
        for label, value in given.items():
            labels = tuple(label_text(x) for x in (label if isinstance(label, tuple) else (label,)))
            values = _set_entry(f"{name}[{','.join(labels)}]", labels, value, sets, values)
        missing = np.argwhere(np.isnan(values))
        if len(missing):
            at = ", ".join(
                label_text(x) for s, p in zip(sets, missing[0], strict=True) for x in s.label(p)
            )
            raise errors.Failed(errors.bad_setting(name, f"no value is given for {at}"))
        return values
    if isinstance(given, str):
        try:
            number = float(given)
        except ValueError:
            if shape:
                raise errors.Failed(
                    errors.bad_setting(name, f"'{given}' is not a number")
                ) from None
            return np.asarray(given, dtype=object)
        if not np.isfinite(number):
            raise errors.Failed(errors.bad_setting(name, f"'{given}' is not a finite number"))
        return np.full(shape, number)
    try:
        array = np.asarray(given, dtype=float)
        if not np.isfinite(array).all():
            raise errors.Failed(errors.bad_setting(name, "the value is not a finite number"))
        return np.broadcast_to(array, shape).copy()
    except (TypeError, ValueError):
        raise errors.Failed(
            errors.bad_setting(name, f"the value does not have the shape {shape} of the parameter")
        ) from None


def _set_entry(
    key: str, labels: tuple[str, ...], value: Any, sets: tuple[IndexSet, ...], values: Any
) -> Any:
    name = key.split("[", 1)[0]
    if sum(s.arity for s in sets) != len(labels):
        shown = f"[{', '.join(s.name for s in sets)}]" if sets else "no index"
        raise errors.Failed(errors.bad_setting(key, f"'{name}' is indexed by {shown}"))
    rest = labels
    place = []
    for s in sets:
        mine, rest = rest[: s.arity], rest[s.arity :]
        if mine not in s.positions:
            raise errors.Failed(
                errors.bad_setting(key, f"{s.name} has no member '{', '.join(mine)}'")
            )
        place.append(s.positions[mine])
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise errors.Failed(errors.bad_setting(key, f"'{value}' is not a number")) from None
    values = np.array(values, dtype=float)
    values[tuple(place)] = number
    return values


def _check_range(
    statement: tree.Parameter,
    values: Any,
    space: Space,
    sets: tuple[IndexSet, ...],
    binder: Binder,
    column: tree.Field | None,
) -> None:
    assert statement.interval is not None
    name = statement.name.name
    if values.dtype.kind == "O":
        raise errors.Failed(
            errors.wrong_kind(name, "a word", "a number in a range", statement.interval.span)
        )
    low, high = interval_values(statement.interval, space, binder, f"the range of '{name}'")
    bad = (values < low) | (values > high)
    for point in np.argwhere(bad)[:5]:
        at = tuple(point)
        labels = [label_text(x) for s, p in zip(sets, at, strict=True) for x in s.label(int(p))]
        shown = f"'{name}[{', '.join(labels)}]'" if labels else f"'{name}'"
        low_text = "" if np.isneginf(low[at]) else f"{low[at]:g} "
        high_text = "" if np.isposinf(high[at]) else f" {high[at]:g}"
        place = None
        if column is not None:
            table = binder.table(column.table)
            row = 0
            if table.keys and sets:
                row = int(_rows(table, space, sets).positions[at])
            place = DataPlace(table.file, table.first_line[row], column.column.name)
        binder.collector.add(
            errors.out_of_range(
                shown, f"{values[at]:g}", f"{low_text}..{high_text}", statement.interval.span, place
            )
        )


def interval_values(
    interval: tree.Interval | None, space: Space, binder: Binder, what: str
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
        sets = space.sets()
        node = assign(what, e, space, sets, binder)
        if not isinstance(node, Data):
            raise errors.Failed(errors.needs_data(what, variables(node)[0].name, e.span))
        ends.append(full(node, space).astype(float))
    return ends[0], ends[1]


def make_decision(
    statement: tree.Decide, space: Space, sets: tuple[IndexSet, ...], binder: Binder
) -> Variable:
    """The variable of a `decide` statement, with its bounds."""
    name = statement.name.name
    if statement.interval is None and statement.kind == "binary":
        low, high = np.zeros(space.shape), np.ones(space.shape)
    else:
        low, high = interval_values(statement.interval, space, binder, f"the range of '{name}'")
        if statement.kind == "binary":
            low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    integer = statement.kind != "continuous"
    if integer:
        low, high = np.ceil(low - 1e-9), np.floor(high + 1e-9)
    for point in np.argwhere(low > high)[:3]:
        at = tuple(point)
        labels = [label_text(x) for s, p in zip(sets, at, strict=True) for x in s.label(int(p))]
        shown = f"[{', '.join(labels)}]" if labels else ""
        span = statement.interval.span if statement.interval else statement.span
        binder.collector.add(errors.bad_bounds(name, f"{low[at]:g}", f"{high[at]:g}", span, shown))
    return Variable(
        name,
        "decision",
        sets,
        unit=units.text(statement.unit),
        description=statement.description or "",
        span=statement.span,
        statement=f"decide {name}",
        integer=integer,
        lower=low,
        upper=high,
        axes=space.axes,
        time_axis=next((k for k, s in enumerate(sets) if s.kind == "time"), None),
    )


def set_initial(statement: tree.Initial, symbol: CompartmentSymbol, binder: Binder) -> None:
    """Fix a compartment's first point."""
    name = statement.name.name
    space, sets = symbol.space, symbol.variable.sets[:-1]
    if statement.index is not None:
        space, given = binder.space(statement.index)
        if [len(s) for s in given] != [len(s) for s in sets] or any(
            a.positions != b.positions for a, b in zip(given, sets, strict=True)
        ):
            raise errors.Failed(
                errors.index_mismatch(
                    name,
                    f"[{', '.join(s.name for s in sets)}]",
                    f"[{', '.join(s.name for s in given)}]",
                    statement.index.span,
                )
            )
    node = assign(name, statement.value, space, sets, binder)
    if not isinstance(node, Data):
        raise errors.Failed(
            errors.needs_data(
                f"the initial value of '{name}'", variables(node)[0].name, statement.value.span
            )
        )
    values = full(node, space).astype(float)
    for point in np.argwhere(values < 0)[:3]:
        at = tuple(point)
        labels = [label_text(x) for s, p in zip(sets, at, strict=True) for x in s.label(int(p))]
        shown = f"'{name}[{', '.join(labels)}]'" if labels else f"'{name}'"
        binder.collector.add(
            errors.negative_initial(shown, f"{values[at]:g}", statement.value.span)
        )
    symbol.initial = values
    variable = symbol.variable
    assert variable.lower is not None and variable.upper is not None
    variable.lower[..., 0] = values
    variable.upper[..., 0] = values
