"""Chance constraints and limits on ratios: the program against counting and the literal formulas.

Language reference: §7.4.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from allocc.backends import registry
from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds import Propagator
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.heuristics.successive import SuccessiveLinear
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve
from tests.compiler.making import problem

Point = dict[Variable, FloatArray]


def solved(found: Problem, solver: str = "highs") -> Outcome:
    if not registry.get(solver).available():
        pytest.skip(f"{solver} is not installed")
    return solve(found, Options(solver=solver, gap=1e-6, time_limit=60))  # type: ignore[arg-type]


def grid(found: Problem) -> list[Point]:
    """Every point of a problem whose decisions are whole."""
    ends = [
        range(int(a), int(b) + 1)
        for v in found.decisions
        if v.lower is not None and v.upper is not None
        for a, b in zip(v.lower.ravel(), v.upper.ravel(), strict=True)
    ]
    points = []
    for values in itertools.product(*ends):
        point, start = {}, 0
        for v in found.decisions:
            point[v] = np.array(values[start : start + v.size], dtype=float).reshape(v.shape)
            start += v.size
        points.append(point)
    return points


def check_against_grid(found: Problem, solver: str = "highs") -> float | None:
    """Solve, compare with enumeration, and return the value."""
    judged = [assess(found, point) for point in grid(found)]
    values = [a.value for a in judged if a.violation.relative <= 1e-9]
    outcome = solved(found, solver)
    if not values:
        assert outcome.status == "infeasible"
        return None
    best = min(values) if found.sense == "minimize" else max(values)
    assert outcome.status == "optimal"
    assert outcome.value == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert outcome.bound == pytest.approx(best, rel=1e-5, abs=1e-9)
    return best


def scenarios(rng: np.random.Generator, count: int, even: bool) -> dict[str, Any]:
    weight = np.full(count, 1 / count) if even else rng.dirichlet(np.ones(count)).round(3)
    weight[-1] = 1 - weight[:-1].sum()
    need = rng.integers(1, 9, (count, 2))
    table = [
        [f"k{i}", repr(float(w)), *n] for i, (w, n) in enumerate(zip(weight, need, strict=True))
    ]
    return {"s": (["k", "w", "a", "b"], table)}


RANDOM = """model m
table s from "s.csv" key k
set Scenario = s.k
set Kind = {a, b}
param need[k in Scenario, i in Kind] = if i == "a" then s.a[k] else s.b[k]
decide x[Kind] integer in 0 .. 8
decide y integer in 0 .. 3
"""

JOINT = """chance covered: probability PP over k in Scenario weight s.w[k] {
  limit enough[i in Kind]: x[i] + y >= need[k, i]
  limit little: x["a"] <= need[k, "a"] + 4
}
"""
SINGLE = """chance often: probability PP over k in Scenario weight s.w[k] {
  limit enough: 3 <= x["a"] + x["b"] + 2 * y - need[k, "a"] <= 9
}
chance also: probability 0.5 over k in Scenario weight s.w[k] {
  limit other[i in Kind if need[k, i] > 3]: x[i] * y >= need[k, i] - 2
}
"""
EQUAL = """chance exact: probability PP over k in Scenario weight s.w[k] {
  limit same: x["a"] + y == need[k, "a"]
}
"""
COST = 'minimize { cost : 3 * x["a"] + 2 * x["b"] + 4 * y }\n'


@pytest.mark.parametrize("solver", ["highs", "scip"])
@pytest.mark.parametrize("block", [JOINT, SINGLE, EQUAL], ids=["joint", "single", "equal"])
@pytest.mark.parametrize("seed", range(3))
def test_against_enumeration(block: str, seed: int, solver: str) -> None:
    rng = np.random.default_rng(seed)
    tables = scenarios(rng, int(rng.integers(3, 7)), even=bool(seed % 2))
    level = "0.3" if block is EQUAL else f"{rng.choice([0.6, 0.8, 1.0])}"
    check_against_grid(problem(RANDOM + block.replace("PP", level) + COST, tables), solver)


def test_every_scenario_is_a_worst_case() -> None:
    tables = scenarios(np.random.default_rng(3), 5, even=True)
    with_chance = RANDOM + JOINT.replace("PP", "1") + COST
    plain = """limit enough[k in Scenario, i in Kind]: x[i] + y >= need[k, i]
    limit little[k in Scenario]: x["a"] <= need[k, "a"] + 4
    """
    first = solved(problem(with_chance, tables))
    second = solved(problem(RANDOM + plain + COST, tables))
    assert (first.status, first.value) == (second.status, second.value)


def test_weights_that_sum_to_one_in_floating_point() -> None:
    weights = [[f"k{i}", 0.1, i + 1, 1] for i in range(10)]
    text = """model m
    table s from "s.csv" key k
    set Scenario = s.k
    decide x in 0 .. 100
    chance c: probability LEVEL over k in Scenario weight s.w[k] { limit l: x >= s.a[k] }
    minimize { cost : x }
    """
    for level, expected in (("0.7", 7.0), ("0.1 + 0.2", 3.0), ("1", 10.0), ("0.71", 8.0)):
        made = problem(text.replace("LEVEL", level), {"s": (["k", "w", "a", "b"], weights)})
        outcome = solved(made)
        assert outcome.value == pytest.approx(expected, rel=1e-9), level
        assert outcome.status == "optimal"


def test_violation_is_the_missing_probability() -> None:
    text = """model m
    table s from "s.csv" key k
    set Scenario = s.k
    decide x in 0 .. 10
    chance c: probability 0.8 over k in Scenario weight s.w[k] { limit l: x >= s.a[k] }
    minimize { cost : x }
    """
    rows = [["p", 0.5, 2], ["q", 0.3, 4], ["r", 0.2, 9]]
    found = problem(text, {"s": (["k", "w", "a"], rows)})
    (x,) = found.decisions
    for at, reached, missing in (
        (1.0, 0.0, 0.8),
        (2.0, 0.5, 0.3),
        (4.0, 0.8, 0.0),
        (9.0, 1.0, 0.0),
    ):
        judged = assess(found, {x: np.array(at)})
        assert judged.probabilities["c"] == pytest.approx(reached)
        assert judged.violation.relative == pytest.approx(missing, abs=1e-12)
        assert judged.violation.where == ("c" if missing else "")
    # A scenario that is missed by rounding counts, and the rounding is reported.
    judged = assess(found, {x: np.array(4 - 1e-8)})
    assert judged.probabilities["c"] == pytest.approx(0.8)
    assert 0 < judged.violation.relative <= 1e-8


def test_big_m_is_the_largest_violation() -> None:
    text = """model m
    set Scenario = {p, q}
    decide x in 0 .. 10
    decide y in 0 .. 2
    limit cap: x + y <= 7
    chance c: probability 0.5 over k in Scenario weight 0.5 { limit l: 2 * x - y <= 3 }
    maximize { gain : x + 3 * y }
    """
    program = chain(problem(text), "stated").program
    block = next(b for b in program.row_blocks if b.name == "l")
    row = program.matrix[[block.start]].toarray().ravel()
    kept = next(b for b in program.column_blocks if b.name == "c:kept")
    # x <= 7 follows from the cap, so that 2 x - y - 3 is 11 at most.
    assert row[kept.start] == pytest.approx(11.0, rel=1e-6)
    assert program.row_upper[block.start] == pytest.approx(14.0, rel=1e-6)
    Propagator(program).run(program.lower, program.upper)


def test_a_limit_that_always_holds_needs_no_binary() -> None:
    text = """model m
    set Scenario = {p, q}
    decide x in 0 .. 10
    chance c: probability 0.5 over k in Scenario weight 0.5 { limit l: x <= 12 }
    maximize { gain : x }
    """
    program = chain(problem(text), "stated").program
    block = next(b for b in program.row_blocks if b.name == "l")
    assert np.diff(program.matrix.indptr)[block.start] == 1


def test_no_bound_no_big_m() -> None:
    text = """model m
    set Scenario = {p, q}
    decide x in 0 ..
    chance c: probability 0.5 over k in Scenario weight 0.5 { limit room: x <= 3 }
    minimize { cost : x }
    """
    with pytest.raises(DiagnosticError) as caught:
        chain(problem(text), "stated")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E5004" and "'room[p]'" in diagnostic.message
    assert "'x'" in diagnostic.message


@pytest.mark.parametrize(
    ("chance", "code"),
    [
        ("probability 1.5 over k in S weight 0.5 { limit l: x >= 1 }", "E4035"),
        ("probability 0 over k in S weight 0.5 { limit l: x >= 1 }", "E4035"),
        ("probability 0.5 over k in S weight 0.4 { limit l: x >= 1 }", "E4035"),
        (
            'probability 0.5 over k in S weight (if k == "p" then 2 else -1) { limit l: x >= 1 }',
            "E4035",
        ),
        ("probability x over k in S weight 0.5 { limit l: x >= 1 }", "E4009"),
        ("probability 0.5 over k in S weight x { limit l: x >= 1 }", "E4009"),
        ("probability 0.5 over k in S weight 0.5 { limit l: x > 1 }", "E4014"),
        ("probability 0.5 over k in T weight 0.5 { limit l: x >= 1 }", "E2001"),
    ],
)
def test_wrong_blocks(chance: str, code: str) -> None:
    text = f"model m\nset S = {{p, q}}\ndecide x in 0 .. 2\nchance c: {chance}\n"
    with pytest.raises(DiagnosticError) as caught:
        problem(text + "minimize { cost : x }")
    assert [d.code for d in caught.value.diagnostics] == [code]


# --- ratios -------------------------------------------------------------------------------------

RATIO = """model m
decide x integer in 0 .. 6
decide y integer in LOW .. 6
decide open binary
OTHER
limit share: LIMIT
maximize { gain : 2 * x - y + open }
"""


def ratio(limit: str, low: int = 1, other: str = "") -> Problem:
    return problem(RATIO.replace("LIMIT", limit).replace("LOW", str(low)).replace("OTHER", other))


@pytest.mark.parametrize(
    ("limit", "low", "other"),
    [
        ("(x + 1) / y <= 1.5", 1, ""),
        ("1.5 >= (x + 1) / (2 * y + 1) + 0.25", 0, ""),
        ("(x + 1) / (y - 8) >= -0.5", 1, ""),
        ("3 / (x + y) >= 0.6", 1, ""),
        ("x / (2 * (1 - y / 8)) <= 2.5", 0, ""),
        ("open * (x / (5.5 - y) + 0.5) <= 2", 0, "limit slow: y <= 4"),
        ("(x / (5.5 - y) + 0.5) * open <= 2", 0, "limit slow: 3 * y <= 12"),
        ("2 * (open * (x / (7.5 - y) + 0.5)) <= 4", 0, ""),
        # At y = 0 there is nothing to divide: see `ratios`.
        ("x / y <= 1.5", 0, ""),
        ("x / y >= 1.5", 0, "limit most: x <= 4"),
        ("(x + 1) / y <= 1.5", 0, ""),
        ("(x - 3) / y >= -0.5", 0, ""),
        ("open * (x / y + 0.5) <= 2", 0, ""),
        ("abs(x - 3) / y <= 0.7", 0, ""),
    ],
)
def test_ratios_are_multiplied_out(limit: str, low: int, other: str) -> None:
    found = ratio(limit, low, other)
    program = chain(found, "stated").program
    assert len(program.products) == 0 and all(f.kind == "abs" for f in program.functions)
    check_against_grid(found)


def test_unproven_sign_is_left_alone() -> None:
    # Multiplying out would be wrong: the denominator has both signs.
    program = chain(ratio("x / (y - 3.5) <= 1", 0), "stated").program
    assert len(program.products) == 1
    # A limit on something else proves nothing.
    program = chain(ratio("x / (y - 3.5) <= 1", 0, "limit other: x + y >= 4"), "stated").program
    assert len(program.products) == 1


def test_a_binary_whose_limit_fails_when_it_is_zero_is_left_alone() -> None:
    found = ratio("open * (x / y + 1) <= -1", 1)
    assert len(chain(found, "stated").program.products) > 0
    check_against_grid(found)


QUEUE = """model m
table s from "s.csv" key k
set Scenario = s.k
decide x integer in 0 .. 4
decide y integer in 0 .. 4
decide on binary
chance c: probability 0.6 over k in Scenario weight s.w[k] {
  GUARD
  limit wait: on * (s.a[k] * x / (2 * (1 - s.b[k] * (x + y))) + 0.5) <= 2
}
limit all: x + y + 3 * on >= 4
maximize { gain : 2 * x + 3 * y + 2 * on }
"""


def queue(guard: str, seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    rows = [[f"k{i}", 0.2, *np.round(rng.uniform([0.3, 0.11], [2.0, 0.4]), 3)] for i in range(5)]
    return problem(QUEUE.replace("GUARD", guard), {"s": (["k", "w", "a", "b"], rows)})


@pytest.mark.parametrize("seed", range(4))
def test_a_limit_of_the_block_proves_a_sign(seed: int) -> None:
    found = queue("limit stable: s.b[k] * (x + y) <= 1", seed)
    program = chain(found, "stated").program
    assert len(program.products) == 0 and not program.functions
    check_against_grid(found)


def test_several_ratios_in_one_block() -> None:
    text = QUEUE.replace("GUARD", "limit stable: s.b[k] * (x + y) <= 1").replace(
        "limit all:",
        "limit more: (x + 2) / (y + 1) <= 4\nlimit again: x / (y + 3) <= 1\nlimit all:",
    )
    text = text.replace(
        "+ 0.5) <= 2", "+ 0.5) <= 2\n  limit twin: (1 + y) / (1 - s.b[k] * (x + y)) <= 9"
    )
    rows = [[f"k{i}", 0.2, 0.4 + i / 3, 0.11 + i / 20] for i in range(5)]
    found = problem(text, {"s": (["k", "w", "a", "b"], rows)})
    assert len(chain(found, "stated").program.products) == 0
    check_against_grid(found)


def test_without_it_nothing_is_proven() -> None:
    # The ratio can be anything where the denominator reaches zero: there is no big-M.
    with pytest.raises(DiagnosticError) as caught:
        chain(queue("limit stable: x <= 3", 0), "stated")
    assert [d.code for d in caught.value.diagnostics] == ["E5004"]


def test_successive_linear_programs_with_scenarios() -> None:
    """Which scenarios hold is chosen again in every step; the curved rest is followed."""
    text = """model m
    set K = 1 .. 4
    decide a in 1 .. 10
    decide b in 1 .. 10
    chance c: probability 0.5 over k in K weight 0.25 { limit room: a + 2 * b <= 3 * k }
    maximize { area : a * b }
    """
    found = problem(text)
    lowered = chain(found, "stated")
    program = lowered.program
    relaxation = Relaxation(program)
    columns = lowered.places.positions(found.decisions)
    steps = SuccessiveLinear(relaxation, program, columns)
    assert steps.usable
    best = 0.0

    def offer(point: np.ndarray) -> bool:
        nonlocal best
        judged = assess(found, lowered.places.values(point, found.decisions))
        if judged.violation.relative > 1e-6 or judged.value <= best:
            return False
        best = judged.value
        return True

    start = np.zeros(program.columns)
    start[columns] = 1.0
    start[program.integer] = 1.0
    steps.run(start, offer, lambda: False, lambda: None)
    # Room for 9 in half of the scenarios: a = 4.5, b = 2.25.
    assert best == pytest.approx(4.5 * 2.25, rel=1e-3)
