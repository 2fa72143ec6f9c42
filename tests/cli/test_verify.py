"""`allocc verify`: its lines, its JSON and its exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import small
from tests.helpers import Run, only_json


def test_a_line_for_each_link_and_the_verdict(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    assert run("solve", path, "--run", "runs/first", "-q").exit_code == 0
    done = run("verify", "runs/first", "--model", path)
    assert done.exit_code == 1 and not done.stderr
    lines = done.stdout.splitlines()
    heads = [line.split()[:2] for line in lines if line[:2] == "  " and line[2:3].strip()]
    assert heads == [
        ["certificate", "holds"],
        ["files", "holds"],
        ["decisions", "holds"],
        ["tables", "-"],
        ["gap", "holds"],
        ["proof", "open"],
        ["program", "-"],
    ]
    assert lines[-1] == "runs/first: not everything that it claims could be shown: proof"


def test_a_run_with_a_proof_holds_without_its_model(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    assert run("solve", path, "--prove", "--run", "runs/first", "-q").exit_code == 0
    path.unlink()
    done = run("verify", "runs/first")
    assert done.exit_code == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "runs/first holds what it claims"


def test_a_proof_needs_a_run_folder(run: Run, tmp_path: Path) -> None:
    done = run("solve", small.easy(tmp_path), "--prove", "--no-run")
    assert done.exit_code == 2 and "--no-run" in done.stderr


def test_what_does_not_hold_is_named_with_exit_code_1(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    run("solve", path, "--run", "runs/first", "-q")
    table = tmp_path / "runs" / "first" / "decisions.csv"
    table.write_text(table.read_text().replace("a,8", "a,7"))
    done = run("verify", "runs/first", "--model", path)
    assert done.exit_code == 1
    assert "decisions    FAILS  value is stated as 18" in done.stdout
    assert done.stdout.splitlines()[-1] == "runs/first does not hold what it claims: decisions"
    found = only_json(run("verify", "runs/first", "--model", path, "--json").stdout)
    assert found["holds"] is False
    assert [x["name"] for x in found["links"] if x["state"] == "fails"] == ["decisions"]


def test_json_has_every_link(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    run("solve", path, "--run", "runs/first", "-q")
    done = run("verify", "runs/first", "--model", path, "--json")
    assert done.exit_code == 1
    found = only_json(done.stdout)
    assert found["run"] == "runs/first" and found["holds"] is False
    assert {x["state"] for x in found["links"]} == {"holds", "absent", "open"}


def test_a_folder_that_is_no_run_is_a_mistake(run: Run, tmp_path: Path) -> None:
    done = run("verify", tmp_path)
    assert done.exit_code == 1 and done.stdout == "" and "E7014" in done.stderr


def test_a_run_without_its_model_asks_for_it(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    run("solve", path, "--run", "runs/first", "-q")
    shutil.rmtree(tmp_path / "runs" / "first" / "inputs")
    done = run("verify", "runs/first")
    assert done.exit_code == 1 and done.stdout == ""
    assert "E7055" in done.stderr and "--model model.alloc" in done.stderr
    assert run("verify", "runs/first", "--model", "modle.alloc").exit_code == 1
