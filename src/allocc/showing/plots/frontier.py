"""What one term of the objective costs in another, and what is proven out of reach."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allocc.results.frontier import Point, Tradeoff
from allocc.showing.pareto_report import picture
from allocc.showing.plots.style import INK, MAIN, PALE, Drawing, drawn, number_axis, wrapped
from allocc.tables import rests


@drawn
def frontier(found: Tradeoff) -> Drawing:
    """The second term across, the first one up, as in `allocc pareto --plot`."""
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
