"""What several of these tests use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

import allocc

SOURCE = Path(allocc.__file__).parents[1]

Run = Callable[..., Result]


def only_json(text: str) -> dict[str, Any]:
    """Exactly one JSON object, without NaN or infinities."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found
