"""Equations as aligned lines, broken where a page ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from allocc.showing.rendering.document import Equation
from allocc.showing.rendering.letters import words

#: About so many letters of a formula stand on a line of a page.
PAGE = 62

_COMMAND = re.compile(
    r"\\(?:mathrm|mathcal|text|operatorname|left|right|frac|underbrace|bigl|bigr)"
)


def width(text: str) -> float:
    """About how wide a formula is, in letters; subscripts count half."""
    plain = _COMMAND.sub("", text)
    plain = re.sub(r"\\frac\{[^{}]*\}", "", plain)
    plain = re.sub(r"\\[A-Za-z]+", "x", plain)
    small = sum(len(m) for m in re.findall(r"_\{([^{}]*)\}", plain))
    return len(re.sub(r"[{}\\,^_\s]", "", plain)) - small / 2


def aligned(equations: Sequence[Equation]) -> list[str]:
    """The lines of a group of equations; `&` stands before the relation."""
    return [line for equation in equations for line in _lines(equation)]


def _lines(equation: Equation) -> Iterator[str]:
    line = f"{equation.left} &{equation.relation} "
    length = width(line)
    first = True
    for sign, term in equation.terms:
        piece = f" {sign} {term}" if not first else ("-" if sign == "-" else "") + term
        if not first and length + width(piece) > PAGE:
            yield line
            line, length = rf"&\qquad {sign} {term}", 4 + width(piece)
        else:
            line += piece
            length += width(piece)
        first = False
    tail = rf"\qquad {equation.where}" if equation.where else ""
    note = equation.about or equation.name.replace("_", " ")
    if tail and length + width(tail) > PAGE:
        yield line
        line, length = rf"&\qquad {equation.where}", 4 + width(tail)
    else:
        line += tail
        length += width(tail)
    if note:
        remark = rf"\qquad {words(f'({note})')}"
        if length + len(note) * 0.8 > PAGE + 10:
            yield line
            line = rf"&{remark}"
        else:
            line += remark
    yield line
