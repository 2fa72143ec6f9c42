"""The course of a fit, and its derivatives: against SciPy's exponential, each other, and differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from allocc.compiler.fitting import course
from allocc.compiler.fitting.course import Dynamics, NoCourse
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.residuals import Residuals
from tests.compiler.fitting.making import fit_of

SEEN = "week,A,new\n0,90,3\n1,80,4\n2,,5\n3,60,6\n4,55,7\n"

#: Two linear flows, an initial value that is estimated, and a rate that the data give week by week.
LINEAR = """model linear
table seen from "seen.csv" key week
param treat in 0 .. = 0.3
param lapse in 0 .. = 0.1
param ill   in 0 .. = 100
time t = 0 .. 30 method exponential
compartment A
compartment R
initial A = ill
initial R = 10 + ill / 5
flow to_treatment : A -> R = treat * A
flow back : R -> A = lapse * R * (1 + RIPPLE)
flow arrive : -> A = 2 * lapse
fit both {
  time t = 0 .. 4 HOW
  estimate treat
  estimate lapse
  estimate ill
  observe A = seen.A
  observe sum(x in {1}: A + R) / (1 + A) = seen.A
  observe to_treatment = seen.new
}
"""
#: A product of two compartments, members, a maximum, and rates in an exponential.
EPIDEMIC = """model epidemic
table seen from "seen.csv" key week
set Group = {young, old}
param beta[Group] in 0 .. = 0.6
param fade in 0 .. = 0.2
time t = 0 .. 30
compartment S[Group]
compartment I[Group]
initial S[g in Group] = 500
initial I[g in Group] = 3
let pressure = sum(g in Group: I[g]) / 1000
flow infect[g in Group] : S -> I = beta[g] * exp(-fade) * S[g] * pressure
flow recover[g in Group] : I -> = max(fade, 0.05) * I[g]
fit both {
  time t = 0 .. 4 HOW
  estimate beta in 0 .. 3
  estimate fade in 0 .. 2
  observe sum(I) = seen.A
  observe infect["old"] = seen.new
  observe log(I["young"]) = seen.new
}
"""
POINTS = {"linear": [0.4, 0.2, 90.0], "epidemic": [0.7, 0.9, 0.3]}


def linear(folder: Path, how: str = "", ripple: str = "0") -> FitProblem:
    return fit_of(folder, LINEAR.replace("HOW", how).replace("RIPPLE", ripple), seen=SEEN)


def epidemic(folder: Path, how: str = "") -> FitProblem:
    return fit_of(folder, EPIDEMIC.replace("HOW", how), seen=SEEN)


def differences(fit: FitProblem, at: list[float]) -> None:
    """Derivatives equal central differences."""
    residuals, x = Residuals(fit), np.array(at)
    slopes = residuals.look(x).slopes
    for k in range(len(x)):
        h = 1e-5 * x[k]
        up, down = x.copy(), x.copy()
        up[k], down[k] = x[k] + h, x[k] - h
        near = (residuals.look(up).residuals - residuals.look(down).residuals) / (2 * h)
        np.testing.assert_allclose(slopes[:, k], near, rtol=2e-5, atol=1e-5 * abs(slopes).max())


@pytest.mark.parametrize("how", ["", "step 0.5 method euler"])
@pytest.mark.parametrize("ripple", ["0", "t / 9", "0.1 * sqrt(lapse)"])
def test_linear_courses_have_their_derivatives(tmp_path: Path, how: str, ripple: str) -> None:
    fit = linear(tmp_path, how, ripple)
    exact = Dynamics(fit).linear is not None
    assert exact == (ripple in ("0", "t / 9")) or how
    differences(fit, POINTS["linear"])


@pytest.mark.parametrize("how", ["", "step 0.5 method euler"])
def test_other_courses_have_their_derivatives(tmp_path: Path, how: str) -> None:
    differences(epidemic(tmp_path, how), POINTS["epidemic"])


def test_a_linear_course_is_the_matrix_exponential(tmp_path: Path) -> None:
    fit = linear(tmp_path)
    treat, lapse, ill = POINTS["linear"]
    found = Dynamics(fit).at(np.array(POINTS["linear"]))
    rates = np.array([[-treat, lapse, 2 * lapse], [treat, -lapse, 0], [0, 0, 0]])
    for k in range(5):
        wanted = expm(rates * k) @ [ill, 10 + ill / 5, 1]
        by_name = {v.name: x for v, x in found.values.items()}
        assert by_name["A"][k] == pytest.approx(wanted[0], rel=1e-13)
        assert by_name["R"][k] == pytest.approx(wanted[1], rel=1e-13)


def test_what_is_exact_is_also_integrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, x = linear(tmp_path, ripple="t / 9"), np.array(POINTS["linear"])
    exact = Residuals(fit).look(x)
    monkeypatch.setattr(course, "MOST_EXACT", 0)
    other = Residuals(fit)
    assert other.dynamics.linear is None
    integrated = other.look(x)
    np.testing.assert_allclose(exact.residuals, integrated.residuals, rtol=1e-6)
    np.testing.assert_allclose(exact.slopes, integrated.slopes, rtol=1e-6, atol=1e-6)


def test_small_steps_come_near_to_continuous_time(tmp_path: Path) -> None:
    exact = Residuals(epidemic(tmp_path)).look(np.array(POINTS["epidemic"])).residuals[:4]
    off = []
    for step in ("0.1", "0.05"):
        stepwise = epidemic(tmp_path, f"step {step} method euler")
        found = Residuals(stepwise).look(np.array(POINTS["epidemic"])).residuals[:4]
        off.append(np.abs(found - exact).max())
    assert off[1] < 0.6 * off[0]


def test_a_flow_is_counted_over_its_period(tmp_path: Path) -> None:
    """What has been counted in all is what the compartment has lost."""
    fit = epidemic(tmp_path)
    (counts,) = [o for o in fit.observations if o.flow]
    at = fit.observations.index(counts)
    x = np.array(POINTS["epidemic"])
    fitted = Residuals(fit).fitted(x)[at].value
    (s,) = [y for v, y in Dynamics(fit).at(x).values.items() if v.name == "S"]
    assert len(fitted) == 4
    np.testing.assert_allclose(fitted, s[1, :-1] - s[1, 1:], rtol=1e-7)


def test_blank_cells_are_not_observed(tmp_path: Path) -> None:
    fit = linear(tmp_path)
    assert [o.count for o in fit.observations] == [4, 4, 4]
    assert fit.observations[0].seen.tolist() == [True, True, False, True, True]


def test_rates_without_end_are_no_course(tmp_path: Path) -> None:
    fit = linear(tmp_path)
    with pytest.raises(NoCourse):
        Dynamics(fit).at(np.array([np.inf, 0.1, 9.0]))
    with pytest.raises(NoCourse):
        Dynamics(fit).at(np.array([1e200, 0.1, 9.0]))


def test_no_intervention_acts(tmp_path: Path) -> None:
    more = "decide x in 2 .. 4\neffect to_treatment += x\nminimize { cost : x }\n"
    plain = linear(tmp_path)
    text = LINEAR.replace("HOW", "").replace("RIPPLE", "0") + more
    acting = fit_of(tmp_path, text, seen=SEEN)
    x = np.array(POINTS["linear"])
    a, b = Residuals(plain).look(x).residuals, Residuals(acting).look(x).residuals
    np.testing.assert_array_equal(a, b)


def test_an_initial_value_may_have_an_index_of_its_own(tmp_path: Path) -> None:
    text = EPIDEMIC.replace("HOW", "").replace(
        "initial I[g in Group] = 3", 'initial I[h in Group] = if h == "old" then 3 else 2'
    )
    fit = fit_of(tmp_path, text, seen=SEEN)
    (i,) = [
        x for v, x in Dynamics(fit).at(np.array([0.7, 0.9, 0.3])).values.items() if v.name == "I"
    ]
    assert i[:, 0].tolist() == [2.0, 3.0]
