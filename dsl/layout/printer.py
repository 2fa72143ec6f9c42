"""A small document printer: text that knows where it may be broken, laid out within a width.

After Wadler, "A prettier printer" (2003): a group stands on one line where it fits, and is broken at
its own lines, not yet at those of the groups in it, where it does not. A `Fill` breaks only at those
of its lines before which the next part does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
#: Blanks between the end of a line and the comment after it.
BEFORE_COMMENT = "   "


@dataclass(frozen=True, slots=True)
class Line:
    """A place for a line break; `flat` stands there when the line is not broken."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment. What follows it begins a new line; one of its `own` begins one, too."""

    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Nest:
    """A document whose broken lines are indented by two more."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class DocumentGroup:
    """A document that is broken at all of its own lines, or at none."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class Fill:
    """Parts with lines before them, each broken only where the part does not fit; from `start` on."""

    parts: tuple[tuple[Line, Doc], ...]
    start: int = 0


Doc = str | Line | Remark | Nest | DocumentGroup | Fill | tuple["Doc", ...]


def fill(parts: Sequence[Doc], flat: str = " ") -> Doc:
    """Parts one after the other, as many on a line as fit."""
    return (parts[0], Fill(tuple((Line(flat), part) for part in parts[1:])))


def flat(doc: Doc) -> str | None:
    """The document on one line; None where a comment stands in it."""
    pieces: list[str] = []
    waiting = [doc]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif isinstance(node, Line):
            pieces.append(node.flat)
        elif isinstance(node, Remark):
            return None
        else:
            waiting.extend(reversed(_inner(node)))
    return "".join(pieces)


def _inner(node: Nest | DocumentGroup | Fill | tuple[Doc, ...]) -> tuple[Doc, ...]:
    if isinstance(node, tuple):
        return node
    if isinstance(node, Fill):
        return tuple(part for pair in node.parts[node.start :] for part in pair)
    return (node.inner,)


def render(doc: Doc, indent: int = 0, column: int = 0) -> str:
    """Lay a document out from `column` on; its further lines begin at `indent`, or deeper."""
    page = _Sheet(column)
    # What is still to be written, the next at the end: indentation, whether broken, document.
    waiting: list[tuple[int, bool, Doc]] = [(indent, True, doc)]
    while waiting:
        depth, broken, node = waiting.pop()
        if isinstance(node, str):
            page.write(node, depth)
        elif isinstance(node, Remark):
            page.remark(node, depth)
        elif isinstance(node, Line):
            if broken:
                page.new_line(depth)
            else:
                page.write(node.flat, depth)
        elif isinstance(node, tuple):
            waiting.extend((depth, broken, part) for part in reversed(node))
        elif isinstance(node, Nest):
            waiting.append((depth + 2, broken, node.inner))
        elif isinstance(node, DocumentGroup):
            whole = not broken or _fits(page.room, node.inner, waiting)
            waiting.append((depth, not whole, node.inner))
        elif node.start < len(node.parts):
            line, part = node.parts[node.start]
            waiting.append((depth, broken, Fill(node.parts, node.start + 1)))
            together = not broken or _fits(page.room, (line, part), waiting)
            waiting.append((depth, not together, part))
            waiting.append((depth, not together, line))
    return page.text()


class _Sheet:
    """The lines that are written so far."""

    def __init__(self, column: int) -> None:
        self.pieces: list[str] = []
        self.column = column
        self.blank = column == 0
        self.ended = False

    @property
    def room(self) -> int:
        """Characters that still fit on the line."""
        return 0 if self.ended else WIDTH - self.column

    def new_line(self, depth: int) -> None:
        self.pieces.append("\n" + " " * depth)
        self.column, self.blank, self.ended = depth, True, False

    def write(self, text: str, depth: int) -> None:
        if self.ended:
            self.new_line(depth)
        if self.blank:
            text = text.lstrip(" ")
        if text:
            self.pieces.append(text)
            self.column += len(text)
            self.blank = False

    def remark(self, remark: Remark, depth: int) -> None:
        if self.ended or (remark.own and not self.blank):
            self.new_line(depth)
        gap = "" if self.blank else BEFORE_COMMENT
        self.pieces.append(gap + remark.text)
        self.blank, self.ended = False, True

    def text(self) -> str:
        return "\n".join(line.rstrip(" ") for line in "".join(self.pieces).split("\n"))


def _fits(room: int, doc: Doc, rest: Sequence[tuple[int, bool, Doc]]) -> bool:
    """Whether `doc` fits on the line, with what follows it up to the next line that is broken."""
    later = len(rest)
    waiting: list[tuple[bool, Doc]] = [(False, doc)]
    inside = 1  # how many of `waiting` belong to `doc`
    while True:
        if not waiting:
            if not later:
                return True
            later -= 1
            waiting.append((rest[later][1], rest[later][2]))
        broken, node = waiting.pop()
        own, inside = inside > 0, inside - 1
        if isinstance(node, str):
            room -= len(node)
        elif isinstance(node, Line):
            if broken:
                return True
            room -= len(node.flat)
        elif isinstance(node, Remark):
            # A comment at the very end of the document takes no room from it.
            return not own or (inside == 0 and not node.own)
        elif isinstance(node, Fill) and broken and node.start < len(node.parts):
            return True
        else:
            # A group or a fill that comes later may be broken on its own.
            parts = _inner(node)
            waiting.extend((broken, part) for part in reversed(parts))
            inside += len(parts) if own else 0
        if room < 0:
            return False
