"""`allocc sweep`, as a process that may be killed and as a command."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import allocc
from allocc.backends.isolation import pool
from tests import small
from tests.helpers import Run, only_json

Start = Callable[..., "subprocess.Popen[str]"]
needs_processes = pytest.mark.skipif(bool(pool.reason()), reason="there are no processes here")


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "sweep.csv").open(encoding="utf-8")))


def test_a_grid(run: Run, tmp_path: Path) -> None:
    model = small.epidemic(tmp_path)
    done = run("sweep", model, "--set", "cap=20,40", "--set", "sick[north]=100, 300", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "4 points: 4 optimal" in done.stdout
    assert "1/4  cap=" in done.stderr and "; 3 left, about" in done.stderr
    found = rows(tmp_path / "out")
    assert [(r["cap"], r["sick[north]"]) for r in found] == [
        ("20", "100"),
        ("20", "300"),
        ("40", "100"),
        ("40", "300"),
    ]
    for row in found:
        plain = allocc.load(model, cap=row["cap"], **{"sick[north]": row["sick[north]"]}).solve()
        assert float(row["value"]) == pytest.approx(plain.value, rel=1e-4)
        assert float(row["left"]) == float(row["value"])
        kept = tmp_path / "out" / row["decisions"]
        # Its settings come along, as those of a run do.
        again = only_json(run("simulate", model, "--decisions", kept, "--json").stdout)
        assert again["value"] == float(row["value"])
    data = json.loads((tmp_path / "out" / "sweep.json").read_text("utf-8"))
    assert data["axes"] == ["cap", "sick[north]"] and data["failed"] == data["left"] == 0
    assert (tmp_path / "out" / "sweep.svg").is_file()
    more = run("sweep", model, "--set", "cap=20,40,60", "--set", "sick[north]=100", "-o", "out")
    assert "3 points: 3 optimal; 2 of them were there already" in more.stdout
    assert len(rows(tmp_path / "out")) == 3


def test_folders_and_json(run: Run, tmp_path: Path) -> None:
    model = small.epidemic(tmp_path)
    for name, sick in (("VT", 100), ("RI", 900)):
        (tmp_path / "states" / name).mkdir(parents=True)
        text = f"name,sick\nnorth,{sick}\nsouth,500\n"
        (tmp_path / "states" / name / "regions.csv").write_text(text, "utf-8")
    (tmp_path / "states" / "note.txt").touch()
    done = run("sweep", model, "--data", "states/*", "--workers", "1", "--json", "-q")
    assert done.exit_code == 0 and done.stderr == ""
    found = only_json(done.stdout)
    assert [p["label"] for p in found["points"]] == [{"data": "RI"}, {"data": "VT"}]
    for point in found["points"]:
        plain = allocc.load(model, tmp_path / "states" / point["label"]["data"]).solve()
        assert point["value"] == pytest.approx(plain.value, rel=1e-4)


def test_a_failure_is_told_and_stops_no_other(run: Run, tmp_path: Path) -> None:
    done = run("sweep", small.easy(tmp_path), "--set", "stock=3,many,5", "-o", "out")
    assert done.exit_code == 1
    assert "3 points: 2 optimal, 1 error" in done.stdout
    assert "stock=many: E3019" in done.stdout
    assert [r["status"] for r in rows(tmp_path / "out")] == ["optimal", "error", "optimal"]
    assert "E3019" in rows(tmp_path / "out")[1]["error"]


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [(small.INFEASIBLE, 0, "infeasible"), (small.UNBOUNDED, 0, "unbounded"), (small.BAD, 1, "E2")],
)
def test_other_ends(run: Run, tmp_path: Path, text: str, code: int, word: str) -> None:
    done = run("sweep", small.easy(tmp_path, text), "--workers", "1")
    assert done.exit_code == code
    assert word in done.stdout


def test_a_time_limit(run: Run, tmp_path: Path) -> None:
    model = small.hard(tmp_path)
    done = run("sweep", model, "--time-limit", "0.5", "--workers", "1", "-o", "out")
    assert done.exit_code == 5
    assert "1 point: 1 feasible (time limit)" in done.stdout


@needs_processes
def test_parts_and_what_collects_them(run: Run, tmp_path: Path) -> None:
    model = small.easy(tmp_path)
    asked = ("sweep", model, "--set", "stock=1,2,3,4,5,6,7", "-o", "out")
    sizes = []
    for k in (1, 2, 3):
        done = run(*asked, "--shard", f"{k}/3", "--workers", "1")
        assert done.exit_code == 0, done.output
        assert "without --shard makes the table" in done.stdout
        sizes.append(len(list((tmp_path / "out" / "points").glob("*.json"))))
    assert sizes == [3, 5, 7]
    assert not (tmp_path / "out" / "sweep.csv").exists()
    done = run(*asked)
    assert "7 points: 7 optimal; 7 of them were there already" in done.stdout
    assert [r["stock"] for r in rows(tmp_path / "out")] == list("1234567")


def test_mistakes_on_the_command_line(run: Run, tmp_path: Path) -> None:
    model = small.easy(tmp_path)
    for arguments, code in (
        (("--set", "stock=1,,2"), "E7250"),
        (("--set", "stock=1,000"), "E7250"),
        (("--data", "none/*"), "E7251"),
        (("--shard", "3/2", "-o", "out"), "E7252"),
        (("--shard", "two", "-o", "out"), "E7252"),
        (("--cluster", "host:8786"), "E7253"),
        (("-o", "."), "E7255"),
        (("-o", "model.alloc"), "E7255"),
        (("--workers", "0"), "E7005"),
        (("--gap", "200%"), "E7005"),
        (("--set", "stock"), "E7004"),
        (("--fitted", "nowhere"), "E7214"),
    ):
        done = run("sweep", model, *arguments)
        assert done.exit_code == 1, (arguments, done.output)
        assert code in done.stderr, (arguments, done.stderr)
    assert "E7001" in run("sweep", "none.alloc").stderr
    assert run("sweep", model, "--shard", "1/2").exit_code == 2
    assert not (tmp_path / "out").exists()


def _three_are_there(points: Path) -> None:
    for _ in range(600):
        if len(list(points.glob("*.json"))) >= 3:
            return
        time.sleep(0.05)
    raise AssertionError("nothing is written")


def _asked(tmp_path: Path) -> tuple[object, ...]:
    values = ",".join(map(str, range(40)))
    return ("sweep", small.epidemic(tmp_path), "--set", f"cap={values}", "-o", "out")


@needs_processes
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_killed_in_the_middle_and_started_again(process: Start, tmp_path: Path, run: Run) -> None:
    asked = _asked(tmp_path)
    points = tmp_path / "out" / "points"
    child = process(*asked, "--workers", "2")
    _three_are_there(points)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=30)
    before = {p: p.stat().st_mtime_ns for p in points.glob("*.json")}
    assert 3 <= len(before) < 40
    time.sleep(1.0)
    # Its workers have ended with it.
    assert {p: p.stat().st_mtime_ns for p in points.glob("*.json")} == before
    done = run(*asked, "--workers", "2")
    assert done.exit_code == 0, done.output
    assert f"40 optimal; {len(before)} of them were there already" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert len(list(points.glob("*.json"))) == 40


@needs_processes
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted(process: Start, tmp_path: Path, name: str) -> None:
    child = process(*_asked(tmp_path), "--workers", "2")
    _three_are_there(tmp_path / "out" / "points")
    child.send_signal(getattr(signal, name))
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in err and "what is finished is kept" in err
    there = len(list((tmp_path / "out" / "points").glob("*.json")))
    assert f"{there} optimal, {40 - there} left" in out
    assert [r["status"] for r in rows(tmp_path / "out")].count("left") == 40 - there
