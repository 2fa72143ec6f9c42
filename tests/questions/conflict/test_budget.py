"""What is said when there is too little time, and what backends that fail can do."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from allocc.backends import registry
from allocc.backends.highs import HighsBackend
from allocc.backends.solution import Solution, SolveOptions
from allocc.compiler.programs.program import Program
from allocc.engine.judging.outcome import Options
from allocc.questions.conflict.conflict import explain
from allocc.showing.findings import conflict_lines
from tests.questions.conflict.telling import load

ROWS = """model rows
set Place = 1 .. 200
decide x[Place] integer in 0 .. 9
limit low[c in Place]: x[c] >= 2
limit high[c in Place]: 2 * x[c] <= (if c == 77 then 3 else 15)
limit store: sum(x) <= 1500
minimize { cost: sum(x) }
"""


class Slow(HighsBackend):
    """Takes all the time that it is given, and answers nothing."""

    name = "slow"
    given: list[float] = []  # noqa: RUF012 - one list for all, emptied by the test

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        assert options.time_limit is not None
        self.given.append(options.time_limit)
        time.sleep(options.time_limit)
        return Solution("time_limit", None, None, None, options.time_limit, solver="slow")


class Half(HighsBackend):
    """Proves that nothing is feasible, but finds no point of anything."""

    name = "half"

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        found = super().solve(program, options)
        if found.point is None or not program.integer.any():
            return found
        return replace(found, termination="time_limit", point=None, bound=None)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry._BACKENDS, "slow", Slow)
    monkeypatch.setitem(registry._BACKENDS, "half", Half)


def test_a_slow_backend(tmp_path: Path) -> None:
    model = load(tmp_path, ROWS)
    Slow.given.clear()
    found = explain(model, Options(solver="slow", time_limit=1.0))
    assert Slow.given and sum(Slow.given) < 2.0
    assert found.status == "reduced"
    assert found.count == found.of == 801
    assert found.needed == 0
    text = " ".join(conflict_lines(found))
    assert text.startswith("Why: not found in 1.0 s. All of 801 limits, ranges and data are still")
    assert "cannot hold together" not in text


def test_a_set_that_is_not_proven_irreducible(tmp_path: Path) -> None:
    model = load(tmp_path, ROWS)
    found = explain(model, Options(solver="half", time_limit=20.0))
    assert found.status == "reduced"
    assert {m.named for m in found.members} == {"low[77]", "high[77]"}
    text = " ".join(conflict_lines(found))
    assert "irreducible" not in text
    assert "none of them are proven to be needed" in text


def test_a_stop_from_outside(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    found = explain(load(tmp_path, ROWS), Options(cancel=cancel, time_limit=60.0))
    assert found.status == "reduced" and found.checks <= 1


def test_many_rows(tmp_path: Path) -> None:
    """Thousands of members are no more questions than a few."""
    text = ROWS.replace("1 .. 200", "1 .. 3000").replace("<= 1500", "<= 25000")
    found = load(tmp_path, text).conflict(seconds=60)
    assert found.of == 12001
    assert found.status == "irreducible"
    assert {m.named for m in found.members} == {"low[77]", "high[77]"}
    assert found.checks < 20


def test_whole_numbers_among_many_rows(tmp_path: Path) -> None:
    """Without a certificate of the linear relaxation, halves are asked about."""
    text = ROWS.replace("2 * x[c] <= (if c == 77 then 3 else 15)", "2 * x[c] != 0")
    text = text.replace("2 * x[c] != 0", "2 * x[c] + 2 * x[1] <= 40").replace(
        "minimize", "limit odd: 2 * x[5] + 2 * x[9] == 7\nminimize"
    )
    found = load(tmp_path, text).conflict(seconds=60)
    assert found.status == "irreducible"
    assert [m.named for m in found.members] == ["odd"]
    assert found.whole_numbers is True
    assert found.checks < 40


def test_a_solve_that_was_wrong(tmp_path: Path) -> None:
    """A model that has an allocation has no conflict, whoever says so."""
    model = load(tmp_path, ROWS.replace("then 3", "then 8"))
    found = model.conflict()
    assert found.status == "contradicted"
    assert not found.members
    assert "found a point" in " ".join(conflict_lines(found))
