"""What moves a value: a bar for each parameter, from its value at the low end to that at the high end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allocc.dsl.escapes import one_line
from allocc.showing.plots.style import (
    INK,
    MAIN,
    OTHER,
    PALE,
    Drawing,
    drawn,
    number_axis,
    short,
)
from allocc.tables import number

if TYPE_CHECKING:
    from allocc.results.sensitivity.found import SensitivityResult, Together, Varied

#: A picture has at most this many parameters.
MOST_BARS = 20
#: Inches of a bar, and of what is around the bars of a panel.
BAR, AROUND = 0.34, 0.75

#: How the bars of the two ends look.
LOW: dict[str, Any] = {"color": MAIN}
HIGH: dict[str, Any] = {"facecolor": PALE, "edgecolor": MAIN, "linewidth": 0.8}


@drawn
def tornado(found: SensitivityResult) -> Drawing:
    """One panel for parameters one at a time, and one for all together where that was asked."""
    shown = [v for v in found.by_swing if v.values][:MOST_BARS]
    together = found.together if found.together is not None and found.together.indices else None
    heights = [AROUND + BAR * max(len(shown), 1)]
    if together is not None:
        heights.append(AROUND + BAR * min(len(together.indices), MOST_BARS))
    title = one_line(found.title or found.model)
    names = ", ".join(v.name for v in shown)
    figure = Drawing(title, 0.9 + sum(heights), f"{title}: sensitivity to {names}")
    places = figure.body.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _swings(places[0], found, shown)
    if together is not None:
        _shares(places[1], together)
    marks: list[Any] = [
        Patch(**LOW),
        Patch(**HIGH),
        Line2D([], [], color=INK, linewidth=1),
    ]
    texts = ["at the low end", "at the high end", "as it is"]
    figure.body.legend(marks, texts, loc="outside upper left", ncols=3)
    return figure


def _swings(axes: Any, found: SensitivityResult, shown: list[Varied]) -> None:
    base = found.base.value
    for k, v in enumerate(reversed(shown)):
        known = [p for p in v.points if p.value is not None and p.at in (v.low, v.high)]
        start = base if base is not None else v.values[0]
        # Where both ends lie on one side, the shorter bar lies on the longer one, and is thinner.
        by_length = sorted(known, key=lambda p: abs((p.value or 0.0) - start), reverse=True)
        lengths = [(p.value or 0.0) - start for p in by_length]
        over = len(lengths) > 1 and lengths[0] * lengths[1] > 0
        for n, (p, length) in enumerate(zip(by_length, lengths, strict=True)):
            style = LOW if p.at == v.low else HIGH
            height = 0.34 if over and n else 0.62
            axes.barh(k, length, left=start, height=height, **style)
        ends = [p.value for p in known if p.value is not None] + [start]
        least, most = min(v.values), max(v.values)
        if least < min(ends) or most > max(ends):
            axes.plot([least, most], [k, k], color=INK, linewidth=0.8)
    if base is not None:
        axes.axvline(base, color=INK, linewidth=1)
    axes.set_yticks(range(len(shown)), [_label(v) for v in reversed(shown)])
    axes.tick_params(axis="y", length=0)
    axes.set_title("value of the objective, one parameter at a time")
    number_axis(axes.xaxis, 5)
    axes.margins(x=0.04)


def _label(v: Varied) -> str:
    times = "x " if v.factor else ""
    return f"{short(one_line(v.name), 22)}  {times}{number(v.low, 3)} .. {number(v.high, 3)}"


def _shares(axes: Any, together: Together) -> None:
    shown = sorted(together.indices, key=lambda i: i.total)[-MOST_BARS:]
    places = np.arange(len(shown))
    for i, k in zip(shown, places, strict=True):
        axes.barh(k, i.total, height=0.62, facecolor=PALE, edgecolor=OTHER, linewidth=0.8)
        axes.barh(k, i.first, height=0.34, color=OTHER)
        axes.plot(i.total_interval, [k, k], color=INK, linewidth=0.8)
    axes.set_yticks(places, [short(one_line(i.name), 22) for i in shown])
    axes.tick_params(axis="y", length=0)
    axes.set_title("share of the variance: alone (dark), with others (light; 95 % interval)")
    axes.set_xlim(left=min(0.0, *(i.first for i in shown)))
