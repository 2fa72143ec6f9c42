"""Whole processes: imports, signals, pipes, colors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allocc import Result
from tests import small
from tests.helpers import SOURCE, only_json

Start = Callable[..., "subprocess.Popen[str]"]

HEAVY = ("numpy", "scipy", "pandas", "lark", "rich", "highspy", "pyscipopt", "gurobipy", "pyomo")


@pytest.mark.parametrize(
    "code",
    [
        "import allocc",
        "from allocc.cli import cli; cli.get_help(__import__('click').Context(cli))",
        "from allocc.cli import cli; cli(['solve', '--help'], standalone_mode=False)",
        "from allocc.cli import cli; cli(['--version'], standalone_mode=False)",
    ],
)
def test_imports_are_light(code: str) -> None:
    script = f"import sys; {code}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def _solving(child: subprocess.Popen[str]) -> None:
    """Wait until the solver has worked for a moment."""
    assert child.stderr is not None
    assert "bound" in child.stderr.readline()
    time.sleep(1.0)


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupt_keeps_the_best(process: Start, tmp_path: Path, name: str) -> None:
    child = process("solve", small.hard(tmp_path), "--run", "out", "--json")
    _solving(child)
    child.send_signal(getattr(signal, name))
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in err
    found = only_json(out)
    assert found["stopped"] == "interrupted"
    assert found["value"] is not None
    assert Result.open(tmp_path / "out").value == found["value"]


@pytest.mark.skipif(os.name == "nt", reason="terminals of Unix")
def test_a_terminal_that_hangs_up_keeps_the_best(tmp_path: Path) -> None:
    import pty

    path = small.hard(tmp_path)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = str(SOURCE)
        os.execv(
            sys.executable, [sys.executable, "-m", "allocc", "solve", str(path), "--run", "out"]
        )
    shown = b""
    while b"bound" not in shown:
        shown += os.read(terminal, 10_000)
    time.sleep(1.0)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (1, 130)
    found = Result.open(tmp_path / "out")
    assert found.stopped == "interrupted" and found.value is not None


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_second_interrupt_leaves_at_once(process: Start, tmp_path: Path) -> None:
    child = process("solve", small.hard(tmp_path), "--run", "out")
    _solving(child)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=10)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert list(tmp_path.glob(".out*")) == []


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_broken_pipe_is_quiet(process: Start, tmp_path: Path) -> None:
    child = process("compile", small.epidemic(tmp_path), "--emit", "tree")
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.wait(timeout=20)


def test_json_of_a_talking_solver(process: Start, tmp_path: Path) -> None:
    for solver in ("highs", "scip", "gurobi", "pyomo"):
        child = process("solve", small.epidemic(tmp_path), "--json", "--no-run", "--solver", solver)
        out, err = child.communicate(timeout=60)
        assert child.returncode in (0, 7), (solver, err)
        only_json(out)
        (tmp_path / "data" / "regions.csv").unlink()
        (tmp_path / "data").rmdir()


def test_python_dash_m(process: Start) -> None:
    out, _ = process("--version").communicate(timeout=20)
    assert out.startswith("allocc ")
