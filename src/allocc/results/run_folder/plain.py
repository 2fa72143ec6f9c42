"""Plain data as JSON that every reader takes."""

from __future__ import annotations

import json
import math
from typing import Any

from allocc.dsl.escapes import one_line


def clean(data: Any) -> Any:
    """The same data without what JSON cannot say: NaN and infinities become null."""
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
