"""What `codes.md` says about every code of a diagnostic."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_HEADING = re.compile(r"^## ([EW]\d{4})\b.*$", re.MULTILINE)


@lru_cache
def sections(package: str) -> dict[str, str]:
    """The sections of a package's `codes.md`, by their codes."""
    text = files(package).joinpath("codes.md").read_text("utf-8")
    found = list(_HEADING.finditer(text))
    stops = [heading.start() for heading in found[1:]] + [len(text)]
    return {
        heading[1]: text[heading.start() : stop].strip()
        for heading, stop in zip(found, stops, strict=True)
    }


def explain(code: str) -> str | None:
    """The explanation of a code in Markdown, or None for an unknown code."""
    return sections("allocc.dsl").get(code.strip().upper())


def codes() -> tuple[str, ...]:
    """All documented codes, in the order of the document."""
    return tuple(sections("allocc.dsl"))
