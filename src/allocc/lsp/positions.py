"""What stands at a place of a text, and where it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocc.compiler.names.resolve import Bound, Named
from allocc.dsl import tree
from allocc.dsl.tree import Span
from allocc.dsl.walk import nodes
from allocc.lsp.data_tables import column_place, table_file
from allocc.lsp.outline import Outline


@dataclass(frozen=True)
class Found:
    """What a word means: what is declared or bound, a column of a table, or a file."""

    word: Span
    meaning: Named | Bound | None = None
    column: tuple[tree.Table, str] | None = None
    file: Path | None = None


@dataclass(frozen=True)
class Place:
    """A file and the characters in it that are meant; the whole file where there is no span.

    `column` is a place in the first line of a table.
    """

    path: Path | None
    span: Span | None = None
    column: tuple[int, int] | None = None


def covers(span: Span, offset: int) -> bool:
    """Whether a span holds a character, or ends just before it."""
    return span.start <= offset <= span.stop


def statement_at(outline: Outline, offset: int) -> tree.Statement | None:
    """The innermost statement at a place."""
    around = [s for s in outline.flat if covers(s.span, offset)]
    return min(around, key=lambda s: s.span.stop - s.span.start, default=None)


def find(outline: Outline, offset: int) -> Found | None:
    """What the word at a place means; None where it means nothing that is declared."""
    statement = statement_at(outline, offset)
    if statement is None:
        return None
    here = [n for n in nodes(statement) if _has_place(n) and covers(n.span, offset)]
    for n in reversed(here):
        found = _meaning(n, here, outline, offset)
        if found is not None:
            return found
    return None


def _has_place(n: Any) -> bool:
    return isinstance(getattr(n, "span", None), Span)


def _meaning(n: Any, around: list[Any], outline: Outline, offset: int) -> Found | None:
    match n:
        case tree.Text():
            return _file(n, around, outline)
        case tree.Field(table=table, column=column) if covers(column.span, offset):
            declared = outline.resolved.meaning(table)
            if isinstance(declared, tree.Table):
                return Found(column.span, column=(declared, column.name))
            return None
        case tree.Identifier() | tree.Name() | tree.UnitName():
            key = next((x for x in around if isinstance(x, tree.Table)), None)
            if key is not None and any(k is n for k in key.keys):
                return Found(n.span, column=(key, n.name))
            meaning = outline.resolved.meaning(n)
            return Found(n.span, meaning) if isinstance(meaning, Named | Bound) else None
        case _:
            return None


def _file(text: tree.Text, around: list[Any], outline: Outline) -> Found | None:
    """The file that a text names, where it names one."""
    for n in around:
        if isinstance(n, tree.Use) and n.file is text:
            path = outline.path_of(text.value)
            return Found(text.span, file=path) if path is not None else None
        if isinstance(n, tree.Table) and n.file is text:
            return Found(text.span, n)
    return None


def definition(found: Found, data: Path | None) -> Place | None:
    """Where that which was found is declared; `data` is the folder of the tables."""
    if found.column is not None:
        table, column = found.column
        file = table_file(table, data)
        return Place(file, column=column_place(file, column)) if file else _at(table.name.span)
    if found.file is not None:
        return Place(found.file)
    if isinstance(found.meaning, tree.Table) and found.word == found.meaning.file.span:
        file = table_file(found.meaning, data)
        return Place(file) if file is not None else None
    return _at(found.meaning.name.span) if found.meaning is not None else None


def references(found: Found, outline: Outline) -> list[Place]:
    """Where the name that was found is declared, then where it stands in the text and what it uses."""
    spans = outline.resolved.places(found.meaning) if found.meaning is not None else []
    return [_at(span) for span in spans]


def renamed(found: Found, outline: Outline) -> list[Span] | None:
    """What to change for another name; None for what other files declare or mention, too."""
    spans = outline.resolved.places(found.meaning) if found.meaning is not None else []
    return spans if spans and all(s.source == outline.source for s in spans) else None


def _at(span: Span) -> Place:
    return Place(Path(span.source.name), span)
