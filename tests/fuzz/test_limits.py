"""A model is data: it reads nothing but its folders, runs nothing, and cannot fill the memory."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

import allocc
from allocc.compiler.data import tables
from allocc.dsl import DiagnosticError

DECIDED = "decide x in 0 .. 1\nminimize { cost : x }\n"
READS = "set County = county.fips\nparam pop[County] = county.pop\nlet all = sum(pop)\n"


def codes(folder: Path, text: str, name: str = "model.alloc") -> set[str]:
    """The codes that a model ends in, at once."""
    began = time.process_time()
    path = folder / name
    path.write_text(text, "utf-8")
    try:
        found = allocc.load(path).check()
    except DiagnosticError as error:
        found = list(error.diagnostics)
    assert time.process_time() - began < 20
    return {d.code for d in found if d.severity == "error"}


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../outside.csv", "E3021"),
        ("inner/../../outside.csv", "E3021"),
        ("/etc/passwd", "E3021"),
        ("/dev/zero", "E3021"),
        ("~/county.csv", "E3001"),
        ("http://localhost/county.csv", "E3001"),
        ("file:///etc/passwd", "E3001"),
        ("", "E3002"),
        (".", "E3002"),
        ("a" * 5000, "E3002"),
    ],
)
def test_tables_lie_in_the_data_folder(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "outside.csv").write_text("fips,pop\n1,2\n")
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    assert codes(folder, f'table county from "{name}" key fips\n{READS}{DECIDED}') == {code}


@pytest.mark.skipif(os.name == "nt", reason="links and pipes")
def test_links_do_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("fips,pop\n1,2\n")
    (tmp_path / "outside.alloc").write_text("param p = 1\n")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "link.alloc").symlink_to(tmp_path / "outside.alloc")
    (folder / "round.csv").symlink_to(folder / "round.csv")
    os.mkfifo(folder / "pipe.csv")
    table = f'table county from "%s" key fips\n{READS}{DECIDED}'
    assert codes(folder, table % "link.csv") == {"E3021"}
    assert codes(folder, table % "round.csv") <= {"E3001", "E3002", "E3021"}
    assert codes(folder, table % "pipe.csv") == {"E3002"}
    assert codes(folder, f'use p from "link.alloc"\n{DECIDED}') == {"E2012"}
    # A link within the folder is an ordinary file.
    (folder / "inside.csv").write_text("fips,pop\n1,2\n")
    (folder / "same.csv").symlink_to(folder / "inside.csv")
    assert codes(folder, table % "same.csv") == set()


@pytest.mark.parametrize("name", ["../other.alloc", "/etc/passwd", "/dev/zero", "a" * 5000, ""])
def test_uses_lie_beside_the_model(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.alloc").write_text("param p = 1\n")
    folder = tmp_path / "model"
    folder.mkdir()
    assert codes(folder, f'use p from "{name}"\n{DECIDED}') == {"E2012"}


# --- how tables are written -----------------------------------------------------------------------

PLAIN = "fips,pop\n44001,1\n44003,2\n"


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.strip().encode(),
        (b'"fips","pop"\n"44001","1"\n"44003","2"\n'),
    ],
    ids=["mark", "crlf", "cr", "blank lines", "no end", "quoted"],
)
def test_tables_as_programs_write_them(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "county.csv").write_bytes(raw)
    path = tmp_path / "model.alloc"
    path.write_text(f'table county from "county.csv" key fips\n{READS}{DECIDED}')
    found = allocc.load(path).bound.parameters["pop"].values
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("44001,nan", "E3011"),
        ("44001,inf", "E3011"),
        ("44001,1e999", "E3011"),
        ("44001," + "9" * 400, "E3011"),
        ("44001,1_000", "E3011"),
        ("44001,=1+1", "E3011"),
        ("44001,１", "E3011"),
        ("44001,", "E3015"),
        ("44001,1\n44001,2", "E3013"),
        ("44001,1,2", "E3008"),
        (",1", "E3012"),
        ('44001,"1', "E3005"),
        ("44001,1\x00", "E3004"),
    ],
)
def test_cells_that_are_no_numbers(tmp_path: Path, cells: str, code: str) -> None:
    (tmp_path / "county.csv").write_text(f"fips,pop\n44007,7\n{cells}\n", "utf-8")
    assert codes(tmp_path, f'table county from "county.csv" key fips\n{READS}{DECIDED}') == {code}


def test_a_table_of_more_than_a_gigabyte(tmp_path: Path) -> None:
    """E3003, without reading it: the file has a size, and no contents."""
    with (tmp_path / "county.csv").open("wb") as file:
        file.truncate(tables.LARGEST_FILE + 1)
    assert codes(tmp_path, f'table county from "county.csv" key fips\n{READS}{DECIDED}') == {
        "E3003"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="a device that does not end")
def test_a_model_that_does_not_end() -> None:
    with pytest.raises(DiagnosticError, match="E1019"):
        allocc.load("/dev/zero")


# --- how large a model can be ---------------------------------------------------------------------

A = "set A = 1 .. 1000\n"
HUGE = {
    "set": ("set B = 1 .. 1000000000000\n", "E4016"),
    "range beyond all numbers": ("set B = 1 .. 1e300\n", "E4016"),
    "product of sets": (A + "set B = A * A * A * A\n", "E4016"),
    "index": (A + "decide y[A, A, A, A] in 0 .. 1\n", "E4016"),
    "sum": (A + "param p = sum(a in A, b in A, c in A, d in A: a)\n", "E4016"),
    "sum in sum": (A + "param p = sum(a in A: sum(b in A: sum(c in A: a * b * c)))\n", "E4016"),
    "decided sum in sum": (
        A + "decide y[A] in 0 .. 1\n"
        "limit l: sum(a in A: sum(b in A: sum(c in A: y[a] * b * c * a))) <= 1\n",
        "E4016",
    ),
    "horizon": ("time t = 0 .. 1000000000\n", "E4017"),
    "endless horizon": ("time t = 0 .. 1 step 1e-300\n", "E4017"),
    "brackets": ("let y = " + "(" * 100_000 + "1" + ")" * 100_000 + "\n", "E1020"),
    "signs": ("let y = " + "-" * 50_000 + "1\n", "E1020"),
    "terms": ("let y = " + "1 + " * 20_000 + "1\n", "E1020"),
    "blocks": ("intervention a { " * 3000 + "}" * 3000, "E1020"),
    "number": ("param p = " + "9" * 1_000_000 + "\n", "E1012"),
    "exponent": ("param p = 1e" + "9" * 1_000_000 + "\n", "E1012"),
    "functions": (
        "".join(f"function f{i}(x) = f{i + 1}(x) * f{i + 1}(x)\n" for i in range(25))
        + "function f25(x) = x\nlet y = f0(x)\n",
        "E4060",
    ),
    "noise": ("@" * 1_000_000, "E1014"),
    "quotes": ('"' * 300_001, "E1010"),
    "size": ("#" * 10_000_001, "E1019"),
}


@pytest.mark.parametrize("what", HUGE)
def test_what_is_too_large_is_refused_at_once(tmp_path: Path, what: str) -> None:
    text, code = HUGE[what]
    assert codes(tmp_path, text + DECIDED) == {code}


def test_a_high_power_is_no_loop(tmp_path: Path) -> None:
    assert codes(tmp_path, "decide x in 0 .. 1\nminimize { cost : x ^ 1000000 - x }\n") == set()


def test_long_words_are_cut_in_messages(tmp_path: Path) -> None:
    from allocc.dsl.messages import render

    path = tmp_path / "model.alloc"
    path.write_text(f"param {'a' * 100_000} = 1\nlet y = {'b' * 100_000}\n{DECIDED}")
    with pytest.raises(DiagnosticError) as caught:
        allocc.load(path)
    assert len(render(caught.value.diagnostics)) < 5000
