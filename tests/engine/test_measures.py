"""Violations, gaps and deviations are relative to their own parts: no unit changes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocc
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.lowering.lower import lower
from allocc.compiler.unrolling.magnitude_of_terms import Sizes
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.judging.assess import Assessment, assess
from allocc.engine.judging.continuous import deviations
from allocc.engine.judging.outcome import NEAR_ZERO, Options, measure, relative_gap
from allocc.engine.ledger import Ledger
from allocc.engine.solve import solve
from tests.compiler.making import problem

EPIDEMIC = """model epidemic "People, in any unit"
time t : day = 0 .. 6
compartment S initial S = {s:.17g}
compartment I initial I = {i:.17g}
compartment W initial W = 0
flow infect : S -> I = {beta:.17g} * S * I / {total:.17g}
flow enter : I -> W = {enter:.17g} * I
flow leave : W -> = 0.4 * W
flow come : -> S = {come:.17g}
decide dose[period] in 0 .. {most:.17g}
flow protect : S -> = dose
limit ward[t]: W[t] <= {cap:.17g}
limit all: sum(k in period: dose[k]) <= {stock:.17g}
limit even[k in period if k > start]: abs(dose[k] - dose[k-1]) <= {step:.17g}
minimize {{ ill : sum(k in t: I[k] - 0.3 * W[k])  used : 0.01 * sum(k in period: dose[k]) }}
"""
AMOUNTS = ("s", "i", "come", "most", "cap", "stock", "step", "total")


def judged(
    numbers: dict[str, float], unit: float, share: list[float]
) -> tuple[Problem, Assessment]:
    scaled = {n: x * unit if n in AMOUNTS else x for n, x in numbers.items()}
    found = problem(EPIDEMIC.format(**scaled))
    (dose,) = found.decisions
    return found, assess(found, {dose: scaled["most"] * np.array(share)})


@given(
    st.fixed_dictionaries(
        {
            "s": st.floats(10, 1000),
            "i": st.floats(1, 100),
            "beta": st.floats(0.1, 0.9),
            "enter": st.floats(0.05, 0.5),
            "come": st.floats(0, 20),
            "most": st.floats(1, 300),
            "cap": st.floats(0.1, 50),
            "stock": st.floats(1, 500),
            "step": st.floats(0.1, 50),
        }
    ),
    st.lists(st.floats(-0.1, 1.1), min_size=6, max_size=6),
    st.integers(-9, 9),
)
@settings(max_examples=30, deadline=None)
def test_no_unit_changes_what_is_measured(
    numbers: dict[str, float], share: list[float], k: int
) -> None:
    """The same people in persons, thousands, shares and millionths."""
    unit = 10.0**k
    numbers["total"] = numbers["s"] + numbers["i"]
    (one, a), (other, b) = judged(numbers, 1.0, share), judged(numbers, unit, share)
    assert b.value == pytest.approx(a.value * unit, rel=1e-9)
    assert b.size == pytest.approx(a.size * unit, rel=1e-9)
    assert b.violation.relative == pytest.approx(a.violation.relative, rel=1e-9, abs=1e-15)
    if a.violation.relative > 1e-12:
        assert b.violation.where == a.violation.where
        assert b.violation.absolute == pytest.approx(a.violation.absolute * unit, rel=1e-6)
    gaps = [relative_gap(x.value, 0.9 * x.value - 0.1 * x.size, x.size) for x in (a, b)]
    assert gaps[1] == pytest.approx(gaps[0], rel=1e-9)
    off, away = (
        {d.name: d.relative for d in deviations(p, x.values)} for p, x in ((one, a), (other, b))
    )
    # The integrator compares with its own tolerance.
    assert away == pytest.approx(off, rel=1e-6, abs=1e-7)


@given(st.integers(-9, 9), st.floats(0.05, 0.6), st.floats(0, 5))
@settings(max_examples=20, deadline=None)
def test_no_unit_changes_an_exact_course(k: int, rate: float, source: float) -> None:
    text = (
        "model m time t : day = 0 .. 5 compartment A initial A = {a:.17g} compartment B initial B = 0 "
        "flow come : -> A = {c:.17g} flow on : A -> B = {r:.17g} * A "
        "decide x in 0 .. {a:.17g} minimize {{ end : B[end] + x }}"
    )
    found = []
    for unit in (1.0, 10.0**k):
        p = problem(text.format(a=10 * unit, c=source * unit, r=rate))
        values = assess(p, {v: np.zeros(v.shape) for v in p.decisions}).values
        found.append({d.name: d.relative for d in deviations(p, values)})
    assert found[1] == pytest.approx(found[0], rel=1e-9)


def size_of(text: str, **decisions: float) -> float:
    """The size of an expression of decisions x and y."""
    p = problem(
        "model m decide x in -1000 .. 1000 decide y in -1000 .. 1000 let half = x - y "
        f"minimize {{ o : {text} }}"
    )
    at = {v: np.array(decisions[v.name]) for v in p.decisions}
    (term,) = p.terms
    return float(Sizes(Evaluation(dict(at)))(term.node))


@pytest.mark.parametrize(
    ("text", "x", "y", "size"),
    [
        ("x + y", 3, -4, 7),
        ("2 * (x - y) - 5", 3, 3, 17),
        ("x * y", 3, -4, 12),
        ("(x - 5) * y", 5, 2, 20),
        ("(x - 5)^2", 7, 0, 4 + 2 * 2 * 10),
        ("(x - 5)^2", 5, 0, 0),
        ("abs(x - 5)", 5, 0, 10),
        ("max(x - 5, y - 1)", 7, 0, 12),
        ("min(x, 1e9)", 3, 0, 3),
        ("half", 3, 3, 6),
        ("10^x + 10^y", -8, -9, 1.1e-8),
    ],
)
def test_sizes(text: str, x: float, y: float, size: float) -> None:
    assert size_of(text, x=x, y=y) == pytest.approx(size, rel=1e-12)


def test_extremes_over_an_index_have_the_size_of_what_attains_them() -> None:
    p = problem(
        "model m set Item = {a, b, c} decide x[Item] in 0 .. 100 "
        "minimize { most : max(i in Item: x[i] - 5)  least : min(i in Item: 1e9 - x[i] * 2) }"
    )
    sizes = Sizes(Evaluation({p.decisions[0]: np.array([3.0, 7.0, 2.0])}))
    assert [float(sizes(t.node)) for t in p.terms] == pytest.approx([12.0, 1e9 + 14])


# --- what is broken ------------------------------------------------------------------------------


def test_rows_of_any_size_are_broken_by_their_own() -> None:
    p = problem(
        "model tiny decide y1 in -9 .. -6 decide y2 in -9 .. -6 decide z in -18 .. 0 "
        "limit together: y1 + y2 >= -13 limit risk: 10 ^ y1 + 10 ^ y2 <= 10 ^ z "
        "minimize { ceiling : z }"
    )
    y1, y2, z = p.decisions
    low = assess(p, {y1: np.array(-6.5), y2: np.array(-6.5), z: np.array(-6.7)})
    sides = 2 * 10**-6.5, 10**-6.7
    assert low.violation.where == "risk"
    assert low.violation.relative == pytest.approx((sides[0] - sides[1]) / sum(sides))
    found = solve(p, Options())
    assert found.status != "optimal" or found.value == pytest.approx(np.log10(sides[0]), rel=1e-4)


@pytest.mark.parametrize("unit", [1e-7, 1.0, 1e7])
def test_an_outbreak_that_no_ward_holds(unit: float) -> None:
    p = problem(
        f"model m time d : day = 0 .. 10 compartment I initial I = {4 * unit} "
        f"compartment W initial W = {2 * unit} flow spread : -> I = 0.25 * I "
        "flow enter : I -> W = 0.2 * I flow out : W -> = 0.15 * W "
        f"decide test[period] in 0 .. {3 * unit} flow find : I -> = test "
        f"limit ward[d]: W[d] <= {0.1 * unit} minimize {{ tests : sum(p in period: test[p]) }}"
    )
    found = solve(p, Options())
    assert found.status in ("infeasible", "unknown") and found.value is None
    judged = assess(p, {v: np.zeros(v.shape) for v in p.decisions})
    worst = judged.values[p.states[1]].max() / unit
    assert judged.violation.relative == pytest.approx((worst - 0.1) / (worst + 0.1), rel=1e-6)


def stock(initial: float, out: str, limit: str = "") -> Assessment:
    p = problem(
        f"model m time t : day = 0 .. 3 compartment A initial A = {initial} flow f : A -> = {out} "
        f"decide x in 0 .. 1 {limit} minimize {{ o : x }}"
    )
    return assess(p, {v: np.zeros(v.shape) for v in p.decisions})


def test_a_compartment_is_measured_by_its_course() -> None:
    below = stock(1e-8, "1.1e-8 * (if t == 0 then 1 else 0)").violation
    assert below.where.startswith("A[") and below.relative == pytest.approx(0.1, rel=1e-9)
    dust = stock(0.3, "0.1").violation
    assert dust.relative < 1e-15


def test_what_only_passes_through_a_compartment_measures_it() -> None:
    p = problem(
        "model m time t : day = 0 .. 3 compartment A initial A = 0 decide x in 0 .. 1 "
        "flow come : -> A = 0.1 * x + 0.2 * x flow go : A -> = 0.3 * x + 1e-16 minimize { o : x }"
    )
    judged = assess(p, {v: np.ones(v.shape) for v in p.decisions})
    (a,) = p.states
    assert judged.values[a].min() < 0 or judged.violation.relative == 0
    assert judged.violation.relative < 1e-12


def test_an_empty_stock_is_empty_up_to_rounding() -> None:
    """0.3 - 3 * 0.1 is not quite zero; a limit that asks for zero holds all the same."""
    emptied = stock(0.3, "0.1", "limit gone: A[end] == 0 * x")
    assert 0 < emptied.violation.relative < 1e-12
    left = stock(0.3, "0.1", "limit gone: A[end] == 0.001 + 0 * x").violation
    assert left.where == "gone" and left.relative == pytest.approx(1.0)


def test_a_range_is_measured_by_its_end_and_whole_numbers_by_one() -> None:
    p = problem(
        "model m decide x in 0 .. 1e-8 decide n integer in 0 .. 1000000 minimize { o : x + n }"
    )
    x, n = p.decisions
    beyond = assess(p, {x: np.array(1.1e-8), n: np.array(0.0)}).violation
    assert beyond.relative == pytest.approx(0.1 / 1.1)
    between = assess(p, {x: np.array(0.0), n: np.array(999999.5)}).violation
    assert between.relative == pytest.approx(0.5)


def test_scenarios_of_any_size_count() -> None:
    p = problem(
        "model m decide x in 0 .. 1e-6 set S = {a, b} "
        'param need[s in S] = if s == "a" then 1e-7 else 2e-7 '
        "chance enough: probability 0.9 over k in S weight 0.5 { limit met: x >= need[k] } "
        "minimize { o : x }"
    )
    judged = assess(p, {p.decisions[0]: np.array(1.5e-7)})
    assert judged.probabilities["enough"] == 0.5
    assert judged.violation.relative == pytest.approx(0.4)


# --- the gap -------------------------------------------------------------------------------------

ZERO = {
    "log": "decide y integer in -1 .. 2 minimize { o: log(abs(y) + 1) }",
    "root": "decide y in 0 .. 2 minimize { o: sqrt(y) }",
    "limit": "decide y in 0 .. 2 limit a: y >= 1 minimize { o: log(y) }",
    "square": "decide x in 1 .. 5 decide y in 1 .. 5 decide z in 0 .. 3 limit mix: x + y + z == 7 "
    "minimize { miss : (x * y - 5.3) ^ 2  far : abs(z - 1.1) }",
    "abs": "decide x in 1 .. 5 decide y in 1 .. 5 decide z in 0 .. 3 limit mix: x + y + z == 7 "
    "minimize { miss : abs(x * y - 5.3)  far : abs(z - 1.1) }",
    "excess": "decide x in 0 .. 10 prefer few: x <= 5 penalty 3 minimize { o : 0 * x }",
}


@pytest.mark.parametrize("name", ZERO)
def test_an_optimum_of_zero_is_proven(name: str, tmp_path: Path) -> None:
    path = tmp_path / "zero.alloc"
    path.write_text(f"model zero {ZERO[name]}", "utf-8")
    result = allocc.load(path).solve(time_limit=20)
    assert result.status == "optimal" and result.value == pytest.approx(0.0, abs=1e-6)
    assert result.gap is not None and result.gap <= 1e-4
    assert "%" not in result.summary().splitlines()[1].replace("(gap below 0.0001 %)", "")
    if result.gap > 0:
        assert result.value is not None and result.bound is not None
        assert result.gap == abs(result.value - result.bound) / result.gap_measure


def test_the_gap_is_measured_by_the_value_or_what_adds_up_to_it() -> None:
    assert relative_gap(200.0, 199.0, 300.0) == pytest.approx(1 / 200)
    assert relative_gap(0.0, -1e-6, 10.0) == pytest.approx(1e-6 / (NEAR_ZERO * 10))
    assert relative_gap(0.0, 0.0, 0.0) == 0.0
    assert relative_gap(0.0, -1e-300, 0.0) == np.inf
    assert relative_gap(None, 1.0, 1.0) is None
    assert measure(-5.0, 10.0) == 5.0


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1.0, 1e6])
def test_a_false_bound_contradicts_at_every_scale(unit: float) -> None:
    """A bound beyond the value by a hundredth is no bound, in dollars and in millions."""
    p = problem(f"model m decide x in {unit} .. {3 * unit} minimize {{ o : x }}")
    places = lower(p).places
    ledger = Ledger(p, Options(), places)
    ledger.offer(np.array([unit]))
    ledger.prove(1.01 * unit, "claimed")
    assert ledger.contradicted and not ledger.closed
    ledger = Ledger(p, Options(), places)
    ledger.offer(np.array([unit]))
    ledger.prove(0.99 * unit, "claimed")
    assert not ledger.contradicted and not ledger.closed and ledger.gap == pytest.approx(0.01)


def test_dust_is_put_to_the_end_of_its_range() -> None:
    """A solver's zero: `x <= y` with both at 1e-12 is met where both are zero."""
    p = problem(
        "model m decide x in 0 .. 5 decide y in 0 .. 5 limit order: 2 * x <= y minimize { o : -x }"
    )
    places = lower(p).places
    ledger = Ledger(p, Options(), places)
    assert ledger.offer(np.array([1e-12, 1e-12]))
    assert ledger.best is not None and ledger.best.violation.relative == 0
    assert not ledger.offer(np.array([1.0, 1.0]))
