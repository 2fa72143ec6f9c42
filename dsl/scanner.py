"""A second, lenient reading of a text that did not parse: words, brackets, and foreign signs.

The parser stops at the first thing it cannot place. This scanner never stops; it tells where
statements begin, which brackets belong together, and which characters no model can contain.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace

from allocc.dsl import errors
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Source, Span
from allocc.dsl.words import RESERVED, STATEMENTS, ends_block

# The empty word is a statement whose keyword is misspelt.
_BLOCKS = ("intervention", "chance", "fit", "")

_PATTERN = re.compile(
    r"""(?P<blank>[ \t\r\n\f]+|\#[^\r\n]*)
  | (?P<string>"(?:[^"\\\r\n]|\\[^\r\n])*")
  | (?P<unfinished>"[^\r\n]*)
  | (?P<curly>[“”„«»‘’‚][^“”„«»‘’‚"\r\n]*[“”„«»‘’‚"]?)
  | (?P<single>'[^'\r\n]*'?)
  | (?P<half>(?<![\w.)\]])\.[0-9]+)
  | (?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?%?)(?P<dot>\.(?![.0-9A-Za-z_]))?
  | (?P<word>[^\W\d]\w*)
  | (?P<comment>//[^\r\n]*|/\*)
  | (?P<foreign>:=|===|=<|=>|<>|!==|\*\*|&&?|\|\|?|!(?!=)|;|[≤≥≠≈−–—×·÷→←…²³√∑])
  | (?P<symbol>\.\.|->|\+=|\*=|<=|>=|==|!=|[-+*/^=~<>,:.()\[\]{}])
  | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)

_OPERATORS = {
    ":=": "'='",
    "===": "'=='",
    "=<": "'<='",
    "=>": "'>='",
    "<>": "'!='",
    "!==": "'!='",
    "**": "'^' for a power",
    "&": "'and'",
    "&&": "'and'",
    "|": "'or'",
    "||": "'or'",
    "!": "'not'",
    "≤": "'<='",
    "≥": "'>='",
    "≠": "'!='",
    "≈": "'=='",
    "−": "'-'",
    "–": "'-'",
    "—": "'-'",
    "×": "'*'",
    "·": "'*'",
    "÷": "'/'",
    "→": "'->'",
    "←": "'='",
    "…": "'..'",
    "²": "'^2'",
    "³": "'^3'",
    "√": "'sqrt(...)'",
    "∑": "'sum(i in SET: ...)'",
}
#: After so many faults a text is not read on.
ENOUGH = 1000
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word, number, text or sign; `first` when it is the first on its line."""

    kind: str
    text: str
    start: int
    stop: int
    first: bool
    keyword: bool = False


@dataclass(slots=True)
class Scan:
    """What the scanner found: lexemes, faults with their places, and pairs of brackets."""

    source: Source
    lexemes: list[Lexeme] = field(default_factory=list)
    faults: list[Diagnostic] = field(default_factory=list)
    brackets: list[tuple[Diagnostic, Lexeme]] = field(default_factory=list)
    partner: dict[int, int] = field(default_factory=dict)

    def span(self, start: int, stop: int) -> Span:
        """A span of the scanned source."""
        return Span(self.source, start, stop)


def scan(source: Source, text: str) -> Scan:
    """Read `text`, a version of the source's text with the same length."""
    result = Scan(source)
    line_of_last, line = -1, 0
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        assert match is not None and match.lastgroup is not None
        kind = "number" if match["number"] is not None else match.lastgroup
        word = match[0]
        position = match.end()
        if kind == "blank":
            line += word.count("\n")
            continue
        first, line_of_last = line != line_of_last, line
        fault = _fault(result, kind, match)
        if fault is not None:
            result.faults.append(fault)
            kind = "fault"
            if len(result.faults) > ENOUGH:
                break
        result.lexemes.append(Lexeme(kind, word, match.start(), position, first))
    _mark_statements(result.lexemes)
    _pair(result)
    return result


def _mark_statements(lexemes: list[Lexeme]) -> None:
    """Tell the words that begin statements from those that only look so, as `county.unit`."""
    statement = ""
    for place, lexeme in enumerate(lexemes):
        if lexeme.kind != "word" or lexeme.text not in STATEMENTS:
            continue
        before = lexemes[place - 1].text if place else ""
        after = lexemes[place + 1] if place + 1 < len(lexemes) else None
        named = after is None or after.kind != "symbol" or after.text in ("{", "=", "[", "(")
        if after is not None and after.text == ":":
            # Either a statement without its name, or a term of an objective with a bad one.
            named = lexeme.first and statement not in ("minimize", "maximize")
        if before != "." and named:
            lexemes[place] = replace(lexeme, keyword=True)
            statement = lexeme.text


def _fault(result: Scan, kind: str, match: re.Match[str]) -> Diagnostic | None:
    span = result.span(match.start(), match.end())
    word = match[0]
    if kind == "number":
        return errors.number_form(span, f"{word}0") if match["dot"] else None
    if kind == "unfinished":
        return errors.unfinished_string(span)
    if kind in ("curly", "single"):
        return errors.wrong_quotes(span)
    if kind == "comment":
        return errors.foreign_character(span, f"'{word[:2]}'", "a comment begins with '#'")
    if kind == "foreign":
        if word == ";":
            hint = "statements end without a sign; remove it"
            return errors.foreign_character(span, "';'", hint)
        return errors.foreign_operator(span, _OPERATORS[word])
    if kind == "word" and not word.isascii():
        hint = "names are written with the letters a to z, digits and '_'"
        return errors.foreign_character(span, f"the name '{word}'", hint)
    if kind == "other":
        return errors.foreign_character(span, *_described(word))
    return errors.number_form(span, f"0{word}") if kind == "half" else None


def _described(character: str) -> tuple[str, str | None]:
    if character == "\0":
        return "a NUL character", "the file may be damaged, or saved as UTF-16; save it as UTF-8"
    if unicodedata.category(character) == "Zs":
        return "a special space", "replace it by an ordinary space"
    if unicodedata.category(character) in ("Cc", "Cf"):
        return f"the invisible character U+{ord(character):04X}", "remove it"
    if character == "%":
        return "'%'", "a percentage is written without a space, as '5%'"
    return f"'{character}'", None


def _pair(result: Scan) -> None:
    """Match brackets; an opener that is still open where a statement begins has no partner."""
    open_: list[tuple[Lexeme, str]] = []
    statement = ""
    for place, lexeme in enumerate(result.lexemes):
        if lexeme.keyword:
            if lexeme.first:
                _close(result, open_, lexeme.text)
            statement = lexeme.text
        elif _misspelt(result.lexemes, place) and (not open_ or open_[-1][1] in _BLOCKS):
            statement = ""
        if lexeme.kind != "symbol":
            continue
        if lexeme.text in _CLOSERS:
            if lexeme.text == "{" and statement in _BLOCKS:
                while open_ and open_[-1][0].text != "{":
                    _unclosed(result, open_.pop()[0])
            open_.append((lexeme, statement))
        elif lexeme.text in _CLOSERS.values():
            _closer(result, open_, lexeme)
    for opener, _ in open_:
        _unclosed(result, opener)


def _misspelt(lexemes: list[Lexeme], place: int) -> bool:
    """Whether a line begins as a statement does, but with no keyword."""
    word, after = lexemes[place], lexemes[place + 1 : place + 2]
    if not word.first or word.kind != "word" or word.text in RESERVED or not after:
        return False
    return after[0].kind in ("word", "string") or after[0].text == "{"


def _unclosed(result: Scan, opener: Lexeme) -> None:
    span = result.span(opener.start, opener.stop)
    result.brackets.append((errors.never_closed(span, _CLOSERS[opener.text]), opener))


def _close(result: Scan, open_: list[tuple[Lexeme, str]], keyword: str) -> None:
    """Give up on the openers that cannot reach over the beginning of a statement."""
    for place, (opener, statement) in enumerate(open_):
        block = opener.text == "{" and statement in _BLOCKS
        if not block or ends_block(statement, keyword):
            for lost, _ in open_[place:]:
                _unclosed(result, lost)
            del open_[place:]
            return


def _closer(result: Scan, open_: list[tuple[Lexeme, str]], lexeme: Lexeme) -> None:
    span = result.span(lexeme.start, lexeme.stop)
    kinds = [_CLOSERS[opener.text] for opener, _ in open_]
    if lexeme.text not in kinds:
        if open_ and lexeme.text != "}" and open_[-1][0].text != "{":
            opener = open_.pop()[0]
            result.partner[opener.start] = lexeme.start
            at = result.span(opener.start, opener.stop)
            wrong = errors.wrong_closer(span, at, _CLOSERS[opener.text])
            result.brackets.append((wrong, lexeme))
        else:
            result.brackets.append((errors.never_opened(span), lexeme))
        return
    while _CLOSERS[open_[-1][0].text] != lexeme.text:
        _unclosed(result, open_.pop()[0])
    opener = open_.pop()[0]
    result.partner[opener.start] = lexeme.start
    result.partner[lexeme.start] = opener.start
