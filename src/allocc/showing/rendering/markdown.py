"""Sections as Markdown with formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from allocc.dsl.escapes import markdown as escaped
from allocc.showing.rendering.document import Equation, FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.lines import aligned

#: How a sentence begins that Markdown takes for an item of a list, a line or a heading.
_OPENS = re.compile(r"(\d*)([-+=.)])(?=[\s=+-]|$)")


def markdown(title: str, sections: Sequence[Section]) -> str:
    """A page with a heading."""
    lines = [f"# {escaped(title)}"]
    for section in sections:
        lines += ["", f"## {escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines) + "\n"


def _block(block: FormulaTable | Paragraph | tuple[Equation, ...]) -> Iterator[str]:
    if isinstance(block, Paragraph):
        line = "".join(_cell(part) for part in block.parts)
        yield _OPENS.sub(r"\1\\\2", line, count=1) if _OPENS.match(line) else line
    elif isinstance(block, FormulaTable):
        yield f"| {' | '.join(map(escaped, block.head))} |"
        yield f"|{' --- |' * len(block.head)}"
        for row in block.rows:
            yield f"| {' | '.join(_cell(c, table=True) for c in row)} |"
    else:
        yield "$$"
        yield r"\begin{aligned}"
        yield " \\\\\n".join(aligned(block))
        yield r"\end{aligned}"
        yield "$$"


def _cell(cell: str | Math, table: bool = False) -> str:
    if isinstance(cell, Math):
        # A bar would end the cell.
        text = cell.text.replace(r"\left|", r"\left\vert ").replace(r"\right|", r"\right\vert ")
        text = text.replace("|", r"\|") if table else cell.text
        return f"${text}$" if cell.text else ""
    return escaped(cell)
