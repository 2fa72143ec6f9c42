"""Ranges of definitions: what is simulated lies in them, and a point has a range without width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.boxes.images import Images
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.unrolling.simulate import simulate
from tests.compiler.boxes.models import MODELS, model, written
from tests.compiler.making import completed, decisions, problem


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_simulated_lies_in_its_range(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = model(name)
    lowered, single, stated = written(found)
    images, p = Images(single.program, stated), single.program
    one, other = decisions(found, rng), decisions(found, rng)
    lower, upper = p.lower.copy(), p.upper.copy()
    for v in found.decisions:
        place = single.place[lowered.places.columns[v]]
        lower[place] = np.minimum(one[v], other[v]).ravel()
        upper[place] = np.maximum(one[v], other[v]).ravel()
    # Limits and ranges of states may cut off what is simulated: only definitions count here.
    lower[stated & (p.lower < p.upper) & ~np.isfinite(p.upper)] = -np.inf
    lower, upper = images.run(lower, upper)
    for share in (0.0, 0.3, 1.0):
        mixed = {v: one[v] + share * (other[v] - one[v]) for v in found.decisions}
        point = single.inward(completed(lowered, simulate(found, mixed)))
        size = np.maximum(np.abs(point), 1.0)
        assert (lower - point <= 1e-11 * size).all()
        assert (point - upper <= 1e-11 * size).all()


@pytest.mark.parametrize("name", ["vaccines", "closures"])
def test_a_point_has_no_width(name: str) -> None:
    rng = np.random.default_rng(3)
    found = model(name)
    lowered, single, stated = written(found)
    p = single.program
    chosen = decisions(found, rng)
    lower, upper = p.lower.copy(), p.upper.copy()
    for v in found.decisions:
        lower[single.place[lowered.places.columns[v]]] = chosen[v].ravel()
        upper[single.place[lowered.places.columns[v]]] = chosen[v].ravel()
    lower[stated & ~np.isfinite(p.upper)] = -np.inf
    lower, upper = Images(p, stated).run(lower, upper)
    known = np.isfinite(upper - lower)
    assert known.all()
    assert (upper - lower <= 1e-8 * np.maximum(np.abs(upper), 1.0)).all()


def test_a_step_is_taken_as_a_whole() -> None:
    """S - b S L - v is largest where S is, though S stands in it twice with different signs."""
    text = """model m
    time w = 0 .. 1 step 1
    compartment S
    compartment L
    initial S = 100
    initial L = 0.5
    decide v in 0 .. 10
    decide u in 0 .. 40
    flow out : S -> = 0.5 * S * L
    flow more : S -> = u
    minimize { s : v + S[1] * S[1] }
    """
    found = problem(text)
    lowered, single, stated = written(found)
    p = single.program
    start = single.place[lowered.places.columns[found.states[0]]]
    lower, upper = p.lower.copy(), p.upper.copy()
    lower[start[0]], upper[start[0]] = 40.0, 100.0
    other = single.place[lowered.places.columns[found.states[1]]]
    lower[other[0]], upper[other[0]] = 0.0, 1.0
    low, high = Images(p, stated).run(lower, upper)
    assert high[start[1]] == pytest.approx(100.0)
    assert low[start[1]] == pytest.approx(0.0, abs=1e-9)  # 40 - 20 - 40 is below its range
    rows = Propagator(p).run(lower, upper, 5)
    assert high[start[1]] <= rows[1][start[1]] + 1e-6


def test_ranges_that_contradict_are_empty() -> None:
    found = model("closures")
    lowered, single, stated = written(found)
    p = single.program
    lower, upper = p.lower.copy(), p.upper.copy()
    infectious = single.place[lowered.places.columns[found.states[1]]]
    lower[infectious[2]], upper[infectious[2]] = 900.0, 950.0
    with pytest.raises(Infeasible):
        Images(p, stated).run(lower, upper)
