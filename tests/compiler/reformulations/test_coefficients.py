"""Coefficients of whole columns: the same points that are whole, and fewer between them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program
from allocc.compiler.reformulations.coefficients import tighten_coefficients
from tests.compiler.solving import INF, columns

WHOLE = st.sampled_from([0, 1, -1, 5, -20, 40, -1000, 1000, 10**9, -(10**9)])
OTHER = st.sampled_from([0, 0, 1, 1, -1, 2, -3, 5])
SIDES = st.sampled_from([-20, -7, 0, 1, 3, 10, 60, 1000, 10**9])


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Two whole and two continuous columns, one of them perhaps with an open end, and a few rows."""
    lower = [draw(st.integers(-2, 0)), 0, 0, draw(st.integers(-3, 0))]
    upper = [lower[0] + draw(st.integers(1, 3)), 1, draw(st.sampled_from([5, INF])), 4]
    count = draw(st.integers(1, 3))
    rows = [draw(st.tuples(WHOLE, WHOLE, OTHER, OTHER)) for _ in range(count)]
    sides = [sorted([draw(SIDES), draw(SIDES)]) for _ in range(count)]
    kinds = [draw(st.sampled_from(["below", "below", "above", "both"])) for _ in range(count)]
    return columns(
        lower,
        upper,
        integer=[True, True, False, False],
        rows=np.array(rows, dtype=float),
        row_lower=[-INF if k == "below" else a for k, (a, _) in zip(kinds, sides, strict=True)],
        row_upper=[INF if k == "above" else b for k, (_, b) in zip(kinds, sides, strict=True)],
    )


def points(made: Program) -> FloatArray:
    """The whole columns take each value, the continuous ones halves."""
    first, second = (np.arange(made.lower[j], made.upper[j] + 1) for j in (0, 1))
    third, fourth = np.arange(0, 7.5, 0.5), np.arange(made.lower[3], 4.5, 0.5)
    return np.array(list(itertools.product(first, second, third, fourth)))


def feasible(made: Program, at: FloatArray) -> Any:
    """Which points a program holds, with as much room as floating point needs for such numbers."""
    activity = at @ made.matrix.toarray().T
    room = 1e-14 * (np.abs(at) @ np.abs(made.matrix.toarray()).T) + 1e-5
    inside = (activity >= made.row_lower - room) & (activity <= made.row_upper + room)
    within = (at >= made.lower - 1e-6) & (at <= made.upper + 1e-6)
    return inside.all(axis=1) & within.all(axis=1)


@settings(deadline=None, max_examples=400)
@given(programs())
def test_no_point_that_is_whole_is_lost_and_none_is_added(made: Program) -> None:
    cut = tighten_coefficients(made)
    at = points(made)
    assert (feasible(made, at) == feasible(cut, at)).all()


@settings(deadline=None, max_examples=200)
@given(programs())
def test_nothing_is_added_between_whole_points_either(made: Program) -> None:
    cut = tighten_coefficients(made)
    assume(cut is not made)
    rng = np.random.default_rng(0)
    high = np.where(np.isfinite(made.upper), made.upper, 9.0)
    at = rng.uniform(made.lower, high, size=(300, 4))
    assert not (feasible(cut, at) & ~feasible(made, at)).any()


def switched(constant: float, below: bool, most: float = 60.0) -> Program:
    """`x <= constant * b` (or the same turned round), and `x + y <= most`."""
    row = [1.0, 0.0, -constant]
    sides = (-INF, 0.0)
    if not below:
        row, sides = [-x for x in row], (0.0, INF)
    return columns(
        [0.0, 0.0, 0.0],
        [INF, INF, 1.0],
        integer=[False, False, True],
        rows=np.array([row, [1.0, 1.0, 0.0]]),
        row_lower=np.array([sides[0], -INF]),
        row_upper=np.array([sides[1], most]),
    )


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize("constant", [61.0, 1e9, 1e14])
def test_a_constant_becomes_what_another_limit_proves(constant: float, below: bool) -> None:
    cut = tighten_coefficients(switched(constant, below))
    assert abs(cut.matrix.toarray()[0, 2]) == pytest.approx(60.0, rel=1e-8)
    assert abs(cut.matrix.toarray()[0, 2]) >= 60.0
    assert cut.row_upper[0] == (0.0 if below else INF)


def test_a_switch_that_is_off_at_one_moves_the_side() -> None:
    made = columns(
        [0.0, 0.0],
        [60.0, 1.0],
        integer=[False, True],
        rows=np.array([[1.0, 1e14]]),
        row_lower=np.array([-INF]),
        row_upper=np.array([1e14]),
    )
    cut = tighten_coefficients(made)
    # What is left of 1e14 in floating point is a few hundredths.
    assert cut.matrix.toarray()[0, 1] == pytest.approx(60.0, abs=0.2)
    assert cut.row_upper[0] == pytest.approx(60.0, abs=0.2)
    assert cut.matrix.toarray()[0, 1] <= cut.row_upper[0]


def test_a_constant_that_is_needed_stays_as_it_was_written() -> None:
    for made in (switched(60.0, True), switched(20.0, True), switched(1e9, True, most=INF)):
        assert tighten_coefficients(made) is made


def test_whole_amounts_are_measured_by_what_their_limit_proves() -> None:
    made = switched(1e9, True)
    made.integer[0] = True
    made.upper[0] = 1e8
    cut = tighten_coefficients(made)
    assert cut.matrix.toarray()[0].tolist() == pytest.approx([1.0, 0.0, -60.0])
