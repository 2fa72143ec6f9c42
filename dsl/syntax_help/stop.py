"""The place where the parser cannot go on, with the questions that an explanation asks of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property

from allocc.dsl.scanner import Lexeme
from allocc.dsl.tree import Source, Span
from allocc.dsl.words import SOFT, STATEMENTS

_SYNONYMS = {
    "var": "decide",
    "variable": "decide",
    "decision": "decide",
    "parameter": "param",
    "const": "param",
    "data": "table",
    "state": "compartment",
    "stock": "compartment",
    "init": "initial",
    "constraint": "limit",
    "subject": "limit",
    "soft": "prefer",
    "def": "function",
    "func": "function",
    "min": "minimize",
    "minimise": "minimize",
    "max": "maximize",
    "maximise": "maximize",
    "objective": "minimize",
    "import": "use",
    "include": "use",
}


@dataclass
class Stop:
    """A place where the parser cannot go on, and the terminals that it could have taken."""

    source: Source
    lexemes: list[Lexeme]
    place: int
    accepts: frozenset[str]

    @cached_property
    def word(self) -> Lexeme | None:
        """What stands there; None at the end of the file."""
        return self.lexemes[self.place] if self.place < len(self.lexemes) else None

    @property
    def before(self) -> Lexeme | None:
        """What stands before it."""
        return self.lexemes[self.place - 1] if self.place else None

    @property
    def after(self) -> Lexeme | None:
        """What stands behind it."""
        place = self.place + 1
        return self.lexemes[place] if place < len(self.lexemes) else None

    @cached_property
    def complete(self) -> bool:
        """Whether a new statement could begin here."""
        return "PARAM" in self.accepts

    @cached_property
    def value_due(self) -> bool:
        """Whether an expression must begin here."""
        return {"NAME", "NUMBER", "LPAR", "MINUS"} <= self.accepts and "STAR" not in self.accepts

    @cached_property
    def head(self) -> int:
        """Number of the keyword of the statement that is being read."""
        for number in range(self.place - 1, -1, -1):
            if self.lexemes[number].keyword:
                return number
        return 0

    @cached_property
    def statement(self) -> str:
        """The keyword of the statement that is being read."""
        lexeme = self.lexemes[self.head] if self.lexemes else None
        return lexeme.text if lexeme is not None and lexeme.keyword else ""

    @cached_property
    def read(self) -> list[Lexeme]:
        """What was read of the statement, on its outermost level of brackets."""
        level: list[list[Lexeme]] = [[]]
        for lexeme in self.lexemes[self.head : self.place]:
            if lexeme.text in "([{" and lexeme.kind == "symbol":
                level.append([lexeme])
            elif lexeme.text in ")]}" and lexeme.kind == "symbol" and len(level) > 1:
                level.pop()
            else:
                level[-1].append(lexeme)
        return level[-1]

    @cached_property
    def bracket(self) -> str:
        """The innermost bracket that is open here, or nothing."""
        first = self.read[0].text if self.read else ""
        return first if first in ("(", "[", "{") else ""

    @cached_property
    def choice(self) -> Lexeme | None:
        """The `if` that is not finished on this level of brackets."""
        open_: list[Lexeme] = []
        for lexeme in self.read:
            if lexeme.text == "if":
                open_.append(lexeme)
            elif lexeme.text == "else" and open_:
                open_.pop()
        return open_[-1] if open_ else None

    @cached_property
    def begins_statement(self) -> bool:
        """Whether the word is meant to begin a statement of its own."""
        word = self.word
        if word is None or not self.complete or word.kind not in ("word", "number", "string"):
            return False
        if word.text in ("then", "else", "and", "or", "in") or word.text in SOFT:
            return False
        return self.before is None or word.first or self.meant is not None

    @cached_property
    def meant(self) -> str | None:
        """The keyword that a misspelt one most likely stands for."""
        word, after = self.word, self.after
        if word is None or after is None or word.kind != "word":
            return None
        if after.kind == "symbol" and after.text != "{":
            return None
        lower = word.text.lower()
        if lower in _SYNONYMS:
            return _SYNONYMS[lower]
        near = difflib.get_close_matches(lower, STATEMENTS, n=1, cutoff=0.75)
        return near[0] if near else None

    @cached_property
    def found(self) -> str:
        """The word as messages quote it; empty where the statement just ends."""
        if self.word is None or (self.word.first and (self.word.keyword or self.word.text == "}")):
            return ""
        text = self.word.text
        return text if len(text) <= 40 else text[:37] + "..."

    @cached_property
    def span(self) -> Span:
        """The word's place, or the end of what was read when nothing more comes there."""
        if self.word is not None and self.found:
            return Span(self.source, self.word.start, self.word.stop)
        if self.before is None:
            return Span(self.source, 0, 0)
        return Span(self.source, self.before.stop, self.before.stop)

    def at(self, lexeme: Lexeme) -> Span:
        """The place of a lexeme."""
        return Span(self.source, lexeme.start, lexeme.stop)
