"""Draws of the estimates from the likelihood around its best point: Laplace's method within the ranges.

The logarithm of the likelihood is taken as its second-order expansion there, slope and all, so that an
estimate at a limit of its range is drawn from the limit inwards. Draws are exact for that: by rejection
where enough of them fall into the ranges, else by Gibbs sampling, each from a chain of its own.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.questions.fit.uncertainty import Uncertainty

#: Below this share of draws within the ranges, Gibbs sampling is quicker.
LEAST_SHARE = 0.02
#: So many sweeps a chain takes.
SWEEPS = 1000


class NotDrawn(Exception):
    """Why there is nothing to draw from, in words."""


def draws(errors: Uncertainty, count: int, seed: int) -> FloatArray:
    """`count` draws, shape (count, estimates); raises `NotDrawn` where a direction has no error."""
    if errors.variance is None:
        raise NotDrawn(
            "there are as many estimates as observed numbers, so that errors are unknown"
        )
    search, best = errors.search, errors.best
    moving = search.low < search.high
    if not moving.any():
        return np.repeat(best.numbers[None, :], count, axis=0)
    precision = best.look.information[np.ix_(moving, moving)] / errors.variance
    scale = np.sqrt(np.diag(precision))
    if (scale == 0).any() or np.linalg.eigvalsh(precision / np.outer(scale, scale))[0] < 1e-11:
        raise NotDrawn("the data do not tell all estimates apart")
    slope = (best.look.slopes.T @ best.look.residuals)[moving] / errors.variance
    slope[~best.held[moving]] = 0.0
    x, low, high = (v[moving] for v in (best.numbers, search.low, search.high))
    mean = x - np.linalg.solve(precision, slope)
    random = np.random.default_rng(seed)
    inside = _rejected(mean, precision, low, high, count, random)
    if inside is None:
        inside = _gibbs(x, mean, precision, low, high, count, random)
    found = np.repeat(best.numbers[None, :], count, axis=0)
    found[:, moving] = inside
    return found


def _rejected(
    mean: FloatArray,
    precision: FloatArray,
    low: FloatArray,
    high: FloatArray,
    count: int,
    random: np.random.Generator,
) -> FloatArray | None:
    """Draws by rejection; None where too few fall into the ranges."""
    root = np.linalg.cholesky(precision)
    kept: list[FloatArray] = []
    have = tried = 0
    while have < count:
        normal = random.standard_normal((max(1000, 2 * count), len(mean)))
        points = mean + np.linalg.solve(root.T, normal.T).T
        good = points[((points >= low) & (points <= high)).all(axis=1)]
        have, tried = have + len(good), tried + len(points)
        kept.append(good)
        if have < LEAST_SHARE * tried:
            return None
    return np.concatenate(kept)[:count]


def _gibbs(
    start: FloatArray,
    mean: FloatArray,
    precision: FloatArray,
    low: FloatArray,
    high: FloatArray,
    count: int,
    random: np.random.Generator,
) -> FloatArray:
    """Draws by Gibbs sampling: each number in its turn, given the others."""
    from scipy.special import log_ndtr, ndtri_exp

    points = np.repeat(start[None, :], count, axis=0)
    for _ in range(SWEEPS):
        for k in range(len(mean)):
            deviation = 1 / np.sqrt(precision[k, k])
            others = (points - mean) @ precision[k] - precision[k, k] * (points[:, k] - mean[k])
            center = mean[k] - others / precision[k, k]
            a, b = (low[k] - center) / deviation, (high[k] - center) / deviation
            # Turned to the left tail, where logarithms keep their digits.
            turned = a > 0
            a, b = np.where(turned, -b, a), np.where(turned, -a, b)
            share = np.clip(random.random(count), 1e-300, 1 - 1e-16)
            # The probability up to the draw lies so far between those up to both ends.
            inner = np.logaddexp(log_ndtr(a) + np.log1p(-share), log_ndtr(b) + np.log(share))
            z = np.where(turned, -1.0, 1.0) * ndtri_exp(np.minimum(inner, 0.0))
            points[:, k] = np.clip(center + deviation * z, low[k], high[k])
    return points
