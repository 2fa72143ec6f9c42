"""States of rest: the one without the disease, and where a model settles.

A closed group of compartments (nothing comes to it from outside, nothing leaves it) keeps its total. In such a
group rest is not one state but many, and the one that is meant has the totals of the start. Without the disease,
those who are infected or were are susceptible: the basic reproduction number is about a population in which
nobody is immune. What flows among the rest (births, deaths, waning immunity, ageing) then brings it to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.equations.rates import Rates
from allocc.questions.analyze.infection import Infection, Structure

#: A state is at rest where nothing changes by more than this part of all people in a unit of time.
AT_REST = 1e-9
#: Below this part of all people there is nobody.
NOBODY = 1e-9
#: Singular values below this part of the largest are zero.
RANK = 1e-10


@dataclass(frozen=True, eq=False)
class Rest:
    """A state, whether it is at rest there, and how it was found."""

    state: FloatArray
    at_rest: bool


def all_susceptible(found: Structure, of: Infection, start: FloatArray, values: Any = None) -> Any:
    """The start, with everybody who is infected or was among the susceptible that they can have come from.

    With `values`, expressions of which `start` are the numbers, the same of these.
    """
    given = start if values is None else values
    state = np.array(given)
    leads = _leads(found, len(start))
    goal = _susceptible(found, of, leads)
    for k in range(len(start)):
        # In an open group, births and deaths say how many there are.
        if goal[k] or not (of.infected[k] or found.closed[found.group[k]]):
            continue
        mine = goal & (found.group == found.group[k])
        from_there = mine & leads[:, k]
        to = from_there if from_there.any() else mine
        if not to.any() and not of.infected[k]:
            continue
        state[k] = 0
        if to.any():
            whole = given[to] if start[to].sum() > 0 else np.ones(int(to.sum()), dtype=int)
            state[to] += given[k] * whole / whole.sum()
    return state


def _susceptible(found: Structure, of: Infection, leads: BoolArray) -> BoolArray:
    """What transmissions take from, in each group; where there are some, those that no infected come to."""
    mask = np.zeros(len(of.infected), dtype=bool)
    mask[found.origin[of.transmits & (found.origin >= 0)]] = True
    mask &= ~of.infected
    first = mask & ~leads[of.infected].any(axis=0)
    has_first = np.isin(found.group, found.group[first])
    return np.where(has_first, first, mask)


def _leads(found: Structure, points: int) -> BoolArray:
    """Whether one who is in a point (rows) may come to another one (columns), by whatever flows."""
    between = found.acts & (found.origin >= 0) & (found.target >= 0)
    reached = np.eye(points)
    reached[found.origin[between], found.target[between]] = 1.0
    while True:
        more = np.minimum(reached @ reached, 1.0)
        if np.array_equal(more, reached):
            return reached > 0
        reached = more


def disease_free(rates: Rates, found: Structure, of: Infection) -> Rest:
    """The state of rest without the disease; where there is none, the start with nobody infected."""
    start = all_susceptible(found, of, rates.initial())
    rest = at_rest(rates, start, ~of.infected)
    if rest is None or rest.sum() <= NOBODY * max(start.sum(), 1.0):
        return Rest(start, False)
    return Rest(rest, True)


def at_rest(rates: Rates, start: FloatArray, moving: BoolArray) -> FloatArray | None:
    """The state of rest with what the equations keep of the start; None where none is found.

    Only the `moving` points may differ from the start. Where the equations are linear in them it is the
    solution of a linear system, otherwise Newton's method finds it from the start on.
    """
    from scipy.optimize import least_squares

    points = np.nonzero(moving)[0]
    if not len(points):
        return start

    def full(y: FloatArray) -> FloatArray:
        state = start.copy()
        state[points] = y
        return state

    def change(y: FloatArray) -> FloatArray:
        return np.asarray(rates.change(full(y))[points])

    def slope(y: FloatArray) -> FloatArray:
        return rates.slope(full(y), points)

    begin = start[points]
    matrix = slope(begin)
    if not np.isfinite(matrix).all() or not np.isfinite(change(begin)).all():
        return None
    kept = _kept(matrix)
    size = max(float(np.abs(start).max(initial=0.0)), 1.0)

    def residual(y: FloatArray) -> FloatArray:
        return np.concatenate([change(y * size), kept @ (y * size - begin)]) / size

    def jacobian(y: FloatArray) -> FloatArray:
        return np.concatenate([slope(y * size), kept])

    step = np.linalg.lstsq(jacobian(begin / size), -residual(begin / size), rcond=None)[0]
    guess = begin / size + step
    if _good(residual, guess):
        return full(np.maximum(guess, 0.0) * size)
    lower = np.zeros(len(points))
    ended = least_squares(
        residual,
        np.maximum(begin / size, 1e-12),
        jacobian,
        bounds=(lower, np.inf),
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    return full(ended.x * size) if _good(residual, ended.x) else None


def _good(residual: Callable[[FloatArray], FloatArray], y: FloatArray) -> bool:
    left = residual(y)
    return bool(np.isfinite(left).all() and np.abs(left).max() <= AT_REST and (y >= -AT_REST).all())


def _kept(matrix: FloatArray) -> FloatArray:
    """Rows that span what dx/dt = A x + b keeps: the left null space of A."""
    u, values, _ = np.linalg.svd(matrix)
    rank = int((values > RANK * max(float(values.max(initial=0.0)), 1e-300)).sum())
    return np.asarray(u[:, rank:].T)
