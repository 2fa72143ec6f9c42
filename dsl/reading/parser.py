"""Reads `.alloc` text into the syntax tree."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from allocc.dsl import errors as syntax_errors
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.fragments import blank, pieces
from allocc.dsl.nesting import LIMIT, deepest_bracket, too_deep
from allocc.dsl.reading.builder import Builder
from allocc.dsl.reading.dates import dates
from allocc.dsl.tree import Comment, File, Source, Span, Statement

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

MAX_BYTES = 10_000_000

_COMMENT = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"|(#[^\r\n]*)')


def _lark(transformer: Any = None) -> Lark:
    """The parser that the grammar describes; without a transformer it gives every word."""
    from lark import Lark

    grammar = files("allocc.dsl.reading").joinpath("grammar.lark").read_text("utf-8")
    # Lark could keep its tables in a file, as a pickle: whoever may write that file runs code here.
    return Lark(grammar, start="file", parser="lalr", lexer="contextual", transformer=transformer)


class Parser:
    """The parser and the builder that it calls; one file at a time."""

    def __init__(self) -> None:
        self.builder = Builder()
        # The builder has a method for every rule; Lark only looks the names up.
        self.lark = _lark(cast(Any, self.builder))
        self.lock = Lock()

    def attempt(self, source: Source, text: str) -> tuple[tuple[Statement, ...], list[Diagnostic]]:
        """The statements of `text`, placed in `source`, and what the builder found wrong."""
        with self.lock:
            self.builder.source = source
            self.builder.problems = []
            statements = cast("tuple[Statement, ...]", self.lark.parse(text))
            return statements, self.builder.problems

    def stop(self, text: str) -> tuple[int | None, frozenset[str]]:
        """Where `text` cannot be read on (None: at its end), and the terminals that could follow.

        The answer is taken before the offending word makes the parser reduce anything.
        """
        from lark.exceptions import UnexpectedInput

        with self.lock:
            session: Any = self.lark.parse_interactive(text)
            state = session.parser_state
            position = None
            try:
                for token in session.lexer_thread.lex(state):
                    position = token.start_pos
                    before = (state.state_stack[:], state.value_stack[:])
                    try:
                        session.feed_token(token)
                    except UnexpectedInput:
                        state.state_stack[:], state.value_stack[:] = before
                        raise
                position = None
            except UnexpectedInput as error:
                position = getattr(error, "pos_in_stream", position)
            return position, frozenset(session.accepts())

    def alone(self, text: str) -> tuple[Statement, ...] | None:
        """The statements of a text that reads without any mistake, placed in itself; else None.

        What was read lately is not read again.
        """
        return _alone(self, text)


@lru_cache(maxsize=20_000)
def _alone(parser: Parser, text: str) -> tuple[Statement, ...] | None:
    from lark.exceptions import UnexpectedInput

    try:
        statements, problems = parser.attempt(Source("", text), text)
    except UnexpectedInput:
        return None
    return None if problems or next(iter(too_deep(statements)), None) is not None else statements


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser()


@lru_cache(maxsize=1)
def _syntax() -> Lark:
    return _lark()


def syntax(text: str) -> Tree[Token]:
    """The rules and all words of a text that parses, for tools that keep it as it is written."""
    return _syntax().parse(text)


def parse(source: Source) -> File:
    """The syntax tree of a source; raises `DiagnosticError` with every independent syntax error."""
    _check_size(source)
    statements = _read(source, source.text)
    comments = tuple(
        Comment(Span(source, found.start(1), found.end(1)), found[1])
        for found in _COMMENT.finditer(source.text)
        if found[1]
    )
    return File(source, statements, comments)


def check_syntax(source: Source) -> None:
    """Raise what `parse` would; statements that were read lately are not read again."""
    _check_size(source)
    cut = [source.text[start:stop] for start, stop in pieces(source.text)]
    rest = "".join(piece if read_alone(piece) is None else blank(piece) for piece in cut)
    if rest and not rest.isspace():
        _read(source, rest)


def read_alone(text: str) -> tuple[Statement, ...] | None:
    """The statements of a text that reads without any mistake, placed in itself; else None."""
    return _parser().alone(text)


def _check_size(source: Source) -> None:
    if len(source.text) > MAX_BYTES:
        raise DiagnosticError([syntax_errors.too_large(source.name, MAX_BYTES)])
    bracket = deepest_bracket(source)
    if bracket is not None:
        raise DiagnosticError([syntax_errors.too_deep(bracket, LIMIT)])


def _read(source: Source, text: str) -> tuple[Statement, ...]:
    """The statements of `text`, which is the source's with blanks where it need not be read."""
    from lark.exceptions import UnexpectedInput

    parser = _parser()
    try:
        statements, problems = parser.attempt(source, text)
    except UnexpectedInput:
        from allocc.dsl.syntax_help.recovery import diagnose

        raise DiagnosticError(diagnose(source, parser)) from None
    problems += [syntax_errors.too_deep(span, LIMIT) for span in too_deep(statements)]
    problems += dates(source, statements)
    if problems:
        raise DiagnosticError(problems)
    return statements


def parse_file(path: str | PathLike[str]) -> File:
    """The syntax tree of a file, shown in messages under the path as given."""
    return parse(read_source(path))


def read_source(path: str | PathLike[str]) -> Source:
    """The text of a file in UTF-8, with or without a byte order mark."""
    return decoded(str(path), read_bytes(path))


def read_bytes(path: str | PathLike[str]) -> bytes:
    """A file as it is; raises `DiagnosticError` where it cannot be read or is far too large."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            # A pipe or a device has no size, and need not end.
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise DiagnosticError([syntax_errors.too_large(name, MAX_BYTES)])
        return raw
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read '{name}': {reason[:1].lower()}{reason[1:]}"
        raise DiagnosticError([syntax_errors.unreadable(None, message)]) from None


def decoded(name: str, raw: bytes) -> Source:
    """A file's bytes in UTF-8 as a source; raises `DiagnosticError` where they are something else."""
    try:
        return Source(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # Decode the rest leniently, so that the message can show the line.
        text = raw.decode("utf-8-sig", errors="replace")
        place = text.find("\ufffd", max(0, len(raw[: error.start].decode("utf-8-sig", "ignore"))))
        span = Span(Source(name, text), place, place + 1)
        hint = "save the file as UTF-8"
        message = "this character is not written in UTF-8"
        raise DiagnosticError([syntax_errors.unreadable(span, message, hint)]) from None
