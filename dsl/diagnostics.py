"""Errors and warnings as values: a code, a place, a sentence, and the mend where one is known.

Stages make diagnostics and collect them; only `allocc.dsl.messages` turns them into text.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from allocc.dsl.tree import Span


@dataclass(frozen=True, slots=True)
class DataPlace:
    """A place in a data file; `row` counts lines of the file from 1 (the header is line 1)."""

    file: str
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that helps to understand the first."""

    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning. `hint` is the mend, a sentence; `data` a place in a data file."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    data: DataPlace | None = None
    notes: tuple[Note, ...] = ()

    @property
    def severity(self) -> Literal["error", "warning"]:
        """`warning` for codes that begin with W."""
        return "warning" if self.code.startswith("W") else "error"


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics by their place in a file, then by code; those that have no place come last."""

    def place(d: Diagnostic) -> tuple[bool, str, int, str]:
        file = d.span.source.name if d.span is not None else ""
        return not file, file, d.span.start if d.span is not None else sys.maxsize, d.code

    return sorted(diagnostics, key=place)


class DiagnosticError(Exception):
    """One or several diagnostics, in order, of which at least one is an error."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(in_order(diagnostics))
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[DiagnosticError], tuple[tuple[Diagnostic, ...]]]:
        # Between processes the diagnostics go, not the text that an exception is made of.
        return type(self), (self.diagnostics,)


class Collector:
    """Collects the independent diagnostics of a stage; a repeated one is kept once."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._kept: set[Diagnostic] = set()

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        if diagnostic not in self._kept:
            self._kept.add(diagnostic)
            self.diagnostics.append(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        """Only the errors."""
        return [d for d in self.diagnostics if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """Only the warnings."""
        return [d for d in self.diagnostics if d.severity == "warning"]

    def raise_errors(self) -> None:
        """Raise `DiagnosticError` with everything collected if there is an error among it."""
        if self.errors:
            raise DiagnosticError(self.diagnostics)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a misspelt `name` most likely meant, or None."""
    pool = list(dict.fromkeys(candidates))
    folded = [c for c in pool if c.lower() == name.lower()]
    if folded:
        return folded[0]
    matches = difflib.get_close_matches(name, pool, n=1, cutoff=0.6)
    return matches[0] if matches else None


def nearest_file(path: str, candidates: Iterable[str]) -> str | None:
    """The file that a misspelt `path` most likely meant, or None.

    Only the names are compared: files of one folder have most of their paths, and their ending, in common.
    """
    names = {Path(c).stem: c for c in candidates}
    found = nearest(Path(path).stem, names)
    return names[found] if found is not None else None
