"""Allocations side by side: what each decision and each term has on every side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from allocc.dsl.escapes import one_line
from allocc.results.comparing.comparison import Comparison, Row
from allocc.showing.plots.style import (
    INK,
    MAIN,
    OTHER,
    PALE,
    Drawing,
    drawn,
    heading,
    number_axis,
    short,
    wrapped,
)

#: A panel has at most this many rows.
MOST_ROWS = 12
#: Sides differ in shape and shade, never in colour alone; those beyond take the same again.
MARKS = (
    ("o", MAIN, MAIN),
    ("D", INK, "white"),
    ("s", OTHER, OTHER),
    ("^", INK, "white"),
    ("v", MAIN, "white"),
)
#: Inches of a row, and of what is around the rows of a panel.
ROW, AROUND = 0.27, 0.85


@drawn
def comparison(found: Comparison) -> Drawing:
    """A panel for the objective's terms and one for each decision that differs, a mark for each side."""
    panels = _panels(found)
    heights = [AROUND + ROW * len(rows) for _, rows in panels]
    title = one_line(found.title)
    names = [one_line(s.name) for s in found.sides]
    figure = Drawing(title, 0.9 + sum(heights), f"{title}: {', '.join(names)}")
    places = figure.body.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, rows) in zip(places, panels, strict=True):
        _panel(axes, name, rows)
    handles = [Line2D([], [], **_mark(k)) for k in range(len(names))]
    figure.body.legend(
        handles,
        [short(n) for n in names],
        loc="outside upper left",
        ncols=min(4, len(names)),
        handlelength=1.2,
    )
    return figure


def _panels(found: Comparison) -> list[tuple[str, list[Row]]]:
    """What is drawn: headings and rows; terms as differences, and members that differ most."""
    better = "lower" if found.sense == "minimize" else "higher"
    sides = range(len(found.sides))
    terms = [Row(r.name, tuple(map(r.difference, sides))) for r in found.terms if r.differs]
    title = f"terms of the objective, less those of {found.sides[0].name} ({better} is better)"
    panels = [(title, terms)] if terms else []
    single = [m.row(0) for m in found.members if not m.columns]
    panels += [(heading(r.name, r.description), [r]) for r in single if r.differs]
    for m in found.members:
        shown = sorted(int(k) for k in m.differing[:MOST_ROWS])
        if m.columns and shown:
            cut = f", the {len(shown)} that differ most" if len(m.differing) > len(shown) else ""
            how = (
                f" ({m.unit}{', ' * bool(m.unit and m.how)}{m.how}{cut})" if m.unit or m.how else ""
            )
            panels.append((f"{heading(m.name, m.description)}{how}", [m.row(k) for k in shown]))
    return panels


def drawable(found: Comparison) -> bool:
    """Whether there is anything to draw."""
    return bool(_panels(found))


def _panel(axes: Any, name: str, rows: Sequence[Row]) -> None:
    places = np.arange(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        known = [x for x in row.values if x is not None]
        axes.plot([min(known), max(known)], [place, place], color=PALE, linewidth=3, zorder=1)
        # The first side lies on top: the others are told beside it.
        for k in reversed(range(len(row.values))):
            if row.values[k] is not None:
                axes.plot([row.values[k]], [place], **_mark(k), zorder=3 + len(row.values) - k)
    axes.set_yticks(places, [short(_label(r)) for r in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_title(wrapped(one_line(name), 84))
    axes.margins(x=0.04)
    number_axis(axes.xaxis, 6)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def _label(row: Row) -> str:
    """The labels of a member, or the name of a term."""
    _, bracket, labels = row.name.partition("[")
    return labels.removesuffix("]") if bracket else row.name


def _mark(side: int) -> dict[str, Any]:
    marker, edge, fill = MARKS[side % len(MARKS)]
    return {
        "marker": marker,
        "linestyle": "none",
        "color": edge,
        "markerfacecolor": fill,
        "markersize": 6,
    }
