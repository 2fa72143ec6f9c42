"""Checks that what will be relaxed has bounds: no factor without them, no function out of its domain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs import errors
from allocc.compiler.programs.program import Program, find_block
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError, Note

#: So many are told of. No more are looked for at any place: a long horizon has a million of them.
_MOST = 10
#: Of one cause, so many more places are named.
_SHOWN = 4


def check_bounds(program: Program) -> None:
    """Raise `DiagnosticError` where a factor has no bounds that needs them, naming what to bound."""
    p, q = program, program.products
    found: list[Diagnostic] = []
    # A quotient by what may be zero has no bounds: that is told once, by `_check_ratios`.
    endless = q.left[q.is_ratio & (p.lower[q.right] <= 0) & (p.upper[q.right] >= 0)]
    for side in (q.left, q.right):
        other = q.right if side is q.left else q.left
        fixed = p.lower[other] == p.upper[other]
        bare = np.unique(side[~fixed & ~(np.isfinite(p.lower[side]) & np.isfinite(p.upper[side]))])
        for j, more in _once(p, np.setdiff1d(bare, endless)):
            found.append(_with(p, _unbounded(p, j, "a product"), more))
    for atoms in p.functions:
        if not atoms.function.smooth:
            continue
        low, high = p.lower[atoms.argument], p.upper[atoms.argument]
        for j, more in _once(p, atoms.argument[~(np.isfinite(low) & np.isfinite(high))]):
            found.append(_with(p, _unbounded(p, j, f"{atoms.kind}(...)"), more))
        bad = atoms.function.outside(low, high)
        for argument, more in _once(p, atoms.argument[bad]):
            name = p.column_name(argument)
            # Powers and ratios are made of monomials, which have no place of their own.
            span = atoms.span or find_block(p.column_blocks, argument).span
            wants = (
                "an argument other than zero"
                if atoms.function.domain == "not zero"
                else "a positive argument"
            )
            least, most = (f"{end[argument] + 0.0:g}" for end in (p.lower, p.upper))
            told = errors.outside_domain(f"{atoms.kind} of {name}", wants, least, most, span)
            found.append(_with(p, told, more))
    _check_ratios(p, found)
    if found:
        raise DiagnosticError(found[:_MOST])


def _check_ratios(p: Program, found: list[Diagnostic]) -> None:
    """A ratio's denominator must not reach zero."""
    bottoms = p.products.bottoms
    zero = (p.lower[bottoms] <= 0) & (p.upper[bottoms] >= 0)
    for bottom, more in _once(p, bottoms[zero]):
        name, span = p.column_name(bottom), find_block(p.column_blocks, bottom).span
        least, most = (f"{end[bottom] + 0.0:g}" for end in (p.lower, p.upper))
        found.append(_with(p, errors.zero_denominator(name, least, most, span), more))


def _once(p: Program, columns: IntArray) -> list[tuple[int, list[int]]]:
    """The first column of each block, with the others of it: their cause is the same."""
    columns = np.unique(columns)
    blocks = np.searchsorted([b.start for b in p.column_blocks], columns, side="right")
    groups = [columns[blocks == block].tolist() for block in np.unique(blocks)[:_MOST]]
    return [(first, others) for first, *others in groups]


def _with(p: Program, diagnostic: Diagnostic, more: list[int]) -> Diagnostic:
    """A message that says at which other columns the same holds."""
    if not more:
        return diagnostic
    shown = ", ".join(p.column_name(j) for j in more[:_SHOWN])
    rest = f" and {len(more) - _SHOWN:,} more" if len(more) > _SHOWN else ""
    return replace(diagnostic, notes=(*diagnostic.notes, Note(f"the same at {shown}{rest}")))


def without_quotients(program: Program) -> Program:
    """The program without what its quotients have to be: their columns are free of their parts."""
    return replace(
        program,
        products=program.products.taken(~program.products.is_ratio),
        functions=tuple(atoms for atoms in program.functions if not atoms.function.divides),
    )


def zero_below(program: Program, lower: FloatArray, upper: FloatArray) -> IntArray:
    """The denominators that may be zero within ranges."""
    bottoms = program.products.bottoms
    powers = [atoms.argument for atoms in program.functions if atoms.function.divides]
    below = np.concatenate([bottoms, *powers])
    return np.unique(below[(lower[below] <= 0) & (upper[below] >= 0)])


def possibly_zero(program: Program, lower: FloatArray, upper: FloatArray) -> IntArray:
    """What a ratio, a negative power or a logarithm is taken of and may be zero within ranges."""
    found = [zero_below(program, lower, upper)]
    for atoms in program.functions:
        if atoms.function.domain == "positive":
            x = atoms.argument
            found.append(x[lower[x] <= 0])
    return np.unique(np.concatenate(found))


def check_finite(program: Program, columns: IntArray, low: FloatArray, high: FloatArray) -> None:
    """Raise `DiagnosticError` where a column of a min, max or abs has no bounds."""
    bad = columns[~(np.isfinite(low[columns]) & np.isfinite(high[columns]))]
    if len(bad):
        raise DiagnosticError(
            [_unbounded(program, int(j), "min, max or abs") for j in np.unique(bad)[:5]]
        )


def _unbounded(p: Program, j: int, what: str) -> Diagnostic:
    side = "upper" if np.isinf(p.upper[j]) else "lower"
    block = next(b for b in p.column_blocks if b.start <= j < b.start + b.count)
    return errors.unbounded_factor(p.column_name(j), side, what, block.span)
