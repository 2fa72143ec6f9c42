"""The rows of a program as a person reads them, block by block, each with its statement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from allocc.tables import number

if TYPE_CHECKING:
    from allocc.compiler.programs.program import Program, ProgramBlock

#: So many terms of a row are written.
_TERMS = 8
_LINE = 90


def rows_text(program: Program, most: int) -> str:
    """The objective and up to `most` rows of each block; all the rest is counted."""
    lines = [
        f"{program.name}: {program.columns:,} columns, {program.rows:,} rows",
        "",
        program.sense,
        f"  {_sum(program, _objective(program), program.offset)}",
        "",
        "subject to",
    ]
    for block in program.row_blocks:
        if block.count:
            lines += ["", *_block(program, block, most)]
    lines += _atoms(program, most)
    whole = int(program.integer.sum())
    if whole:
        lines += [
            "",
            f"{whole:,} columns are whole; `allocc compile --emit program` has all ranges",
        ]
    return "\n".join(lines)


def _objective(program: Program) -> list[tuple[int, float]]:
    return [(int(j), float(program.objective[j])) for j in program.objective.nonzero()[0]]


def _block(program: Program, block: ProgramBlock, most: int) -> Iterator[str]:
    count = f"{block.count:,} row{'s' * (block.count != 1)}"
    yield f"{block.name}: {count}, {block.role}"
    said = _statement(block)
    if said:
        yield f"  # {said}"
    for k in range(min(block.count, most)):
        yield f"  {_row(program, block.start + k)}"
    if block.count > most:
        yield f"  ... and {block.count - most:,} more"


def _statement(block: ProgramBlock) -> str:
    """The statement that the block comes from, with its place."""
    if block.span is None or not block.span.text.strip():
        return block.statement
    text = " ".join(block.span.text.split())
    text = text if len(text) <= _LINE else f"{text[:_LINE]}..."
    return f"{block.span.source.name}:{block.span.line}: {text}"


def _row(program: Program, i: int) -> str:
    matrix = program.matrix
    begin, end = int(matrix.indptr[i]), int(matrix.indptr[i + 1])
    entries = [(int(matrix.indices[p]), float(matrix.data[p])) for p in range(begin, end)]
    low, high = float(program.row_lower[i]), float(program.row_upper[i])
    text = _sum(program, entries, 0.0)
    if low == high:
        return f"{text} = {number(high)}"
    if math.isfinite(low) and math.isfinite(high):
        return f"{number(low)} <= {text} <= {number(high)}"
    if math.isfinite(low):
        return f"{text} >= {number(low)}"
    return f"{text} <= {number(high)}" if math.isfinite(high) else f"{text} is free"


def _sum(program: Program, entries: list[tuple[int, float]], offset: float) -> str:
    """Terms with their signs, and how many more there are."""
    pieces: list[tuple[float, str]] = []
    for j, value in entries[:_TERMS]:
        size = "" if abs(value) == 1 else f"{number(abs(value))} "
        pieces.append((value, f"{size}{program.column_name(j)}"))
    if offset:
        pieces.append((offset, number(abs(offset))))
    text = ""
    for value, piece in pieces:
        lead = " + " if value > 0 else " - "
        text += lead + piece if text else ("-" if value < 0 else "") + piece
    more = len(entries) - _TERMS
    return (text or "0") + (f" + ... ({more:,} more terms)" if more > 0 else "")


def _atoms(program: Program, most: int) -> Iterator[str]:
    """Products and functions, where the program still has some."""
    name = program.column_name
    p = program.products
    triples = zip(p.result[:most], p.left[:most], p.right[:most], strict=True)
    found = [f"{name(int(w))} = {name(int(a))} * {name(int(b))}" for w, a, b in triples]
    yield from _listed("products", found, len(p))
    for f in program.functions:
        pairs = zip(f.result[:most], f.argument[:most], strict=True)
        calls = [f"{name(int(w))} = {f.function.name}({name(int(a))})" for w, a in pairs]
        yield from _listed("functions", calls, len(f))


def _listed(title: str, lines: Iterable[str], count: int) -> Iterator[str]:
    shown = [f"  {line}" for line in lines]
    if not count:
        return
    yield ""
    yield f"{title}: {count:,}"
    yield from shown
    if count > len(shown):
        yield f"  ... and {count - len(shown):,} more"
