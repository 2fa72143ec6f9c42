"""Draws of what is uncertain: as distributed as they are said to be, and within their ranges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import allocc
from allocc.questions.over.drawing import draw, members

REST = "decide x in 0 .. 9\nlimit enough: x >= 0 * a\nminimize { cost : x }\n"
MANY = 4000


def drawn(folder: Path, text: str, count: int = MANY, seed: int = 0, **settings: Any) -> Any:
    path = folder / "model.alloc"
    path.write_text(text + REST, encoding="utf-8")
    found = draw(allocc.load(path, **settings).bound, count, seed)
    return {n: np.array([s[n] for s in found.settings]) for n in found.drawn}


#: Densities, written out: SciPy's distributions are what is tested.
CASES: list[tuple[str, Callable[[float], float], tuple[float, float]]] = [
    ("normal(2, 0.5)", lambda x: np.exp(-0.5 * ((x - 2) / 0.5) ** 2), (-3, 7)),
    ("lognormal(2, 0.3)", lambda x: np.exp(-0.5 * (np.log(x / 2) / 0.3) ** 2) / x, (1e-9, 14)),
    ("uniform(1, 4)", lambda x: float(1 <= x <= 4), (1, 4)),
    (
        "triangular(1, 2, 5)",
        lambda x: max(0.0, min((x - 1) / (2 - 1), (5 - x) / (5 - 2))),
        (1, 5),
    ),
    ("beta(2, 5)", lambda x: x * (1 - x) ** 4, (0, 1)),
]
RANGES = ["", "in 0 .. 1.5", "in 0.4 ..", "in .. 2.5"]


@pytest.mark.parametrize(("written", "density", "support"), CASES, ids=[c[0] for c in CASES])
@pytest.mark.parametrize("interval", RANGES)
def test_draws_are_distributed_as_it_is_said(
    written: str,
    density: Callable[[float], float],
    support: tuple[float, float],
    interval: str,
    tmp_path: Path,
) -> None:
    text = f"param a {interval} = 1\nuncertain a ~ {written}\n"
    sample = drawn(tmp_path, text)["a"]
    low, _, high = interval.removeprefix("in").partition("..")
    ends = (max(support[0], float(low.strip() or -9)), min(support[1], float(high.strip() or 99)))
    assert ends[0] <= sample.min() and sample.max() <= ends[1]

    grid = np.linspace(*ends, 4001)
    heights = np.array([density(x) for x in grid])
    share = integrate.cumulative_trapezoid(heights, grid, initial=0.0)

    def distribution(x: Any) -> Any:
        return np.interp(x, grid, share / share[-1])

    # So evenly does a Latin hypercube fill the probabilities that the distance is that of one draw.
    assert stats.kstest(sample, distribution).statistic < 2 / MANY
    whole = integrate.trapezoid(heights, grid)
    mean = integrate.trapezoid(grid * heights, grid) / whole
    spread = np.sqrt(integrate.trapezoid((grid - mean) ** 2 * heights, grid) / whole)
    assert sample.mean() == pytest.approx(mean, rel=1e-3)
    assert sample.std() == pytest.approx(spread, rel=3e-3)


def test_a_far_tail_keeps_its_digits(tmp_path: Path) -> None:
    text = "param a in 9 .. 10 = 9\nuncertain a ~ normal(0, 1)\n"
    sample = drawn(tmp_path, text)["a"]
    assert sample.min() >= 9 and sample.max() <= 10
    # Beyond x, a normal tail falls nearly as exp(-x t).
    assert sample.mean() - 9 == pytest.approx(1 / 9, rel=0.03)
    assert len(np.unique(sample)) == MANY
    other = drawn(tmp_path, text.replace("9 .. 10 = 9", "-10 .. -9 = -9"))["a"]
    assert other.mean() + 9 == pytest.approx(-1 / 9, rel=0.03)


def test_members_are_drawn_each_by_itself(tmp_path: Path) -> None:
    text = """
set R = {north, south, "Congo, Dem. Rep."}
param middle[r in R] = if r == "north" then 1 else 5
param rate[R] in 0 .. = 1
param a = 1
uncertain rate[r in R] ~ lognormal(middle[r], 0.2)
uncertain a ~ normal(3, 1)
limit used: x >= 0 * sum(rate)
"""
    found = drawn(tmp_path, text)
    assert list(found) == ["rate[north]", "rate[south]", 'rate["Congo, Dem. Rep."]', "a"]
    assert np.median(found["rate[north]"]) == pytest.approx(1, rel=1e-3)
    assert np.median(found["rate[south]"]) == pytest.approx(5, rel=1e-3)
    between = np.corrcoef(list(found.values()))
    assert np.abs(between - np.eye(4)).max() < 0.05
    # Each name is one that the model takes.
    model = allocc.load(tmp_path / "model.alloc")
    names = [n for u in model.bound.uncertain for n in members(u)]
    again = allocc.load(tmp_path / "model.alloc", **{n: 2.0 for n in names})
    assert (again.bound.parameters["rate"].values == 2.0).all()


def test_a_parameter_over_time(tmp_path: Path) -> None:
    text = """
time t = 0 .. 2
param rate[period] = 1
param a = 1
uncertain rate ~ uniform(1, 2)
limit used: x >= 0 * sum(rate)
"""
    assert list(drawn(tmp_path, text, 3)) == ["rate[0]", "rate[1]"]


def test_the_seed_chooses(tmp_path: Path) -> None:
    text = "param a = 1\nuncertain a ~ normal(0, 1)\n"
    first, again, other = (drawn(tmp_path, text, 5, seed)["a"] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_numbers_follow_what_is_set(tmp_path: Path) -> None:
    text = "param a = 1\nuncertain a ~ normal(a, 0.1)\n"
    assert drawn(tmp_path, text, a=7)["a"].mean() == pytest.approx(7, abs=1e-3)
    path = tmp_path / "fixed.alloc"
    path.write_text("param a = 1\nuncertain a ~ normal(1, 0.1)\n" + REST, encoding="utf-8")
    assert "set from outside" in draw(allocc.load(path, a=7).bound, 5).notes[0]
