"""Explanations of all codes: the language's and the command line's."""

from __future__ import annotations

from allocc.dsl import catalogue as language

_PACKAGE = "allocc.cli"


def explain(code: str) -> str | None:
    """The explanation of a code in Markdown, or None for an unknown code."""
    return language.explain(code) or language.sections(_PACKAGE).get(code.strip().upper())


def codes() -> tuple[str, ...]:
    """All documented codes."""
    return (
        *language.codes(),
        *(c for c in language.sections(_PACKAGE) if c not in language.codes()),
    )
