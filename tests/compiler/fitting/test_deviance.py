"""Squared residuals are twice the log of how much likelier the data would be at best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from allocc.compiler.fitting.deviance import missed
from allocc.compiler.fitting.problem import ErrorKind

Model = st.floats(1e-3, 1e4)


def log_likelihood(kind: str, data: float, model: float, spread: float) -> float:
    if kind == "normal":
        return float(stats.norm.logpdf(data, model, spread))
    if kind == "lognormal":
        return float(stats.norm.logpdf(np.log(data), np.log(model), spread))
    if kind == "poisson":
        return float(stats.poisson.logpmf(data, model))
    return float(stats.nbinom.logpmf(data, spread, spread / (spread + model)))


@pytest.mark.parametrize("kind", ["normal", "lognormal", "poisson", "negative_binomial"])
@given(data=st.integers(0, 5000), model=Model, spread=st.floats(0.1, 50))
def test_a_squared_residual_is_the_deviance(
    kind: ErrorKind, data: int, model: float, spread: float
) -> None:
    if kind == "lognormal":
        data += 1
    found = missed(kind, np.array([float(data)]), np.array([model]), np.array([spread]))
    best = log_likelihood(kind, data, max(data, 1e-300), spread)
    wanted = 2 * (best - log_likelihood(kind, data, model, spread))
    # The logarithms of the likelihoods are themselves of this size.
    rounding = 1e-12 * (1 + abs(best) + abs(wanted) + data)
    assert found.residual[0] ** 2 == pytest.approx(wanted, rel=1e-6, abs=100 * rounding)
    assert np.sign(found.residual[0]) == np.sign(model - data)


@pytest.mark.parametrize("kind", ["squares", "normal", "lognormal", "poisson", "negative_binomial"])
@given(data=st.integers(1, 5000), part=st.floats(0.2, 4), spread=st.floats(0.1, 50))
def test_the_slope_is_that_of_the_residual(
    kind: ErrorKind, data: int, part: float, spread: float
) -> None:
    model, h = data * part, 1e-5 * data * part
    three = np.array([model - h, model, model + h])
    found = missed(kind, np.full(3, float(data)), three, np.full(3, spread))
    near = (found.residual[2] - found.residual[0]) / (2 * h)
    assert found.slope[1] == pytest.approx(near, rel=1e-4)


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial"])
def test_where_the_model_meets_the_data_nothing_is_divided_by_zero(kind: ErrorKind) -> None:
    found = missed(kind, np.array([7.0]), np.array([7.0]), np.array([2.0]))
    assert found.residual[0] == 0
    assert found.slope[0] ** 2 == pytest.approx(found.information[0])
