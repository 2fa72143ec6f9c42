r"""A definition with what it is made of written out, down to stated columns.

For each product in it stands one side of its envelope, or an end of it; for each definition, what it is made
of or an end. Which of these says most is found in floating point, one after the other. A step of an epidemic,
:math:`S - \beta S I - v`, becomes :math:`(1 - \beta q) S - \beta p\, I + \beta p q - v`, whose least
value in a box is that of the step itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import inf, isnan

from allocc.engine.certifying.boxes.facts import Fact
from allocc.engine.certifying.boxes.frame import CORNERS, Definition, Frame, Product, Task

#: What a choice has to gain, relatively.
GAIN = 1e-9

#: An end of a column, upper or lower, and what adds up to it.
End = tuple[int, bool, Fraction, list[tuple[Fact, Fraction]]]
Ends = tuple[list[Fact | None], list[Fact | None]]
Near = tuple[list[float], list[float]]
Plane = Callable[[Product, bool, bool], Fact | None]


def choose(task: Task, near: Near, upper: bool) -> tuple[list[int], float]:
    """For each inner definition 0 for its end, 1 or 2 for what it is made of; and the end that comes out."""
    choices = [1] * len(task.inner)
    best, sign = _value(task, near, choices, upper), 1.0 if upper else -1.0
    better = True
    while better:
        better = False
        for k, x in enumerate(task.inner):
            for other in (0, 1, 2) if isinstance(x, Product) else (0, 1):
                before = choices[k]
                if other == before:
                    continue
                choices[k] = other
                value = _value(task, near, choices, upper)
                if sign * (best - value) > GAIN * abs(value):
                    best, better = value, True
                else:
                    choices[k] = before
    return choices, best


def _value(task: Task, near: Near, choices: list[int], upper: bool) -> float:
    d = task.definition
    assert d is not None
    total, left = float(d.constant), dict(zip(d.line.columns, d.line.near, strict=True))
    for x, choice in zip(task.inner, choices, strict=True):
        q = left.pop(_result(x), 0.0) if choice else 0.0
        if not q:
            continue
        if isinstance(x, Product):
            one, two = CORNERS[(q > 0) == upper][choice - 1]
            a, b = near[one][x.first], near[two][x.second]
            left[x.first] = left.get(x.first, 0.0) + q * b
            left[x.second] = left.get(x.second, 0.0) + q * a
            total -= q * a * b
        else:
            total += q * float(x.constant)
            for k, a in zip(x.line.columns, x.line.near, strict=True):
                left[k] = left.get(k, 0.0) + q * a
    for j, q in left.items():
        if q:
            total += q * near[(q > 0) == upper][j]
    return (inf if upper else -inf) if isnan(total) else total


def derive(
    task: Task, frame: Frame, ends: Ends, plane: Plane, choices: list[int], upper: bool
) -> End | None:
    """What `choose` has found, in rationals; None where an end is open."""
    d = task.definition
    assert d is not None
    parts, total, left = [_own(frame, d, Fraction(1))], d.constant, dict(d.line.terms())
    for x, choice in zip(task.inner, choices, strict=True):
        q = left.pop(_result(x), Fraction(0)) if choice else Fraction(0)
        if not q:
            continue
        if isinstance(x, Product):
            fact = plane(x, *CORNERS[(q > 0) == upper][choice - 1])
            if fact is None or fact.terms is None:
                return None
            parts.append((fact, q))
            total += q * fact.side
            others: Iterator[tuple[int, Fraction]] = ((k, -a) for k, a in fact.terms[1:])
        else:
            parts.append(_own(frame, x, q))
            total += q * x.constant
            others = x.line.terms()
        for k, a in others:
            left[k] = left.get(k, Fraction(0)) + q * a
    for j, q in left.items():
        if q:
            end = ends[(q > 0) == upper][j]
            if end is None:
                return None
            parts.append((end, q))
            total += q * end.side
    return d.column, upper, total, parts


def _result(x: Definition | Product) -> int:
    return x.result if isinstance(x, Product) else x.column


def _own(frame: Frame, d: Definition, times: Fraction) -> tuple[Fact, Fraction]:
    """The row of a definition, so many times."""
    fact = frame.side(d.row, False)
    assert fact is not None
    return fact, times * d.factor
