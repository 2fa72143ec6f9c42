"""`allocc solve` on models without an allocation: what is printed, written, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from tests import small
from tests.helpers import Run, only_json


def test_conflict_is_told(run: Run, tmp_path: Path) -> None:
    small.easy(tmp_path, small.INFEASIBLE)
    done = run("solve", "model.alloc", "--no-run", "-q")
    assert done.exit_code == 3
    assert done.stderr == ""
    assert "Why: these 2 cannot hold together. The set is irreducible" in done.stdout
    assert "  1  limit both\n     model.alloc:4: limit both: x + y >= 6\n" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 110
    assert "looking for what conflicts" in run("solve", "model.alloc", "--no-run").stderr


def test_no_explain(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path, small.INFEASIBLE)
    done = run("solve", path, "--no-run", "-q", "--no-explain")
    assert done.exit_code == 3
    assert "Why" not in done.stdout
    found = only_json(run("solve", path, "--no-run", "--no-explain", "--json").stdout)
    assert found["conflict"] is None


def test_json(run: Run, tmp_path: Path) -> None:
    small.easy(tmp_path, small.INFEASIBLE)
    done = run("solve", "model.alloc", "--no-run", "--json", "--relax")
    assert done.exit_code == 3
    found = only_json(done.stdout)
    assert found["status"] == "infeasible"
    assert found["value"] is None
    conflict = found["conflict"]
    assert conflict["status"] == "irreducible"
    assert conflict["count"] == 2
    first = conflict["members"][0]
    assert (first["name"], first["line"], first["left"], first["right"]) == ("both", 4, 5.0, 6.0)
    assert first["source"] == "limit both: x + y >= 6"
    loosening = found["loosening"]
    assert loosening["status"] == "cheapest"
    assert [i["name"] for i in loosening["items"]] == ["both"]
    assert loosening["result"]["status"] == "optimal"
    assert loosening["result"]["value"] == pytest.approx(5)


def test_relax_is_not_the_models_own(run: Run, tmp_path: Path) -> None:
    small.easy(tmp_path, small.INFEASIBLE)
    done = run("solve", "model.alloc", "--run", "out", "-q", "--relax", "--no-explain")
    assert done.exit_code == 3
    assert "Why" not in done.stdout
    assert "No allocation meets every limit." in done.stdout
    assert "  With limits loosened: proven optimal.\n" in done.stdout
    assert "in loosened/ there" in done.stdout
    own = only_json((tmp_path / "out" / "certificate.json").read_text("utf-8"))
    assert own["statement"] == "no allocation meets every limit"
    assert own["loosened"] == []
    assert not (tmp_path / "out" / "decisions.csv").exists()
    inner = only_json((tmp_path / "out" / "loosened" / "certificate.json").read_text("utf-8"))
    assert inner["statement"] == "with limits loosened: proven optimal"
    assert inner["loosened"] == ["both"]


def test_findings_come_back(run: Run, tmp_path: Path) -> None:
    small.easy(tmp_path, small.INFEASIBLE)
    done = run("solve", "model.alloc", "--run", "out", "-q", "--relax")
    back = allocc.Result.open("out")
    assert back.summary().splitlines() == done.stdout.split("\nEverything is in")[0].splitlines()
    small.easy(tmp_path, small.UNBOUNDED)
    assert run("solve", "model.alloc", "--run", "far", "-q").exit_code == 4
    again = allocc.Result.open("far")
    assert again.escape is not None
    assert again.escape.decisions[0].name == "x"


def test_relax_where_nothing_is_wrong(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--no-run", "--relax", "--json")
    assert done.exit_code == 0
    found = only_json(done.stdout)
    assert found["loosening"] is None
    assert found["conflict"] is None


def test_unbounded(run: Run, tmp_path: Path) -> None:
    small.easy(tmp_path, small.UNBOUNDED)
    done = run("solve", "model.alloc", "--no-run", "-q")
    assert done.exit_code == 4
    assert "  x grows without end\n  model.alloc:2: decide x in 0 ..\n" in done.stdout
    assert "It lowers the term cost by 1 for each unit" in done.stdout
    found = only_json(run("solve", "model.alloc", "--no-run", "--json").stdout)
    assert found["escape"]["decisions"][0]["name"] == "x"
    done = run("solve", "model.alloc", "--no-run", "-q", "--no-explain")
    assert "grows" not in done.stdout


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan"])
def test_time_to_explain(run: Run, tmp_path: Path, value: str) -> None:
    done = run("solve", small.easy(tmp_path), f"--explain-time={value}")
    assert done.exit_code == 1
    assert "E7005" in done.stderr
    assert "--no-explain" in done.stderr


def test_model_is_as_before(tmp_path: Path) -> None:
    """Looking for a conflict leaves the ranges of a model alone."""
    model = allocc.load(small.epidemic(tmp_path), cap=40)
    before = model.solve().value
    ranges = [(str(v.lower), str(v.upper)) for v in model.problem.variables]
    model.conflict()
    model.loosen()
    model.escape()
    assert ranges == [(str(v.lower), str(v.upper)) for v in model.problem.variables]
    assert model.solve().value == before
