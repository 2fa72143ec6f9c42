"""Where a model settles from its start, and whether a state of rest is stable."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.equations.rates import Rates
from allocc.questions.analyze.disease_free import NOBODY, RANK, at_rest

#: So many steps of the integration are made at most, and so many units of the slowest rate waited.
MOST_STEPS = 4000
LONGEST = 400.0
#: Of more points than this, no matrix is decomposed at every step.
MOST_POINTS = 400
#: The state has settled where nothing changes by more than this part of all people, in the slowest unit of time.
SETTLED = 1e-6


def settles(rates: Rates) -> FloatArray | None:
    """The state of rest that the equations come to from the start; None where they come to none."""
    from scipy.integrate import LSODA

    start = rates.initial()
    if len(start) > MOST_POINTS or not np.isfinite(rates.change(start)).all():
        return None
    slow = _slowest(rates, start)
    horizon = LONGEST / slow
    size = max(float(np.abs(start).max(initial=0.0)), 1.0)
    run = LSODA(lambda _, y: rates.change(y), 0.0, start, horizon, rtol=1e-9, atol=1e-9 * size)
    for _ in range(MOST_STEPS):
        run.step()
        if run.status != "running" or not np.isfinite(run.y).all():
            break
    ended = np.maximum(run.y, 0.0)
    if not np.isfinite(ended).all() or _moves(rates, ended, size) > SETTLED * slow:
        return None
    # What is left of the way is so short that what the equations keep no longer changes.
    exact = at_rest(rates, ended, np.ones(len(ended), dtype=bool))
    if exact is not None and np.abs(exact - ended).max() <= 1e-3 * size:
        ended = exact
    return np.where(ended < NOBODY * size, 0.0, ended)


def _moves(rates: Rates, state: FloatArray, size: float) -> float:
    return float(np.abs(rates.change(state)).max(initial=0.0)) / size


def _slowest(rates: Rates, state: FloatArray) -> float:
    """The least rate of those at which something changes; 1 where nothing does."""
    found = np.abs(np.linalg.eigvals(rates.slope(state)))
    found = found[found > 1e-9 * max(float(found.max(initial=0.0)), 1e-300)]
    return float(found.min(initial=np.inf)) if len(found) else 1.0


def stable(rates: Rates, state: FloatArray) -> bool | None:
    """Whether small changes that keep the totals die out; None where they neither die out nor grow."""
    slope = rates.slope(state)
    if not np.isfinite(slope).all() or len(slope) > MOST_POINTS:
        return None
    values = np.linalg.eigvals(slope)
    singular = np.linalg.svd(slope, compute_uv=False)
    largest = max(float(singular.max(initial=0.0)), 1e-300)
    kept = int((singular <= RANK * largest).sum())
    # The totals that are kept do not change: their eigenvalues are zero.
    rest = values[np.argsort(np.abs(values))][kept:]
    if not len(rest):
        return None
    real = float(rest.real.max())
    return None if abs(real) <= 1e-9 * largest else real < 0
