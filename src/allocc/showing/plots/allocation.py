"""Who gets what: a panel for each decision, beside what the model compares it with."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D

from allocc.compiler.labels import label_text, shown_label
from allocc.results.labelled import Block, Labels, Target
from allocc.showing.plots.style import (
    INK,
    MAIN,
    Drawing,
    drawn,
    heading,
    number_axis,
    short,
    tidy,
    time_axis,
    titled,
    wrapped,
)
from allocc.tables import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from allocc.results.run import Run

#: Members with a bar of their own; the rest is told in words.
MOST_BARS = 20
#: More members than this stand by size, where their labels have no order of their own.
MOST_UNSORTED = 12
#: Columns of a table with two indices.
MOST_COLUMNS = 12
#: Characters that have room side by side above a table.
ACROSS = 60
#: Panels of one picture.
MOST_PANELS = 8
#: Up to so many points of time have a bar of their own; beyond, an outline.
MOST_TIMES = 80
#: A cell without a number: the share of the largest below which a value is what a solver leaves of 0.
NOUGHT = 1e-9

_SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9dbbd8", MAIN, "#08213c"])
#: A level or an ideal is a mark with a shape of its own.
_MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "|", "markersize": 13, "markeredgewidth": 2.4, "color": INK},
    {"marker": "D", "markersize": 6, "markerfacecolor": "white", "color": INK},
    {"marker": "o", "markersize": 6.5, "markerfacecolor": "white", "color": INK},
    {"marker": "^", "markersize": 7, "markerfacecolor": "white", "color": INK},
)


@dataclass(frozen=True, eq=False)
class _Panel:
    """A decision, or all those that are one number, and what it takes to draw it (in inches)."""

    block: Block
    targets: tuple[Target, ...]
    height: float
    left_out: int = 0


@drawn
def allocation(result: Run) -> Drawing:
    """Bars where a decision has members, shades where it has two indices."""
    blocks = [b for b in result.blocks if b.kind == "decision"]
    scalars = [b for b in blocks if not b.axes]
    panels = [_sized(b, result) for b in blocks if b.axes and b.values.size]
    left_out = max(0, len(panels) - MOST_PANELS)
    panels = panels[:MOST_PANELS]
    words = _scalar_lines(scalars)
    words += [
        f"{heading(b.name, b.description)} has no members" for b in blocks if not b.values.size
    ]
    if left_out:
        words.append(f"{left_out} more decisions are in decisions.csv of a run folder")
    heights = [p.height for p in panels] + ([0.25 + 0.19 * len(words)] if words else [])
    title = result.title or result.model
    names = ", ".join(b.name for b in blocks)
    figure = Drawing(title, 0.5 + sum(heights), f"{title}: who gets what ({names})")
    rows = figure.body.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, panel in zip(rows, panels, strict=False):
        _draw(place, panel, result)
    if words:
        rows[-1].text(0.02, 0.9, "\n".join(words), va="top", fontsize=9, linespacing=1.4)
    return figure


def _sized(block: Block, result: Run) -> _Panel:
    plain = block.without_time()
    targets = tuple(t for t in result.targets if t.decision == block.name)[: len(_MARKS)]
    if not plain.axes:
        return _Panel(block, (), 2.1)
    if len(plain.axes) == 1:
        shown = len(_kept(plain.values.ravel(), plain.axes[0]))
        rest = shown < plain.values.size
        return _Panel(block, targets, 0.95 + 0.235 * (shown + rest) + 0.19 * len(targets))
    rows, _ = _matrix(plain)[1:]
    shown = min(len(rows), MOST_BARS)
    return _Panel(block, (), 1.15 + 0.235 * (shown + (shown < len(rows))))


def _scalar_lines(blocks: Sequence[Block]) -> list[str]:
    return [
        f"{wrapped(heading(b.name, b.description), 74, 1)} = {number(float(b.values))} {b.unit}".rstrip()
        for b in blocks
    ]


def _draw(place: Any, panel: _Panel, result: Run) -> None:
    plain = panel.block.without_time()
    if not plain.axes:
        _over_time(place, panel.block, result)
    elif len(plain.axes) == 1:
        _bars(place, panel, result)
    else:
        _shades(place, panel.block, plain)


def _title(block: Block, total: bool = True) -> str:
    """What a panel shows: name, description, unit, how much in all."""
    text = heading(block.name, block.description)
    if block.binary:
        return f"{text}; {number(float(block.values.sum()))} of {block.values.size:,}"
    whole = block.without_time() if total else block
    known = total and whole.additive and (block.time_axis is None or block.amount is not None)
    sums = f", {number(float(whole.values.sum()), 7)} in total" if known else ""
    unit = f" ({whole.unit})" if whole.unit else ""
    return f"{text}{unit}{sums}"


# --- one number a point of time ------------------------------------------------------------------


def _over_time(place: Any, block: Block, result: Run) -> None:
    axes = titled(place, wrapped(_title(block, total=False), 84)).subplots()
    times = np.array([float(m[0]) for m in block.axes[0].members])
    values = block.values
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    # A value of a period holds from its begin to its end, that of a point around it.
    points = any(
        len(a.members) == len(times)
        for b in result.blocks
        if b.kind == "compartment"
        for a in b.axes
        if a.time
    )
    begin = times - step / 2 if points else times
    if len(times) <= MOST_TIMES:
        middle = begin + step / 2
        axes.bar(middle, values, width=step * 0.92, color=MAIN, linewidth=0)
    else:
        edges = np.append(begin, begin[-1] + step)
        axes.stairs(values, edges, fill=True, color=MAIN)
    axes.set_xlim(begin[0], begin[-1] + step)
    if block.binary:
        axes.set_yticks([0, 1], ["no", "yes"])
        axes.set_ylim(0, 1.05)
    else:
        number_axis(axes.yaxis, 4, whole=block.integer)
        axes.set_ylabel(block.unit)
        low = min(0.0, float(values.min()))
        axes.set_ylim(low * 1.05, max(float(values.max()), 0.0) * 1.08 or 1.0)
    if not values.any():
        axes.text(0.5, 0.5, "0 at all times", transform=axes.transAxes, ha="center", va="center")
    name = block.axes[0].names[0]
    time_axis(
        axes,
        [begin[0], begin[-1] + step],
        f"{name} ({result.time_unit})" if result.time_unit else name,
    )
    if points:
        axes.set_xticks(*_some_times(times))


def _some_times(times: NDArray[np.float64]) -> tuple[list[float], list[str]]:
    every = max(1, math.ceil(len(times) / 15))
    kept = [float(t) for t in times[::every]]
    return kept, [f"{t:.10g}" for t in kept]


# --- one index -----------------------------------------------------------------------------------


#: A label that counts up: a text, and the number that follows it.
_COUNTED = re.compile(r"([^\d]*?)([-+]?\d+(?:\.\d+)?)")


def _kept(values: NDArray[np.float64], axis: Labels) -> list[int]:
    """The members with a row of their own, as they stand: in the order of their set.

    The largest come first where there are many, and no order in their labels that would be lost.
    """
    # One more than fit has the room that the line of the others would take.
    size = len(values)
    largest = [int(i) for i in np.argsort(-values, kind="stable")]
    kept = largest if size <= MOST_BARS + 1 else largest[:MOST_BARS]
    return sorted(kept) if size <= MOST_UNSORTED or _counts(axis) else kept


def _counts(axis: Labels) -> bool:
    """Whether labels count up or down: 2021, 2022; 0-4, 5-9, 10+; week 1, week 2."""
    if len(axis.names) > 1:
        return False
    found = [_COUNTED.match(label_text(m[0])) for m in axis.members]
    # What stands before the number is the same, or a sign as in "<5".
    texts = {m[1].strip(" <>=\u2264\u2265") for m in found if m is not None}
    if None in found or len(texts) != 1:
        return False
    counts = [float(m[2]) for m in found if m is not None]
    return counts in (sorted(counts), sorted(counts, reverse=True)) and counts[0] != counts[-1]


def _bars(place: Any, panel: _Panel, result: Run) -> None:
    block, targets = panel.block, panel.targets
    plain = block.without_time()
    values = plain.values.ravel()
    kept = _kept(values, plain.axes[0])
    rest = sorted(set(range(len(values))).difference(kept))
    labels = [", ".join(shown_label(x) for x in row) for row in plain.labels()]
    k = block.time_axis
    body = titled(place, wrapped(_title(block), 84))
    if k is None:
        axes = body.subplots()
    else:
        axes, strip = body.subplots(1, 2, width_ratios=[3, 2])
    rows = np.arange(len(kept))
    axes.barh(rows, values[kept], height=0.68, color="#7fa3c7", edgecolor=MAIN, linewidth=0.8)
    for t, mark in zip(targets, _MARKS, strict=False):
        axes.plot(t.values.ravel()[kept], rows, linestyle="none", zorder=3, **mark)
    height = len(kept) + bool(rest)
    axes.set_ylim(height - 0.4, -0.6)
    ticks = [short(labels[i]) for i in kept]
    places = list(map(float, rows))
    binary = block.binary and block.time_axis is None
    texts = tidy([float(values[i]) for i in kept])
    if binary:
        texts = ["yes" if values[i] else "no" for i in kept]
    for row, text in zip(rows, texts, strict=True):
        axes.text(1.01, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    if rest:
        many = values[rest]
        together = f"together {number(float(many.sum()), 5)}, " if plain.additive else ""
        text = f"{together}at most {number(float(many.max()), 5)} each"
        axes.text(
            0.01,
            len(kept),
            text,
            transform=axes.get_yaxis_transform(),
            va="center",
            color=INK,
            fontstyle="italic",
        )
        ticks.append(f"{len(rest):,} others")
        places.append(float(len(kept)))
    axes.set_yticks(places, ticks)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel(", ".join(n for a in plain.axes for n in a.names))
    shown = [values[kept], *(t.values.ravel()[kept] for t in targets)]
    low = min(0.0, *(float(x.min()) for x in shown))
    high = max(0.0, *(float(x.max()) for x in shown))
    axes.set_xlim(low * 1.04, high * 1.04 if high > low else 1.0)
    if low < 0:
        axes.axvline(0, color=INK, linewidth=0.8)
    number_axis(axes.xaxis, 5, whole=block.integer)
    time = f", {block.how_totalled}" if k is not None else ""
    axes.set_xlabel(f"{plain.unit or block.name}{time}")
    if binary:
        axes.set_xticks([])
        axes.set_xlabel("")
        axes.spines["bottom"].set_visible(False)
    if targets:
        shapes = zip(_MARKS, targets, strict=False)
        handles = [Line2D([], [], linestyle="none", **mark) for mark, _ in shapes]
        body.legend(
            handles,
            [_told(t) for t in targets],
            loc="outside upper left",
            borderaxespad=0.1,
            labelspacing=0.3,
            handletextpad=0.3,
        )
    if k is not None:
        _strip(strip, block, k, kept, height, result.time_unit)


def _told(target: Target) -> str:
    name = f"reference of {target.statement}" if target.distance else target.statement
    return wrapped(heading(name, target.description), 90, 1)


def _strip(axes: Any, block: Block, k: int, kept: list[int], height: int, unit: str) -> None:
    """When: a row of shades for each bar beside it."""
    values = np.moveaxis(block.values, k, -1).reshape(-1, block.values.shape[k])[kept]
    times = [float(m[0]) for m in block.axes[k].members]
    step = times[1] - times[0] if len(times) > 1 else 1.0
    edges = [*times, times[-1] + step]
    top = float(np.abs(values).max()) or 1.0
    # Borders of cells would hide cells that are narrow.
    border = 0.3 if len(times) <= 26 else 0.0
    axes.pcolormesh(
        edges,
        np.arange(len(kept) + 1) - 0.5,
        np.abs(values),
        cmap=_SHADES,
        vmin=0,
        vmax=top,
        edgecolors="white",
        linewidth=border,
    )
    axes.set_ylim(height - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    name = block.axes[k].names[0]
    time_axis(axes, edges, f"{name} ({unit})" if unit else name)
    text = f"when; darker is more, most {number(top, 5)} {block.unit}".rstrip()
    axes.set_title(text, fontsize=8.5, fontweight="normal", loc="right")


# --- two indices and more ------------------------------------------------------------------------


def _longest(plain: Block) -> int:
    """The index that goes down."""
    return int(np.argmax([len(a.members) for a in plain.axes]))


def _matrix(plain: Block) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """The longest index down, all the others across."""
    down = _longest(plain)
    table = np.moveaxis(plain.values, down, 0).reshape(len(plain.axes[down].members), -1)
    rows = [", ".join(shown_label(x) for x in m) for m in plain.axes[down].members]
    rest = Block("", "decision", (*plain.axes[:down], *plain.axes[down + 1 :]), table[0])
    columns = [", ".join(shown_label(x) for x in labels) for labels in rest.labels()]
    return table, rows, columns


def _shades(place: Any, block: Block, plain: Block) -> None:
    table, rows, columns = _matrix(plain)
    down = _longest(plain)
    order = _kept(table.sum(axis=1), plain.axes[down])
    across = sorted(np.argsort(-table.sum(axis=0), kind="stable")[:MOST_COLUMNS].tolist())
    table_shown = table[np.ix_(order, across)]
    axes = titled(place, wrapped(_title(block), 84)).subplots()
    top = float(np.abs(table_shown).max()) or 1.0
    axes.pcolormesh(
        np.arange(len(across) + 1) - 0.5,
        np.arange(len(order) + 1) - 0.5,
        np.abs(table_shown),
        cmap=_SHADES,
        vmin=0,
        vmax=top,
        edgecolors="#c9c9c9",
        linewidth=0.5,
    )
    binary = block.binary and block.time_axis is None
    texts = tidy([float(x) for x in table_shown.ravel()], 4)
    for n, text in enumerate(texts):
        i, j = divmod(n, len(across))
        size = abs(table_shown[i, j]) / top
        if size < NOUGHT:
            continue
        axes.text(
            j,
            i,
            "yes" if binary else text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if size > 0.42 else INK,
        )
    sums = table.sum(axis=1)
    if plain.additive:
        beside = axes.get_yaxis_transform()
        for i, text in enumerate(tidy([float(sums[o]) for o in order])):
            axes.text(1.01, i, text, transform=beside, va="center", fontsize=8.5)
        axes.text(1.01, -0.75, "all", transform=beside, va="bottom", fontsize=8.5)
    ticks = [short(rows[o]) for o in order]
    left = len(rows) - len(order)
    if left:
        ticks.append(f"{left:,} others")
        if plain.additive:
            rest = float(sums.sum() - sums[order].sum())
            text = f"together {number(rest, 5)}"
            axes.text(0, len(order), text, ha="left", va="center", fontstyle="italic")
    axes.set_yticks(range(len(ticks)), ticks)
    axes.set_ylim(len(ticks) - 0.5, -0.5)
    axes.xaxis.tick_top()
    # Names that are wider than their column stand aslant, so that none lies on the next.
    wide = max(len(columns[j]) for j in across) > ACROSS // len(across)
    slant: dict[str, Any] = (
        {"rotation": 35, "ha": "left", "rotation_mode": "anchor"} if wide else {}
    )
    most = 18 if wide and len(across) > 1 else ACROSS
    axes.set_xticks(range(len(across)), [short(columns[j], most) for j in across], **slant)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_ylabel(", ".join(plain.axes[down].names))
    others = [n for i, a in enumerate(plain.axes) if i != down for n in a.names]
    cut = f" ({len(across)} of {len(columns)})" if len(across) < len(columns) else ""
    time = f"; {block.how_totalled}" if block.how_totalled else ""
    axes.set_xlabel(f"{', '.join(others)}{cut}{time}")
