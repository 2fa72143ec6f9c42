"""A fit as a person reads it."""

from __future__ import annotations

import math

from allocc.dsl.escapes import one_line
from allocc.results.fitting.found import Estimated, FitResult, FittedCourse
from allocc.tables import number, percent, table

#: Significant digits of estimates.
DIGITS = 4


def fit_text(found: FitResult, color: bool = False) -> str:
    """The report of `allocc fit`."""
    title = one_line(found.title or found.model)
    about = f", {found.description}" if found.description else ""
    lines = [f"\x1b[1m{title}\x1b[0m" if color else title, f"Fit {found.fit}{about}.", ""]
    lines += [f"  {name:<9}  {text}" for name, text in _facts(found)]
    lines += ["", "Estimates", *_estimates(found), "", "Residuals", *_residuals(found)]
    for remark in found.remarks:
        lines += ["", f"Note: {remark}"]
    return "\n".join(lines)


def _facts(found: FitResult) -> list[tuple[str, str]]:
    kind = "sum of squares" if found.error_kind == "squares" else "deviance"
    searches = f"{found.starts} from different starts" if found.starts > 1 else "1"
    if found.starts > 1 and not found.others:
        searches += ", and none ended elsewhere"
    return [
        ("loss", f"{found.loss:.6g}  ({kind} of {found.count} numbers)"),
        ("searches", searches),
        *([("draws", f"{len(found.draws):,} around the estimates")] if found.draws else []),
    ]


def _estimates(found: FitResult) -> list[str]:
    share = percent(found.level).replace(".00", "")
    head = ["name", "value", "error", f"{share} interval", "unit", "what it is"]
    rows = [
        [
            e.name,
            number(e.value, DIGITS),
            "" if e.error is None else f"{e.error:.2g}",
            interval_text(e),
            e.unit,
            e.description + ("" if e.place == "inside" else " (at its limit)"),
        ]
        for e in found.estimates
    ]
    return table(head, rows, right=(1, 2))


def interval_text(e: Estimated) -> str:
    """The interval of an estimate; an end that is not there is open."""
    if e.interval is None:
        return ""
    low, high = ("" if x is None else number(x, DIGITS) for x in e.interval)
    return f"{low} .. {high}".strip()


def _residuals(found: FitResult) -> list[str]:
    rows = [_row(c, found.time) for c in found.courses]
    head = ["observed", "seen", "typical", "largest", "at"]
    return table(head, rows, right=(1, 2, 3))


def _row(c: FittedCourse, time: str) -> list[str]:
    """How far the data are from the fit: the root of the mean square, and the largest."""
    off = [(y - x, t) for t, y, x in c.seen()]
    if not off:
        return [c.name, "0", "", "", ""]
    largest, where = max(off, key=lambda pair: abs(pair[0]))
    typical = math.sqrt(sum(d * d for d, _ in off) / len(off))
    signed = f"{largest:+.3g}"
    return [c.name, str(len(off)), f"{typical:.3g}", signed, f"{time} = {where}"]
