"""Sections of the language reference are numbered, and what is cited by number is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: As "Language reference: §7.4." in codes.md, and "language reference, §2 and §4" in tests.
CITED = re.compile(r"[Ll]anguage reference[:,]? ((?:§[\d.]*\d(?:,| and)? ?)+)")
NUMBER = re.compile(r"§(\d+(?:\.\d+)*)")


def sections(page: Path) -> list[tuple[int, ...]]:
    """The numbers of a page's headings, in their order."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (\d+(?:\.\d+)*) ", text, flags=re.MULTILINE)
    return [tuple(int(k) for k in x.split(".")) for x in found]


def cited(text: str) -> list[tuple[int, ...]]:
    return [tuple(int(k) for k in x.split(".")) for x in NUMBER.findall(text)]


@pytest.mark.parametrize("name", ["language.md", "certificate.md", "design.md"])
def test_numbers_are_in_order(name: str) -> None:
    """Each is the next one: 5.2 after 5.1 or 5.1.4, 6 after 5.3."""
    before: tuple[int, ...] = (0,)
    for number in sections(DOCS / name):
        *above, last = number
        depth = len(above)
        opens = number == (*before, 1)
        follows = before[: depth + 1] == (*above, last - 1)
        assert opens or follows, f"{name}: {number} after {before}"
        before = number


def test_sections_of_the_language_that_are_cited_exist() -> None:
    there = set(sections(DOCS / "language.md"))
    rooms = ("dsl", "compiler", "src/allocc", "tests", "models", "examples", "docs")
    count = 0
    for room in rooms:
        for page in (ROOT / room).rglob("*"):
            if page.suffix not in (".py", ".md", ".alloc", ".lark", ".txt") or page == Path(
                __file__
            ):
                continue
            for places in CITED.findall(page.read_text("utf-8")):
                for number in cited(places):
                    count += 1
                    assert number in there, f"{page.relative_to(ROOT)} cites {number}"
    assert count > 100


@pytest.mark.parametrize("page", sorted(DOCS.glob("**/*.md")), ids=lambda p: p.name)
def test_sections_of_the_same_page_exist(page: Path) -> None:
    there = set(sections(page))
    # Links to sections of other pages are tested as links.
    text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", CITED.sub("", page.read_text("utf-8")))
    for number in cited(text):
        assert number in there, f"{page.name} cites {number}"


def test_most_codes_say_where_to_read_on() -> None:
    """A code that is about the language names the section that it is about."""
    from allocc.dsl.code_pages import codes, explain

    silent = [c for c in codes() if not CITED.search(explain(c) or "")]
    assert len(silent) < 0.5 * len(codes()), silent
