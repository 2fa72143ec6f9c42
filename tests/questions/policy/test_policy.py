"""Policies: what their rules say, and the nearest feasible allocation to it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import allocc
from allocc.engine.judging.options import make_options
from allocc.questions.policy.nearest import nearest, sizes
from tests import small

SHARES = """model shares "Doses for three clinics"
set Clinic = {a, b, c}
param people[c in Clinic] = if c == "a" then 6 else if c == "b" then 3 else 1
param stock "doses in the store" : dose = 10
param most : dose = 8
decide doses[Clinic] "doses" : dose integer in 0 .. most
decide helpers[Clinic] "doses that helpers carry" : dose in 1 .. 4
limit store "the store": sum(doses) <= stock
limit hands[c in Clinic]: doses[c] <= 2 * helpers[c]
maximize { reached "people reached" : sum(c in Clinic: (if c == "a" then 2 else 1) * doses[c]) }
policy by_people "each clinic by its people" {
  doses[c in Clinic] = stock * people[c] / sum(people)
  helpers            = 4
}
policy least {}
policy equal { doses = stock / 3 helpers = 2 }
policy all   { doses = most  helpers = 4 }
"""
STOCKS = """model stocks "A store that is refilled"
time d = 0 .. 4
param refill = 5
param room = 22
decide given[period] "doses given" in 0 .. 9
compartment store "doses in the store"
initial store = 10
flow come : -> store = refill
flow go   : store -> = given
limit full[d]: store[d] <= room
minimize { kept : sum(d: store[d]) }
policy none   "nothing is given" { given = 0 }
policy all    "as many as can be given" { given = 9 }
policy steady "what comes is given" { given = refill }
"""


def load(folder: Path, text: str = SHARES, **params: Any) -> allocc.Model:
    return allocc.load(small.easy(folder, text), **params)


def test_a_rule_that_meets_every_limit_is_taken_as_it_is(tmp_path: Path) -> None:
    result = load(tmp_path).policy("by_people")
    assert result["doses"].tolist() == [6, 3, 1] and result["helpers"].tolist() == [4, 4, 4]
    assert not result.notes and result.status == "simulated"
    assert result.message == "policy by_people: each clinic by its people"
    assert result.value == 16


def test_decisions_that_it_does_not_name_are_at_their_lower_ends(tmp_path: Path) -> None:
    result = load(tmp_path).policy("least")
    assert not result["doses"].any() and (result["helpers"] == 1).all()


def test_what_is_changed_is_said(tmp_path: Path) -> None:
    model = load(tmp_path)
    (whole,) = model.policy("equal").notes
    assert whole == "policy equal: 3 were made whole"
    result = model.policy("all")
    assert result["doses"].sum() == 10
    (note,) = result.notes
    assert note.startswith("policy all: 2 of 6 decisions were changed so that every limit holds")
    assert "most doses[" in note and "from 8 to" in note


def test_a_name_that_no_policy_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError, match=r"E7243(.|\n)*did you mean 'equal'"):
        load(tmp_path).policy("equals")


def test_where_nothing_is_feasible_the_rule_is_simulated_as_it_is(tmp_path: Path) -> None:
    text = SHARES.replace("maximize", "limit never: sum(doses) >= stock + 1\nmaximize")
    result = load(tmp_path, text).policy("by_people")
    assert result["doses"].tolist() == [6, 3, 1]
    assert result.violation is not None and result.violation.name == "never"
    assert "could not be made feasible: no allocation meets every limit" in result.notes[0]


def test_limits_on_compartments_are_met(tmp_path: Path) -> None:
    """Nothing given would overfill the store: 30 after four days, with room for 22."""
    result = load(tmp_path, STOCKS).policy("none")
    assert result.violation is not None and result.violation.relative <= 1e-6
    assert result["given"].sum() == pytest.approx(8)
    assert result["store"].max() <= 22 + 1e-6
    assert "of 4 decisions" in result.notes[0] and "so that every limit holds" in result.notes[0]


def test_compartments_do_not_fall_below_zero(tmp_path: Path) -> None:
    """No limit is on the store, and yet 36 doses cannot be given of 10 + 4 * 5."""
    text = STOCKS.replace("limit full[d]: store[d] <= room\n", "")
    result = load(tmp_path, text).policy("all")
    assert result["store"].min() >= -1e-6
    assert result["given"].sum() == pytest.approx(30)


def test_a_policy_changes_nothing_of_the_model(tmp_path: Path) -> None:
    with_, without = load(tmp_path).solve(), load(tmp_path, SHARES.split("policy")[0]).solve()
    assert with_.value == without.value == 18


def test_it_is_kept_and_compared(tmp_path: Path) -> None:
    model = load(tmp_path)
    folder = model.policy("equal").save(tmp_path / "equal")
    kept = allocc.Result.open(folder)
    assert kept.message == "policy equal" and kept.notes
    found = allocc.compare(model.solve(), "policy:equal", kept, model=model)
    assert [s.kind for s in found.sides] == ["run", "policy", "run"]
    assert found.value.values[1] == found.value.values[2] == model.policy("equal").value
    assert "policy equal: 3 were made whole" in found.notes
    with pytest.raises(allocc.AlloccError, match="E7243"):
        allocc.compare("baseline", "policy:other", model=model)


def test_the_opioid_model_has_two(tmp_path: Path) -> None:
    """The published comparison: shares of residents, and of vulnerability."""
    root = Path(__file__).parents[3]
    model = allocc.load(root / "examples" / "opioid" / "opioid.alloc")
    best = 5833.12
    for name in ("by_population", "by_vulnerability"):
        result = model.policy(name)
        assert result.value is not None and result.value > best
        assert result.violation is not None and result.violation.relative <= 1e-6
        assert result.value < model.simulate().value  # better than to do nothing


RANDOM = """model random "Whole numbers, a store, and something that is needed"
set I = {a, b, c}
param rule[I] = 0
param size[I] = 1
param store = 9
param need = 0
decide x[I] integer in 0 .. 4
limit enough: sum(i in I: size[i] * x[i]) >= need
limit there: sum(i in I: size[i] * x[i]) <= store
minimize { cost : sum(x) }
policy p { x[i in I] = rule[i] }
"""


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rule=st.lists(st.integers(0, 60).map(lambda k: k / 10), min_size=3, max_size=3),
    size=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    store=st.integers(1, 12),
    need=st.integers(0, 6),
)
def test_none_is_nearer(
    tmp_path: Path, rule: list[float], size: list[int], store: int, need: int
) -> None:
    """By brute force over all whole numbers that meet the limits."""
    model = load(tmp_path, RANDOM, rule=rule, size=size, store=store, need=need)
    every = np.array(list(itertools.product(range(5), repeat=3)))
    used = every @ np.array(size)
    feasible = every[(used >= need) & (used <= store)]
    (x,) = model.problem.decisions
    wished = {x: np.array(rule)}
    (policy,) = model.bound.policies
    found = nearest(model.problem, wished, policy.statement.span, make_options(gap=1e-6))
    if not len(feasible):
        assert found.decisions is None and found.infeasible
        return
    assert found.decisions is not None and found.proven
    made = found.decisions[x]
    assert (made == np.rint(made)).all() and (feasible == made).all(axis=1).any()
    off = np.abs(feasible - rule).sum(axis=1).min()
    assert np.abs(made - rule).sum() == pytest.approx(off, abs=1e-5)
    assert sizes(model.problem, wished)[x] == pytest.approx(np.mean(rule) or 4.0)


@given(st.lists(st.integers(0, 4), min_size=3, max_size=3))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_feasible_rules_stay(tmp_path: Path, rule: list[int]) -> None:
    assume(sum(rule) <= 9)
    result = load(tmp_path, RANDOM, rule=rule).policy("p")
    assert result["x"].tolist() == rule and not result.notes
