"""The `report` statements of a model as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text
from allocc.dsl.escapes import one_line
from allocc.results.labelled import Block
from allocc.tables import number, numbers, table

#: A table of reports has at most this many rows, and so many columns of time.
MOST_ROWS = 12
MOST_TIMES = 4


def report_tables(blocks: Sequence[Block]) -> list[str]:
    """Reports as text: those over the same labels, or the same times, share a table."""
    groups: dict[object, list[Block]] = {}
    for b in blocks:
        labels = tuple((a.names, a.members) for a in b.axes)
        alone = b.time_axis is not None and len(b.axes) > 1
        groups.setdefault((labels, b.name if alone else ""), []).append(b)
    lines: list[str] = []
    for group in sorted(
        groups.values(), key=lambda g: (len(g[0].axes), g[0].time_axis is not None)
    ):
        if lines:
            lines.append("")
        lines += _course(group) if all(a.time for a in group[0].axes) else _table(group)
    return lines


def _times(block: Block) -> dict[str, FloatArray]:
    """What a report over time is at some times, by a heading; nothing for another report."""
    k = block.time_axis
    if k is None:
        return {}
    members, name = block.axes[k].members, block.axes[k].names[0]
    return {
        f"{name} = {_text(members[i])}": block.values.take(i, axis=k).ravel()
        for i in _spaced(len(members))
    }


def _course(group: Sequence[Block]) -> list[str]:
    """Single numbers, or those that change with time and nothing else: a row for each."""
    head = list(_times(group[0])) or ["value"]
    rows = []
    for b in group:
        values = [float(x.item()) for x in _times(b).values()] or [b.values.item()]
        rows.append([b.name, *(numbers(values) if b.axes else map(number, values))])
        rows[-1] += [b.unit, b.description]
    return table(["name", *head, "unit", "what it is"], rows, right=range(1, len(head) + 1))


def _table(group: Sequence[Block]) -> list[str]:
    """Blocks over the same labels, a row for each; one over time has columns for some times."""
    first = group[0]
    k = first.time_axis
    columns = _times(first) or {b.name: b.values.ravel() for b in group}
    axes = tuple(a for a in first.axes if not a.time)
    labels = list(Block("", "report", axes, first.values).labels())
    order = list(range(len(labels)))
    if len(order) > MOST_ROWS:
        size = [max(abs(float(c[i])) for c in columns.values()) for i in order]
        largest = sorted(order, key=lambda i: -size[i] if math.isfinite(size[i]) else -math.inf)
        order = sorted(largest[:MOST_ROWS])
    texts = [numbers([float(c[i]) for i in order]) for c in columns.values()]
    names = [n for a in axes for n in a.names]
    rows = [
        [*(_text((x,)) for x in labels[i]), *(t[n] for t in texts)] for n, i in enumerate(order)
    ]
    head = [*names, *columns]
    lines = table(head, rows, right=range(len(names), len(head)))
    for b in group:
        unit = f" ({b.unit})" if b.unit else ""
        if b.description or unit or k is not None:
            lines.append(one_line(f"    {b.name}: {b.description}{unit}").rstrip(": "))
    if len(order) < len(labels):
        lines.append(
            f"    the {len(order)} largest of {len(labels)} rows; "
            "reports.csv in the run folder has them all"
        )
    return lines


def _text(labels: Sequence[object]) -> str:
    return ",".join(label_text(x) for x in labels)


def _spaced(count: int) -> list[int]:
    """At most `MOST_TIMES` places, the first and the last among them."""
    if count <= MOST_TIMES:
        return list(range(count))
    return [round(i * (count - 1) / (MOST_TIMES - 1)) for i in range(MOST_TIMES)]
