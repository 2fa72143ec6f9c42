"""Reports where a user meets them: the text, JSON, the run folder, Python, and the commands."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import allocc
from tests import small
from tests.helpers import Run, only_json


def model(folder: Path, more: str) -> Path:
    path = small.epidemic(folder)
    path.write_text(small.EPIDEMIC + more, encoding="utf-8")
    return path


WELL = """
report well[t] "share that is well" = sum(r in Region: R[r, t]) / 800
report fewest "sick where they are fewest" : person = min(r in Region: A[r, end])
report each[r in Region] "sick people a team" = A[r, end] / teams[r, start]
report treated[r in Region, p in period] = heal[r, p]
"""


def test_solve(run: Run, tmp_path: Path) -> None:
    path = model(tmp_path, WELL)
    done = run("solve", path, "--set", "cap=25", "--run", "out", "-q")
    assert done.exit_code == 0
    text = done.stdout[done.stdout.index("\nReports\n") :]
    assert "sick where they are fewest" in text
    assert "t = 2020" in text and "t = 2022" in text and "share that is well" in text
    assert max(len(line) for line in text.splitlines()) <= 110
    saved = only_json((tmp_path / "out" / "result.json").read_text("utf-8"))
    with (tmp_path / "out" / "reports.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {r["kind"] for r in rows} == {"report"}
    assert [r["name"] for r in rows if r["name"] == "well"] == ["well"] * 5
    assert all(r["baseline"] for r in rows if r["name"] == "well")
    again = run("solve", path, "--set", "cap=25", "--json", "--no-run", "-q")
    found = only_json(again.stdout)["reports"]
    assert found == saved["reports"]
    assert set(found) == {"well", "fewest", "each", "treated"}
    assert set(found["well"]) == {"2020", "2020.5", "2021", "2021.5", "2022"}
    assert "north,2020.5" in found["treated"]
    with (tmp_path / "out" / "trajectories.csv").open(encoding="utf-8") as file:
        sick = [r for r in csv.DictReader(file) if r["name"] == "A" and r["t"] == "2022"]
    assert found["fewest"] == pytest.approx(min(float(r["value"]) for r in sick))


def test_what_has_no_value(run: Run, tmp_path: Path) -> None:
    """No team anywhere: nothing can be divided by their number, and nothing else is lost."""
    path = model(tmp_path, WELL)
    done = run("solve", path, "--set", "cap=0", "--run", "out", "--json", "-q")
    assert done.exit_code == 0
    found = only_json(done.stdout)
    assert found["reports"]["each"] == {"north": None, "south": None}
    assert found["reports"]["fewest"] > 0
    (note,) = found["notes"]
    assert note == "report 'each' has no value: division by zero at Region = north"
    result = allocc.Result.open(tmp_path / "out")
    assert np.isnan(result["each"].to_numpy()).all()
    assert result.reports["fewest"] == found["reports"]["fewest"]


def test_python_and_back(tmp_path: Path) -> None:
    loaded = allocc.load(model(tmp_path, WELL), cap=25)
    result = loaded.solve()
    assert list(result.reports) == ["well", "fewest", "each", "treated"]
    assert result["well"].index.tolist() == [2020, 2020.5, 2021, 2021.5, 2022]
    assert result["treated"].shape == (4, 2)
    assert result["well"].iloc[-1] == pytest.approx(result.trajectories["R"].loc[2022].sum() / 800)
    assert "well" not in result.decisions and "well" not in result.trajectories
    tidy = result.to_long()
    assert (tidy.kind == "report").sum() == 5 + 1 + 2 + 8
    again = allocc.Result.open(result.save(tmp_path / "out"))
    assert again["treated"].equals(result["treated"])
    for block, other in zip(result.blocks, again.blocks, strict=True):
        assert block.name == other.name and block.kind == other.kind
        assert (block.baseline is None) == (other.baseline is None)
        if block.baseline is not None:
            assert np.array_equal(block.baseline, other.baseline, equal_nan=True)
    same = loaded.simulate(tmp_path / "out")
    assert same.reports["fewest"] == pytest.approx(result.reports["fewest"])
    assert "share that is well" in result._repr_html_() and "fewest" in result.summary()


def test_simulate_check_and_compile(run: Run, tmp_path: Path) -> None:
    path = model(tmp_path, WELL)
    done = run("simulate", path, "--json", "--csv", "all.csv")
    found = only_json(done.stdout)
    assert found["reports"]["well"]["2022"] == pytest.approx(1 - 0.9**4)
    assert found["reports"]["each"] == {"north": None, "south": None}
    assert "report,well," in (tmp_path / "all.csv").read_text("utf-8")
    assert "Reports" in run("simulate", path).stdout
    assert ", 4 reports\n" in run("check", path).stdout
    assert "Reports" in run("compile", path, "--emit", "problem").stdout
    assert "well, fewest" in repr(allocc.load(path))


def test_check_finds_mistakes_in_reports(run: Run, tmp_path: Path) -> None:
    done = run("check", model(tmp_path, "report r = sum(t: healed[t])\n"), "--format", "json")
    assert done.exit_code != 0
    assert [d["code"] for d in json.loads(done.stdout)["diagnostics"]] == ["E2001"]


def test_no_allocation_no_report(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, small.INFEASIBLE + "report r = x / y\n")
    found = only_json(run("solve", path, "--json", "--no-run", "-q").stdout)
    assert found["reports"] == {} and found["status"] == "infeasible"


def test_long_reports_are_cut(run: Run, tmp_path: Path) -> None:
    text = small.EASY + "set Many = 1 .. 30\nreport r[k in Many] = k * doses['a']\n"
    done = run("solve", small.easy(tmp_path, text.replace("'", '"')), "--no-run", "-q")
    assert "the 12 largest of 30 rows; reports.csv in the run folder has them all" in done.stdout


def test_limits_in_scenarios_are_counted(run: Run, tmp_path: Path) -> None:
    text = (
        small.EASY
        + """set Day = 1 .. 5
    chance mostly: probability 60% over d in Day weight 1 / 5 {
      limit enough: sum(doses) >= d
      limit both[c in Clinic]: doses[c] >= d - 3
    }
    """
    )
    path = small.easy(tmp_path, text)
    assert "2 decisions, 1 limit, 15 limits in scenarios" in run("check", path).stdout
    shown = run("compile", path, "--emit", "problem").stdout
    assert "Limits of mostly, with probability 60.00 %" in shown


def test_a_single_whole_decision_in_html(tmp_path: Path) -> None:
    result = allocc.load(
        small.easy(tmp_path, small.INFEASIBLE.replace("<= 5\nm", "<= 8\nm"))
    ).solve()
    assert "x = " in result._repr_html_()
