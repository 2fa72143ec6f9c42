"""Linear programs over boxes hold every point of the box, and their rows stay in their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.boxes.envelopes import Bands, Envelopes
from allocc.compiler.boxes.images import Images
from allocc.compiler.programs.bounds import Propagator
from allocc.compiler.unrolling.simulate import simulate
from tests.compiler.boxes.models import MODELS, box_around, model, written
from tests.compiler.making import completed, decisions


@pytest.mark.parametrize("unit", [1e-3, 1.0])
@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_point_of_a_box_is_cut_off(name: str, unit: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = model(name, unit)
    lowered, single, stated = written(found)
    p = single.program
    bounds = Propagator(p).run(*Images(p, stated).run(p.lower, p.upper))
    envelopes = Envelopes(replace(p, lower=bounds[0], upper=bounds[1]))
    point = single.inward(completed(lowered, simulate(found, decisions(found, rng))))
    if not check_point(p, point).holds(1e-9):
        return  # the decisions break a limit
    size = envelopes.scaling.columns
    lower, upper = box_around(rng, point, *bounds)
    slope = rng.uniform(0.1, 3.0, len(envelopes.result))
    along = (point / size)[envelopes.right] - slope * (point / size)[envelopes.left]
    bands = Bands(slope, along - rng.random(len(along)), along + rng.random(len(along)))
    plain, held = envelopes.over(lower, upper), envelopes.over(lower, upper, bands)
    assert plain.rows == held.rows and (plain.matrix.indices == held.matrix.indices).all()
    for made in (plain, held):
        assert check_point(made, point / size).holds(1e-9)
        sign = 1.0 if p.sense == "minimize" else -1.0
        value = sign * envelopes.scaling.objective * (p.objective @ point)
        assert made.objective @ (point / size) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert all((off <= 1e-9).all() for off in envelopes.violations(point))


def test_a_box_of_one_point_says_all() -> None:
    found = model("vaccines")
    lowered, single, stated = written(found)
    p = single.program
    bounds = Propagator(p).run(*Images(p, stated).run(p.lower, p.upper))
    envelopes = Envelopes(replace(p, lower=bounds[0], upper=bounds[1]))
    point = single.inward(
        completed(lowered, simulate(found, decisions(found, np.random.default_rng(1))))
    )
    made = envelopes.over(point, point)
    moved = point.copy()
    moved[envelopes.result] *= 1.01
    assert not check_point(made, moved / envelopes.scaling.columns).holds(1e-6)
