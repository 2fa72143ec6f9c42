"""Colours for models, and names for the other blocks of these pages."""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, words
from pygments.lexers.special import TextLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text
from sphinx.application import Sphinx

from allocc.dsl.scanner import RESERVED, SOFT


class AllocLexer(RegexLexer):
    """The language, with the reserved words as the scanner has them."""

    name = "alloc"
    aliases: ClassVar[list[str]] = ["alloc"]
    tokens: ClassVar[dict[str, Any]] = {
        "root": [
            (r"\s+", Text),
            (r"#[^\n]*", Comment.Single),
            (r'"[^"\n]*"', String),
            (words(sorted(RESERVED), prefix=r"\b", suffix=r"\b"), Keyword),
            (words(sorted(SOFT), prefix=r"\b", suffix=r"\b"), Keyword.Pseudo),
            (r"\d+(\.\d+)?([eE][+-]?\d+)?", Number),
            (r"[A-Za-z_]\w*", Name),
            (r"->|\+=|\*=|<=|>=|==|!=|\.\.|[-+*/^<>=%]", Operator),
            (r"[\[\](){},:.]", Punctuation),
            (r".", Text),
        ]
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the lexers known."""
    app.add_lexer("alloc", AllocLexer)
    app.add_lexer("csv", TextLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
