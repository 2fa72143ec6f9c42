from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from allocc.cli import cli

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.append(ROOT)

from tests.helpers import SOURCE, Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALLOCC_DEBUG", raising=False)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(a) for a in arguments], prog_name="allocc")

    return call


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `allocc` as a process of its own; it is ended after a minute."""
    timers = []

    def start(*arguments: object, **more: Any) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
        child = subprocess.Popen(
            [sys.executable, "-m", "allocc", *(str(a) for a in arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, **more.pop("env", {})},
            **more,
        )

        timers.append(threading.Timer(60, child.kill))
        timers[-1].start()
        return child

    yield start
    for timer in timers:
        timer.cancel()
