"""Several independent syntax errors in one run.

A statement with an error is reported once and blanked out, so that every character behind it keeps
its place, and the rest is parsed again. Consequences of an error vanish with its statement. What reads
by itself, and has no neighbour that does not, is blanked out from the beginning, so that the number of
errors times the length of the text is never paid.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import Protocol

from allocc.dsl.diagnostics import Collector, Diagnostic, in_order
from allocc.dsl.fragments import blank, pieces
from allocc.dsl.scanner import Lexeme, Scan, scan
from allocc.dsl.syntax_help.explanation import explain
from allocc.dsl.syntax_help.stop import Stop
from allocc.dsl.tree import Source, Statement

_MOST = 25
# Every error costs another reading, so a huge text gets fewer of them.
_MOST_OF_HUGE, _HUGE = 3, 200_000
_BRACED = ("intervention", "chance", "policy", "fit", "minimize", "maximize", "set")


class _Page:
    """The text of a source, from which faulty statements are blanked out."""

    def __init__(self, source: Source) -> None:
        self.scan: Scan = scan(source, source.text)
        self.text = source.text
        self.gone = bytearray(len(source.text) + 1)
        self.starts = [lexeme.start for lexeme in self.scan.lexemes]

    def place(self, position: int) -> int:
        """Number of the lexeme at a position, or of the next one."""
        return bisect_left(self.starts, position)

    def erased(self, position: int) -> bool:
        """Whether an earlier error took this place already."""
        return bool(self.gone[position])

    def leave(self, stretches: list[tuple[int, int]]) -> None:
        """Blank out whole statements that need not be read again."""
        parts, done = [], 0
        for start, stop in stretches:
            self.gone[start:stop] = bytes([1]) * (stop - start)
            parts += [self.text[done:start], blank(self.text[start:stop])]
            done = stop
        self.text = "".join([*parts, self.text[done:]])

    def erase(self, start: int, stop: int) -> None:
        """Blank out a stretch, together with the far ends of the brackets in it."""
        characters = list(self.text)
        for lexeme in self.scan.lexemes[self.place(start) : self.place(stop)]:
            far = self.scan.partner.get(lexeme.start)
            if far is not None and far >= stop:
                characters[far] = " "
                self.gone[far] = 1
        for place in range(start, min(stop, len(characters))):
            self.gone[place] = 1
            if characters[place] not in "\r\n":
                characters[place] = " "
        self.text = "".join(characters)

    def erase_statement(self, first: int, error: int, upto: bool = False) -> None:
        """Blank out from lexeme `first` to the statement after `error`, or just up to `error`."""
        start, end = self._statement(first, error, upto)
        wrong = self.scan.lexemes[error - 1 : error]
        if not upto and wrong and wrong[0].start >= end and (wrong[0].text != "}" or start >= end):
            # The statement ended before the error, which therefore stands alone.
            start, end = self._statement(error - 1, error, upto)
        self.erase(start, max(end, start + 1))

    def _statement(self, first: int, error: int, upto: bool) -> tuple[int, int]:
        lexemes = self.scan.lexemes
        start = lexemes[first].start if first < len(lexemes) else len(self.text)
        end = len(self.text)
        for number in range(first, len(lexemes)):
            lexeme = lexemes[number]
            begins = number > first and number >= error and lexeme.keyword and lexeme.first
            begins = begins or (upto and number == error)
            opener = self.scan.partner.get(lexeme.start, start)
            if begins or (lexeme.text == "}" and opener < start):
                end = lexeme.start
                break
        return start, end

    def head(self, place: int) -> int:
        """Number of the keyword lexeme that governs lexeme `place`."""
        first = place
        for number in range(min(place, len(self.starts) - 1), -1, -1):
            lexeme = self.scan.lexemes[number]
            if self.erased(lexeme.start) and number < place:
                break
            if lexeme.keyword:
                return number
            first = number
        return first


class TextReader(Protocol):
    """What is asked of a parser here; see `allocc.dsl.reading.parser`."""

    def attempt(self, source: Source, text: str) -> tuple[tuple[Statement, ...], list[Diagnostic]]:
        """The statements of a text and what is wrong with them; `lark` raises if it cannot be read."""

    def alone(self, text: str) -> tuple[Statement, ...] | None:
        """The statements of a text that reads without any mistake, else None."""

    def stop(self, text: str) -> tuple[int | None, frozenset[str]]:
        """Where a text cannot be read on, and the terminals that could follow."""


def diagnose(source: Source, parser: TextReader) -> list[Diagnostic]:
    """Every independent error of a text that does not parse, in the order of the text."""
    from lark.exceptions import UnexpectedInput

    page = _Page(source)
    page.leave(_right(source.text, parser))
    found = Collector()
    most = _MOST if len(source.text) < _HUGE else _MOST_OF_HUGE
    for fault in page.scan.faults[:most]:
        _note(page, found, fault)
    if len(page.scan.faults) > most:
        # Not a model at all: each further mistake would cost another look at the whole text.
        return in_order(found.diagnostics)
    spared = []
    for fault, lexeme in page.scan.brackets[: 4 * most]:
        if lexeme.text == "}" and _without_brace(page, lexeme):
            spared.append(fault)
            page.erase(lexeme.start, lexeme.stop)
        elif lexeme.text == "}" and fault.code == "E1009":
            found.add(fault)
            page.erase(lexeme.start, lexeme.stop)
        elif not page.erased(lexeme.start):
            _note(page, found, fault)
    while len(found.diagnostics) < most:
        try:
            found.diagnostics += parser.attempt(source, page.text)[1]
            break
        except UnexpectedInput:
            text = page.text
            _explain(page, found, parser)
            if page.text == text:
                break
    return in_order(found.diagnostics or spared)[:_MOST]


def _right(text: str, parser: TextReader) -> list[tuple[int, int]]:
    """The pieces of a text that are right, as are those before and after them."""
    cut = pieces(text)
    right = [parser.alone(text[start:stop]) is not None for start, stop in cut]
    around = zip(right, [True, *right], [*right[1:], True], strict=False)
    return [piece for piece, near in zip(cut, around, strict=True) if all(near)]


def _note(page: _Page, found: Collector, fault: Diagnostic) -> None:
    assert fault.span is not None
    found.add(fault)
    place = page.place(fault.span.start)
    if page.erased(fault.span.start):
        return
    page.erase_statement(page.head(place), place + 1)


def _without_brace(page: _Page, lexeme: Lexeme) -> bool:
    """Whether a stray `}` is explained by a block that lacks its `{`."""
    lexemes = page.scan.lexemes
    for number in range(page.place(lexeme.start), -1, -1):
        if lexemes[number].keyword and lexemes[number].text in _BRACED:
            for later in lexemes[number + 1 :]:
                if later.text == "{":
                    return False
                if later.keyword or later is lexeme:
                    break
            return True
    return False


def _swallowed(page: _Page, lexemes: list[Lexeme], place: int) -> bool:
    """Whether the word before was read as a value, but is a misspelt keyword."""
    if not 1 < place < len(lexemes) or not lexemes[place - 1].first:
        return False
    asked = lexemes[place - 2].text in ("=", "+", "-", "*", "/", "^", "<=", ">=", "==", "and", "or")
    word = Stop(page.scan.source, lexemes, place - 1, frozenset())
    return asked and lexemes[place].kind == "word" and word.meant is not None


def _explain(page: _Page, found: Collector, parser: TextReader) -> None:
    position, accepts = parser.stop(page.text)
    lexemes = [x for x in page.scan.lexemes if not page.erased(x.start)]
    starts = [lexeme.start for lexeme in lexemes]
    local = len(lexemes) if position is None else bisect_left(starts, position)
    place = page.place(position) if position is not None else len(page.starts)
    if _swallowed(page, lexemes, local):
        # `4 +` and a misspelt keyword on the next line: the value is missing, the word comes next.
        due = frozenset({"NAME", "NUMBER", "LPAR", "MINUS"})
        lexemes[local - 1] = replace(lexemes[local - 1], keyword=True)
        found.add(explain(Stop(page.scan.source, lexemes, local - 1, due)))
        place = page.place(lexemes[local - 1].start)
        page.erase_statement(page.head(place - 1), place, upto=True)
        return
    stop = Stop(page.scan.source, lexemes, local, accepts)
    found.add(explain(stop))
    unfinished = stop.word is not None and stop.word.keyword and not stop.complete
    if stop.begins_statement:
        page.erase_statement(place, place + 1)
    elif unfinished and stop.word is not None and stop.word.first:
        page.erase_statement(page.head(place - 1), place, upto=True)
    else:
        page.erase_statement(page.head(place - 1) if place else place, place + 1)
