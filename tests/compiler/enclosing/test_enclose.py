"""What is enclosed holds the simulation in rationals, and that in floating point."""

from __future__ import annotations

import decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allocc
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.enclosing.digits import DigitEvaluation, rounded
from allocc.compiler.enclosing.enclose import Enclosed, enclose
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import simulate
from tests.compiler import making
from tests.compiler.enclosing.rational import RationalEvaluation, holds

ROOT = Path(__file__).parents[3]
LEAVES = ["x[w]", "n[w]", "p[w]", "A[w]", "B[w]", "0.1", "3", "0.7"]


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Formulas that never divide by zero."""
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda t: f"({t[0]} + {t[1]})"),
        two.map(lambda t: f"({t[0]} - {t[1]})"),
        two.map(lambda t: f"({t[0]}) * ({t[1]})"),
        two.map(lambda t: f"({t[0]}) / (1 + abs({t[1]}))"),
        two.map(lambda t: f"max({t[0]}, {t[1]})"),
        two.map(lambda t: f"min({t[0]}, {t[1]})"),
        inner.map(lambda e: f"({e}) ^ 2"),
    )


formulas = st.recursive(st.sampled_from(LEAVES), combined, max_leaves=4)


def at_the_end(formula: str) -> str:
    return formula.replace("A[w]", "A[w, end]").replace("B[w]", "B[w, end]")


def random_problem(flow: str, gain: str, term: str, body: str) -> Problem:
    return making.problem(
        f"""model m
set Who = {{a, b, c}}
set Pair = {{(w, v) in Who * Who if w != v}}
time t = 0 .. 0.2 step 0.1
param p[w in Who] = if w == "a" then 0.3 else 1.7
compartment A[Who]
compartment B[Who]
initial A[w in Who] = 2.3
initial B[w in Who] = p[w]
decide x[Who] in -2 .. 2
decide n[Who] integer in 0 .. 3
flow move[w in Who] : A[w] -> B[w] = 0.01 * ({flow})
flow come[w in Who] : -> A[w] = 0.01 * sum((w, v) in Pair: p[v] * B[v]) + 0.01 * ({gain})
limit some[w in Who]: x[w] + {at_the_end(body)} <= 1
minimize {{ first : sum(w in Who: {at_the_end(term)})  second : sum(w in Who: A[w, end]) }}
"""
    )


def inside(problem: Problem, found: Enclosed, values: object) -> None:
    """All that floating point gives lies in the intervals."""
    assert isinstance(values, dict)
    for v, x in values.items():
        assert (found.values[v].low <= x).all() and (x <= found.values[v].high).all(), v.name
    evaluate = Evaluation(dict(values))
    terms = {t.name: float(evaluate(t.node)) for t in problem.terms}
    for name, term in terms.items():
        assert found.terms[name].low <= term <= found.terms[name].high
    assert found.objective.low <= problem.objective(terms) <= found.objective.high


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(formulas, formulas, formulas, formulas, st.integers(0, 2**32 - 1))
def test_rationals_and_floating_point_lie_inside(
    flow: str, gain: str, term: str, body: str, seed: int
) -> None:
    problem = random_problem(flow, gain, term, body)
    decisions = making.decisions(problem, np.random.default_rng(seed))
    found = enclose(problem, decisions, digits=())
    assert not found.lost
    inside(problem, found, simulate(problem, decisions))
    exact = simulate(problem, decisions, RationalEvaluation)
    for v, x in exact.items():
        assert holds(found.values[v], x), v.name
    evaluate = RationalEvaluation(dict(exact))
    terms = {t.name: evaluate(t.node) for t in problem.terms}
    for name, value in terms.items():
        assert holds(found.terms[name], value)
    assert holds(found.objective, sum(terms.values()))
    with decimal.localcontext(prec=40):
        digits = simulate(problem, decisions, DigitEvaluation)
    for v, x in exact.items():
        assert holds(digits[v], x), v.name
        assert holds(rounded(digits[v]), x), v.name
    for c, x in found.limits.items():
        body_value = np.broadcast_to(evaluate(c.body), c.shape)
        over = np.maximum(body_value - RationalEvaluation.number(c.upper.values), 0)
        assert holds(x, over), c.name


EXAMPLES = [
    "access/exact",
    "drone/drone",
    "epidemic/epidemic",
    "lockdown/lockdown",
    "lockdown/lockdown_log",
    "opioid/opioid",
    "opioid_v1/opioid_v1",
    "seir_vaccination/seir_vaccination",
    "vaccine/vaccine",
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_shipped_example_is_enclosed_narrowly(name: str) -> None:
    problem = allocc.load(ROOT / "examples" / f"{name}.alloc").problem
    decisions = making.decisions(problem, np.random.default_rng(7))
    found = enclose(problem, decisions)
    assert not found.lost
    inside(problem, enclose(problem, decisions, digits=()), simulate(problem, decisions))
    for x in (found.objective, *found.terms.values()):
        assert x.high - x.low <= 1e-9 * max(abs(float(x.middle)), 1e-300)


def outbreak(method: str, weeks: int) -> Problem:
    # The exponential step is for flows that are linear in the compartments.
    infect = "0.02 * S" if method == "exponential" else "b * 0.0005 * S * I"
    return making.problem(
        f"""model m
time t = 0 .. {weeks} step 1 method {method}
compartment S
compartment I
initial S = 990
initial I = 10
decide b in 0 .. 1
flow infect : S -> I = {infect}
flow come : -> S = b
flow recover : I -> = 0.1 * I
minimize {{ ill : sum(t: I[t]) }}
"""
    )


@pytest.mark.parametrize("method", ["euler", "trapezoid", "exponential"])
def test_intervals_widen_with_the_steps_by_a_factor_a_step(method: str) -> None:
    widths = []
    for weeks in (10, 20, 40):
        problem = outbreak(method, weeks)
        decisions = {v: np.full(v.shape, 0.4) for v in problem.decisions}
        found = enclose(problem, decisions)
        assert not found.lost
        near = problem.objective(
            {
                t.name: float(Evaluation(dict(simulate(problem, decisions)))(t.node))
                for t in problem.terms
            }
        )
        x = found.objective
        # The implicit step of floating point is solved to twelve digits only.
        slack = 1e-9 * near if method == "trapezoid" else 0.0
        assert x.low - slack <= near <= x.high + slack
        widths.append(float(x.high - x.low) / near)
    print(f"{method}: relative widths after 10, 20, 40 steps", *(f"{w:.1e}" for w in widths))
    assert widths[0] <= widths[1] <= widths[2] <= 1e-9


def exchange(days: int) -> Problem:
    """A linear exchange, whose intervals in floating point double with nearly each step."""
    return making.problem(
        f"""model m
time t : day = 0 .. {days} step 1
compartment X
compartment Y
initial X = 3.1
initial Y = 1.7
decide a in 0 .. 1
flow there : X -> Y = a * X
flow back : Y -> X = 0.6 * Y
minimize {{ left : X[end] }}
"""
    )


def test_many_steps_are_simulated_with_more_digits() -> None:
    problem = exchange(365)
    decisions = {v: np.asarray(0.7) for v in problem.decisions}
    plain = enclose(problem, decisions, digits=())
    assert plain.objective.high - plain.objective.low > 1
    found = enclose(problem, decisions)
    # Fifty digits would not do.
    assert found.digits == 200
    assert found.objective.high - found.objective.low < 1e-14
    for v, x in simulate(problem, decisions, RationalEvaluation).items():
        assert holds(found.values[v], x), v.name
    for v, x in simulate(problem, decisions).items():
        assert found.values[v].middle == pytest.approx(x, rel=1e-9)


def test_an_implicit_step_is_the_one_of_real_numbers() -> None:
    """Of a linear decay it is a rational: X' = X (1 - h a / 2) / (1 + h a / 2)."""
    problem = making.problem(
        """model m
time t = 0 .. 6 step 0.5 method trapezoid
compartment X
initial X = 8.1
decide a in 0 .. 2
flow out : X -> = a * X
minimize { left : X[end] }
"""
    )
    found = enclose(problem, {v: np.asarray(0.3) for v in problem.decisions})
    half = Fraction(0.3) / 4
    exact = Fraction(8.1) * ((1 - half) / (1 + half)) ** 12
    assert holds(found.objective, exact)
    assert found.objective.high - found.objective.low < 1e-13


def test_an_implicit_step_that_changes_too_much_is_told() -> None:
    problem = making.problem(
        """model m
time t = 0 .. 3 method trapezoid
compartment X
initial X = 8
decide a in 0 .. 9
flow out : X -> = a * X
minimize { left : X[end] }
"""
    )
    found = enclose(problem, {v: np.asarray(9.0) for v in problem.decisions})
    assert not found.objective.known
    assert "changes too much" in found.lost[0].reason
    span = found.lost[0].span
    assert span is not None and span.text.startswith("compartment X")


def static(term: str, value: float) -> Enclosed:
    problem = making.problem(
        f"""model m
set Who = {{a, b}}
decide x[Who] in -2 .. 2
limit some[w in Who]: x[w] <= 1
minimize {{ one : {term}  other : sum(x) }}
"""
    )
    return enclose(problem, {v: np.array([value, 1.0]) for v in problem.decisions})


@pytest.mark.parametrize(
    ("term", "value", "reason"),
    [
        ('1 / x["a"]', 0.0, "division"),
        ('1 / (x["a"] + 0.1 + 0.2 - 0.3)', -5.551115123125783e-17, "division"),
        ('log(x["a"])', 0.0, "log"),
        ('sqrt(x["a"])', -1.0, "sqrt"),
        ('x["a"] ^ 0.5', -1.0, "power"),
    ],
)
def test_what_has_no_interval_is_told_with_its_place(term: str, value: float, reason: str) -> None:
    found = static(term, value)
    assert not found.terms["one"].known
    assert found.terms["other"].known
    assert not found.objective.known
    (lost,) = found.lost
    assert reason in lost.reason
    assert lost.span is not None and lost.span.text in term


def test_a_limit_that_just_holds_has_no_excess() -> None:
    found = static('x["a"]', 1.0)
    (x,) = found.limits.values()
    assert not x.low.any() and not x.high.any()
