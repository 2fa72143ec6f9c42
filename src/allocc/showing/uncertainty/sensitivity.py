"""What an answer depends on, as a person reads it."""

from __future__ import annotations

from allocc.dsl.escapes import one_line
from allocc.results.sensitivity.found import SensitivityResult, Together, Tried, Varied
from allocc.tables import number, numbers, percent, rests, table, wrap

#: How wide a note is.
WIDTH = 100


def sensitivity_text(found: SensitivityResult, color: bool = False) -> str:
    """The report of `allocc sensitivity`."""
    title = one_line(found.title or found.model)
    solved = found.mode == "solved"
    how = "each point solved anew" if solved else "the given decisions simulated at each point"
    lines = [f"\x1b[1m{title}\x1b[0m" if color else title, f"Sensitivity: {how}.", ""]
    better = "lower" if found.sense == "minimize" else "higher"
    lines.append(
        f"  value  {number(found.base.value)} as it is  ({better} is better){_word(found)}"
    )
    lines += ["", "One at a time, that which moves the value most first", *_swings(found)]
    if solved:
        lines += _changes(found)
    if found.together is not None:
        lines += ["", *_together(found.together)]
    for note in found.notes:
        first, *more = wrap(note, WIDTH - 6)
        lines += ["", f"Note: {first}", *(f"      {line}" for line in more)]
    return "\n".join(lines)


def _word(found: SensitivityResult) -> str:
    base = found.base
    if found.mode != "solved" or base.gap is None:
        return ""
    return f", gap {percent(base.gap)}{rests(base.proof, 'the solver')}"


def _swings(found: SensitivityResult) -> list[str]:
    head = ["name", "low", "high", "value at low", "at high", "swing", "unit", "what it is"]
    values = [
        x
        for v in found.by_swing
        for x in (
            _first(v).value if v.points else None,
            _last(v).value if v.points else None,
            v.swing,
        )
    ]
    told = iter(numbers(values, 5))
    rows = []
    for v in found.by_swing:
        low, high, swing = next(told), next(told), next(told)
        ends = [f"{number(x, 4)} x" if v.factor else number(x, 4) for x in (v.low, v.high)]
        at = [_shown(p, text) for p, text in zip((_first(v), _last(v)), (low, high), strict=True)]
        rows.append([v.name, *ends, *at, swing, v.unit, v.description])
    return table(head, rows, right=range(1, 6))


def _first(v: Varied) -> Tried:
    return v.points[0] if v.points else Tried(v.low, "-")


def _last(v: Varied) -> Tried:
    return v.points[-1] if v.points else Tried(v.high, "-")


def _shown(p: Tried, text: str) -> str:
    """A value, or why there is none."""
    return text if p.value is not None else p.status


def _changes(found: SensitivityResult) -> list[str]:
    """What is decided otherwise at the ends."""
    rows = []
    for v in found.by_swing:
        ends = [
            (end, p) for end, p in (("low", _first(v)), ("high", _last(v))) if p.value is not None
        ]
        for end, p in ends:
            changed = [c for c in p.changed if c.count]
            told = ", ".join(f"{c.count:,} of {c.of:,} {c.decision}" for c in changed)
            at = f"{number(p.at, 4)} x" if v.factor else number(p.at, 4)
            rows.append([v.name, end, at, told or "nothing"])
    if not rows:
        return []
    head = ["name", "end", "at", "decided otherwise than with the parameters as they are"]
    return ["", "What is decided otherwise", *table(head, rows, right=(2,))]


def _together(found: Together) -> list[str]:
    low, _, median, _, high = found.quantiles
    lines = [
        f"All together, uniform over their ranges ({found.count:,} points)",
        f"  value  {number(found.mean, 5)} on average, deviation {number(found.deviation, 3)}",
        f"         {number(low, 5)} .. {number(high, 5)} in 90 % of the points, median {number(median, 5)}",
    ]
    if found.gap:
        lines.append(f"         gaps of the solves up to {percent(found.gap)}")
    if found.broken:
        lines.append(f"         a limit is broken at {found.broken:,} of {found.count:,} points")
    if not found.indices:
        return [*lines, "  The value is the same everywhere."]
    head = ["name", "alone", "95 % interval", "with others", "95 % interval"]
    rows = [
        [
            i.name,
            _share(i.first),
            _ends(i.first_interval),
            _share(i.total),
            _ends(i.total_interval),
        ]
        for i in sorted(found.indices, key=lambda i: i.total, reverse=True)
    ]
    return [*lines, "", "Shares of the variance (Sobol indices)", *table(head, rows, right=(1, 3))]


def _share(x: float) -> str:
    """Three decimals, without a minus before zeros."""
    return f"{round(x, 3) + 0.0:.3f}"


def _ends(interval: tuple[float, float]) -> str:
    return f"{_share(interval[0])} .. {_share(interval[1])}"
