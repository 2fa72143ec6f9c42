"""Known laws: binomial death, Poisson stock, competing risks, branching, final sizes; totals exact."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from allocc.questions.stochastic.leaping import CONVERGED
from tests.questions.stochastic.models import DEATH, IMMIGRATION, SIR, model

#: A right claim fails with this probability.
RARE = 1e-4


def fits(counts: np.ndarray, law: stats.rv_discrete) -> float:
    """The p-value of counts under a law, in cells that expect ten or more."""
    low, high = int(law.ppf(0.001)), int(law.ppf(0.999))
    edges, expected, last = [], [], -1.0
    total = 0.0
    for k in range(low, high + 1):
        total = float(law.cdf(k)) - (0.0 if last < 0 else float(law.cdf(last)))
        if total * len(counts) >= 10 and (1 - law.cdf(k)) * len(counts) >= 10:
            edges.append(k)
            expected.append(total)
            last = k
    cells = np.searchsorted(edges, counts, side="left")
    seen = np.bincount(cells, minlength=len(edges) + 1)
    shares = np.array([*expected, 1 - sum(expected)])
    return float(stats.chisquare(seen, shares * len(counts)).pvalue)


@pytest.mark.parametrize("step", ["4", "0.5"])
def test_death_is_binomial_whatever_the_step(tmp_path: Path, step: str) -> None:
    found = model(tmp_path, DEATH.replace("STEP", step)).simulate_stochastic(
        courses=5000, seed=3, parts=1
    )
    law = stats.binom(60, np.exp(-0.9 * 4))
    end = found.states["I"][:, -1]
    assert fits(end, law) > RARE
    assert end.mean() == pytest.approx(law.mean(), abs=4 * law.std() / 5000**0.5)
    assert end.var() == pytest.approx(law.var(), rel=0.1)
    # Of those who left, a third died of the first cause: competing risks.
    dead = stats.binom(60, (1 - np.exp(-0.9 * 4)) / 3)
    assert fits(found.states["X"][:, -1], dead) > RARE


def test_immigration_and_death_is_poisson(tmp_path: Path) -> None:
    found = model(tmp_path, IMMIGRATION).simulate_stochastic(courses=4000, seed=5, parts=64)
    for k, t in enumerate(range(5)):
        if t:
            law = stats.poisson(6 / 0.5 * (1 - np.exp(-0.5 * t)))
            assert fits(found.states["I"][:, k], law) > RARE
    arrived = next(e for e in found.events if e.name == "arrive")
    assert arrived.mean == pytest.approx(24, abs=0.4)
    assert arrived.deviation == pytest.approx(24**0.5, rel=0.06)


def test_the_final_size_of_a_large_epidemic(tmp_path: Path) -> None:
    text = SIR.replace("0 .. 60", "0 .. 200")
    found = model(tmp_path, text, everyone=1e6, first=1000).simulate_stochastic(courses=60, seed=1)
    # log(S / S0) = -R0 (1 - S): Kermack and McKendrick 1927.
    left = brentq(lambda s: np.log(s / 0.999) + 2 * (1 - s), 1e-6, 0.999)
    end = found.states["S"][:, -1] / 1e6
    assert end.mean() == pytest.approx(left, abs=CONVERGED)
    assert end.std() < 0.005


def gillespie(people: int, ill: int, runs: int) -> np.ndarray:
    """How many are ill at day 15, event by event (Gillespie 1977), with rates 0.4 and 0.2."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(runs):
        s, i, t = people - ill, ill, 0.0
        while i:
            infect, recover = 0.4 * s * i / people, 0.2 * i
            t += random.exponential(1 / (infect + recover))
            if t > 15:
                break
            if random.random() * (infect + recover) < infect:
                s, i = s - 1, i + 1
            else:
                i -= 1
        found.append(i)
    return np.array(found)


def test_leaps_have_the_law_of_single_events(tmp_path: Path) -> None:
    """In a small epidemic, where leaps are worst."""
    text = SIR.replace("0 .. 60 step 2", "0 .. 15 step 1.5")
    loaded = model(tmp_path, text, everyone=60, first=4)
    found = loaded.simulate_stochastic(courses=3000, seed=6, parts=64)
    leaps, events = found.states["I"][:, -1], gillespie(60, 4, 3000)
    assert stats.ks_2samp(leaps, events).pvalue > RARE
    assert leaps.mean() == pytest.approx(events.mean(), abs=4 * events.std() * (2 / 3000) ** 0.5)
    assert leaps.std() == pytest.approx(events.std(), rel=0.06)
    assert (leaps == 0).mean() == pytest.approx((events == 0).mean(), abs=0.03)


def test_half_of_the_epidemics_of_one_person_die_out(tmp_path: Path) -> None:
    """A branching process with R0 = 2 dies out with probability 1 / 2."""
    text = SIR.replace("I -> R", "I -> S").replace("0 .. 60", "0 .. 80")
    found = model(tmp_path, text, everyone=2000, first=1).simulate_stochastic(courses=2000, seed=2)
    assert found.infected == ("I",)
    assert found.extinct is not None
    assert found.extinct / 2000 == pytest.approx(0.5, abs=4 * 0.5 / 2000**0.5)
    assert found.extinct == int((found.states["I"][:, -1] == 0).sum())
    assert next(b for b in found.bands if b.name == "I").empty == found.extinct


def test_more_parts_come_nearer_to_continuous_time(tmp_path: Path) -> None:
    """The mean is that of the equation dI/dt = 6 - I / 2; the leap's error is of first order."""
    loaded = model(tmp_path, IMMIGRATION)
    exact = 12 * (1 - np.exp(-2))
    off = []
    for parts in (1, 2, 4):
        found = loaded.simulate_stochastic(courses=40_000, seed=1, parts=parts)
        off.append(found.states["I"][:, -1].mean() - exact)
    assert 0.4 < off[1] / off[0] < 0.6
    assert 0.3 < off[2] / off[1] < 0.7


WEB = """model web "Flows of every kind"
set P = {a, b, c}
time t : day = 0 .. 5
compartment X[P]
compartment Y
initial X[p in P] = START
initial Y = 40
param k[P, P] = 0.2
flow between[p in P, q in P if p != q] : X[p] -> X[q] = RATE * k[p, q] * X[p]
flow out[p in P] : X[p] -> Y = BOTH * (X[p] - Y)
flow taken[p in P] : X[p] -> Y = CONSTANT
flow back : Y -> X["a"] = 3
"""


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 40),
    st.floats(0, 3),
    st.floats(-0.5, 0.5),
    st.floats(-30, 30),
    st.integers(0, 99),
    st.integers(1, 4),
)
def test_nobody_is_lost_and_nobody_is_halved(
    start: int, rate: float, both: float, constant: float, seed: int, parts: int
) -> None:
    text = WEB.replace("START", str(start)).replace("RATE", f"{rate:.6f}")
    text = text.replace("BOTH", f"({both:.6f})").replace("CONSTANT", f"({constant:.6f})")
    with TemporaryDirectory() as folder:
        found = model(Path(folder), text).simulate_stochastic(courses=7, seed=seed, parts=parts)
    x, y = found.states["X"], found.states["Y"]
    assert (x >= 0).all()
    assert (y >= 0).all()
    assert (x == np.rint(x)).all()
    assert (x.sum(axis=1) + y == 3 * start + 40).all()


def test_a_negative_flow_runs_the_other_way(tmp_path: Path) -> None:
    """X -> Y = -mu * Y is the death of Y."""
    text = """model backward "Backward"
time t : year = 0 .. 2
compartment X
compartment Y
initial X = 0
initial Y = 60
flow move : X -> Y = -0.5 * Y
"""
    found = model(tmp_path, text).simulate_stochastic(courses=3000, seed=8, parts=1)
    assert fits(found.states["Y"][:, -1], stats.binom(60, np.exp(-1.0))) > RARE
    assert found.events[0].mean == pytest.approx(-60 * (1 - np.exp(-1.0)), rel=0.02)
