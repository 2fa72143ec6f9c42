"""The language server: documents, and what is asked about them.

A document is checked in a thread of its own once nobody has typed for a moment; an answer about a text
that has changed meanwhile is dropped. Mistakes of syntax are looked for in another thread, so that they
show while the checks of an earlier text still run.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from allocc.compiler.names.builtin import BUILTIN
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.layout.format import format_source
from allocc.dsl.tree import Source
from allocc.dsl.words import RESERVED
from allocc.lsp.analysis import Analysis, check, faults, mistakes
from allocc.lsp.completion import complete
from allocc.lsp.convert import Converter, encoding, range_of
from allocc.lsp.document_symbols import symbols
from allocc.lsp.hover import hover, word
from allocc.lsp.outline import Outline, outline
from allocc.lsp.positions import Found, definition, find, references, renamed
from allocc.lsp.text import DocumentText
from allocc.version import __version__

#: A text is checked when it has not changed for so many seconds.
PAUSE = 0.25
#: Room for the compiler's recursion, which threads have less of than a program.
STACK = 64 * 1024 * 1024

_ITEMS = {
    "name": types.CompletionItemKind.Variable,
    "index": types.CompletionItemKind.Variable,
    "column": types.CompletionItemKind.Field,
    "word": types.CompletionItemKind.Keyword,
    "function": types.CompletionItemKind.Function,
    "file": types.CompletionItemKind.File,
    "method": types.CompletionItemKind.EnumMember,
}


@dataclass
class State:
    """What is known of an open document; the analysis may be of an earlier text."""

    uri: str
    path: Path | None
    text: str
    version: int | None
    change: int = 0
    analysis: Analysis | None = None
    outline: Outline | None = None
    task: asyncio.Task[None] | None = None


class AllocServer(LanguageServer):
    """The server and its documents."""

    def __init__(self) -> None:
        # Whole texts: what counts as a line end differs between the protocol and Python.
        super().__init__(
            "allocc", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full
        )
        self.states: dict[str, State] = {}
        self.data: str = ""
        self.pedantic = False
        self.counter = 0
        before = threading.stack_size(STACK)
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="check")
        self.reader = ThreadPoolExecutor(1, thread_name_prefix="read")
        for pool in (self.worker, self.reader):
            pool.submit(int).result()
        threading.stack_size(before)

    # --- documents ------------------------------------------------------------------------

    def change(self, uri: str, text: str, version: int | None, pause: float = PAUSE) -> None:
        """Take a document's new text, and have it checked."""
        state = self.states.get(uri)
        if state is None:
            name = to_fs_path(uri)
            path = Path(name).resolve() if name and uri.startswith("file:") else None
            state = self.states[uri] = State(uri, path, text, version)
        self.counter += 1
        state.text, state.version, state.change, state.outline = text, version, self.counter, None
        self.recheck(state, pause)

    def close(self, uri: str) -> None:
        """Forget a document and what was said of it."""
        state = self.states.pop(uri, None)
        if state is not None and state.task is not None:
            state.task.cancel()
        self.publish(uri, [], None)

    def recheck(self, state: State, pause: float) -> None:
        """Check a document after a pause; a check that waits is given up for it."""
        if state.task is not None:
            state.task.cancel()
        state.task = asyncio.ensure_future(self._check(state, pause))

    def recheck_all(self) -> None:
        """Check everything again: a file that they may use has changed."""
        for state in self.states.values():
            state.outline = None
            self.recheck(state, PAUSE)

    async def _check(self, state: State, pause: float) -> None:
        await asyncio.sleep(pause)
        number, text, data = state.change, state.text, self.folder(state)
        name, others = _name(state), self._others(state)
        run = asyncio.get_running_loop().run_in_executor
        try:
            # A text that is new is read whole; only later is there anything that need not be read.
            new = state.analysis is None
            wrong = await run(self.reader, faults if new else mistakes, text, name)
            if wrong:
                # They lie in this text: what it declares need not be known to show them.
                bare = Outline(Source(name, text), state.path, (), False)
                self._show(state, number, Analysis(wrong), bare)
            here = await run(self.reader, outline, text, name, state.path, others)
            if state.change == number:
                state.outline = here
            if not wrong:
                arguments = (text, name, state.path, data, self.pedantic)
                found = await run(self.worker, check, *arguments)
                self._show(state, number, found, here)
            if new:
                await run(self.reader, mistakes, text, name)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the server
            self._report(error)

    def _show(self, state: State, number: int, found: Analysis, here: Outline) -> None:
        """Take in and publish what was found in a text, unless it has changed since."""
        if self.states.get(state.uri) is not state or state.change != number:
            return
        if found.model is None and state.analysis is not None:
            # Hover keeps the values of the last text that was a model.
            last = state.analysis.model
            found = Analysis(found.diagnostics, found.file, last, found.data or state.analysis.data)
        state.analysis = found
        convert = Converter(self.text(state), here, state.uri, _uri)
        shown = [convert.diagnostic(d, found.data) for d in found.diagnostics]
        self.publish(state.uri, shown, state.version)

    def publish(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        """Show diagnostics in the editor."""
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, found, version=version)
        )

    def _report(self, error: Exception) -> None:
        text = f"this is a mistake of allocc, not of yours: {type(error).__name__}: {error}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text[:500]))

    # --- what is known of a document ----------------------------------------------------------

    def folder(self, state: State) -> Path | None:
        """The data folder that was set, from the workspace's root; None for the usual one."""
        if not self.data:
            return None
        root = self.workspace.root_path or (str(state.path.parent) if state.path else ".")
        return Path(root) / self.data

    def outline(self, state: State) -> Outline:
        """The outline of a document's present text."""
        if state.outline is None:
            state.outline = outline(state.text, _name(state), state.path, self._others(state))
        return state.outline

    def _others(self, state: State) -> dict[Path, str]:
        return {s.path: s.text for s in self.states.values() if s.path and s is not state}

    def analysis(self, state: State) -> Analysis:
        """The last analysis of a document; its data folder where there is none yet."""
        if state.analysis is not None and state.analysis.data is not None:
            return state.analysis
        folder = self.folder(state)
        if folder is None and state.path is not None:
            from allocc.dsl.tree import File
            from allocc.questions.read_model import data_folder

            here = self.outline(state)
            folder = data_folder(state.path, File(here.source, here.statements))
        return Analysis([], data=folder)

    def text(self, state: State) -> DocumentText:
        """A document's text with its places."""
        return DocumentText(state.text, encoding(self.workspace.position_encoding))

    def converter(self, state: State) -> Converter:
        """What converts places of a document."""
        return Converter(self.text(state), self.outline(state), state.uri, _uri)

    def found(self, uri: str, position: types.Position) -> tuple[State, Found] | None:
        """A document, and what the word at a place of it means."""
        state = self.states.get(uri)
        found = find(self.outline(state), self.offset(state, position)) if state else None
        return (state, found) if state is not None and found is not None else None

    def offset(self, state: State, position: types.Position) -> int:
        """The character at a position."""
        return self.text(state).offset(position.line, position.character)


def _name(state: State) -> str:
    return str(state.path) if state.path is not None else state.uri


def _uri(path: Path) -> str:
    return from_fs_path(str(path)) or path.as_uri()


def make_server() -> AllocServer:
    """The server with everything that it answers."""
    server = AllocServer()

    @server.feature(types.INITIALIZE)
    def initialize(ls: AllocServer, params: types.InitializeParams) -> None:
        given: Any = params.initialization_options or {}
        if isinstance(given, dict):
            ls.data = str(given.get("dataFolder") or "")
            ls.pedantic = bool(given.get("pedantic"))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: AllocServer, params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        ls.change(document.uri, document.text, document.version, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: AllocServer, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        text = ls.workspace.get_text_document(uri).source
        ls.change(uri, text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(ls: AllocServer, params: types.DidSaveTextDocumentParams) -> None:
        ls.recheck_all()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(ls: AllocServer, params: types.DidChangeWatchedFilesParams) -> None:
        ls.recheck_all()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(ls: AllocServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.close(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(ls: AllocServer, params: types.HoverParams) -> types.Hover | None:
        state = ls.states.get(params.text_document.uri)
        if state is None:
            return None
        here, offset, text = ls.outline(state), ls.offset(state, params.position), ls.text(state)
        found = find(here, offset)
        if found is not None:
            shown: str | None = hover(found, here, ls.analysis(state))
            place: tuple[int, int] | None = (found.word.start, found.word.stop)
        else:
            place = text.word(offset)
            shown = word(state.text[slice(*place)]) if place is not None else None
        if shown is None or place is None:
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, shown)
        return types.Hover(content, range_of(text, *place))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def defined(ls: AllocServer, params: types.DefinitionParams) -> types.Location | None:
        match ls.found(params.text_document.uri, params.position):
            case state, found:
                place = definition(found, ls.analysis(state).data)
                return ls.converter(state).location(place) if place is not None else None
        return None

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def referred(ls: AllocServer, params: types.ReferenceParams) -> list[types.Location]:
        match ls.found(params.text_document.uri, params.position):
            case state, found:
                places = references(found, ls.outline(state))
                convert = ls.converter(state)
                shown = places[not params.context.include_declaration :]
                return [x for x in map(convert.location, shown) if x is not None]
        return []

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def asked(ls: AllocServer, params: types.PrepareRenameParams) -> types.Range | None:
        match ls.found(params.text_document.uri, params.position):
            case state, found if renamed(found, ls.outline(state)) is not None:
                return ls.converter(state).span(found.word)
        return None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def given(ls: AllocServer, params: types.RenameParams) -> types.WorkspaceEdit | None:
        new = params.new_name
        if not (new.isascii() and new.isidentifier()) or new in (*RESERVED, *BUILTIN):
            raise JsonRpcInvalidParams(f"'{new}' cannot be a name")
        match ls.found(params.text_document.uri, params.position):
            case state, found if (spans := renamed(found, ls.outline(state))) is not None:
                convert = ls.converter(state)
                edits = [types.TextEdit(convert.span(s), new) for s in spans]
                return types.WorkspaceEdit({state.uri: edits})
        return None

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", '"'])
    )
    def completed(ls: AllocServer, params: types.CompletionParams) -> types.CompletionList:
        state = ls.states.get(params.text_document.uri)
        found = []
        if state is not None:
            offset = ls.offset(state, params.position)
            for item in complete(ls.outline(state), offset, ls.analysis(state).data):
                about = types.MarkupContent(types.MarkupKind.Markdown, item.description)
                found.append(
                    types.CompletionItem(
                        item.label,
                        kind=_ITEMS[item.kind],
                        detail=item.detail or None,
                        documentation=about if item.description else None,
                    )
                )
        return types.CompletionList(is_incomplete=False, items=found)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outlined(ls: AllocServer, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        state = ls.states.get(params.text_document.uri)
        if state is None:
            return []
        convert = ls.converter(state)
        return [convert.symbol(s) for s in symbols(ls.outline(state))]

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatted(
        ls: AllocServer, params: types.DocumentFormattingParams
    ) -> list[types.TextEdit] | None:
        state = ls.states.get(params.text_document.uri)
        if state is None:
            return None
        try:
            new = format_source(state.text)
        except DiagnosticError:
            # A text that cannot be read is left alone; what is wrong with it is shown already.
            return None
        if new == state.text:
            return []
        return [types.TextEdit(range_of(ls.text(state), 0, len(state.text)), new)]

    return server


def serve() -> None:
    """Talk to an editor on standard input and output until it says goodbye."""
    server = make_server()
    own = sys.stdout.buffer
    # Whatever else is printed must not get between the messages.
    sys.stdout = sys.stderr
    server.start_io(sys.stdin.buffer, own)
