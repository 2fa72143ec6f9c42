"""The distance to continuous time: by power series where rates are affine, as by integration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.engine import continuous
from allocc.engine.assess import assess
from allocc.engine.outcome import Deviation

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


def both(
    model: allocc.Model, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[tuple[str, str], float], ...]:
    problem = model.problem
    middle = {
        v: (np.zeros(v.shape) + v.lower + np.minimum(v.upper, 1e3)) / 2 for v in problem.decisions
    }
    values = assess(problem, middle).values
    by_series = continuous.deviations(problem, values)
    monkeypatch.setattr(continuous, "MOST_EXACT", -1)
    integrated = continuous.deviations(problem, values)
    assert len(by_series) == len(problem.updates) + len(problem.terms)
    return named(by_series), named(integrated)


def named(found: tuple[Deviation, ...]) -> dict[tuple[str, str], float]:
    assert list(found) == sorted(found, key=lambda d: -d.relative)
    return {(d.kind, d.name): d.relative for d in found}


@pytest.mark.parametrize("name", ["opioid", "opioid_v1", "seir_vaccination"])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    series, integrated = both(allocc.load(EXAMPLES / name / f"{name}.alloc"), monkeypatch)
    assert series == pytest.approx(integrated, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("step", "rate"), [(1, 0.1), (0.5, 0.9), (3, 0.3)])
def test_chain(step: float, rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chain.alloc"
    path.write_text(CHAIN.format(step=step, rate=rate), "utf-8")
    series, integrated = both(allocc.load(path), monkeypatch)
    assert series == pytest.approx(integrated, rel=1e-5, abs=1e-7)


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
    found = named(continuous.deviations(problem, values))
    assert found["compartment", "A"] == pytest.approx(expected, rel=1e-10)
    assert found["term", "end"] == pytest.approx(abs(euler - true)[-1] / euler[-1], rel=1e-10)


def test_products_of_states_are_integrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates that are not affine do not go through the series."""
    problem = allocc.load(EXAMPLES / "epidemic" / "epidemic.alloc").problem
    values = assess(problem, {v: np.zeros(v.shape) + v.lower for v in problem.decisions}).values
    monkeypatch.setattr(continuous, "_by_series", lambda *_: pytest.fail("not affine"))
    assert continuous.deviations(problem, values)


@pytest.mark.parametrize("beside", ["", "compartment P initial P = 1e9 flow q : P -> = 1"])
def test_people_are_measured_by_people(beside: str, tmp_path: Path) -> None:
    """What stands beside them, in another unit, changes nothing."""
    path = tmp_path / "two.alloc"
    path.write_text(
        "model two time y : year = 0 .. 4 compartment A initial A = 1000 flow heal : A -> = 0.5 * A "
        f"{beside} decide x in 0 .. 1 minimize {{ ill : sum(y: A[y]) + x }}",
        "utf-8",
    )
    problem = allocc.load(path).problem
    values = assess(problem, {v: np.zeros(v.shape) for v in problem.decisions}).values
    found = continuous.deviations(problem, values)
    assert (found[0].kind, found[0].name) == ("compartment", "A")
    assert found[0].relative == pytest.approx(0.2358, abs=1e-4)
    euler, true = 1000 * 0.5 ** np.arange(5), 1000 * np.exp(-0.5 * np.arange(5))
    term = (true.sum() - euler.sum()) / euler.sum()
    assert named(found)["term", "ill"] == pytest.approx(term, rel=1e-9)


def test_the_worst_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.alloc"
    path.write_text(
        "model one time y : year = 0 .. 4 compartment A initial A = 1000 flow heal : A -> = 0.5 * A "
        "decide x in 0 .. 1 minimize { ill : A[end] + x }",
        "utf-8",
    )
    result = allocc.load(path).solve()
    assert "off continuous time, most in the term ill" in result.summary()
    assert result.discretization == result.discretization_parts[0].relative
    back = allocc.Result.open(result.save(tmp_path / "run"))
    assert back.discretization_parts == result.discretization_parts
    assert back.gap_measure == result.gap_measure
