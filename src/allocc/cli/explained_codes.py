"""Explanations of all codes, the language's and the command line's: as text and as pages."""

from __future__ import annotations

import re

from allocc.dsl import code_pages as language

#: The packages that have a `codes.md`.
ROOMS = ("allocc.dsl", "allocc.cli")

#: What the second character of a code says.
STAGES = {
    "E1": "Reading the file",
    "E2": "Names",
    "E3": "Data",
    "E4": "Mathematics, indices and units",
    "E5": "Compiling",
    "E6": "Solving",
    "E7": "The command line, run folders and decisions",
    "W": "Warnings",
}


def sections() -> dict[str, str]:
    """The sections of all rooms, errors before warnings, in the order of their codes."""
    found = {code: text for room in ROOMS for code, text in language.sections(room).items()}
    return dict(sorted(found.items()))


def explain(code: str) -> str | None:
    """The explanation of a code in Markdown, or None for an unknown code."""
    return sections().get(code.strip().upper())


def codes() -> tuple[str, ...]:
    """All documented codes."""
    return tuple(sections())


def title(code: str) -> str:
    """The title of a code's section."""
    return sections()[code].partition("\n")[0].removeprefix(f"## {code}").strip()


def pages() -> dict[str, str]:
    """A page of documentation for each code, and their list, by the names of the files."""
    found = {f"{code}.md": _page(code, text) for code, text in sections().items()}
    found["index.md"] = _index()
    return found


def _page(code: str, text: str) -> str:
    body = re.sub(
        r"^Bad(?P<where>[^\n:]*):$", r"## What raises it\g<where>", text[1:], flags=re.MULTILINE
    )
    body = re.sub(r"^Mend(?P<where>[^\n:]*):$", r"## Mended\g<where>", body, flags=re.MULTILINE)
    return f"{body}\n\n`allocc explain {code}` shows this page; [all codes](index.md).\n"


def _index() -> str:
    lines = [
        "# Errors and warnings",
        "",
        "Every message has a code that stays the same. `allocc explain CODE` explains it without a",
        "network, as the pages here do.",
    ]
    for stage, words in STAGES.items():
        own = [c for c in codes() if c.startswith(stage)]
        if own:
            lines += ["", f"## {words}", "", "| code | |", "| --- | --- |"]
            lines += [f"| [{c}]({c}.md) | {title(c)} |" for c in own]
    return "\n".join(lines) + "\n"
