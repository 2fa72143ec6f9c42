"""Reports: what they may hold, that they change nothing, and the functions that only they have."""

from __future__ import annotations

from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.algebra.numeric import Evaluation, binomial
from allocc.compiler.binding.bind import bind
from allocc.compiler.lowering.lower import lower
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.reports import ReportValue, report_values
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl import Source, parse
from allocc.dsl.diagnostics import DiagnosticError
from tests.compiler.making import decisions, problem

ACCESS = Path(__file__).parents[3] / "examples" / "access"

TEXT = """model m
set S = {a, b, c}
param cost[S] = 2
decide x[S] in 0 .. 10
decide n integer in 0 .. 6
let   total = sum(x)
limit some: sum(x) >= 3
minimize { all : sum(s in S: cost[s] * x[s]) + n }
"""

MOVING = """model m
set S = {a, b}
time t = 0 .. 4
compartment A[S] compartment R[S]
initial A = 100 initial R = 0
flow heal[s in S] : A[s] -> R[s] = rate * A[s]
decide u[S, period] in 0 .. 5
param rate = 0.1
let worn = rate * sum(s in S: A[s])
effect heal[s in S] += u[s]
effect rate *= 1 + 0.1 * u["a"]
minimize { left : sum(s in S: A[s, end]) }
"""


def reported(found: Problem, **given: Any) -> dict[str, ReportValue]:
    """The reports where decisions have given values, others being at their lower bound."""
    chosen = {
        v: np.broadcast_to(np.asarray(given.get(v.name, v.lower), dtype=float), v.shape)
        for v in found.decisions
    }
    values = simulate(found, chosen)
    return {r.symbol.statement.name.name: r for r in report_values(found, values)}


def one(expression: str, text: str = TEXT, **given: Any) -> Any:
    found = reported(problem(f"{text}\nreport r = {expression}\n"), **given)["r"]
    return found.values.item()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sum(x)", 12.0),
        ("total", 12.0),
        ("if sum(x) > 11 and n == 4 then 1 else 0", 1.0),
        ("sum(s in S if x[s] > 2: x[s])", 11.0),
        ("mean(s in S if x[s] > 2: x[s])", 5.5),
        ("max(k in 0 .. 100 if k <= x['b'] / 3: k)", 2.0),
        ("n ^ x['a'] + 2 ^ n", 20.0),
        ("floor(sum(x) / n)", 3.0),
        ("floor(-x['a'] / 2)", -1.0),
        ("sum(k in 1 .. 9 if k <= n: 1 / k)", 25 / 12),
        ("binomial(n, 10, x['a'] / 4)", sum(comb(10, k) * 0.25**k * 0.75 ** (10 - k) for k in range(5))),
        ("sqrt(x['b']) * exp(log(n))", 4 * 7**0.5),
        ("if x['a'] > 5 then 1 / (x['a'] - 1) else 3", 3.0),
    ],
)  # fmt: skip
def test_anything_that_numbers_can_do(expression: str, value: float) -> None:
    text = expression.replace("'", '"')
    assert one(text, x=[1, 7, 4], n=4) == pytest.approx(value, rel=1e-12)


def test_reports_mention_reports() -> None:
    text = (
        TEXT
        + """report twice[s in S] = 2 * each[s]
    report each[S] = cost * x
    report most = max(twice) + sum(each)
    report bigger[s in S if cost[s] > 1] = twice[s] - each[s]
    """
    )
    found = reported(problem(text), x=[1, 7, 4])
    assert found["each"].values.tolist() == [2, 14, 8]
    assert found["twice"].values.tolist() == [4, 28, 16]
    assert found["most"].values.item() == 28 + 24
    assert found["bigger"].values.tolist() == [2, 14, 8]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / n", "division by zero"),
        ("sum(x) / n", "division by zero"),
        ("log(n)", "`log(n)` has no value"),
        ("n ^ -1", "has no value"),
        ("mean(s in S if x[s] > 3: x[s])", "this mean runs over nothing"),
        ("max(s in S if x[s] > 3: x[s])", "this max runs over nothing"),
        ("binomial(2, n - 1, 0.5)", "no number of trials"),
        ("binomial(2, 0.5, 0.5)", "no number of trials"),
        ("binomial(2, 5, n + 2)", "no probability"),
        ("1 / (1 / n)", "division by zero"),
        ("exp(800 + n)", "has no value"),
    ],
)
def test_no_value_is_no_number(expression: str, reason: str) -> None:
    found = reported(problem(f"{TEXT}\nreport r = {expression}\nreport good = n + 1\n"))
    assert np.isnan(found["r"].values) and reason in found["r"].reason
    assert found["good"].values.item() == 1 and found["good"].reason == ""


def test_only_the_entry_without_a_value_is_lost() -> None:
    found = reported(problem(TEXT + "report r[s in S] = 1 / x[s]"), x=[2, 0, 4])["r"]
    assert found.values[[0, 2]].tolist() == [0.5, 0.25] and np.isnan(found.values[1])
    assert found.reason == "division by zero at S = b"


def test_a_guard_keeps_what_it_guards() -> None:
    text = TEXT + "report r[s in S] = if x[s] > 0 then 1 / x[s] else 0"
    found = reported(problem(text), x=[2, 0, 4])["r"]
    assert found.values.tolist() == [0.5, 0, 0.25] and found.reason == ""


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_can_be_optimized_is_reported_alike(seed: int) -> None:
    """A report has the value that the same expression has as a term."""
    parts = [
        "sum(s in S, p in period: u[s, p] ^ 2)",
        "max(s in S, p in period: abs(u[s, p] - 2))",
        "sum(t: R['a', t]) / (1 + sum(s in S: A[s, end]))",
        "sum(s in S, p in period: heal[s, p])",
        "sum(p in period: worn[p])",
        "sum(s in S, t if t > start: A[s, t] - A[s, t-1])",
    ]
    terms = "".join(f"  term_{k} : {p}\n" for k, p in enumerate(parts)).replace("'", '"')
    reports = "".join(f"report r_{k} = {p}\n" for k, p in enumerate(parts)).replace("'", '"')
    text = MOVING.replace("minimize {", "minimize {\n" + terms) + reports
    found = problem(text)
    values = simulate(found, decisions(found, np.random.default_rng(seed)))
    evaluate = Evaluation(dict(values))
    wanted = {t.name: float(evaluate(t.node)) for t in found.terms}
    for k, report in enumerate(report_values(found, values)):
        assert report.values.item() == pytest.approx(wanted[f"term_{k}"], rel=1e-12), parts[k]


def test_reports_over_time_and_their_baseline() -> None:
    text = MOVING + "report sick[t] = sum(s in S: A[s, t])\nreport pace[p in period] = rate[p]\n"
    found = reported(problem(text), u=[[1] * 4, [2] * 4])
    assert found["sick"].values[:2].tolist() == pytest.approx([200, 175])
    assert found["pace"].values.tolist() == pytest.approx([0.11] * 4)
    bound = bind(parse(Source("model.alloc", text)), Path("."))
    idle = reported(discretize(bound, effects=False), u=5)
    assert idle["sick"].values.tolist() == pytest.approx([200 * 0.9**k for k in range(5)])
    assert idle["pace"].values.tolist() == pytest.approx([0.1] * 4)


def test_no_report_reaches_the_program() -> None:
    report = "report r[s in S] = if x[s] > 2 then floor(x[s] ^ 2.5) else log(x[s])"
    plain, full = lower(problem(TEXT)).program, lower(problem(TEXT + report)).program
    assert plain.columns == full.columns and plain.rows == full.rows
    assert (plain.matrix != full.matrix).nnz == 0


def test_a_report_uses_what_it_mentions() -> None:
    text = TEXT + "param only = 3\nfunction own(y) = y * only\nreport r = own(n)"
    assert [d.message for d in problem(text).diagnostics] == ["let 'total' is never used"]


def test_a_report_belongs_to_its_intervention_and_file(tmp_path: Path) -> None:
    part = tmp_path / "part.alloc"
    part.write_text(
        "param price = 3\nintervention buy {\n  decide y in 0 .. 4\n"
        "  report paid = price * y\n}\nreport double = 2 * paid\n"
    )
    path = tmp_path / "model.alloc"
    for named in ("buy, double", "buy"):
        path.write_text(f'model m\nuse {named} from "part.alloc"\nminimize {{ c : y }}\n')
        found = reported(
            discretize(bind(parse(Source("m", path.read_text())), tmp_path, path=path))
        )
        assert set(found) == ({"paid", "double"} if named != "buy" else {"paid"})


def test_all_mistakes_are_found_although_a_value_is_missing() -> None:
    with pytest.raises(DiagnosticError) as caught:
        problem(
            TEXT + "report r = 1 / n + unknown_one\nreport q = max(s in S if x[s] > 9: wrong[s])"
        )
    assert [d.code for d in caught.value.diagnostics] == ["E2001", "E2001"]


def test_a_model_may_have_its_own_floor() -> None:
    text = (
        TEXT.replace("param cost", "function floor(y) = 2 * y\nparam cost") + "report r = floor(n)"
    )
    assert reported(problem(text), n=3)["r"].values.item() == 6
    text = TEXT.replace("param cost[S]", "param floor = 5\nparam cost[S]") + "report r = floor + n"
    assert reported(problem(text), n=3)["r"].values.item() == 8


def test_functions_of_data_make_data() -> None:
    text = TEXT.replace("param cost[S] = 2", "param cost[S] = floor(2.7) * binomial(1, 2, 0.5)")
    assert problem(text).model.parameters["cost"].values.tolist() == [1.5] * 3


# --- the binomial distribution -------------------------------------------------------------------


@given(
    k=st.floats(-3, 40), n=st.integers(0, 35), p=st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
)
def test_binomial(k: float, n: int, p: float) -> None:
    exact = sum(comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1) if x <= k)
    found = float(binomial(np.asarray(k), np.asarray(float(n)), np.asarray(p)))
    assert found == pytest.approx(exact, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("people", range(1, 16))
def test_what_is_acquired_exactly(people: int) -> None:
    """Every number of doses and of disadvantaged, against the sum over all outcomes."""
    text = f"""model m
    use acquired_exactly from "access.alloc"
    set Whole = 0 .. {people}
    decide part in 0 .. 1
    report found[b in Whole, a in Whole] =
      acquired_exactly(0.3, a + part, {people}, b / {people})
    minimize {{ c : part }}
    """
    tree = parse(Source("model.alloc", text))
    unrolled = discretize(bind(tree, ACCESS, path=ACCESS / "model.alloc"))
    found = reported(unrolled)["found"].values
    between = reported(unrolled, part=0.25)["found"].values
    for b in range(people + 1):
        beta = b / people
        q = 0.3 * beta / (0.3 * beta + 1 - beta)
        for a in range(people + 1):
            exact = sum(
                comb(a, x) * q**x * (1 - q) ** (a - x) * min(max(x, a - (people - b)), b)
                for x in range(a + 1)
            )
            assert found[b, a] == pytest.approx(exact, abs=1e-9)
            if a < people:
                line = 0.75 * found[b, a] + 0.25 * found[b, a + 1]
                assert between[b, a] == pytest.approx(line, abs=1e-9)


def test_a_filter_on_what_is_decided_is_no_mistake_where_nothing_meets_it_yet() -> None:
    text = """
set S = 1 .. 3
param bought[s in S] = s
decide x[S] integer in -3 .. 3
report many = sum(s in S if exp(x[s]) > 1.5: 1)
report late = sum(s in S if bought[s] > 9: 1)
limit some: sum(x) >= 4
minimize { t: sum(s in S: x[s]^2) }"""
    found = problem(text).diagnostics
    assert [(d.code, d.span.text) for d in found if d.span] == [("W4011", "bought[s] > 9")]
