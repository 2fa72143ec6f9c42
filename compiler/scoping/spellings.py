"""Labels that differ only in how they are written: `01001` and `1001`, `PRIVATE` and `Private`.

Labels are matched letter by letter, which is right and silent: where two files spell differently,
conditions are never true and sums find nothing. What is found here is told as a warning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from allocc.compiler.data import errors
from allocc.compiler.data.tables import DataTable
from allocc.dsl.diagnostics import Diagnostic, nearest
from allocc.dsl.tree import Span

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_NOUGHTS = re.compile(r"\A0+(?=[0-9])")


def folded(label: str) -> str:
    """A label without what eyes pass over: case, blanks, leading zeros, `.0`, unseen characters."""
    text = _UNSEEN.sub("", unicodedata.normalize("NFKC", label)).casefold()
    text = " ".join(text.split())
    text = "0" if re.fullmatch(r"-0+", text) else text
    if re.fullmatch(r"[0-9]+(\.0+)?", text):
        text = _NOUGHTS.sub("", text.partition(".")[0], count=1)
    return text


def closest(label: str, labels: Sequence[str]) -> str | None:
    """The label that one which is not there most likely stands for, or None."""
    mine = folded(label)
    return next((x for x in labels if folded(x) == mine), None) or nearest(label, labels)


def twins(labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of different labels that look alike."""
    first: dict[str, str] = {}
    for label in labels:
        other = first.setdefault(folded(label), label)
        if other != label:
            yield other, label


def _are_short(one: str, other: str) -> bool:
    """Whether two labels are numbers of one or two digits, as a month `1` and a code `01` are."""
    return one.isdecimal() and other.isdecimal() and max(len(one), len(other)) < 3


def strangers(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Labels that only look alike in two lists which speak of the same things.

    They do where some labels are in both, or half of the shorter list looks like the other's.
    """
    known, own = set(theirs), set(mine)
    alike = {folded(x): x for x in theirs if x not in own}
    found = [
        (x, alike[folded(x)])
        for x in mine
        if x not in known and folded(x) in alike and not _are_short(x, alike[folded(x)])
    ]
    related = bool(own & known) or 2 * len(found) >= min(len(own), len(known))
    return found if related else []


@dataclass(frozen=True)
class OriginLabels:
    """Labels of one origin: a column of a table, or a set that is written out."""

    where: str
    labels: Sequence[str]
    span: Span


def of_table(table: DataTable, words: Collection[str]) -> list[OriginLabels]:
    """The columns of a table whose cells are labels: its keys, and those that are read as `words`."""
    columns = dict.fromkeys((*table.keys, *sorted(words)))
    return [
        OriginLabels(
            f"column '{c}' of '{table.file}'", list(dict.fromkeys(table.texts(c))), table.span
        )
        for c in columns
    ]


def spelling_warnings(
    tables: Mapping[DataTable, Collection[str]], sets: Sequence[OriginLabels]
) -> Iterator[Diagnostic]:
    """A warning for each column that spells one thing twice, and for origins that spell apart.

    Each table comes with the columns of which cells were read as words.
    """
    origins = [*(x for table, words in tables.items() for x in of_table(table, words)), *sets]
    told: set[Span] = set()
    for k, origin in enumerate(origins):
        pair = next(twins(origin.labels), None)
        if pair is not None:
            yield errors.two_spellings(origin.where, pair, origin.span)
            continue
        for other in origins[:k]:
            apart = strangers(origin.labels, other.labels)
            if apart and origin.span not in told:
                told.add(origin.span)
                places = (origin.where, other.where)
                yield errors.other_spelling(places, apart[0], len(apart), origin.span)
