"""The implicit Euler method: against its own equation, in the optimizer, and where steps are long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc

SIR = """model sir "An outbreak"
time t = 0 .. 5 step STEP method implicit
compartment S compartment I compartment R
initial S = 95
initial I = 5
initial R = 0
decide closed[period] integer in 0 .. 1
flow infect : S -> I = 0.8 * (1 - 0.5 * closed) * S * I / 100
flow heal   : I -> R = 0.3 * I
limit days: sum(closed) <= 2
minimize { ill : R[end] + I[end] }
"""


def load(folder: Path, text: str) -> allocc.Model:
    path = folder / "m.alloc"
    path.write_text(text)
    return allocc.load(path)


def test_flows_are_those_at_the_end_of_each_period(tmp_path: Path) -> None:
    model = load(tmp_path, SIR.replace("STEP", "1"))
    closed = np.array([1.0, 0, 0, 1, 0])
    found = model.simulate({"closed": closed})
    s, i = (found[n].to_numpy() for n in "SI")
    for k in range(5):
        new = 0.8 * (1 - 0.5 * closed[k]) * s[k + 1] * i[k + 1] / 100
        assert s[k + 1] == pytest.approx(s[k] - new, rel=1e-10)
        assert i[k + 1] == pytest.approx(i[k] + new - 0.3 * i[k + 1], rel=1e-10)


def test_one_compartment_as_the_reference_has_it(tmp_path: Path) -> None:
    text = """model one "One"
time t = 0 .. 2 method implicit
compartment A
initial A = 100
decide u[period] in 0 .. 1
flow out  : A -> = 0.2 * A + 2 * u
maximize { a : A[end] }
"""
    found = load(tmp_path, text).simulate({"u": [1, 0]})
    assert found["A"].iloc[1] == pytest.approx(98 / 1.2)


def test_no_step_is_too_long(tmp_path: Path) -> None:
    text = """model fast "Fast"
time t = 0 .. 4 method METHOD
compartment A
initial A = 10
decide x in 0 .. 1
flow out : A -> = 5 * A
minimize { a : A[end] + x }
"""
    fast = load(tmp_path, text.replace("METHOD", "implicit"))
    assert fast.simulate()["A"].tolist() == pytest.approx([10 / 6**k for k in range(5)])
    assert not [w for w in fast.warnings if w.code.startswith("W4")]
    euler = load(tmp_path, text.replace("METHOD", "euler"))
    assert euler.simulate()["A"].min() < 0


@pytest.mark.parametrize("step", ["1", "2.5"])
def test_the_best_of_all_and_a_run_that_verifies(step: str, tmp_path: Path) -> None:
    model = load(tmp_path, SIR.replace("STEP", step))
    count = len(model.problem.model.time.periods)  # type: ignore[union-attr]
    values = [
        model.simulate({"closed": [float(b) for b in np.binary_repr(k, count)]})
        for k in range(2**count)
    ]
    best = min(v.value for v in values if v.violation.relative <= 1e-9)  # type: ignore
    result = model.solve(time_limit=60)
    assert result.status == "optimal" and result.value == pytest.approx(best, rel=2e-4)
    assert result.bound is not None and result.bound <= best + 1e-9
    found = allocc.verify(result.save(tmp_path / "run"))
    # Steps that change much are enclosed by no interval that is known: then it is open, never false.
    assert {x.name: x.state for x in found.links}["decisions"] in ("holds", "open")
