"""Disks that are full, folders that are read-only or taken, Ctrl-C while writing: nothing is lost."""

from __future__ import annotations

import errno
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from allocc import Result
from allocc.results.run_folder import writing
from tests import small
from tests.helpers import Run, only_json

NAMES = ["result.json", "certificate.json", "decisions.csv", "history.csv"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def full_disk(monkeypatch: pytest.MonkeyPatch, name: str, everywhere: bool = False) -> None:
    """Writing a file of this name fails as on a full disk, the first time or always."""
    before = Path.open
    left = [10**9 if everywhere else 1]

    def opened(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if self.name == name and "w" in mode and left[0]:
            left[0] -= 1
            self.touch()
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return before(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", opened)


@pytest.mark.parametrize("name", NAMES)
def test_full_disk(
    run: Run, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = small.easy(tmp_path)
    full_disk(monkeypatch, name)
    done = run("solve", path, "--run", "out")
    assert done.exit_code == 1
    assert "Proven optimal" in done.stdout
    assert "E7008" in done.stderr and "no space left on device" in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))
    # The run is kept where there is room, and the report says where.
    kept = next(elsewhere.glob("*/easy"))
    assert str(kept) in done.stdout
    assert Result.open(kept).value == 18


def test_full_disk_everywhere(
    run: Run, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small.easy(tmp_path)
    full_disk(monkeypatch, "result.json", everywhere=True)
    done = run("solve", path, "--run", "out", "--json")
    assert done.exit_code == 1
    found = only_json(done.stdout)
    assert (found["value"], found["run"]) == (18, None)
    assert [d["code"] for d in found["diagnostics"]] == ["E7008"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser writes anywhere")
def test_read_only_folder(run: Run, tmp_path: Path, elsewhere: Path) -> None:
    path = small.easy(tmp_path)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    done = run("solve", path, "--run", shut / "out")
    assert done.exit_code == 1 and "E7008" in done.stderr
    assert next(elsewhere.glob("*/easy")).is_dir()


def test_a_folder_that_is_filled_meanwhile(
    run: Run, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small.easy(tmp_path)
    before = writing._write_all

    def slow(result: Result, folder: Path) -> None:
        before(result, folder)
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "other").touch()

    monkeypatch.setattr(writing, "_write_all", slow)
    done = run("solve", path, "--run", "out")
    assert done.exit_code == 1 and "E7007" in done.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["other"]


def test_two_runs_of_one_second_get_two_folders(run: Run, tmp_path: Path) -> None:
    result = Result.open(_solved(run, tmp_path))
    barrier, found = threading.Barrier(4), []
    before = writing._write_all

    def together(result: Result, folder: Path) -> None:
        before(result, folder)
        barrier.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_write_all", together)
        threads = [
            threading.Thread(target=lambda: found.append(writing.save(result))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 4
    assert all(Result.open(folder).value == 18 for folder in found)


def _solved(run: Run, tmp_path: Path) -> Path:
    assert run("solve", small.easy(tmp_path), "--run", "first").exit_code == 0
    return tmp_path / "first"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_while_the_run_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small.easy(tmp_path)
    before = writing._write_all

    def interrupted(result: Result, folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        before(result, folder)

    monkeypatch.setattr(writing, "_write_all", interrupted)
    done = run("solve", path, "--run", "out")
    assert "Traceback" not in done.output
    assert Result.open(tmp_path / "out").value == 18
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "stage",
    [
        "allocc.dsl.reading.parser.parse_file",
        "allocc.compiler.binding.bind.bind",
        "allocc.compiler.unrolling.discretize.discretize",
        "allocc.compiler.pipeline.lower",
        "allocc.compiler.programs.bounds.Propagator.run",
        "allocc.engine.solver_calls.call",
        "allocc.engine.ledger.assess",
    ],
)
def test_ctrl_c_in_every_stage(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = small.epidemic(tmp_path)
    monkeypatch.setattr(stage, stop)
    done = run("solve", path, "--no-run")
    assert "Traceback" not in done.output
    assert done.exit_code == 130, done.output


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is watched on Linux only")
def test_memory_limit(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.hard(tmp_path), "--memory-limit", 1, "--json", "--no-run")
    found = only_json(done.stdout)
    assert found["stopped"] == "memory_limit"
    assert done.exit_code == (6 if found["value"] is None else 5)
    shown = run("solve", small.hard(tmp_path), "--memory-limit", 1, "--no-run")
    assert "memory limit" in shown.stdout


def test_a_damaged_run_folder(run: Run, tmp_path: Path) -> None:
    folder = _solved(run, tmp_path)
    (folder / "result.json").write_text("[" * 100_000)
    done = run(
        "simulate",
        "easy.alloc" if (tmp_path / "easy.alloc").exists() else "model.alloc",
        "--decisions",
        folder,
    )
    # The settings of the run cannot be known.
    assert done.exit_code == 1 and "E7014" in done.stderr
    with pytest.raises(Exception, match="E7014"):
        Result.open(folder)
    (folder / "result.json").unlink()
    (folder / "decisions.csv").write_text("name,value\ndoses," + '"' + "x" * 200_000)
    done = run("simulate", "model.alloc", "--decisions", folder)
    assert done.exit_code == 1 and "E7009" in done.stderr
