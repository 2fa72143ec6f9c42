"""`total`: the amount of a rate over time, its sum times the step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import allocc
from allocc.cli.root import cli

MODEL = """
model m
time y : year = 0 .. {last} step {step}
set D = {{a, b}}
decide spend[D, period] "money" : USD/year in 0 .. 100
report every : USD = total(spend)
report bound : USD = total(d in D, p in period: spend[d, p])
report one[d in D] : USD = total(spend[d])
report late : USD = total(p in period if p > start: spend["a", p])
report points : USD = total(d in D, y if y < end: spend[d, y])
maximize {{ g : total(spend) }}
"""


def model(folder: Path, text: str) -> allocc.Model:
    path = folder / "m.alloc"
    path.write_text(text, "utf-8")
    return allocc.load(path)


@settings(deadline=None, max_examples=20)
@given(quarters=st.integers(2, 12), step=st.sampled_from([0.25, 0.5, 1, 2]))
def test_total_of_a_constant_rate_is_rate_times_time(
    tmp_path_factory: pytest.TempPathFactory, quarters: int, step: float
) -> None:
    last = quarters * step
    found = model(tmp_path_factory.mktemp("m"), MODEL.format(last=last, step=step)).solve()
    assert found.value == pytest.approx(200 * last)
    for name in ("every", "bound", "points"):
        assert float(found[name]) == pytest.approx(200 * last)
    assert np.allclose(found["one"], 100 * last)
    assert float(found["late"]) == pytest.approx(100 * (last - step))


@pytest.mark.parametrize(
    ("rate", "time", "amount"),
    [
        ("USD/year", "year", "USD"),
        ("1/week", "week", "1"),
        ("USD/(person*week)", "week", "USD/person"),
        ("person*day/(bed*week)", "week", None),
        ("USD", "year", None),
        ("USD/week", "year", None),
        ("USD/year^2", "year", None),
        ("USD*year", "year", None),
    ],
)
def test_only_a_rate_in_the_unit_of_time_has_a_total(
    tmp_path: Path, rate: str, time: str, amount: str | None
) -> None:
    text = f"""
model m
time t : {time} = 0 .. 4
decide x[period] : {rate} in 0 .. 1
report all = total(x)
maximize {{ g : 1 * sum(x) }}
"""
    if amount is None:
        with pytest.raises(allocc.AlloccError, match="E2042"):
            model(tmp_path, text)
    else:
        assert model(tmp_path, text).units()["all"] == amount


def test_without_units_the_step_counts_all_the_same(tmp_path: Path) -> None:
    text = MODEL.format(last=1, step=0.25).replace(" : USD/year", "").replace(" : USD", "")
    assert model(tmp_path, text).solve().value == pytest.approx(200)


def test_a_function_of_the_model_goes_before(tmp_path: Path) -> None:
    text = """
model m
function total(x[S]) = 2 * sum(x)
decide x[d in {a, b}] in 0 .. 1
maximize { g : total(x) }
"""
    text = text.replace("{a, b}]", "D]").replace("function", "set D = {a, b}\nfunction")
    assert model(tmp_path, text).solve().value == pytest.approx(4)


def test_formulas_have_the_length_of_a_period(tmp_path: Path) -> None:
    path = tmp_path / "m.alloc"
    path.write_text(MODEL.format(last=1, step=0.25), "utf-8")
    found = CliRunner().invoke(cli, ["render", str(path), "--to", "latex"])
    assert r"\Delta y \sum_{d \in D, p \in \mathcal{P}}" in found.output
    assert r"$\Delta y$ & length of a period & $0.25$" in found.output
