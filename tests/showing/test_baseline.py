"""The baseline in a report: a world in which nothing acts need not meet the limits."""

from __future__ import annotations

from pathlib import Path

import allocc
from allocc.showing.report import facts, wrap
from tests import small
from tests.helpers import Run

MODEL = """
model beds "Beds"
time t : week = 0 .. 2
compartment patients "patients" : person
initial patients = 10
param arriving : person/week = 5
flow arrive : -> patients = arriving
decide beds[t] : person in 0 .. 100
limit enough[t]: beds[t] >= FACTOR * patients[t]
param price : USD/person = 3
minimize { money : price * sum(t: beds[t]) }
"""


def baseline(folder: Path, factor: str) -> str:
    path = folder / "beds.alloc"
    path.write_text(MODEL.replace("FACTOR", factor), encoding="utf-8")
    return dict(facts(allocc.load(path).solve()))["baseline"]


def test_a_baseline_that_breaks_limits_is_not_shown_as_if_it_were_better(tmp_path: Path) -> None:
    assert baseline(tmp_path, "1") == "0  (breaks limits, most enough[0] by 100 %)"


def test_a_baseline_that_keeps_limits_says_nothing(tmp_path: Path) -> None:
    assert baseline(tmp_path, "0") == "0"


def test_a_line_does_not_end_between_a_number_and_its_percent_sign() -> None:
    assert wrap("off by 12.5 %", 11) == ["off by", "12.5 %"]


def test_a_long_table_of_zeros_is_one_line(run: Run, tmp_path: Path) -> None:
    path = small.easy(
        tmp_path,
        "model many set S = 1 .. 30 decide x[S] in 0 .. 5 minimize { c: sum(x) }",
    )
    done = run("simulate", path)
    table = done.stdout[done.stdout.index("\nDecisions\n") :].splitlines()
    assert [line.split() for line in table[2:5]] == [
        ["S", "x"],
        ["total", "0"],
        ["all", "30", "rows", "are", "0"],
    ]
