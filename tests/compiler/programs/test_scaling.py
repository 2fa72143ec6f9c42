"""Scaling moves points to and fro, keeps what is feasible, and brings all sizes near one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.programs.scaling import scale
from tests.compiler.solving import columns


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_points_stay_feasible_and_come_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = 6, 4
    point = rng.uniform(0, 1, n) * 10.0 ** rng.integers(-3, 6, n)
    matrix = rng.uniform(-1, 1, (m, n)) * 10.0 ** rng.integers(-2, 8, (m, n))
    matrix[rng.random((m, n)) < 0.4] = 0.0
    activity = matrix @ point
    made = columns(
        np.zeros(n),
        2 * point + 1e-3,
        rows=matrix,
        row_lower=activity,
        row_upper=activity,
    )
    scaled, scaling = scale(made)
    inside = scaling.point_in(point)
    assert scaling.point_out(inside) == pytest.approx(point, rel=1e-15)
    assert check_point(scaled, inside).row_relative <= 1e-9
    inside_ends = np.maximum(np.abs(scaled.lower), np.abs(scaled.upper))
    assert (inside_ends <= 1.5).all() and (inside_ends >= 0.7).all()
    largest = abs(scaled.matrix).max(axis=1).todense()
    assert ((largest == 0) | ((largest >= 0.7) & (largest <= 1.5))).all()
    # What is left out is below what any solver reads.
    sizes = np.abs(scaled.matrix.data)
    assert (sizes >= 2e-9).all()


def test_money_beside_a_big_m_is_not_scaled_away() -> None:
    """A row `spend <= 7.6e7 z`: with 7.6e7 brought to one, 1.3e-8 would be left of the money."""
    made = columns(
        [0.0, 0.0],
        [7.6e7, 1.0],
        integer=[False, True],
        rows=[[1.0, -7.6e7]],
        row_lower=[-np.inf],
        row_upper=[0.0],
    )
    scaled, _ = scale(made)
    assert np.abs(scaled.matrix.data).min() > 1e-5
    assert np.abs(scaled.matrix.data).max() < 1e5
