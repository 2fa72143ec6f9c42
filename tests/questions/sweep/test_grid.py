"""Points of a sweep from lists of values and patterns of folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.dsl.diagnostics import DiagnosticError
from allocc.questions.sweep.grid import folders, grid, listed_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5", ["5"]),
        ("1e6,2e6, 3e6", ["1e6", "2e6", "3e6"]),
        ("100,200,300", ["100", "200", "300"]),
        ("1_000,2_000", ["1_000", "2_000"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ("'a,b' , 'c'", ["'a,b'", "'c'"]),
        ("d'Ivoire,c", ["d'Ivoire", "c"]),
        ("10%,20%", ["10%", "20%"]),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    assert listed_values("x", text) == values


@pytest.mark.parametrize("text", ["1,,2", ",", "1,", "1,000", "12,000,500"])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        listed_values("x", text)
    assert [d.code for d in caught.value.diagnostics] == ["E7250"]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_with_commas_are_a_list(numbers: list[float]) -> None:
    text = ",".join(map(repr, numbers))
    assert [float(x) for x in listed_values("x", text)] == numbers


def test_every_combination_once() -> None:
    found = grid("m.alloc", {"a": [1, 2], "b": range(3), "c": 5, "d": {"x": 1}}, ["p/RI", "p/VT"])
    assert found.axes == ("data", "a", "b")
    assert len(found.points) == 12
    assert len({tuple(p.label.values()) for p in found.points}) == 12
    assert found.points[0].label == {"data": "RI", "a": "1", "b": "0"}
    assert found.points[0].settings == {"a": 1, "b": 0, "c": 5, "d": {"x": 1}}
    assert [p.label["b"] for p in found.points[:3]] == ["0", "1", "2"]


def test_labels() -> None:
    found = grid("m.alloc", {"need": [{"a": 1}, {"a": 2}], "x": np.linspace(0, 1, 3)})
    assert [tuple(p.label.values()) for p in found.points[:4]] == [
        ("#1", "0"),
        ("#1", "0.5"),
        ("#1", "1"),
        ("#2", "0"),
    ]
    alike = grid("m.alloc", {"data": [1, 2]}, ["a/RI", "b/RI"])
    assert alike.axes == ("data folder", "data")
    assert [p.label["data folder"] for p in alike.points] == ["a/RI", "a/RI", "b/RI", "b/RI"]
    assert grid("m.alloc").points[0].label == {}


def test_nothing_to_try() -> None:
    with pytest.raises(DiagnosticError, match="E7256"):
        grid("m.alloc", {"a": []})


def test_folders(tmp_path: Path) -> None:
    for name in ("VT", "RI", "[odd]"):
        (tmp_path / "states" / name).mkdir(parents=True)
    (tmp_path / "states" / "readme.md").touch()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.csv").touch()
    base = str(tmp_path)
    assert [Path(f).name for f in folders([f"{base}/states/*"])] == ["RI", "VT", "[odd]"]
    assert folders([f"{base}/states/[odd]"]) == [f"{base}/states/[odd]"]
    assert folders([f"{base}/states/R*", f"{base}/states/RI"]) == [f"{base}/states/RI"]
    assert folders(["not/there"]) == ["not/there"]
    for pattern, text in (("nothing*", "matches nothing"), ("files/*", "but no folder")):
        with pytest.raises(DiagnosticError, match=text) as caught:
            folders([f"{base}/{pattern}"])
        assert caught.value.diagnostics[0].code == "E7251"
