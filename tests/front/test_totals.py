"""Totals over time: amounts where the units say that something is a rate, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc

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
