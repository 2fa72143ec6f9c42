"""`allocc compare`: its text, its JSON, its picture and its mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import small
from tests.helpers import Run, only_json


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """A model with two runs of it, in `runs/`."""
    path = small.epidemic(tmp_path)
    assert run("solve", path, "--run", "runs/best", "-q").exit_code == 0
    assert run("solve", path, "--run", "runs/less", "-q", "--set", "cap=10").exit_code == 0
    return path


def test_two_runs_side_by_side(run: Run, model: Path) -> None:
    done = run("compare", "runs/best", "runs/less", "--model", model)
    assert done.exit_code == 0 and not done.stderr
    text = " ".join(done.stdout.split())
    assert "best proven optimal less proven optimal" in text
    assert "less is " in text and "worse than best: worse in left (+" in text
    for heading in ("Objective (lower is better)", "Decisions", "Compartments at the end"):
        assert heading in done.stdout
    assert "A (at the end), by Region" in done.stdout
    assert "all 5 5 " in text and "teams there are" in text
    assert "Note: less has other settings: cap = 10 there, as in the model in best" in text


def test_json_has_the_same_numbers(run: Run, model: Path) -> None:
    done = run("compare", "runs/best", "baseline", "--model", model, "--json")
    assert done.exit_code == 0 and not done.stderr
    found = only_json(done.stdout)
    assert [s["kind"] for s in found["sides"]] == ["run", "baseline"]
    (left,) = found["terms"]
    assert left["values"] == found["value"]["values"]
    assert left["differences"] == [0.0, pytest.approx(left["values"][1] - left["values"][0])]
    assert found["why"][0] == [] and found["why"][1][0]["good"] is False
    assert {x["labels"][0] for x in found["members"][0]["differing"]} <= {"north", "south"}
    assert found["limits"][0]["sides"][0]["binding"] == 5


def test_a_picture(run: Run, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = run("compare", "runs/best", "runs/less", "-o", "both.svg")
    assert done.exit_code == 0 and "the picture is in both.svg" in done.stderr
    svg = (tmp_path / "both.svg").read_text()
    assert "teams at work" in svg and "best" in svg and "less" in svg


def test_nothing_to_draw_is_said(run: Run, model: Path) -> None:
    pytest.importorskip("matplotlib")
    done = run("compare", "runs/best", "runs/best", "-o", "none.svg")
    assert done.exit_code == 1 and "E7031" in done.stderr
    done = run("compare", "runs/best", "runs/best", "-o", "none.pdf")
    assert done.exit_code == 1 and "E7011" in done.stderr


def test_mistakes(run: Run, model: Path) -> None:
    shutil.rmtree("runs/best/inputs")
    for given, code in (
        (["runs/best"], "E7240"),
        (["runs/best", "runs/none"], "E7014"),
        (["runs/best", "baseline"], "E7242"),
    ):
        done = run("compare", *given)
        assert done.exit_code == 1 and code in done.stderr and not done.stdout


def test_a_model_that_does_not_fit_leaves_limits_out(run: Run, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done = run("compare", "runs/best", "runs/best", "--model", small.easy(other))
    assert done.exit_code == 0
    assert "the limits of runs/best are left out" in done.stdout.replace("\n", " ")


def test_policies_are_simulated_and_compared(run: Run, tmp_path: Path) -> None:
    text = small.EASY + 'policy half "the same for each" { doses = stock / 4 }\n'
    path = small.easy(tmp_path, text)
    done = run("simulate", path, "--policy", "half", "--run", "runs/half")
    assert done.exit_code == 0 and "policy half: the same for each" in done.stdout
    assert "2 were made whole" in done.stdout
    found = only_json(run("compare", "runs/half", "policy:half", "--model", path, "--json").stdout)
    assert found["value"]["differences"] == [0.0, 0.0]
    assert [s["kind"] for s in found["sides"]] == ["run", "policy"]
    told = only_json(run("simulate", path, "--policy", "half", "--json").stdout)
    assert told["notes"] == ["policy half: 2 were made whole"]


def test_mistakes_with_policies(run: Run, tmp_path: Path) -> None:
    path = small.easy(tmp_path)
    done = run("simulate", path, "--policy", "half")
    assert done.exit_code == 1 and "E7243" in done.stderr and "write one" in done.stderr
    done = run("simulate", path, "--policy", "half", "--decisions", "runs/x")
    assert done.exit_code == 1 and "E7244" in done.stderr
