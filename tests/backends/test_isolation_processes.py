"""A Python of its own runs a solve: Ctrl-C, its end, and its violent end leave no worker behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.isolating import eventually, runs

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import json, os, signal, sys, threading, time
from allocc.backends import SolveOptions, get, isolated, isolation, open_session
from allocc.backends.isolation import watching
from tests.backends.dying import Dying
from tests.backends.programs import hard_knapsack, program
from tests.backends.test_session import random_lp
HARD, LP = hard_knapsack(), random_lp()
def tell(**what): print(json.dumps(what), flush=True)
"""


class Child:
    """A Python that runs some lines and tells what it found, one JSON object a line."""

    def __init__(self, code: str) -> None:
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        env = {k: v for k, v in os.environ.items() if k != "ALLOCC_IN_PROCESS"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**env, "PYTHONPATH": path},
        )
        self.pids: list[int] = []

    def told(self) -> dict[str, Any]:
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        found: dict[str, Any] = json.loads(line)
        self.pids += found.get("pids", [])
        return found

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def gone(self) -> bool:
        """Whether it has ended and all its workers with it."""
        self.process.wait(60)
        assert self.pids
        return eventually(lambda: not any(runs(p) for p in self.pids))


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.process.kill()
        child.process.communicate()


def run(children: list[Child], code: str) -> Child:
    children.append(Child(code))
    return children[-1]


def test_nothing_is_left_at_exit(children: list[Child]) -> None:
    code = """
isolated(get("highs")).solve(LP, SolveOptions())
session = open_session(LP)
isolation.start()
tell(pids=isolation.workers())
"""
    child = run(children, code)
    child.told()
    assert child.gone() and child.process.returncode == 0


def test_nothing_is_left_after_an_exception(children: list[Child]) -> None:
    code = """
isolation.start()
tell(pids=isolation.workers())
threading.Thread(target=isolated(Dying("deaf")).solve, args=(LP, SolveOptions()), daemon=True).start()
time.sleep(0.3)
raise RuntimeError("a test that fails")
"""
    child = run(children, code)
    child.told()
    assert child.gone() and child.process.returncode == 1


@pytest.mark.parametrize("how", ["nothing", "deaf", "holds_the_interpreter"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_parent_is_killed(
    children: list[Child], how: str, number: signal.Signals, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    code = f"""
isolated(Dying("nothing")).solve(LP, SolveOptions())
tell(pids=isolation.workers())
isolated(Dying({how!r}, {str(mark)!r})).solve(LP, SolveOptions())
time.sleep(600)
"""
    child = run(children, code)
    child.told()
    assert eventually(mark.exists)
    child.process.send_signal(number)
    assert child.gone()


def test_nothing_is_left_when_it_is_killed_while_a_worker_starts(children: list[Child]) -> None:
    code = """
isolation.start()
tell(pids=isolation.workers())
time.sleep(600)
"""
    child = run(children, code)
    child.told()
    child.process.kill()
    assert child.gone()


def test_a_fork_does_not_use_its_parents_worker(children: list[Child]) -> None:
    code = """
isolated(get("highs")).solve(LP, SolveOptions())
pid = os.fork()
if pid == 0:
    assert not isolation.workers()
    assert isolated(get("highs")).solve(LP, SolveOptions()).termination == "optimal"
    tell(pids=isolation.workers())
    isolation.close()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
answer = isolated(get("highs")).solve(LP, SolveOptions())
tell(pids=isolation.workers(), termination=answer.termination)
"""
    child = run(children, code)
    child.told()
    assert child.told()["termination"] == "optimal"
    assert child.gone()


SOLVE = """
def seen(p):
    if p.value is not None and p.seconds > 0.3 and not told:
        told.append(1)
        tell(pids=isolation.workers())
told = []
answer = isolated(get({name!r})).solve(HARD, SolveOptions(on_progress=seen, threads=1))
tell(termination=answer.termination, value=answer.value, message=answer.message, pids=isolation.workers())
"""


@pytest.mark.parametrize("name", ["highs", "scip"])
def test_the_first_ctrl_c_keeps_the_incumbent(children: list[Child], name: str) -> None:
    child = run(children, SOLVE.format(name=name))
    before = child.told()["pids"]
    child.interrupt()
    found = child.told()
    assert found["termination"] == "interrupted" and found["value"] is not None
    assert found["message"] == "stopped by Ctrl-C"
    assert found["pids"] == before  # it heard, and stays
    assert child.gone()


DEAF = """
watching.GRACE_SECONDS = 600.0 if {patient} else 0.3
mark = {mark!r}
try:
    answer = isolated(Dying("deaf", mark)).solve({program}, SolveOptions())
    tell(termination=answer.termination, message=answer.message, pids=isolation.workers())
except KeyboardInterrupt:
    tell(raised="KeyboardInterrupt", pids=isolation.workers())
"""


def deaf(children: list[Child], tmp_path: Path, program: str, patient: bool) -> Child:
    mark = tmp_path / "pid"
    child = run(children, DEAF.format(patient=patient, mark=str(mark), program=program))
    assert eventually(lambda: mark.exists() and mark.read_text() != "")
    child.pids.append(int(mark.read_text()))
    child.interrupt()
    return child


def test_one_that_does_not_hear_ctrl_c_is_ended(children: list[Child], tmp_path: Path) -> None:
    child = deaf(children, tmp_path, "HARD", patient=False)
    found = child.told()
    assert found["termination"] == "interrupted" and "was ended" in found["message"]
    assert found["pids"] == [] and child.gone()


def test_ctrl_c_raises_where_a_solve_looks_at_nothing(
    children: list[Child], tmp_path: Path
) -> None:
    """As in this process, where a small linear program is not watched."""
    child = deaf(children, tmp_path, "LP", patient=False)
    assert child.told() == {"raised": "KeyboardInterrupt", "pids": []}
    assert child.gone()


def test_the_second_ctrl_c_raises(children: list[Child], tmp_path: Path) -> None:
    child = deaf(children, tmp_path, "HARD", patient=True)
    assert child.process.stdout is not None

    def again() -> bool:
        # Two signals that come together are delivered as one.
        child.interrupt()
        return not runs(child.pids[0])

    assert eventually(again)
    assert child.told()["raised"] == "KeyboardInterrupt"
    assert child.gone()
