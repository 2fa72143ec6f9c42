"""The shipped examples and the published numbers of the opioid model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allocc.backends import registry
from allocc.backends.solution import MissingSolver
from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.dsl.reading.parser import parse_file
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.ledger import Ledger
from allocc.engine.solve import solve

ROOT = Path(__file__).parents[2]
OPIOID = ROOT / "examples" / "opioid"
SHARED = ROOT.parent / "shared" / "data" / "opioid"
RHODE_ISLAND = 5833.1213


def run(data: Path, solver: str = "highs", method: str = "auto", gap: float = 1e-4) -> Outcome:
    path = OPIOID / "opioid.alloc"
    found = discretize(bind(parse_file(path), data, path=path))
    if not registry.get(solver).available():
        assert solver != "highs"
        pytest.skip(f"{solver} is not installed: the example is not solved with it")
    options = Options(solver=solver, method=method, gap=gap, time_limit=120)  # type: ignore[arg-type]
    try:
        return solve(found, options)
    except MissingSolver as missing:
        if solver == "highs":
            raise
        pytest.skip(f"{solver}: {missing.reason}")


@pytest.mark.parametrize(
    ("solver", "method"),
    [("highs", "auto"), ("scip", "auto"), ("pyomo", "auto"), ("gurobi", "direct")],
)
def test_rhode_island(solver: str, method: str) -> None:
    found = run(OPIOID, solver, method)
    assert found.status == "optimal"
    assert found.value == pytest.approx(RHODE_ISLAND, rel=1e-6 if solver == "highs" else 1e-4)
    assert found.bound is not None and found.bound <= RHODE_ISLAND * (1 + 1e-7)
    assert found.gap is not None and found.gap <= 1e-4
    assert found.violation is not None and found.violation.relative <= 1e-6


@pytest.mark.parametrize(
    ("state", "value"), [("VT", 5234.7007), ("HI", 4570.9984), ("AL", 33592.089)]
)
def test_other_states(state: str, value: float) -> None:
    if not (SHARED / state).is_dir():
        pytest.skip(f"{SHARED / state} is not beside this repository")
    found = run(SHARED / state)
    assert found.status == "optimal"
    assert found.value is not None and found.bound is not None and found.gap is not None
    assert found.gap <= 1e-4
    assert found.bound <= value * (1 + 1e-6)
    assert value * (1 - 1e-6) <= found.value <= value * (1 + 1e-4)


def test_a_slow_machine_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(OPIOID)
    fast = Ledger.seconds.fget
    assert fast is not None
    monkeypatch.setattr(Ledger, "seconds", property(lambda ledger: 10 * fast(ledger)))
    second = run(OPIOID)
    assert (second.value, second.bound, second.rounds) == (first.value, first.bound, first.rounds)
    assert first.values is not None and second.values is not None
    mine = [second.values[v] for v in second.values]
    for theirs, x in zip(first.values.values(), mine, strict=True):
        assert np.array_equal(theirs, x)
    said = [(step.phase, step.bound, step.value) for step in first.history]
    assert [(step.phase, step.bound, step.value) for step in second.history] == said
