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


class Decided(Failed):
    """A condition depends on a decision where it has to be known before."""


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


def plain_numbers(text: str) -> list[str]:
    """What a number with separators, a percent or a currency sign can mean, written plainly."""
    bare = text.strip("$\u20ac\u00a3 \u00a0\u202f").replace("\u2212", "-")
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"  # as accountants write what is below zero
    percent = bare.endswith("%")
    bare = bare.rstrip("% \u00a0\u202f")
    readings = []
    for thousands, decimal in ((",", "."), (".", ","), (" ", "."), (" ", ","), ("'", ".")):
        whole, _, part = bare.replace("\u00a0", " ").replace("\u202f", " ").partition(decimal)
        first, *groups = whole.lstrip("+-").split(thousands)
        if not all(x.isascii() and x.isdecimal() for x in (first, *groups, part or "0")):
            continue
        grouped = len(first) <= 3 and all(len(g) == 3 for g in groups)
        if not groups or (grouped and not first.startswith("0")):
            sign = "-" if whole.startswith("-") else ""
            readings.append(f"{sign}{first}{''.join(groups)}{'.' if part else ''}{part}")
    if percent:
        readings = [f"{float(x) / 100:.12g}" for x in readings]
    return list(dict.fromkeys(readings))
