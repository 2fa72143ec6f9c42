"""Tables that list what there is: fields of files, arguments, exit codes, words of units, functions."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

import allocc
from allocc.cli import guard
from allocc.compiler.units.vocabulary import BASES, MULTIPLES, SPELLINGS
from allocc.engine.judging.outcome import Stopped

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    text = (DOCS / page).read_text("utf-8")
    found = text.split(f"\n{heading}\n", 1)[1]
    return re.split(r"^#+ ", found, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> set[str]:
    """What stands in code in the first cells of a table's rows."""
    rows = re.findall(r"^\|([^|]*)\|", text, flags=re.MULTILINE)
    return {w for row in rows for w in re.findall(r"`([^`]+)`", row)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = allocc.load(ROOT / "examples" / "access" / "access.alloc")
    return model.solve().save(tmp_path_factory.mktemp("runs") / "run")


def test_fields_of_the_certificate(run: Path) -> None:
    written = set(json.loads((run / "certificate.json").read_text("utf-8")))
    assert first_cells(section("certificate.md", "### 5.1 Fields of `certificate.json`")) == written


def test_fields_of_the_result(run: Path) -> None:
    written = set(json.loads((run / "result.json").read_text("utf-8")))
    same = set(json.loads((run / "certificate.json").read_text("utf-8")))
    listed = first_cells(section("certificate.md", "### 5.2 More fields of `result.json`"))
    assert listed <= written
    assert written <= listed | same


def test_how_a_solve_can_end() -> None:
    text = section("certificate.md", "## 2 The status").split("`stopped` is", 1)[1]
    assert set(re.findall(r"`(\w+)`", text)) == set(Stopped.__args__) - {""}


def test_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \|", section("certificate.md", "## 6 Exit codes"), re.MULTILINE)
    codes = {v for k, v in vars(guard).items() if k.startswith("EXIT_")}
    assert codes <= {int(r) for r in rows}


def test_arguments_of_solve() -> None:
    listed = first_cells(section("python.md", "## Solve"))
    defaults = inspect.signature(allocc.Model.solve).parameters
    there = {f"{n}={p.default!r}" for n, p in defaults.items() if n != "self"}
    assert {x.replace('"', "'").replace("1e-4", "0.0001") for x in listed} == there


def test_known_units() -> None:
    listed = first_cells(section("language.md", "### 10.1 What a unit is"))
    assert listed == {*BASES, *MULTIPLES, "time_unit"}
    assert {"s", "min", "h", "people"} <= set(SPELLINGS)


SHELF = ("equity", "welfare", "order", "inequality", "access")


def functions(file: str) -> set[str]:
    text = (ROOT / "models" / "library" / f"{file}.alloc").read_text("utf-8")
    return set(re.findall(r"^function (\w+)", text, flags=re.MULTILINE))


def test_functions_of_the_library() -> None:
    section_ = section("language.md", "### 9.2 `use`")
    for file in SHELF:
        (row,) = re.findall(rf"^\| `{file}\.alloc` \|([^|]*)\|", section_, flags=re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == functions(file)
    files = {p.name for p in (ROOT / "models" / "library").glob("*.alloc")}
    assert first_cells(section_) == files


def test_the_shelf_of_fairness() -> None:
    """The page on fairness has every function of the library, and no two files have one name."""
    page = (DOCS / "how-to" / "equity.md").read_text("utf-8").split("## The whole shelf", 1)[1]
    named = set(re.findall(r"`(\w+)`", page))
    every = [name for file in SHELF for name in functions(file)]
    assert len(every) == len(set(every))
    assert set(every) <= named, set(every) - named


def test_codes_of_the_lint() -> None:
    """The page on `--pedantic` tells of every lint."""
    text = (DOCS / "how-to" / "pedantic.md").read_text("utf-8")
    there = {p.stem for p in (DOCS / "errors").glob("W60*.md")}
    assert there == set(re.findall(r"W60\d\d", text.split("## What is looked for", 1)[1]))
