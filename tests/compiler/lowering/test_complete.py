"""Completing a point from decisions alone: the same as simulating them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.check import check_point
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.lower import lower
from tests.compiler.lowering.test_lower import DYNAMICS, INFECTIONS, PLACES
from tests.compiler.making import decisions, problem, simulated
from tests.compiler.programs.test_direction import Layers
from tests.compiler.solving import columns


@pytest.mark.parametrize("infect", INFECTIONS)
def test_explicit_dynamics_follow_from_the_decisions(infect: str) -> None:
    found = problem(DYNAMICS.format(method="euler", step=0.5, infect=INFECTIONS[infect]), PLACES)
    made = lower(found)
    given_columns = np.zeros(made.columns, dtype=bool)
    for v in found.decisions:
        given_columns[v.offset : v.offset + v.size] = True
    complete = Completer(made, given_columns)
    assert not len(complete.missing)
    values = simulated(found, np.random.default_rng(4))
    point = np.full(made.columns, np.nan)
    for v in found.decisions:
        point[v.offset : v.offset + v.size] = values[v].ravel()
    x = complete(point)
    for v in found.states:
        assert x[v.offset : v.offset + v.size] == pytest.approx(values[v].ravel())
    assert np.isnan(point[found.states[0].offset])  # the given point is left as it is


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
    made = lower(found)
    given_columns = np.zeros(made.columns, dtype=bool)
    for v in found.decisions:
        given_columns[v.offset : v.offset + v.size] = True
    names = {made.column_name(int(j)).split("[")[0] for j in Completer(made, given_columns).missing}
    assert {"S", "I", "R"} <= names


def test_fixed_columns_and_quotients() -> None:
    made = columns([6, 0, -np.inf], [6, 9, np.inf], products=[(0, 2, 1)])
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
