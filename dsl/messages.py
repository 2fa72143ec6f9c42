"""Turns diagnostics into text for a terminal, or into plain data for a program."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from allocc.dsl.diagnostics import DataPlace, Diagnostic
from allocc.dsl.escapes import message, one_line
from allocc.dsl.tree import Span

#: Columns that a source line may take, unless told otherwise; and those of its number.
WIDTH = 100
GUTTER = 8
#: So many diagnostics are shown; nobody reads more, and a broken file can have thousands.
_MOST = 50
_TAB = "    "
_STYLES = {"error": "1;31", "warning": "1;33", "place": "36", "help": "1;32", "bold": "1"}


def render(diagnostics: Iterable[Diagnostic], color: bool = False, width: int = WIDTH) -> str:
    """All diagnostics as a terminal shows them, with their source lines and a closing count.

    A source line takes at most `width` columns beside its number, so that the marks below it stay
    in their places.
    """
    shown = list(diagnostics)
    blocks = [_block(diagnostic, color, width) for diagnostic in shown[:_MOST]]
    if len(shown) > _MOST:
        blocks.append(f"... and {len(shown) - _MOST:,} more")
    if len(shown) > 1:
        blocks.append(_count(shown))
    return "\n\n".join(blocks)


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data; lines and columns count from 1, the end is exclusive."""
    place = _place(diagnostic.span)
    data = diagnostic.data
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": message(diagnostic.message),
        "hint": None if diagnostic.hint is None else message(diagnostic.hint),
        **place,
        "data": None
        if data is None
        else {"file": data.file, "row": data.row, "column": data.column},
        "notes": [
            {"message": message(note.message), **_place(note.span)} for note in diagnostic.notes
        ],
    }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None or not _somewhere(span):
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    end = Span(span.source, span.stop, span.stop)
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": end.line,
        "end_column": end.column,
    }


def _somewhere(span: Span) -> bool:
    return bool(span.source.name or span.source.text)


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color else text


def _block(diagnostic: Diagnostic, color: bool, width: int) -> str:
    head = _paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity, color)
    lines = [f"{head}: {_paint(message(diagnostic.message), 'bold', color)}"]
    if diagnostic.span is not None:
        lines += _excerpt(diagnostic.span, diagnostic.severity, color, width)
    if diagnostic.data is not None:
        lines.append(f" {_paint('-->', 'place', color)} {_data(diagnostic.data)}")
    for note in diagnostic.notes:
        lines.append(f"  = note: {message(note.message)}")
        if note.span is not None:
            lines += _excerpt(note.span, "place", color, width)
    if diagnostic.hint:
        lines.append(f"  = {_paint('help', 'help', color)}: {message(diagnostic.hint)}")
    return "\n".join(lines)


def _data(place: DataPlace) -> str:
    row = "" if place.row is None else f", row {place.row}"
    column = "" if place.column is None else f", column '{place.column}'"
    return message(f"{place.file}{row}{column}")


def _excerpt(span: Span, style: str, color: bool, width: int) -> list[str]:
    """The place, the line it is in, and carets under its words."""
    if not _somewhere(span):
        return []
    number, column = span.line, span.column
    lines = [f" {_paint('-->', 'place', color)} {message(span.source.name)}:{number}:{column}"]
    begin = span.start - (column - 1)
    end = span.source.text.find("\n", begin)
    line = span.source.text[begin : end if end >= 0 else None].rstrip("\r")
    # A span over several lines is underlined on the first only.
    stop = min(max(span.stop - begin, column - 1), max(len(line.rstrip()), column))
    # Only what can be shown of a very long line is looked at.
    before = _display(line[: column - 1][-2 * width :])
    words = _display(line[column - 1 : min(stop, column - 1 + 2 * width)])
    text, left, carets = _window(before, words, _display(line[stop : stop + 2 * width]), width)
    gutter = " " * len(str(number))
    lines.append(f"{_paint(f'{number} |', 'place', color)} {text}".rstrip())
    mark = _paint("^" * max(1, carets), style, color)
    lines.append(f"{_paint(f'{gutter} |', 'place', color)} {' ' * left}{mark}")
    return lines


def _window(before: str, words: str, after: str, width: int) -> tuple[str, int, int]:
    """A part of a long line around its marked words, with their offset and width."""
    dots = "..."
    if _columns(before) + _columns(words) + _columns(after) > width:
        if _columns(words) > width // 2:
            words = _cut(words, width // 2 - len(dots)) + dots
        room = width - _columns(words)
        keep = max(room // 2, room - _columns(after))
        if _columns(before) > keep:
            before = dots + _cut(before[::-1], keep - len(dots))[::-1]
        rest = width - _columns(words) - _columns(before)
        if _columns(after) > rest:
            after = _cut(after, rest - len(dots)) + dots
    return before + words + after, _columns(before), _columns(words)


def _cut(text: str, width: int) -> str:
    """The longest beginning of `text` that fits."""
    used = 0
    for place, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[:place]
    return text


def _display(text: str) -> str:
    """Text as it is shown: tabs as spaces, what cannot be seen as a mark."""
    return one_line(text.replace("\t", _TAB))


def _columns(text: str) -> int:
    """Columns that a terminal needs for `text`."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def _count(diagnostics: list[Diagnostic]) -> str:
    parts = []
    for severity in ("error", "warning"):
        number = sum(1 for d in diagnostics if d.severity == severity)
        if number:
            parts.append(f"{number} {severity}{'s' if number > 1 else ''}")
    return ", ".join(parts)
