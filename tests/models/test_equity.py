"""The equity functions: their values against NumPy, and what small models choose by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from allocc.engine.judging.assess import assess
from tests.models.shelf import Array, chosen, problem, solved

NEED = np.array([3.0, 1.0, 4.0, 2.0])
TAIL = 0.4


def mean_of_worst(x: Array, tail: float) -> float:
    """The mean of the worst part of equally likely values, by going through them in order."""
    left, total = tail * len(x), 0.0
    for value in sorted(x, reverse=True):
        part = min(1.0, left)
        total += part * value
        left -= part
    return float(total / (tail * len(x)))


FORMULAS: Mapping[str, tuple[str, Callable[[Array], float]]] = {
    "l1": ("l1(x, need)", lambda x: float(np.abs(x - NEED).sum())),
    "l2": ("l2(x, need)", lambda x: float(np.linalg.norm(x - NEED))),
    "squares": ("squares(x, need)", lambda x: float(((x - NEED) ** 2).sum())),
    "linf": ("linf(x, need)", lambda x: float(np.abs(x - NEED).max())),
    "worst_off": ("worst_off(x)", lambda x: float(x.min())),
    "range": ("range(x)", lambda x: float(np.ptp(x))),
    "gini": (
        "gini(x)",
        lambda x: float(np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * x.sum())),
    ),
    "rate_disparity": (
        "rate_disparity(0.75 * x, need, 0.25 * x, 1 + need)",
        lambda x: float(0.75 * x.sum() / NEED.sum() - 0.25 * x.sum() / (1 + NEED).sum()),
    ),
    "proportional_shortfall": (
        "proportional_shortfall(x, need)",
        lambda x: float(np.maximum(NEED / NEED.sum() * x.sum() - x, 0).sum()),
    ),
    "cvar": (f"cvar(x, {TAIL})", lambda x: mean_of_worst(x, TAIL)),
    "cvar_at": (
        f"cvar_at(x, 2, {TAIL})",
        lambda x: float(2 + np.maximum(x - 2, 0).sum() / (TAIL * len(x))),
    ),
}


def text(name: str, measure: str, sense: str = "minimize", more: str = "") -> str:
    return f"""
        model small
        use {name} from "equity.alloc"
        set S = {{a, b, c, d}}
        param need[s in S] = if s == "a" then 3 else if s == "b" then 1 else if s == "c" then 4 else 2
        decide x[S] in 1 .. 6
        {more}
        {sense} {{ measure : {measure} }}
    """


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_values(name: str, tmp_path: Path) -> None:
    measure, formula = FORMULAS[name]
    model = problem(text(name, measure), tmp_path)
    (x,) = model.decisions
    random = np.random.default_rng(7)
    for point in (NEED.copy(), np.ones(4), *random.uniform(1, 6, (5, 4))):
        assert assess(model, {x: point}).value == pytest.approx(formula(point), abs=1e-9)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_values_of_data(name: str, tmp_path: Path) -> None:
    """The functions serve parameters as well as decisions."""
    measure, formula = FORMULAS[name]
    source = text(name, measure, more="decide y in 0 .. 1  limit some: y >= 0.5").replace(
        "decide x[S] in 1 .. 6",
        'param x[s in S] = if s == "a" then 2 else if s == "b" then 5 else if s == "c" then 1 else 1.5',
    )
    found = solved(source.replace("minimize {", "minimize { y : y"), tmp_path)
    expected = formula(np.array([2.0, 5.0, 1.0, 1.5]))
    assert found.terms["measure"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["l1", "linf", "squares", "l2"])
def test_nearest(name: str, tmp_path: Path) -> None:
    """Twelve for a need of ten, and `a` has one at most: the distances are known by hand."""
    more = 'limit all: sum(x) == 12  limit small: x["a"] <= 1'
    found = solved(text(name, f"{name}(x, need)", more=more), tmp_path, 1e-6)
    # a lacks 2, so that the others have 4 more than they need
    expected = {"l1": 6.0, "linf": 2.0, "squares": 4 + 3 * (4 / 3) ** 2, "l2": np.sqrt(28 / 3)}
    assert found.value == pytest.approx(expected[name], rel=2e-6)
    assert chosen(found)[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "measure", "sense", "value"),
    [
        ("worst_off", "worst_off(x)", "maximize", 2.0),
        ("range", "range(x)", "minimize", 10 / 3 - 2),
        # 12 * (2, 10/3, 10/3, 10/3): six ordered pairs differ by 4/3
        ("gini", "gini(x)", "minimize", 6 * (4 / 3) / (2 * 4 * 12)),
        # in proportion to 3, 1, 4, 2 `a` should have 3.6
        ("proportional_shortfall", "proportional_shortfall(x, need)", "minimize", 1.6),
        # the worst 1.6 of four members: all that are not `a` have 10/3
        ("cvar", f"cvar(x, {TAIL})", "minimize", 10 / 3),
    ],
)
def test_most_equal(name: str, measure: str, sense: str, value: float, tmp_path: Path) -> None:
    more = 'limit all: sum(x) == 12  limit small: x["a"] <= 2'
    found = solved(text(name, measure, sense, more), tmp_path)
    assert found.value == pytest.approx(value, rel=1e-6)


def test_level_of_the_worst(tmp_path: Path) -> None:
    """With a decision for the level, the linear form has the value of the other one."""
    more = "limit all: sum(x * need) == 30  decide level in 0 .. 10"
    linear = solved(text("cvar_at", f"cvar_at(x, level, {TAIL})", more=more), tmp_path)
    binary = solved(
        text("cvar", f"cvar(x, {TAIL})", more="limit all: sum(x * need) == 30"), tmp_path
    )
    assert linear.value == pytest.approx(binary.value, rel=1e-6)
    assert linear.value == pytest.approx(mean_of_worst(chosen(linear), TAIL), rel=1e-6)


def test_groups(tmp_path: Path) -> None:
    """The rate of the group is raised where its share is largest."""
    share = 'param share[s in S] = if s == "c" then 0.5 else 0.25'
    measure = "rate_disparity((1 - share) * x, (1 - share) * need, share * x, share * need)"
    found = solved(
        text("rate_disparity", measure, more=share + " limit all: sum(x) == 9"), tmp_path
    )
    x = chosen(found)
    assert x == pytest.approx([1, 1, 6, 1])
    part = np.array([0.25, 0.25, 0.5, 0.25])
    rates = [(g * x).sum() / (g * NEED).sum() for g in (1 - part, part)]
    assert found.value == pytest.approx(rates[0] - rates[1])
