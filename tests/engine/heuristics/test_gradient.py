"""Searches with gradients: best allocations between the ends of ranges, and a way to where limits hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.arrays import FloatArray
from allocc.compiler.lowering.lower import lower
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.engine import divide
from allocc.engine.heuristics.gradient import GradientSearch, _Descent
from allocc.engine.heuristics.starts import decision_rows, proportional, roundings
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options
from allocc.engine.loop import Loop
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import run, solve
from tests.compiler.making import problem

#: An epidemic whose beds last only where a few weeks are closed, and the right ones.
BEDS = """model beds "Weeks of closure, and beds that are never short"
param people : person = {people}
param seeds : person = people / 1000
param beds : person = people * {beds}
param most : person/week = {people} / 20
param beta : 1/week = 1.8
param gamma : 1/week = 0.5
time w : week = 0 .. 10 step 1
compartment S : person  initial S = people - seeds
compartment I : person  initial I = seeds
compartment R : person  initial R = 0
flow infect : S -> I = beta * (1 - 0.8 * closed) * S * I / people
flow recover : I -> R = gamma * I
flow protect : S -> R = 0
intervention close "Close, and protect" {{
  decide closed[w] "closed" : {closing}
  decide doses[w] "doses" : person/week in 0 .. {share} * most
  effect protect += doses
  limit beds_last[w] "beds": I[w] <= beds
  limit patience "weeks that are closed": sum(w: closed[w]) <= 3
}}
minimize {{ ill "infections": sum(p in period: infect[p]) }}
"""
WAYS = {"binary": "1 binary", "continuous": "1 in 0 .. 1"}
#: Without doses one of the 176 choices of closed weeks meets the limits.
DOSES = {"none": {"share": 0, "beds": 0.125}, "some": {"share": 1, "beds": 0.1}}
#: A least value at x = 2, y = 1, far from all ends; products of continuous decisions.
BOWL = """model bowl
decide x in -5 .. 7
decide y in -6 .. 4
minimize { away: (x - 2) * (x - 2) + x * y - x - 2 * y + 2 + (y - 1) * (y - 1) * 3 }
"""


def begun(found: Problem) -> tuple[Loop, Relaxation]:
    """A solve that has lowered its program, and has done nothing else."""
    loop = Loop(found, Options(), run)
    chain = prepared(found, "auto")
    relaxation = Relaxation(chain.program)
    loop.places, loop.box = chain.places, relaxation.program
    return loop, relaxation


@pytest.mark.parametrize("doses", DOSES)
@pytest.mark.parametrize("closing", WAYS)
def test_an_allocation_within_limits_on_states_in_whatever_unit(closing: str, doses: str) -> None:
    values = []
    for people in (100_000, 100, 1):
        found = problem(BEDS.format(people=people, closing=WAYS[closing], **DOSES[doses]))
        loop, relaxation = begun(found)
        box = relaxation.program
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            loop.offer(box.lower + share * (box.upper - box.lower))
        assert loop.best is None
        for _ in range(4):  # as often as a tree asks for more
            if loop.best is None:
                loop.heuristics.descend(relaxation)
        assert loop.best is not None
        assert loop.best.violation.relative <= 1e-6
        values.append(loop.best.value / people)
    assert values == pytest.approx([values[0]] * 3, rel=1e-5)


def test_the_least_of_a_bowl_is_found_from_everywhere() -> None:
    found = problem(BOWL)
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    search = GradientSearch(lowered.program, decided)
    rng = np.random.default_rng(1)
    for _ in range(10):
        start = np.zeros(lowered.program.columns)
        start[decided] = rng.uniform([-5, -6], [7, 4])
        end = search.run(start, np.array([12.0, 10.0]), lambda: False)
        assert end is not None
        assert end[decided] == pytest.approx([2.0, 1.0], abs=1e-5)
        assert lowered.program.objective @ end + lowered.program.offset == pytest.approx(
            0, abs=1e-9
        )


#: Weeks of lockdown, and a limit on the infectious: which weeks counts, and how many.
LOCKDOWN = """model lockdown
time w : week = 0 .. 10
param cut = 0.6
param beta : 1/week = 1.8
param gamma : 1/week = 0.9
compartment S : person  initial S = {people} * 0.995
compartment I : person  initial I = {people} * 0.005
flow infect : S -> I = beta * (1 - cut * closed) * S * I / {people}
flow recover : I -> = gamma * I
decide closed[period] integer in 0 .. 1
limit beds[w]: I[w] <= 0.06 * {people}
minimize {{ weeks: sum(closed)  cases: 4 * sum(p in period: infect[p]) / {people} }}
"""


@pytest.mark.parametrize("people", [1.0, 1e6])
def test_no_week_moved_is_better_once_whole_numbers_were_moved(people: float) -> None:
    found = problem(LOCKDOWN.format(people=people))
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    search = GradientSearch(lowered.program, decided)
    start = np.zeros(lowered.program.columns)
    start[decided] = 1.0
    end = search.bettered(start, np.ones(10), lambda: False)
    held = search.bettered(start, np.ones(10), lambda: True)
    assert end is not None and held is not None
    assert held[decided].tolist() == [1.0] * 10
    (closed,) = found.decisions

    def judged(x: FloatArray) -> float:
        seen = assess(found, {closed: x})
        return seen.value if seen.violation.relative <= 1e-9 else np.inf

    x = end[decided]
    here = judged(x)
    assert here < judged(start[decided])
    for i in range(10):
        for j in range(10):
            if i == j or x[i] != x[j]:
                y = x.copy()
                y[[i, j]] = 1.0 - x[[i, j]]
                assert judged(y) >= here - 1e-9 * here


def test_dust_beside_an_end_is_the_end() -> None:
    found = problem("""model ends
decide x in 0 .. 20
decide y in 1 .. 4
decide z in 0 .. 2
minimize { c: 3 * x + x * y - 5 * y + z * (z - 1) }
""")
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    search = GradientSearch(lowered.program, decided)
    span = np.array([20.0, 3.0, 2.0])
    local = search._local(np.zeros(lowered.program.columns), span, relaxed=False)
    assert local is not None
    descent = _Descent(local, lambda: False)
    descent.visit(np.array([4e-12, 4.0 / 3.0 - 3e-12, 0.25]))
    descent._tidy()
    assert descent.best is not None
    assert descent.best.x.tolist() == [0.0, 4.0 / 3.0, 0.25]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_what_is_found_is_no_worse_than_its_start(seed: int) -> None:
    """And no better than anything near that meets the limits."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(-2, 2, 3).round(2)
    level = round(float(rng.uniform(1, 4)), 2)
    found = problem(
        f"""model m
decide x in 0 .. 2
decide y in 0 .. 3
decide n integer in 0 .. 2
limit together: x * y + n <= {level}
limit plain: x + y <= 4
minimize {{ all: ({a}) * x * y + ({b}) * x * x + ({c}) * y + exp(x - y) + n * y }}"""
    )
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    integer = lowered.program.integer[decided]
    search = GradientSearch(lowered.program, decided)

    def judged(x: FloatArray) -> tuple[float, float]:
        point = np.zeros(lowered.program.columns)
        point[decided] = x
        told = assess(found, lowered.places.values(point, found.decisions))
        return told.value, told.violation.relative

    start = np.zeros(lowered.program.columns)
    start[decided] = rng.uniform([0, 0, 0], [0.5, 0.5, 0])
    end = search.run(start, np.array([2.0, 3.0, 2.0]), lambda: False)
    assert end is not None
    here = end[decided]
    value, off = judged(here)
    assert here[integer] == start[decided][integer]
    assert off <= 1e-9
    assert value <= judged(start[decided])[0] + 1e-9
    for _ in range(50):
        near = np.clip(here + 1e-3 * rng.normal(size=3) * ~integer, 0, [2, 3, 2])
        other, broken = judged(near)
        assert broken > 0 or other >= value - 1e-6


def test_a_stop_ends_it_with_what_is_known() -> None:
    found = problem(BOWL)
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    visits = 0

    def stop() -> bool:
        nonlocal visits
        visits += 1
        return visits > 3

    start = np.zeros(lowered.program.columns)
    end = GradientSearch(lowered.program, decided).run(start, np.array([12.0, 10.0]), stop)
    assert visits == 4
    assert end is not None


def test_scenarios_that_break_their_limits_least_are_those_that_hold() -> None:
    found = problem(
        """model m
set K = 1 .. 4
decide x in 0 .. 10
decide y in 0 .. 1
chance enough: probability 0.75 over k in K weight 0.25 {
  limit most: x * (1 + y) <= 2 * k
}
maximize { all: x * (2 - y) }"""
    )
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    start = np.zeros(lowered.program.columns)
    start[decided] = [5.0, 0.5]
    end = GradientSearch(lowered.program, decided).run(start, np.array([10.0, 1.0]), lambda: False)
    assert end is not None
    assert end[decided] == pytest.approx([4.0, 0.0], abs=1e-6)


def test_shares_of_what_limits_allow() -> None:
    found = problem(
        """model m
set S = {a, b, c}
decide site[S] integer in 0 .. 3
decide dose[S] in 0 .. 10
limit staff: sum(site) <= 4
limit stock: sum(dose) <= 12
limit pace[i in S]: dose[i] <= 5 * site[i]
limit apart: dose["c"] <= 2
minimize { all: -sum(i in S: dose[i] * dose[i]) }"""
    )
    lowered = lower(found)
    p = lowered.program
    decided = lowered.places.positions(found.decisions)
    rows = decision_rows(p, decided)
    common, own = proportional(rows, p.lower[decided], p.upper[decided], p.integer[decided])
    assert common.tolist() == pytest.approx([1, 1, 1, 2, 2, 2])
    assert own.tolist() == pytest.approx([1, 1, 1, 4, 4, 2])
    assert rows.hold(common) and rows.hold(own)


def test_roundings_meet_the_limits_on_whole_numbers() -> None:
    found = problem(
        """model m
set S = {a, b, c}
decide site[S] integer in 0 .. 3
decide dose in 0 .. 10
limit staff: sum(site) <= 4
minimize { all: dose * dose - sum(site) }"""
    )
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    rows = decision_rows(lowered.program, decided)
    integer = lowered.program.integer[decided]
    x = np.array([1.2, 1.9, 0.9 + 1e-9, 0.5])
    tried = [y.tolist() for y in roundings(rows, x, integer)]
    assert [1.0, 2.0, 1.0, 0.5] in tried
    assert [2.0, 2.0, 1.0, 0.5] not in tried
    assert tried[0] == [1.0, 2.0, 1.0, 0.5]


def test_a_solve_has_an_allocation_after_a_few_boxes() -> None:
    found = problem(BEDS.format(people=1000, closing=WAYS["binary"], **DOSES["some"]))
    ended = solve(found, Options(gap=1.0))
    assert ended.value is not None
    first = next(step for step in ended.history if step.value is not None)
    assert first.round <= divide.BEGIN + 1


def test_what_moves_no_value_stays_at_its_lower_end() -> None:
    found = problem(BEDS.format(people=1000, closing=WAYS["continuous"], **DOSES["some"]))
    loop, relaxation = begun(found)
    loop.heuristics.descend(relaxation)
    assert loop.best is not None
    closed, doses = (loop.best.values[v] for v in found.decisions)
    # Infections are counted up to the last period: what is done in it comes too late for them.
    assert closed[-1] == 0 and doses[-1] == 0
    assert doses[0] > 0


def test_a_limit_with_two_equal_sides_is_met() -> None:
    found = problem(
        """model m
decide x in 0 .. 4
decide y in 0 .. 4
limit on: x * y == 2
minimize { all: x + 2 * y }"""
    )
    lowered = lower(found)
    decided = lowered.places.positions(found.decisions)
    end = GradientSearch(lowered.program, decided).run(
        np.zeros(lowered.program.columns) + 3.0, np.array([4.0, 4.0]), lambda: False
    )
    assert end is not None
    assert end[decided] == pytest.approx([2.0, 1.0], abs=1e-4)
    assert end[decided].prod() == pytest.approx(2.0, rel=1e-9)
