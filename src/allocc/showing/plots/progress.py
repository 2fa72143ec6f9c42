"""The proof as time went on: the value that is had, the bound that is proven, the gap."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from allocc.showing.plots.style import (
    MAIN,
    OTHER,
    PALE,
    Drawing,
    drawn,
    end_labels,
    number_axis,
    wrapped,
)
from allocc.tables import duration, percent, rests

if TYPE_CHECKING:
    from allocc.engine.judging.outcome import Step
    from allocc.results.run import Run

#: Gaps below this are called closed, as in the reports: a logarithmic scale has no 0.
CLOSED = 1e-6
KNOWN: dict[str, Any] = {"color": MAIN, "linewidth": 2, "marker": "o", "markersize": 3.5}


@drawn
def progress(result: Run) -> Drawing:
    """Value and bound above, the gap on a logarithmic scale below.

    Where all was known at one moment, there is no time to draw along: both are lines, and a sentence says when.
    """
    title = result.title or result.model
    known = [s for s in result.history if s.value is not None or s.bound is not None]
    if len({(s.value, s.bound) for s in known}) == 1:
        return _at_once(result, title, known[0])
    gaps = [s for s in known if s.gap is not None]
    figure = Drawing(title, 4.9 if gaps else 3.4, f"{title}: value, bound and gap over time")
    ratios = [3, 2] if gaps else [1]
    panels = figure.body.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[
        :, 0
    ]
    # Lines go on a little beyond the end, where a solve that took one round would have none.
    last = 1.1 * max(result.seconds, max(s.seconds for s in result.history)) or 1.0
    _both(panels[0], result, result.history, last)
    if gaps:
        _gap(panels[1], gaps, result.options.get("gap"), last)
    panels[-1].set_xlabel("seconds")
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    return figure


def _at_once(result: Run, title: str, only: Step) -> Drawing:
    figure = Drawing(title, 2.6, f"{title}: value and bound")
    axes = figure.body.subplots()
    _both(axes, result, (replace(only, seconds=0.0),), 1.0)
    axes.set_xticks([])
    what = [n for n, x in (("value", only.value), ("bound", only.bound)) if x is not None]
    gap = f"; the gap is {percent(only.gap)}" if only.gap is not None else ""
    told = f"{' and '.join(what)} known at one moment, after {duration(only.seconds)}, and not changed since{gap}"
    axes.set_xlabel(wrapped(told, 84))
    return figure


def _steps(history: tuple[Step, ...], name: str, last: float) -> tuple[list[float], list[float]]:
    """What was known when, up to the end."""
    known = [(s.seconds, float(getattr(s, name))) for s in history if getattr(s, name) is not None]
    if not known:
        return [], []
    times, values = (list(x) for x in zip(*known, strict=True))
    return [*times, last], [*values, values[-1]]


def _both(axes: Any, result: Run, history: tuple[Step, ...], last: float) -> None:
    value = _steps(history, "value", last)
    bound = _steps(history, "bound", last)
    better = "lower" if result.sense == "minimize" else "higher"
    axes.set_ylabel(f"objective ({better} is better)")
    low, high = _window(value[1], bound[1])
    axes.set_ylim(low, high)
    axes.set_xlim(0, last)
    handles, texts, ends, colors = [], [], [], []
    if bound[0]:
        beyond = low if result.sense == "minimize" else high
        axes.fill_between(*bound, beyond, step="post", facecolor=PALE, hatch="///", linewidth=0)
        dashed: dict[str, Any] = {"color": OTHER, "linewidth": 1.6, "linestyle": (0, (4, 2.5))}
        axes.plot(*bound, drawstyle="steps-post", **dashed)
        handles.append(Line2D([], [], **dashed))
        said = rests(result.proof, result.solver)
        bounding = "bound" if said else "proven bound"
        texts.append(f"{bounding}: no allocation is in the hatched area{said}")
        ends.append(bound[1][-1])
        colors.append(OTHER)
    if value[0]:
        axes.plot(*value, drawstyle="steps-post", markevery=slice(0, -1), **KNOWN)
        handles.insert(0, Line2D([], [], **KNOWN))
        texts.insert(0, "best allocation known")
        ends.insert(0, value[1][-1])
        colors.insert(0, MAIN)
    number_axis(axes.yaxis, 5)
    axes.legend(
        handles,
        texts,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        borderaxespad=0.2,
        handlelength=2.6,
    )
    end_labels(axes, ends, colors, (low, high), 0.075)


def _window(value: list[float], bound: list[float]) -> tuple[float, float]:
    """The range to show: all values, and the bounds since they say anything near to them."""
    if value and bound:
        size = max(max(value) - min(value), 0.25 * abs(value[-1]), 1e-9)
        near = [b for b in bound if abs(b - value[-1]) <= 2 * size]
        shown = [*value, *(near or bound[-1:])]
    else:
        shown = value or bound
    low, high = min(shown), max(shown)
    # Differences that nobody asked about do not fill the picture.
    room = max(0.08 * (high - low), 0.005 * abs(high)) or 1.0
    return low - room, high + room


def _gap(axes: Any, steps: list[Step], asked: object, last: float) -> None:
    closed = min(CLOSED, asked / 10) if isinstance(asked, float) and asked > 0 else CLOSED
    times = [s.seconds for s in steps]
    gaps = [max(float(s.gap or 0.0), closed) for s in steps]
    axes.plot(
        [*times, last], [*gaps, gaps[-1]], drawstyle="steps-post", markevery=slice(0, -1), **KNOWN
    )
    axes.set_yscale("log")
    # Beyond 1,000 % a gap says nothing, and how much of nothing does not matter.
    low, high = min(*gaps, 10.0), min(max(gaps), 10.0)
    if isinstance(asked, float) and asked > 0:
        axes.axhline(asked, color=OTHER, linewidth=1.2, linestyle=(0, (1, 1.5)))
        axes.annotate(
            f"asked: {_share(asked)}",
            (0, asked),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            color=OTHER,
            fontsize=8.5,
        )
        low, high = min(low, asked), max(high, min(asked, 10.0))
    span = max(1.0, math.log10(high / low))
    axes.set_ylim(low / 10 ** (0.08 * span), high * 10 ** (0.16 * span))
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: f"below {_share(y)}" if y <= closed * 1.001 else _share(y))
    )
    axes.set_ylabel("gap")


def _share(y: float) -> str:
    """A gap in percent without any exponent."""
    return f"{100 * y:.10f}".rstrip("0").rstrip(".") + " %"
