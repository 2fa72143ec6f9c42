"""Totals over time: amounts where the units say that something is a rate, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocc
from allocc.results.labelled import Block, Labels

MODEL = """
model m "Money at 100 USD a year"
time y : year = 0 .. 1 step 0.25
set D = {a, b}
decide spend[D, period] "money" : USD/year in 0 .. 100
decide teams[D, period] "teams" : team in 0 .. 3
decide free[period] "no unit" in 0 .. 1
compartment A : person
initial A = 100
flow leave : A -> = 4
maximize { g : 1 * sum(spend) h : 1 * sum(teams) k : 1 * sum(free) }
"""

SCENARIOS = """
model m
set Outlook = {mild, harsh}
param need[o in Outlook] = if o == "mild" then 2 else 3
decide bought[Outlook] "what would be bought" in 0 .. 9
chance most: probability 1 over o in Outlook weight 0.5 { limit enough: bought[o] >= need[o] }
minimize { cost : sum(bought) }
"""


def solved(folder: Path, text: str) -> allocc.Result:
    path = folder / "m.alloc"
    path.write_text(text, "utf-8")
    return allocc.load(path).solve()


def test_a_rate_is_shown_as_an_amount_with_its_unit(tmp_path: Path) -> None:
    result = solved(tmp_path, MODEL)
    assert list(result.total("spend")) == [100, 100]
    assert float(result.total("leave")) == pytest.approx(4)
    text = result.summary()
    assert "spend (total)" in text and "spend: money (USD)" in text
    assert "teams (sum)" in text and "teams: teams (team)" in text and "free (sum)" in text


@pytest.mark.parametrize("name", ["teams", "free", "A"])
def test_what_is_no_known_rate_has_no_total(tmp_path: Path, name: str) -> None:
    with pytest.raises(allocc.AlloccError, match="E7070"):
        solved(tmp_path, MODEL).total(name)


def test_a_run_folder_keeps_what_is_a_rate(tmp_path: Path) -> None:
    result = solved(tmp_path, MODEL)
    back = allocc.Result.open(result.save(tmp_path / "run"))
    assert np.array_equal(back.total("spend"), result.total("spend"))
    assert back.summary() == result.summary()


def test_scenarios_are_not_added_up(tmp_path: Path) -> None:
    result = solved(tmp_path, SCENARIOS)
    assert list(result["bought"]) == [2, 3]
    table = result.summary().split("Decisions")[1]
    assert "total" not in table
    back = allocc.Result.open(result.save(tmp_path / "run"))
    assert "total" not in back.summary().split("Decisions")[1]


WORLDS = """
model m
set Outlook = {mild, harsh, worst}
set Region = {n, s}
time y : year = 0 .. 3
param rate[o in Outlook] = if o == "mild" then 0.1 else if o == "harsh" then 0.2 else 0.5
param at_first[r in Region] = if r == "n" then 100 else 50
compartment A[Outlook, Region] "stock" : vial
compartment B[Region] : vial
initial A[o in Outlook, r in Region] = at_first[r]
initial B[r in Region] = at_first[r]
flow lose[o in Outlook, r in Region] : A[o, r] -> = rate[o] * A[o, r]
intervention help {
  decide more[Region] in 0 .. 10
  effect lose[o in Outlook, r in Region] += more[r]
}
chance most: probability 0.6 over o in Outlook weight 1/3 {
  limit enough: sum(r in Region: A[o, r, end]) >= 20
}
maximize { g : sum(more) }
"""


def test_compartments_of_scenarios_are_not_added_up(tmp_path: Path) -> None:
    path = tmp_path / "m.alloc"
    path.write_text(WORLDS, "utf-8")
    result = allocc.load(path).simulate({"more": 1})
    ends = {e.name: e for e in result.ends()}
    assert list(ends) == ["A[mild]", "A[harsh]", "A[worst]", "B"]
    for name in ("mild", "harsh", "worst"):
        row = ends[f"A[{name}]"]
        assert row.value == pytest.approx(result["A"][name].iloc[-1].sum())
        assert row.baseline == pytest.approx(result.baseline["A"][name].iloc[-1].sum())
    assert ends["B"].value == 150
    assert "A[worst]" in result.summary()


def test_a_line_for_each_scenario(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    path = tmp_path / "m.alloc"
    path.write_text(WORLDS, "utf-8")
    result = allocc.load(path).simulate({"more": 1})
    left, right = result.plot("trajectories").body.axes
    solid = [x.get_ydata() for x in left.get_lines() if x.get_linestyle() == "-"]
    for name, drawn in zip(("mild", "harsh", "worst"), solid, strict=True):
        np.testing.assert_allclose(drawn, result["A"][name].sum(axis=1))
    assert len(left.get_lines()) == 6 and len(right.get_lines()) == 2
    assert "each of 3 Outlook" in left.get_ylabel() and "total of 2 Region" in left.get_ylabel()


@given(st.permutations(["time", "apart", "added", "other"]), st.booleans(), st.data())
def test_courses(order: list[str], scenarios: bool, data: st.DataObject) -> None:
    """Each course is the sum of what is in its scenario, wherever time and scenarios stand."""
    size = {k: data.draw(st.integers(1, 3)) for k in order}
    axes = tuple(
        Labels(
            (k,),
            tuple((f"{k}{n}",) for n in range(size[k])),
            k == "time",
            scenarios and k == "apart",
        )
        for k in order
    )
    values = np.arange(float(np.prod([size[k] for k in order]))).reshape([size[k] for k in order])
    block = Block("A", "compartment", axes, values, baseline=2 * values)
    found = block.over_time()
    assert [c.labels for c in found] == (
        list(axes[order.index("apart")].members) if scenarios else [()]
    )
    for n, course in enumerate(found):
        here = values.take([n], order.index("apart")) if scenarios else values
        rest = tuple(i for i, k in enumerate(order) if k != "time")
        assert np.array_equal(course.values, here.sum(axis=rest))
        assert course.baseline is not None
        assert np.array_equal(course.baseline, 2 * course.values)
