"""Whole numbers moved, one up or down or one up and another down, until nothing near is better.

Every point is completed, that is, simulated: no linear program is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.heuristics.local_program import LocalProgram

#: So many points are completed at most.
MOST_VISITS = 3000
#: Limits that are broken by less than this of their size hold, and a value that is less better is the same.
NOISE = 1e-10

#: By how much limits are broken, and the value: the smaller, the better.
Judged = tuple[float, float]


def repaired(
    local: LocalProgram, whole: IntArray, x: FloatArray, stop: Callable[[], bool]
) -> FloatArray:
    """Scaled decisions from which no such move helps; `whole` are the places of the whole ones.

    A move helps that makes the sum of the squares smaller by which limits are broken.
    """

    def broken(y: FloatArray) -> Judged:
        off = np.minimum(local.visit(y).slack, 0.0)
        return float(off @ off), 0.0

    return _moved(local, whole, x, stop, broken, enough=(0.0, 0.0))


def bettered(
    local: LocalProgram, whole: IntArray, x: FloatArray, stop: Callable[[], bool]
) -> FloatArray:
    """The same, where a move also helps that breaks limits no more and makes the value better."""

    def judged(y: FloatArray) -> Judged:
        found = local.visit(y)
        off = np.where(found.slack < -NOISE, found.slack, 0.0)
        return float(off @ off), found.value if np.isfinite(found.value) else np.inf

    return _moved(local, whole, x, stop, judged)


def _moved(
    local: LocalProgram,
    whole: IntArray,
    x: FloatArray,
    stop: Callable[[], bool],
    judge: Callable[[FloatArray], Judged],
    enough: Judged | None = None,
) -> FloatArray:
    """Take the best move as long as one helps."""
    here, visits = judge(x), 1
    while enough is None or here > enough:
        best, moved = here, x
        for y in _moves(local, whole, x):
            if visits >= MOST_VISITS or stop():
                return moved
            visits += 1
            there = judge(y)
            if _helps(there, best):
                best, moved = there, y
        if moved is x:
            return x
        here, x = best, moved
    return x


def _helps(there: Judged, here: Judged) -> bool:
    if there[0] != here[0]:
        return there[0] < here[0]
    room = NOISE * abs(here[1]) if np.isfinite(here[1]) else 0.0
    return there[1] < here[1] - room


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
