"""Checks that what will be relaxed has bounds: no factor without them, no function out of its domain."""

from __future__ import annotations

import numpy as np

from allocc.compiler import errors
from allocc.compiler.program import (
    BoolArray,
    FloatArray,
    FunctionAtoms,
    IntArray,
    Program,
    find_block,
)
from allocc.dsl.diagnostics import AlloccError, Diagnostic

#: So many are told of. No more are looked for at any place: a long horizon has a million of them.
_MOST = 10


def check_bounds(program: Program) -> None:
    """Raise `AlloccError` where a factor has no bounds that needs them, naming what to bound."""
    p, q = program, program.products
    found: list[Diagnostic] = []
    # A quotient by what may be nought has no bounds: that is told once, by `_check_ratios`.
    newer, bottom = np.maximum(q.left, q.right), np.minimum(q.left, q.right)
    endless = newer[(q.result < newer) & (p.lower[bottom] <= 0) & (p.upper[bottom] >= 0)]
    for side in (q.left, q.right):
        other = q.right if side is q.left else q.left
        fixed = p.lower[other] == p.upper[other]
        bare = np.unique(side[~fixed & ~(np.isfinite(p.lower[side]) & np.isfinite(p.upper[side]))])
        for j in np.setdiff1d(bare, endless)[:_MOST]:
            found.append(_unbounded(p, int(j), "a product"))
    for atoms in p.functions:
        if atoms.kind == "abs":
            continue
        low, high = p.lower[atoms.argument], p.upper[atoms.argument]
        for j in atoms.argument[~(np.isfinite(low) & np.isfinite(high))][:_MOST]:
            found.append(_unbounded(p, int(j), f"{atoms.kind}(...)"))
        bad = _outside(atoms, low, high)
        for k in np.flatnonzero(bad)[:3]:
            argument = int(atoms.argument[k])
            name = p.column_name(argument)
            # Powers and ratios are made of monomials, which have no place of their own.
            span = atoms.span or find_block(p.column_blocks, argument).span
            wants = (
                "an argument other than nought"
                if atoms.kind == "reciprocal"
                else "a positive argument"
            )
            found.append(
                errors.outside_domain(
                    f"{atoms.kind} of {name}",
                    wants,
                    f"{low[k] + 0.0:g}",
                    f"{high[k] + 0.0:g}",
                    span,
                )
            )
    _check_ratios(p, found)
    if found:
        raise AlloccError(found[:_MOST])


def _check_ratios(p: Program, found: list[Diagnostic]) -> None:
    """A ratio's denominator must not reach nought."""
    bottoms = _bottoms(p)
    nought = (p.lower[bottoms] <= 0) & (p.upper[bottoms] >= 0)
    for bottom in bottoms[nought][:_MOST]:
        name = p.column_name(int(bottom))
        block = next(b for b in p.column_blocks if b.start <= bottom < b.start + b.count)
        found.append(
            errors.zero_denominator(
                name, f"{p.lower[bottom] + 0.0:g}", f"{p.upper[bottom] + 0.0:g}", block.span
            )
        )


def _bottoms(p: Program) -> IntArray:
    """The denominator of each ratio."""
    q = p.products
    # The column of a ratio is laid out after those that it is made of.
    newer = np.maximum(q.left, q.right)
    ratio = q.result < newer
    return np.where(q.left == newer, q.right, q.left)[ratio]


def _outside(atoms: FunctionAtoms, low: FloatArray, high: FloatArray) -> BoolArray:
    """Where a function may be taken outside of its domain, over ranges of its arguments."""
    match atoms.kind:
        case "log":
            return low <= 0
        case "sqrt":
            return low < 0
        case "reciprocal":
            return (low <= 0) & (high >= 0)
        case "power" if atoms.exponent != int(atoms.exponent) or atoms.exponent < 0:
            return low < 0 if atoms.exponent > 0 else low <= 0
        case _:
            return np.zeros(len(low), dtype=bool)


def possibly_nought(program: Program, lower: FloatArray, upper: FloatArray) -> IntArray:
    """What a ratio, a negative power or a logarithm is taken of and may be nought within ranges."""
    bottoms = _bottoms(program)
    found = [bottoms[(lower[bottoms] <= 0) & (upper[bottoms] >= 0)]]
    for atoms in program.functions:
        if atoms.kind in ("log", "reciprocal") or (atoms.kind == "power" and atoms.exponent < 0):
            x = atoms.argument
            found.append(x[_outside(atoms, lower[x], upper[x])])
    return np.unique(np.concatenate(found))


def check_finite(program: Program, columns: IntArray, low: FloatArray, high: FloatArray) -> None:
    """Raise `AlloccError` where a column of a min, max or abs has no bounds."""
    bad = columns[~(np.isfinite(low[columns]) & np.isfinite(high[columns]))]
    if len(bad):
        raise AlloccError(
            [_unbounded(program, int(j), "min, max or abs") for j in np.unique(bad)[:5]]
        )


def _unbounded(p: Program, j: int, what: str) -> Diagnostic:
    side = "upper" if np.isinf(p.upper[j]) else "lower"
    block = next(b for b in p.column_blocks if b.start <= j < b.start + b.count)
    return errors.unbounded_factor(p.column_name(j), side, what, block.span)
