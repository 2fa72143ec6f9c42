"""Growth in logarithms: the same decisions, values and optima, and only where it helps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.lowering.lower import lower
from allocc.compiler.reformulations.growth import in_logarithms
from allocc.compiler.unrolling.simulate import simulate
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import completed, problem

#: Growth over five days, with rates that a seed changes; wide enough for logarithms.
MODEL = """
model spread
time t = 1 .. 6
table days from "days.csv" key day
set Day = days.day
param off[Day] = days.off
param on[Day]  = days.on
compartment cases    initial cases = {first}
flow growth : -> cases = (off[t] - 1) * cases
intervention lockdown {{
  decide lock[t] binary
  effect growth += (on[t] - off[t]) * lock * cases
  {limit}
}}
minimize {{ closed : {price} * sum(t: lock[t])    ill : sum(t: cases[t]) }}
"""

LIMITS = {
    "peak": "limit peak[t]: cases[t] <= 900",
    "total": "limit total: sum(t: cases[t]) <= 4000",
    "few": "limit few: sum(t: lock[t]) <= 2",
}


def made(seed: int, limit: str, first: float = 10.0, price: float = 100.0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    # 2.6^5 is more than the range from which on logarithms are used.
    rows = [[k, rng.uniform(2.6, 4), rng.uniform(0.2, 1.2)] for k in range(1, 7)]
    text = MODEL.format(first=first, limit=limit, price=price)
    return problem(text, {"days": (("day", "off", "on"), rows)})


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_every_allocation_keeps_its_values(limit: str, seed: int) -> None:
    found = made(seed, limit)
    lowered = lower(found)
    program = lowered.program
    grown = in_logarithms(program)
    assert grown is not program and not len(grown.products)
    (lock,) = found.decisions
    for chosen in itertools.product([0.0, 1.0], repeat=6):
        values = simulate(found, {lock: np.array(chosen)})
        plain = completed(lowered, values)
        before = check_point(program, plain)
        point = completed(replace(lowered, program=grown), values)
        after = check_point(grown, point)
        assert before.holds(1e-7) == after.holds(1e-7)
        assert grown.objective @ point == pytest.approx(program.objective @ plain)


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1))
def test_the_optimum_is_that_of_all_allocations(limit: str, seed: int) -> None:
    found = made(seed, limit)
    # Logarithms are rounded outward by 1e-9 a step, and what they grow to by more.
    outcome = solve(found, Options(gap=1e-6))
    assert any("logarithms" in note for note in outcome.notes)
    (lock,) = found.decisions
    lowered = lower(found)
    program = lowered.program
    best = np.inf
    for chosen in itertools.product([0.0, 1.0], repeat=6):
        point = completed(lowered, simulate(found, {lock: np.array(chosen)}))
        if check_point(program, point).holds(1e-7):
            best = min(best, float(program.objective @ point + program.offset))
    if np.isfinite(best):
        assert outcome.status == "optimal"
        assert outcome.value == pytest.approx(best, rel=1e-6)
        assert outcome.bound is not None and outcome.bound <= best * (1 + 1e-7)
    else:
        assert outcome.status == "infeasible"


@pytest.mark.parametrize(
    ("limit", "first"),
    [
        ("limit least[t]: cases[t] >= 1", 10.0),  # cases may not be lowered
        ("limit new: sum(p in period: growth[p]) <= 1000", 10.0),  # the flow is asked for by itself
        ("limit few: sum(t: lock[t]) <= 2", 0.0),  # no logarithm of zero
    ],
)
def test_what_is_left_as_it_is(limit: str, first: float) -> None:
    program = lower(made(1, limit, first)).program
    assert in_logarithms(program) is program


def test_a_short_range_is_left_as_it_is() -> None:
    rows = [[k, 1.1, 0.9] for k in range(1, 7)]
    text = MODEL.format(first=10, limit=LIMITS["few"], price=1)
    program = lower(problem(text, {"days": (("day", "off", "on"), rows)})).program
    assert in_logarithms(program) is program
