"""Every code in the source is documented and has something that raises it, and the other way round.

Codes are found where they are: in the source as string literals, in every `codes.md`, in the
messages that are written down for the models in `tests/bad`, and in the tests by name.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from allocc.cli import explained_codes

ROOT = Path(__file__).parents[2]
ROOMS = ("dsl", "compiler", "backends", "src/allocc", "models")
CODE = re.compile(r'"([EW]\d{4})"')

#: Codes about the model or its data that no model in `tests/bad` can show, and why. Each has a test
#: that names it, as the codes of the command line (7) do.
WITHOUT_A_MODEL = {
    "E1018": "a file that cannot be read",
    "E1019": "a file of more than 10 MB",
    "E3003": "a table of more than 1 GB",
    "E4013": "the parser finds a limit without a comparison first (E1026)",
    "E4034": "hundreds of definitions",
    "E4060": "functions that call each other twice, a dozen deep",
    "E5020": "it is simulated",
    "E5021": "it is simulated",
}


def sources() -> list[Path]:
    # The rooms are also reached through links below `src/allocc`.
    found = {p.resolve() for room in ROOMS for p in (ROOT / room).rglob("*.py")}
    return sorted(found)


RAISED = sorted({c for p in sources() for c in CODE.findall(p.read_text("utf-8"))})


def shown() -> set[str]:
    """The codes in the messages that are written down for the bad models."""
    texts = (p.read_text("utf-8") for p in (ROOT / "tests/bad").rglob("expected.txt"))
    return {
        c for text in texts for c in re.findall(r"^(?:error|warning)\[(\w+)\]", text, re.MULTILINE)
    }


def named() -> set[str]:
    """The codes that a test names, other than this one."""
    files = [p for p in (ROOT / "tests").rglob("test_*.py") if p != Path(__file__)]
    return {c for p in files for c in re.findall(r"\b[EW]\d{4}\b", p.read_text("utf-8"))}


def test_every_code_is_documented_and_none_is_left_over() -> None:
    assert list(explained_codes.codes()) == RAISED


def test_every_catalogue_is_read() -> None:
    places = {p.resolve() for room in ROOMS for p in (ROOT / room).rglob("codes.md")}
    assert len(places) == len(explained_codes.ROOMS), (
        "add the room to allocc.cli.explained_codes.ROOMS"
    )


@pytest.mark.parametrize("code", RAISED)
def test_every_code_is_shown(code: str) -> None:
    if code in WITHOUT_A_MODEL:
        assert code in named() - shown(), f"write a test that raises {code}, and names it"
    elif code[1] in "67":
        assert code in named() | shown(), f"write a test that raises {code}, and names it"
    else:
        assert code in shown(), f"add a model to tests/bad that raises {code}, and nothing else"


@pytest.mark.parametrize("code", RAISED)
def test_every_code_has_a_title_and_a_stage(code: str) -> None:
    assert len(explained_codes.title(code)) > 5
    assert any(code.startswith(stage) for stage in explained_codes.STAGES)


def test_pages_are_current() -> None:
    folder = ROOT / "docs" / "errors"
    written = {p.name: p.read_text("utf-8") for p in folder.glob("*.md")}
    assert written == explained_codes.pages(), "run `python docs/errors.py`"
