"""Numbers and labels as people type them outside of a model: in settings and in decisions."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.data.tables import number
from allocc.compiler.failures import did_you_mean, plain_numbers
from allocc.compiler.labels import label_text

_GROUPED = re.compile(r"(?<=[0-9])_(?=[0-9])")
_PLAIN = "write a plain number, as 1200 or 0.25"


def written_number(text: str) -> float:
    """The number that a text stands for, NaN where it stands for none.

    `1200`, `1e3`, `1_000` and `50%` are numbers; what has two readings, as `1,000`, is none.
    """
    bare = _GROUPED.sub("", text.strip())
    return number(bare[:-1].rstrip()) / 100 if bare.endswith("%") else number(bare)


def number_mend(text: str) -> str:
    """How to write what is not a number."""
    readings = plain_numbers(text)
    return f"write {' or '.join(readings)}" if readings else _PLAIN


def unquoted(text: str) -> str:
    """A text without the quotes around it, if it has any."""
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return bare[1:-1]
    return bare


def label_texts(label: Any) -> tuple[str, ...]:
    """The texts of one label, or of a tuple of them."""
    return tuple(label_text(x) for x in (label if isinstance(label, tuple) else (label,)))


def label_position(sets: Iterable[IndexSet], labels: Sequence[str]) -> tuple[int, ...] | None:
    """Where labels are in an array over sets, None where one of them is no member."""
    rest = tuple(labels)
    place = []
    for s in sets:
        found = s.positions.get(rest[: s.arity])
        if found is None:
            return None
        place.append(found)
        rest = rest[s.arity :]
    return None if rest else tuple(place)


def written_labels(text: str, sets: Sequence[IndexSet]) -> list[tuple[str, ...]]:
    """What `text`, as it stands between brackets, can mean over `sets`: mostly one tuple of labels.

    Commas set labels apart, and a label in quotes may hold some. Without quotes each comma may also
    belong to a label: where that is needed to find members, the result has every such reading.
    """
    found = _quoted(text)
    if found is not None:
        return [found]
    parts = tuple(p.strip() for p in text.split(","))
    if label_position(sets, parts) is not None:
        return [parts]
    count = sum(s.arity for s in sets)
    joined = [x for x in _joined(text, count) if label_position(sets, x) is not None]
    return joined or [parts]


def _quoted(text: str) -> tuple[str, ...] | None:
    """The labels of a text in which some begin with a quote, None where none does."""
    for quote in "\"'":
        if re.search(rf"(?:\A|,)\s*{quote}", text):
            reader = csv.reader([text], quotechar=quote, skipinitialspace=True, strict=True)
            try:
                return tuple(cell.strip() for cell in next(reader))
            except csv.Error:
                continue
    return None


def _joined(text: str, count: int) -> Iterator[tuple[str, ...]]:
    """Every way to cut a text at its commas into `count` labels."""
    commas = [k for k, x in enumerate(text) if x == ","]
    for cuts in combinations(commas, count - 1) if count else ():
        ends = [*cuts, len(text)]
        begins = [0, *(k + 1 for k in cuts)]
        yield tuple(text[a:b].strip() for a, b in zip(begins, ends, strict=True))


def label_mend(label: str, members: Sequence[str]) -> str | None:
    """The member that a label which is none most likely means, and why the two differ."""
    whole = label.removesuffix(".0")
    for member in members:
        if whole.isdigit() and member.isdigit() and member.lstrip("0") == whole.lstrip("0"):
            lost = "; spreadsheets drop leading zeros" if len(member) > len(whole) else ""
            return f"write '{member}'{lost}"
    longer = [m for m in members if label and m.casefold().startswith(label.casefold())]
    return f"did you mean '{longer[0]}'?" if len(longer) == 1 else did_you_mean(label, members)
