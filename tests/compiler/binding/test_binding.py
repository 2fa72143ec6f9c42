"""What expressions over index sets mean, against NumPy by hand (language reference, §2 and §4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from allocc.compiler.algebra.expression import weight
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.binding.bind import bind
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.scoping.model import BoundModel
from allocc.compiler.unrolling.discretize import discretize
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Source

HERE = Path(__file__).parent


def bound(text: str, data: Path = HERE, **given: Any) -> BoundModel:
    return bind(parse(Source("model.alloc", text)), data, given)


def terms(text: str, data: Path = HERE, given: dict[str, Any] | None = None, **x: Any) -> Any:
    """Values of the objective's terms at given decisions (all zero if left out)."""
    problem = discretize(bind(parse(Source("model.alloc", text)), data, given))
    values = {
        v: np.broadcast_to(np.asarray(x.get(v.name, 0), dtype=float), v.shape)
        for v in problem.decisions
    }
    evaluate = Evaluation(values)
    return {t.name: float(evaluate(t.node)) for t in problem.terms}


def param(text: str, name: str, data: Path = HERE, **given: Any) -> np.ndarray:
    model = bound(text + "\ndecide unused_ in 0 .. 1 minimize { z_ : unused_ }", data, **given)
    return model.parameters[name].values


def codes(text: str, data: Path = HERE, **given: Any) -> list[str]:
    with pytest.raises(DiagnosticError) as caught:
        discretize(bound(text, data, **given))
    return [d.code for d in caught.value.diagnostics]


SETS = """
set R = {n, s, w}
set K = 2 .. 5
set Link = {n, s} * {s, w}
param a[r in R] = if r == "n" then 1 else if r == "s" then 10 else 100
param d[r in R, q in R] = a[r] + 2 * a[q]
"""
A = np.array([1.0, 10.0, 100.0])
D = A[:, None] + 2 * A[None, :]


def test_sums_filters_and_means() -> None:
    x = np.array([3.0, 5.0, 7.0])
    found = terms(
        SETS
        + """decide x[R] in 0 .. 9
        minimize {
          plain : sum(r in R: a[r] * x[r])
          bare : sum(a * x)
          filtered : sum(r in R if a[r] > 5: x[r])
          pairs : sum(r in R, q in R if r != q: d[r, q] * x[r] * x[q])
          mean : mean(r in R if a[r] < 50: x[r])
          largest : max(r in R: a[r] - x[r])
          nested : sum(r in R: x[r] * sum(q in R if a[q] > a[r]: x[q]))
          rows : sum(r in R: max(q in R: d[r, q]) * x[r])
        }""",
        x=x,
    )
    off = ~np.eye(3, dtype=bool)
    assert found == pytest.approx(
        {
            "plain": A @ x,
            "bare": A @ x,
            "filtered": x[1:].sum(),
            "pairs": (D * np.outer(x, x))[off].sum(),
            "mean": x[:2].mean(),
            "largest": (A - x).max(),
            "nested": x[0] * (x[1] + x[2]) + x[1] * x[2],
            "rows": D.max(axis=1) @ x,
        }
    )


def test_tuples_and_slices() -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0])  # (n,s) (n,w) (s,s) (s,w)
    x = np.array([3.0, 5.0, 7.0])
    found = terms(
        SETS
        + """decide x[R] in 0 .. 9
        decide y[Link] in 0 .. 9
        minimize {
          all : sum((p, q) in Link: d[p, q] * y[p, q])
          from_n : sum((p, q) in Link if p == "n": y[p, q])
          slices : sum(p in R: x[p] * sum((p, q) in Link: y[p, q]))
          into : sum(q in R: x[q] * sum((p, q) in Link: y[p, q]))
          one : y["s", "w"]
          member : sum(p in R, q in R if (p, q) in Link: x[p] * x[q])
          bare : sum(y)
        }""",
        x=x,
        y=y,
    )
    pairs = [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert found == pytest.approx(
        {
            "all": sum(D[p] * v for p, v in zip(pairs, y, strict=True)),
            "from_n": 3.0,
            "slices": x[0] * 3 + x[1] * 7,
            "into": x[1] * 4 + x[2] * 6,
            "one": 4.0,
            "member": sum(x[p] * x[q] for p, q in pairs),
            "bare": 10.0,
        }
    )


def test_lags_on_integer_sets_and_by_data() -> None:
    x = np.array([3.0, 5.0, 7.0, 11.0])  # weeks 2 .. 5
    z = np.arange(12.0).reshape(3, 4)
    found = terms(
        SETS
        + """param lag[r in R] = if r == "n" then 1 else if r == "s" then 2 else 9
        decide x[K] in 0 .. 99
        decide z[R, K] in 0 .. 99
        minimize {
          steps : sum(k in K if k > 2: (x[k] - x[k-1]) ^ 2)
          other : sum(k in K: k * (x[k-1] else 100))
          ahead : sum(k in K: x[k+2] else 0)
          by_data : sum(r in R, k in K: z[r, k - lag[r]] else 0.5)
          labels : sum(k in K: k * x[k])
        }""",
        x=x,
        z=z,
    )
    by_data = z[0, :3].sum() + 0.5 + z[1, :2].sum() + 2 * 0.5 + 4 * 0.5
    assert found == pytest.approx(
        {
            "steps": 4 + 4 + 16,
            "other": 2 * 100 + 3 * 3 + 4 * 5 + 5 * 7,
            "ahead": 7 + 11,
            "by_data": by_data,
            "labels": x @ [2, 3, 4, 5],
        }
    )


def test_time_points_and_periods() -> None:
    x, p = np.array([1.0, 2.0, 4.0]), np.array([10.0, 30.0])
    found = terms(
        """time t = 2020 .. 2021 step 0.5
        decide x[t] in 0 .. 9
        decide p[period] in 0 .. 99
        minimize {
          points : sum(t: x[t])
          periods : sum(q in period: p[q])
          mixed : sum(q in period: p[q] * x[q])
          next : sum(q in period: p[q] * x[q+1])
          ends : x[end] - x[start]
          late : sum(t if t > start: x[t] * (t - 2020))
          inner : sum(t if t < end: x[t] * p[t])
          one : x[2020.5]
        }""",
        x=x,
        p=p,
    )
    assert found == pytest.approx(
        {
            "points": 7,
            "periods": 40,
            "mixed": 10 * 1 + 30 * 2,
            "next": 10 * 2 + 30 * 4,
            "ends": 3,
            "late": 0.5 * 2 + 4,
            "inner": 70,
            "one": 2,
        }
    )


def test_functions_and_the_library() -> None:
    x = np.array([3.0, 5.0, 700.0])
    found = terms(
        SETS
        + """use l1, linf, worst_off, range from "equity.alloc"
        function weighted(v[S], w[S], k) = k * sum(i in S: v[i] * w[i])
        function square(v) = v * v
        param e[k in K, r in R] = k * a[r]
        decide x[R] in 0 .. 999
        minimize {
          l1 : l1(x, a)
          linf : linf(x, 2 * a / sum(a))
          low : worst_off(x)
          wide : range(x)
          own : weighted(x, a + 1, square(3))
          inner : sum(k in K: l1(e[k], x))
        }""",
        x=x,
    )
    assert found == pytest.approx(
        {
            "l1": np.abs(x - A).sum(),
            "linf": np.abs(x - 2 * A / A.sum()).max(),
            "low": 3,
            "wide": 697,
            "own": 9 * (x @ (A + 1)),
            "inner": sum(np.abs(k * A - x).sum() for k in (2, 3, 4, 5)),
        }
    )


def test_guards_keep_what_is_not_used_from_being_an_error() -> None:
    text = """set R = {n, s}
        param n[r in R] = if r == "n" then 4 else 0
        param inverse[r in R] = if n[r] > 0 then 1 / n[r] else -1
        param root[r in R] = if n[r] > 1 then sqrt(n[r] - 2) else 0"""
    np.testing.assert_array_equal(param(text, "inverse"), [0.25, -1])
    np.testing.assert_allclose(param(text, "root"), [2**0.5, 0])
    lag = "time t = 0 .. 3 param x[t] = 2 param y[t] = if t > start then x[t-1] + t else 0"
    np.testing.assert_array_equal(param(lag, "y"), [0, 3, 4, 5])


def test_lets_of_each_kind() -> None:
    text = (
        SETS
        + """time t = 0 .. 2
        decide x[R] in 1 .. 9
        compartment S[R] initial S = 10
        let share[r in R] = a[r] / sum(a)
        let twice[r in R] = 2 * x[r]
        let ratio[r in R] = x[r] / (1 + sum(x))
        let level[r in R] = 0.1 * S[r]
        flow out[r in R] : S -> = level[r]
        minimize {
          data : sum(r in R: share[r] * x[r])
          inline : sum(twice)
          own : sum(r in R: ratio[r] * ratio[r])
        }"""
    )
    model = bound(text)
    modes = {name: symbol.mode for name, symbol in model.lets.items()}
    assert modes == {"share": "data", "twice": "inline", "ratio": "definition", "level": "implicit"}
    x = np.array([1.0, 2.0, 4.0])
    found = terms(text, x=x)
    assert found["data"] == pytest.approx((A / A.sum()) @ x)
    assert found["inline"] == pytest.approx(14)
    assert found["own"] == pytest.approx(((x / 8) ** 2).sum())


def test_tables_with_blank_and_missing_cells(tmp_path: Path) -> None:
    (tmp_path / "county.csv").write_text(
        'fips,beds,kind\n01001,5,"rural, far"\n01003,,urban\n01005,7,urban\n\n', "utf-8-sig"
    )
    (tmp_path / "pair.csv").write_text("a,b,km\n01001,01003,12\n01003,01005,30\n")
    (tmp_path / "one.csv").write_text("budget\n1e3\n")
    text = """table county from "county.csv" key fips
        table pair from "pair.csv" key a, b
        table one from "one.csv"
        set County = county.fips
        set Arc = pair.key
        param beds[c in County] = county.beds[c] else -1
        param km[a in County, b in County] = pair.distance[a, b] else 99
        param arc[Arc] = pair.km
        param urban[c in County] = if county.kind[c] == "urban" then 1 else 0
        param cell = county.beds["01005"]
        param budget = one.budget
        param absent = county.beds["99999"] else 4
        """.replace("pair.distance", "pair.km")
    np.testing.assert_array_equal(param(text, "beds", tmp_path), [5, -1, 7])
    np.testing.assert_array_equal(
        param(text, "km", tmp_path), [[99, 12, 99], [99, 99, 30], [99, 99, 99]]
    )
    np.testing.assert_array_equal(param(text, "arc", tmp_path), [12, 30])
    np.testing.assert_array_equal(param(text, "urban", tmp_path), [0, 1, 1])
    assert param(text, "cell", tmp_path) == 7
    assert param(text, "budget", tmp_path) == 1000
    assert param(text, "absent", tmp_path) == 4
    assert bound(text + "decide x in 0 .. 1 minimize { z : x }", tmp_path).sets[
        "County"
    ].components[0] == ("01001", "01003", "01005")


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ("param beds[c in County] = county.beds[c] else 0", True),
        # All rows are asked for by something else, or one was chosen.
        ("set All = county.fips param beds[c in County] = county.beds[c] else 0", False),
        ('param beds = county.beds["a"] else 0', False),
        ("param beds[c in County] = county.beds[c]", False),
    ],
)
def test_rows_that_an_else_hides_are_told_of(tmp_path: Path, read: str, told: bool) -> None:
    (tmp_path / "county.csv").write_text("fips,beds\na,5\nb,6\nB. County,9\n")
    text = f"""table county from "county.csv" key fips
        set County = {{a, b}}
        {read}
        decide x in 0 .. 1 minimize {{ z : x + sum(beds) }}"""
    text = text if "[c in" in read else text.replace("sum(beds)", "beds")
    model = bound(text, tmp_path)
    found = [d for d in discretize(model).diagnostics if d.code == "W3001"]
    assert [d.message for d in found] == [
        "a row of 'county.csv' is not used, since nothing asks for B. County"
    ] * told
    assert all(d.data is not None and d.data.row == 4 for d in found)


def test_a_bare_column_with_else(tmp_path: Path) -> None:
    (tmp_path / "county.csv").write_text("the county,beds 2021\nadams,5\nbrown,\nzeta,9\n")
    (tmp_path / "one.csv").write_text("budget,left\n,3\n")
    text = """table county from "county.csv" key "the county"
        table one from "one.csv"
        set County = {adams, brown, clark}
        param beds[County] = county."beds 2021" else 2
        param chosen = if 1 > 2 then one.left else 4
        param budget = one.budget else 7
        """
    np.testing.assert_array_equal(param(text, "beds", tmp_path), [5, 2, 2])
    assert param(text, "budget", tmp_path) == 7
    assert param(text, "chosen", tmp_path) == 4
    model = bound(text + "decide x in 0 .. 1 minimize { z : x }", tmp_path)
    assert "does not have zeta" in next(d for d in model.diagnostics if d.code == "W3001").message
    wrong = text.replace("param beds[County] =", "param beds[County] : bed in 3 .. =")
    with pytest.raises(DiagnosticError) as caught:
        param(wrong, "beds", tmp_path)
    # The value that is out of range stands in the model, and in no cell.
    assert {d.data for d in caught.value.diagnostics if d.code == "E3016"} == {None}


def test_parameters_from_outside() -> None:
    text = "set R = {n, s} set K = 1 .. 2 param a[R] = 3 param b[R, K] = 0 param c = 1"
    series = pd.Series([5.0, 6.0], index=["s", "n"])
    np.testing.assert_array_equal(param(text, "a", a=series), [6, 5])
    np.testing.assert_array_equal(param(text, "a", a={"n": 1, "s": 2}), [1, 2])
    np.testing.assert_array_equal(param(text, "a", a="4"), [4, 4])
    np.testing.assert_array_equal(param(text, "a", **{"a[s]": "8"}), [3, 8])
    frame = pd.Series({("n", 1): 1, ("n", 2): 2, ("s", 1): 3, ("s", 2): 4})
    np.testing.assert_array_equal(param(text, "b", b=frame), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(param(text, "b", b=np.array([[1, 2], [3, 4]])), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(param(text, "b", **{"b[s, 2]": 9}), [[0, 0], [0, 9]])
    assert param(text, "c", c=2) == 2


def test_a_parameter_without_a_number_may_be_set_to_a_label() -> None:
    text = 'set R = {n, s} param a[r in R] = if r == "n" then 4 else 5 param here param x = a[here]'
    assert param(text, "x", here="s") == 5
    assert codes(text + " decide z in 0 .. 1 minimize { c : z * x }", here="e") == ["E4004"]


def test_integer_bounds_are_rounded_inwards() -> None:
    model = bound("decide x integer in 0.5 .. 3.7 decide y binary minimize { c : x + y }")
    assert [(float(v.lower), float(v.upper)) for v in model.decisions] == [(1, 3), (0, 1)]


def test_independent_mistakes_are_reported_together_and_causes_once() -> None:
    text = """param a = b1
        param c = a + 1
        let e = 2 * c
        param f = 1 / 0
        decide x in 3 .. 2
        decide y in 0 .. f
        minimize { z : e * x * y }"""
    assert codes(text) == ["E2001", "E4011", "E4018"]


def test_a_name_that_nothing_declares_is_reported_once() -> None:
    text = "decide x in 0 .. aa decide y in 0 .. aa minimize { z : x + y + aa }"
    assert codes(text) == ["E2001"]


def test_what_a_broken_use_should_bring_is_not_reported_again() -> None:
    text = 'use l1 from "nowhere.alloc" set R = {n} decide x[R] in 0 .. 1 minimize { z : l1(x, x) }'
    assert codes(text) == ["E2012"]


def test_use_brings_an_intervention_with_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "clinic.alloc").write_text(
        "param cost = 3 param unneeded = 1\n"
        "intervention clinic { decide open in 0 .. 5  limit most: cost * open <= budget }\n"
    )
    text = 'use clinic from "clinic.alloc" (cost = 2 * rate) param rate = 4 param budget = 20 '
    file = parse(Source("model.alloc", text + "minimize { z : open }"))
    model = bind(file, tmp_path, path=tmp_path / "model.alloc")
    assert model.parameters["cost"].values == 8
    assert list(model.parameters) == ["cost", "rate", "budget"]
    assert len(discretize(model).constraints) == 1


def test_deep_and_wide_definitions_do_not_exhaust_the_stack() -> None:
    chain = "\n".join(f"param p{k} = p{k + 1} + 1" for k in range(120)) + "\nparam p120 = 0"
    assert param(chain, "p0") == 120
    long = "\n".join(f"param p{k} = p{k + 1} + 1" for k in range(400)) + "\nparam p400 = 0"
    assert codes(long + " decide x in 0 .. 1 minimize { z : x * p0 }") == ["E4034"]
    bomb = "\n".join(f"function f{k}(x) = f{k + 1}(x) + f{k + 1}(x)" for k in range(40))
    text = bomb + "\nfunction f40(x) = x decide y in 0 .. 1 minimize { z : f0(y) }"
    assert terms(text, y=1.0) == {"z": 2.0**40}
    nested = "(" * 150 + "1" + ")" * 150 + "".join(" + 1" for _ in range(40))
    assert param(f"param a = {nested}", "a") == 41


@pytest.mark.parametrize(
    "flows",
    [
        "flow a : S -> = 0.1 * b flow b : -> S = 0.1 * a",
        "let u = S * v let v = S * u flow a : S -> = u",
        "param beta = 0.1 decide y in 0 .. 1 effect beta *= beta * y flow a : S -> = beta * S",
    ],
)
def test_what_needs_itself_over_time_is_one_error(flows: str) -> None:
    text = f"time t = 0 .. 2 compartment S initial S = 5 {flows} minimize {{ z : S[end] }}"
    assert codes(text) == ["E2004"]


@pytest.mark.parametrize(
    ("statement", "mend"),
    [
        ("param twice[c in C] = 2 * need", "`need` lacks an index: write `need[c]`"),
        ("let g[k in C] = 2 * d", "`d` lacks an index: write `d[k]`"),
        ("flow leave[c in C] : S -> = 0.1 * S", "`S` lacks an index: write `S[c]`"),
        (
            "limit a[c in C]: sum(p in period: go[c]) <= 9",
            "`go[c]` lacks an index: write `go[c, p]`",
        ),
        (
            "limit a[c in C, p in period]: go[p] <= 9",
            "`go[p]` lacks an index: write `go[c, p]`",
        ),
        ("limit a[c in C, week]: S[week] <= 9", "`S[week]` lacks an index: write `S[c, week]`"),
        ("limit a: sum(c in C: d) <= 9", "`d` lacks an index: write `d[c]`"),
        (
            "limit a: d <= 9",
            "sum over it, as in `sum(c in C: ...)`, or index the statement: `limit a[c in C]`",
        ),
        # Which of two indices over one set is meant cannot be known.
        (
            "limit a[c in C]: both <= 9",
            "sum over it, as in `sum(c in C: ...)`, or index the statement: `limit a[c in C]`",
        ),
    ],
)
def test_a_forgotten_index_is_named_where_it_is_bound(statement: str, mend: str) -> None:
    text = """time week : week = 0 .. 4
set C = {x, y}
param need[C] = 3
param both[C, C] = 3
compartment S[C]
initial S[C] = need
flow go[c in C] : S -> = 0.1 * S[c]
decide d[C] in 0 .. 5
minimize { o: sum(d) }
"""
    with pytest.raises(DiagnosticError) as caught:
        discretize(bound(text + statement))
    assert [d.hint for d in caught.value.diagnostics] == [mend]


def test_an_array_at_a_time_is_matched_member_by_member() -> None:
    text = """time week : week = 0 .. 4
set C = {x, y}
compartment S[C]
initial S[c in C] = if c == "x" then 3 else 8
decide d[C] in 0 .. 9
limit enough[C]: d >= S[end]
minimize { o: sum(d) }
"""
    problem = discretize(bound(text))
    (limit,) = problem.constraints
    (d,) = problem.decisions
    (s,) = problem.states
    values = {d: np.array([5.0, 5.0]), s: np.array([[3.0] * 5, [8.0] * 5])}
    assert Evaluation(values)(limit.body).ravel().tolist() == [-2.0, 3.0]


def doubling(body: str, deep: int) -> str:
    """Functions that each use the one below twice; `F` stands for that call."""
    calls = "\n".join(
        f"function f{k}(x) = " + body.replace("F", f"f{k - 1}(x)") for k in range(1, deep + 1)
    )
    return f"function f0(x) = x\n{calls}\ndecide y in 0 .. 1 minimize {{ z : f{deep}(y) }}"


def counted(monkeypatch: pytest.MonkeyPatch, method: str) -> list[object]:
    """The expressions that a method of evaluators is asked for from now on."""
    seen: list[object] = []
    asked = getattr(Evaluator, method)

    def noted(self: Evaluator, e: object, *rest: Any) -> Any:
        seen.append(e)
        return asked(self, e, *rest)

    monkeypatch.setattr(Evaluator, method, noted)
    return seen


@pytest.mark.parametrize("body", ["F + F", "F - F / 2", "max(F, F)", "F * F"])
def test_a_function_is_expanded_once_for_the_same_arguments(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for deep in (5, 10):
        model = bound(doubling(body, deep))
        seen = counted(monkeypatch, "_user_function")
        discretize(model)
        assert len(seen) <= deep + 1


def test_arguments_that_are_calls_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = "g(" * 30 + "y" + ")" * 30
    text = f"function g(x) = x + x decide y in 0 .. 1 minimize {{ z : {nested} }}"
    model = bound(text)
    seen = counted(monkeypatch, "_user_function")
    discretize(model)
    assert len(seen) <= 31
    # What is the same in one function may differ in the next call of it.
    text = "function g(x) = x + x decide y in 0 .. 9 minimize { z : g(y) * g(y + 1) }"
    assert terms(text, y=3.0) == {"z": 48.0}


def test_what_cannot_be_shared_is_refused_by_its_size() -> None:
    assert codes(doubling("exp(F) - F / 2", 24)) == ["E4060"]


def test_a_chain_of_definitions_evaluates_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = "\n".join(f"let a{k} = a{k - 1} + 1" for k in range(1, 1001))
    text = f"let a0 = y\n{chain}\ndecide y in 0 .. 1 minimize {{ z : a1000 }}"
    model = bound(text)
    seen = counted(monkeypatch, "number")
    problem = discretize(model)
    assert len(seen) < 5_000
    (node,) = [t.node for t in problem.terms]
    assert weight(node) == 3
    assert terms(text, y=0.5) == {"z": 1000.5}


def test_a_horizon_of_one_period_may_have_none_before_it() -> None:
    text = """time t = 0 .. 1
        decide x[period] in 0 .. 1
        limit before[p in period]: sum(q in period if q < p: x[q]) <= 1
        minimize { c : sum(x) }"""
    assert not [d.code for d in bound(text).diagnostics if d.code.startswith("W4")]


def test_sets_of_one_column_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,v\np,1\nq,2\n")
    text = """table t from "t.csv" key a
        set Origin = t.a
        set Target = t.key
        set Same = Origin
        decide x[o in Origin] in 0 .. 1
        decide y[Target] in 0 .. 1
        decide z[Target, o in Origin] in 0 .. 1
        decide w[Same, t.a] in 0 .. 1
        minimize { c : sum(t.v * (x + y)) + sum(z) + sum(w) }"""
    model = bound(text, tmp_path)
    named = {v.name: [s.name for s in v.sets] for v in model.decisions}
    assert named == {
        "x": ["Origin"],
        "y": ["Target"],
        "z": ["Target", "Origin"],
        "w": ["Origin", "Origin"],
    }
    # They are one set all the same: bare uses of it run along together.
    assert terms(text, tmp_path, x=1.0, y=1.0, z=0.0, w=0.0) == {"c": 6.0}
