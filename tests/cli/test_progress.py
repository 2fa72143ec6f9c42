"""What is shown while something long goes on."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from allocc.cli import progress
from allocc.cli.progress import LiveLine, watching, working
from allocc.engine.judging.outcome import Step
from tests import small
from tests.helpers import Run


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The phases that a terminal gets a line for."""
    found = []

    @contextmanager
    def live(phase: str) -> Iterator[Any]:
        found.append(phase)
        yield lambda step: None

    monkeypatch.setattr(progress, "_live", live)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    return found


def test_a_phase_is_shown_on_a_terminal(shown: list[str]) -> None:
    with working("reading"), watching(False, "looking for the reason") as tell:
        assert tell is not None
    assert shown == ["reading", "looking for the reason"]


def test_nothing_is_shown_where_nobody_looks(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with working("reading", quiet=True), watching(True) as tell:
        assert tell is None
    monkeypatch.setenv("TERM", "dumb")
    with working("reading"):
        pass
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with working("reading"), watching(False):
        pass
    assert shown == []


def test_a_step_takes_the_place_of_the_phase() -> None:
    line, console = LiveLine("compiling"), Console(width=100, file=io.StringIO())
    with console.capture() as before:
        console.print(line)
    line.tell(Step(1.0, 2.0, 3.0, 0.5, 4, "solving"))
    with console.capture() as after:
        console.print(line)
    assert "compiling" in before.get() and "compiling" not in after.get()
    assert "solving" in after.get()


@pytest.mark.parametrize("command", ["solve", "prices"])
def test_every_long_phase_of_a_command_has_its_line(
    run: Run, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = []

    def told(phase: str, quiet: bool = False) -> object:
        phases.append(phase)
        return working(phase, quiet)

    monkeypatch.setattr("allocc.cli.progress.working", told)
    assert run(command, small.easy(tmp_path)).exit_code == 0
    last = {"solve": "writing the run folder", "prices": "finding the prices"}[command]
    assert phases == ["reading the model and its data", last]
