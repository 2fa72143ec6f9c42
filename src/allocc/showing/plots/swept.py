"""The value of a sweep's points: against a setting that is a number, or point by point."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allocc.dsl.escapes import one_line
from allocc.results.sweeping.points import Answer, Point
from allocc.results.sweeping.swept import SweepResult, as_numbers
from allocc.showing.plots.style import (
    INK,
    MAIN,
    OTHER,
    PALE,
    Drawing,
    drawn,
    number_axis,
    short,
    wrapped,
)

#: What tells lines apart: each is another shade, stroke and mark.
LOOKS = (
    (MAIN, "-", "o"),
    (INK, (0, (4, 2.5)), "s"),
    (OTHER, "-", "^"),
    (INK, (0, (1, 1.5)), "D"),
    (OTHER, (0, (4, 1.5, 1, 1.5)), "v"),
    (MAIN, (0, (1, 1.5)), "x"),
)
#: So many points stand beside each other.
MOST_BARS = 60

Pair = tuple[Point, Answer]


def solved(found: SweepResult) -> list[Pair]:
    """The points that have a value."""
    pairs = zip(found.points, found.answers, strict=True)
    return [(p, a) for p, a in pairs if a is not None and a.value is not None]


def across(found: SweepResult) -> str | None:
    """The axis with the most values that are all numbers; None where there is none."""
    pairs = solved(found)
    best, most = None, 1
    for name in found.axes:
        numbers = as_numbers([p.label.get(name) for p, _ in pairs])
        if numbers is not None and len(set(numbers)) > most:
            best, most = name, len(set(numbers))
    return best


@drawn
def swept(found: SweepResult) -> Drawing:
    """The value of each point, and how far below (or above) it the bound is, as a band."""
    title = one_line(found.title or found.model)
    figure = Drawing(title, 4.6, f"{title}: value by point")
    axes = figure.body.subplots()
    name = across(found)
    if name is None:
        _beside(axes, found)
        handles: list[Any] = [Line2D([], [], color=MAIN, marker="o", linestyle="none")]
        texts = ["value"]
    else:
        handles, texts = _lines(axes, found, name)
    handles.append(
        Patch(color=PALE) if name is not None else Line2D([], [], color=OTHER, linewidth=4)
    )
    texts.append("gap to the bound")
    best = "lower" if found.sense == "minimize" else "higher"
    axes.set_ylabel(f"value ({best} is better)")
    number_axis(axes.yaxis, 6)
    figure.body.legend(handles, texts, loc="outside upper left", ncols=min(4, len(texts)))
    return figure


def _lines(axes: Any, found: SweepResult, name: str) -> tuple[list[Any], list[str]]:
    """A line for each combination of the other labels, over the numbers of one of them."""
    others = [n for n in found.axes if n != name]
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for point, answer in solved(found):
        groups.setdefault(tuple(point.label.get(n, "") for n in others), []).append((point, answer))
    handles: list[Any] = []
    texts: list[str] = []
    for look, (labels, pairs) in zip(LOOKS, groups.items(), strict=False):
        numbers = as_numbers([p.label[name] for p, _ in pairs]) or []
        course = sorted(zip(numbers, pairs, strict=True), key=lambda c: c[0])
        xs = [x for x, _ in course]
        values = [a.value for _, (_, a) in course]
        bounds = [a.value if a.bound is None else a.bound for _, (_, a) in course]
        color, stroke, mark = look
        axes.fill_between(xs, bounds, values, color=PALE, linewidth=0)
        axes.plot(xs, values, color=color, linestyle=stroke, marker=mark, markersize=4.5)
        handles.append(Line2D([], [], color=color, linestyle=stroke, marker=mark, markersize=4.5))
        said = ", ".join(f"{n}={short(x, 20)}" for n, x in zip(others, labels, strict=True))
        texts.append(said or "value")
    if len(groups) > len(LOOKS):
        texts[-1] += f" (and {len(groups) - len(LOOKS):,} lines not drawn)"
    axes.set_xlabel(wrapped(name, 84))
    number_axis(axes.xaxis, 7)
    return handles, texts


def _beside(axes: Any, found: SweepResult) -> None:
    """The points beside each other, each with its name."""
    pairs = solved(found)[:MOST_BARS]
    for k, (_, answer) in enumerate(pairs):
        bound = answer.value if answer.bound is None else answer.bound
        axes.plot([k, k], [bound, answer.value], color=OTHER, linewidth=4, solid_capstyle="butt")
        axes.plot([k], [answer.value], color=MAIN, marker="o", linestyle="none")
    names = [short(", ".join(p.label.values()), 24) for p, _ in pairs]
    turned = 90 if sum(map(len, names)) > 90 else 0
    axes.set_xticks(range(len(pairs)), names, rotation=turned)
    more = len(solved(found)) - len(pairs)
    said = ", ".join(found.axes)
    axes.set_xlabel(f"{said} (the first {len(pairs)})" if more > 0 else said)
