"""Many courses: what is told of them, what chance depends on, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import allocc
from allocc.compiler.algebra.index import spread
from allocc.compiler.unrolling.simulate import highest, lowest
from allocc.engine.judging.assess import Judge, assess
from allocc.questions.stochastic import stochastic as question
from allocc.questions.stochastic.judging import Judged
from allocc.questions.stochastic.replicated import AtTime, Replicated
from tests.questions.stochastic.models import DEATH, IMMIGRATION, SIR, model

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = (
    "opioid/opioid.alloc",
    "seir_vaccination/seir_vaccination.alloc",
    "epidemic/epidemic.alloc",
    "lockdown/lockdown.alloc",
    "vaccine/vaccine.alloc",
)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("end", [lowest, highest])
def test_courses_side_by_side_are_evaluated_as_one_is(name: str, end: object) -> None:
    """Each flow at each period, each term and each limit: three times the deterministic course."""
    problem = allocc.load(ROOT / "examples" / name).problem
    found = assess(problem, end(problem))  # type: ignore[operator]
    many = Replicated(3)
    values = {v: found.values[v] for v in problem.decisions}
    for v in problem.states:
        values[many.variable(v)] = np.repeat(found.values[v][..., None], 3, axis=-1)
    evaluate = assess(problem, end(problem)).values  # type: ignore[operator]
    assert problem.period is not None
    for k in range(0, problem.period.size, max(1, problem.period.size // 4)):
        at = AtTime(dict(values), {problem.period: k}, many.axis)
        for flow in problem.flows:
            node = many.node(flow.node)
            shape = (*(a.size for a in flow.axes[:-1]), 1, 3)
            rates = np.broadcast_to(spread(at(node), node.axes, (*flow.axes, many.axis)), shape)
            if flow.variable is not None:
                once = evaluate[flow.variable][..., k]
                np.testing.assert_allclose(rates[..., 0, 1], once, rtol=1e-12, atol=1e-12)
    judged = Judged(problem)
    judged.add(many, values)
    for term, value in found.terms.items():
        np.testing.assert_allclose(judged.terms[term][0], value, rtol=1e-9, atol=1e-9)
    judge = Judge(problem, found.values)
    excess = {c.name: judge.excess(c) for c in problem.constraints}
    broken = {n for n, held in judged.limits.items() if not held.holds[0].any() and n in excess}
    assert {n for n, (over, size) in excess.items() if (over > 1e-6 * size).any()} <= broken
    assert all(excess[n][0].any() for n in broken)
    assert all(held.holds[0].all() or not held.holds[0].any() for held in judged.limits.values())


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    loaded = model(tmp_path, SIR)
    first, second, other = (
        loaded.simulate_stochastic(courses=20, seed=s, parts=2) for s in (4, 4, 5)
    )
    assert first.bands == second.bands
    assert first.bands != other.bands


def test_limits_and_the_objective_course_by_course(tmp_path: Path) -> None:
    found = model(tmp_path, SIR).simulate_stochastic(courses=300, seed=1)
    ill = found.states["I"]
    (room,) = found.limits
    assert room.name == "room"
    assert room.held == int((ill <= 160).all(axis=1).sum())
    assert 0 < room.held < 300
    worst = (ill > 160).sum(axis=0)
    assert room.broken == worst.max()
    assert room.worst == f"room[{2 * int(np.argmax(worst))}]"
    np.testing.assert_allclose(found.outcomes["ill"], 2 * ill.sum(axis=1))
    np.testing.assert_allclose(found.outcomes["value"], found.outcomes["ill"])
    assert found.value is not None
    assert found.value.mean == pytest.approx(found.outcomes["value"].mean())
    low, *_, high = found.value.quantiles
    assert low < found.value.mean < high
    plain = model(tmp_path, SIR).simulate()
    assert found.value.deterministic == plain.value
    assert found.bands[1].deterministic == tuple(plain["I"])


def test_a_limit_on_decisions_is_told_where_it_is_broken(tmp_path: Path) -> None:
    found = model(tmp_path, SIR).simulate_stochastic({"care": 0.8}, courses=5, parts=1)
    assert {x.name: x.held for x in found.limits}["careful"] == 0


def test_interventions_act(tmp_path: Path) -> None:
    text = """model clinic "Care"
time t : year = 0 .. 4
compartment A "ill" : person
compartment W "well" : person
initial A = 400
initial W = 0
flow heal : A -> W = 0
intervention care "Care" {
  decide beds in 0 .. 10
  effect heal += 0.05 * beds * A
}
minimize { left: A[end] }
"""
    loaded = model(tmp_path, text)
    assert loaded.simulate_stochastic(courses=10, parts=1).value.mean == 400
    given = pd.DataFrame({"name": ["beds"], "value": [10]})
    found = loaded.simulate_stochastic(given, courses=2000, seed=1, parts=1)
    p = np.exp(-2.0)
    assert found.value.mean == pytest.approx(400 * p, abs=4 * (400 * p * (1 - p) / 2000) ** 0.5)
    assert found.value.deviation**2 == pytest.approx(400 * p * (1 - p), rel=0.15)


def test_terms_and_limits_read_what_flows_have_moved(tmp_path: Path) -> None:
    """Not what their formulas say at the begin of each period: all who left S were infected."""
    text = SIR.replace("ill", 'new "infections": 2 * sum(p in period: cases[p]) ill', 1)
    text = text.replace("minimize", "let cases[p in period] = infect[p]\nminimize", 1)
    text += "limit few[p in period]: infect[p] + recover[p] <= 65\n"
    found = model(tmp_path, text).simulate_stochastic(courses=40, seed=1)
    s, r = found.states["S"], found.states["R"]
    np.testing.assert_allclose(found.outcomes["new"], s[:, 0] - s[:, -1])
    events = {e.name: e for e in found.events}
    assert events["infect"].mean == pytest.approx(found.outcomes["new"].mean())
    moved = (np.diff(r, axis=1) - np.diff(s, axis=1)) / 2
    held = {x.name: x.held for x in found.limits}
    assert held["few"] == int((moved <= 65).all(axis=1).sum())
    assert 0 < held["few"] < 40


def test_shares_are_scaled(tmp_path: Path) -> None:
    text = SIR.replace("beta * S * I / everyone", "beta * S * I").replace(": person", "")
    shares = model(tmp_path, text, everyone=1, first=0.02, beds=0.16)
    with pytest.raises(allocc.AlloccError, match="E7261") as told:
        shares.simulate_stochastic(courses=10)
    assert "--scale 10000" in str(told.value)
    found = shares.simulate_stochastic(courses=300, seed=1, scale=1000)
    persons = model(tmp_path, SIR).simulate_stochastic(courses=300, seed=1)
    np.testing.assert_allclose(found.states["I"] * 1000, persons.states["I"])


@pytest.mark.parametrize("start", ["0.5", "2.4"])
def test_what_cannot_be_counted(tmp_path: Path, start: str) -> None:
    text = IMMIGRATION.replace("initial I = 0", f"initial I = {start}")
    with pytest.raises(allocc.AlloccError, match="E7261"):
        model(tmp_path, text).simulate_stochastic(courses=10)


def test_rounding_is_told(tmp_path: Path) -> None:
    found = model(tmp_path, SIR, first=20.4).simulate_stochastic(courses=3, parts=1)
    (note,) = [n for n in found.notes if "rounded" in n]
    assert "S from 979.6 to 980, I from 20.4 to 20" in note
    assert (found.states["I"][:, 0] == 20).all()


def test_what_has_no_events(tmp_path: Path) -> None:
    for text in ('model a "A"\ndecide x in 0 .. 1\nminimize { c: x }\n', DEATH.split("flow")[0]):
        with pytest.raises(allocc.AlloccError, match="E7260"):
            model(tmp_path, text.replace("STEP", "1")).simulate_stochastic(courses=5)


def test_too_many_courses(tmp_path: Path) -> None:
    with pytest.raises(allocc.AlloccError, match="E7262") as told:
        model(tmp_path, SIR).simulate_stochastic(courses=10**7)
    assert "ask for 645,161 or fewer" in str(told.value)


def test_a_group_that_dies_out_and_divides(tmp_path: Path) -> None:
    text = """model ends "Dies out"
time t : year = 0 .. 30
compartment I
compartment N
initial I = 3
initial N = 3
flow die : N -> = 0.5 * N
flow meet : I -> = 0.1 * I * N / N
"""
    with pytest.raises(allocc.AlloccError, match="E7263") as told:
        model(tmp_path, text).simulate_stochastic(courses=50, parts=1)
    assert "flow 'meet' has no finite rate at t = " in str(told.value)


@pytest.mark.parametrize(
    "wrong", [{"courses": 1}, {"seed": -1}, {"parts": 0}, {"scale": 0}, {"courses": 2.5}]
)
def test_options(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(allocc.AlloccError, match="E7005"):
        model(tmp_path, SIR).simulate_stochastic(**{"courses": 5, **wrong})  # type: ignore[arg-type]


def test_batches_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = model(tmp_path, SIR)
    whole = loaded.simulate_stochastic(courses=400, seed=3, parts=4)
    monkeypatch.setattr(question, "BATCH", 31 * 90)
    found = loaded.simulate_stochastic(courses=400, seed=3, parts=4)
    assert found.courses == 400
    assert found.states["I"].shape == (400, 31)
    assert (found.states["S"] + found.states["I"] + found.states["R"] == 1000).all()
    # No two batches draw the same.
    assert len({tuple(x) for x in found.states["I"]}) == 400
    assert found.value.mean == pytest.approx(
        whole.value.mean, abs=4 * whole.value.deviation * (2 / 400) ** 0.5
    )


def test_stopped_between_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(question, "BATCH", 31 * 10)
    cancel = threading.Event()
    cancel.set()
    found = model(tmp_path, SIR).simulate_stochastic(courses=100, parts=1, cancel=cancel)
    assert found.courses == 10
    assert any("10 of 100 courses" in n for n in found.notes)


def test_kept_and_read_back(tmp_path: Path) -> None:
    from allocc.results.stochastic.files import read

    found = model(tmp_path, SIR).simulate_stochastic(courses=50, seed=1)
    folder = found.save(tmp_path / "run")
    names = {"stochastic.json", "bands.csv", "courses.csv", "bands.svg"}
    assert {p.name for p in folder.iterdir()} == names
    again = read(folder)
    assert again.bands == found.bands
    assert again.value == found.value
    assert again.limits == found.limits
    assert again.states == {}
    assert len((folder / "courses.csv").read_text("utf-8").splitlines()) == 51
