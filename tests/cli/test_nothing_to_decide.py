"""A model without a decision is simulated; there is nothing to prove in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from tests.helpers import Run

DRIFT = """model drift
time t = 0 .. 3
compartment A
initial A = 5
flow leave : A -> = 0.2 * A
minimize { left : A[end] }
"""


@pytest.mark.parametrize("text", ["param a = 3\n", DRIFT])
@pytest.mark.parametrize("command", [["solve"], ["prices"]])
def test_it_is_not_solved(run: Run, tmp_path: Path, text: str, command: list[str]) -> None:
    path = tmp_path / "drift.alloc"
    path.write_text(text)
    found = run(*command, path)
    assert found.exit_code == 1 and "E7016" in found.output and "simulate" in found.output
    assert "Proven" not in found.output and not Path("runs").exists()
    assert run("simulate", path).exit_code == 0 and run("check", path).exit_code == 0


def test_in_python(tmp_path: Path) -> None:
    path = tmp_path / "drift.alloc"
    path.write_text(DRIFT)
    model = allocc.load(path)
    assert model.simulate().value == pytest.approx(5 * 0.8**3)
    with pytest.raises(allocc.AlloccError, match="nothing to decide"):
        model.solve()
