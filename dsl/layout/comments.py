"""Comments and blank lines of a text, each found by the word that it stands at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from allocc.dsl.layout.printer import Doc, Remark

if TYPE_CHECKING:
    from lark import Token

_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A comment on a line of its own; `blank` where an empty line stands before it."""

    text: str
    blank: bool


@dataclass(slots=True)
class Comments:
    """What stands between the words; words are known by the place where they start.

    `before` has the comments on lines of their own before a word, `after` those behind it on its
    line, `blank` the words with an empty line before them, and `same_line` those whose line another
    word began. The end of the text counts as a word.
    """

    before: dict[int, list[OwnLine]] = field(default_factory=dict)
    after: dict[int, list[str]] = field(default_factory=dict)
    blank: set[int] = field(default_factory=set)
    same_line: set[int] = field(default_factory=set)

    def word(self, token: Token) -> Doc:
        """A word with the comments at it."""
        start = token.start_pos
        assert start is not None
        before = [Remark(comment.text, own=True) for comment in self.before.get(start, ())]
        after = [Remark(text, own=False) for text in self.after.get(start, ())]
        text = "not in" if token.type == "NOT_IN" else str(token)
        return (*before, text, *after) if before or after else text

    def take(self, first: Token, last: Token) -> tuple[list[OwnLine], list[str]]:
        """Take away the comments before a first word and behind a last one."""
        assert first.start_pos is not None and last.start_pos is not None
        return self.before.pop(first.start_pos, []), self.after.pop(last.start_pos, [])


def find_comments(text: str, tokens: Iterable[Token], firsts: set[int]) -> Comments:
    """All comments of a text. `firsts` are the words that begin a statement, a term, or end a block.

    A comment below another one that stands behind a statement, and in its column, continues it.
    """
    found = Comments()
    last: int | None = None
    end = 0
    for token in tokens:
        assert token.start_pos is not None and token.end_pos is not None
        _between(found, text, last, end, token.start_pos, token.start_pos in firsts)
        last, end = token.start_pos, token.end_pos
    _between(found, text, last, end, len(text), True)
    return found


def _between(
    found: Comments, text: str, last: int | None, end: int, start: int, statement: bool
) -> None:
    """Sort what stands between the word at `last`, which ends at `end`, and the one at `start`."""
    before: list[OwnLine] = []
    column: int | None = None
    for comment in _COMMENT.finditer(text, end, start):
        gap = text.count("\n", end, comment.start())
        words = comment[0].rstrip(" \t\f\v")
        here = comment.start() - text.rfind("\n", 0, comment.start())
        behind = gap == 0 and last is not None and not before
        continues = statement and gap == 1 and column == here and not before
        if last is not None and (behind or continues):
            found.after.setdefault(last, []).append(words)
            column = here
        else:
            before.append(OwnLine(words, gap > 1))
        end = comment.end()
    gap = text.count("\n", end, start)
    if before:
        found.before[start] = before
    if gap > 1:
        found.blank.add(start)
    if gap == 0 and last is not None and not before and column is None:
        found.same_line.add(start)
