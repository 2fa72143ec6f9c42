"""What was decided in the past acts in a fit as it does in the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from allocc.compiler.fitting.course import Dynamics
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.residuals import Residuals
from tests.compiler.fitting.making import fit_of

PLACES = [0.0, 100.0, 100.0, 300.0]
SEEK, RELAPSE, EACH = 0.4, 0.8, 0.0005

#: The ranges are those of the years to come, and `idle` acts in them alone.
MODEL = """model clinics
table past from "past.csv" key year
table seen from "seen.csv" key year
param seek = 0.5
param relapse = 0.9
param each = 0.1
time t = 2020 .. 2030
compartment A
compartment R
initial A = 8000
initial R = 4000
flow treat : A -> R = seek * A
flow lapse : R -> A = relapse * R
decide places[period] integer in 500 .. 900
decide idle[period] in 5 .. 9
let kept = 1 - each * places
effect treat += 0.7 * places
effect relapse *= kept
effect relapse *= 1 - 0.1 * idle
minimize { ill : A[end] + sum(places) }
fit history {
  time t = 2010 .. 2014
  decided DECIDED
  estimate seek in 0 ..
  estimate relapse in 0 ..
  estimate each in 0 .. 0.01
  observe A = seen.A
  observe treat = seen.R
  observe relapse = seen.A / 9000
}
"""
FORMS = [
    "places = past.places",
    "places[p in period] = past.places[p]",
    "places[period] = past.places",
]


def course() -> np.ndarray:
    """A, R, and what `treat` has moved, at each point of time; shape (5, 3)."""
    rows = [np.array([8000.0, 4000.0, 0.0, 1.0])]
    for places in PLACES:
        relapse = RELAPSE * (1 - EACH * places)
        new = 0.7 * places
        rates = [
            [-SEEK, relapse, 0, -new],
            [SEEK, -relapse, 0, new],
            [SEEK, 0, 0, new],
            [0, 0, 0, 0],
        ]
        rows.append(expm(np.array(rates)) @ rows[-1])
    return np.stack(rows)[:, :3]


def clinics(folder: Path, decided: str, model: str = MODEL) -> FitProblem:
    rows = [f"{2010 + k},{places}" for k, places in enumerate(PLACES)]
    seen = [f"{2010 + k},{a!r},{r!r}" for k, (a, r, _) in enumerate(course().tolist())]
    past = "\n".join(["year,places", *rows])
    text = model.replace("DECIDED", decided)
    return fit_of(folder, text, past=past, seen="\n".join(["year,A,R", *seen]))


@pytest.mark.parametrize("decided", FORMS)
def test_it_acts_on_flows_and_on_what_is_estimated(tmp_path: Path, decided: str) -> None:
    problem = clinics(tmp_path, decided)
    numbers = np.array([SEEK, RELAPSE, EACH])
    found = Dynamics(problem).at(numbers)
    states = {v.name: found.values[v] for v in found.values if v.kind == "state"}
    np.testing.assert_allclose(states["A"], course()[:, 0], rtol=1e-12)
    np.testing.assert_allclose(states["R"], course()[:, 1], rtol=1e-12)
    people, moved, rate = Residuals(problem).fitted(numbers)
    np.testing.assert_allclose(people.value, course()[:, 0], rtol=1e-12)
    np.testing.assert_allclose(moved.value, np.diff(course()[:, 2]), rtol=1e-9)
    # A parameter that an effect acts on is observed with it; the last point is that of its period.
    acting = 1 - EACH * np.array([*PLACES, PLACES[-1]])
    np.testing.assert_allclose(rate.value, RELAPSE * acting, rtol=1e-12)


def test_slopes_are_exact(tmp_path: Path) -> None:
    residuals = Residuals(clinics(tmp_path, FORMS[0]))
    numbers = np.array([SEEK, RELAPSE, EACH])
    slopes = residuals.look(numbers).slopes
    for k, x in enumerate(numbers):
        step = np.zeros(3)
        step[k] = 1e-4 * x
        after, before = (residuals.look(numbers + s).residuals for s in (step, -step))
        np.testing.assert_allclose(slopes[:, k], (after - before) / (2 * step[k]), rtol=1e-5)


def test_without_it_nothing_acts(tmp_path: Path) -> None:
    problem = clinics(tmp_path, "", MODEL.replace("  decided DECIDED\n", ""))
    found = Dynamics(problem).at(np.array([SEEK, RELAPSE, EACH]))
    rates = np.array([[-SEEK, RELAPSE], [SEEK, -RELAPSE]])
    (people,) = (x for v, x in found.values.items() if v.name == "A")
    wanted = [(expm(k * rates) @ [8000.0, 4000.0])[0] for k in range(5)]
    np.testing.assert_allclose(people, wanted, rtol=1e-12)


def test_of_a_decision_by_member_and_time(tmp_path: Path) -> None:
    """By steps of Euler, with a decision over points; a blank cell has what stands behind `else`."""
    model = (
        'model regions\ntable past from "past.csv" key region, week\nset Region = {north, south}\n'
        "param rate = 1\ntime t = 10 .. 20\ncompartment S[Region]\ninitial S = 100\n"
        "flow infect[r in Region] : S[r] -> = rate * S[r]\ndecide doses[Region, t] in 0 .. 9\n"
        "effect infect += doses[r]\nminimize { left : sum(r in Region: S[r, end]) }\n"
        "fit history {\n  time t = 0 .. 2 method euler\n"
        "  decided doses[r in Region, t] = past.doses[r, t] else 0\n"
        "  estimate rate in 0 .. 1\n  observe S[r in Region] ~ normal(50, 9)\n}\n"
    )
    past = "region,week,doses\nnorth,0,3\nnorth,1,5\nsouth,0,\nsouth,1,7\n"
    problem = fit_of(tmp_path, model, past=past)
    (found,) = (x for v, x in Dynamics(problem).at(np.array([0.1])).values.items() if v.name == "S")
    np.testing.assert_allclose(found, [[100, 87, 73.3], [100, 90, 74]])
