"""`allocc simulate --stochastic`, and `allocc plot` of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import Run, only_json
from tests.questions.stochastic.models import SIR


@pytest.fixture
def sir(tmp_path: Path) -> Path:
    (tmp_path / "sir.alloc").write_text(SIR, "utf-8")
    return tmp_path / "sir.alloc"


def test_the_report(run: Run, sir: Path) -> None:
    done = run("simulate", sir, "--stochastic", "100", "--seed", "1")
    assert done.exit_code == 0, done.output
    for text in (
        "Stochastic: 100 courses, baseline: no intervention acts.",
        "on average, +/-",
        "room holds in ",
        " of 100 courses; broken most often at room[",
        "none is left at the end in ",
        "parts a period",
        "Compartments at 60 (day)",
        "Events",
    ):
        assert text in done.stdout


def test_json_csv_and_a_folder(run: Run, sir: Path, tmp_path: Path) -> None:
    asked = ("simulate", sir, "--stochastic", "60", "--parts", "4", "--decisions", "given.csv")
    (tmp_path / "given.csv").write_text("name,value\ncare,0.5\n", "utf-8")
    done = run(*asked, "--json", "--csv", "bands.csv", "--run", "found")
    assert done.exit_code == 0, done.output
    found = only_json(done.stdout)
    assert found["courses"] == 60
    assert found["parts"] == 4
    assert found["seed"] == 0
    assert found["levels"] == [0.05, 0.25, 0.5, 0.75, 0.95]
    assert [b["compartment"] for b in found["bands"]] == ["S", "I", "R"]
    rows = (tmp_path / "bands.csv").read_text("utf-8").splitlines()
    assert rows[0] == "name,t,without_chance,mean,q05,q25,q50,q75,q95"
    assert len(rows) == 1 + 3 * 31
    drawn = run("plot", "found", "--format", "png")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "found" / "plots" / "bands.png").is_file()
    assert "E7031" in run("plot", "found", "--what", "frontier").stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--seed", "1"], "E7264"),
        (["--parts", "2"], "E7264"),
        (["--scale", "10"], "E7264"),
        (["--stochastic", "1"], "E7005"),
    ],
)
def test_options(run: Run, sir: Path, options: list[str], code: str) -> None:
    done = run("simulate", sir, *options)
    assert done.exit_code == 1
    assert code in done.stderr
