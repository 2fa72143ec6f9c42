"""Sections as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allocc.dsl.escapes import latex as escaped
from allocc.showing.rendering.document import Equation, FormulaTable, Math, Paragraph, Section
from allocc.showing.rendering.lines import aligned

_PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{amsmath,amssymb,booktabs,longtable,array}
\setlength{\parindent}{0pt}
\allowdisplaybreaks
"""


def latex(title: str, sections: Sequence[Section], standalone: bool = False) -> str:
    """A document, or its body alone; the body needs amsmath, amssymb, booktabs and longtable."""
    lines = [
        _PREAMBLE + rf"\title{{{escaped(title)}}}" + "\n\\date{}\n\\begin{document}\n\\maketitle"
    ]
    lines = lines if standalone else []
    for section in sections:
        lines += ["", rf"\section*{{{escaped(section.title)}}}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    if standalone:
        lines += ["", r"\end{document}"]
    return "\n".join(lines).lstrip("\n") + "\n"


def _block(block: FormulaTable | Paragraph | tuple[Equation, ...]) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield "".join(_cell(part) for part in block.parts)
    elif isinstance(block, FormulaTable):
        yield from _table(block)
    else:
        yield r"\begin{align*}"
        yield " \\\\\n".join(f"  {line}" for line in aligned(block))
        yield r"\end{align*}"


def _table(table: FormulaTable) -> Iterator[str]:
    wide = {2: "6cm", 3: "5cm", 4: "5.5cm", 5: "4cm"}[len(table.head)]
    columns = "l" + "".join(
        f">{{\\raggedright\\arraybackslash}}p{{{wide if k == 0 else '2.2cm' if word == 'unit' else '4cm'}}}"
        for k, word in enumerate(table.head[1:])
    )
    yield rf"\begin{{longtable}}{{{columns}}}"
    yield r"\toprule"
    yield " & ".join(escaped(h) for h in table.head) + r" \\"
    yield r"\midrule"
    for row in table.rows:
        yield " & ".join(_cell(cell) for cell in row) + r" \\"
    yield r"\bottomrule"
    yield r"\end{longtable}"


def _cell(cell: str | Math) -> str:
    if isinstance(cell, Math):
        return f"${cell.text}$" if cell.text else ""
    return escaped(cell)
