"""Linear models with open ranges and costs of mixed sizes: no bound without a proof, and none without end."""

from __future__ import annotations

import pytest

from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import problem

UNBOUNDED = {
    "a cost below a solver's tolerance": """
decide x in 0 .. 800
decide y in .. 0
minimize { t: -0.87 * x + 0.000001 * y }""",
    "a row that holds nothing": """
decide x in .. 0
decide y in .. 0
limit l: y <= 0
limit k: 2e4 * x + 1e-5 * y <= 10
minimize { t: 5e6 * x + 1e6 * y }""",
    "a maximum": """
decide a in 0 .. 100
decide b in 0 ..
maximize { t: 100 * a + 0.00001 * b }""",
    "beside a binary": """
decide x in 0 .. 800
decide y in .. 0
decide z binary
minimize { t: -0.87 * x + 0.000001 * y + z }""",
}
EMPTY = {
    "ranges that creep": """
decide x in 0 ..
decide y in 0 ..
limit a: x - 2 * y <= 0
limit b: x - 2 * y >= 1
maximize { t: x - y }""",
    "two that chase each other": """
decide x in 0 ..
decide y in 0 ..
limit a: x >= y + 1
limit b: y >= x + 1
minimize { t: x }""",
    "ends that run away": """
decide x in .. 0
decide y in 0 ..
limit a: x + y >= -1
limit b: -x - 1000 * y >= 1000
minimize { t: y }""",
}


@pytest.mark.parametrize("text", UNBOUNDED.values(), ids=UNBOUNDED)
def test_a_small_cost_is_a_cost(text: str) -> None:
    found = solve(problem(f"model m {text}"), Options(time_limit=20))
    assert found.status == "unbounded" or (found.status == "feasible" and found.bound is None)


@pytest.mark.parametrize("text", EMPTY.values(), ids=EMPTY)
def test_propagation_ends(text: str) -> None:
    found = solve(problem(f"model m {text}"), Options(time_limit=20))
    assert found.status == "infeasible" and found.word in ("proven", "agreed")


def test_ranges_that_creep_to_a_point() -> None:
    text = """model m
decide x in 0 ..
decide y in 0 ..
limit a: x >= 0.9999 * y + 1
limit b: y >= x
minimize { t: x }"""
    found = solve(problem(text), Options(time_limit=20))
    assert found.status == "optimal" and found.value == pytest.approx(10_000, rel=1e-4)


def test_an_entry_that_is_left_out_held_its_column() -> None:
    text = """model m
decide x in .. 0
decide y in .. 0
limit l: x >= -1
limit k: x - 1000 * y == -1
minimize { t: 10 * y }"""
    found = solve(problem(text), Options(time_limit=20))
    assert found.status in ("optimal", "feasible") and found.value == pytest.approx(0, abs=1e-9)


def test_the_tolerance_buys_no_whole_numbers() -> None:
    """18 x <= 903,665,516 may be missed by a few hundred in a million million: no proof is lost for it."""
    text = """model m
decide x integer in 0 .. 1000000000
limit l: 18 * x <= 903665516
maximize { t: 48 * x }"""
    found = solve(problem(text), Options(time_limit=20))
    assert (found.status, found.word) == ("optimal", "proven")
    assert found.value == pytest.approx(48 * (903665516 // 18), rel=1e-9)
    assert found.violation is not None and found.violation.relative <= 1e-9
