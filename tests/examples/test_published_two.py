"""The drone network and the access-aware allocation: published numbers, and the literal formulas.

The instances lie beside the repository. By default a part of them is solved; `ALLOCC_SLOW=1` solves
all of them with both solvers. What a model decides is judged here by formulas of its statement that
are written down again, without the compiler.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allocc.backends import registry
from allocc.compiler.binding.bind import bind
from allocc.compiler.lowering.lower import lower
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.reading.parser import parse_file
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve

ROOT = Path(__file__).parents[2]
ACCESS, DRONE = ROOT / "examples" / "access", ROOT / "examples" / "drone"
SHARED = ROOT.parent / "shared" / "data"
SLOW = os.environ.get("ALLOCC_SLOW") == "1"
GAP = 1e-6
SOLVERS = ("highs", "scip")

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def problem(model: Path, data: Path, settings: Mapping[str, Any] | None = None) -> Problem:
    return discretize(bind(parse_file(model), data, settings, path=model))


def solved(found: Problem, solver: str) -> Outcome:
    if not registry.get(solver).available():
        pytest.skip(f"{solver} is not installed")
    outcome = solve(found, Options(solver=solver, gap=GAP, time_limit=120))  # type: ignore[arg-type]
    assert outcome.status == "optimal", outcome
    assert outcome.gap is not None and outcome.gap <= GAP
    assert outcome.violation is not None and outcome.violation.relative <= 1e-6
    return outcome


def decided(outcome: Outcome, name: str) -> np.ndarray:
    assert outcome.values is not None
    return next(x for v, x in outcome.values.items() if v.name == name)


def shared(system: str, instance: str) -> Path:
    folder = SHARED / system / instance
    if not folder.is_dir():
        pytest.skip("the published instances are not beside this repository")
    return folder


def expected(system: str) -> dict[str, Any]:
    path = SHARED / system / "expected.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def without_comments(path: Path) -> int:
    lines = (x.strip() for x in path.read_text("utf-8").splitlines())
    return sum(bool(x) and not x.startswith("#") for x in lines)


@pytest.mark.parametrize(
    "model", [*sorted(ACCESS.glob("*.alloc")), *sorted(DRONE.glob("*.alloc"))], ids=lambda p: p.stem
)
def test_models_are_short(model: Path) -> None:
    assert without_comments(model) < 80


# --- drones -------------------------------------------------------------------------------------


def judge_drones(data: Path, outcome: Outcome) -> tuple[float, float]:
    """Cost and probability of being in time, by the queue's own formulas."""
    value = {r["name"]: float(r["value"]) for r in rows(data / "params.csv")}
    sites = [r["site"] for r in rows(data / "sites.csv")]
    bases = {r["base"]: float(r["cost"]) for r in rows(data / "bases.csv")}
    flight, service = {}, {}
    for r in rows(data / "links.csv"):
        key = r["site"], r["base"]
        flight[key] = float(r["distance_km"]) / value["speed_kmh"]
        service[key] = float(r["nontravel_h"]) + value["beta"] * flight[key]
    calls = {(r["scenario"], r["site"]): float(r["rate_per_h"]) for r in rows(data / "rates.csv")}
    opened = dict(zip(bases, decided(outcome, "open").tolist(), strict=True))
    assign = decided(outcome, "assign")
    base_of = {}
    for i, site in enumerate(sites):
        assert sorted(assign[i].tolist()) == [0.0] * (len(bases) - 1) + [1.0]
        base_of[site] = list(bases)[int(np.argmax(assign[i]))]
        assert opened[base_of[site]] == 1.0
    reached = 0.0
    for r in rows(data / "scenarios.csv"):
        good = True
        for base in bases:
            mine = [s for s in sites if base_of[s] == base]
            rho = sum(calls[r["scenario"], s] * service[s, base] for s in mine)
            good = good and rho < 1
            if rho < 1:
                second = sum(calls[r["scenario"], s] * service[s, base] ** 2 for s in mine)
                waiting = second / (2 * (1 - rho))
                limit = value["response_limit_h"] + 1e-12
                good = good and all(waiting + flight[s, base] <= limit for s in mine)
        reached += float(r["probability"]) * good
    assert reached >= 1 - value["delta"] - 1e-9
    return sum(cost * opened[base] for base, cost in bases.items()), reached


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("instance", ["tiny", "small", "small_cost"])
def test_drones(instance: str, solver: str) -> None:
    data = shared("drone", instance)
    outcome = solved(problem(DRONE / "drone.alloc", data), solver)
    value = expected("drone")[instance]["value"]
    assert outcome.value == pytest.approx(value, rel=1e-6)
    cost, _ = judge_drones(data, outcome)
    assert cost == pytest.approx(value, rel=1e-6)


def test_own_drones() -> None:
    outcome = solved(problem(DRONE / "drone.alloc", DRONE), "highs")
    cost, reached = judge_drones(DRONE, outcome)
    assert outcome.value == pytest.approx(cost, rel=1e-9) and cost == pytest.approx(2.0)
    # Allocations of one cost reach 0.8 or more.
    assert reached >= 0.8 - 1e-9


def test_drone_ratio_is_multiplied_out() -> None:
    program = lower(problem(DRONE / "drone.alloc", DRONE)).program
    assert len(program.products) == 0 and not program.functions


# --- access -------------------------------------------------------------------------------------


def model_of(case: Row) -> Path:
    """The variant that a row of cases.csv asks for."""
    name = {
        ("naive", "single"): "naive",
        ("approx", "single"): "access",
        ("approx", "bayes"): "expected",
        ("approx", "minimax"): "worst_case",
        ("approx", "regret"): "regret",
        ("exact", "single"): "exact",
    }[case["model"], case["criterion"]]
    return ACCESS / f"{name}.alloc"


def acquired(model: str, doses: float, people: float, beta: float, rho: float) -> float:
    """Doses that the disadvantaged of a location acquire."""
    q = rho * beta / (rho * beta + 1 - beta)
    if model == "naive" or doses == 0:
        return q * doses
    if model == "approx":
        coverage = doses / people
        return doses * (q if coverage <= 1 - (1 - rho) * beta else 1 - (1 - beta) / coverage)
    a, theirs = round(doses), round(beta * people)
    assert abs(doses - a) <= 1e-6
    return sum(
        comb(a, x) * q**x * (1 - q) ** (a - x) * min(max(x, a - (people - theirs)), theirs)
        for x in range(a + 1)
    )


def judge_access(
    data: Path, case: Row, doses: np.ndarray, best: Mapping[str, float] | None = None
) -> float:
    """The criterion of a case at doses; fails where they are too far from equal shares."""
    places = rows(data / "locations.csv")
    people = np.array([float(r["population"]) for r in places])
    beta = np.array([float(r["beta"]) for r in places])
    r, epsilon = float(case["r"]), float(case["epsilon"])
    assert doses.sum() == pytest.approx(r * people.sum(), rel=1e-7)
    assert (doses >= 0).all() and (doses <= people * (1 + 1e-9)).all()
    share, ideal = doses / doses.sum(), people / people.sum()
    if case["distance"] == "abs_l1":
        assert np.abs(share - ideal).sum() <= epsilon + 1e-7
    else:
        assert np.abs(share / ideal - 1).max() <= epsilon + 1e-7
    theirs, all_doses = (beta * people).sum(), doses.sum()

    def gap(rho: float) -> float:
        each = [
            acquired(case["model"], float(a), float(p), float(b), rho)
            for a, p, b in zip(doses, people, beta, strict=True)
        ]
        return (all_doses - sum(each)) / (people.sum() - theirs) - sum(each) / theirs

    if case["criterion"] == "single":
        return gap(float(case["rho"]))
    paces = [x for x in rows(data / "rho_sets.csv") if x["rho_set"] == case["rho_set"]]
    gaps = [gap(float(x["rho"])) for x in paces]
    if case["criterion"] == "minimax":
        return max(gaps)
    if case["criterion"] == "regret":
        assert best is not None
        return max(g - best[x["rho"]] for x, g in zip(paces, gaps, strict=True))
    return sum(float(x["weight"]) * g for x, g in zip(paces, gaps, strict=True))


def cases() -> list[tuple[str, str, str]]:
    found = []
    for instance, known in expected("access").items():
        names = sorted(known)
        for k, case in enumerate(names):
            for solver in SOLVERS:
                often = 6 if solver == "highs" else 12
                if SLOW or k % often == 1:
                    found.append((instance, case, solver))
    return found or [("three_loc", "c25", "highs")]


@pytest.mark.parametrize(("instance", "case", "solver"), cases())
def test_access(instance: str, case: str, solver: str) -> None:
    data = shared("access", instance)
    row = next(x for x in rows(data / "cases.csv") if x["case"] == case)
    outcome = solved(problem(model_of(row), data, {"case": case}), solver)
    value = expected("access")[instance][case]["value"]
    assert outcome.value == pytest.approx(value, rel=1e-6, abs=1e-9)
    literal = judge_access(data, row, decided(outcome, "doses"))
    assert literal == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("case", ["c01", "c02", "c03", "c04", "c05", "c07"])
def test_own_access(case: str) -> None:
    row = next(x for x in rows(ACCESS / "cases.csv") if x["case"] == case)
    outcome = solved(problem(model_of(row), ACCESS, {"case": case}), "highs")
    literal = judge_access(ACCESS, row, decided(outcome, "doses"))
    assert outcome.value == pytest.approx(literal, rel=1e-6, abs=1e-9)


def test_regret() -> None:
    row = next(x for x in rows(ACCESS / "cases.csv") if x["criterion"] == "regret")
    settings: dict[str, Any] = {"case": row["case"]}
    best: dict[str, float] = {}
    for pace in (x["rho"] for x in rows(ACCESS / "rho_sets.csv")):
        found = problem(ACCESS / "access.alloc", ACCESS, {**settings, "rho": pace})
        known = solved(found, "highs").value
        assert known is not None
        best[pace] = known
    given = {f"best[{row['rho_set']},{pace}]": value for pace, value in best.items()}
    outcome = solved(problem(ACCESS / "regret.alloc", ACCESS, {**settings, **given}), "highs")
    assert outcome.value is not None and outcome.value > 0.01
    literal = judge_access(ACCESS, row, decided(outcome, "doses"), best)
    assert literal == pytest.approx(outcome.value, rel=1e-6)
    # No allocation in whole steps of four doses does better.
    people = [int(x["population"]) for x in rows(ACCESS / "locations.csv")]
    supply = round(float(row["r"]) * sum(people))
    seen = 0
    for first in np.ndindex(*(p // 4 + 1 for p in people[:-1])):
        doses = np.array([*(4.0 * k for k in first), 0.0])
        doses[-1] = supply - doses.sum()
        share = np.abs(doses / supply - np.array(people) / sum(people)).sum()
        if 0 <= doses[-1] <= people[-1] and share <= float(row["epsilon"]):
            seen += 1
            assert judge_access(ACCESS, row, doses, best) >= outcome.value - 1e-6
    assert seen > 20
