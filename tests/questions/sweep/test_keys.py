"""A key changes with what an answer depends on, and with nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocc
from allocc.questions.sweep import keys as keys_module
from allocc.questions.sweep.keys import Keys, canonical
from allocc.results.sweeping.points import Point
from tests import small


@pytest.fixture
def point(tmp_path: Path) -> Point:
    return Point({}, str(small.epidemic(tmp_path)))


def key(point: Point) -> str:
    return Keys().key(point)


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"cap": 41}},
        {"settings": {"sick[north]": 3}},
        {"settings": {"sick": {"north": 3, "south": 4}}},
        {"options": {"gap": 1e-3}},
        {"options": {"seed": 1}},
        {"options": {"time_limit": 9}},
        {"options": {"method": "refine"}},
    ],
    ids=str,
)
def test_settings_and_options_change_it(point: Point, change: dict[str, Any]) -> None:
    assert key(replace(point, **change)) != key(point)


def test_files_change_it(point: Point, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {key(point)}
    changed(tmp_path / "data" / "regions.csv", "300", "301")
    found.add(key(point))
    changed(Path(point.path), "teams at work", "teams that work")
    found.add(key(point))
    (tmp_path / "data" / "regions.csv").unlink()
    found.add(key(point))
    monkeypatch.setattr(keys_module, "__version__", "99")
    found.add(key(point))
    assert len(found) == 5


def test_other_things_do_not(point: Point, tmp_path: Path) -> None:
    known = key(point)
    (tmp_path / "data" / "notes.csv").write_text("a,b\n", "utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(point.path, elsewhere)
    shutil.copytree(tmp_path / "data", elsewhere / "data")
    moved = Point({"name": "another"}, str(elsewhere / "epidemic.alloc"), str(elsewhere / "data"))
    assert key(moved) == known
    assert key(replace(point, options={"gap": 1e-4, "threads": 1, "solver": "HiGHS"})) == known


def test_a_number_is_a_number_however_it_is_written(point: Point) -> None:
    forms: list[Any] = ["1e3", "1_000", " 1000 ", 1000, 1000.0, np.float64(1000), np.array(1000)]
    assert len({key(replace(point, settings={"cap": x})) for x in forms}) == 1
    maps: list[Any] = [
        {"north": 3, "south": 4.0},
        {"south": "4", "north": "3"},
        pd.Series([3, 4], index=["north", "south"]),
    ]
    assert len({key(replace(point, settings={"sick": x})) for x in maps}) == 1


def test_a_label_is_no_number() -> None:
    assert len({str(canonical(x)) for x in ("1", "01", '"1"', "'1'")}) == 4


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_two_numbers_differ_in_their_keys(a: float, b: float) -> None:
    assert (canonical(a) == canonical(b)) == (a == b or {a, b} <= {np.inf, -np.inf})
    if np.isfinite(a):
        assert canonical(repr(a)) == canonical(a) or repr(a)[0] == "0" and repr(a).isdigit()


def test_a_fit_changes_it_and_its_path_does_not(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text("week,ill\n0,100\n1,81\n2,69\n3,55\n", "utf-8")
    path = tmp_path / "decay.alloc"
    path.write_text(
        """model decay
table seen from "seen.csv" key week
param fade in 0 .. = 0.9
time t = 0 .. 3
compartment I
initial I = 100
flow recover : I -> = fade * I
decide kits in 0 .. 3
minimize { ill : I[end] + kits }
fit history { estimate fade from 0.3  observe I = seen.ill }
""",
        "utf-8",
    )
    found = allocc.load(path).fit(starts=1, intervals=False)
    found.save(tmp_path / "a")
    found.save(tmp_path / "b")
    plain = Point({}, str(path))
    fitted = [replace(plain, fitted=x) for x in (found, str(tmp_path / "a"), str(tmp_path / "b"))]
    assert len({key(p) for p in fitted}) == 1
    assert key(fitted[0]) != key(plain)
    # What only a fit reads is no part of a solve.
    known = key(plain)
    (tmp_path / "seen.csv").unlink()
    assert key(plain) == known
