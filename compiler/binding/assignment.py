"""Values for declared names: data aligned to index spaces, ranges checked, settings applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Node, Variable, VariableKind, variables
from allocc.compiler.algebra.index import IndexSet, same_sets
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.settings import chosen_labels, set_entry, setting
from allocc.compiler.evaluating.aligned import assign, cell_place, full, named_point, point_text
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.names.structure import Declarations
from allocc.compiler.origin import Kind, Origin
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import CompartmentSymbol
from allocc.compiler.scoping.spaces import Space
from allocc.compiler.units.as_written import shown
from allocc.dsl import tree
from allocc.dsl.diagnostics import DataPlace

#: How the statement begins that declares a variable of each kind.
WORDS: dict[VariableKind, Kind] = {
    "decision": "decide",
    "state": "compartment",
    "definition": "let",
}


def make_variable(
    statement: tree.Compartment | tree.Let | tree.Decide | tree.Parameter,
    kind: VariableKind,
    sets: tuple[IndexSet, ...],
    declared: Declarations,
    **more: Any,
) -> Variable:
    """The block of unknowns that a statement declares over `sets`; `more` are fields of its kind."""
    name = statement.name.name
    time = declared.names.get(declared.time_name or "")
    of_time = next((k for k, s in enumerate(sets) if s.kind == "time"), None)
    more.setdefault("time_axis", of_time)
    return Variable(
        name,
        kind,
        sets,
        unit=shown(statement.unit, time.unit if isinstance(time, tree.Time) else None),
        description=statement.description or "",
        origin=Origin(WORDS[kind], name, statement.span),
        **more,
    )


def parameter_values(
    statement: tree.Parameter, space: Space, sets: tuple[IndexSet, ...], evaluator: Evaluator
) -> Any:
    """The values of a parameter: from its settings, else from its expression; range checked."""
    name = statement.name.name
    whole = statement.kind != "continuous"
    numeric = whole or statement.unit is not None or statement.interval is not None
    settings = evaluator.symbols.settings
    given = {k: v for k, v in settings.items() if k.split("[", 1)[0] == name}
    values: Any = None
    if statement.value is not None and set(given) != {name}:
        values = _stated(statement, space, sets, evaluator, numeric)
    elif statement.value is None and not given:
        raise failures.Failed(data_errors.no_value(name, statement.name.span))
    words = _takes_words(statement, values, space, sets, evaluator, numeric) if given else False
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
        _check_range(statement, values, space, sets, evaluator, bool(given))
    if whole:
        _check_whole(statement, values, space, sets, evaluator, bool(given))
    return values


def _stated(
    statement: tree.Parameter,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Evaluator,
    numeric: bool,
) -> Any:
    """The values that a parameter's statement gives it."""
    assert statement.value is not None
    name = statement.name.name
    node = assign(name, statement.value, space, sets, evaluator, numeric=numeric)
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
    evaluator: Evaluator,
    numeric: bool,
) -> bool:
    """Whether a parameter may be set to a word: its own value is one, or nothing says number."""
    if numeric:
        return False
    if statement.value is None:
        return True
    if values is None:
        try:
            values = _stated(statement, space, sets, evaluator, numeric)
        except failures.Failed:
            return True
    return bool(values.dtype.kind == "O")


def _check_range(
    statement: tree.Parameter,
    values: Any,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Evaluator,
    setting: bool,
) -> None:
    assert statement.interval is not None
    name = statement.name.name
    low, high = interval_values(statement.interval, space, evaluator, name)
    bad = (values < low) | (values > high)
    for at, named, value, place in _entries(
        bad, statement, values, space, sets, evaluator, setting
    ):
        low_text = "" if np.isneginf(low[at]) else f"{low[at]:.12g} "
        high_text = "" if np.isposinf(high[at]) else f" {high[at]:.12g}"
        interval, span = f"{low_text}..{high_text}", statement.interval.span
        evaluator.symbols.collector.add(
            data_errors.out_of_range(named, value, interval, span, place, setting)
        )


def _entries(
    bad: BoolArray,
    statement: tree.Parameter,
    values: FloatArray,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Evaluator,
    setting: bool,
) -> Iterator[tuple[tuple[int, ...], str, str, DataPlace | None]]:
    """The first entries of a parameter that are bad: where, its name, its value, and its cell."""
    column = None if setting else statement.value
    for point in np.argwhere(bad)[:5]:
        at = tuple(point)
        place = cell_place(column, at, space, sets, evaluator.symbols)
        yield at, named_point(statement.name.name, sets, at), f"{values[at]:.12g}", place


def _check_whole(
    statement: tree.Parameter,
    values: FloatArray,
    space: Space,
    sets: tuple[IndexSet, ...],
    evaluator: Evaluator,
    setting: bool,
) -> None:
    """Tell of values that are no whole numbers, or of a `binary` none of 0 and 1."""
    binary = statement.kind == "binary"
    good = (values == 0) | (values == 1) if binary else values == np.rint(values)
    span = statement.value.span if statement.value is not None else statement.name.span
    for _, named, value, place in _entries(
        ~good, statement, values, space, sets, evaluator, setting
    ):
        evaluator.symbols.collector.add(
            data_errors.not_whole(named, value, binary, span, place, setting)
        )


def interval_values(
    interval: tree.Interval | None, space: Space, evaluator: Evaluator, name: str
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
        node = assign(name, e, space, space.sets(), evaluator, "range", numeric=True)
        if not isinstance(node, Data):
            what = f"the range of '{name}'"
            raise failures.Failed(algebra_errors.needs_data(what, variables(node)[0].name, e.span))
        ends.append(full(node, space).astype(float))
    return ends[0], ends[1]


def make_decision(
    statement: tree.Decide, space: Space, sets: tuple[IndexSet, ...], evaluator: Evaluator
) -> Variable:
    """The variable of a `decide` statement, with its bounds."""
    name = statement.name.name
    if statement.interval is None and statement.kind == "binary":
        low, high = np.zeros(space.shape), np.ones(space.shape)
    else:
        low, high = interval_values(statement.interval, space, evaluator, name)
    stated = low, high
    apart = statement.interval.apart if statement.interval is not None else None
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
        evaluator.symbols.collector.add(
            algebra_errors.bad_bounds(name, *ends, span, label, statement.kind)
        )
    if apart is not None:
        value = full(evaluator.data(apart, space.scope, f"the range of '{name}'"), space)
        low, high = np.minimum(low, value), np.maximum(high, value)
    return make_variable(
        statement,
        "decision",
        sets,
        evaluator.symbols.declared,
        integer=integer,
        axes=space.axes,
        lower=low,
        upper=high,
    )


def initial_node(
    statement: tree.Initial, symbol: CompartmentSymbol, evaluator: Evaluator
) -> tuple[Node, Space]:
    """A compartment's first point as it is read, and the space that it runs over."""
    name = statement.name.name
    space, sets = symbol.space, symbol.variable.sets[:-1]
    if statement.index is not None:
        space, given = evaluator.space(statement.index)
        if not same_sets(sets, given):
            wanted, names = [s.name for s in sets], [s.name for s in given]
            raise failures.Failed(
                scoping_errors.index_mismatch(
                    name, wanted, names, statement.index.span, "initial value"
                )
            )
    node = assign(name, statement.value, space, sets, evaluator, "initial value", numeric=True)
    return node, space


def initial_values(
    statement: tree.Initial, symbol: CompartmentSymbol, evaluator: Evaluator
) -> FloatArray:
    """A compartment's first point, over its sets."""
    name, sets = statement.name.name, symbol.variable.sets[:-1]
    node, space = initial_node(statement, symbol, evaluator)
    if not isinstance(node, Data):
        what = f"the initial value of '{name}'"
        raise failures.Failed(
            algebra_errors.needs_data(what, variables(node)[0].name, statement.value.span)
        )
    values: FloatArray = full(node, space).astype(float)
    for point in np.argwhere(values < 0)[:3]:
        shown = named_point(name, sets, point)
        place = cell_place(statement.value, point, space, sets, evaluator.symbols)
        evaluator.symbols.collector.add(
            algebra_errors.negative_initial(
                shown, f"{values[tuple(point)]:.12g}", statement.value.span, place
            )
        )
    return values
