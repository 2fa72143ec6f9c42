"""The linear program that is left when integers are fixed, and the search over it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from allocc.compiler.lowering.lower import lower
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.heuristics.fixed import WORK, FixedProgram, is_linear_when_fixed, solve_fixed
from allocc.engine.heuristics.search import LocalSearch
from tests.compiler.making import problem
from tests.engine import models

#: A factor that is whole, one that is fixed at zero, and one that is fixed elsewhere.
FIXED = """model m
set S = {a, b}
decide n[S] integer in 0 .. 4
decide nothing in 0 .. 0
decide three in 3 .. 3
decide money[S] in 0 .. 10
limit budget: sum(money) + sum(n) <= 12
limit enough: sum(i in S: n[i] * money[i]) >= 8
minimize {
  cost: 2 * sum(money) + sum(n) - sum(i in S: n[i] * money[i]) / 9
  never: nothing * sum(money)
  thrice: three * sum(money)
}"""


def facilities(rng: np.random.Generator) -> tuple[models.Known, Relaxation]:
    """A random model that propagation does not find infeasible by itself."""
    known = models.facilities(rng)
    try:
        return known, Relaxation(lower(known.problem).program)
    except Infeasible:
        assert known.value is None
        reject()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_value_does_not_depend_on_what_was_asked_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, relaxation = facilities(rng)
    assert is_linear_when_fixed(relaxation)
    fixed = FixedProgram(relaxation)
    for _ in range(8):
        x = rng.integers(fixed.lower.astype(int), fixed.upper.astype(int) + 1).astype(float)
        fresh = FixedProgram(relaxation).value(x)
        assert fixed.value(x) == pytest.approx(fresh, rel=1e-7, abs=1e-7)


def test_factors_that_are_fixed_by_their_range_count_as_what_they_are() -> None:
    relaxation = Relaxation(lower(problem(FIXED)).program)
    fixed = FixedProgram(relaxation)
    p = relaxation.program
    for n in itertools.product(range(5), repeat=2):
        x = np.array(n, dtype=float)
        best = fixed.point(x)
        point = np.zeros(p.columns)
        point[fixed.whole] = x
        expected = solve_fixed(relaxation, point)
        assert (best is None) == (expected is None), n
        if best is None or expected is None:
            assert fixed.value(x) == np.inf
            continue
        value = p.objective @ expected + p.offset
        assert p.objective @ best + p.offset == pytest.approx(value, abs=1e-7), n
        assert fixed.value(x) == pytest.approx(value, abs=1e-7), n


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_local_search_ends_where_no_step_and_no_pair_helps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, relaxation = facilities(rng)
    fixed = FixedProgram(relaxation)
    search = LocalSearch(fixed, known.minimize)
    start = rng.integers(fixed.lower.astype(int), fixed.upper.astype(int) + 1).astype(float)
    before = search.value(start)
    every = np.arange(len(start))
    value, point = search.run(start, every, 60.0, lambda: False)
    assert value <= before
    if point is None:
        assert value == np.inf
        return
    here = np.rint(point[fixed.whole])
    assert search.value(here) == value
    sign = 1.0 if known.minimize else -1.0
    assert known.value is not None
    assert value >= sign * known.value - 1e-6 * max(1.0, abs(known.value))
    for i, a in itertools.product(every, (1.0, -1.0)):
        y = here.copy()
        y[i] += a
        if fixed.lower[i] <= y[i] <= fixed.upper[i]:
            assert search.value(y) >= value - 1e-9 * max(1.0, abs(value))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_budget_ends_a_search_at_the_same_place_every_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, relaxation = facilities(rng)
    fixed = FixedProgram(relaxation)
    start = rng.integers(fixed.lower.astype(int), fixed.upper.astype(int) + 1).astype(float)
    searches = [LocalSearch(FixedProgram(relaxation), known.minimize) for _ in range(2)]
    for search in searches:
        search.run(start, np.arange(len(start)), 6 * WORK, lambda: False)
    assert list(searches[0].values.items()) == list(searches[1].values.items())
    assert searches[0].fixed.work == searches[1].fixed.work
    # A value costs `WORK` at least; steps that improve are taken before the budget is looked at.
    assert len(searches[0].values) <= 8 + len(start)
