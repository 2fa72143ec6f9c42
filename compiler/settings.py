"""Values that are set from outside: `--set name=value`, mappings, Series and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.failures import counted, did_you_mean
from allocc.compiler.index import IndexSet
from allocc.compiler.program import label_text
from allocc.compiler.tables import number

_HINT = "write a plain number, as 1200 or 0.25"


def setting(name: str, given: Any, sets: tuple[IndexSet, ...], words: bool) -> Any:
    """The array that a setting gives a parameter; `words` where a word may be meant."""
    shape = tuple(len(s) for s in sets)
    if hasattr(given, "to_dict"):
        given = given.to_dict()
    if isinstance(given, Mapping):
        return _mapping(name, given, sets, shape, words)
    if isinstance(given, str):
        return np.full(shape, _scalar(name, given, words))
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        reason = "the value is neither a number nor an array of numbers"
        raise errors.Failed(errors.bad_setting(name, reason)) from None
    if not np.isfinite(array).all():
        raise errors.Failed(errors.bad_setting(name, "the value is not a finite number"))
    try:
        return np.broadcast_to(array, shape).copy()
    except ValueError:
        reason = f"the value has the shape {array.shape}, the parameter {shape}"
        raise errors.Failed(errors.bad_setting(name, reason)) from None


def _mapping(
    name: str, given: Mapping[Any, Any], sets: tuple[IndexSet, ...], shape: Any, words: bool
) -> Any:
    values = np.full(shape, np.nan)
    for label, value in given.items():
        labels = tuple(label_text(x) for x in (label if isinstance(label, tuple) else (label,)))
        key = f"{name}[{', '.join(labels)}]"
        values = set_entry(key, labels, value, sets, values, words)
    return values


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
        raise errors.Failed(errors.bad_setting(key, reason))
    rest = tuple(labels)
    place = []
    for s in sets:
        mine, rest = rest[: s.arity], rest[s.arity :]
        if mine not in s.positions:
            label = ", ".join(mine)
            near = did_you_mean(label, s.texts[0]) if s.arity == 1 else None
            raise errors.Failed(errors.bad_setting(key, f"{s.name} has no member '{label}'", near))
        place.append(s.positions[mine])
    entry = _scalar(key, value, words)
    kind = object if isinstance(entry, str) or values.dtype.kind == "O" else float
    values = np.array(values, dtype=kind)
    values[tuple(place)] = entry
    return values


def _scalar(key: str, value: Any, words: bool) -> Any:
    """One number, or one word where a word may be meant."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise errors.Failed(errors.bad_setting(key, "no value is given", _HINT))
        found = number(text)
        if np.isnan(found) or (words and _is_label(text)):
            if words and text.lower() not in ("nan", "inf", "-inf", "infinity"):
                return np.asarray(text, dtype=object)[()]
            raise errors.Failed(errors.bad_setting(key, f"'{value}' is not a number", _HINT))
        return found
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise errors.Failed(errors.bad_setting(key, f"{value!r} is not a number", _HINT)) from None
    if not np.isfinite(found):
        raise errors.Failed(errors.bad_setting(key, f"{value} is not a finite number", _HINT))
    return found


def _is_label(text: str) -> bool:
    """Whether digits are a label rather than a number: leading zeros mean something."""
    return len(text) > 1 and text[0] == "0" and text.isdigit()
