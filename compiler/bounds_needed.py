"""Checks that what will be relaxed has bounds: no factor without them, no function out of its domain."""

from __future__ import annotations

import numpy as np

from allocc.compiler import errors
from allocc.compiler.program import FloatArray, IntArray, Program
from allocc.dsl.diagnostics import AlloccError, Diagnostic


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
        for j in np.unique(
            side[~fixed & ~(np.isfinite(p.lower[side]) & np.isfinite(p.upper[side]))]
        ):
            if j not in endless:
                found.append(_unbounded(p, int(j), "a product"))
    for atoms in p.functions:
        if atoms.kind == "abs":
            continue
        for j in atoms.argument:
            if not (np.isfinite(p.lower[j]) and np.isfinite(p.upper[j])):
                found.append(_unbounded(p, int(j), f"{atoms.kind}(...)"))
        low, high = p.lower[atoms.argument], p.upper[atoms.argument]
        needs = {"log": low <= 0, "sqrt": low < 0, "reciprocal": (low <= 0) & (high >= 0)}
        bad = needs.get(atoms.kind, np.zeros(len(low), dtype=bool))
        if atoms.kind == "power" and (atoms.exponent != int(atoms.exponent) or atoms.exponent < 0):
            bad = low < 0 if atoms.exponent > 0 else low <= 0
        for k in np.flatnonzero(bad)[:3]:
            name = p.column_name(int(atoms.argument[k]))
            wants = (
                "an argument other than nought"
                if atoms.kind == "reciprocal"
                else "a positive argument"
            )
            found.append(
                errors.outside_domain(
                    f"{atoms.kind} of {name}", wants, f"{low[k]:g}", f"{high[k]:g}", atoms.span
                )
            )
    _check_ratios(p, found)
    if found:
        raise AlloccError(found[:10])


def _check_ratios(p: Program, found: list[Diagnostic]) -> None:
    """A ratio's denominator must not reach nought."""
    q = p.products
    newer = np.maximum(q.left, q.right)
    ratio = np.flatnonzero(q.result < newer)
    for k in ratio:
        bottom = q.right[k] if q.left[k] == newer[k] else q.left[k]
        low, high = p.lower[bottom], p.upper[bottom]
        if low <= 0 <= high:
            name = p.column_name(int(bottom))
            block = next(b for b in p.column_blocks if b.start <= bottom < b.start + b.count)
            found.append(
                errors.outside_domain(
                    f"1 / {name}",
                    "a denominator other than nought",
                    f"{low:g}",
                    f"{high:g}",
                    block.span,
                )
            )


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
