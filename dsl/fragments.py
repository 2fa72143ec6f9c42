"""A text cut where its outermost statements begin, so that each can be read by itself.

The cut is made by words and brackets alone: a piece that then reads by itself is right wherever it
stands, because a file is nothing but statements one after another. A piece that does not may have been
cut wrongly; it has to be read among the others.
"""

from __future__ import annotations

import re

from allocc.dsl.words import STATEMENTS, ends_block

_MARK = re.compile(
    r'"(?:[^"\\\r\n]|\\[^\r\n])*"|\#[^\r\n]*|(?P<bracket>[()\[\]{}])'
    rf"|^[ \t]*(?P<keyword>{'|'.join(STATEMENTS)})\b",
    re.MULTILINE,
)
_NO_LINE_END = re.compile(r"[^\r\n]")


def pieces(text: str) -> list[tuple[int, int]]:
    """Where each piece begins and ends; together they are the whole text."""
    starts = [0]
    open_: list[tuple[str, str]] = []
    statement = ""
    for found in _MARK.finditer(text):
        bracket, keyword = found["bracket"], found["keyword"]
        if keyword is not None:
            # Nothing in parentheses reaches over a keyword, and no block over some of them.
            while open_ and (open_[-1][0] != "{" or ends_block(open_[-1][1], keyword)):
                open_.pop()
            statement = keyword
            if not open_ and found.start() > starts[-1]:
                starts.append(found.start())
        elif bracket in ("(", "[", "{"):
            open_.append((bracket, statement))
        elif bracket is not None and open_:
            open_.pop()
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def blank(text: str) -> str:
    """Spaces in the place of a text; its lines stay."""
    return _NO_LINE_END.sub(" ", text)
