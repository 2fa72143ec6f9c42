"""The relaxation before the integers: the same answers, sooner, and nothing proven that is not so."""

from __future__ import annotations

import numpy as np
import pytest

from allocc.backends import registry
from allocc.compiler.lowering.lower import lower
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.engine import relaxed
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.loop import Loop
from allocc.engine.solve import run, solve
from tests.compiler.making import problem

TEXT = """model m
table item from "item.csv" key item
set Item = item.item
decide take[Item] integer in 0 .. 2
limit room: sum(i in Item: item.size[i] * take[i]) <= {room}
limit both: sum(i in Item: item.other[i] * take[i]) <= {room}
{more}
maximize {{ worth : sum(i in Item: item.worth[i] * take[i]) }}
"""


def made(seed: int, items: int = 600, more: str = "", step: int = 1) -> Problem:
    rng = np.random.default_rng(seed)
    rows = [
        (f"i{k}", *(step * rng.integers(5, 60, 2)).tolist(), round(float(rng.uniform(1, 9)), 3))
        for k in range(items)
    ]
    text = TEXT.format(room=step * items * 8 + 1, more=more)
    return problem(text, {"item": (("item", "size", "other", "worth"), rows)})


def without(found: Problem, monkeypatch: pytest.MonkeyPatch, options: Options) -> Outcome:
    with monkeypatch.context() as patch:
        patch.setattr(relaxed, "FEWEST", 10**9)
        return solve(found, options)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_optimum(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(seed)
    options = Options(gap=1e-2)
    fast = solve(found, options)
    assert fast.status == "optimal"
    assert [s.phase for s in fast.history][1:] == ["relaxed and rounded", "done"]
    slow = without(found, monkeypatch, Options(gap=1e-7))
    assert slow.status == "optimal" and slow.value is not None and slow.bound is not None
    assert fast.value is not None and fast.bound is not None
    # A maximum: no value beyond any bound.
    assert fast.value <= slow.bound * (1 + 1e-9)
    assert slow.value <= fast.bound * (1 + 1e-9)
    assert fast.value == pytest.approx(slow.value, rel=1e-2)


def test_a_gap_that_rounding_does_not_close() -> None:
    """Then the whole program is solved, from what was found."""
    found = made(1, items=520, step=7)
    outcome = solve(found, Options(gap=1e-9, time_limit=60))
    assert outcome.value is not None and outcome.bound is not None
    assert outcome.bound >= outcome.value * (1 - 1e-9)
    assert "solved" in [s.phase for s in outcome.history]


def test_rounding_within_an_equation() -> None:
    """An equation that the rest has to meet exactly."""
    more = "limit even: sum(i in Item: 2 * take[i]) == 2 * {k} + 2 * odd\ndecide odd binary"
    found = made(2, more=more.format(k=101))
    outcome = solve(found, Options(gap=1e-3))
    assert outcome.status == "optimal"


def test_infeasible_stays_infeasible() -> None:
    found = made(3, more="limit much: sum(take) >= 1201")
    assert solve(found, Options()).status == "infeasible"
    found = made(3, more="limit half: sum(i in Item: 2 * take[i]) == 301")
    assert solve(found, Options(time_limit=60)).status == "infeasible"


def test_few_integers_are_left_to_the_solver() -> None:
    found = made(0, items=relaxed.FEWEST - 1)
    loop = Loop(found, Options(), run)
    program = Relaxation(lower(found).program).build().program
    assert relaxed.relaxed_first(loop, registry.get("highs"), program) is None
    assert loop.bound is None
