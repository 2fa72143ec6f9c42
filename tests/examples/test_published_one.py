"""The first version of the opioid model, the vaccines and the lockdowns against published optima.

The instances lie beside the repository. By default the small ones are solved; `ALLOCC_SLOW=1` solves
all of them with both solvers. What is decided is judged here by the formulas of the statements, which
are written down again without the compiler.
"""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allocc
from allocc.backends import registry

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared" / "data"
SLOW = os.environ.get("ALLOCC_SLOW") == "1"
SOLVERS = ("highs", "scip")

OPIOID = EXAMPLES / "opioid_v1" / "opioid_v1.alloc"
VACCINE = EXAMPLES / "vaccine" / "vaccine.alloc"
LOCKDOWN = EXAMPLES / "lockdown"

#: Files of the examples with the data that they are tried with.
MODELS = {
    OPIOID: EXAMPLES / "opioid_v1",
    VACCINE: EXAMPLES / "vaccine",
    LOCKDOWN / "lockdown.alloc": LOCKDOWN,
    LOCKDOWN / "lockdown_log.alloc": LOCKDOWN,
    LOCKDOWN / "fewest_days.alloc": LOCKDOWN / "seed400",
    LOCKDOWN / "lowest_rates.alloc": LOCKDOWN / "seed400",
    LOCKDOWN / "cubic.alloc": LOCKDOWN / "cubic",
}


def shared(*parts: str) -> Path:
    """A folder of instances; the test is skipped where there is none."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no instances: {path} is not there")
    return path


def expected(system: str, name: str = "expected.json") -> Any:
    return json.loads(shared(system, name).read_text("utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def solved(
    model: Path,
    data: Path,
    solver: str = "highs",
    method: str = "auto",
    gap: float = 1e-7,
    **settings: Any,
) -> Any:
    if not registry.get(solver).available():
        pytest.skip(f"{solver} is not installed")
    found = allocc.load(model, data=data, **settings).solve(
        solver=solver, method=method, gap=gap, time_limit=600 if SLOW else 120, threads=1
    )
    assert found.status == "optimal", found
    assert found.gap is not None and found.gap <= gap
    assert found.violation is not None and found.violation.relative <= 1e-6
    return found


def agrees(found: Any, value: float) -> bool:
    """The value, and a bound that does not say otherwise."""
    assert found.bound <= value + 1e-6 * max(1.0, abs(value))
    return bool(found.value == pytest.approx(value, rel=1e-6, abs=1e-9))


# --- the files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.stem)
def test_examples_are_well_formed(model: Path) -> None:
    assert allocc.load(model, data=MODELS[model]).check() == []


@pytest.mark.parametrize("model", [*MODELS, LOCKDOWN / "policy.alloc"], ids=lambda m: m.stem)
def test_examples_are_short(model: Path) -> None:
    lines = [re.sub(r"#.*", "", x).strip() for x in model.read_text("utf-8").splitlines()]
    assert sum(1 for x in lines if x) < 80


# --- opioid, first version -----------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("state", ["HI", "RI", "VT", "AZ", "ME", "AL", "IN", "CA"])
def test_opioid(state: str, solver: str) -> None:
    if not SLOW and (state, solver) != ("HI", "highs"):
        pytest.skip("slow: set ALLOCC_SLOW=1")
    known = expected("opioid", "expected_v1.json")[state]
    found = solved(OPIOID, shared("opioid", state), solver, gap=1e-6)
    assert agrees(found, known["value"])
    over = next(t.value for t in found.objective if t.name == "within_plan")
    assert over / penalty(state) == pytest.approx(known["over"], abs=1e-6)


def penalty(state: str) -> float:
    tuned = {"MI": 475, "FL": 475, "WA": 475, "IL": 500, "NJ": 276, "MD": 175, "MA": 123}
    return tuned.get(state, 450)


def test_penalty(tmp_path: Path) -> None:
    """The penalty follows the state, and can be set."""
    for state in ("RI", "MI", "FL", "WA", "IL", "NJ", "MD", "MA"):
        for name in ("counties.csv", "state.csv"):
            text = (OPIOID.parent / name).read_text("utf-8")
            (tmp_path / name).write_text(text.replace("RI,", f"{state},"), "utf-8")
        found = allocc.load(OPIOID, data=tmp_path).bound.parameters["lambda"].values
        assert float(found) == penalty(state)
    settings: dict[str, Any] = {"lambda": 300}
    assert float(allocc.load(OPIOID, **settings).bound.parameters["lambda"].values) == 300


def test_opioid_objective() -> None:
    """The objective of an allocation, from the statement."""
    county, (state,) = rows(OPIOID.parent / "counties.csv"), rows(OPIOID.parent / "state.csv")
    number = {k: float(v) for k, v in state.items() if k != "state"}
    column = {
        k: np.array([float(c[k]) for c in county])
        for k in ("facilities", "svi", "prescribing_rate", "population")
    }
    random = np.random.default_rng(3)
    today = column["facilities"]
    opened = np.maximum(today, 1) + random.integers(0, 20, len(today))
    grant = number["quarterly_budget"]
    spent = random.uniform(0, grant / len(today), (len(today), 8))
    plan = today.sum() + number["new_facilities"]
    value = (
        0.3
        * np.abs(
            opened - plan * column["prescribing_rate"] / column["prescribing_rate"].sum()
        ).sum()
    )
    value += 0.7 * np.abs(opened - plan * column["svi"] / column["svi"].sum()).sum()
    ideal = grant * column["population"] / column["population"].sum()
    value += 0.1 * np.abs(spent - ideal[:, None]).max(axis=0).sum()
    value += 450 * max(opened.sum() - plan, 0)
    s, p, i, a, r, d = (number[x] for x in "SPIARD")
    value += 0.9 * a
    for k in range(8):
        treated = number["zeta"] * a + ((opened - today) * spent[:, k] / (448 * opened)).sum()
        rates = {
            "sp": 0.15 * s,
            "ps": number["epsilon"] * p,
            "pa": 0.00744 * p,
            "pi": number["beta"] * p,
            "ia": number["phi"] * i,
            "ra": 0.9 * r,
            "rs": 0.1 * r,
            "ad": number["mu"] * a,
        }
        s += (rates["ps"] + rates["rs"] - rates["sp"]) / 4
        p += (rates["sp"] - rates["ps"] - rates["pa"] - rates["pi"]) / 4
        i += (rates["pi"] - rates["ia"]) / 4
        a += (rates["pa"] + rates["ia"] + rates["ra"] - treated - rates["ad"]) / 4
        r += (treated - rates["ra"] - rates["rs"]) / 4
        d += rates["ad"] / 4
        value += 0.9 * a
    found = allocc.load(OPIOID).simulate({"open": opened, "spend": spent})
    assert found.value == pytest.approx(value + d, rel=1e-12)


# --- vaccines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("solver", "method"), [("highs", "auto"), ("scip", "direct")])
@pytest.mark.parametrize("instance", ["tiny2x6", "small3x8", "medium6x10"])
def test_vaccine(instance: str, solver: str, method: str) -> None:
    if not SLOW and instance == "medium6x10" and solver == "scip":
        pytest.skip("slow: set ALLOCC_SLOW=1")
    data = shared("vaccine", instance)
    found = solved(VACCINE, data, solver, method)
    assert agrees(found, expected("vaccine")[instance]["value"])
    assert worth_of_vials(data, found.decisions) == pytest.approx(found.value, rel=1e-6)


def worth_of_vials(data: Path, decisions: Any) -> float:
    """The objective and the limits of the statement, written with loops."""
    brands = {r["brand"]: r for r in rows(data / "brands.csv")}
    weeks = max(int(r["week"]) for r in rows(data / "supply.csv"))
    weight = {r["name"]: float(r["value"]) for r in rows(data / "params.csv")}
    counties = [r["county"] for r in rows(data / "counties.csv")]
    supply: dict[tuple[str, int], np.ndarray] = {}
    for r in rows(data / "supply.csv"):
        series = supply.setdefault((r["brand"], int(r["dose"])), np.zeros(weeks + 1))
        series[int(r["week"])] = float(r["doses"])
    sent: dict[tuple[str, int, str], np.ndarray] = {}
    used = decisions["used"]
    total = 0.0
    for b, dose in supply:
        lag = int(brands[b]["second_dose_lag_weeks"]) if dose == 2 else 0
        for c in counties:
            vials = np.zeros(weeks + 1)
            for w in range(1 + lag, weeks + 1):
                vials[w] = decisions["first"].loc[w - lag, (b, c)]
            sent[b, dose, c] = vials
            total += weight["lambda1"] * np.abs(np.diff(vials[1:])).sum()
            assert used[b, c] == 1 or vials.max() <= 1e-4
    total += weight["lambda2"] * float(used.sum())
    idle = np.zeros(weeks + 1)
    for (b, dose), arriving in supply.items():
        per_vial = float(brands[b]["doses_per_vial"])
        given = per_vial * np.sum([sent[b, dose, c] for c in counties], axis=0)
        stock = 0.0
        for w in range(1, weeks + 1):
            if dose == 2 or brands[b]["second_dose_lag_weeks"] == "0":
                idle[w] += stock - given[w]
            stock += arriving[w] - given[w]
            assert stock >= -1e-4
    for r in rows(data / "capacity.csv"):
        doses = sum(
            float(brands[b]["doses_per_vial"]) * x[int(r["week"])]
            for (b, _, c), x in sent.items()
            if c == r["county"]
        )
        assert doses <= float(r["capacity_doses"]) + 1e-4
    return total + float((idle**2).sum())


# --- lockdowns -----------------------------------------------------------------------------------

CASES = {
    "varying14": ["c01", "c02", "c03", "c04", "c05"],
    "constant30": ["c01", "c02", "c03", "c04"],
}
CUBIC = [f"c{k:02}" for k in range(1, 11)]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("model", ["lockdown", "lockdown_log"])
@pytest.mark.parametrize(("instance", "case"), [(i, c) for i, cs in CASES.items() for c in cs])
def test_lockdown(instance: str, case: str, model: str, solver: str) -> None:
    if not SLOW and (
        (instance == "constant30" and model == "lockdown")
        or (solver == "scip" and case in ("c02", "c03"))
    ):
        pytest.skip("slow: set ALLOCC_SLOW=1")
    data = shared("lockdown", instance)
    found = solved(LOCKDOWN / f"{model}.alloc", data, solver, case=case)
    assert agrees(found, expected("lockdown")[instance][case]["value"])
    assert worth_of_days(data, case, found.decisions["lock"].to_numpy()) == pytest.approx(
        found.value, rel=1e-9
    )


def worth_of_days(data: Path, case: str, lock: np.ndarray) -> float:
    """The objective and the caps of the statement."""
    (wanted,) = [r for r in rows(data / "cases.csv") if r["case"] == case]
    days = rows(data / "days.csv")
    first = {r["name"]: float(r["value"]) for r in rows(data / "params.csv")}["initial_new_cases"]
    new = [first]
    for day, locked in zip(days[:-1], lock[:-1], strict=True):
        new.append(new[-1] * float(day["rate_on"] if locked > 0.5 else day["rate_off"]))
    for name, amount in (
        ("peak_cap", max(new)),
        ("total_cap", sum(new)),
        ("day_budget", lock.sum()),
    ):
        assert not wanted[name] or amount <= float(wanted[name]) * (1 + 1e-9)
    return float(wanted["w_days"]) * float(lock.sum()) + float(wanted["w_cases"]) * sum(new)


@pytest.mark.parametrize("solver", SOLVERS)
def test_shortest_lockdown(solver: str) -> None:
    """With lockdowns of `run` days at least, every one that begins lasts, or goes on to the end."""
    found = solved(LOCKDOWN / "lockdown_log.alloc", LOCKDOWN, solver, case="both", run=4)
    lock = np.rint(found.decisions["lock"].to_numpy()).astype(int)
    assert 0 < lock.sum() < len(lock)
    for begin in np.flatnonzero(np.diff(np.concatenate([[0], lock])) == 1):
        assert lock[begin : begin + 4].all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("model", "name"), [("fewest_days", "min_lockdown"), ("lowest_rates", "min_rate")]
)
def test_printed_programs(model: str, name: str, solver: str) -> None:
    found = solved(LOCKDOWN / f"{model}.alloc", shared("lockdown", "seed400"), solver)
    assert agrees(found, expected("lockdown")["seed400"][name]["value"])


@pytest.mark.parametrize(("solver", "method"), [("highs", "auto"), ("scip", "direct")])
@pytest.mark.parametrize("case", CUBIC)
def test_cubic(case: str, solver: str, method: str) -> None:
    if not SLOW and solver == "highs" and case not in ("c01", "c04", "c07", "c10"):
        pytest.skip("slow: set ALLOCC_SLOW=1")
    known = expected("lockdown")["cubic"][case]
    data = shared("lockdown", "cubic")
    found = solved(LOCKDOWN / "cubic.alloc", data, solver, method, case=case)
    assert agrees(found, known["value"])
    assert float(found.decisions["days"]) == pytest.approx(known["x"], abs=0.1)
