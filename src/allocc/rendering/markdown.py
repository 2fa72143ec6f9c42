"""Sections as Markdown with formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from allocc.rendering.document import Equation, Math, Paragraph, Section, Table
from allocc.rendering.lines import aligned

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$])")


def markdown(title: str, sections: Sequence[Section]) -> str:
    """A page with a heading."""
    lines = [f"# {_plain(title)}"]
    for section in sections:
        lines += ["", f"## {_plain(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines) + "\n"


def _block(block: Table | Paragraph | tuple[Equation, ...]) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield "".join(_cell(part) for part in block.parts)
    elif isinstance(block, Table):
        yield f"| {' | '.join(map(_plain, block.head))} |"
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
        return f"${text if table else cell.text}$" if cell.text else ""
    return _plain(cell)


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
