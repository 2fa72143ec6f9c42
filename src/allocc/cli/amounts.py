"""Numbers as they are written on a command line: `1%` of a value, `5m` of time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _ParamType = click.ParamType[float]
else:
    # Older versions of click have no generic parameter types.
    _ParamType = click.ParamType

#: Seconds in the units that a time may be written in.
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_AMOUNT = re.compile(r"\s*(.*?)\s*([a-z]*)\s*\Z", re.IGNORECASE | re.DOTALL)


class Share(_ParamType):
    """A share of a whole, `1%` or `0.01`; what it may be is checked by whoever takes it."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The share as a number: 0.01 for `1%`."""
        text = str(value).strip()
        try:
            return float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            self.fail(f"'{value}' is not a share; write 1% or 0.01", param, ctx)


class Duration(_ParamType):
    """A time, `90`, `90s`, `5m` or `1h`; a number alone is in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The time in seconds."""
        text = str(value)
        try:
            return float(text)
        except ValueError:
            match = _AMOUNT.match(text)
        try:
            if match is not None and match[2].lower() in UNITS:
                return float(match[1]) * UNITS[match[2].lower()]
        except ValueError:
            pass
        self.fail(f"'{value}' is not a time; write 90, 90s, 5m or 1h", param, ctx)
