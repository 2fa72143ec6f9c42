"""The library's dynamics and interventions, put together by `use` (language reference, §9.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import allocc

OPIOID = """
use opioid from "opioid.alloc" (S0 = 985034, P0 = 52423, I0 = 4000, A0 = 7204, R0 = 5094,
  D0 = 1918, phi = 0, epsilon = 2.435, beta = 0.000279, zeta = 0.4883, mu = 0.00889)
time t : year = 2017 .. 2019 step 0.25
"""
EPIDEMIC = """
set Region = {north, south}
param people[r in Region] = if r == "north" then 10000 else 4000
time w : week = 0 .. 4
"""
INFECTED = "minimize { infected : sum(r in Region, k in period: infect[r, k]) }"


def load(text: str, folder: Path) -> Any:
    path = folder / "used.alloc"
    path.write_text("model used\n" + text, "utf-8")
    return allocc.load(path)


def test_opioid_and_naloxone(tmp_path: Path) -> None:
    """Kits scale the deaths, and their money is limited."""
    kits = 'use naloxone from "naloxone.alloc" (enough = 20000, averted = 0.2, price = 50)'
    limit = "limit budget[k in period]: kit_cost[k] <= 5e5"
    model = load(f"{OPIOID} {kits} {limit} minimize {{ deaths : D[end] }}", tmp_path)
    found = model.solve(gap=1e-6, threads=1)
    assert found.status == "optimal"
    assert found.decisions["kits"].to_numpy() == pytest.approx(10000, rel=1e-6)
    # a period's deaths: the people with the disorder at its begin, times nine tenths of the rate
    a = found.trajectories["A"].to_numpy()
    assert found.value == pytest.approx(1918 + (0.9 * 0.00889 * a[:-1]).sum() / 4, rel=1e-9)


def test_opioid_as_in_the_example(tmp_path: Path) -> None:
    """Without decisions the library's dynamics are those of the example."""
    known = allocc.load(Path(__file__).parents[2] / "examples" / "opioid" / "opioid.alloc")
    found = load(OPIOID, tmp_path).simulate()
    assert found.trajectories["A"].to_numpy() == pytest.approx(
        known.simulate().trajectories["A"].to_numpy(), rel=1e-12
    )


def test_facilities_over_another_set(tmp_path: Path) -> None:
    """The set of an intervention can be bound like its parameters."""
    use = (
        'use facilities from "facilities.alloc" (Place = Site, existing = 2, plan = 6, grant = 1e6)'
    )
    text = f"set Site = {{east, west}} {OPIOID} {use} minimize {{ people : A[end] }}"
    found = load(text, tmp_path).solve(gap=1e-4, threads=1, time_limit=60)
    assert found.status == "optimal"
    assert sorted(found.decisions["open"]) == [2, 4]


@pytest.mark.parametrize("name", ["sir", "seir"])
def test_epidemic_with_two_interventions(name: str, tmp_path: Path) -> None:
    more = ", exposed = 10, sigma = 0.7" if name == "seir" else ""
    text = f"""{EPIDEMIC}
        use {name} from "{name}.alloc" (population = people, ill = 20, beta = 1.1, gamma = 0.5{more})
        use vaccination_sites from "vaccination_sites.alloc" (sites = 2, supply = 500, pace = 300)
        use lockdown from "lockdown.alloc" (strength = 0.5, budget = 2, run = 2)
        {INFECTED}"""
    model = load(text, tmp_path)
    found = model.solve(gap=0.01, threads=1, time_limit=60)
    assert found.status == "optimal"
    assert found.value < model.simulate().value
    lock = found.decisions["lock"].to_numpy()
    assert lock.sum() == 2
    assert (lock[:-1] + lock[1:]).max() == 2, "a lockdown lasts for two weeks"
    people = sum(found.trajectories[x].to_numpy().sum(axis=1) for x in "SIR")
    if name == "sir":
        assert people == pytest.approx(14000)


def test_what_is_not_bound_is_reported(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError, match="gamma"):
        load(
            f'{EPIDEMIC} use sir from "sir.alloc" (population = people, ill = 20, beta = 1) {INFECTED}',
            tmp_path,
        )
