"""Labels that a spreadsheet would run as formulas are guarded where they are written, and read back."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocc
from allocc.results.run_folder.tidy import guarded, unguarded

LABELS = ["=cmd()", "+1+1", "-2+3", "@sum", "'=x", "''", "-5", "plain", "a=b", "1e5"]


@given(st.text(st.sampled_from("'=+-@\tab1.e "), max_size=8))
def test_guards_are_taken_off_again(label: str) -> None:
    assert unguarded(guarded(label)) == label
    assert not re.match(r"[=+\-@\t\r]", guarded(label)) or float(label) is not None


@pytest.mark.parametrize("label", ["-5", "+3.5", "-1e-3", "plain", "a=b", "", "'quoted'"])
def test_numbers_and_words_stay(label: str) -> None:
    assert guarded(label) == label


def test_a_run_folder_goes_round(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name", "most"], *([x, k + 1] for k, x in enumerate(LABELS))])
    path = tmp_path / "model.alloc"
    path.write_text(
        'model m\ntable t from "t.csv" key name\nset S = t.name\ndecide x[S] in 0 .. 99\n'
        "limit most[s in S]: x[s] <= t.most[s]\nmaximize { gain : sum(x) }\n"
    )
    model = allocc.load(path)
    result = model.solve()
    folder = result.save(tmp_path / "run")
    with (folder / "decisions.csv").open(newline="", encoding="utf-8") as file:
        cells = [row[1] for row in csv.reader(file)][1:]
    assert [c for c in cells if re.match(r"[=+@]|-\D|-2\+", c)] == []
    assert sorted(map(unguarded, cells)) == sorted(LABELS)
    again = model.simulate(folder)
    assert again.value == pytest.approx(sum(range(1, len(LABELS) + 1)))
    assert allocc.Result.open(folder).value == pytest.approx(result.value)
