"""Welfare functions: their values against NumPy, their optima against enumeration, their laws."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.shelf import (
    MINUTES,
    NEED,
    Array,
    Notion,
    best,
    chosen,
    functions,
    optimum,
    problem,
    solved,
    text,
    value_at,
)

FILE = "welfare.alloc"


def isoelastic(x: Array, aversion: float) -> Array:
    return np.log(x) if aversion == 1 else x ** (1 - aversion) / (1 - aversion)


def equivalent(x: Array, aversion: float) -> float:
    """Atkinson's equally distributed equivalent, as a generalized mean."""
    if aversion == 1:
        return float(np.prod(x) ** (1 / len(x)))
    return float(np.mean(x ** (1 - aversion)) ** (1 / (1 - aversion)))


def kolm_pollak(x: Array, kappa: float) -> float:
    return float(-np.log(np.mean(np.exp(-kappa * x))) / kappa)


def utility_threshold(x: Array, gap: float) -> float:
    """Member by member: one within the gap counts as the worst off."""
    counted = [x.min() if v - x.min() <= gap else v - gap for v in x]
    return float(sum(counted) + (len(x) - 1) * gap)


def equity_threshold(x: Array, gap: float) -> float:
    return float(sum(v if v - x.min() <= gap else x.min() + gap for v in x))


def atkinson(x: Array, aversion: float) -> float:
    if aversion == 1:
        return float(1 - np.prod(x) ** (1 / len(x)) / x.mean())
    return float(1 - np.mean((x / x.mean()) ** (1 - aversion)) ** (1 / (1 - aversion)))


def up(call: str, formula: Callable[[Array], float]) -> Notion:
    return Notion(call, formula, sense="maximize")


NOTIONS: dict[str, Notion] = {
    **{
        f"alpha_fair {a}": up(f"alpha_fair(x, {a})", lambda x, a=a: isoelastic(x, a).sum())
        for a in (0, 0.5, 1, 2, 3)
    },
    **{
        f"isoelastic {a}": up(
            f"isoelastic(x, need, {a})", lambda x, a=a: np.average(isoelastic(x, a), weights=NEED)
        )
        for a in (1, 2)
    },
    "nash": up("nash(x)", lambda x: np.log(np.prod(x))),
    **{
        f"atkinson_equivalent {a}": up(
            f"atkinson_equivalent(x, {a})", lambda x, a=a: equivalent(x, a)
        )
        for a in (0.5, 1, 2)
    },
    **{
        f"atkinson {a}": Notion(f"atkinson(x, {a})", lambda x, a=a: atkinson(x, a))
        for a in (0.5, 1, 2)
    },
    "kolm": Notion("kolm(x, 0.5)", lambda x: 2 * np.log(np.exp(0.5 * (x.mean() - x)).mean())),
    "kolm_pollak_mean": Notion("kolm_pollak_mean(x, 0.5)", lambda x: np.exp(-0.5 * x).mean()),
    "kolm_pollak_mean of burdens": Notion(
        "kolm_pollak_mean(x, -0.5)", lambda x: np.exp(0.5 * x).mean()
    ),
    "kolm_pollak_equivalent": up("kolm_pollak_equivalent(x, 0.5)", lambda x: kolm_pollak(x, 0.5)),
    "kolm_pollak_equivalent of burdens": Notion(
        "kolm_pollak_equivalent(x, -0.5)", lambda x: kolm_pollak(x, -0.5)
    ),
    "kolm_pollak_scale": Notion("kolm_pollak_scale(x, need)", lambda x: x @ NEED / (x**2 @ NEED)),
    **{
        f"utility_threshold {g}": up(
            f"utility_threshold(x, {g})", lambda x, g=g: utility_threshold(x, g)
        )
        for g in (0, 1.5, 9)
    },
    **{
        f"equity_threshold {g}": up(
            f"equity_threshold(x, {g})", lambda x, g=g: equity_threshold(x, g)
        )
        for g in (0, 1.5, 9)
    },
}


#: With a decision for the least, the optimum is that of the other form.
AT = {
    "utility_threshold_at": Notion(
        "utility_threshold_at(x, least, 1.5)",
        lambda x: utility_threshold(x, 1.5),
        "decide least in 0 .. 10  limit floor[s in S]: least <= x[s]",
        "maximize",
    )
}


def test_each_function_is_tested() -> None:
    tested = {n.split()[0] for n in (*NOTIONS, *AT)} | {"kolm_pollak_served"}
    assert tested == functions(FILE)


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_values(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    source = text(name.split()[0], FILE, f"minimize {{ measure : {notion.call} }}")
    model = problem(source, tmp_path)
    random = np.random.default_rng(7)
    for point in (NEED.copy(), np.full(4, 2.0), *random.uniform(1, 6, (8, 4))):
        assert value_at(model, point) == pytest.approx(notion.formula(point), rel=1e-9)


@pytest.mark.parametrize("name", sorted((NOTIONS | AT).keys() - {"kolm_pollak_scale"}))
def test_optimum(name: str, tmp_path: Path) -> None:
    notion = {**NOTIONS, **AT}[name]
    found = optimum(name.split()[0], FILE, notion, tmp_path)
    assert found.value == pytest.approx(best(notion), rel=2e-6)
    assert notion.formula(chosen(found).round()) == pytest.approx(found.value, rel=2e-6)


def test_served(tmp_path: Path) -> None:
    """Two of three sites, each place at one: the linear form has the least equivalent."""
    kappa = -0.03
    source = text(
        "kolm_pollak_served",
        FILE,
        f"minimize {{ measure : kolm_pollak_served(serve, need, minutes, {kappa}) }}",
        """decide open[F] binary
           decide serve[S, F] in 0 .. 1
           limit two: sum(open) <= 2
           limit once[s in S]: sum(f in F: serve[s, f]) == 1
           limit chosen[s in S, f in F]: serve[s, f] <= open[f]""",
    ).replace("decide x[S] in 1 .. 6", "")
    found = solved(source, tmp_path)

    def burden(sites: tuple[int, ...]) -> float:
        nearest = MINUTES[:, sites].min(axis=1)
        return float(np.log(np.average(np.exp(-kappa * nearest), weights=NEED)) / -kappa)

    least = min(burden(sites) for sites in combinations(range(3), 2))
    assert -np.log(found.value) / kappa == pytest.approx(least, rel=1e-6)


vectors = st.lists(st.floats(0.1, 20), min_size=2, max_size=6).map(np.array)


@given(vectors, st.floats(0.05, 1))
def test_laws_of_the_equivalents(x: Array, kappa: float) -> None:
    """What the comments say of the formulas that the functions are held against."""
    near = 1e-9
    for aversion in (0.5, 1, 2):
        assert x.min() - near <= equivalent(x, aversion) <= x.mean() + near
    assert x.min() - near <= kolm_pollak(x, kappa) <= x.mean() + near
    assert x.mean() - near <= kolm_pollak(x, -kappa) <= x.max() + near
    assert kolm_pollak(x + 3, kappa) == pytest.approx(kolm_pollak(x, kappa) + 3)


@given(vectors)
def test_ends_of_the_thresholds(x: Array) -> None:
    wide = float(np.ptp(x)) + 1
    n = len(x)
    assert utility_threshold(x, 0) == pytest.approx(x.sum())
    assert utility_threshold(x, wide) == pytest.approx(n * x.min() + (n - 1) * wide)
    assert equity_threshold(x, 0) == pytest.approx(n * x.min())
    assert equity_threshold(x, wide) == pytest.approx(x.sum())
