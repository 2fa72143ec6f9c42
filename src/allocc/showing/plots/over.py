"""Draws: the value in each of them, compartments with their bands, decisions that differ."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allocc.compiler.labels import label_text
from allocc.results.over.found import LEVELS, BandOver
from allocc.showing.plots.style import (
    INK,
    MAIN,
    OTHER,
    PALE,
    Drawing,
    drawn,
    heading,
    number_axis,
    time_axis,
    wrapped,
)

if TYPE_CHECKING:
    from allocc.results.over.found import OverDraws

#: More than this make panels, or rows, too small to read.
MOST_PANELS, MOST_MEMBERS = 12, 16
#: Between PALE and MAIN, for the middle half of the draws.
MIDDLE = "#a9b8c9"


@drawn
def values(found: OverDraws) -> Drawing:
    """The value of each draw in order, and the best of the draw where that is known."""
    title = found.title or found.model
    figure = Drawing(f"{title}: the objective in {len(found.draws)} draws", 3.4)
    axes = figure.body.subplots()
    order = np.argsort(found.values, kind="stable")
    shares = np.cumsum(found.weights[order]) - found.weights[order] / 2
    axes.plot(
        100 * shares, found.values[order], color=MAIN, marker="o", markersize=3.5, linewidth=1.2
    )
    lines = [Line2D([], [], color=MAIN, marker="o", markersize=4)]
    texts = ["this allocation"]
    broken = np.array([bool(found.draws[k].broken) for k in order])
    if broken.any():
        hollow: dict[str, Any] = {
            "color": MAIN,
            "marker": "o",
            "linestyle": "none",
            "markerfacecolor": "white",
        }
        axes.plot(100 * shares[broken], found.values[order][broken], markersize=4.5, **hollow)
        lines.append(Line2D([], [], markersize=4.5, **hollow))
        texts.append("where it breaks a limit")
    best = [found.draws[k].best for k in order]
    if all(b is not None and None not in b for b in best):
        reached = [b[1] for b in best if b is not None]
        axes.plot(100 * shares, reached, color=OTHER, marker="x", markersize=4, linestyle="none")
        lines.append(Line2D([], [], color=OTHER, marker="x", linestyle="none"))
        texts.append("the best if the draw were known")
    assert found.mean is not None
    axes.axhline(found.mean, color=INK, linewidth=0.8, linestyle=(0, (4, 2.5)))
    lines.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (4, 2.5))))
    texts.append("mean")
    axes.set_xlabel("share of the draws (%)")
    axes.set_ylabel("objective")
    number_axis(axes.yaxis, 5)
    figure.body.legend(lines, texts, loc="outside upper left", ncols=4)
    return figure


@drawn
def courses(found: OverDraws) -> Drawing:
    """A panel for each compartment (over indices: each member, then the first ones) with its bands."""
    panels = [p for b in found.bands if b.block.kind == "compartment" for p in _lines(b)]
    cut = len(panels) - MOST_PANELS
    panels = panels[:MOST_PANELS]
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    height = 0.9 + (2.6 if columns == 1 else 1.85) * rows
    title = found.title or found.model
    figure = Drawing(f"{title}: {len(found.draws)} draws", height)
    grid = list(figure.body.subplots(rows, columns, squeeze=False).flat)
    for axes, (name, text, times, levels, mean) in zip(grid, panels, strict=False):
        axes.fill_between(times, levels[0], levels[-1], color=PALE, linewidth=0)
        axes.fill_between(times, levels[1], levels[-2], color=MIDDLE, linewidth=0)
        axes.plot(times, mean, color=MAIN, linewidth=2)
        axes.set_title(wrapped(heading(name, text), 44 if columns > 1 else 84))
        number_axis(axes.yaxis, 4)
        time_axis(axes, times, found.time_unit or "time")
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[: len(panels) - columns]:
        axes.set_xlabel("")
    marks: list[Any] = [
        Line2D([], [], color=MAIN, linewidth=2),
        Patch(color=MIDDLE),
        Patch(color=PALE),
    ]
    low, high = f"{LEVELS[0]:.0%}", f"{LEVELS[-1]:.0%}"
    texts = ["mean", "the middle half of the draws", f"{low} to {high} of them"]
    note = f"the first {MOST_PANELS} of {cut + MOST_PANELS}" if cut > 0 else None
    figure.body.legend(
        marks, texts, loc="outside upper left", ncols=3, title=note, alignment="left"
    )
    return figure


def _lines(band: BandOver) -> list[tuple[str, str, list[float], Any, Any]]:
    block = band.block
    k = block.time_axis
    if k is None:
        return []
    times = [float(m[0]) for m in block.axes[k].members]
    mean = np.moveaxis(block.values, k, -1).reshape(-1, len(times))
    levels = np.moveaxis(band.levels, k + 1, -1).reshape(len(LEVELS), -1, len(times))
    rest = [a for i, a in enumerate(block.axes) if i != k]
    labels = [
        ", ".join(label_text(x) for part in parts for x in part)
        for parts in itertools.product(*(a.members for a in rest))
    ]
    return [
        (
            f"{block.name}[{text}]" if text else block.name,
            block.description,
            times,
            levels[:, i],
            mean[i],
        )
        for i, text in enumerate(labels)
    ]


@drawn
def decisions(found: OverDraws) -> Drawing:
    """What the best for single draws decide, beside what was given: the members that differ most first."""
    firm = sorted(found.firm, key=lambda f: -(f.levels[-1] - f.levels[0]))
    names = list(dict.fromkeys(f.name for f in firm))[:3]
    groups = {n: [f for f in firm if f.name == n][:MOST_MEMBERS] for n in names}
    figure = Drawing(
        f"{found.title or found.model}: what is best in single draws",
        1.2 + sum(0.5 + 0.22 * len(g) for g in groups.values()),
    )
    shares = {"height_ratios": [2.2 + len(g) for g in groups.values()]}
    grid = figure.body.subplots(len(groups), 1, squeeze=False, gridspec_kw=shares)
    for (name, group), axes in zip(groups.items(), grid.flat, strict=True):
        places = range(len(group))
        axes.barh(
            places,
            [f.levels[-1] - f.levels[0] for f in group],
            left=[f.levels[0] for f in group],
            color=PALE,
            height=0.7,
        )
        axes.barh(
            places,
            [f.levels[-2] - f.levels[1] for f in group],
            left=[f.levels[1] for f in group],
            color=MIDDLE,
            height=0.7,
        )
        axes.plot(
            [f.levels[2] for f in group],
            places,
            color=MAIN,
            marker="|",
            markersize=9,
            linestyle="none",
        )
        axes.plot(
            [f.given for f in group],
            places,
            color=INK,
            marker="o",
            markersize=4,
            fillstyle="none",
            linestyle="none",
        )
        axes.set_yticks(list(places), [f.member for f in group])
        axes.invert_yaxis()
        axes.set_title(name)
        number_axis(axes.xaxis, 5)
    marks: list[Any] = [
        Line2D([], [], color=INK, marker="o", markersize=4, fillstyle="none", linestyle="none"),
        Line2D([], [], color=MAIN, marker="|", markersize=9, linestyle="none"),
        Patch(color=MIDDLE),
        Patch(color=PALE),
    ]
    texts = ["given", "median of the draws", "middle half", f"{LEVELS[0]:.0%} to {LEVELS[-1]:.0%}"]
    figure.body.legend(marks, texts, loc="outside upper left", ncols=4)
    return figure


def drawable(found: OverDraws) -> list[str]:
    """Which pictures there are of an answer."""
    if not found.draws:
        return []
    kinds = ["values"] if found.terms else []
    if any(b.block.kind == "compartment" for b in found.bands):
        kinds.append("courses")
    return [*kinds, *(["decisions"] if found.firm else [])]


KNOWN = {"values": values, "courses": courses, "decisions": decisions}
