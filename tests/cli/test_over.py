"""`allocc solve --over`, `allocc evaluate`, `allocc regret`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import small
from tests.helpers import Run, only_json

TEXT = """model doses "Doses for two clinics"
set Clinic = {a, b}
param stock "doses in the store" in 0 .. = 10
param reach[Clinic] = 2
decide doses[Clinic] "doses" : dose integer in 0 .. 8
limit store: sum(doses) <= stock
maximize { reached "people reached": sum(c in Clinic: reach[c] * doses[c]) }
"""
DRAWS = "draw,reach[a],reach[b],stock\ncold,1,3,10\nmild,2,1,12\nwarm,3,1,11\n"


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "draws.csv").write_text(DRAWS)
    return small.easy(tmp_path, TEXT)


def test_one_allocation_for_all_draws(run: Run, model: str, tmp_path: Path) -> None:
    done = run("solve", model, "--over", "draws.csv", "--run", "runs/over")
    assert done.exit_code == 0
    assert (
        "One allocation for 3 draws of reach[a], reach[b], stock (draws.csv), by the mean."
        in done.stdout
    )
    assert "proven optimal" in done.stdout and "every limit holds in every draw" in done.stdout
    # 8 in a and 2 in b: 14, 18 and 26.
    found = only_json(run("solve", model, "--over", "draws.csv", "--no-run", "--json").stdout)
    assert found["value"] == pytest.approx(58 / 3) and found["status"] == "optimal"
    for by, value in (("worst", 16.0), ("cvar 50%", None), ("regret", None)):
        found = only_json(
            run("solve", model, "--over", "draws.csv", "--by", by, "--no-run", "--json").stdout
        )
        assert found["measure"] == by and found["status"] == "optimal"
        assert value is None or found["value"] == pytest.approx(value)
    kept = {p.name for p in (tmp_path / "runs" / "over").iterdir()}
    assert kept >= {"over.json", "decisions.csv", "draws.csv", "inputs"}
    # What was decided over draws is a given allocation for everything else.
    assert run("simulate", model, "--decisions", "runs/over/decisions.csv").exit_code == 0
    told = only_json(run("evaluate", "runs/over", "--over", "draws.csv", "--json").stdout)
    assert told["mean"] == pytest.approx(58 / 3)


def test_a_run_in_every_draw_and_its_regret(run: Run, model: str) -> None:
    run("solve", model, "--run", "runs/first", "-q", "--set", "reach[a]=1")
    found = only_json(run("evaluate", "runs/first", "--over", "draws.csv", "--json").stdout)
    assert [d["value"] for d in found["draws"]] == [26.0, 12.0, 14.0]
    assert found["every_limit_holds"] == 1.0
    found = only_json(run("regret", "runs/first", "--over", "draws.csv", "--json").stdout)
    assert [d["regret"][1] for d in found["draws"]] == pytest.approx([0, 8, 13], abs=5e-3)
    done = run("regret", "runs/first", "--over", "draws.csv", "-o", "runs/regret")
    assert done.exit_code == 0 and "at most 13" in done.stdout
    assert "What the best for single draws have in common" in done.stdout
    # The stock of the run holds, where no draw says another.
    run("solve", model, "--run", "runs/more", "-q", "--set", "stock=14")
    Path("some.csv").write_text("reach[a]\n1\n2\n")
    found = only_json(run("evaluate", "runs/more", "--over", "some.csv", "--json").stdout)
    assert found["every_limit_holds"] == 1.0
    done = run("evaluate", "runs/more", "--over", "draws.csv")
    assert "every limit holds in 0 of 3 draws" in done.stdout and "store" in done.stdout


def test_mistakes(run: Run, model: str) -> None:
    run("solve", model, "--run", "runs/first", "-q")
    for given, code in (
        (("solve", model, "--over", "draws.csv", "--by", "median"), "E7285"),
        (("solve", model, "--over", "none.csv"), "E3001"),
        (("solve", model, "--over", "draws.csv", "--prove"), "E7005"),
        (("solve", model, "--by", "mean"), "E7288"),
        (("evaluate", "runs/none", "--over", "draws.csv"), "E7014"),
        (("evaluate", "runs/first", "--over", "runs/first"), "E3001"),
    ):
        done = run(*given)
        assert done.exit_code == 1 and code in done.stderr and not done.stdout, given
    shutil.rmtree("runs/first/inputs")
    done = run("evaluate", "runs/first", "--over", "draws.csv")
    assert done.exit_code == 1 and "E7055" in done.stderr
    assert run("evaluate", "runs/first", "--over", "draws.csv", "--model", model).exit_code == 0


def test_no_allocation_for_all_draws(run: Run, tmp_path: Path) -> None:
    text = "model m param need = 2 decide x in 0 .. 5 limit l: x == need minimize { c : x }"
    path = small.easy(tmp_path, text)
    Path("draws.csv").write_text("need\n1\n2\n")
    done = run("solve", path, "--over", "draws.csv", "--no-run")
    assert done.exit_code == 3 and "no allocation meets every limit in every draw" in done.stdout
