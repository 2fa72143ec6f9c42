"""`allocc sensitivity`, and `allocc plot` of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import Run, only_json
from tests.small import EASY, easy


@pytest.fixture
def clinics(tmp_path: Path) -> Path:
    return easy(tmp_path, EASY)


def test_the_report(run: Run, clinics: Path) -> None:
    done = run("sensitivity", clinics, "--vary", "stock=4..12", "-q")
    assert done.exit_code == 0, done.output
    for text in (
        "Doses for two clinics",
        "Sensitivity: each point solved anew.",
        "18 as it is  (higher is better), gap",
        "One at a time, that which moves the value most first",
        "doses in the store",
        "2 of 2 doses",
    ):
        assert text in done.stdout


def test_json_and_a_folder(run: Run, clinics: Path, tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_text("name,Clinic,value\ndoses,a,8\ndoses,b,2\n", "utf-8")
    asked = ("sensitivity", clinics, "--vary", "stock=+-20%", "--fixed", "given.csv", "--json")
    done = run(*asked, "-o", "kept", "--points", "2", "--together", "4", "-q")
    assert done.exit_code == 0, done.output
    found = only_json(done.stdout)
    assert found["mode"] == "fixed"
    assert found["varied"][0]["swing"] == 0
    assert found["varied"][0]["points"][0]["broken"] == "store"
    assert found["together"]["samples"] == 4
    drawn = run("plot", "kept", "-o", "who.png")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "who.png").is_file()
    assert "E7031" in run("plot", "kept", "--what", "bands").stderr
    assert "E7007" in run(*asked, "-o", "kept").stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "E7265"),
        (["--vary", "stock"], "E7265"),
        (["--vary", "stock=1..2", "--vary", "stock=2..3"], "E7265"),
        (["--vary", "stick=1..2"], "E7266"),
        (["--vary", "stock=1..2", "--together", "3"], "E7267"),
        (["--vary", "stock=1..2", "--points", "1"], "E7005"),
    ],
)
def test_options(run: Run, clinics: Path, options: list[str], code: str) -> None:
    done = run("sensitivity", clinics, *options, "-q")
    assert done.exit_code == 1
    assert code in done.stderr
