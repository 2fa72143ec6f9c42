"""Priors and chains against posteriors that are known exactly, and chains against Laplace's method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import allocc
from allocc.dsl.diagnostics import DiagnosticError
from allocc.questions.fit import sampling

SEEN = [3.0, 5.0, 4.5, 2.0]
COUNTS = [1, 0, 2, 1]

#: What is seen is the level itself, or what arrives in a day.
MODEL = """model known
table seen from "seen.csv" key day
param level = 1
param slack = 1
time t = 0 .. 4
compartment A
compartment N
initial A = 1
initial N = 0
flow arrive : -> N = level
fit it {
  ESTIMATE
  observe OBSERVE
}
"""
NORMAL = "level * A ~ normal(seen.x, 2)"
POISSON = "arrive ~ poisson(seen.n)"


@pytest.fixture(autouse=True)
def few_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tests do not take long; how long chains are does not depend on how many there are."""
    monkeypatch.setattr(sampling, "LEAST_CHAINS", 10)


def known(folder: Path, estimate: str, observe: str) -> allocc.Model:
    rows = [f"{t},{x},{n}" for t, (x, n) in enumerate(zip(SEEN, COUNTS, strict=True))]
    (folder / "seen.csv").write_text("\n".join(["day,x,n", *rows]), "utf-8")
    text = MODEL.replace("ESTIMATE", estimate).replace("OBSERVE", observe)
    (folder / "known.alloc").write_text(text, "utf-8")
    return allocc.load(folder / "known.alloc")


def test_a_normal_prior_is_conjugate(tmp_path: Path) -> None:
    """Precisions add up, and the best value is their mean; a profile is then exactly normal."""
    found = known(tmp_path, "estimate level ~ normal(1, 0.8)", NORMAL).fit(starts=1)
    precision = 4 / 2**2 + 1 / 0.8**2
    mean = (sum(SEEN) / 2**2 + 1 / 0.8**2) / precision
    (level,) = found.estimates
    assert level.value == pytest.approx(mean, rel=1e-9)
    assert level.error == pytest.approx(precision**-0.5, rel=1e-9)
    assert level.prior == "normal(1, 0.8)"
    half = stats.norm.ppf(0.975) * precision**-0.5
    assert level.interval == pytest.approx((mean - half, mean + half), rel=2e-3)
    squares = sum((x - mean) ** 2 / 4 for x in SEEN) + ((mean - 1) / 0.8) ** 2
    assert found.loss == pytest.approx(squares)
    assert "(deviance of 4 numbers and 1 prior)" in found.summary()
    drawn = np.array(
        known(tmp_path, "estimate level ~ normal(1, 0.8)", NORMAL).fit(draws=4000).draws
    )
    assert stats.kstest(drawn[:, 0], stats.norm(mean, precision**-0.5).cdf).pvalue > 1e-3


def test_a_lognormal_prior_of_which_the_data_say_nothing(tmp_path: Path) -> None:
    """The densest point is the mode, and a sentence says that it is the prior's."""
    estimate = "estimate level in 0 ..\n  estimate slack ~ lognormal(2, 0.5)"
    found = known(tmp_path, estimate, NORMAL).fit(starts=1)
    assert found.values["slack"] == pytest.approx(2 * np.exp(-0.25))
    assert "the data say hardly more of slack than its prior" in found.remarks


def test_a_uniform_prior_limits(tmp_path: Path) -> None:
    found = known(tmp_path, "estimate level ~ uniform(0, 2)", NORMAL).fit(starts=2)
    (level,) = found.estimates
    assert (level.value, level.place, level.prior) == (2.0, "high", "uniform(0, 2)")
    assert "prior)" not in found.summary()


def independent(found: allocc.Fit) -> np.ndarray:
    """Draws of the first estimate, so many as are about independent."""
    assert found.sampling is not None
    (time, *_) = found.sampling.autocorrelation
    assert time is not None
    draws = np.array(found.draws)[:, 0]
    return np.random.default_rng(0).permutation(draws)[: int(len(draws) / time)]


def test_chains_draw_from_a_gamma_posterior(tmp_path: Path) -> None:
    """Counts of four days and no prior: a gamma law, far from normal."""
    found = known(tmp_path, "estimate level in 0 ..", POISSON).fit(
        starts=1, draws=4000, sampler="emcee", seed=1
    )
    law = stats.gamma(sum(COUNTS) + 1, scale=1 / 4)
    drawn = np.array(found.draws)[:, 0]
    assert stats.kstest(independent(found), law.cdf).pvalue > 1e-3
    assert drawn.mean() == pytest.approx(law.mean(), rel=0.08)
    assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx(law.ppf([0.05, 0.95]), rel=0.15)
    how = found.sampling
    assert how is not None
    assert how.times is not None
    assert how.times >= 50
    assert 0.2 < how.acceptance < 0.95
    assert not [r for r in found.remarks if "too short" in r]
    text = found.summary()
    assert "4,000 from 10 chains of" in text
    assert "95 % of draws" in text


def test_chains_draw_from_a_posterior_at_a_limit(tmp_path: Path) -> None:
    """A normal posterior that is cut off at the prior's end, near its densest point."""
    found = known(tmp_path, "estimate level ~ uniform(0, 4)", NORMAL).fit(
        starts=1, draws=4000, sampler="emcee", seed=2
    )
    mean = np.mean(SEEN)
    law = stats.truncnorm(-mean, 4 - mean, loc=mean, scale=1)
    assert stats.kstest(independent(found), law.cdf).pvalue > 1e-3
    assert max(found.draws)[0] <= 4


def test_chains_and_laplace_agree_where_all_is_normal(tmp_path: Path) -> None:
    estimate = "estimate level ~ normal(1, 0.8)\n  estimate slack ~ normal(0, 3)"
    observe = "level * A + 0.5 * slack * t ~ normal(seen.x, 2)"
    model = known(tmp_path, estimate, observe)
    first = np.array(model.fit(starts=1, draws=4000).draws)
    second = np.array(model.fit(starts=1, draws=4000, sampler="emcee").draws)
    np.testing.assert_allclose(first.mean(axis=0), second.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(first.T), np.cov(second.T), rtol=0.3)


def test_squares_take_the_variance_that_is_estimated(tmp_path: Path) -> None:
    found = known(tmp_path, "estimate level", "level * A = seen.x").fit(
        starts=1, draws=4000, sampler="emcee"
    )
    error = np.std(SEEN, ddof=1) / 2
    assert np.std(found.draws) == pytest.approx(error, rel=0.12)


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    model = known(tmp_path, "estimate level in 0 ..", POISSON)
    drawn = [
        model.fit(starts=1, draws=20, sampler="emcee", steps=40, seed=s).draws for s in (7, 7, 8)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_chains_that_are_too_short_are_said_to_be(tmp_path: Path) -> None:
    found = known(tmp_path, "estimate level in 0 ..", POISSON).fit(
        starts=1, draws=20, sampler="emcee", steps=40
    )
    assert any("the chains are too short" in r for r in found.remarks)
    assert any("close the range of level" in r for r in found.remarks)
    assert found.sampling is not None
    assert (found.sampling.steps, found.sampling.left_out) == (40, 8)


def test_chains_stop_when_asked(tmp_path: Path) -> None:
    from allocc.compiler.fitting.bind_fit import bind_fit
    from allocc.questions.fit.fit import chosen
    from allocc.questions.fit.searching import Search
    from allocc.questions.fit.uncertainty import Uncertainty

    model = known(tmp_path, "estimate level in 0 ..", POISSON)
    search = Search(bind_fit(model.bound, chosen(model, None), model.data))
    errors = Uncertainty(search, search.from_starts(1, 0)[0], 0.95)
    found, how = sampling.sample(errors, 50, 0, 1000, lambda: True)
    assert (how.steps, how.slowest) == (1, None)
    assert found.shape == (50, 1)


@pytest.mark.parametrize("asked", [{"steps": 0}, {"steps": 1.5}])
def test_steps_out_of_range(tmp_path: Path, asked: dict[str, float]) -> None:
    with pytest.raises(DiagnosticError) as error:
        known(tmp_path, "estimate level", NORMAL).fit(**asked)  # type: ignore[arg-type]
    assert error.value.diagnostics[0].code == "E7005"


def test_a_sampler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = known(tmp_path, "estimate level", NORMAL)
    with pytest.raises(DiagnosticError) as error:
        model.fit(draws=1, sampler="gibbs")  # type: ignore[arg-type]
    assert error.value.diagnostics[0].code == "E7006"
    monkeypatch.setitem(__import__("sys").modules, "emcee", None)
    with pytest.raises(allocc.MissingLibrary, match=r"allocc\[mcmc\]"):
        model.fit(draws=1, sampler="emcee")
