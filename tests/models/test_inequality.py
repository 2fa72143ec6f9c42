"""Indices of inequality: their values against NumPy, optima and limits against enumeration, laws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.shelf import (
    LIMITS,
    NEED,
    STANDING,
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
    whole,
)

FILE = "inequality.alloc"
RANK = np.array([1.0, 2.0, 3.0, 4.0])
RANKS = "param rank[s in S] = " + "".join(
    f'if s == "{s}" then {r} else ' for s, r in zip("abc", RANK, strict=False)
)
RANKS += f"{RANK[3]}"
#: What each has does not fall along a, b, c, d.
ORDER = "limit order[i in S, j in S if rank[j] == rank[i] + 1]: x[i] <= x[j]"


def gini(x: Array, n: Array) -> float:
    """Of the rates x / n, each as often as there are people: by the area under Lorenz' curve."""
    order = np.argsort(x / n)
    people = np.concatenate([[0], np.cumsum(n[order])]) / n.sum()
    held = np.concatenate([[0], np.cumsum(x[order])]) / x.sum()
    return float(1 - (np.diff(people) * (held[1:] + held[:-1])).sum())


def theil(x: Array) -> float:
    share = x / x.sum()
    return float((share * np.log(share * len(x))).sum())


def concentration(x: Array, n: Array, standing: Array) -> float:
    """Kakwani, Wagstaff and van Doorslaer's formula, with those of one standing put together."""
    below, area = 0.0, 0.0
    for level in np.unique(standing):
        here = standing == level
        part = n[here].sum() / n.sum()
        area += x[here].sum() / x.sum() * (below + part / 2)
        below += part
    return 2 * area - 1


NOTIONS: Mapping[str, Notion] = {
    "hoover": Notion("hoover(x)", lambda x: np.abs(x / x.sum() - 1 / len(x)).sum() / 2),
    "hoover_at": Notion(
        "hoover_at(x, average)",
        lambda x: np.abs(x / x.sum() - 1 / len(x)).sum() / 2,
        "let average = mean(x)",
    ),
    "hoover_of_rates": Notion(
        "hoover_of_rates(x, need)", lambda x: np.abs(x / x.sum() - NEED / NEED.sum()).sum() / 2
    ),
    "gini_of_rates": Notion("gini_of_rates(x, need)", lambda x: gini(x, NEED)),
    "gini_ranked": Notion(
        "gini_ranked(x, rank)",
        lambda x: 2 * (RANK * x).sum() / (len(x) * x.sum()) - 1 - 1 / len(x),
        RANKS,
    ),
    "theil": Notion("theil(x)", theil),
    "mean_log_deviation": Notion("mean_log_deviation(x)", lambda x: -np.log(x / x.mean()).mean()),
    "jain": Notion("jain(x)", lambda x: 1 / (1 + x.var() / x.mean() ** 2), sense="maximize"),
    "coefficient_of_variation": Notion("coefficient_of_variation(x)", lambda x: x.std() / x.mean()),
    "coefficient_of_variation_at": Notion(
        "coefficient_of_variation_at(x, average)",
        lambda x: x.std() / x.mean(),
        "let average = mean(x)",
    ),
    "concentration_index": Notion(
        "concentration_index(x, need, standing)", lambda x: concentration(x, NEED, STANDING)
    ),
}


def test_each_function_is_tested() -> None:
    tested = {n.split()[0] for n in NOTIONS}
    assert tested | {"fractional_rank"} == functions(FILE)


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_values(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    source = text(name.split()[0], FILE, f"minimize {{ measure : {notion.call} }}", notion.more)
    model = problem(source, tmp_path)
    random = np.random.default_rng(7)
    for point in (NEED.copy(), np.full(4, 2.0), *random.uniform(1, 6, (8, 4))):
        assert value_at(model, point) == pytest.approx(notion.formula(point), abs=1e-9)


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_optimum(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    found = optimum(name.split()[0], FILE, notion, tmp_path, gap=1e-5)
    assert found.value == pytest.approx(best(notion), rel=2e-5, abs=1e-6)
    assert notion.formula(chosen(found).round()) == pytest.approx(found.value, rel=1e-5, abs=1e-6)


GAIN = np.array([1.0, 2.0, 5.0, 3.0])


@pytest.mark.parametrize("name", sorted(NOTIONS.keys() - {"gini_ranked", "theil"}))
def test_in_a_limit(name: str, tmp_path: Path) -> None:
    """The best gain under a limit on the index, where the total is free to change."""
    notion = NOTIONS[name]
    points = [x for total in range(4, 15) for x in whole(total)]
    values = np.array([notion.formula(x) for x in points])
    level = float(np.quantile(values, 0.2 if notion.sense == "minimize" else 0.8)) + 1e-5
    sign = "<=" if notion.sense == "minimize" else ">="
    fair = values <= level if sign == "<=" else values >= level
    most = max(float(GAIN @ x) for x, f in zip(points, fair, strict=True) if f)
    limits = LIMITS.replace("sum(x) == 12", "sum(x) <= 14")
    limits += f"limit fair: {notion.call} {sign} {level!r}"
    gain = 'maximize { gain : x["a"] + 2 * x["b"] + 5 * x["c"] + 3 * x["d"] }'
    source = text(name.split()[0], FILE, gain, notion.more + limits, "integer in 1 .. 6")
    assert solved(source, tmp_path, 1e-6).value == pytest.approx(most, abs=1e-4)


def test_ranked_is_gini_in_order(tmp_path: Path) -> None:
    """With the order as a limit, the linear form is Gini's coefficient."""
    more = RANKS + " " + ORDER + LIMITS
    found = solved(
        text("gini_ranked", FILE, "minimize { g : gini_ranked(x, rank) }", more), tmp_path
    )
    x = chosen(found)
    assert found.value == pytest.approx(gini(x, np.ones(4)), abs=1e-7)
    pairs = solved(text("gini", "equity.alloc", "minimize { g : gini(x) }", more), tmp_path)
    assert found.value == pytest.approx(pairs.value, abs=1e-6)


vectors = st.lists(st.floats(0.1, 20), min_size=2, max_size=8).map(np.array)


@given(vectors, st.integers(0, 1000))
def test_ranks_are_below_gini(x: Array, seed: int) -> None:
    """In whatever order: what `gini_ranked` and `concentration_index` say of their limits."""
    random = np.random.default_rng(seed)
    order = random.integers(0, len(x), len(x)).astype(float)
    for n in (np.ones(len(x)), random.uniform(0.5, 5, len(x))):
        assert abs(concentration(x, n, order)) <= gini(x, n) + 1e-9
        assert concentration(x, n, x / n) == pytest.approx(gini(x, n), abs=1e-9)


@given(vectors)
def test_equal_and_scaled(x: Array) -> None:
    """Indices do not ask for the total, and are at their end where all have the same."""
    one = np.ones(len(x))
    for index in (theil, lambda v: gini(v, one)):
        assert index(7 * x) == pytest.approx(index(x), abs=1e-9)
        assert index(one) == pytest.approx(0, abs=1e-9)
