"""Explanations of all codes: the language's and the command line's."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from allocc.dsl import catalogue as language

_HEADING = re.compile(r"^## ([EW]\d{4})\b.*$", re.MULTILINE)


@lru_cache(maxsize=1)
def _sections() -> dict[str, str]:
    text = files("allocc.cli").joinpath("codes.md").read_text("utf-8")
    found = list(_HEADING.finditer(text))
    stops = [heading.start() for heading in found[1:]] + [len(text)]
    return {
        heading[1]: text[heading.start() : stop].strip()
        for heading, stop in zip(found, stops, strict=True)
    }


def explain(code: str) -> str | None:
    """The explanation of a code in Markdown, or None for an unknown code."""
    return language.explain(code) or _sections().get(code.strip().upper())


def codes() -> tuple[str, ...]:
    """All documented codes."""
    return (*language.codes(), *(c for c in _sections() if c not in language.codes()))
