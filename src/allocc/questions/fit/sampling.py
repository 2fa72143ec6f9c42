"""Draws of the estimates from their posterior by chains: the affine-invariant ensemble of emcee.

Goodman and Weare 2010, Comm. App. Math. Comp. Sci. 5; Foreman-Mackey et al. 2013, PASP 125. The density is
that of the data by the likelihood, times the priors, and 0 outside of the ranges. With plain squares the
errors are normal, with the variance that was estimated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.errors import require
from allocc.questions.fit.drawing import NotDrawn, draws
from allocc.questions.fit.uncertainty import Uncertainty
from allocc.results.fitting.found import LEAST_TIMES, Sampling

#: Chains for each number that is estimated, and at least; emcee wants twice as many.
CHAINS_EACH, LEAST_CHAINS = 4, 32
#: After so many steps it is asked whether the chains are long enough.
BLOCK = 250
#: The first part of the chains, one in so many steps, is left out: they begin where Laplace's method says.
LEFT_OUT = 5


def needs_emcee() -> None:
    """Raise `MissingLibrary` where emcee cannot be imported."""
    require("emcee", "a draw by chains", "mcmc")


def sample(
    errors: Uncertainty, count: int, seed: int, most: int, cancelled: Callable[[], bool]
) -> tuple[FloatArray, Sampling]:
    """`count` draws, shape (count, estimates), from chains of `most` steps at most.

    Chains grow until they have `LEAST_TIMES` autocorrelation times and as many points as draws. Raises
    `NotDrawn` where a direction has no error.
    """
    import emcee

    search, best = errors.search, errors.best
    moving = np.flatnonzero(search.low < search.high)
    if not len(moving):
        raise NotDrawn("no estimate may move within its range")
    start = _starts(errors, max(LEAST_CHAINS, CHAINS_EACH * len(moving)), seed)[:, moving]
    low, high = search.low[moving], search.high[moving]
    numbers = best.numbers.copy()

    def density(x: FloatArray) -> float:
        if (x < low).any() or (x > high).any():
            return -np.inf
        numbers[moving] = x
        look = search.look(numbers.copy())
        assert errors.variance is not None
        return -np.inf if look is None else -0.5 * look.loss / errors.variance

    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    chains = emcee.EnsembleSampler(len(start), len(moving), density)
    times = np.full(len(moving), np.nan)
    for done, _ in enumerate(
        chains.sample(emcee.State(start, random_state=random.get_state()), iterations=most), 1
    ):
        if cancelled():
            break
        if done % BLOCK == 0 or done == most:
            kept = chains.get_chain(discard=done // LEFT_OUT)
            times = emcee.autocorr.integrated_time(kept, tol=0)
            if len(kept) >= LEAST_TIMES * np.max(times) and kept[..., 0].size >= count:
                break
    out = done // LEFT_OUT
    flat = chains.get_chain(discard=out, flat=True)
    picked = np.random.default_rng(seed).choice(len(flat), count, replace=len(flat) < count)
    found = np.repeat(best.numbers[None, :], count, axis=0)
    found[:, moving] = flat[np.sort(picked)]
    whole = np.full(len(best.numbers), np.nan)
    whole[moving] = times
    return found, Sampling(
        len(start),
        done,
        out,
        float(np.mean(chains.acceptance_fraction)),
        tuple(float(x) if np.isfinite(x) else None for x in whole),
    )


def _starts(errors: Uncertainty, count: int, seed: int) -> FloatArray:
    """Points around the optimum where the model has a course, shape (count, estimates)."""
    tried = draws(errors, 4 * count, seed)
    good = [x for x in tried if errors.search.look(x) is not None][:count]
    if len(good) < count:
        raise NotDrawn("around the estimates the model has no finite values")
    return np.stack(good)
