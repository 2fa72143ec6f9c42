"""A text and its places: offsets of characters, and lines with columns as an editor counts them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_LINE_END = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Encoding = Literal["utf-8", "utf-16", "utf-32"]


@dataclass(frozen=True)
class DocumentText:
    """A text with its line starts; columns are counted in units of `encoding`."""

    text: str
    encoding: Encoding = "utf-16"

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(m.end() for m in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 0, of a character."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.starts, offset) - 1
        return line, self._units(self.text[self.starts[line] : offset])

    def offset(self, line: int, column: int) -> int:
        """The character at a line and column; the nearest one where there is none."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start = self.starts[line]
        stop = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        words = self.text[start:stop].rstrip("\r\n")
        if self.encoding == "utf-32" or words.isascii():
            return start + min(max(column, 0), len(words))
        used = 0
        for place, character in enumerate(words):
            if used >= column:
                return start + place
            used += self._units(character)
        return start + len(words)

    def _units(self, words: str) -> int:
        if self.encoding == "utf-32" or words.isascii():
            return len(words)
        if self.encoding == "utf-8":
            return len(words.encode("utf-8", "surrogatepass"))
        return len(words.encode("utf-16-le", "surrogatepass")) // 2

    def word(self, offset: int) -> tuple[int, int] | None:
        """Where the word at (or just before) a character begins and ends."""
        line = bisect_right(self.starts, min(max(offset, 0), len(self.text))) - 1
        start = self.starts[line]
        stop = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        for found in _WORD.finditer(self.text, start, stop):
            if found.start() <= offset <= found.end():
                return found.start(), found.end()
        return None
