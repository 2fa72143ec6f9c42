"""Draws follow the normal law that the likelihood has around its best point, within the ranges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from allocc.questions.fit import drawing

MEAN = np.array([0.2, 1.0])
COVARIANCE = np.array([[1.0, 0.6], [0.6, 0.8]])
LOW, HIGH = np.array([0.0, -np.inf]), np.array([np.inf, 2.0])
START = np.array([0.5, 0.5])


def by_rejection(count: int) -> np.ndarray:
    random = np.random.default_rng(1)
    found = drawing._rejected(MEAN, np.linalg.inv(COVARIANCE), LOW, HIGH, count, random)
    assert found is not None
    return found


def by_gibbs(count: int, mean: np.ndarray = MEAN, high: np.ndarray = HIGH) -> np.ndarray:
    random = np.random.default_rng(2)
    precision = np.linalg.inv(COVARIANCE)
    return drawing._gibbs(START, mean, precision, LOW, high, count, random)


def test_both_ways_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "SWEEPS", 60)
    first, second = by_rejection(4000), by_gibbs(4000)
    for found in (first, second):
        assert (found >= LOW).all()
        assert (found <= HIGH).all()
    for k in range(2):
        assert stats.ks_2samp(first[:, k], second[:, k]).pvalue > 1e-3
    np.testing.assert_allclose(np.cov(first.T), np.cov(second.T), atol=0.05)


def test_far_in_the_tail_draws_are_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean lies a hundred deviations below the range."""
    monkeypatch.setattr(drawing, "SWEEPS", 30)
    alone = np.array([[1.0]])
    found = drawing._gibbs(
        np.array([0.0]),
        np.array([-100.0]),
        alone,
        np.array([0.0]),
        np.array([np.inf]),
        5000,
        np.random.default_rng(3),
    )
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    # So far out it is an exponential law with the slope there.
    assert found.mean() == pytest.approx(1 / 100, rel=0.05)


def test_too_few_within_the_ranges_are_not_waited_for() -> None:
    random = np.random.default_rng(1)
    away = np.array([-9.0, 1.0])
    assert drawing._rejected(away, np.linalg.inv(COVARIANCE), LOW, HIGH, 10, random) is None
