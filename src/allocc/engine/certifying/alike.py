"""Whether a program's file is the one that a model leads to: every name and every number of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from allocc.compiler.programs.program import Program
from allocc.engine.certifying.exact import ExactProgram, fraction
from allocc.proof import checker

#: Numbers are the same within this part of them: another machine may compute a logarithm in another way.
SAME = Fraction(1, 10**12)

Side = Fraction | None


def difference(
    file: checker.Program, program: Program, columns: Sequence[str], rows: Sequence[str]
) -> str:
    """The first difference, in words; empty where there is none."""
    return next(_differences(file, program, columns, rows), "")


def _differences(
    file: checker.Program, program: Program, columns: Sequence[str], rows: Sequence[str]
) -> Iterator[str]:
    exact = ExactProgram.of(program)
    if file.sense != ("min" if exact.sign > 0 else "max"):
        yield "it has another sense"
    if list(file.columns) != list(columns):
        yield "it has other columns"
        return
    if file.integer != {j for j, whole in enumerate(program.integer.tolist()) if whole}:
        yield "other columns have to be whole"
    if not _same_terms(file.objective.terms, dict(exact.cost())):
        yield "it has another objective"
    constant = -file.objective.given.get("RHS", Fraction(0))
    if not _same(constant, fraction(program.offset)):
        yield "its objective has another constant"
    for j, name in enumerate(columns):
        if not _same_sides(file.bounds(j), (exact.lower[j], exact.upper[j])):
            yield f"column {name} has another range"
    expected = dict(_rows(exact, rows))
    for name in file.rows:
        if name not in expected:
            yield f"row {name} does not follow from the model"
    for name, (terms, products, sides) in expected.items():
        row = file.rows.get(name)
        if row is None:
            yield f"row {name} is not in it"
        elif not (
            _same_terms(row.terms, terms)
            and _same_terms(row.products, products)
            and _same_sides(row.sides(), sides)
        ):
            yield f"row {name} has other numbers"


Written = tuple[dict[int, Fraction], dict[tuple[int, int], Fraction], tuple[Side, Side]]


def _rows(exact: ExactProgram, names: Sequence[str]) -> Iterator[tuple[str, Written]]:
    """What the file has to say of each row, those of products behind the others."""
    p = exact.program
    for i in range(p.rows):
        sides = exact.row_lower[i], exact.row_upper[i]
        if sides != (None, None):
            yield names[i], (dict(exact.row(i)), {}, sides)
    nothing = Fraction(0), Fraction(0)
    for name, (w, a, b, k) in zip(names[p.rows :], p.products.entries(), strict=True):
        half = Fraction(-1, 1 if a == b else 2) * fraction(k)
        products = dict.fromkeys([(a, b), (b, a)], half)
        yield name, ({w: Fraction(1)}, products, nothing)


def _same(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other))


def _same_sides(one: tuple[Side, Side], other: tuple[Side, Side]) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or b is None or _same(a, b))
        for a, b in zip(one, other, strict=True)
    )


def _same_terms(one: Mapping[Any, Fraction], other: Mapping[Any, Fraction]) -> bool:
    mine = {k: v for k, v in one.items() if v}
    due = {k: v for k, v in other.items() if v}
    return mine.keys() == due.keys() and all(_same(v, due[k]) for k, v in mine.items())
