"""Logic on decisions: against every allocation tried, with the formula read by Python."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import allocc
from allocc.engine.judging.assess import assess
from allocc.errors import AlloccError

HEAD = """model logic "Logic"
param p = 2
decide x integer in 0 .. 3
decide y integer in 0 .. 3
decide z binary
"""
COSTS = "minimize { cost : 3 * x - 2 * y + z + 0.7 * x * z }\n"


def atom(rng: random.Random) -> str:
    side = ["x", "y", "z", "x + y", "x - z", "2", "1", "p", "2 * y"]
    return f"{rng.choice(side)} {rng.choice(['<=', '>=', '==', '<', '>', '!='])} {rng.choice(side)}"


def formula(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.25:
        return atom(rng)
    left, right = formula(rng, depth - 1), formula(rng, depth - 1)
    match rng.randrange(4):
        case 0:
            return f"not ({left})"
        case 1:
            return f"({left}) implies ({right})"
        case 2:
            return f"({left}) and ({right})"
        case _:
            return f"({left}) or ({right})"


def holds(text: str, **values: float) -> bool:
    """The formula as Python reads it; `(a) implies (b)` is `(a) <= (b)` of truth values."""
    return bool(eval(text.replace(" implies ", " <= "), {"__builtins__": {}}, values))


POINTS = [{"x": x, "y": y, "z": z} for x, y, z in itertools.product(range(4), range(4), range(2))]


def load(tmp_path: Path, text: str) -> allocc.Model:
    path = tmp_path / "m.alloc"
    path.write_text(text, encoding="utf-8")
    return allocc.load(path)


@pytest.mark.parametrize("seed", range(40))
def test_a_limit_of_logic_holds_where_its_formula_does(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    text = formula(rng, 2)
    good = [q for q in POINTS if holds(text, p=2, **q)]
    if not good or len(good) == len(POINTS):
        return
    try:
        model = load(tmp_path, f"{HEAD}limit it: {text}\n{COSTS}")
    except AlloccError as error:
        # A formula of data alone is told of.
        assert error.diagnostics[0].code in ("E4018", "E4017", "W4001"), text
        return
    for q in POINTS:
        found = assess(model.problem, {v: _array(q[v.name]) for v in model.problem.decisions})
        assert (found.violation.relative <= 1e-9) == (q in good), (text, q)
    result = model.solve()
    best = min(3 * q["x"] - 2 * q["y"] + q["z"] + 0.7 * q["x"] * q["z"] for q in good)
    assert result.status == "optimal" and result.value == pytest.approx(best), text
    assert result.proof == "proven"


def _array(value: float):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.asarray(float(value))


@pytest.mark.parametrize("seed", range(25))
def test_a_condition_is_a_number_of_0_or_1(seed: int, tmp_path: Path) -> None:
    rng = random.Random(1000 + seed)
    text = formula(rng, 1)
    sign = rng.choice(["minimize", "maximize"])
    terms = f"{sign} {{ it : (if {text} then 2 + x else y - 1)  more : 0.1 * x - 0.2 * y }}\n"
    model = load(tmp_path, HEAD + "limit some: x + y + z >= 1\n" + terms)

    def worth(q: dict[str, int]) -> float:
        first = 2 + q["x"] if holds(text, p=2, **q) else q["y"] - 1
        return first + 0.1 * q["x"] - 0.2 * q["y"]

    for q in POINTS:
        found = assess(model.problem, {v: _array(q[v.name]) for v in model.problem.decisions})
        assert found.value == pytest.approx(worth(q)), (text, q)
    choose = min if sign == "minimize" else max
    best = choose(worth(q) for q in POINTS if sum(q.values()) >= 1)
    result = model.solve()
    assert result.status == "optimal" and result.value == pytest.approx(best), text


SITES = """model sites "Sites"
set C = {a, b, c}
param old[c in C] = if c == "a" then 1 else 0
decide open[C] integer in 0 .. 2
decide spend[C] in 0 or 4 .. 9
limit staffed[c in C]: spend[c] >= 5 if open[c] >= 1
limit idle[c in C]: open[c] >= 1 if spend[c] > 0
limit spread: at most 2 of (c in C: open[c] > old[c])
limit least: at least 1 of (c in C if c != "c": open[c] == 2)
limit money: sum(spend) <= 15
maximize { good : 3 * open["a"] + 2 * open["b"] + 4 * open["c"] - 0.1 * sum(spend) }
"""


def test_conditions_counts_and_values_that_lie_apart(tmp_path: Path) -> None:
    best = -1e9
    for a, b, c in itertools.product(range(3), repeat=3):
        if sum([a > 1, b > 0, c > 0]) > 2 or not (a == 2 or b == 2):
            continue
        cost = 5 * sum(v > 0 for v in (a, b, c))
        if cost <= 15:
            best = max(best, 3 * a + 2 * b + 4 * c - 0.1 * cost)
    result = load(tmp_path, SITES).solve()
    assert result.status == "optimal" and result.proof == "proven"
    assert result.value == pytest.approx(best)
    assert all(s == 0 or s >= 4 for s in result["spend"])


def test_no_unit_decides_which_alternative_is_nearest(tmp_path: Path) -> None:
    for factor in (1e-6, 1.0, 1e6):
        text = f"""model m "M"
decide x integer in 0 .. 3
decide money in 0 .. {9 * factor:g}
limit it: x == 0 or money >= {5 * factor:g}
limit some: x >= 1
minimize {{ cost : money / {factor:g} + x }}
"""
        model = load(tmp_path, text)
        given = {"x": 2, "money": 4.9 * factor}
        assert model.simulate(given).violation.relative == pytest.approx(0.1 / 9.9, rel=1e-6)
        assert model.solve().value == pytest.approx(6)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("decide u in 0 .. 1 limit l: u < 0.5 or x >= 1", "E4037"),
        ("decide u in 0 .. 1 limit l: x >= 1 if u >= 0.5", "E4037"),
        ("decide u in 0 .. 1 limit l: at most 1 of (i in 1 .. 2: u >= i)", "E4038"),
        ("decide u in 0 .. 1 limit l: x >= (if u > 0.5 then 1 else 0)", "E4038"),
        ("limit l: x or y", "E1026"),
        ("limit l: x + 1", "E1026"),
        ("limit l: x >= 1 if y", "E1026"),
        ("limit l: count(x) <= 1", "E2"),
    ],
)
def test_what_has_no_edge_or_is_no_condition(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(AlloccError) as raised:
        load(tmp_path, f"{HEAD}{text}\n{COSTS}")
    assert raised.value.diagnostics[0].code.startswith(code), raised.value


def test_data_in_logic_is_settled_before(tmp_path: Path) -> None:
    text = """set C = {a, b}
param rich[c in C] = if c == "a" then 1 else 0
limit it[c in C]: x >= 2 or rich[c] == 1
limit not_there: y <= 1 if p > 5
"""
    model = load(tmp_path, HEAD + text + "minimize { c : x - y }\n")
    assert model.solve().value == pytest.approx(2 - 3)


def test_a_model_may_count_by_a_function_of_its_own(tmp_path: Path) -> None:
    text = "function count(u) = 2 * u\nlimit l: count(x) >= 3\n"
    assert load(tmp_path, HEAD + text + "minimize { c : x }\n").solve().value == 2


def test_a_range_with_a_value_apart_serves_every_question(tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text("t,ill\n0,10\n1,9\n2,8.2\n")
    text = """model zor "Nothing or enough"
table counts from "counts.csv" key t
param rate in 0 .. 1 = 0.1
time t = 0 .. 3
compartment X
initial X = 10
flow out : X -> = rate * X
decide reach[{a, b}] : USD in 0 or 5 .. 40
effect out += 0.01 * sum(reach)
limit all: sum(reach) <= 20
minimize { x : X[end]  c : 0.001 * sum(reach) }
fit history { time t = 0 .. 2 initial X = 10 estimate rate in 0 .. 1 from 0.2 observe X = counts.ill }
policy even "each the same" { reach = 3 }
"""
    model = load(tmp_path, text)
    model.check(pedantic=True)
    assert model.fit(intervals=False).estimates[0].value == pytest.approx(0.1, abs=0.02)
    result = model.solve()
    assert model.prices(result)
    folder = result.save(tmp_path / "run")
    assert str(allocc.compare(folder, "baseline", "policy:even"))
    rule = model.policy("even")["reach"]
    assert all(x == 0 or x >= 5 for x in rule)
