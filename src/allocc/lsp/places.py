"""What stands at a place of a text, and where it is declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocc.dsl import tree
from allocc.dsl.tree import Span
from allocc.dsl.walk import nodes
from allocc.lsp.outline import Declared, Outline
from allocc.lsp.tables import column_place, table_file


@dataclass(frozen=True)
class Local:
    """A name that an index or a function's head binds, and what it stands in."""

    name: tree.Identifier
    binder: tree.Binder | tree.Formal
    scope: Span

    def names(self, name: str) -> bool:
        """Whether a name is bound here; a function's arguments name their sets, too."""
        sets = self.binder.sets if isinstance(self.binder, tree.Formal) else ()
        return name == self.name.name or any(s.name == name for s in sets)


@dataclass(frozen=True)
class Found:
    """What a word means: a statement, a bound name, or a column of a table."""

    word: Span
    statement: Declared | None = None
    local: Local | None = None
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


def locals_at(outline: Outline, offset: int) -> list[Local]:
    """The names that are bound at a place, the innermost first."""
    found = []
    for statement in outline.flat:
        if covers(statement.span, offset):
            found += [x for x in _bound(statement, outline) if covers(x.scope, offset)]
    return sorted(found, key=lambda x: x.scope.stop - x.scope.start)


def _bound(statement: tree.Statement, outline: Outline) -> Iterator[Local]:
    for n in nodes(statement):
        index = getattr(n, "index", None)
        if isinstance(n, tree.Chance):
            index = n.scenario
        if isinstance(index, tree.Index):
            yield from _of_index(index, n.span)
        if isinstance(n, tree.Function):
            for formal in n.formals:
                yield Local(formal.name, formal, n.span)
        if isinstance(n, tree.Effect) and n.index is None:
            # Without an index of its own, an effect knows the names of what it acts on.
            flow = outline.lookup(n.name.name)
            if isinstance(flow, tree.Flow | tree.Parameter) and flow.index is not None:
                yield from _of_index(flow.index, n.span)


def _of_index(index: tree.Index, scope: Span) -> Iterator[Local]:
    for binder in index.binders:
        for name in binder.names:
            yield Local(name, binder, scope)


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
        case tree.Field(table=table, column=column):
            declared = outline.lookup(table.name)
            if covers(column.span, offset) and isinstance(declared, tree.Table):
                return Found(column.span, column=(declared, column.name))
            return Found(table.span, statement=declared) if declared is not None else None
        case tree.Identifier(name=name, span=span) | tree.Name(name=name, span=span):
            field = next((x for x in around if isinstance(x, tree.Field)), None)
            if field is not None and n is not field:
                return _meaning(field, around, outline, offset)
            key = next((x for x in around if isinstance(x, tree.Table)), None)
            if key is not None and any(k is n for k in key.keys):
                return Found(span, column=(key, name))
            local = next((x for x in locals_at(outline, offset) if x.name.name == name), None)
            if local is not None:
                return Found(span, local=local)
            declared = outline.lookup(name)
            return Found(span, statement=declared) if declared is not None else None
        case _:
            return None


def _file(text: tree.Text, around: list[Any], outline: Outline) -> Found | None:
    """The file that a text names, where it names one."""
    for n in around:
        if isinstance(n, tree.Use) and n.file is text:
            path = outline.path_of(text.value)
            return Found(text.span, file=path) if path is not None else None
        if isinstance(n, tree.Table) and n.file is text:
            return Found(text.span, statement=n)
    return None


def definition(found: Found, data: Path | None) -> Place | None:
    """Where that which was found is declared; `data` is the folder of the tables."""
    if found.local is not None:
        return _at(found.local.name.span)
    if found.column is not None:
        table, column = found.column
        file = table_file(table, data)
        return Place(file, column=column_place(file, column)) if file else _at(table.name.span)
    if found.file is not None:
        return Place(found.file)
    if isinstance(found.statement, tree.Table) and found.word == found.statement.file.span:
        file = table_file(found.statement, data)
        return Place(file) if file is not None else None
    return _at(found.statement.name.span) if found.statement is not None else None


def _at(span: Span) -> Place:
    return Place(Path(span.source.name), span)
