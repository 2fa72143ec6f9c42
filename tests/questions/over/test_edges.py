"""Draws that take something away: decisions from a limit, a range, the model of the means."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from allocc.errors import AlloccError


def load(folder: Path, text: str, worlds: str = "") -> allocc.Model:
    (folder / "m.alloc").write_text(text)
    if worlds:
        (folder / "w.csv").write_text(worlds)
    return allocc.load(folder / "m.alloc")


def test_a_draw_in_which_no_decision_serves_a_limit(tmp_path: Path) -> None:
    text = "model m param a = 1 param need = 2 decide x integer in 0 .. 5 limit l: a * x >= need minimize { c : x }"
    model = load(tmp_path, text)
    rows = [{"draw": "good", "a": 1.0}, {"draw": "bad", "a": 0.0}, {"draw": "best", "a": 2.0}]
    found = model.solve_over(rows)
    assert found.status == "infeasible" and "draw bad by itself" in found.message
    told = model.evaluate({"x": 2}, rows)
    assert [d.broken for d in told.draws] == [(), ("l",), ()]
    regret = model.regret({"x": 2}, rows)
    assert regret.draws[2].regret is not None and regret.draws[1].regret is None
    assert any("draw bad" in n for n in regret.notes)
    # Where the data alone keep the limit, it is no limit.
    fine = model.solve_over([{"a": 1.0, "need": 2.0}, {"a": 0.0, "need": -1.0}])
    assert fine.value == 2
    jointly = "model m param a = 1 decide x integer in 0 .. 5 limit l: x == a minimize { c : x }"
    found = load(tmp_path, jointly).solve_over([{"a": 1}, {"a": 2}])
    assert found.status == "infeasible" and "none serves all" in found.message


@pytest.mark.parametrize(
    "text",
    [
        (
            'model m param a = 1 scenario W from "w.csv" decide x integer in 0 .. 4 '
            "decide w integer in 0 .. 4 after W limit l: x + w >= 2 if a * x <= 2 minimize { c : x + 2 * w }"
        ),
        (
            'model m param a integer in 0 .. 9 = 1 scenario W from "w.csv" decide x integer in 0 .. 4 '
            "decide w integer in 0 .. 4 after W limit l: x + w >= a minimize { c : x + 2 * w }"
        ),
    ],
)
def test_means_that_make_no_model_cost_no_answer(text: str, tmp_path: Path) -> None:
    found = load(tmp_path, text, "a\n1\n2\n").solve_over()
    assert found.status == "optimal" and found.information is not None
    assert found.information.stochastic is None and found.information.why
    assert "is not told" in " ".join(found.summary().split())


def test_a_range_that_is_drawn_counts_as_a_limit_does(tmp_path: Path) -> None:
    text = """model v param cap = 2
scenario W from "w.csv"
decide x integer in 0 .. {cap}
decide w integer in 0 .. 9 after W
{limit}
limit need: x + w >= 4
minimize {{ c : x + 2 * w }}
"""
    both = (
        load(tmp_path, text.format(cap="cap", limit=""), "cap\n0\n4\n").solve_over(),
        load(tmp_path, text.format(cap="9", limit="limit c: x <= cap"), "cap\n0\n4\n").solve_over(),
    )
    for found in both:
        assert found.value == pytest.approx(8) and found.information is not None
        assert found.information.stochastic is None and found.information.broken == 1


def test_the_weights_of_a_scenario_are_known_in_its_file(tmp_path: Path) -> None:
    text = 'model m param a = 1 scenario W from "w.csv" weight p decide x in 0 .. 4 limit l: x >= a minimize { c : a * x }'
    model = load(tmp_path, text, "a,p\n1,1\n2,3\n")
    assert [d.weight for d in model.evaluate({"x": 2}, tmp_path / "w.csv").draws] == [0.25, 0.75]


def test_whole_powers_are_whole_and_what_has_no_range_is_told_at_once(tmp_path: Path) -> None:
    text = "model m param b = 1 decide w integer in 0 .. 4 limit l: w^2 > b + 2 minimize { c : w }"
    assert load(tmp_path, text).solve().value == 2
    open_ = """model m
time t = 0 .. 4 method trapezoid
compartment A compartment I
initial A = 100 initial I = 10
decide v integer in 0 .. 3
flow a : A -> I = 0.5 * A
flow b : I -> A = 0.5 * I
flow c : I -> = 2 * v
limit lg: I[end] > 150 implies v <= 1
minimize { c : v + I[end] }
"""
    try:
        found = load(tmp_path, open_).solve(time_limit=20)
    except AlloccError as error:
        assert error.diagnostics[0].code == "E5001" and error.diagnostics[0].span is not None
    else:
        assert found.status == "optimal"
