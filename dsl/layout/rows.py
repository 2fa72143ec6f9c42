"""Rows of statements in columns: where cells start, which rows stand apart, which are broken.

Like statements on following lines form a run. A cell starts where the longest of the cells before it
ends; a cell whose next ones are left out reaches into their columns. A row whose name is far longer
than the others' stands apart. Where a row would push another one over the end of the line, new
columns begin.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from allocc.dsl.layout.comments import OwnLine
from allocc.dsl.layout.printer import BEFORE_COMMENT, WIDTH, render
from allocc.dsl.layout.statements import StatementLayout

#: A few names that are longer than all others by more than this stand apart.
FAR = 12
#: So far columns may push what has room within the width.
FURTHER = WIDTH + 12
BETWEEN_STATEMENTS = 4

# Short keywords on following lines are filled up to one length; long ones are left as they are.
_PADDED = ("set", "let", "param", "decide", "effect", "limit", "prefer")

_Place = tuple[int, int]


@dataclass(slots=True)
class Row:
    """Statements that stand on one line where they fit, with what stands around them."""

    statements: list[StatementLayout]
    before: list[OwnLine]
    blank: bool
    after: list[str] = field(default_factory=list)
    pad: int = 0

    @property
    def lead(self) -> str:
        """The first keyword, filled up."""
        keyword = self.statements[0].keyword
        return keyword.ljust(self.pad) if isinstance(keyword, str) else ""

    def cells(self) -> list[tuple[_Place, str, int]] | None:
        """Cells with their places and the blanks before them; None where a comment is inside."""
        found: list[tuple[_Place, str, int]] = []
        for number, statement in enumerate(self.statements):
            cells = statement.cells()
            if cells is None:
                return None
            if number:
                found.append(((number, -1), str(statement.keyword), BETWEEN_STATEMENTS))
            found += [((number, column), text, 1) for column, text in cells]
        return found

    def alike(self) -> list[str | None]:
        """What kinds of statements stand in the row."""
        return [s.alike for s in self.statements]


def with_comments(text: str, comments: Sequence[str], column: int = 0) -> str:
    """A text with comments behind its last line, one below the other, in a column or further."""
    last = text[text.rfind("\n") + 1 :]
    place = max(column, len(last)) + len(BEFORE_COMMENT)
    for number, comment in enumerate(comments):
        text += f"\n{' ' * place}{comment}" if number else f"{' ' * (place - len(last))}{comment}"
    return text


def layout(rows: Sequence[Row], indent: int) -> Iterator[str]:
    """The lines of a paragraph: rows without empty lines or comments between them."""
    shorts = [s.keyword for row in rows for s in row.statements if s.keyword in _PADDED]
    pad = max((len(str(keyword)) for keyword in shorts), default=0)
    single: list[Row] = []
    for row in rows:
        if row.statements[0].keyword in _PADDED:
            row.pad = pad
        single += _split(row, indent, pad)
    for _, run in groupby(single, _Runs()):
        rest = list(run)
        while rest:
            columns = _longest(rest, indent)
            yield from columns.lines()
            rest = rest[len(columns.rows) :]


def _longest(rows: Sequence[Row], indent: int) -> _Run:
    """The first of the rows, as many as have room in the same columns."""
    whole = _Run(rows, indent)
    if not whole.too_long:
        return whole
    count = bisect(range(2, len(rows)), False, key=lambda n: _Run(rows[:n], indent).too_long)
    return _Run(rows[: count + 1], indent)


def _split(row: Row, indent: int, pad: int) -> list[Row]:
    """The row, or where it is too long for a line, a row for each of its statements."""
    if len(row.statements) == 1:
        return [row]
    cells = row.cells()
    if cells is not None and _natural(row, cells, indent) <= WIDTH:
        return [row]
    rows = [Row([s], [], False, pad=pad if s.keyword in _PADDED else 0) for s in row.statements]
    rows[0].before, rows[0].blank, rows[-1].after = row.before, row.blank, row.after
    return rows


class _Runs:
    """A number for each row; rows that follow each other and have the same form a run."""

    def __init__(self) -> None:
        self.number = 0
        self.last: list[str | None] = []

    def __call__(self, row: Row) -> int:
        alike = row.alike()
        shared = min(len(alike), len(self.last))
        if (
            None in alike
            or row.cells() is None
            or alike[:shared] != self.last[:shared]
            or not shared
        ):
            self.number += 1
            self.last = alike if row.cells() is not None else []
        elif len(alike) > len(self.last):
            self.last = alike
        return self.number


def _start(row: Row, indent: int) -> int:
    """Where the first cell begins."""
    return indent + (len(row.lead) + 1 if row.lead else 0)


def _natural(row: Row, cells: Sequence[tuple[_Place, str, int]], indent: int) -> int:
    """The length of the row without columns."""
    end = _start(row, indent) - 1
    for _, text, gap in cells:
        end += gap + len(text)
    return end


class _Run:
    """Like rows on their way to columns."""

    def __init__(self, rows: Sequence[Row], indent: int) -> None:
        self.rows = rows
        self.indent = indent
        found = [row.cells() for row in rows]
        self.commented = [cells is None for cells in found]
        self.fits = [
            cells is not None and _natural(row, cells, indent) <= WIDTH
            for row, cells in zip(rows, found, strict=True)
        ]
        # What stands on the first line, also where the row is broken.
        self.cells = [
            (cells or []) if fits else self._head(row, cells or [])
            for row, cells, fits in zip(rows, found, self.fits, strict=True)
        ]
        heads = [_natural(row, cells, indent) for row, cells in zip(rows, self.cells, strict=True)]
        self.alone = [bad or head > WIDTH for bad, head in zip(self.commented, heads, strict=True)]
        self.apart = [*self.alone] if any(self.fits) else [True] * len(rows)
        for row in self._far():
            self.apart[row] = True
        self.starts = self._positions()

    @property
    def too_long(self) -> bool:
        """Whether columns make something too long for a line that need not be."""
        return any(
            at and not apart and at[-1] + len(cells[-1][1]) > FURTHER
            for cells, at, apart in zip(self.cells, self.starts, self.apart, strict=True)
        )

    def _head(
        self, row: Row, cells: list[tuple[_Place, str, int]]
    ) -> list[tuple[_Place, str, int]]:
        statement = row.statements[0]
        if statement.tail is None or not cells:
            return cells
        sign = statement.sign if isinstance(statement.sign, str) else ""
        return [*cells[:-1], *([(cells[-1][0], sign, 1)] if sign else [])]

    def _far(self) -> list[int]:
        """The rows whose names, with their indices, are far longer than the others'."""
        names = sorted(
            (len(cells[0][1]), row)
            for row, cells in enumerate(self.cells)
            if len(cells) > 1 and not self.apart[row]
        )
        for place in range(len(names) - 1, 0, -1):
            gap = names[place][0] - names[place - 1][0]
            few = 2 * (len(names) - place) < len(names)
            if (few and gap > FAR) or gap > 2 * FAR:
                return [row for _, row in names[place:]]
        return []

    def _positions(self) -> list[list[int]]:
        """Where every cell of every row starts."""
        ends = [_start(row, self.indent) - 1 for row in self.rows]
        starts: list[list[int]] = [[] for _ in self.rows]
        for place in sorted({place for cells in self.cells for place, _, _ in cells}):
            having = [
                (number, cells[len(starts[number])])
                for number, cells in enumerate(self.cells)
                if len(starts[number]) < len(cells) and cells[len(starts[number])][0] == place
            ]
            column = max((ends[n] + cell[2] for n, cell in having if not self.apart[n]), default=0)
            for number, (_, text, gap) in having:
                start = ends[number] + gap if self.apart[number] else column
                starts[number].append(start)
                ends[number] = start + len(text)
        return starts

    def lines(self) -> Iterator[str]:
        """The rows as text, each with its comments."""
        texts: list[str] = []
        for number, row in enumerate(self.rows):
            if self.alone[number]:
                texts.append(self._alone(row))
                continue
            text = " " * self.indent + row.lead
            for (_, words, _), start in zip(self.cells[number], self.starts[number], strict=True):
                text = text.ljust(start) + words
            if not self.fits[number]:
                broken = row.statements[0].broken(text.lstrip(" "))
                text = " " * self.indent + render(broken, self.indent, self.indent)
            texts.append(text)
        yield from self._with_comments(texts)

    def _alone(self, row: Row) -> str:
        statement = row.statements[0]
        return " " * self.indent + render(statement.broken(), self.indent, self.indent)

    def _with_comments(self, texts: list[str]) -> Iterator[str]:
        """Comments behind the rows, in one column."""
        ends = [
            len(text)
            for text, row in zip(texts, self.rows, strict=True)
            if row.after and "\n" not in text
        ]
        column = max(ends, default=0)
        for text, row in zip(texts, self.rows, strict=True):
            yield with_comments(text, row.after, 0 if "\n" in text else column)
