"""Compartments over time in many courses: bands around the median, and the course without chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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

if TYPE_CHECKING:
    from allocc.results.stochastic.courses import Band, StochasticResult

#: More compartments than this make panels too small to read.
MOST_PANELS = 12
#: The band of the middle half, darker than the one of nine tenths.
MIDDLE = "#b4bfcc"


@drawn
def stochastic_bands(found: StochasticResult) -> Drawing:
    """A panel for each compartment, in total over its indices."""
    bands = found.bands[:MOST_PANELS]
    cut = len(found.bands) - len(bands)
    columns = 1 if len(bands) == 1 else 2
    rows = math.ceil(len(bands) / columns)
    title = found.title or found.model
    names = ", ".join(b.name for b in bands)
    height = 0.9 + (2.6 if columns == 1 else 1.85) * rows
    figure = Drawing(title, height, f"{title}: {names} in {found.courses} courses")
    panels = list(figure.body.subplots(rows, columns, squeeze=False).flat)
    label = f"{found.time} ({found.time_unit})" if found.time_unit else found.time
    times = [float(t) for t in found.times]
    for panel, band in zip(panels, bands, strict=False):
        _panel(panel, band, times, label, 44 if columns > 1 else 84)
    for panel in panels[len(bands) :]:
        panel.set_axis_off()
    for panel in panels[: len(bands) - columns]:
        panel.set_xlabel("")
    marks: list[Any] = [
        Line2D([], [], color=MAIN, linewidth=2),
        Patch(color=MIDDLE),
        Patch(color=PALE),
        Line2D([], [], color=INK, linewidth=1.2, linestyle=(0, (4, 2.5))),
    ]
    texts = [
        "median",
        "half of the courses",
        "nine in ten",
        "without chance, in the steps of the model",
    ]
    note = f"{found.courses:,} courses"
    if cut:
        note += f"; the first {MOST_PANELS} of {cut + MOST_PANELS} compartments"
    figure.body.legend(
        marks, texts, loc="outside upper left", ncols=4, title=note, alignment="left"
    )
    return figure


def _panel(axes: Any, band: Band, times: list[float], label: str, width: int) -> None:
    lowest, low, median, high, highest = band.quantiles
    axes.fill_between(times, lowest, highest, color=PALE, linewidth=0)
    axes.fill_between(times, low, high, color=MIDDLE, linewidth=0)
    axes.plot(times, median, color=MAIN, linewidth=2)
    axes.plot(times, band.deterministic, color=INK, linewidth=1.2, linestyle=(0, (4, 2.5)))
    bottom = min(*lowest, *band.deterministic)
    top = max(*highest, *band.deterministic)
    room = 0.06 * (top - bottom) or 0.05 * max(1.0, abs(top))
    bottom = 0.0 if 0 <= bottom < 0.5 * top else bottom - room
    axes.set_ylim(bottom, top + room)
    axes.margins(x=0)
    axes.set_ylabel(band.unit)
    axes.set_title(wrapped(heading(band.name, band.description), width))
    number_axis(axes.yaxis, 4)
    time_axis(axes, times, label)
