"""Whole numbers moved, one up or down or one up and another down, until limits are broken less."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.heuristics.local_program import LocalProgram

#: So many points are completed at most.
MOST_VISITS = 3000


def repaired(
    local: LocalProgram, whole: IntArray, x: FloatArray, stop: Callable[[], bool]
) -> FloatArray:
    """Scaled decisions from which no such move helps; `whole` are the places of the whole ones.

    A move helps that makes the sum of the squares smaller by which limits are broken.
    """
    visits = 0

    def broken(y: FloatArray) -> float:
        nonlocal visits
        visits += 1
        off = np.minimum(local.visit(y).slack, 0.0)
        return float(off @ off)

    here = broken(x)
    while here > 0:
        best, moved = here, x
        for y in _moves(local, whole, x):
            if visits >= MOST_VISITS or stop():
                return moved
            there = broken(y)
            if there < best:
                best, moved = there, y
        if moved is x:
            return x
        here, x = best, moved
    return x


def _moves(local: LocalProgram, whole: IntArray, x: FloatArray) -> Iterator[FloatArray]:
    """Points with one or two whole numbers moved by one within their ranges."""
    one = 1.0 / local.span
    up, down = (
        [int(j) for j in whole if local.low[j] <= x[j] + sign * one[j] <= local.high[j]]
        for sign in (1, -1)
    )
    for j in up:
        y = x.copy()
        y[j] += one[j]
        yield y
    for j in down:
        y = x.copy()
        y[j] -= one[j]
        yield y
        for k in up:
            if k != j:
                z = y.copy()
                z[k] += one[k]
                yield z
