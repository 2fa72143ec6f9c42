"""Sobol indices: which share of the variance of the value each parameter explains.

First-order and total indices by the estimators of Saltelli et al. (2010, Table 2), as SciPy has them, from n (d + 2)
values at scrambled Sobol points: matrices A and B of n points each, and for each of the d parameters A with its
column from B.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.results.sensitivity.found import Index

#: Resamples of the bootstrap, and its level.
RESAMPLES, LEVEL = 1000, 0.95


def points(low: FloatArray, high: FloatArray, n: int, seed: int) -> FloatArray:
    """The points to be answered, shape (n (d + 2), d): A, B, then A with each column from B; n a power of 2."""
    from scipy.stats import qmc

    d = len(low)
    unit = qmc.Sobol(2 * d, scramble=True, seed=np.random.default_rng(seed)).random(n)
    a, b = unit[:, :d], unit[:, d:]
    mixed = np.repeat(a[None], d, axis=0)
    for i in range(d):
        mixed[i, :, i] = b[:, i]
    whole = np.concatenate([a, b, mixed.reshape(-1, d)])
    found: FloatArray = low + whole * (high - low)
    return found


def indices(names: list[str], values: FloatArray, n: int, seed: int) -> tuple[Index, ...]:
    """The indices from the values at `points`; none where all values are one."""
    from scipy.stats import sobol_indices

    if np.ptp(values) <= 1e-12 * np.max(np.abs(values), initial=0.0):
        return ()
    d = len(names)
    if d == 1:
        # All of the variance is its own, which SciPy does not take.
        return (Index(names[0], 1.0, (1.0, 1.0), 1.0, (1.0, 1.0)),)
    given: Any = {
        "f_A": values[None, :n],
        "f_B": values[None, n : 2 * n],
        "f_AB": values[2 * n :].reshape(d, 1, n),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sobol_indices(func=given, n=n, random_state=np.random.default_rng(seed))
        spread = found.bootstrap(confidence_level=LEVEL, n_resamples=RESAMPLES)
    first, total = np.ravel(found.first_order), np.ravel(found.total_order)
    return tuple(
        Index(
            name,
            float(first[i]),
            _interval(spread.first_order, i, float(first[i])),
            float(total[i]),
            _interval(spread.total_order, i, float(total[i])),
        )
        for i, name in enumerate(names)
    )


def _interval(of: Any, i: int, estimate: float) -> tuple[float, float]:
    """An interval; the estimate itself where every resample gives the same, which has no interval in SciPy."""
    ends = of.confidence_interval
    low, high = float(np.ravel(ends.low)[i]), float(np.ravel(ends.high)[i])
    return (low, high) if np.isfinite([low, high]).all() else (estimate, estimate)
