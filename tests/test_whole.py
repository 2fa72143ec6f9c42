"""Files appear whole or not at all, and what a killed writer left is taken away."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allocc import whole
from allocc.dsl.diagnostics import DiagnosticError
from tests import small
from tests.helpers import SOURCE, Run

Write = Callable[[Path], None]


def writes(text: str) -> Write:
    return lambda path: path.write_text(text, "utf-8") and None


def full(path: Path) -> None:
    path.write_text("half", "utf-8")
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_the_old_file_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(DiagnosticError, match=r"E7008.*the thing cannot be written.*no space left"):
        whole.write_whole(target, full, "the thing")
    assert list(tmp_path.iterdir()) == []
    whole.write_whole(target, writes("old"), "the thing")
    target.chmod(0o640)
    with pytest.raises(DiagnosticError):
        whole.write_whole(target, full, "the thing")
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    whole.write_whole(target, writes("new"), "the thing")
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links and devices")
def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    target, link, pipe = (tmp_path / name for name in ("a.txt", "link.txt", "pipe"))
    link.symlink_to(target)
    whole.write_whole(link, writes("text"), "the thing")
    assert link.is_symlink() and target.read_text() == "text"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    whole.write_whole(pipe, writes("text"), "the thing")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


KILLED = """
import os, signal, sys, time
from pathlib import Path
from allocc import whole
def write(path):
    path.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
whole.write_whole(Path(sys.argv[1]), write, "the thing")
"""


@pytest.mark.skipif(os.name == "nt", reason="locks of Unix")
def test_what_a_killed_writer_left_is_taken_away(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(target)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == b"writing\n"
        (left,) = tmp_path.iterdir()
        old = time.time() - 3600
        os.utime(left, (old, old))
        # While its writer lives it is let alone, however old it is.
        whole.write_whole(tmp_path / "b.txt", writes("b"), "the thing")
        assert left.exists()
    finally:
        child.kill()
        child.communicate()
    os.utime(left, (old, old))
    whole.write_whole(tmp_path / "b.txt", writes("b"), "the thing")
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_what_is_not_ours_is_let_alone(tmp_path: Path) -> None:
    other = tmp_path / ".out.abc"
    other.mkdir()
    young = tmp_path / ".allocc-part-young"
    young.mkdir()
    os.utime(other, (0, 0))
    whole.write_whole(tmp_path / "b.txt", writes("b"), "the thing")
    assert other.exists() and young.exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("compile model.alloc -o out.mps", "out.mps"),
        ("compile model.alloc -o out.lp", "out.lp.map.json"),
        ("simulate model.alloc --csv out.csv", "out.csv"),
        ("render model.alloc -o out.md", "out.md"),
        ("new first", "first.alloc"),
        ("new first", "counties.csv"),
    ],
)
def test_a_full_disk_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    small.easy(tmp_path)
    before = Path.open
    asked = []

    def opened(self: Path, mode: str = "r", *rest: object, **more: object) -> object:
        if self.name == name and "w" in mode:
            asked.append(self)
            self.touch()
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return before(self, mode, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", opened)
    done = run(*command.split())
    assert asked and done.exit_code == 1
    assert "E7008" in done.stderr and "no space left on device" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["model.alloc"]


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_signal_while_writing_leaves_nothing(tmp_path: Path, number: str) -> None:
    text = KILLED.replace(
        "import os,", "from allocc import signals\nsignals.install(signals.interrupt)\nimport os,"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path / "a.txt")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert child.stdout is not None and child.stdout.readline() == b"writing\n"
    child.send_signal(getattr(signal, number))
    child.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == []


def test_a_new_model_in_the_current_folder(run: Run, tmp_path: Path) -> None:
    assert run("new", "first", "--into", ".").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "first.alloc"]
