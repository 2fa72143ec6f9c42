"""The distance to continuous time: by power series where rates are affine, as by integration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.engine import continuous
from allocc.engine.assess import assess

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAIN = """model chain "A chain with a source, a loss and a decision"
time t : week = 0 .. 12 step {step}
compartment A initial A = 100
compartment B initial B = 3
flow come : -> A = 5
flow pass : A -> B = {rate} * A
flow lose : B -> = 0.05 * B
decide help[period] in 0 .. 2
effect pass += help
minimize {{ end : B[end] }}
"""


def both(model: allocc.Model, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    problem = model.problem
    middle = {
        v: (np.zeros(v.shape) + v.lower + np.minimum(v.upper, 1e3)) / 2 for v in problem.decisions
    }
    values = assess(problem, middle).values
    by_series = continuous.discretization_error(problem, values)
    monkeypatch.setattr(continuous, "MOST_EXACT", -1)
    integrated = continuous.discretization_error(problem, values)
    assert by_series is not None and integrated is not None
    return by_series, integrated


@pytest.mark.parametrize("name", ["opioid", "opioid_v1", "seir_vaccination"])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    series, integrated = both(allocc.load(EXAMPLES / name / f"{name}.alloc"), monkeypatch)
    assert series == pytest.approx(integrated, rel=1e-5)


@pytest.mark.parametrize(("step", "rate"), [(1, 0.1), (0.5, 0.9), (3, 0.3)])
def test_chain(step: float, rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chain.alloc"
    path.write_text(CHAIN.format(step=step, rate=rate), "utf-8")
    series, integrated = both(allocc.load(path), monkeypatch)
    assert series == pytest.approx(integrated, rel=1e-5)


def test_a_known_solution(tmp_path: Path) -> None:
    """dA/dt = -0.2 A: Euler's step against the exponential."""
    path = tmp_path / "decay.alloc"
    path.write_text(
        "model decay time t : week = 0 .. 3 compartment A initial A = 10 flow f : A -> = 0.2 * A "
        "decide x in 0 .. 1 minimize { end : A[end] + x }",
        "utf-8",
    )
    problem = allocc.load(path).problem
    values = assess(problem, {v: np.zeros(v.shape) for v in problem.decisions}).values
    euler, true = 10 * 0.8 ** np.arange(1, 4), 10 * np.exp(-0.2 * np.arange(1, 4))
    expected = np.abs(euler - true).max() / euler.max()
    assert continuous.discretization_error(problem, values) == pytest.approx(expected, rel=1e-10)


def test_products_of_states_are_integrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates that are not affine do not go through the series."""
    problem = allocc.load(EXAMPLES / "epidemic" / "epidemic.alloc").problem
    values = assess(problem, {v: np.zeros(v.shape) + v.lower for v in problem.decisions}).values
    monkeypatch.setattr(continuous, "_by_series", lambda *_: pytest.fail("not affine"))
    assert continuous.discretization_error(problem, values) is not None
