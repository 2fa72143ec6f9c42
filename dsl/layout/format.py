"""The one layout of a model: `format_source` changes blanks and line breaks, and nothing else.

Words and comments stay as they are and in their order, so that the model says the same. One empty
line stays where the author put some. Statements, and a block with a single one in it, that the
author wrote on one line stay on one where they fit; everything else is laid out by rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from allocc.dsl.layout.comments import OwnLine, find_comments
from allocc.dsl.layout.expressions import Expressions, Node, kind, leaves
from allocc.dsl.layout.printer import WIDTH, Doc, flat, render
from allocc.dsl.layout.rows import Row, layout, with_comments
from allocc.dsl.layout.statements import BLOCKS, StatementLayouts
from allocc.dsl.nesting import deep_recursion
from allocc.dsl.reading.parser import parse, syntax
from allocc.dsl.tree import Source

if TYPE_CHECKING:
    from lark import Token, Tree


def format_source(text: str, name: str = "model.alloc") -> str:
    """The text in its one layout; raises `DiagnosticError` with every syntax error.

    Line ends are those of the first line. `name` is shown in messages.
    """
    ends = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parse(Source(name, plain))
    with deep_recursion():
        lines = _Formatter(plain).lines()
    return ends.join([*"\n".join(lines).split("\n"), ""]) if lines else ""


@dataclass(slots=True)
class _Block:
    """A statement with others in it."""

    head: Doc
    body: list[_Block | Row]
    close: Doc
    together: bool
    before: list[OwnLine]
    blank: bool
    ending: list[OwnLine]
    after: list[str] = field(default_factory=list)


class _Formatter:
    def __init__(self, text: str) -> None:
        self.file = syntax(text)
        tokens = leaves(self.file)
        self.end = len(text)
        self.comments = find_comments(text, tokens, self._firsts())
        self.statements = StatementLayouts(Expressions(self.comments))

    def _firsts(self) -> set[int]:
        """Where statements, terms, and the ends of blocks begin."""
        found = {self.end}
        for node in self.file.iter_subtrees():
            if node.data == "file" or node.data in BLOCKS:
                found |= {leaves(part)[0].start_pos or 0 for part in self._inside(node)}
                if node.data != "file":
                    found.add(leaves(node)[-1].start_pos or 0)
        return found

    def _inside(self, node: Tree[Token]) -> list[Node]:
        """The statements or terms in a block, or in the file."""
        if node.data == "file":
            return list(node.children)
        return list(node.children[self._brace(node) + 1 : -1])

    def _brace(self, node: Tree[Token]) -> int:
        return [kind(part) for part in node.children].index("LBRACE")

    def lines(self) -> list[str]:
        """The lines of the file; a line of several is a statement that is broken."""
        entries = self._entries(self._inside(self.file))
        ending = self.comments.before.get(self.end, [])
        return self._body(entries, ending, 0)

    # --- reading ---

    def _entries(self, nodes: Sequence[Node]) -> list[_Block | Row]:
        found: list[_Block | Row] = []
        for node in nodes:
            words = leaves(node)
            before, after = self.comments.take(words[0], words[-1])
            start = words[0].start_pos or 0
            blank = start in self.comments.blank
            tree = cast("Tree[Token]", node)
            if kind(node) in BLOCKS:
                found.append(self._block(tree, before, blank, after))
                continue
            statement = self.statements.statement(tree)
            last = found[-1] if found else None
            joins = start in self.comments.same_line and statement.alike != "term"
            if isinstance(last, Row) and joins:
                last.statements.append(statement)
                last.after = after
            else:
                found.append(Row([statement], before, blank, after))
        return found

    def _block(
        self, node: Tree[Token], before: list[OwnLine], blank: bool, after: list[str]
    ) -> _Block:
        brace = self._brace(node)
        close = leaves(node)[-1]
        inside = self._inside(node)
        ending, _ = self.comments.take(close, close)
        first = leaves(inside[0])[0].start_pos if inside else None
        together = len(inside) == 1 and first in self.comments.same_line and not ending
        head = self.statements.block(node.children, brace)
        body = self._entries(inside)
        return _Block(head, body, self.comments.word(close), together, before, blank, ending, after)

    # --- writing ---

    def _body(
        self, entries: Sequence[_Block | Row], ending: list[OwnLine], indent: int
    ) -> list[str]:
        lines: list[str] = []
        paragraph: list[Row] = []

        def finish() -> None:
            lines.extend(layout(paragraph, indent))
            paragraph.clear()

        for entry in entries:
            if isinstance(entry, _Block) or entry.before or entry.blank:
                finish()
            self._above(lines, entry.before, indent)
            if entry.blank and lines:
                lines.append("")
            if isinstance(entry, Row):
                paragraph.append(entry)
            else:
                lines.append(self._written(entry, indent))
        finish()
        self._above(lines, ending, indent)
        return lines

    def _above(self, lines: list[str], comments: Sequence[OwnLine], indent: int) -> None:
        for comment in comments:
            if comment.blank and lines:
                lines.append("")
            lines.append(" " * indent + comment.text)

    def _written(self, block: _Block, indent: int) -> str:
        lead = " " * indent
        if block.together:
            one = self._on_one_line(block)
            if one is not None and indent + len(one) <= WIDTH:
                return with_comments(lead + one, block.after)
        head = lead + render(block.head, indent, indent)
        inside = self._body(block.body, block.ending, indent + 2)
        if not inside and flat(block.head) is not None:
            text = f"{head}}}"
        else:
            text = "\n".join([head, *inside, f"{lead}}}"])
        return with_comments(text, block.after)

    def _on_one_line(self, block: _Block) -> str | None:
        row = block.body[0]
        head = flat(block.head)
        if head is None or not isinstance(row, Row) or row.after:
            return None
        cells = row.statements[0].cells()
        if cells is None:
            return None
        keyword = row.statements[0].keyword
        words = [str(keyword)] if keyword else []
        return " ".join([head, *words, *(text for _, text in cells), "}"])
