"""Values that are set from outside: `--set name=value`, mappings, pandas objects and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.typed_values import (
    label_mend,
    label_texts,
    number_mend,
    unquoted,
    written_labels,
    written_number,
)
from allocc.compiler.failures import counted, listed

_HINT = "write a plain number, as 1200 or 0.25"


def setting(name: str, given: Any, sets: tuple[IndexSet, ...], words: bool) -> Any:
    """The array that a setting gives a parameter; `words` where a word may be meant."""
    shape = tuple(len(s) for s in sets)
    if given is None:
        raise failures.Failed(data_errors.bad_setting(name, "None is no value"))
    if is_table(given):
        given = table_mapping(name, given, sets)
    elif hasattr(given, "to_dict") and hasattr(given, "index"):
        _unique(name, given.index)
        given = given.to_dict()
    if isinstance(given, Mapping):
        return _mapping(name, given, sets, shape, words)
    if isinstance(given, str):
        return np.full(shape, _scalar(name, given, words))
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError, OverflowError):
        reason = "the value is neither a number nor an array of numbers"
        raise failures.Failed(data_errors.bad_setting(name, reason)) from None
    if not np.isfinite(array).all():
        raise failures.Failed(data_errors.bad_setting(name, "the value is not a finite number"))
    try:
        return np.broadcast_to(array, shape).copy()
    except ValueError:
        needed = f"'{name}' the shape {shape}" if sets else f"'{name}' is a single number"
        reason = f"the value has the shape {array.shape}, {needed}"
        raise failures.Failed(data_errors.bad_setting(name, reason)) from None


def is_table(given: Any) -> bool:
    """Whether a value is a pandas DataFrame."""
    return all(hasattr(given, x) for x in ("columns", "index", "itertuples"))


def table_mapping(name: str, frame: Any, sets: tuple[IndexSet, ...]) -> dict[Any, Any]:
    """The entries of a DataFrame, by label.

    Either its rows and columns are labels; or its rows are, and it has one column; or it has a column
    for each index, named as the set, and one column of values.
    """
    names = [x for s in sets for x in s.component_names]
    _unique(name, frame.columns)
    by_name = {str(c).strip().casefold(): c for c in frame.columns}
    keys = [by_name.get(n.casefold()) for n in names]
    rest = [c for c in frame.columns if c not in keys]
    if names and None not in keys and len(set(keys)) == len(names) and len(rest) == 1:
        frame = frame.set_index(keys)[rest]
    if frame.index.nlevels == len(names) and len(frame.columns) == 1:
        _unique(name, frame.index)
        return dict(frame.iloc[:, 0].items())
    if frame.index.nlevels + frame.columns.nlevels == len(names):
        _unique(name, frame.index)
        rows = frame.itertuples(index=False, name=None)
        return {
            (*_parts(row), *_parts(column)): value
            for row, values in zip(frame.index, rows, strict=True)
            for column, value in zip(frame.columns, values, strict=True)
        }
    indices = f"is indexed by [{', '.join(s.name for s in sets)}]" if sets else "has no index"
    reason = f"the DataFrame has the columns {listed(list(frame.columns))}, but '{name}' {indices}"
    wanted = ", ".join([*names, "and one column of values"]) if names else "one number"
    hint = f"give it {wanted}, or a Series or dict by label" if names else f"give it {wanted}"
    raise failures.Failed(data_errors.bad_setting(name, reason, hint))


def _parts(label: Any) -> tuple[Any, ...]:
    return label if isinstance(label, tuple) else (label,)


def _unique(name: str, labels: Any) -> None:
    if not labels.is_unique:
        twice = ", ".join(label_texts(labels[labels.duplicated()][0]))
        raise failures.Failed(data_errors.bad_setting(name, f"'{twice}' is given twice"))


def _mapping(
    name: str, given: Mapping[Any, Any], sets: tuple[IndexSet, ...], shape: Any, words: bool
) -> Any:
    values = np.full(shape, np.nan)
    seen: set[tuple[str, ...]] = set()
    for label, value in given.items():
        labels = label_texts(label)
        if isinstance(label, str):
            labels = chosen_labels(name, label, sets)
        if labels in seen:
            twice = ", ".join(labels)
            raise failures.Failed(data_errors.bad_setting(name, f"'{twice}' is given twice"))
        seen.add(labels)
        values = set_entry(f"{name}[{', '.join(labels)}]", labels, value, sets, values, words)
    return values


def chosen_labels(name: str, text: str, sets: Sequence[IndexSet]) -> tuple[str, ...]:
    """The labels in the brackets of `name[...]`; fails where commas can be read in several ways."""
    readings = written_labels(text, sets)
    if len(readings) > 1:
        raise failures.Failed(data_errors.ambiguous_labels(name, text, readings))
    return readings[0]


def set_entry(
    key: str,
    labels: Sequence[str],
    value: Any,
    sets: tuple[IndexSet, ...],
    values: Any,
    words: bool,
) -> Any:
    """The array with one entry set: `--set name[label]=value`."""
    name = key.split("[", 1)[0]
    if sum(s.arity for s in sets) != len(labels):
        has = f"is indexed by [{', '.join(s.name for s in sets)}]" if sets else "has no index"
        reason = f"'{name}' {has}, but {counted(len(labels), 'label')} given"
        raise failures.Failed(data_errors.bad_setting(key, reason))
    rest = tuple(labels)
    place = []
    for s in sets:
        mine, rest = rest[: s.arity], rest[s.arity :]
        if mine not in s.positions:
            label = ", ".join(mine)
            near = label_mend(label, s.texts[0]) if s.arity == 1 else None
            raise failures.Failed(
                data_errors.bad_setting(key, f"{s.name} has no member '{label}'", near)
            )
        place.append(s.positions[mine])
    entry = _scalar(key, value, words)
    kind = object if isinstance(entry, str) or values.dtype.kind == "O" else float
    values = np.asarray(values, dtype=kind)
    values[tuple(place)] = entry
    return values


def _scalar(key: str, value: Any, words: bool) -> Any:
    """One number, or one word where a word may be meant."""
    if isinstance(value, str):
        text = unquoted(value)
        if not text:
            raise failures.Failed(data_errors.bad_setting(key, "no value is given", _HINT))
        found = written_number(text)
        quoted = text != value.strip()
        if np.isnan(found) or (words and (quoted or _is_label(text))):
            if words and text.lower() not in ("nan", "inf", "-inf", "infinity"):
                return np.asarray(text, dtype=object)[()]
            reason = f"'{value}' is not a number"
            raise failures.Failed(data_errors.bad_setting(key, reason, number_mend(text)))
        return found
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise failures.Failed(
            data_errors.bad_setting(key, f"{value!r} is not a number", _HINT)
        ) from None
    if not np.isfinite(found):
        raise failures.Failed(
            data_errors.bad_setting(key, f"{value} is not a finite number", _HINT)
        )
    return found


def _is_label(text: str) -> bool:
    """Whether digits are a label rather than a number: leading zeros mean something."""
    return len(text) > 1 and text[0] == "0" and text.isdigit()
