"""What goes wrong while compiling, as exceptions, and the words that messages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.dsl.diagnostics import Diagnostic, nearest


class Failed(Exception):
    """Raised where a statement cannot be gone on with; carries what to report."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class Poisoned(Exception):
    """Raised where something needs a name whose own mistake is already reported."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else None


def listed(words: Sequence[object], most: int = 6) -> str:
    shown = ", ".join(str(w) for w in words[:most])
    return shown + (f", ... ({len(words)} in all)" if len(words) > most else "")
