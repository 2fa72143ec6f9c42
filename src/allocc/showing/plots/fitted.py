"""Data against the course that was fitted to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import norm

from allocc.showing.plots.style import (
    INK,
    MAIN,
    PALE,
    Drawing,
    drawn,
    heading,
    number_axis,
    time_axis,
    wrapped,
)
from allocc.tables import percent

if TYPE_CHECKING:
    from allocc.results.fitting.found import FitResult, FittedCourse

#: More observed quantities than this make panels too small to read.
MOST_PANELS = 12


@drawn
def fitted(found: FitResult) -> Drawing:
    """A panel for each observed quantity: its data as points, the fit as a line with its band."""
    courses = found.courses[:MOST_PANELS]
    cut = len(found.courses) - len(courses)
    columns = 1 if len(courses) == 1 else 2
    rows = math.ceil(len(courses) / columns)
    title = found.title or found.model
    names = ", ".join(c.name for c in courses)
    height = 0.9 + (2.6 if columns == 1 else 1.85) * rows
    figure = Drawing(
        f"{title}: {found.description or found.fit}", height, f"{title}: {names}, data and fit"
    )
    panels = list(figure.body.subplots(rows, columns, squeeze=False).flat)
    wide = float(norm.ppf(0.5 + found.level / 2))
    label = f"{found.time} ({found.time_unit})" if found.time_unit else found.time
    for panel, course in zip(panels, courses, strict=False):
        _panel(panel, course, wide, label)
    for panel in panels[len(courses) :]:
        panel.set_axis_off()
    for panel in panels[: len(courses) - columns]:
        panel.set_xlabel("")
    marks: list[Any] = [
        Line2D([], [], color=INK, marker="o", markersize=4, linestyle="none", fillstyle="none"),
        Line2D([], [], color=MAIN, linewidth=2),
    ]
    texts = ["observed", "fitted"]
    if any(c.error is not None for c in courses):
        marks.append(Patch(color=PALE))
        share = percent(found.level).replace(".00", "")
        texts.append(f"{share} band of the fitted course")
    note = f"the first {MOST_PANELS} of {cut + MOST_PANELS} that were observed" if cut else None
    figure.body.legend(
        marks, texts, loc="outside upper left", ncols=3, title=note, alignment="left"
    )
    return figure


def _panel(axes: Any, course: FittedCourse, wide: float, label: str) -> None:
    times = [float(t) for t in course.times]
    if course.error is not None:
        pairs = list(zip(course.fitted, course.error, strict=True))
        low, high = [x - wide * e for x, e in pairs], [x + wide * e for x, e in pairs]
        axes.fill_between(times, low, high, color=PALE, linewidth=0)
    axes.plot(times, course.fitted, color=MAIN, linewidth=2)
    seen = [(float(t), y) for t, y, _ in course.seen()]
    axes.plot(
        [t for t, _ in seen],
        [y for _, y in seen],
        color=INK,
        marker="o",
        markersize=4,
        linestyle="none",
        fillstyle="none",
    )
    axes.margins(x=0.02)
    high_end = axes.get_ylim()[1]
    if 0 <= min([*course.fitted, *(y for _, y in seen)]) < 0.5 * high_end:
        axes.set_ylim(0.0, high_end)
    axes.set_title(wrapped(heading(course.name, course.description), 44))
    number_axis(axes.yaxis, 4)
    time_axis(axes, times, label)
