"""`allocc solve` and `allocc simulate`: what is printed, and what is written."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import small
from tests.helpers import Run, only_json


def test_json_is_alone_on_stdout(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.epidemic(tmp_path), "--json", "--run", "out")
    assert done.exit_code == 0
    found = only_json(done.stdout)
    assert found["status"] == "optimal"
    assert found["run"] == "out"
    assert found["violation"]["relative"] <= 1e-6
    assert found["terms"] == {"left": pytest.approx(found["value"])}
    for name in (
        "model",
        "bound",
        "gap",
        "solver",
        "method",
        "seconds",
        "stopped",
        "message",
        "rounds",
    ):
        assert name in found
    saved = only_json((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert saved["value"] == found["value"]
    assert set(saved["files"]) == {"epidemic.alloc", "regions.csv"}
    assert all(len(h) == 64 for h in saved["files"].values())
    assert set(saved["versions"]) == {"allocc", "python", "solver", "solver_package"}
    certificate = only_json((tmp_path / "out" / "certificate.json").read_text("utf-8"))
    assert certificate["statement"].startswith("proven optimal")


def test_report(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.epidemic(tmp_path), "--set", "cap=20", "--no-run")
    text = done.stdout
    assert "Treatment by region" in text
    assert "left" in text
    assert "still sick" in text
    assert "teams (sum)" in text
    assert "without interventions" in text
    assert not (tmp_path / "runs").exists()
    assert max(len(line) for line in text.splitlines()) <= 110


def test_quiet(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--quiet", "--no-run")
    assert done.stderr == ""
    assert "bound" in run("solve", small.easy(tmp_path), "--no-run").stderr


def test_many_labels_are_cut(run: Run, tmp_path: Path) -> None:
    text = small.EASY.replace("{a, b}", "1 .. 200").replace(
        '2 * doses["a"] + doses["b"]', "sum(doses)"
    )
    done = run("solve", small.easy(tmp_path, text))
    assert done.exit_code == 0
    assert "of 200 rows" in done.stdout
    assert len(done.stdout.splitlines()) < 50


def test_run_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    assert run("solve", path, "--run", "out").exit_code == 0
    before = (tmp_path / "out" / "result.json").read_bytes()
    done = run("solve", path, "--run", "out")
    assert done.exit_code == 1
    assert "E7007" in done.stderr
    assert (tmp_path / "out" / "result.json").read_bytes() == before
    for _ in range(3):
        assert run("solve", path).exit_code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 3


def test_full_disk(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small.easy(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("allocc.results.run_folder.writing._text", full)
    done = run("solve", path, "--run", "deep/out")
    assert done.exit_code == 1
    assert "Proven optimal" in done.stdout
    assert "E7008" in done.stderr
    assert "no space left on device" in done.stderr
    assert list((tmp_path / "deep").iterdir()) == []
    done = run("solve", path, "--json")
    found = only_json(done.stdout)
    assert found["status"] == "optimal"
    assert found["run"] is None
    assert found["diagnostics"][0]["code"] == "E7008"


def test_baseline(run: Run, tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    done = run("simulate", path, "--json", "--csv", "base.csv")
    assert done.exit_code == 0
    found = only_json(done.stdout)
    assert found["status"] == "simulated"
    assert found["value"] == pytest.approx(800 * 0.9**4)
    with (tmp_path / "base.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {r["name"] for r in rows} == {"A", "R", "heal"}
    assert rows[0] == {
        "kind": "compartment",
        "name": "A",
        "Region": "north",
        "t": "2020",
        "value": "300",
        "baseline": "",
    }


UNITS = """model m
set Clinic = {a, b}
time t : week = 0 .. 2
compartment stock : vial
initial stock = 5
decide doses[Clinic] "doses" : dose integer in 0 .. 8
decide shipped : vial/week in -9 .. 9
flow ship : -> stock = shipped
limit store[c in Clinic]: 3 * doses[c] <= 9
maximize { reached: sum(doses) }
"""


@pytest.mark.parametrize(
    ("given", "words", "unit"),
    [
        ({"doses": {"a": 3, "b": 5}}, "6 dose in store[b] (25.00 %)", "dose"),
        ({"shipped": -5}, "5 vial in stock[2] (100 %)", "vial"),
        ({"doses": {"a": 3, "b": 3}}, "none: every limit holds", ""),
    ],
)
def test_violations_have_a_unit(
    tmp_path: Path, given: dict[str, Any], words: str, unit: str
) -> None:
    import allocc

    result = allocc.load(small.easy(tmp_path, UNITS)).simulate({"shipped": 0, **given})
    assert f"violation  {words}" in result.summary()
    again = allocc.Result.open(result.save(tmp_path / "kept"))
    assert again.violation == result.violation
    assert again.certificate["violation"]["unit"] == unit


def test_decisions_come_back(run: Run, tmp_path: Path) -> None:
    path = small.epidemic(tmp_path)
    solved = only_json(run("solve", path, "--json", "--run", "out").stdout)
    for given in ("out", "out/decisions.csv"):
        done = run("simulate", path, "--decisions", given, "--json")
        assert only_json(done.stdout)["value"] == pytest.approx(solved["value"], rel=1e-12)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (None, "E7009", "no such file"),
        ("a,b\n1,2\n", "E7009", "lacks a column"),
        ("name,Region,t,value\nteems,north,2020,1\n", "E7010", "did you mean 'teams'"),
        ("name,Region,t,value\nteams,east,2020,1\n", "E7010", "no 'teams[east, 2020]'"),
        ("name,Region,t,value\nteams,north,2020,many\n", "E7010", "is not a number"),
        ('name,Region,t,value\nteams,north,2020,"1,000"\n', "E7010", "write 1000 or 1.000"),
        ("name,t,value\nteams,2020,1\n", "E7053", "lacks the column 'Region'"),
    ],
)
def test_wrong_decisions(run: Run, tmp_path: Path, text: str | None, code: str, words: str) -> None:
    if text is not None:
        (tmp_path / "given.csv").write_text(text, "utf-8")
    done = run("simulate", small.epidemic(tmp_path), "--decisions", "given.csv")
    assert done.exit_code == 1
    assert code in done.stderr
    assert words in done.stderr


def test_folder_without_decisions(run: Run, tmp_path: Path) -> None:
    done = run("simulate", small.epidemic(tmp_path), "--decisions", ".")
    assert "it has no decisions.csv" in done.stderr


def test_damaged_run(run: Run, tmp_path: Path) -> None:
    from allocc import AlloccError, Result

    assert run("solve", small.epidemic(tmp_path), "--run", "out").exit_code == 0
    for name in ("decisions.csv", "history.csv", "result.json"):
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(tmp_path / "out", copy)
        (copy / name).unlink()
        with pytest.raises(AlloccError, match="E7014"):
            Result.open(copy)
    for damage in ("{", "[]", '{"format": 1}', json.dumps({"format": 99})):
        (copy / "result.json").write_text(damage, "utf-8")
        with pytest.raises(AlloccError, match="E7014"):
            Result.open(copy)
    with pytest.raises(AlloccError, match="does not exist"):
        Result.open(tmp_path / "nowhere")
