"""Tables as spreadsheets write them, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc.compiler.binding.bind import bind
from allocc.compiler.scoping.model import BoundModel
from allocc.dsl import Source, parse
from allocc.dsl.diagnostics import DiagnosticError

TEXT = """
table zip from "zip.csv" key Zip
set Zip = zip.Zip
param need[Zip] = zip.Need
decide give[Zip] in 0 .. need
maximize { given : sum(give) }
"""


def bound(folder: Path, content: str | bytes) -> BoundModel:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "zip.csv").write_bytes(raw)
    return bind(parse(Source("model.alloc", TEXT)), folder)


@pytest.mark.parametrize(
    "content",
    [
        "Zip,Need\n02801,10\n02802,40\n",
        "\ufeffZip,Need\r\n02801,10\r\n02802,40\r\n",
        "Zip,Need\r02801,10\r02802,40\r",
        "Zip,Need\n02801,10\n\n02802,40\n,\n,,\n",
        "Zip,Need,,\n02801,10,,\n02802,40,,\n",
        ",Zip,Need\n,02801,10\n,02802,40\n",
        ' Zip , "Need"\n02801 , "10"\n02802,+4e1\n',
    ],
)
def test_what_spreadsheets_add_changes_nothing(tmp_path: Path, content: str) -> None:
    model = bound(tmp_path, content)
    assert list(model.parameters["need"].sets[0].texts[0]) == ["02801", "02802"]
    assert model.parameters["need"].values.tolist() == [10.0, 40.0]
    assert model.diagnostics == ()


@pytest.mark.parametrize(
    ("content", "words", "mend"),
    [
        ("<!DOCTYPE html>\n<html>", "is a web page, not a CSV file", "save it"),
        ('{"Zip": ["02801"]}', "is JSON, not a CSV file", "save it"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        ("Zip,Need\n02801,<5\n02802,40\n", "'<5' is not a number", "a count that is kept back"),
        ("Zip,Need\n02801,(5)\n02802,40\n", "'(5)' is not a number", "write -5"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(
    tmp_path: Path, content: str, words: str, mend: str
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        bound(tmp_path, content)
    (found,) = caught.value.diagnostics
    assert words in found.message and mend in (found.hint or "")


@pytest.mark.parametrize(
    ("last", "warned"),
    [("Total,50", True), ("grand total,50", True), ("Total,49", False), ("Essex,50", False)],
)
def test_a_row_of_totals_is_no_member(tmp_path: Path, last: str, warned: bool) -> None:
    model = bound(tmp_path, f"Zip,Need\nKent,10\nSurrey,40\n{last}\n")
    assert [d.code for d in model.diagnostics] == ["W3002"] * warned


def test_a_column_that_begins_like_markup_is_a_column(tmp_path: Path) -> None:
    assert bound(tmp_path, "<5 years,Zip,Need\n3,02801,10\n").parameters["need"].values == [10.0]


def test_a_very_wide_table_is_read_once_over(tmp_path: Path) -> None:
    many = [f"c{k}" for k in range(60_000)]
    content = "Zip,Need," + ",".join(many) + "\n02801,10" + ",0" * len(many) + "\n"
    assert bound(tmp_path, content).parameters["need"].values.tolist() == [10.0]
    with pytest.raises(DiagnosticError, match="c7"):
        bound(tmp_path, content.replace("c59999", "c7"))
