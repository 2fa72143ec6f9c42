"""Functions of the order: their values against NumPy, their optima against enumeration, their laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.shelf import (
    LIMITS,
    NEED,
    WEIGHTS,
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

FILE = "order.alloc"
LEVEL = "decide level in 0 .. 10"
LEVELS = "decide level[K] in 0 .. 10"


def largest(x: Array, k: float) -> float:
    """The sum of the k largest, by going through them in order."""
    total = 0.0
    for value in sorted(x, reverse=True):
        part = min(1.0, max(k, 0.0))
        total, k = total + part * value, k - part
    return total


def smallest(x: Array, k: float) -> float:
    return -largest(-x, k)


def palma(x: Array) -> float:
    """From Lorenz' curve, which is straight between members."""
    people = np.arange(len(x) + 1) / len(x)
    held = np.concatenate([[0], np.cumsum(np.sort(x))]) / x.sum()
    return float((1 - np.interp(0.9, people, held)) / np.interp(0.4, people, held))


def mcloone(x: Array) -> float:
    lower = np.sort(x)[: (len(x) + 1) // 2]
    return float(lower.sum() / (len(lower) * lower[-1]))


NOTIONS: dict[str, Notion] = {
    **{
        f"sum_of_largest {k}": Notion(f"sum_of_largest(x, {k})", lambda x, k=k: largest(x, k))
        for k in (1, 1.6, 2, 4)
    },
    **{
        f"sum_of_smallest {k}": Notion(
            f"sum_of_smallest(x, {k})", lambda x, k=k: smallest(x, k), sense="maximize"
        )
        for k in (1, 1.6, 2, 4)
    },
    "owa": Notion("owa(x, w)", lambda x: np.sort(x)[::-1] @ WEIGHTS),
    "palma": Notion("palma(x)", palma),
    "mcloone": Notion("mcloone(x)", mcloone, sense="maximize"),
    "lower_median": Notion("lower_median(x)", lambda x: np.sort(x)[1], sense="maximize"),
}
#: With decisions for levels, the optimum is that of the other form.
AT: dict[str, Notion] = {
    "sum_of_largest_at": Notion(
        "sum_of_largest_at(x, level, 1.6)", lambda x: largest(x, 1.6), LEVEL
    ),
    "sum_of_smallest_at": Notion(
        "sum_of_smallest_at(x, level, 1.6)", lambda x: smallest(x, 1.6), LEVEL, "maximize"
    ),
    "owa_at": Notion("owa_at(x, level, w)", lambda x: np.sort(x)[::-1] @ WEIGHTS, LEVELS),
}


def test_each_function_is_tested() -> None:
    tested = {n.split()[0] for n in (*NOTIONS, *AT)}
    assert tested | {"palma_at", "mcloone_at", "size_of_lower_half", "weight_step"} == functions(
        FILE
    )


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_values(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    source = text(name.split()[0], FILE, f"minimize {{ measure : {notion.call} }}")
    model = problem(source, tmp_path)
    random = np.random.default_rng(7)
    for point in (NEED.copy(), np.full(4, 2.0), *random.uniform(1, 6, (8, 4))):
        assert value_at(model, point) == pytest.approx(notion.formula(point), rel=1e-9)


@pytest.mark.parametrize("name", sorted(NOTIONS | AT))
def test_optimum(name: str, tmp_path: Path) -> None:
    notion = {**NOTIONS, **AT}[name]
    found = optimum(name.split()[0], FILE, notion, tmp_path)
    assert found.value == pytest.approx(best(notion), rel=2e-6)
    assert notion.formula(chosen(found).round()) == pytest.approx(found.value, rel=2e-6)


@pytest.mark.parametrize("name", ["palma", "palma_at"])
def test_palma_in_a_limit(name: str, tmp_path: Path) -> None:
    """The ratio and the form with levels allow the same."""
    level = 0.47
    if name == "palma":
        more = f"limit fair: palma(x) <= {level}"
    else:
        more = f"""decide high in 0 .. 10  decide low in 0 .. 10
            limit fair: palma_at(x, high, low, {level}) <= 0"""
    gain = 'maximize { gain : x["a"] + 2 * x["b"] + 5 * x["c"] + 3 * x["d"] }'
    allowed = [x for x in whole() if palma(x) <= level]
    assert 0 < len(allowed) < len(list(whole()))
    most = max(float(np.array([1, 2, 5, 3]) @ x) for x in allowed)
    found = solved(text(name, FILE, gain, more + LIMITS, "integer in 1 .. 6"), tmp_path)
    assert found.value == pytest.approx(most)
    assert palma(chosen(found).round()) <= level


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_mcloone_in_a_limit(level: float, tmp_path: Path) -> None:
    """The form with a median allows what the index allows."""
    more = f"""decide low in 0 .. 10  decide median in 0 .. 10  decide below[S] binary
        limit half: sum(below) >= size_of_lower_half(need)
        limit halved[s in S]: below[s] * (x[s] - median) <= 0
        limit fair: mcloone_at(x, low, median, {level}) <= 0"""
    gain = 'maximize { gain : x["a"] + 2 * x["b"] + 5 * x["c"] + 3 * x["d"] }'
    allowed = [x for x in whole() if mcloone(x) >= level - 1e-9]
    assert 0 < len(allowed) < len(list(whole()))
    source = text("mcloone_at, size_of_lower_half", FILE, gain, more + LIMITS, "integer in 1 .. 6")
    found = solved(source, tmp_path)
    assert found.value == pytest.approx(max(float(np.array([1, 2, 5, 3]) @ x) for x in allowed))
    assert mcloone(chosen(found).round()) >= level - 1e-9


vectors = st.lists(st.floats(0.1, 20), min_size=2, max_size=8).map(np.array)


@given(vectors, st.floats(0, 1))
def test_level_of_the_largest(x: Array, part: float) -> None:
    """The least over all levels is taken at a member, and is the sum of the largest."""
    k = part * len(x)
    at = [k * level + np.maximum(x - level, 0).sum() for level in x]
    assert min(at) == pytest.approx(largest(x, k), abs=1e-9)
    between = np.linspace(x.min() - 1, x.max() + 1, 50)
    assert min(k * v + np.maximum(x - v, 0).sum() for v in between) >= min(at) - 1e-9


@given(vectors)
def test_equal_and_scaled(x: Array) -> None:
    """Neither ratio asks for the total, and each is at its end where all have the same."""
    for index, equal in ((palma, 0.25), (mcloone, 1)):
        assert index(7 * x) == pytest.approx(index(x))
        assert index(np.ones(len(x))) == pytest.approx(equal)
