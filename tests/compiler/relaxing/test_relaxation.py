"""Pieces of a relaxation: how they are split, and what a smaller box leaves of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from allocc.compiler.lowering.lower import lower
from allocc.compiler.relaxing.refinement import split_active
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from tests.compiler.making import problem

MODEL = """model m
set S = {a, b, c}
decide n[S] integer in 1 .. 9
decide money[S] in 0 .. 10
limit budget: sum(money) <= 15
limit floor[i in S]: money[i] >= 0.3 * n[i]
maximize { gain: sum(i in S: money[i] * (n[i] - 0.5) / n[i] - 0.2 * n[i]) }"""


def solved(built: Built) -> np.ndarray:
    p = built.program
    m = p.matrix.toarray()
    both = np.vstack([m, -m])
    side = np.concatenate([p.row_upper, -p.row_lower])
    use = np.isfinite(side)
    sign = 1.0 if p.sense == "minimize" else -1.0
    ranges = list(zip(p.lower, p.upper, strict=True))
    found = linprog(sign * p.objective, A_ub=both[use], b_ub=side[use], bounds=ranges)
    assert found.status == 0, found.message
    return np.asarray(found.x)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_splits_cover_every_value_once_and_set_the_best_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    relaxation = Relaxation(lower(problem(MODEL)).program)
    p = relaxation.program
    whole = np.flatnonzero(p.integer)
    best = np.zeros(p.columns)
    best[whole] = rng.integers(1, 10, len(whole))
    for _ in range(4):
        before = {j: len(relaxation.pieces_of(j)) for j in relaxation.plan.cut_columns}
        built = relaxation.build(integral=False)
        splits = split_active(relaxation, built, solved(built), 1e-6, best)
        grown = {j for j in relaxation.plan.cut_columns if len(relaxation.pieces_of(j)) > before[j]}
        assert (splits > 0) == bool(grown)
        for j in relaxation.plan.cut_columns:
            low, high = relaxation.pieces_of(j).low, relaxation.pieces_of(j).high
            values = [x for a, b in zip(low, high, strict=True) for x in np.arange(a, b + 1)]
            assert values == list(np.arange(p.lower[j], p.upper[j] + 1))
            if j in grown:
                assert ((low == best[j]) & (high == best[j])).any()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_smaller_box_keeps_every_point_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = problem(MODEL)
    lowered = lower(found)
    relaxation = Relaxation(lowered.program)
    p = relaxation.program
    for j in relaxation.plan.cut_columns:
        relaxation.split(j, float(rng.integers(1, 10)))
    here, there = (lowered.places.columns[v] for v in found.decisions)
    low, high = p.lower.copy(), p.upper.copy()
    a = rng.integers(1, 10, 3)
    low[here], high[here] = np.maximum(a - 2, 1), np.minimum(a + 2, 9)
    relaxation.shrink(low, high)
    q = relaxation.program
    for _ in range(20):
        x = rng.integers(low[here].astype(int), high[here].astype(int) + 1)
        least = 0.3 * x
        share = least + rng.dirichlet(np.ones(3)) * (15 - least.sum()) * rng.random()
        share = np.minimum(share, 10.0)
        assert (q.lower[here] <= x).all() and (x <= q.upper[here]).all()
        assert (q.lower[there] <= share).all() and (share <= q.upper[there]).all()
        for j, value in zip(range(here.start, here.stop), x, strict=True):
            if j in relaxation.pieces:
                first, last = relaxation.pieces_of(j).low, relaxation.pieces_of(j).high
                assert ((first <= value) & (value <= last)).any()
