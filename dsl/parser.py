"""Reads `.alloc` text into the syntax tree."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from allocc.dsl import cache, syntax_errors
from allocc.dsl.builder import Builder
from allocc.dsl.dates import dates
from allocc.dsl.diagnostics import AlloccError, Diagnostic
from allocc.dsl.nesting import LIMIT, deepest_bracket, too_deep
from allocc.dsl.tree import Comment, File, Source, Span, Statement

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

MAX_BYTES = 10_000_000

_COMMENT = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"|(#[^\r\n]*)')


def _lark(transformer: Any = None) -> Lark:
    """The parser that the grammar describes; without a transformer it gives every word."""
    from lark import Lark

    grammar = files("allocc.dsl").joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        start="file",
        parser="lalr",
        lexer="contextual",
        transformer=transformer,
        cache=cache.tables(grammar),
    )


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
            position, read = None, 0
            session: Any = self.lark.parse_interactive(text)
            words = session.lexer_thread.lex(session.parser_state)
            try:
                for token in words:
                    position = token.start_pos
                    session.feed_token(token)
                    read += 1
                position = None
            except UnexpectedInput as error:
                position = getattr(error, "pos_in_stream", position)
            session = self.lark.parse_interactive(text)
            words = session.lexer_thread.lex(session.parser_state)
            for _ in range(read):
                session.feed_token(next(words))
            return position, frozenset(session.accepts())


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
    """The syntax tree of a source; raises `AlloccError` with every independent syntax error."""
    from lark.exceptions import UnexpectedInput

    if len(source.text) > MAX_BYTES:
        raise AlloccError([syntax_errors.too_large(source.name, MAX_BYTES)])
    bracket = deepest_bracket(source)
    if bracket is not None:
        raise AlloccError([syntax_errors.too_deep(bracket, LIMIT)])
    parser = _parser()
    try:
        statements, problems = parser.attempt(source, source.text)
    except UnexpectedInput:
        from allocc.dsl.recovery import diagnose

        raise AlloccError(diagnose(source, parser)) from None
    problems += [syntax_errors.too_deep(span, LIMIT) for span in too_deep(statements)]
    problems += dates(source, statements)
    if problems:
        raise AlloccError(problems)
    comments = tuple(
        Comment(Span(source, found.start(1), found.end(1)), found[1])
        for found in _COMMENT.finditer(source.text)
        if found[1]
    )
    return File(source, statements, comments)


def parse_file(path: str | PathLike[str]) -> File:
    """The syntax tree of a file, shown in messages under the path as given.

    A text that was read before is not parsed again; its tree is kept in the user's cache folder.
    """
    source = read_source(path)
    found = cache.tree(source)
    if found is None:
        found = parse(source)
        cache.keep(found)
    return found


def read_source(path: str | PathLike[str]) -> Source:
    """The text of a file in UTF-8, with or without a byte order mark."""
    return decoded(str(path), read_bytes(path))


def read_bytes(path: str | PathLike[str]) -> bytes:
    """A file as it is; raises `AlloccError` where it cannot be read or is far too large."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            # A pipe or a device has no size, and need not end.
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise AlloccError([syntax_errors.too_large(name, MAX_BYTES)])
        return raw
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read '{name}': {reason[:1].lower()}{reason[1:]}"
        raise AlloccError([syntax_errors.unreadable(None, message)]) from None


def decoded(name: str, raw: bytes) -> Source:
    """A file's bytes in UTF-8 as a source; raises `AlloccError` where they are something else."""
    try:
        return Source(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # Decode the rest leniently, so that the message can show the line.
        text = raw.decode("utf-8-sig", errors="replace")
        place = text.find("\ufffd", max(0, len(raw[: error.start].decode("utf-8-sig", "ignore"))))
        span = Span(Source(name, text), place, place + 1)
        hint = "save the file as UTF-8"
        message = "this character is not written in UTF-8"
        raise AlloccError([syntax_errors.unreadable(span, message, hint)]) from None
