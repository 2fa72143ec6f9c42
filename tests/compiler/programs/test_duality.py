"""Any dual values prove a bound, in exact arithmetic, and rays prove only what is so."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.duality import dual_bound, shows_empty
from allocc.compiler.programs.program import Program
from tests.compiler.solving import columns


def made(rng: np.random.Generator, open_ends: bool) -> tuple[Program, FloatArray]:
    """A random program of mixed sizes around a point that meets it, and the point."""
    n, m = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    size = 10.0 ** rng.integers(-6, 7, n)
    point = np.round(rng.uniform(-1, 1, n), 3) * size
    matrix = np.round(rng.uniform(-1, 1, (m, n)), 3) / size * 10.0 ** rng.integers(-3, 4, (m, 1))
    matrix[rng.random((m, n)) < 0.3] = 0.0
    activity = matrix @ point
    room = np.abs(activity) * rng.choice([0.0, 1e-3, 1.0], m) + 1e-9 * np.abs(matrix) @ size
    low, high = point - size * rng.uniform(0, 1, n), point + size * rng.uniform(0, 1, n)
    if open_ends:
        low = np.where(rng.random(n) < 0.4, -np.inf, low)
        high = np.where(rng.random(n) < 0.4, np.inf, high)
    program = columns(
        low,
        high,
        rows=matrix,
        row_lower=np.where(rng.random(m) < 0.3, -np.inf, activity - room),
        row_upper=np.where(rng.random(m) < 0.3, np.inf, activity + room),
    )
    return program, point


def exact(values: FloatArray, point: FloatArray) -> Fraction:
    return sum((Fraction(a) * Fraction(x) for a, x in zip(values, point, strict=True)), Fraction(0))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_any_duals_prove_a_bound(seed: int, open_ends: bool, minimize: bool) -> None:
    rng = np.random.default_rng(seed)
    program, point = made(rng, open_ends)
    costs = np.round(rng.normal(size=program.columns), 2) * 10.0 ** rng.integers(-6, 7)
    duals = rng.normal(size=program.rows) * 10.0 ** rng.integers(-9, 7, program.rows)
    found = dual_bound(program, costs, duals, minimize)
    if found.certain and np.isfinite(found.level):
        value = exact(costs, point)
        level = Fraction(float(found.level))
        assert level <= value if minimize else level >= value


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_no_ray_shows_that_a_point_is_none(seed: int, open_ends: bool) -> None:
    rng = np.random.default_rng(seed)
    program, _ = made(rng, open_ends)
    ray = rng.normal(size=program.rows) * 10.0 ** rng.integers(-9, 7, program.rows)
    shown = shows_empty(program, ray)
    assert shown is None or not shown.certain


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_ray_of_two_rows(scale: float) -> None:
    """x + y >= 6 and x + y <= 5, with and without ends of the ranges."""
    for high in (np.inf, 9 * scale):
        program = columns(
            [0.0, 0.0],
            [high, high],
            rows=[[1.0, 1.0], [1.0, 1.0]],
            row_lower=[6 * scale, -np.inf],
            row_upper=[np.inf, 5 * scale],
        )
        shown = shows_empty(program, np.array([1.0, -1.0 - 1e-9]))
        assert shown is not None and shown.level > 0


def test_duals_are_corrected_for_open_ends() -> None:
    """min x + y over x + y >= 1, x, y >= 0: a dual of 1 + 1e-9 alone would prove nothing."""
    program = columns(
        [0.0, 0.0], [np.inf, np.inf], rows=[[1.0, 1.0]], row_lower=[1.0], row_upper=[np.inf]
    )
    found = dual_bound(program, np.array([1.0, 1.0]), np.array([1.0 + 1e-9]))
    assert found.certain and 1.0 - 1e-8 <= found.level <= 1.0


def test_ranges_alone_are_exact_at_zero() -> None:
    program = columns([0.0, 0.0], [2.0, 3.0], rows=[[1.0, 1.0]], row_lower=[0.5], row_upper=[9.0])
    found = dual_bound(program, np.array([0.3, 0.7]), np.array([-1e-17]))
    assert found.level == 0.0 and found.certain
