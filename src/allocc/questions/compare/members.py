"""Quantities of several runs member by member: labels matched, and what is missing left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler.labels import label_text
from allocc.results.comparing.comparison import Members, Row
from allocc.results.labelled import Block


def names_of(runs: Sequence[Sequence[Block]]) -> list[str]:
    """The names of blocks, each once, in the order of the first side that has it."""
    return list(dict.fromkeys(b.name for blocks in runs for b in blocks))


def side_by_side(name: str, runs: Sequence[Sequence[Block]], how: str = "") -> Members:
    """One quantity of every side over the labels of all; sides without it have no number."""
    found = [next((b for b in blocks if b.name == name), None) for blocks in runs]
    known = [b for b in found if b is not None]
    first = known[0]
    labels = {_key(x): x for b in known for x in b.labels()}
    places = {key: k for k, key in enumerate(labels)}
    values = np.full((len(found), len(places)), np.nan)
    for row, block in zip(values, found, strict=True):
        if block is not None:
            row[[places[_key(x)] for x in block.labels()]] = block.values.ravel()
    totals = tuple(None if b is None else float(b.values.sum()) for b in found)
    total = Row(name, totals, first.unit, first.description)
    return Members(
        name,
        first.columns,
        tuple(labels.values()),
        values,
        total if all(b.additive for b in known) else None,
        first.unit,
        first.description,
        how,
    )


def at_the_end(block: Block) -> Block:
    """A compartment at the end of time."""
    k = block.time_axis
    assert k is not None
    axes = (*block.axes[:k], *block.axes[k + 1 :])
    return replace(
        block, axes=axes, values=np.asarray(block.values.take(-1, axis=k)), baseline=None
    )


def main_set(members: Sequence[Members]) -> str | None:
    """The set that most decisions are over, the first of equals; None where none is over any."""
    count = Counter(column for m in members for column in m.columns)
    return max(count, key=lambda c: count[c], default=None)


def summed(members: Members, group: str) -> Members | None:
    """A quantity in total for each member of one set; None where it is not over it, or cannot be added up."""
    if group not in members.columns or members.total is None:
        return None
    k = members.columns.index(group)
    labels = {_key((x[k],)): (x[k],) for x in members.members}
    places = {key: n for n, key in enumerate(labels)}
    own = np.array([places[_key((x[k],))] for x in members.members], dtype=int)
    values = np.full((len(members.values), len(places)), np.nan)
    for to, row in zip(values, members.values, strict=True):
        known = ~np.isnan(row)
        sums = np.bincount(own[known], row[known], minlength=len(places))
        to[:] = np.where(np.bincount(own[known], minlength=len(places)) > 0, sums, np.nan)
    return replace(members, columns=(group,), members=tuple(labels.values()), values=values)


def _key(labels: tuple[Any, ...]) -> tuple[str, ...]:
    """Labels are matched by how they are written."""
    return tuple(label_text(x) for x in labels)
