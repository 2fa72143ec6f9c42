"""What goes wrong while compiling, as exceptions, and the words that messages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.dsl.diagnostics import Diagnostic, nearest
from allocc.dsl.tree import Span


class Failed(Exception):
    """Raised where a statement cannot be gone on with; carries what to report."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class Outside(Failed):
    """A subscript that its set does not have; `labels` are the ones that are missing."""

    def __init__(self, labels: Sequence[str], span: Span, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.labels = list(labels)
        self.span = span


class NeedsTime(Failed):
    """What changes with time is used where no time is meant."""


class Poisoned(Exception):
    """Raised where something needs a name whose own mistake is already reported."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A question that names the nearest candidate, if one is near."""
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else None


def listed(words: Sequence[object], most: int = 6) -> str:
    """Words set apart by commas, the first few of many."""
    shown = ", ".join(str(w) for w in words[:most])
    return shown + (f", ... ({len(words)} in all)" if len(words) > most else "")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun and verb: `1 index is`, `2 indices are`."""
    return f"{count} {noun} is" if count == 1 else f"{count} {plural or noun + 's'} are"
