"""Warnings about what is declared or stands in a table, and nothing reads it; and about its spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import DataTable
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping.spellings import OriginLabels, spelling_warnings
from allocc.compiler.scoping.symbols import Symbols
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span

KINDS = {
    tree.Table: "table",
    tree.SetDeclaration: "set",
    tree.Parameter: "parameter",
    tree.Let: "let",
    tree.Function: "function",
    tree.Decide: "decision",
}


def unused(symbols: Symbols) -> Iterator[Diagnostic]:
    """What is declared and used nowhere, labels that only look alike, and rows that nothing reads."""
    d = symbols.declared
    for name, statement in d.names.items():
        kind = KINDS.get(type(statement))
        if kind and name not in d.resolved.used and name not in d.library:
            yield names_errors.unused_name(kind, name, statement.name.span)
    spelling = _spelling(symbols)
    yield from spelling
    yield from _unread_rows(symbols, but={d.span for d in spelling if d.code == "W3010"})


def _spelling(symbols: Symbols) -> list[Diagnostic]:
    """Labels that are spelt apart, in the tables that are read and the sets that are written out."""
    tables: dict[DataTable, Collection[str]] = {}
    sets = []
    for name, statement in symbols.declared.names.items():
        if isinstance(statement, tree.Table) and _is_read(symbols, name):
            table: DataTable = symbols.resolve(name)
            tables[table] = symbols.usage.words.get(table, ())
        elif isinstance(statement, tree.SetDeclaration) and isinstance(
            statement.value, tree.SetLiteral | tree.Range
        ):
            texts = symbols.resolve(name).texts[0]
            sets.append(OriginLabels(f"set '{name}'", texts, statement.name.span))
    return list(spelling_warnings(tables, sets))


def _is_read(symbols: Symbols, table: str) -> bool:
    """Whether the model reads a table."""
    d = symbols.declared
    return table in d.resolved.used and table not in d.only_in_fits


def _unread_rows(symbols: Symbols, but: Collection[Span | None]) -> Iterator[Diagnostic]:
    """A warning for each table whose rows were looked up with an `else`, and some of them never.

    Nothing is said of those at the places `but`, of which the reason is told already.
    """
    usage = symbols.usage
    told = {name for name, _ in usage.told}
    for name, statement in symbols.declared.names.items():
        if not isinstance(statement, tree.Table) or not _is_read(symbols, name) or name in told:
            continue
        table: DataTable = symbols.resolve(name)
        unread = usage.unread(table)
        if table in usage.optional and table.keys and unread and table.span not in but:
            labels = [", ".join(t[i] for t in table.key_set.texts) for i in unread]
            line, where = table.first_line[unread[0]], usage.optional[table]
            yield data_errors.unused_rows(table.file, line, None, labels, where)
