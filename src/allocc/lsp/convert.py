"""From allocc's diagnostics, places and symbols to those of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lsprotocol import types

from allocc.dsl import tree
from allocc.dsl.diagnostics import DataPlace, Diagnostic
from allocc.dsl.escapes import message as said
from allocc.dsl.tree import Span
from allocc.lsp.data_tables import table_file
from allocc.lsp.document_symbols import Symbol
from allocc.lsp.outline import Outline
from allocc.lsp.positions import Place
from allocc.lsp.text import DocumentText, Encoding

_SYMBOLS = {
    "model": types.SymbolKind.Module,
    "table": types.SymbolKind.Struct,
    "set": types.SymbolKind.Enum,
    "data": types.SymbolKind.Constant,
    "value": types.SymbolKind.Variable,
    "function": types.SymbolKind.Function,
    "block": types.SymbolKind.Namespace,
    "rule": types.SymbolKind.Property,
    "time": types.SymbolKind.Event,
}


def range_of(text: DocumentText, start: int, stop: int) -> types.Range:
    """The range of some characters of a text."""
    ends = (text.position(start), text.position(stop))
    first, last = (types.Position(line, column) for line, column in ends)
    return types.Range(first, last)


class Converter:
    """Converts for one document; `uri_of` gives a path's address."""

    def __init__(
        self, text: DocumentText, outline: Outline, uri: str, uri_of: Callable[[Path], str]
    ):
        self.text = text
        self.outline = outline
        self.uri = uri
        self.uri_of = uri_of

    def span(self, span: Span) -> types.Range:
        """The range of a span of this document."""
        return range_of(self.text, span.start, max(span.stop, span.start))

    def mine(self, span: Span | None) -> bool:
        """Whether a span lies in this document."""
        return span is not None and span.source.name == self.outline.source.name

    def diagnostic(self, found: Diagnostic, data: Path | None) -> types.Diagnostic:
        """A diagnostic of this document; what lies elsewhere is shown where this one leads to it."""
        place = found.span if self.mine(found.span) else self._nearest(found)
        message = said(found.message) + (f"\nhelp: {said(found.hint)}" if found.hint else "")
        related: list[types.DiagnosticRelatedInformation] = []
        if found.span is not None and not self.mine(found.span):
            message = f"{said(found.span.source.name)}:{found.span.line}: {message}"
            related += self._related("the mistake is here", found.span)
        for note in found.notes:
            if note.span is None:
                message += f"\nnote: {said(note.message)}"
            else:
                related += self._related(note.message, note.span)
        if found.data is not None:
            message += f"\n{_data(found.data)}"
            related += self._in_table(found.data, data)
        wrong = found.severity == "error"
        severity = types.DiagnosticSeverity.Error if wrong else types.DiagnosticSeverity.Warning
        return types.Diagnostic(
            self.span(place) if place is not None else range_of(self.text, 0, 0),
            message,
            severity=severity,
            code=found.code,
            source="allocc",
            related_information=related or None,
            tags=[types.DiagnosticTag.Unnecessary] if found.code == "W2001" else None,
        )

    def _nearest(self, found: Diagnostic) -> Span | None:
        """What in this document leads to a mistake in another file."""
        for s in self.outline.flat:
            if isinstance(s, tree.Table) and found.data is not None:
                if s.file.value == found.data.file:
                    return s.file.span
            elif isinstance(s, tree.Use) and found.span is not None:
                path = self.outline.path_of(s.file.value)
                if path is not None and path.name == Path(found.span.source.name).name:
                    return s.file.span
        return None

    def _related(self, message: str, span: Span) -> list[types.DiagnosticRelatedInformation]:
        location = self.location(Place(Path(span.source.name), span))
        return [types.DiagnosticRelatedInformation(location, said(message))] if location else []

    def _in_table(
        self, place: DataPlace, data: Path | None
    ) -> list[types.DiagnosticRelatedInformation]:
        for s in self.outline.flat:
            if isinstance(s, tree.Table) and s.file.value == place.file:
                file = table_file(s, data)
                if file is not None:
                    row = types.Position(max((place.row or 1) - 1, 0), 0)
                    location = types.Location(self.uri_of(file), types.Range(row, row))
                    return [types.DiagnosticRelatedInformation(location, _data(place))]
        return []

    def location(self, place: Place) -> types.Location | None:
        """A place as a location; None where there is no such file."""
        span = place.span
        if span is not None and self.mine(span):
            return types.Location(self.uri, self.span(span))
        if place.path is None or not place.path.is_file():
            return None
        uri = self.uri_of(place.path.resolve())
        if span is not None:
            return types.Location(uri, self._elsewhere(span))
        start, stop = place.column or (0, 0)
        ends = types.Range(types.Position(0, start), types.Position(0, stop))
        return types.Location(uri, ends)

    def _elsewhere(self, span: Span) -> types.Range:
        return range_of(DocumentText(span.source.text, self.text.encoding), span.start, span.stop)

    def symbol(self, symbol: Symbol) -> types.DocumentSymbol:
        """An entry of the outline with those below it."""
        return types.DocumentSymbol(
            symbol.name,
            _SYMBOLS[symbol.kind],
            self.span(symbol.span),
            self.span(symbol.name_span),
            detail=symbol.detail or None,
            children=[self.symbol(s) for s in symbol.children],
        )


def _data(place: DataPlace) -> str:
    row = "" if place.row is None else f", row {place.row}"
    column = "" if place.column is None else f", column '{place.column}'"
    return said(f"{place.file}{row}{column}")


def encoding(kind: object) -> Encoding:
    """How the editor counts columns; UTF-16 where it does not say."""
    text = str(getattr(kind, "value", kind))
    return "utf-8" if text == "utf-8" else "utf-32" if text == "utf-32" else "utf-16"
