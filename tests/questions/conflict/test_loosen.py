"""The cheapest loosening of limits, and what it allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc.showing.findings import loosening_lines
from tests.questions.conflict.telling import load


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_measured_by_size(tmp_path: Path) -> None:
    """Ten of two hundred are less than five of fifty."""
    text = """model sizes
decide x : dose in 0 .. 500
limit need "people waiting": x >= 200
limit stock "in store": x <= 190
minimize { cost: x }
"""
    found = load(tmp_path, text).loosen()
    assert found.status == "cheapest"
    (item,) = found.items
    assert (item.name, item.side, item.before) == ("need", "right side", 200.0)
    assert item.after == pytest.approx(190)
    assert item.share == pytest.approx(0.05)
    assert found.cost == pytest.approx(0.05)
    assert found.bound == pytest.approx(0.05, rel=1e-3)
    assert (
        "\n".join(loosening_lines(found))
        == """\
The cheapest loosening of limits, each measured by its own size; 5.00 % in all, and no other costs
less.

  1  limit need  "people waiting"
     m.alloc:3: limit need "people waiting": x >= 200
     right side from 200 to 190 dose, by 10 dose (5.00 % of its size)"""
    )


def test_the_result_is_of_the_loosened_model(tmp_path: Path) -> None:
    text = """model never
decide x integer in 0 .. 9
decide y integer in 0 .. 9
limit more: x + y >= 6
limit less: x + y <= 5
minimize { cost: 2 * x + y }
"""
    found = load(tmp_path, text).loosen()
    result = found.result
    assert result is not None
    assert result.loosened == ("more",)
    assert result.status == "optimal"
    assert result.value == pytest.approx(5)
    assert result.certificate["statement"] == "with limits loosened: proven optimal"
    assert result.certificate["loosened"] == ["more"]
    assert "With limits loosened: proven optimal." in result.summary()


def test_whole_numbers_stay_whole(tmp_path: Path) -> None:
    text = """model odd
decide x integer in 0 .. 5
decide y integer in 0 .. 5
limit half: 2 * x + 2 * y == 7
maximize { gain: x + y }
"""
    found = load(tmp_path, text).loosen()
    assert found.status == "cheapest"
    (item,) = found.items
    assert item.amount == pytest.approx(1)
    assert found.result is not None
    # Either direction is as cheap; the objective decides within what was loosened.
    assert found.result.value in (pytest.approx(3), pytest.approx(4))


def test_rows_over_time(tmp_path: Path) -> None:
    text = """model seir
time t = 0 .. 4
compartment A
initial A = 90
decide teams[period] in 0 .. 5
flow heal : A -> = 0.1 * A + 0.5 * teams
limit low[t if t > start]: A[t] <= 60
minimize { cost: sum(teams) }
"""
    found = load(tmp_path, text).loosen()
    assert found.status == "cheapest"
    assert [(i.named, round(i.amount, 6)) for i in found.items] == [
        ("low[1]", 18.5),
        ("low[2]", 8.15),
    ]
    assert found.result is not None
    assert found.result["A"].loc[1] == pytest.approx(78.5)


def test_products(tmp_path: Path) -> None:
    text = """model nl
decide n integer in 1 .. 4
decide b in 0 .. 3
limit p: n * b >= 15
limit q: n + b <= 20
minimize { c: n }
"""
    found = load(tmp_path, text).loosen()
    assert found.status == "cheapest"
    (item,) = found.items
    assert (item.name, item.after) == ("p", pytest.approx(12, rel=1e-5))


def test_ranges_only_where_needed(tmp_path: Path) -> None:
    text = """model r
table clinic from "clinic.csv" key name
set Clinic = clinic.name
decide x[Clinic] integer in 5 .. 9
limit most: sum(x) <= 12
limit each[c in Clinic]: x[c] >= 1
minimize { c: sum(x) }
"""
    tables = {"clinic": "name\na\nb\nc\n"}
    found = load(tmp_path, text, tables).loosen()
    assert not found.ranges
    assert [(i.name, i.after) for i in found.items] == [("most", pytest.approx(15))]
    dry = """model d
time t : day = 0 .. 2
compartment A : person
initial A = 10
decide take[period] in 6 .. 9
flow out : A -> = take
limit some: A[end] <= 100
minimize { c: sum(take) }
"""
    found = load(tmp_path, dry).loosen()
    assert found.ranges
    assert {i.kind for i in found.items} == {"range"}
    assert found.cost == pytest.approx(2 / 6)
    assert {(i.side, i.before) for i in found.items} == {("lower end", 6.0)}
    assert sum(i.amount for i in found.items) == pytest.approx(2)
    text = " ".join(loosening_lines(found))
    assert "limits and ranges (limits alone do not suffice)" in text
    assert found.result is not None
    assert found.result.status == "optimal"
    # Within the ranges that were loosened, and not without any.
    assert found.result.value == pytest.approx(10)
    least = {i.labels: i.after for i in found.items}
    for period, value in found.result["take"].items():
        assert least.get((str(period),), 6.0) - 1e-6 <= value <= 9


def test_nothing_helps(tmp_path: Path) -> None:
    text = """model empty
time t : day = 0 .. 2
compartment A : person
initial A = 10
decide x in 0 .. 1
flow out : A -> = 9
limit some: x <= A[end] + 100
minimize { c: x }
"""
    model = load(tmp_path, text)
    assert model.solve().status == "infeasible"
    found = model.loosen()
    assert found.status == "impossible"
    assert "No loosening of limits or ranges helps" in " ".join(loosening_lines(found))


def test_chance_limits(tmp_path: Path) -> None:
    text = """model ch
set O = {mild, usual, harsh}
param demand[o in O] = if o == "mild" then 4 else if o == "usual" then 7 else 12
decide x in 0 .. 6
chance mostly: probability 70% over o in O weight 1 / 3 { limit enough: x >= demand[o] }
minimize { c: x }
"""
    found = load(tmp_path, text).loosen()
    assert found.status == "cheapest"
    # Two of three do not weigh 70 %: all three have to hold.
    assert [(i.named, round(i.amount, 4)) for i in found.items] == [
        ("enough[usual]", 1.0),
        ("enough[harsh]", 6.0),
    ]
