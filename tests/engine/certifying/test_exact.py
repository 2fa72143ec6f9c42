"""Exact numbers: decimals as they are written, multipliers multiplied out, ends derived."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.engine.certifying.ends import Ends
from allocc.engine.certifying.exact import ExactProgram, fraction, over_power_of_ten, rounded
from allocc.engine.certifying.vipr import ProofFile
from tests.compiler.solving import columns

numbers = st.floats(-1e12, 1e12, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_decimals_are_read_as_they_are_written(values: list[float]) -> None:
    found, power = over_power_of_ten(np.array(values))
    for x, whole in zip(values, found, strict=True):
        assert Fraction(whole, 10**power) == fraction(x)
        assert float(fraction(x)) == x


def test_a_tenth_is_a_tenth() -> None:
    assert fraction(0.1) == Fraction(1, 10)


@given(st.fractions(), st.booleans())
def test_rounding_goes_outward(x: Fraction, up: bool) -> None:
    found = rounded(x, up)
    assert found >= x if up else found <= x
    assert abs(found - x) <= abs(x) * Fraction(1, 10**11)


@given(st.integers(0, 2**32 - 1))
def test_what_multipliers_leave(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.round(rng.uniform(-3, 3, (3, 4)), int(rng.integers(0, 6)))
    program = columns(
        np.zeros(4),
        np.ones(4),
        rows=matrix,
        row_lower=np.zeros(3),
        row_upper=np.full(3, np.inf),
        objective=rng.uniform(-2, 2, 4),
    )
    exact = ExactProgram.of(program)
    y = {i: int(rng.integers(-99, 99)) for i in range(3)}
    left, unit = exact.reduced(y, 32, costs=True)
    for j in range(4):
        due = fraction(program.objective[j])
        due -= sum(Fraction(y[i], 32) * fraction(float(matrix[i, j])) for i in range(3))
        assert Fraction(left[j], unit) == due


def ends_of(program) -> Ends:  # type: ignore[no-untyped-def]
    exact = ExactProgram.of(program)
    names = [f"x{j}" for j in range(program.columns)], [f"r{i}" for i in range(program.rows)]
    return Ends(exact, ProofFile(exact, *names))


def test_an_open_end_follows_from_a_chain_of_rows() -> None:
    # y = 3 x + 0.5 and z <= 2 y - x, with x in 0 .. 2: y <= 6.5, z <= 13.
    program = columns(
        np.zeros(3),
        np.array([2.0, np.inf, np.inf]),
        rows=np.array([[-3.0, 1.0, 0.0], [1.0, -2.0, 1.0]]),
        row_lower=np.array([0.5, -np.inf]),
        row_upper=np.array([0.5, 0.0]),
    )
    ends = ends_of(program)
    found = [ends.end(j, True) for j in (1, 2)]
    assert [x[1] for x in found if x is not None] == [Fraction(13, 2), 13]


def test_what_nothing_closes_stays_open() -> None:
    program = columns(
        np.zeros(2),
        np.full(2, np.inf),
        rows=np.array([[1.0, -1.0]]),
        row_lower=np.zeros(1),
        row_upper=np.zeros(1),
    )
    assert ends_of(program).end(0, True) is None


@given(st.integers(0, 2**32 - 1))
def test_derived_ends_hold_every_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = 4, 4
    matrix = np.round(rng.uniform(-3, 3, (m, n)), 1)
    matrix[rng.random((m, n)) < 0.4] = 0.0
    x = np.round(rng.uniform(0, 4, n), 2)
    upper = np.where(rng.random(n) < 0.5, x + 1.0, np.inf)
    limit = np.ceil(matrix @ x * 10 + 1) / 10
    program = columns(
        np.zeros(n), upper, rows=matrix, row_lower=np.full(m, -np.inf), row_upper=limit
    )
    ends = ends_of(program)
    for j in range(n):
        for is_upper in (False, True):
            found = ends.end(j, is_upper)
            if found is not None:
                value = fraction(float(x[j]))
                assert value <= found[1] if is_upper else value >= found[1]


def test_a_row_with_two_sides_has_its_range_in_the_file() -> None:
    low, high = 0.1, 0.7
    program = columns(
        np.zeros(1),
        np.ones(1),
        rows=np.ones((1, 1)),
        row_lower=np.array([low]),
        row_upper=np.array([high]),
    )
    exact = ExactProgram.of(program)
    assert exact.row_upper[0] == Fraction(7, 10)
    assert exact.row_lower[0] == Fraction(7, 10) - fraction(high - low)
    assert float(exact.row_lower[0] or 0) == pytest.approx(low)
