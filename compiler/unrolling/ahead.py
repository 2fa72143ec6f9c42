"""Flows that ask for compartments after the begin of the period that they act in.

A step makes the compartments at its end of what was there before: a flow that reads `S[t+1]` waits
for what waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allocc.compiler.algebra.expression import Node, Reduce, Reference, children
from allocc.compiler.algebra.index import Axis, Coordinate, spread
from allocc.compiler.arrays import IntArray

#: For every point of an axis, the first period that takes it: what is later than that is ahead.
Since = Mapping[Axis, IntArray]

#: A point that no period takes.
NEVER = np.iinfo(np.int64).max


def read_ahead(node: Node, period: Axis) -> Reference | None:
    """The first reference to a compartment after the begin of the period; None without one."""
    return _first(node, {period: np.arange(period.size)})


def _first(node: Node, since: Since) -> Reference | None:
    if isinstance(node, Reference):
        return _referred(node, since)
    if isinstance(node, Reduce) and node.scatter:
        (pair,) = node.over
        joined = [since[a][positions] for a, positions in node.scatter.items() if a in since]
        if joined:
            since = {**since, pair: np.max(joined, axis=0)}
    for part in children(node):
        found = _first(part, since)
        if found is not None:
            return found
    return None


def _referred(node: Reference, since: Since) -> Reference | None:
    variable = node.variable
    if variable.kind == "state":
        assert variable.time_axis is not None
        time = node.coordinates[variable.time_axis]
        return node if (time.positions > _periods(time, since)).any() else None
    if variable.value is None:
        return None
    inner = {}
    for axis, coordinate in zip(variable.axes, node.coordinates, strict=True):
        first = np.full(axis.size, NEVER)
        periods = np.broadcast_to(_periods(coordinate, since), coordinate.positions.shape)
        np.minimum.at(first, coordinate.positions, periods)
        inner[axis] = first
    return _first(variable.value, inner)


def _periods(c: Coordinate, since: Since) -> IntArray:
    """The first period that takes each point of a coordinate, over its axes."""
    periods = np.zeros((1,) * len(c.axes), dtype=np.int64)
    for axis in c.axes:
        if axis in since:
            periods = np.maximum(periods, spread(since[axis], (axis,), c.axes))
    return periods
