"""Other units change the numbers of an answer, and nothing else.

In persons, thousands or shares, in dollars or millions: the status is the same, and so are the value, the
bound and the allocation, each in its unit, within the gap that was asked for. Where decisions are not
unique, those in other units are as good in the first ones. Of the models that ship those are left out
that hold no amounts of people, money or doses which a limit or the objective looks at (`drone`,
`fewest_days`, `lowest_rates`), that count doses one by one (`exact`, and `expected` and `regret` by the
data that come along), and whose coefficients have no unit (`cubic`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth_models import KINDS, Job, Units, Verdict, make, run

import allocc
from tests.truth.other_units import Tens, objective_power, rewritten

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
#: Far more than any of them takes: a status that a slow machine changes would say nothing about units.
GAP, LIMIT = 1e-4, 60.0
#: Models of each kind, or `ALLOCC_TRUTH` of each.
SEEDS = {"epidemics": 4, "budgets": 3, "programs": 16}
MODELS = [
    (kind, seed)
    for kind in KINDS
    for seed in range(int(os.environ.get("ALLOCC_TRUTH", SEEDS[kind])))
]
#: No number that is written is larger, so that none is what the language refuses.
LARGEST = 1e13


def _changes(kind: str, seed: int) -> list[Units]:
    """Three changes of units for a model: people, money, both."""
    rng = np.random.default_rng([seed, 4])
    found = []
    for person, usd in ((1, 0), (0, 1), (1, 1)):
        while True:
            people, money = (int(k) for k in rng.integers(-9, 10, size=2))
            units = Units(person * people, usd * money)
            numbers = re.findall(
                r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?", make(kind, seed, units).text
            )
            if max(map(float, numbers)) <= LARGEST:
                found.append(units)
                break
    return found


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, int], dict[Units, Verdict]]:
    """Every model in its own units and in others."""
    jobs = [
        Job(kind, seed, gap=GAP, time_limit=LIMIT, people=u.people, money=u.money)
        for kind, seed in MODELS
        for u in dict.fromkeys([Units(), *_changes(kind, seed)])
    ]
    found: dict[tuple[str, int], dict[Units, Verdict]] = {}
    for job, verdict in run(jobs, workers=1):
        found.setdefault((job.kind, job.seed), {})[Units(job.people, job.money)] = verdict
    return found


@pytest.mark.parametrize(("kind", "seed"), MODELS)
def test_random_models(
    kind: str, seed: int, verdicts: dict[tuple[str, int], dict[Units, Verdict]]
) -> None:
    case, found = make(kind, seed), verdicts[kind, seed]
    first = found[Units()].answer
    for units, verdict in found.items():
        told = f"{units}: {verdict}\nfirst: {first}"
        answer = verdict.answer
        assert not verdict.false, told
        assert (answer.status, verdict.outcome) == (first.status, found[Units()].outcome), told
        if first.status != "optimal":
            continue
        assert first.value is not None and first.bound is not None
        assert answer.value is not None and answer.bound is not None
        factor = units.factor(*case.objective)
        near = 2.1 * GAP * abs(first.value)
        assert answer.value / factor == pytest.approx(first.value, rel=0, abs=near), told
        assert answer.bound / factor == pytest.approx(first.bound, rel=0, abs=near), told
        assert answer.violation == pytest.approx(first.violation, rel=0, abs=2e-6), told
        assert case.decided is not None
        back = {
            n: [x / units.factor(*case.decided[n]) for x in v] for n, v in answer.decisions.items()
        }
        look = case.look(back)
        assert look.violation <= 2e-6, told
        assert look.value == pytest.approx(first.value, rel=0, abs=near), told


SHIPPED: dict[str, tuple[str | None, list[Tens]]] = {
    "access/access.alloc": (None, [{"person": -5}, {"person": 6}]),
    "access/fixed_shares.alloc": (None, [{"person": -6}, {"person": 4}]),
    "access/naive.alloc": (None, [{"person": -3}, {"person": 7}]),
    "epidemic/epidemic.alloc": ("one_region", [{"person": -6, "dose": -3}]),
    "lockdown/lockdown.alloc": (None, [{"person": -7}, {"person": 5}]),
    "lockdown/lockdown_log.alloc": (None, [{"person": -3}, {"person": 3}]),
    "opioid/opioid.alloc": (None, [{"person": -3, "USD": -6}]),
    "opioid_v1/opioid_v1.alloc": (None, [{"USD": -6}, {"person": -5, "USD": 2}]),
    "seir_vaccination/seir_vaccination.alloc": (
        None,
        [{"person": -6}, {"dose": 6}, {"person": 4, "dose": -6}],
    ),
    "vaccine/vaccine.alloc": (None, [{"dose": -3}, {"dose": 3}]),
}
SHIPPED_GAP = 2e-3


@pytest.mark.parametrize("name", SHIPPED)
def test_models_that_ship(name: str, tmp_path: Path) -> None:
    folder, changes = SHIPPED[name]
    path = EXAMPLES / name
    data = path.parent / folder if folder else None
    model = allocc.load(path, data=data)
    first, idle = _solved(model), model.simulate()
    for tens in changes:
        other = rewritten(path, data, tens, tmp_path)
        factor = 10.0 ** objective_power(model, tens)
        # Without any solver first: the rewriting is right, and a violation has no unit.
        same = other.simulate()
        assert same.value == pytest.approx(idle.value * factor, rel=1e-9), tens
        assert same.violation.relative == pytest.approx(idle.violation.relative, rel=1e-6), tens
        found = _solved(other)
        told = f"{tens}: {found}\nfirst: {first}"
        assert found.status == first.status, told
        near = 2.1 * SHIPPED_GAP * abs(first.value)
        assert found.value / factor == pytest.approx(first.value, rel=0, abs=near), told
        assert found.bound / factor == pytest.approx(first.bound, rel=0, abs=near), told
        assert found.violation.relative <= 1e-6, told


def _solved(model: allocc.Model) -> Any:
    return model.solve(gap=SHIPPED_GAP, time_limit=LIMIT, threads=1)
