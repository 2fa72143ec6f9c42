"""Numbers and tables as plain text: the same in a terminal, a file and a test."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Sequence

from allocc.dsl.escapes import one_line


def number(x: float | None, digits: int = 6) -> str:
    """A number with thousands separators and about `digits` significant digits."""
    if x is None or math.isnan(x):
        return "-"
    if math.isinf(x):
        return "infinite" if x > 0 else "-infinite"
    size = abs(x)
    if size < sys.float_info.min:
        return "0"  # what rounding outward leaves of a bound of zero
    if size < 1e15 and abs(x - round(x)) <= 1e-9 * size:
        return f"{round(x):,}"
    if size < 1e-4 or size >= 1e15:
        return f"{x:.3g}"
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{x:,.{min(places, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def numbers(values: Sequence[float | None], digits: int = 6) -> list[str]:
    """Numbers of one column, with the same number of decimals."""
    known = [abs(v) for v in values if v is not None and math.isfinite(v)]
    large = max(known, default=0.0)
    whole = all(abs(v - round(v)) <= 1e-9 * max(1.0, v) for v in known)
    if whole and 0.5 <= large < 1e15:
        # What a solver leaves of a zero is one.
        return [number(v) if v is None or not math.isfinite(v) else f"{round(v):,}" for v in values]
    if whole or not known or large < 1e-4 or large >= 1e15:
        return [number(v, digits) for v in values]
    places = min(6, max(0, digits - 1 - math.floor(math.log10(large))))
    return [
        number(v, digits)
        if v is None or not math.isfinite(v)
        else f"{round(v, places) + 0.0:,.{places}f}"
        for v in values
    ]


#: A smaller percentage is not written out.
LEAST_PERCENT = 1e-4


def percent(x: float | None, sign: bool = False) -> str:
    """A share as a percentage with two or three significant digits."""
    if x is None or math.isnan(x):
        return "-"
    if math.isinf(x):
        return "infinite"
    p = 100 * x
    size = abs(p)
    if size == 0:
        return "0 %"
    if size < LEAST_PERCENT:
        return "0 %" if sign else "below 0.0001 %"
    places = 0 if size >= 100 else max(2, 1 - math.floor(math.log10(size)))
    text = f"{p:,.{places}f}"
    return f"{'+' if sign and p > 0 else ''}{text} %"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters; at least one line."""
    # A number and its percent sign stay together.
    lines = textwrap.wrap(one_line(text).replace(" %", "\xa0%"), width)
    return [line.replace("\xa0", " ") for line in lines] or [""]


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: int = 2
) -> list[str]:
    """Lines of an aligned table; columns in `right` are flush right, empty ones are left out."""
    head, *rows = ([one_line(cell) for cell in row] for row in (head, *rows))
    keep = [k for k in range(len(head)) if any(row[k] for row in rows)]
    widths = {k: max(len(head[k]), *(len(row[k]) for row in rows)) for k in keep}
    lines = []
    for row in [head, *rows]:
        cells = [row[k].rjust(widths[k]) if k in right else row[k].ljust(widths[k]) for k in keep]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def rests(proof: str | None, solver: str) -> str:
    """What a bound rests on where it is not proven, as the end of a sentence."""
    match proof:
        case "claimed":
            return f", as {solver} claims"
        case "agreed":
            return ", as two solves agree"
        case _:
            return ""
