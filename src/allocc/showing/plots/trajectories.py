"""Compartments over time, with the allocation and without any intervention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from allocc.showing.plots.style import (
    MAIN,
    OTHER,
    Drawing,
    drawn,
    end_labels,
    heading,
    number_axis,
    time_axis,
    wrapped,
)

if TYPE_CHECKING:
    from allocc.results.labelled import Block, Labels
    from allocc.results.run import Run

#: More compartments than this make panels too small to read.
MOST_PANELS = 12


@drawn
def trajectories(result: Run) -> Drawing:
    """A panel for each compartment, in total over its indices, with a line for each scenario."""
    blocks = [b for b in result.blocks if b.kind == "compartment"]
    cut = len(blocks) - MOST_PANELS
    blocks = blocks[:MOST_PANELS]
    columns = 1 if len(blocks) == 1 else 2
    rows = math.ceil(len(blocks) / columns)
    title = result.title or result.model
    names = ", ".join(b.name for b in blocks)
    height = 0.9 + (2.6 if columns == 1 else 1.85) * rows
    figure = Drawing(title, height, f"{title}: {names} over time, with and without interventions")
    panels = figure.body.subplots(rows, columns, squeeze=False)
    for panel, block in zip(panels.flat, blocks, strict=False):
        _panel(panel, block, result.time_unit, 44 if columns > 1 else 84)
    for panel in list(panels.flat)[len(blocks) :]:
        panel.set_axis_off()
    for panel in list(panels.flat)[: len(blocks) - columns]:
        panel.set_xlabel("")
    lines = [Line2D([], [], color=MAIN, linewidth=2)]
    texts = ["as simulated" if result.status == "simulated" else "with the allocation"]
    if any(b.baseline is not None for b in blocks):
        lines.append(Line2D([], [], color=OTHER, linewidth=1.6, linestyle=(0, (4, 2.5))))
        texts.append("without interventions")
    note = f"the first {MOST_PANELS} of {cut + MOST_PANELS} compartments" if cut > 0 else None
    figure.body.legend(
        lines, texts, loc="outside upper left", ncols=2, title=note, alignment="left"
    )
    return figure


def _panel(axes: Any, block: Block, unit: str, width: int) -> None:
    k = block.time_axis
    assert k is not None
    rest = [a for i, a in enumerate(block.axes) if i != k]
    times = [float(m[0]) for m in block.axes[k].members]
    courses = block.over_time()
    thin = 0.6 if len(courses) > 1 else 1.0
    for c in courses:
        if c.baseline is not None:
            dashes = (0, (4, 2.5))
            axes.plot(times, c.baseline, color=OTHER, linewidth=1.6 * thin, linestyle=dashes)
    for c in courses:
        axes.plot(times, c.values, color=MAIN, linewidth=2 * thin)
    drawn_lines = [c.values for c in courses] + [
        c.baseline for c in courses if c.baseline is not None
    ]
    low = min(float(y.min()) for y in drawn_lines)
    high = max(float(y.max()) for y in drawn_lines)
    # Of several scenarios the lowest and the highest have their number.
    by_end = sorted(courses, key=lambda c: float(c.values[-1]))
    lines, colors = [], []
    for c in by_end[:: max(1, len(by_end) - 1)]:
        lines.append(c.values)
        colors.append(MAIN)
        base = c.baseline
        if base is not None and not _near(float(base[-1]), float(c.values[-1])):
            lines.append(base)
            colors.append(OTHER)
    room = 0.06 * (high - low) or 0.05 * max(1.0, abs(high))
    # A scale from 0 where that costs little of the picture; it says more about the size of things.
    low = 0.0 if 0 <= low < 0.5 * high else low - room
    high += room
    axes.set_ylim(low, high)
    axes.margins(x=0)
    added = _counted("total of", [a for a in rest if not a.exclusive])
    each = _counted("each of", [a for a in rest if a.exclusive])
    axes.set_ylabel(
        "\n".join(x for x in (", ".join(y for y in (block.unit, added) if y), each) if x)
    )
    axes.set_title(wrapped(heading(block.name, block.description), width))
    number_axis(axes.yaxis, 4)
    name = block.axes[k].names[0]
    time_axis(axes, times, f"{name} ({unit})" if unit else name)
    end_labels(axes, [float(y[-1]) for y in lines], colors, (low, high))


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def _counted(what: str, axes: list[Labels]) -> str:
    """Over what is added up, or what stands apart; empty where that is one thing only."""
    many = math.prod(len(a.members) for a in axes)
    of = ", ".join(a.names[0] for a in axes if len(a.names) == 1)
    return f"{what} {many:,} {of}".strip() if many > 1 else ""
