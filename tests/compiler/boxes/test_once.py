"""Definitions that are written twice become one, and points go both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.unrolling.simulate import simulate
from tests.compiler.boxes.models import MODELS, model, written
from tests.compiler.making import completed, decisions


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_points_go_in_and_out(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = model(name)
    lowered, single, _ = written(found)
    point = completed(lowered, simulate(found, decisions(found, rng)))
    inside = single.inward(point)
    assert np.allclose(single.outward(inside), point, rtol=1e-12, atol=1e-12)
    before, after = lowered.program, single.program
    assert after.objective @ inside == pytest.approx(before.objective @ point, rel=1e-12)
    off, away = check_point(before, point), check_point(after, inside)
    assert away.holds(1e-9) == off.holds(1e-9)


def test_a_flow_in_the_objective_is_the_flow_of_the_dynamics() -> None:
    lowered, single, _ = written(model("vaccines"))
    assert len(single.program.products) == len(lowered.program.products) // 2
    assert single.program.columns < lowered.program.columns
