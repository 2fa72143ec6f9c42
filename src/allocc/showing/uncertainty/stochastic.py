"""Many courses as a person reads them."""

from __future__ import annotations

import math

from allocc.dsl.escapes import one_line
from allocc.results.stochastic.courses import LEVELS, LimitHeld, Spread, StochasticResult
from allocc.tables import number, numbers, percent, table, wrap

#: How wide a note is.
WIDTH = 100
#: The heads of the columns of quantiles.
QUANTILES = [f"{round(100 * x)} %" for x in LEVELS]


def stochastic_text(found: StochasticResult, color: bool = False) -> str:
    """The report of `allocc simulate --stochastic`."""
    title = one_line(found.title or found.model)
    lines = [f"\x1b[1m{title}\x1b[0m" if color else title, f"{_sentence(found)}.", ""]
    lines += [f"  {name:<10}  {text}" for name, text in _facts(found)]
    if found.value is not None:
        total = [found.value] if len(found.terms) > 1 else []
        lines += ["", "Objective", *_spreads([*found.terms, *total])]
    lines += ["", f"Compartments at {_end(found)}", *_bands(found)]
    lines += ["", "Events", *_spreads(found.events)]
    for note in found.notes:
        first, *more = wrap(note, WIDTH - 6)
        lines += ["", f"Note: {first}", *(f"      {line}" for line in more)]
    return "\n".join(lines)


def _sentence(found: StochasticResult) -> str:
    text = found.decisions
    return f"Stochastic: {found.courses:,} courses, {text}"


def _facts(found: StochasticResult) -> list[tuple[str, str]]:
    facts = []
    unit = f" {found.time_unit}" if found.time_unit else ""
    if found.value is not None:
        better = "lower" if found.sense == "minimize" else "higher"
        v = found.value
        error = v.deviation / math.sqrt(found.courses)
        ends = f"{number(v.quantiles[0])} .. {number(v.quantiles[-1])}"
        facts += [
            ("value", f"{number(v.mean)} on average, +/- {error:.2g}  ({better} is better)"),
            ("", f"{ends} in 90 % of the courses"),
            ("without", f"{number(v.deterministic)} without chance, as `allocc simulate` says"),
        ]
    if found.extinct is not None:
        share = percent(found.extinct / found.courses)
        many = f"{found.extinct:,} of {found.courses:,} courses ({share})"
        text = f"none is left at the end in {many}; it is in {', '.join(found.infected)}"
        facts.append(("infection", text))
    facts += [("limit", _limit(found, limit)) for limit in found.limits]
    many = "1 part" if found.parts == 1 else f"{found.parts:,} parts"
    facts.append(("steps", f"of {found.step / found.parts:.3g}{unit}, {many} a period"))
    if found.scale != 1:
        facts.append(("scale", f"{number(found.scale)} persons in one unit of a compartment"))
    facts.append(("seed", f"{found.seed}"))
    return facts


def _limit(found: StochasticResult, limit: LimitHeld) -> str:
    text = f"{limit.name} holds in {limit.held:,} of {found.courses:,} courses"
    if limit.worst and limit.worst != limit.name:
        text += f"; broken most often at {limit.worst}, in {limit.broken:,}"
    return text


def _spreads(rows: list[Spread] | tuple[Spread, ...]) -> list[str]:
    head = ["name", "without", "mean", "deviation", *QUANTILES, "what it is"]
    cells = [
        [r.name, *_row(r.deterministic, r.mean, r.deviation, r.quantiles), r.description]
        for r in rows
    ]
    return table(head, cells, right=range(1, 4 + len(QUANTILES)))


def _row(*values: object) -> list[str]:
    flat: list[float] = []
    for v in values:
        flat += v if isinstance(v, tuple) else [v]  # type: ignore[list-item]
    return numbers(flat, 5)


def _bands(found: StochasticResult) -> list[str]:
    head = ["name", "without", "mean", *QUANTILES, "empty in", "what it is"]
    rows = []
    for b in found.bands:
        ends = _row(b.deterministic[-1], b.mean[-1], tuple(q[-1] for q in b.quantiles))
        rows.append([b.name, *ends, f"{b.empty:,}" if b.empty else "", b.description])
    return table(head, rows, right=range(1, 4 + len(QUANTILES)))


def _end(found: StochasticResult) -> str:
    unit = f" ({found.time_unit})" if found.time_unit else ""
    return f"{found.times[-1]}{unit}"
