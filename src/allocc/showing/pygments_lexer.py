"""Colors for `.alloc` models wherever Pygments is: Sphinx, MkDocs, Jupyter, terminals.

The words are those of `words.py`, which the tests compare with the grammar.
"""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from allocc.compiler.names.builtin import FUNCTIONS
from allocc.dsl.words import PLACES, SOFT, STATEMENTS, WORDS

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
#: A word that is kept for its place only is a name where an operator or a bracket follows it.
_IN_PLACE = r"\b(?!\()(?!\s*(?:[:=,)\]*/+^<>\-\[]|\.(?!\.)|\"[^\"\r\n]*\"\s*:))"
#: Words that stand between operands.
_OPERATORS = ("and", "or", "not", "in")
_NAMED = [w for w in STATEMENTS if w not in ("minimize", "maximize", "function", "use")]


class AllocLexer(RegexLexer):  # type: ignore[misc]
    """Lexer for allocc's `.alloc` models."""

    name = "alloc"
    aliases: ClassVar[list[str]] = ["alloc", "allocc"]
    filenames: ClassVar[list[str]] = ["*.alloc"]
    mimetypes: ClassVar[list[str]] = ["text/x-alloc"]
    version_added = ""

    tokens: ClassVar = {
        "root": [
            (r"[ \t\r\n\f]+", Whitespace),
            (r"#[^\r\n]*", Comment.Single),
            (r'"(?:[^"\\\r\n]|\\[^\r\n])*"', String.Double),
            (r'"[^\r\n]*', Error),
            (
                rf"(function)(\s+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (
                rf"({'|'.join(_NAMED)})(\s+)(?!(?:{'|'.join(STATEMENTS)})\b)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Variable),
            ),
            # After the dot of a column any word may stand.
            (rf"(\.)({_NAME})", bygroups(Punctuation, Name.Attribute)),
            (words(tuple(STATEMENTS), suffix=r"\b"), Keyword.Declaration),
            (words(_OPERATORS, suffix=r"\b"), Operator.Word),
            (words(WORDS, suffix=r"\b"), Keyword),
            (words(SOFT, suffix=_IN_PLACE), Keyword.Pseudo),
            (rf"\b({'|'.join(FUNCTIONS)})(?=\s*\()", Name.Builtin),
            (words(PLACES, suffix=r"\b"), Name.Builtin.Pseudo),
            (_NAME, Name),
            (r"[0-9][0-9_]*\.[0-9]+(?:[eE][+-]?[0-9]+)?%?", Number.Float),
            (r"[0-9][0-9_]*[eE][+-]?[0-9]+%?", Number.Float),
            (r"[0-9][0-9_]*%?", Number.Integer),
            (r"\.\.|->|\+=|\*=|<=|>=|==|!=|[-+*/^=~<>]", Operator),
            (r"[,:.()\[\]{}]", Punctuation),
        ],
    }
