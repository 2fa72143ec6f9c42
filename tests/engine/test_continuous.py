"""The distance to continuous time: by power series where rates are affine, as by integration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.engine import endings
from allocc.engine.judging import continuous
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Deviation

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


EXPONENTIAL = """model m
set G = {a, b}
time t : day = 0 .. 3 method exponential
compartment A[G]
initial A[g in G] = if g == "a" then 5 else 10
decide u[G, period] in 0 .. 1
flow f[g in G] : A[g] -> = RATE
effect f[g in G] += u[g]
limit few: sum(g in G, p in period: u[g, p]) <= 2
minimize { o: sum(g in G: A[g, end]) }
"""


@pytest.mark.parametrize("rate", ["0.2 * A[g]", "0.1 * (A[g, t-1] else A[g])"])
def test_the_exponential_step_is_not_off(tmp_path: Path, rate: str) -> None:
    """Over an index, and where a flow remembers what was there a step before."""
    path = tmp_path / "m.alloc"
    path.write_text(EXPONENTIAL.replace("RATE", rate), "utf-8")
    result = allocc.load(path).solve()
    assert result.status == "optimal"
    assert result.discretization == pytest.approx(0, abs=1e-7)


SOLVED = """model m
time t = 0 .. 3
compartment A initial A = 10
decide x[period] in 0 .. 1
flow f : A -> = 0.1 * A + x
minimize { o: A[end] }
"""


def solved(folder: Path, text: str = SOLVED) -> allocc.Result:
    (folder / "m.alloc").write_text(text, "utf-8")
    return allocc.load(folder / "m.alloc").solve()


def refuse(error: BaseException):  # type: ignore[no-untyped-def]
    def raising(*_: object) -> None:
        raise error

    return raising


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (continuous.NotMeasured("the reason"), "the reason"),
        (ValueError("axes"), "allocc broke down there, please report it (ValueError: axes)"),
        (MemoryError(), "there is not enough memory"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_what_cannot_be_measured_loses_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    monkeypatch.delenv("ALLOCC_DEBUG", raising=False)
    monkeypatch.setattr(endings, "deviations", refuse(error))
    result = solved(tmp_path)
    assert (result.status, result.discretization) == ("optimal", None)
    assert result.value == pytest.approx(10 * 0.9**3 - 0.81 - 0.9 - 1)
    assert result.notes == (f"how far the steps are from continuous time is not known: {said}",)


def test_too_many_compartments_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous, "MOST", 0)
    (note,) = solved(tmp_path).notes
    assert note.endswith("only up to 0 compartments are integrated, not 1")


def test_what_explodes_between_the_steps_is_told(tmp_path: Path) -> None:
    """dA/dt = A^2 from 1 is infinite at time 1, where Euler's steps are not."""
    text = SOLVED.replace("= 10", "= 1").replace("f : A -> = 0.1 * A + x", "f : -> A = A * A")
    result = solved(tmp_path, text + "\nlimit none: sum(p in period: x[p]) <= 0")
    assert result.status == "optimal"
    assert result.notes[0].startswith("how far the steps are from continuous time is not known: ")


def test_a_baseline_that_is_a_mistake_loses_no_answer(tmp_path: Path) -> None:
    """Without its effect a parameter makes a denominator zero."""
    text = SOLVED.replace("compartment", "param off = 1 compartment")
    text = text.replace("0.1 * A + x", "0.1 * A / (1 - off) effect off *= 0.5 - 0.1 * x")
    result = solved(tmp_path, text)
    assert (result.status, result.baseline_value) == ("optimal", None)
    assert any(n.startswith("there is no baseline to compare with: ") for n in result.notes)


@pytest.mark.parametrize(("rate", "far"), [("0.1", False), ("0.8", True)])
def test_long_steps_are_told_with_the_mend(tmp_path: Path, rate: str, far: bool) -> None:
    result = solved(tmp_path, SOLVED.replace("0.1 * A + x", f"{rate} * A - 0 * x"))
    assert result.discretization is not None and (result.discretization > 0.1) == far
    said = " ".join(result.summary().split())
    mend = "; these steps are too long to stand for continuous time: choose a shorter `step`"
    assert (mend in said) == far
