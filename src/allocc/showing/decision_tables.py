"""The decisions of a result as tables: those over the same labels side by side, time summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allocc.dsl.escapes import one_line
from allocc.tables import number, numbers, table

if TYPE_CHECKING:
    from allocc.results.labelled import Block

#: The tables together have at most about this many rows.
MOST_ROWS = 20


@dataclass(frozen=True)
class DecisionTable:
    """Decisions side by side, a row for each label; `numbers` are the columns of values."""

    head: list[str]
    rows: list[list[str]]
    numbers: list[int]
    about: list[str]


def decisions_in_short(blocks: Sequence[Block]) -> list[DecisionTable]:
    """Decisions as tables: those over the same labels share one, time is summed up."""
    found: list[DecisionTable] = []
    scalars = [b for b in blocks if not b.without_time().axes]
    if scalars:
        rows = [
            [_heading(b), number(float(t.values)), t.unit, b.description]
            for b in scalars
            for t in (b.without_time(),)
        ]
        found.append(DecisionTable(["decision", "value", "unit", "what it is"], rows, [1], []))
    groups: dict[object, list[Block]] = {}
    for b in blocks:
        axes = b.without_time().axes
        if axes:
            key = tuple((a.names, a.members) for a in axes)
            groups.setdefault(key, []).append(b)
    share = max(4, MOST_ROWS // max(1, len(groups)))
    return [*found, *(_group_table(group, share) for group in groups.values())]


def decision_tables(blocks: Sequence[Block]) -> list[str]:
    """The lines of `decisions_in_short`."""
    lines: list[str] = []
    for t in decisions_in_short(blocks):
        lines += [""] * bool(lines) + table(t.head, t.rows, right=t.numbers)
        lines += [f"    {one_line(text)}" for text in t.about]
    return lines


def _heading(block: Block) -> str:
    if block.time_axis is None:
        return block.name
    return f"{block.name} ({'sum' if block.amount is None else 'total'})"


def _group_table(group: Sequence[Block], most: int) -> DecisionTable:
    """One table: a row for each label, a column for each decision, largest rows when cut."""
    from allocc.compiler.labels import label_text

    totals = [b.without_time() for b in group]
    arrays = [t.values.ravel() for t in totals]
    names = [n for a in totals[0].axes for n in a.names]
    count = arrays[0].size
    order = np.arange(count)
    cut = count > most
    used = np.flatnonzero(np.any([np.abs(a) > 1e-9 for a in arrays], axis=0))
    if cut:
        busiest = used[np.argsort(-np.abs(arrays[0][used]), kind="stable")]
        order = np.sort(busiest[:most])
    # Only what is shown is put into words: there may be a million rows.
    labels = [[label_text(x) for x in totals[0].label(int(i))] for i in order]
    added = count > 1 and totals[0].additive
    columns = [numbers([*(float(a[i]) for i in order), *[float(a.sum())] * added]) for a in arrays]
    rows = [[*words, *(c[n] for c in columns)] for n, words in enumerate(labels)]
    total = [["total", *[""] * (len(names) - 1), *(c[-1] for c in columns)]] if added else []
    head = [*names, *(_heading(b) for b in group)]
    about = [f"{b.name}: {_about(b)}" for b in group if _about(b)]
    if cut and not len(used):
        about.append(f"all {count} rows are 0")
    elif cut:
        idle = count - len(used)
        zero = f", {idle} of them all 0" if idle else ""
        about.append(
            f"the {len(order)} largest of {count} rows{zero}; "
            "decisions.csv of a run folder has them all"
        )
    right = list(range(len(names), len(head)))
    return DecisionTable(head, rows + total, right, about)


def _about(block: Block) -> str:
    total = block.without_time()
    unit = f" ({total.unit})" if total.unit else ""
    return f"{block.description}{unit}".strip()
