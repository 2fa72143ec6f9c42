"""`allocc fit`, and its estimates in other commands."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

import allocc
from tests.helpers import Run, only_json

DECAY = """model decay "Cases that fade"
table seen from "seen.csv" key week
param fade "share that recovers" : 1/week in 0 .. = 0.9
param level : person = 100
time t : week = 0 .. 6
compartment I "ill" : person
initial I = level
flow recover : I -> = fade * I
decide kits "kits" in 0 .. 3
minimize { ill : I[end] + kits }
fit history "weekly counts" {
  time t = 0 .. 4
  estimate fade from 0.3
  observe I = seen.ill
}
"""
SEEN = "week,ill\n0,100\n1,81\n2,69\n3,\n4,44\n"


@pytest.fixture
def decay(tmp_path: Path) -> Path:
    (tmp_path / "seen.csv").write_text(SEEN, "utf-8")
    (tmp_path / "decay.alloc").write_text(DECAY, "utf-8")
    return tmp_path / "decay.alloc"


def test_the_report(run: Run, decay: Path) -> None:
    done = run("fit", decay, "-q")
    assert done.exit_code == 0, done.output
    for text in (
        "Cases that fade",
        "Fit history, weekly counts.",
        "(sum of squares of 4 numbers)",
        "8 from different starts, and none ended elsewhere",
        "95 % interval",
        "share that recovers",
        "Residuals",
    ):
        assert text in done.stdout


def test_json(run: Run, decay: Path) -> None:
    found = only_json(run("fit", decay, "--json", "--level", "90%", "-q").stdout)
    fade = found["estimates"]["fade"]
    assert fade["value"] == pytest.approx(0.2, abs=0.02)
    low, high = fade["interval"]
    assert low < fade["value"] < high
    assert 0 < fade["error"] < 0.1
    assert found["loss"] > 0
    assert found["level"] == 0.9
    assert set(found["files"]) == {"decay.alloc", "seen.csv"}


def test_a_folder_and_what_takes_it(run: Run, decay: Path, tmp_path: Path) -> None:
    done = run("fit", decay, "-o", "found", "--draws", "20", "-q")
    assert done.exit_code == 0, done.output
    assert "Everything is in found" in done.stdout
    folder = tmp_path / "found"
    names = {"fitted.json", "residuals.csv", "draws.csv", "fit.svg"}
    assert {p.name for p in folder.iterdir()} == names
    rows = list(csv.DictReader((folder / "residuals.csv").open()))
    assert [r["t"] for r in rows] == ["0", "1", "2", "4"]
    draws = list(csv.DictReader((folder / "draws.csv").open()))
    assert len(draws) == 20
    value = json.loads((folder / "fitted.json").read_text("utf-8"))["estimates"]["fade"]["value"]

    plain = only_json(run("simulate", decay, "--json").stdout)
    for place in ("found", "found/fitted.json"):
        fitted = only_json(run("simulate", decay, "--fitted", place, "--json").stdout)
        by_hand = only_json(run("simulate", decay, "--set", f"fade={value!r}", "--json").stdout)
        assert fitted["end"] == by_hand["end"] != plain["end"]
    over = run("simulate", decay, "--fitted", "found", "--set", "fade=0.9", "--json")
    assert only_json(over.stdout)["end"] == plain["end"]
    solved = run("solve", decay, "--fitted", "found", "--run", "solved", "-q")
    assert solved.exit_code == 0, solved.output
    settings = json.loads((tmp_path / "solved" / "result.json").read_text("utf-8"))["settings"]
    assert settings["fade"] == value
    # What only a fit reads is no part of a solve.
    assert not list((tmp_path / "solved").rglob("seen.csv"))
    loaded = allocc.load(decay, fitted=folder, level=50)
    assert float(loaded.bound.parameters["fade"].values) == value
    assert float(loaded.bound.parameters["level"].values) == 50
    drawn = run("plot", "found")
    assert drawn.exit_code == 0
    assert (folder / "plots" / "fit.svg").is_file()
    assert run("plot", "found", "--what", "progress").exit_code == 1
    assert "E7007" in run("fit", decay, "-o", "found").stderr


def test_draws_alone(run: Run, decay: Path, tmp_path: Path) -> None:
    assert run("fit", decay, "--draws", "5", "--csv", "draws.csv", "-q").exit_code == 0
    assert len((tmp_path / "draws.csv").read_text("utf-8").splitlines()) == 6
    assert "E7005" in run("fit", decay, "--csv", "other.csv").stderr


def test_a_model_solves_without_the_table_of_its_fit(run: Run, decay: Path) -> None:
    (decay.parent / "seen.csv").unlink()
    assert run("solve", decay, "--no-run", "-q").exit_code == 0
    assert run("check", decay).exit_code == 0
    done = run("fit", decay)
    assert done.exit_code == 1
    assert "E3001" in done.stderr


def changed(decay: Path, old: str, new: str) -> None:
    text = decay.read_text("utf-8")
    assert old in text
    decay.write_text(text.replace(old, new), "utf-8")


def test_a_model_without_a_fit(run: Run, decay: Path) -> None:
    decay.write_text(DECAY.partition("fit history")[0], "utf-8")
    assert "E7212" in run("fit", decay).stderr


def test_one_of_several_fits(run: Run, decay: Path) -> None:
    other = DECAY[DECAY.index("fit history") :].replace("fit history", "fit later")
    decay.write_text(DECAY + other, "utf-8")
    assert "E7213" in run("fit", decay).stderr
    assert "E7006" in run("fit", decay, "--fit", "latest").stderr
    assert run("fit", decay, "--fit", "later", "-q").exit_code == 0


def test_no_finite_course_from_any_start(run: Run, decay: Path) -> None:
    changed(decay, "param level", "param gap : 1 = 1\nparam level")
    changed(decay, "= fade * I\n", "= fade * I / gap\n")
    changed(decay, "from 0.3\n", "from 0.3\n  estimate gap in 0 .. 0\n")
    done = run("fit", decay, "-q")
    assert done.exit_code == 1
    assert "E7210" in done.stderr


def test_what_holds_no_estimates(run: Run, decay: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"format": "allocc fit 1", "estimates": {"a": 3}}')
    for path in ("seen.csv", "nowhere", "odd.json", "."):
        done = run("simulate", decay, "--fitted", path)
        assert done.exit_code == 1
        assert "E7214" in done.stderr


def test_estimates_of_another_model(run: Run, decay: Path, tmp_path: Path) -> None:
    assert run("fit", decay, "-o", "found", "-q").exit_code == 0
    other = tmp_path / "other.alloc"
    other.write_text("model other\ndecide x in 0 .. 1\nminimize { cost : x }\n", "utf-8")
    done = run("solve", other, "--fitted", "found")
    assert done.exit_code == 1
    assert "E7215" in done.stderr


def test_chains(run: Run, decay: Path, tmp_path: Path) -> None:
    changed(decay, "observe I = seen.ill", "observe I ~ normal(seen.ill, 3)")
    changed(decay, "fade from 0.3", "fade ~ lognormal(0.3, 0.5)")
    done = run(
        "fit", decay, "--draws", "50", "--sampler", "emcee", "--steps", "60", "-o", "found", "-q"
    )
    assert done.exit_code == 0, done.output
    for text in (
        "50 from 32 chains of 60 steps, without the first 12",
        "lognormal(0.3, 0.5)",
        "95 % of draws",
        "Note: the chains are too short",
    ):
        assert text in done.stdout
    data = json.loads((tmp_path / "found" / "fitted.json").read_text("utf-8"))
    assert data["sampling"]["chains"] == 32
    assert len(data["sampling"]["autocorrelation"]) == 1
    assert data["estimates"]["fade"]["prior"] == "lognormal(0.3, 0.5)"
    assert len((tmp_path / "found" / "draws.csv").read_text("utf-8").splitlines()) == 51
    assert run("simulate", decay, "--fitted", "found").exit_code == 0


def test_chains_without_emcee(run: Run, decay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emcee", None)
    done = run("fit", decay, "--draws", "5", "--sampler", "emcee")
    assert done.exit_code == 7
    assert "pip install 'allocc[mcmc]'" in done.stderr
    assert run("fit", decay, "--draws", "5", "-q").exit_code == 0
