"""Completing a point from decisions alone: the same as simulating them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.lower import lower
from tests.compiler.lowering.test_lower import DYNAMICS, INFECTIONS, PLACES
from tests.compiler.making import decisions, problem, simulated
from tests.compiler.programs.test_direction import Layers
from tests.compiler.solving import columns


@pytest.mark.parametrize("infect", INFECTIONS)
def test_explicit_dynamics_follow_from_the_decisions(infect: str) -> None:
    found = problem(DYNAMICS.format(method="euler", step=0.5, infect=INFECTIONS[infect]), PLACES)
    lowered = lower(found)
    made, places = lowered.program, lowered.places
    given_columns = places.mask(found.decisions, made.columns)
    complete = Completer(made, given_columns)
    assert not len(complete.missing)
    values = simulated(found, np.random.default_rng(4))
    decided = {v: values[v] for v in found.decisions}
    point = np.where(given_columns, places.point(decided, made.columns), np.nan)
    for v, x in places.values(complete(point), found.states).items():
        assert x == pytest.approx(values[v])
    assert np.isnan(point[~given_columns]).all()  # the given point is left as it is


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_layers_are_filled_in_order(seed: int) -> None:
    layers = Layers(np.random.default_rng(seed))
    given_columns = np.arange(layers.n) < layers.base
    complete = Completer(layers.program, given_columns)
    assert not len(complete.missing)
    point = np.where(given_columns, layers.values, np.nan)
    x = complete(point)
    assert x == pytest.approx(layers.values)
    check = check_point(layers.program, x)
    assert max(check.product, check.function, check.extreme) <= 1e-9


def test_a_step_that_is_implicit_is_missing() -> None:
    found = problem(
        DYNAMICS.format(method="trapezoid", step=1, infect=INFECTIONS["linear"]), PLACES
    )
    lowered = lower(found)
    made = lowered.program
    missing = Completer(made, lowered.places.mask(found.decisions, made.columns)).missing
    names = {made.column_name(int(j)).split("[")[0] for j in missing}
    assert {"S", "I", "R"} <= names


def test_fixed_columns_and_quotients() -> None:
    made = columns([6, 0, -np.inf], [6, 9, np.inf], ratios=[(2, 0, 1)])
    complete = Completer(made, np.array([False, True, False]))
    assert not len(complete.missing)
    assert complete(np.array([np.nan, 3.0, np.nan])).tolist() == [6.0, 3.0, 2.0]


def test_every_decision_is_drawn_within_its_range() -> None:
    found = problem("model m decide x in 0 .. 3 decide n integer in 2 .. 5 minimize { o: x + n }")
    for seed in range(20):
        drawn = decisions(found, np.random.default_rng(seed))
        for v, x in drawn.items():
            assert v.lower is not None and v.upper is not None
            assert (v.lower <= x).all() and (x <= v.upper).all()
