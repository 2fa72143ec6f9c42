"""What one term of the objective costs in another, and what is proven out of reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allocc.dsl.escapes import one_line
from allocc.results.frontier import Point, Tradeoff
from allocc.showing.plots.style import INK, MAIN, PALE, Drawing, drawn, number_axis, wrapped
from allocc.tables import rests


@dataclass(frozen=True)
class Picture:
    """What is drawn: the second term across, the first one up."""

    across: tuple[float, float]
    up: tuple[float, float]
    unreachable: list[tuple[float, float]]
    known: list[tuple[float, float]]
    points: list[tuple[float, float, Point]]
    labels: tuple[str, str]
    title: str


def picture(found: Tradeoff) -> Picture:
    """The window, and what is in it."""
    s = found.sign
    xs = [s * p.values[1] for p in found.points]
    ys = [s * p.values[0] for p in found.points]
    left, right = _window(xs)
    bottom, top = _window(ys)
    outline = staircase(corners(found), left, right, bottom, top)
    steps: list[tuple[float, float]] = []
    lowest = math.inf
    for x, y in sorted(zip(xs, ys, strict=True)):
        if y < lowest:
            steps += [(x, min(lowest, top)), (x, y)]
            lowest = y
    steps.append((right, lowest))
    return Picture(
        _span(s * left, s * right),
        _span(s * bottom, s * top),
        [(s * x, s * y) for x, y in outline],
        [(s * x, s * y) for x, y in steps],
        [(p.values[1], p.values[0], p) for p in found.points],
        (one_line(found.axes[1].label), one_line(found.axes[0].label)),
        one_line(found.title or found.model),
    )


def staircase(
    corners: Sequence[tuple[float, float]], left: float, right: float, bottom: float, top: float
) -> list[tuple[float, float]]:
    """The outline of the union of the quarter-planes below and left of `corners`, in a window."""
    height = bottom
    outline = [(right, bottom)]
    for x, y in sorted(corners, key=lambda c: (-c[0], c[1])):
        x, y = min(x, right), min(y, top)
        if y > height and x > left:
            outline += [(x, height), (x, y)]
            height = y
    return [*outline, (left, height), (left, bottom)]


def corners(found: Tradeoff) -> list[tuple[float, float]]:
    """Each claim as a corner (second, first) of what is out of reach; more is worse here."""
    s = found.sign
    return [
        (math.inf if c.within is None else s * c.within, s * c.bound)
        if c.term == 0
        else (s * c.bound, math.inf if c.within is None else s * c.within)
        for c in found.claims
    ]


def _span(a: float, b: float) -> tuple[float, float]:
    return (min(a, b), max(a, b))


def _window(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or 0.1 * max(1.0, abs(high))
    return low - room, high + room


@drawn
def frontier(found: Tradeoff) -> Drawing:
    """The second term across, the first one up."""
    pic = picture(found)
    about = f"{pic.title}: {pic.labels[1]} against {pic.labels[0]}"
    figure = Drawing(pic.title, 4.9, about)
    axes = figure.body.subplots()
    xs, ys = zip(*pic.unreachable, strict=True)
    axes.fill(xs, ys, facecolor=PALE, hatch="///", edgecolor="#8f8f8f", linewidth=0)
    axes.plot(*zip(*pic.known, strict=True), color=MAIN, linestyle=(0, (4, 2.5)), linewidth=1.3)
    for x, y, p in pic.points:
        axes.plot([x], [y], **_mark(p), zorder=3)
    axes.set(
        xlim=pic.across,
        ylim=pic.up,
        xlabel=wrapped(pic.labels[0], 84),
        ylabel=wrapped(pic.labels[1], 50),
    )
    number_axis(axes.xaxis, 7)
    number_axis(axes.yaxis, 6)
    handles: list[Any] = [
        Patch(facecolor=PALE, hatch="///", edgecolor="#8f8f8f", linewidth=0),
        Line2D([], [], color=MAIN, linestyle=(0, (4, 2.5)), linewidth=1.3),
    ]
    said = rests(found.proof, found.solver)
    texts = [f"out of reach{said}" if said else "proven out of reach", "reached"]
    kinds = {_kind(p): p for _, _, p in pic.points}
    for kind, p in kinds.items():
        handles.append(Line2D([], [], linestyle="none", **_mark(p)))
        texts.append(kind)
    figure.body.legend(
        handles,
        texts,
        loc="outside upper left",
        ncols=len(texts),
        handlelength=1.8,
        columnspacing=1.4,
    )
    return figure


def _kind(p: Point) -> str:
    if p.dominated_by is not None:
        return "dominated"
    return "proven" if p.status == "optimal" else "gap open"


def _mark(p: Point) -> dict[str, Any]:
    """A point's marker: what is known of it is its shape and its fill."""
    kind = _kind(p)
    return {
        "marker": "x" if kind == "dominated" else "o",
        "color": INK,
        "markerfacecolor": INK if kind == "proven" else "white",
        "markersize": 6,
    }
