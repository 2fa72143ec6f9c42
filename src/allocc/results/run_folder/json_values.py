"""Values as JSON that every reader takes, and read back: dataclasses by their fields, and nothing by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from allocc.dsl.escapes import one_line

#: The metadata of a field that is kept elsewhere: in a table beside the JSON, or not at all.
APART: Mapping[str, bool] = {"apart": True}


def clean(data: Any) -> Any:
    """The same data without what JSON cannot say: NaN and infinities become null.

    A dataclass becomes an object of its fields, without those that are kept `APART`.
    """
    if is_dataclass(data):
        return {
            f.name: clean(getattr(data, f.name))
            for f in fields(data)
            if not f.metadata.get("apart")
        }
    if isinstance(data, dict):
        return {_key(k): clean(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [clean(v) for v in data]
    if isinstance(data, (bool, int, str)) or data is None:
        return data
    if hasattr(data, "to_dict"):
        return clean(data.to_dict())
    if hasattr(data, "tolist"):
        return clean(data.tolist())
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return str(data)


def read_as(kind: Any, data: Any, **apart: Any) -> Any:
    """The value of a type of which `clean` made `data`; `apart` are fields that were kept apart.

    A field that an earlier version did not write has its default. Null stands for a number that is
    infinite. Raises KeyError, TypeError or ValueError where the data are of another form.
    """
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        found = dict(apart)
        for f in fields(kind):
            if f.name in found or f.metadata.get("apart"):
                continue
            if f.name in data or (f.default is MISSING and f.default_factory is MISSING):
                found[f.name] = read_as(hints[f.name], data[f.name])
        return kind(**found)
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return data
    if kind is float:
        return math.inf if data is None else float(data)
    if origin in (Union, UnionType):
        (known,) = (a for a in inner if a is not NoneType)
        return None if data is None else read_as(known, data)
    if origin is Literal and data in inner:
        return data
    if origin is tuple and isinstance(data, list):
        kinds = inner[:1] * len(data) if inner[-1] is ... else inner
        return tuple(read_as(k, x) for k, x in zip(kinds, data, strict=True))
    if origin is dict and isinstance(data, dict):
        return {k: read_as(inner[1], x) for k, x in data.items()}
    if isinstance(kind, type) and isinstance(data, kind):
        return data
    raise TypeError(f"{data!r} has another form")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _key(key: Any) -> str:
    """A key as text; several labels as they stand in brackets, those with a comma in quotes."""
    if not isinstance(key, tuple):
        return str(key)
    return ", ".join(f'"{x}"' if "," in str(x) else str(x) for x in key)


def to_json(data: Any, indent: int | None = 2, ascii_only: bool = False) -> str:
    """JSON that every reader takes; with `ascii_only`, also one that reads no Unicode.

    What cannot be seen is an escape: it stands in strings only, and a terminal would obey some of it.
    """
    text = json.dumps(clean(data), indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    return text if text.isascii() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    seen = character == "\n" or one_line(character) == character
    return character if seen else json.dumps(character)[1:-1]
