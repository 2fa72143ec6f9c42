"""`allocc prices`: each price is compared with what a re-solve with a changed limit says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import allocc
from allocc.questions.prices.pricing import prices
from allocc.results.prices import Prices
from tests import small
from tests.helpers import Run, only_json

ROOT = Path(__file__).parents[3]
OPIOID = ROOT / "examples" / "opioid" / "opioid.alloc"

DIET = """model diet "Meals from two stores"
param need "energy" : kcal = 2000
param room "shelf"  : kg = 9
decide bread "bread" : kg in 0 .. 20
decide rice "rice"   : kg in 0 .. 20
param dense : kcal/kg = 400
param thin  : kcal/kg = 100
limit energy "enough to eat": dense * bread + thin * rice >= need
limit shelf "room": bread + rice <= room
limit share: 1 <= rice <= 4
minimize { cost: 5 * bread + rice }
"""

#: The same with the objective turned round.
PROFIT = DIET.replace("minimize { cost: 5 * bread + rice }", "maximize { left: -5 * bread - rice }")

AREA = """model area
param fence : m = 8
decide a : m in 1 .. 9
decide b : m in 1 .. 9
limit around: a + b <= fence
maximize { area: a * b }
"""


def at_best(path: Path, **settings: Any) -> tuple[allocc.api.Model, float, Prices]:
    model = allocc.load(path, **settings)
    result = model.solve(gap=1e-9)
    assert result.value is not None
    decisions = {b.name: b.values for b in result.blocks if b.kind == "decision"}
    return model, result.value, prices(model, decisions)


def by_name(found: Prices) -> dict[str, float]:
    return {f"{r.name}{' left' if r.side == 'left side' else ''}": r.price for r in found.rows}


@pytest.mark.parametrize(("text", "sign"), [(DIET, 1.0), (PROFIT, -1.0)])
def test_both_senses_against_a_resolve(tmp_path: Path, text: str, sign: float) -> None:
    path = small.easy(tmp_path, text)
    for room in (7.0, 9.0):
        _, value, found = at_best(path, room=room)
        assert found.exact
        assert found.value == pytest.approx(value)
        got = by_name(found)
        for limit, change in (("energy", {"need": 2000.5}), ("shelf", {"room": room + 0.5})):
            more = allocc.load(path, **{"room": room, **change}).solve(gap=1e-9).value
            assert more is not None
            assert got[limit] == pytest.approx((more - value) / 0.5, abs=1e-7), limit
        assert (got["shelf"] != 0) == (room == 7)
    # Energy costs: more of it is worse, in either sense.
    assert sign * got["energy"] == pytest.approx(5 / 400)
    # Bread gives a kilocalorie for 5/400, rice for 1/100: rice is at its right end.
    assert sign * got["share"] == pytest.approx(1 - 100 * 5 / 400)
    assert got["share left"] == 0.0


def test_sides_that_are_spoken_of(tmp_path: Path) -> None:
    text = """model sides
decide x in 0 .. 10
decide y in 0 .. 10
limit least: 2 <= x <= 9
limit same: x + y == 5
limit below: y >= x - 2
maximize { gain: y - 3 * x }
"""
    _, value, found = at_best(small.easy(tmp_path, text))
    got = by_name(found)
    assert value == pytest.approx(3 - 6)
    # x = 2: one more at the left raises x, and lowers y through x + y == 5.
    assert got["least left"] == pytest.approx(-4.0)
    assert got["least"] == 0.0
    assert got["same"] == pytest.approx(1.0)
    assert got["below"] == 0.0


def test_the_first_comparison_of_a_chain_may_be_one_of_data(tmp_path: Path) -> None:
    text = """model sides
param a = 1
param b = 2
decide x in 0 .. 10
decide y in 0 .. 10
limit least: a <= b <= x
limit room: x + y <= 8
maximize { gain: y - 3 * x }
"""
    _, value, found = at_best(small.easy(tmp_path, text))
    assert value == pytest.approx(6 - 6)
    # One more at the right lets x be 1, and y 7.
    assert by_name(found) == pytest.approx({"least": 4.0, "room": 1.0})


def test_integers_are_fixed(run: Run, tmp_path: Path) -> None:
    text = """model kits
decide n integer in 0 .. 3
decide x in 0 .. 9
limit room "room": 2 * n * x <= 10
limit few: n >= 2
maximize { c: x + n / 100 }
"""
    _, value, found = at_best(small.easy(tmp_path, text))
    assert found.exact
    assert value == pytest.approx(2.52)
    assert by_name(found)["room"] == pytest.approx(0.25)
    done = run("prices", tmp_path / "model.alloc", "-q")
    assert "No local price" in done.stdout
    assert done.stdout.endswith("  few  (1 row)\n")


def test_run_of_decisions_over_periods(run: Run, tmp_path: Path) -> None:
    text = """model p
time t : year = 0 .. 2 step 1
compartment A : person    initial A = 10
decide x[period] in 0 .. 3
flow out : A -> = x
limit all: sum(k in period: x[k]) <= 4
minimize { left: A[end] }
"""
    path = small.easy(tmp_path, text)
    assert run("solve", path, "--run", "out", "-q").exit_code == 0
    done = run("prices", path, "--run", "out")
    assert done.exit_code == 0, done.output
    assert "one more unit of all lowers the objective by 1" in done.stdout


def test_ratio_in_the_limits_own_unit(tmp_path: Path) -> None:
    text = """model share
param most = 0.25
decide x in 1 .. 9
decide y in 1 .. 9
limit part: x / (x + y) <= most
limit total: x + y <= 8
maximize { c: x }
"""
    path = small.easy(tmp_path, text)
    _, value, found = at_best(path)
    more = allocc.load(path, most=0.2501).solve(gap=1e-9).value
    assert value == pytest.approx(2.0)
    assert more is not None
    got = by_name(found)
    assert got["part"] == pytest.approx((more - value) / 1e-4, rel=1e-3)
    assert got["total"] == pytest.approx(0.25, rel=1e-6)


def test_continuous_products_are_linearized(tmp_path: Path) -> None:
    path = small.easy(tmp_path, AREA)
    model = allocc.load(path)
    found = prices(model, {"a": 3.9, "b": 4.1})
    assert not found.exact
    assert found.value == pytest.approx(16.0, rel=1e-3)
    assert by_name(found)["around"] == pytest.approx(4.0, rel=1e-2)


def test_extremes_keep_the_piece_that_counts(tmp_path: Path) -> None:
    text = """model spread
decide x in 0 .. 4
decide y in 0 .. 4
limit a: x + y <= 6
limit b: y <= 3
maximize { worst: max(x, y) + abs(x - 1) + min(x, y) }
"""
    path = small.easy(tmp_path, text)
    model = allocc.load(path)
    # x = 4 and y = 2: one more in `a` raises the smaller one, by 1.
    found = prices(model, {"x": 4.0, "y": 2.0})
    assert found.value == pytest.approx(4 + 3 + 2)
    assert by_name(found) == pytest.approx({"a": 1.0, "b": 0.0})


def test_opioid_against_a_resolve() -> None:
    model, value, found = at_best(OPIOID)
    assert found.exact
    assert found.value == pytest.approx(value, rel=1e-6)
    decisions = {b.name: b.values for b in model.solve(gap=1e-9).blocks if b.kind == "decision"}
    grant = float(model.bound.parameters["grant"].values)
    fall = float(model.bound.parameters["fall"].values)
    for name, at, size, delta in (
        ("grant_limit", "grant", grant, 500.0),
        ("steady", "fall", fall, 5),
    ):
        price = sum(g.price for g in found.groups() if g.rows[0].limit == name)
        ends = []
        for step in (-delta, delta):
            changed = prices(allocc.load(OPIOID, **{at: size + step}), decisions).value
            assert changed is not None
            assert found.value is not None
            ends.append((changed - found.value) / step)
        # The best value is convex in the side: what one less and one more are worth enclose it.
        slack = 1e-3 * abs(price) + 1e-9
        assert ends[0] - slack <= price <= ends[1] + slack
        assert price < 0
    grant_rows = [r for r in found.rows if r.limit == "grant_limit"]
    assert {r.unit for r in found.rows} == {"USD"}
    assert len(grant_rows) == 9
    assert all(r.group == () for r in grant_rows)


def test_words(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, DIET)
    done = run("prices", path, "-q")
    assert done.exit_code == 0, done.output
    assert "one more kcal of energy raises the objective by 0.0125" in done.stdout
    assert "one more kg of share lowers the objective by 0.25" in done.stdout
    assert "Local prices" in done.stdout
    assert "room to spare" in done.stdout
    assert "\n  shelf  (1 row)\n" in done.stdout


def test_json(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, DIET)
    found = only_json(run("prices", path, "--json", "-q").stdout)
    assert found["status"] == "optimal"
    assert found["prices"] == "priced"
    assert found["local"] is True
    assert found["limits"][0]["binding"] is True
    rows = {(x["name"], x["side"]): x for x in found["limits"]}
    assert rows["energy", "right side"]["unit"] == "kcal"
    assert rows["energy", "right side"]["price"] == pytest.approx(0.0125)


def test_time_is_taken_together(run: Run, tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    done = run("prices", path, "-q")
    assert done.exit_code == 0, done.output
    assert "one more team of all at each of its 5 times lowers the objective by" in done.stdout
    every = run("prices", path, "-q", "--all")
    assert "one more team of all[2020] lowers the objective by" in every.stdout


def test_run_folder(run: Run, tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    assert run("solve", path, "--run", "out", "-q").exit_code == 0
    solved = only_json(run("prices", path, "--json", "-q").stdout)
    kept = only_json(run("prices", path, "--run", "out", "--json").stdout)
    assert kept["status"] == "simulated"
    assert kept["fixed_value"] == pytest.approx(solved["fixed_value"])
    assert [x["price"] for x in kept["limits"]] == pytest.approx(
        [x["price"] for x in solved["limits"]], abs=1e-9
    )
    done = run("prices", path, "--run", "nowhere")
    assert done.exit_code == 1
    assert "E70" in done.stderr


def test_endings(run: Run, tmp_path: Path) -> None:
    done = run("prices", small.easy(tmp_path, small.INFEASIBLE), "-q")
    assert done.exit_code == 3
    assert "No allocation meets every limit" in done.stdout
    assert run("prices", small.easy(tmp_path, small.UNBOUNDED), "-q").exit_code == 4
    assert run("prices", small.easy(tmp_path, small.BAD), "-q").exit_code == 1
    assert run("prices", tmp_path / "none.alloc").exit_code == 1
    path = small.easy(tmp_path)
    assert run("solve", path, "--run", "out", "-q").exit_code == 0
    done = run("prices", path, "--run", "out", "--set", "stock=3")
    assert done.exit_code == 3
    assert "with these integers no allocation" in done.stdout


def test_chance_blocks_keep_their_scenarios(run: Run, tmp_path: Path) -> None:
    text = """model ch
set W = 1 .. 10
decide x in 0 .. 20
decide y in 0 .. 20
chance safe: probability 0.8 over w in W weight 0.1 { limit meets: x >= w }
limit total: x + y <= 12
minimize { c: x - 2 * y }
"""
    done = run("prices", small.easy(tmp_path, text), "-q")
    assert done.exit_code == 0, done.output
    assert "one more unit of total lowers the objective by 2" in done.stdout
    assert "one more unit of meets[8] raises the objective by 3" in done.stdout
    assert "meets[9]" not in done.stdout
    assert "Note: chance safe: 8 of 10 scenarios are taken to hold" in done.stdout


SCENARIOS = """model ch
set W = 1 .. 4
param likely[w in W] = if w == 4 then 0.1 else 0.3
param need[w in W] = 2 * w
param other[w in W] = 9 - w
param level[w in W] = 0.5 * w
decide x in 0 .. 40
decide y in 0 .. 40
decide z in 0 .. 40
chance safe: probability 0.6 over w in W weight likely[w] {
  limit sums: x + 2 * y >= need[w] + other[w]
  limit between: other[w] <= 3 * x + y <= 40 + need[w]
}
chance too: probability 0.3 over w in W weight likely[w] {
  limit most: x <= level[w] + 4
  limit exactly: z == level[w] + 0.1 * x
}
minimize { c: 5 * x + 3 * y + 2 * z }
"""


def test_prices_of_scenarios_are_differences(tmp_path: Path) -> None:
    """What a price says is what a slightly changed limit costs, the scenarios being the same."""
    step = 1e-3
    model = allocc.load(small.easy(tmp_path, SCENARIOS))
    result = model.solve(gap=1e-9)
    decisions = {b.name: b.values for b in result.blocks if b.kind == "decision"}
    found = prices(model, decisions)
    assert found.exact and found.status == "priced"
    by = {(r.limit, r.labels, r.side): r.price for r in found.rows}
    assert {k[0] for k in by} == {"sums", "between", "exactly", "most"}
    assert sum(abs(p) > 1e-6 for p in by.values()) >= 3
    for (limit, (w,), side), price in by.items():
        text = {
            ("sums", "right side"): ">= need[w]",
            ("between", "left side"): "other[w] <=",
            ("between", "right side"): "<= 40",
            ("exactly", "right side"): "z == level[w]",
            ("most", "right side"): "x <= level[w] + 4",
        }[limit, side]
        more = f"(if w == {w} then {step} else 0)"
        changed = (
            text.replace(" <=", f" + {more} <=") if side == "left side" else f"{text} + {more}"
        )
        path = small.easy(tmp_path, SCENARIOS.replace(text, changed))
        value = allocc.load(path).solve(gap=1e-9).value
        assert value is not None and found.value is not None
        assert price == pytest.approx((value - found.value) / step, abs=1e-3), (limit, w, side)


def test_implicit_steps(tmp_path: Path) -> None:
    for name in ("counties.csv", "state.csv"):
        (tmp_path / name).write_text((OPIOID.parent / name).read_text("utf-8"), "utf-8")
    text = OPIOID.read_text("utf-8").replace("method euler", "method trapezoid")
    path = small.easy(tmp_path, text)
    model = allocc.load(path)
    result = model.solve(gap=0.01, time_limit=30)
    decisions = {b.name: b.values for b in result.blocks if b.kind == "decision"}
    found = prices(model, decisions)
    grant = float(model.bound.parameters["grant"].values)
    more = prices(allocc.load(path, grant=grant + 100), decisions).value
    assert found.exact
    assert found.value is not None
    assert more is not None
    price = sum(r.price for r in found.rows if r.limit == "grant_limit")
    assert price == pytest.approx((more - found.value) / 100, rel=1e-4)


def test_what_a_fixed_integer_costs_is_no_price(tmp_path: Path) -> None:
    """Nothing is kept in reserve, so that more of it is sent to nobody and nothing is saved."""
    text = """model reserve
set Scenario = {mild, bad}
param need[s in Scenario] = if s == "mild" then 2 else 5
decide buy integer in 0 .. 9
decide reserve integer in 0 .. 9
let cost_of_reserve = 3 * reserve
decide send[Scenario] in 0 .. 9
limit mobile[s in Scenario]: send[s] <= reserve
limit enough[s in Scenario]: buy + send[s] >= need[s]
minimize { cost: 2 * buy + cost_of_reserve }
"""
    _, value, found = at_best(small.easy(tmp_path, text))
    assert value == found.value == 10
    assert set(by_name(found).values()) == {0.0}


def test_no_limit_has_a_price(run: Run, tmp_path: Path) -> None:
    text = """model kits
decide n integer in 0 .. 3
limit few: n <= 2
maximize { c: n }
"""
    done = run("prices", small.easy(tmp_path, text), "-q")
    assert "No limit that has a price binds." in done.stdout


def test_an_allocation_that_is_improved_first_says_so(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, AREA)
    decided = tmp_path / "decisions.csv"
    decided.write_text("name,value\na,2\nb,3\n", encoding="utf-8")
    done = run("prices", path, "--run", decided, "-q")
    assert "improved nearby first, with a value of 6 before" in " ".join(done.stdout.split())


DEPOTS = """model depots
set Depot = {north, south}
param rent[d in Depot] : USD = if d == "north" then 900 else 1100
param way[d in Depot] : USD/dose = if d == "north" then 2 else 1
decide open[Depot] binary
decide sent[Depot] : dose in 0 ..
param more : dose = 0
limit link[d in Depot]: sent[d] <= 1000 * open[d] + (if d == "south" then more else 0)
limit met: sum(sent) >= 60
minimize { rent: sum(d in Depot: rent[d] * open[d])  way: sum(d in Depot: way[d] * sent[d]) }
"""


def test_a_limit_with_nothing_on_its_right_side_has_its_price(tmp_path: Path) -> None:
    # The closed depot sends nothing; what it may send beside is worth the shorter way.
    path = small.easy(tmp_path, DEPOTS)
    _, value, found = at_best(path)
    (south,) = (r for r in found.rows if r.labels == ("south",))
    _, better, _ = at_best(path, more=1.0)
    assert (value, better) == (pytest.approx(1020.0), pytest.approx(1019.0))
    assert south.price == pytest.approx(better - value)
