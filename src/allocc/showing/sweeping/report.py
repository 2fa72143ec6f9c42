"""The table of a sweep, and a line for each point as it is finished."""

from __future__ import annotations

from allocc.dsl.escapes import one_line
from allocc.results.sweeping.points import Answer, Point
from allocc.results.sweeping.swept import SweepResult
from allocc.tables import duration, number, numbers, percent, table

#: So many rows are shown; the others are in the file.
MOST_ROWS = 100
#: What went wrong is told for so many points.
MOST_ERRORS = 10


def sweep_text(found: SweepResult, color: bool = False) -> str:
    """The report of `allocc sweep`."""
    title = one_line(found.title or found.model)
    best = "lower" if found.sense == "minimize" else "higher"
    lines = [f"\x1b[1m{title}\x1b[0m" if color else title, f"{summary(found)}.", ""]
    lines += _table(found)
    if any(a is not None and a.value is not None for a in found.answers):
        lines += ["", f"A {best} value is better; each is simulated, and proven up to its gap."]
    for point, answer in found.failed[:MOST_ERRORS]:
        lines += ["", f"{one_line(point.name) or 'the point'}: {one_line(answer.error)}"]
    more = len(found.failed) - MOST_ERRORS
    if more > 0:
        lines += ["", f"... and {more:,} more that failed"]
    return "\n".join(lines)


def summary(found: SweepResult) -> str:
    """How many points there are and how they ended, in one sentence without its full stop."""
    parts: dict[str, int] = {}
    for answer in found.answers:
        word = "left" if answer is None else _status(answer)
        parts[word] = parts.get(word, 0) + 1
    noun = "point" if len(found.points) == 1 else "points"
    told = ", ".join(f"{n:,} {word}" for word, n in parts.items())
    ready = len(found.points) - found.left - found.solved
    there = f"; {ready:,} of them {'was' if ready == 1 else 'were'} there already" if ready else ""
    return f"{len(found.points):,} {noun}: {told}{there}; {duration(found.seconds)}"


def point_line(
    point: Point, answer: Answer, done: int, count: int, seconds_left: float | None
) -> str:
    """What is told when a point is finished."""
    if answer.failed:
        told = f"{answer.status}: {answer.error}"
    else:
        told = f"{_status(answer)}  value {number(answer.value, 7)}  gap {percent(answer.gap)}"
        told += f"  {duration(answer.seconds)}"
    left = count - done
    after = f"; {left:,} left" if left else ""
    if left and seconds_left is not None:
        after += f", about {duration(seconds_left)}"
    return one_line(f"{done}/{count}  {point.name or 'the model'}  {told}{after}")


def _table(found: SweepResult) -> list[str]:
    pairs = list(zip(found.points, found.answers, strict=True))[:MOST_ROWS]
    values = numbers([None if a is None else a.value for _, a in pairs], 7)
    terms = {
        t: numbers([None if a is None else a.terms.get(t) for _, a in pairs], 5)
        for t in found.terms
    }
    rows = []
    for k, (point, answer) in enumerate(pairs):
        if answer is None:
            rows.append(
                [
                    *(point.label.get(n, "") for n in found.axes),
                    "left",
                    "",
                    "",
                    "",
                    *["" for _ in terms],
                ]
            )
            continue
        rows.append(
            [
                *(point.label.get(n, "") for n in found.axes),
                _status(answer),
                values[k] if answer.value is not None else "",
                percent(answer.gap) if answer.gap is not None else "",
                duration(answer.seconds),
                *(t[k] if answer.value is not None else "" for t in terms.values()),
            ]
        )
    head = [*found.axes, "status", "value", "gap", "time", *terms]
    lines = table(head, rows, right=range(len(found.axes) + 1, len(head)))
    more = len(found.points) - MOST_ROWS
    return [*lines, f"  ... and {more:,} more"] if more > 0 else lines


def _status(answer: Answer) -> str:
    """A status in a word or two, with why a solve has stopped."""
    why = {"time_limit": "time limit", "memory_limit": "memory limit"}.get(answer.stopped)
    return f"{answer.status} ({why})" if why and answer.status != "optimal" else answer.status
