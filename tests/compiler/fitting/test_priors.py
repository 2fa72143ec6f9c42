"""Priors are what SciPy's distributions say, and their squares lead to the densest point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from allocc.compiler.fitting.priors import Prior
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.residuals import Residuals
from allocc.dsl.diagnostics import DiagnosticError
from tests.compiler.fitting.making import fit_of

NUMBERS = st.floats(0.01, 100)


def density(prior: Prior, x: float) -> float:
    place, size = float(prior.place), float(prior.size)
    if prior.kind == "normal":
        return float(stats.norm.logpdf(x, place, size))
    return float(stats.lognorm.logpdf(x, size, scale=place))


@given(st.sampled_from(["normal", "lognormal"]), NUMBERS, st.floats(0.05, 2), NUMBERS, NUMBERS)
def test_half_the_square_is_the_density(
    kind: str, place: float, size: float, x: float, y: float
) -> None:
    prior = Prior(kind, np.array(place), np.array(size))  # type: ignore[arg-type]
    (a, slope), (b, _) = prior.missed(np.array(x)), prior.missed(np.array(y))
    wanted = density(prior, x) - density(prior, y)
    assert float(b**2 - a**2) / 2 == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    step = 1e-6 * x
    above, below = (float(prior.missed(np.array(z))[0]) for z in (x + step, x - step))
    assert float(slope) == pytest.approx((above - below) / (2 * step), rel=1e-6)


def known(folder: Path, estimate: str) -> FitProblem:
    model = (
        'model level\ntable seen from "seen.csv" key day\nset Group = {young, old}\n'
        'param center[g in Group] = if g == "young" then 1 else 3\nparam level[Group] = 1\n'
        "time t = 0 .. 1\ncompartment A[Group]\ninitial A = 1\nflow grow[g in Group] : -> A = level[g]\n"
        f"fit both {{\n  estimate level {estimate}\n  observe A[g in Group] ~ normal(seen.a, 2)\n}}\n"
    )
    return fit_of(folder, model, seen="day,a\n0,1\n1,3\n")


def test_a_prior_by_member(tmp_path: Path) -> None:
    problem = known(tmp_path, "in 0 .. ~ normal(center, 0.5)")
    (unknown,) = problem.unknowns
    assert unknown.prior is not None
    assert unknown.prior.texts() == ["normal(1, 0.5)", "normal(3, 0.5)"]
    np.testing.assert_allclose(unknown.guess, [1, 3])
    look = Residuals(problem).look(np.array([2.0, 2.0]))
    np.testing.assert_allclose(look.residuals[-2:], [2, -2])
    np.testing.assert_allclose(look.slopes[-2:], 2 * np.eye(2))
    np.testing.assert_allclose(look.information, (1 / 4 + 4) * np.eye(2))


def test_a_uniform_prior_is_a_range(tmp_path: Path) -> None:
    (unknown,) = known(tmp_path, "in 0 .. 2 ~ uniform(center / 2, 4)").unknowns
    np.testing.assert_allclose(unknown.low, [0.5, 1.5])
    np.testing.assert_allclose(unknown.high, [2, 2])
    assert (unknown.low <= unknown.guess).all()
    assert (unknown.guess <= unknown.high).all()


def test_a_lognormal_prior_leaves_what_is_above_zero(tmp_path: Path) -> None:
    (unknown,) = known(tmp_path, "~ lognormal(center, 1)").unknowns
    np.testing.assert_allclose(unknown.low, [0, 0])
    np.testing.assert_allclose(unknown.guess, [1, 3])


@pytest.mark.parametrize(
    ("estimate", "code"),
    [
        ("in 0 .. 2 ~ uniform(center, 4)", "E7219"),
        ("in .. 0 ~ lognormal(center, 4)", "E7219"),
        ("in 0 .. ~ normal(center, center - 1)", "E7218"),
    ],
)
def test_priors_that_are_none(tmp_path: Path, estimate: str, code: str) -> None:
    with pytest.raises(DiagnosticError) as error:
        known(tmp_path, estimate)
    assert error.value.diagnostics[0].code == code
