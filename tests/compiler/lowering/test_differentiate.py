"""Exact derivatives of a completed point: the same as differences of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.differentiate import Derivative
from allocc.compiler.lowering.lower import lower
from allocc.compiler.programs.program import Program
from tests.compiler.lowering.test_lower import DYNAMICS, INFECTIONS, PLACES
from tests.compiler.making import decisions, problem
from tests.compiler.programs.test_direction import Layers
from tests.compiler.solving import columns

#: Half of the distance of two points, and how far their difference may be off, by the size of the values.
STEP, OFF = 1e-6, 1e-5


def agrees(made: Program, chosen: IntArray, point: FloatArray) -> None:
    """Compare all derivatives by the chosen columns at a point, both ways that they are made."""
    complete = Completer(made, np.isin(np.arange(made.columns), chosen))
    assert not len(complete.missing)
    x = complete(point)
    slopes = Derivative(complete, chosen).at(x)
    assert slopes is not None
    every = sparse.eye_array(made.columns, format="csr")
    jacobian = slopes.of_rows(every)
    for k, j in enumerate(chosen.tolist()):
        step = STEP * max(1.0, abs(point[j]))
        moved = []
        for sign in (-1, 1):
            y = x.copy()
            y[j] += sign * step
            moved.append(complete(y))
        difference = (moved[1] - moved[0]) / (2 * step)
        size = np.max(np.abs(moved[0])) / max(1.0, abs(point[j]))
        assert jacobian[:, k] == pytest.approx(difference, rel=OFF, abs=OFF * max(size, 1.0))
    # A few rows go by the adjoint, many forwards; both are the same.
    few = sparse.csr_array(every[:1] + every[-1:])
    assert slopes.of_rows(few)[0] == pytest.approx(jacobian[0] + jacobian[-1], rel=1e-9, abs=1e-9)
    costs = np.linspace(-1.0, 2.0, made.columns)
    assert slopes.of(costs) == pytest.approx(costs @ jacobian, rel=1e-8, abs=1e-8)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = Layers(rng)
    point = np.full(layers.n, np.nan)
    # Away from whole numbers, at which extremes would be tied.
    point[: layers.base] = rng.uniform(0.3, 0.7, layers.base) * rng.choice([-1, 1], layers.base)
    given_columns = np.arange(layers.n) < layers.base
    x = Completer(layers.program, given_columns)(point)
    assume(np.isfinite(x).all() and np.abs(x).max() < 1e3)
    agrees(layers.program, np.arange(layers.base), point)


@pytest.mark.parametrize("infect", INFECTIONS)
def test_a_simulated_course(infect: str) -> None:
    found = problem(DYNAMICS.format(method="euler", step=0.5, infect=INFECTIONS[infect]), PLACES)
    lowered = lower(found)
    made, places = lowered.program, lowered.places
    chosen = decisions(found, np.random.default_rng(3))
    agrees(made, places.positions(found.decisions), places.point(chosen, made.columns))


def test_ratios_and_columns_that_stay() -> None:
    made = columns([1, 0, -np.inf, 2], [9, 9, np.inf, 2], ratios=[(2, 0, 1)])
    agrees(made, np.array([0, 1]), np.array([6.0, 3.0, np.nan, np.nan]))
    complete = Completer(made, np.array([True, True, False, False]))
    x = complete(np.array([6.0, 3.0, np.nan, np.nan]))
    # What is given, but not differentiated by, is a constant.
    slopes = Derivative(complete, np.array([1])).at(x)
    assert slopes is not None
    assert slopes.of(np.array([5.0, 0.0, 1.0, 0.0])).tolist() == pytest.approx([-6 / 9])


def test_where_there_is_no_slope() -> None:
    made = columns([1, 0, -np.inf], [9, 9, np.inf], ratios=[(2, 0, 1)])
    complete = Completer(made, np.array([True, True, False]))
    derivative = Derivative(complete, np.array([0, 1]))
    assert derivative.at(complete(np.array([6.0, 0.0, np.nan]))) is None
