"""Models without a bound: which decision escapes, and which term it improves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allocc.backends import registry
from allocc.backends.highs import HighsBackend
from allocc.backends.solution import Solution, SolveOptions
from allocc.compiler.programs.program import Program
from allocc.showing.findings import escape_lines
from tests.questions.conflict.telling import load


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_one_decision(tmp_path: Path, solver: str) -> None:
    if not registry.get(solver).available():
        pytest.skip(f"{solver} is not installed")
    text = """model forever
decide x "share" : kg in 0 ..
decide n integer in 0 .. 5
limit l: 2 * n + x >= 3
minimize { gain "money" : -2 * x   other: n }
"""
    model = load(tmp_path, text)
    assert model.solve(solver=solver).status == "unbounded"
    found = model.escape(solver=solver)
    assert found.shown
    assert (
        "\n".join(escape_lines(found))
        == """\
Why: this decision goes away without end, and the objective gets better all the way.

  x grows without end  "share"
  m.alloc:2: decide x "share" : kg in 0 ..

  It lowers the term gain by 2 for each kg  "money"

Give it a finite range (`in 0 .. HIGH`), or a limit that holds it."""
    )


def test_whole_numbers_and_downwards(tmp_path: Path) -> None:
    text = """model down
set Place = {a, b}
decide n[Place] integer in .. 5
limit l: n["a"] >= -7
maximize { gain : -3 * sum(n) }
"""
    model = load(tmp_path, text)
    assert model.solve().status == "unbounded"
    found = model.escape()
    (gone,) = found.decisions
    assert (gone.named, gone.rate) == ("n[b]", -1.0)
    assert [(t.name, t.rate) for t in found.terms] == [("gain", pytest.approx(3.0))]
    assert "`in LOW .. 0`" in "\n".join(escape_lines(found))
    assert found.shown


def test_two_that_go_together(tmp_path: Path) -> None:
    text = """model pair
decide x in 0 ..
decide y in 0 ..
decide z in 0 .. 9
limit l: x <= 2 * y + 3
maximize { gain : x + z - 0.1 * y }
"""
    found = load(tmp_path, text).escape()
    assert {(d.name, d.rate) for d in found.decisions} == {("x", 1.0), ("y", 0.5)}
    assert found.shown
    lines = escape_lines(found)
    assert "these 2 decisions go, together," in lines[0]
    assert "  y grows without end (0.5 times as fast)" in lines


def test_over_time(tmp_path: Path) -> None:
    text = """model give_all
time t : day = 0 .. 3
compartment V : person
initial V = 0
decide give[period] in 0 ..
flow vaccinate : -> V = give
maximize { safe "protected" : V[end] }
"""
    model = load(tmp_path, text)
    assert model.solve().status == "unbounded"
    found = model.escape()
    assert {d.name for d in found.decisions} == {"give"}
    assert [t.name for t in found.terms] == ["safe"]
    assert found.shown


class Unsure(HighsBackend):
    """Says of what has an objective only that it is one of the two."""

    name = "unsure"

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        found = super().solve(program, options)
        if found.point is None and np.any(program.objective):
            return replace(found, termination="infeasible_or_unbounded")
        return found


@pytest.mark.parametrize(("side", "status"), [(3, "infeasible"), (4, "unbounded")])
def test_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, status: str
) -> None:
    """A relaxation without a bound does not hide that whole numbers have no solution."""
    monkeypatch.setitem(registry._BACKENDS, "unsure", Unsure)
    text = f"""model both
decide x in 0 ..
decide n integer in 0 .. 9
decide m integer in 0 .. 9
limit l: 2 * n + 2 * m == {side}
minimize {{ cost : -x }}
"""
    assert load(tmp_path, text).solve(solver="unsure").status == status
