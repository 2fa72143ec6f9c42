"""Groups, envy and access to sites: against NumPy, against enumeration, and by their laws."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.shelf import (
    MEMBERS,
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

FILE = "access.alloc"
REACH = 30


def rates(x: Array) -> Array:
    return MEMBERS @ x / MEMBERS.sum(axis=1)


def access(sites: tuple[int, ...]) -> float:
    reached = (MINUTES[:, sites] <= REACH).any(axis=1)
    return float(NEED[reached].sum() / NEED.sum())


def catchment(supply: Array, people: Array, minutes: Array, reach: float) -> Array:
    """Two steps: the ratio of each site, then their sum for each place."""
    within = minutes <= reach
    ratio = np.array(
        [s / people[w].sum() if w.any() else 0 for s, w in zip(supply, within.T, strict=True)]
    )
    return np.array([ratio[w].sum() for w in within])


NOTIONS: Mapping[str, Notion] = {
    "group_rate": Notion('group_rate("h", x, members)', lambda x: x.mean()),
    "parity": Notion("parity(x, members)", lambda x: np.ptp(rates(x))),
    "envy": Notion(
        "envy(x, need)",
        lambda x: sum(max(b - a, 0) for a in x / NEED for b in x / NEED),
    ),
    "largest_envy": Notion(
        "largest_envy(x, need)",
        lambda x: max(b - a for a in x / NEED for b in x / NEED),
    ),
}
OF_SITES = {
    "access_within",
    "people_within",
    "floating_catchment",
    "worst_catchment",
    "weighted_people",
    "weighted_catchment",
}


def test_each_function_is_tested() -> None:
    assert NOTIONS.keys() | OF_SITES == functions(FILE)


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_values(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    model = problem(text(name, FILE, f"minimize {{ measure : {notion.call} }}"), tmp_path)
    random = np.random.default_rng(7)
    for point in (NEED.copy(), np.full(4, 2.0), *random.uniform(1, 6, (8, 4))):
        assert value_at(model, point) == pytest.approx(notion.formula(point), abs=1e-9)


@pytest.mark.parametrize("name", sorted(NOTIONS))
def test_optimum(name: str, tmp_path: Path) -> None:
    notion = NOTIONS[name]
    found = optimum(name, FILE, notion, tmp_path)
    assert found.value == pytest.approx(best(notion), abs=1e-6)
    assert notion.formula(chosen(found).round()) == pytest.approx(found.value, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_access(count: int, tmp_path: Path) -> None:
    """The best sites, against all choices of so many."""
    source = text(
        "access_within",
        FILE,
        f"maximize {{ reached : access_within(open, need, minutes, {REACH}) }}",
        f"decide open[F] binary  limit some: sum(open) <= {count}",
    ).replace("decide x[S] in 1 .. 6", "")
    found = solved(source, tmp_path)
    assert found.value == pytest.approx(max(access(s) for s in combinations(range(3), count)))
    assert access(tuple(np.flatnonzero(chosen(found, "open") > 0.5))) == pytest.approx(found.value)


SUPPLY = "decide supply[F] in 0 .. 10  limit all: sum(supply) <= 10"


@pytest.mark.parametrize("place", range(4))
def test_catchment(place: int, tmp_path: Path) -> None:
    """One place's access at random supplies; weights of 0 and 1 are the form without weights."""
    calls = {
        "floating_catchment": f'floating_catchment("{"abcd"[place]}", supply, served, minutes, 40)',
        "weighted_catchment": f'weighted_catchment("{"abcd"[place]}", supply, weighted, near)',
    }
    near = """
        use people_within, weighted_people from "access.alloc"
        param near[s in S, f in F] = if minutes[s, f] <= 40 then 1 else 0
        param served[f in F] = people_within(f, need, minutes, 40)
        param weighted[f in F] = weighted_people(f, need, near)"""
    random = np.random.default_rng(place)
    supplies = random.uniform(0, 5, (6, 3))
    for name, call in calls.items():
        source = text(name, FILE, f"minimize {{ measure : {call} }}", near + " " + SUPPLY)
        model = problem(source.replace("decide x[S] in 1 .. 6", ""), tmp_path)
        for supply in supplies:
            expected = catchment(supply, NEED, MINUTES, 40)[place]
            assert value_at(model, supply) == pytest.approx(expected)


def test_weighted_catchment(tmp_path: Path) -> None:
    weight = np.exp(-MINUTES / 30)
    source = text(
        "weighted_catchment",
        FILE,
        'minimize { measure : weighted_catchment("b", supply, weighted, near) }',
        """use weighted_people from "access.alloc"
           param near[s in S, f in F] = exp(-minutes[s, f] / 30)
           param weighted[f in F] = weighted_people(f, need, near) """
        + SUPPLY,
    ).replace("decide x[S] in 1 .. 6", "")
    supply = np.array([1.0, 4.0, 2.0])
    expected = (weight * supply / (NEED @ weight)).sum(axis=1)[1]
    assert value_at(problem(source, tmp_path), supply) == pytest.approx(expected)


def test_worst_catchment(tmp_path: Path) -> None:
    """The best whole supplies for the place that has least, against all of them."""
    source = text(
        "worst_catchment",
        FILE,
        "maximize { least : worst_catchment(supply, served, minutes, 40) }",
        """use people_within from "access.alloc"
           param served[f in F] = people_within(f, need, minutes, 40) """
        + SUPPLY.replace("in 0", "integer in 0"),
    ).replace("decide x[S] in 1 .. 6", "")
    every = (np.array([a, b, 10 - a - b]) for a in range(11) for b in range(11 - a))
    most = max(catchment(s, NEED, MINUTES, 40).min() for s in every)
    assert solved(source, tmp_path).value == pytest.approx(most)


@given(st.integers(0, 10_000), st.floats(5, 100))
def test_catchments_add_up_to_the_supply(seed: int, reach: float) -> None:
    """Over all people: the supply of the sites that have anybody within reach."""
    random = np.random.default_rng(seed)
    minutes = random.uniform(0, 100, (6, 4))
    people, supply = random.uniform(1, 9, 6), random.uniform(0, 9, 4)
    used = (minutes <= reach).any(axis=0)
    total = people @ catchment(supply, people, minutes, reach)
    assert total == pytest.approx(supply[used].sum())


def test_two_groups(tmp_path: Path) -> None:
    """Of two groups, parity is the size of `rate_disparity`."""
    more = "set H = {g, i}  param two[h in H, s in S] = members[h, s]"
    first = problem(text("parity", FILE, "minimize { p : parity(x, two) }", more), tmp_path)
    point = np.array([1.0, 5.0, 2.0, 3.0])
    others, group = rates(point)[0], rates(point)[2]
    assert value_at(first, point) == pytest.approx(abs(others - group))
