"""A fit as a person reads it."""

from __future__ import annotations

import math

import numpy as np

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
    priors = sum(1 for e in found.estimates if e.prior and not e.prior.startswith("uniform"))
    known = f" and {priors} {'prior' if priors == 1 else 'priors'}" if priors else ""
    return [
        ("loss", f"{found.loss:.6g}  ({kind} of {found.count} numbers{known})"),
        ("searches", searches),
        *_draws(found),
    ]


def _draws(found: FitResult) -> list[tuple[str, str]]:
    """How many draws were taken, and how."""
    how, count = found.sampling, f"{len(found.draws):,}"
    if not found.draws:
        return []
    if how is None:
        return [("draws", f"{count} around the estimates")]
    chains = f"{count} from {how.chains} chains of {how.steps:,} steps, without the first {how.left_out:,}"
    share = percent(how.acceptance).replace(".00", "")
    slowest, accepted = how.slowest, f"{share} of the steps were taken"
    if slowest is None:
        return [("draws", chains), ("", accepted)]
    longest = how.autocorrelation[slowest]
    name = found.estimates[slowest].name
    return [
        ("draws", chains),
        ("", f"autocorrelation time {longest:.0f} steps ({name}); {accepted}"),
    ]


def _estimates(found: FitResult) -> list[str]:
    share = percent(found.level).replace(".00", "")
    drawn = middle(found)
    head = ["name", "value", "error", f"{share} interval", f"{share} of draws", "prior"]
    rows = [
        [
            e.name,
            number(e.value, DIGITS),
            "" if e.error is None else f"{e.error:.2g}",
            interval_text(e),
            "" if ends is None else _between(*ends),
            e.prior,
            e.unit,
            e.description + ("" if e.place == "inside" else " (at its limit)"),
        ]
        for e, ends in zip(found.estimates, drawn, strict=True)
    ]
    head += ["unit", "what it is"]
    # What no estimate has needs no column.
    kept = [k for k in range(len(head)) if k not in (4, 5) or any(row[k] for row in rows)]
    return table([head[k] for k in kept], [[row[k] for k in kept] for row in rows], right=(1, 2))


def middle(found: FitResult) -> list[tuple[float, float] | None]:
    """Between what the middle share `level` of the draws lies, for each estimate; of chains only."""
    if found.sampling is None or not found.draws:
        return [None] * len(found.estimates)
    ends = ((1 - found.level) / 2, (1 + found.level) / 2)
    low, high = np.quantile(np.asarray(found.draws), ends, axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def interval_text(e: Estimated) -> str:
    """The interval of an estimate; an end that is not there is open."""
    return "" if e.interval is None else _between(*e.interval)


def _between(low: float | None, high: float | None) -> str:
    ends = ["" if x is None else number(x, DIGITS) for x in (low, high)]
    return " .. ".join(ends).strip()


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
