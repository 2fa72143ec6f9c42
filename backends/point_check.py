"""Measure how far a point is from satisfying a Program; no solver is involved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program


@dataclass(frozen=True, slots=True)
class PointCheck:
    """The largest violations of a point; 0 where there is none, infinite where it is not finite.

    `row_relative` divides a row's violation by 1 + the sum of |a_ij x_j|, the size of what is
    added up in that row. `product`, `function` and `extreme` are relative to 1 + the size of the exact value.
    `worst_row` and `worst_column` say where, or are None when nothing is violated.
    """

    bound: float
    integrality: float
    row: float
    row_relative: float
    product: float
    function: float
    extreme: float
    worst_row: int | None = None
    worst_column: int | None = None

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether every violation is within the tolerance (rows: absolute or relative)."""
        row = min(self.row, self.row_relative)
        return all(
            violation <= tolerance
            for violation in (
                self.bound,
                self.integrality,
                row,
                self.product,
                self.function,
                self.extreme,
            )
        )


def check_point(program: Program, point: FloatArray) -> PointCheck:
    """The violations of `point`, one entry a column."""
    x = np.asarray(point, dtype=np.float64)
    if x.shape != (program.columns,):
        raise ValueError(f"a point with {program.columns} entries is needed, not {x.shape}")
    if not np.isfinite(x).all():
        bad = int(np.flatnonzero(~np.isfinite(x))[0])
        inf = float("inf")
        return PointCheck(inf, inf, inf, inf, inf, inf, inf, None, bad)
    outside = np.maximum(np.maximum(program.lower - x, x - program.upper), 0.0)
    fraction = np.where(program.integer, np.abs(x - np.round(x)), 0.0)
    activity = program.matrix @ x
    below = np.maximum(program.row_lower - activity, activity - program.row_upper)
    violation = np.maximum(below, 0.0)
    scale = 1.0 + abs(program.matrix) @ np.abs(x)
    column = np.maximum(outside, fraction)
    return PointCheck(
        bound=_largest(outside),
        integrality=_largest(fraction),
        row=_largest(violation),
        row_relative=_largest(violation / scale),
        product=_products(program, x),
        function=max((_function(atoms, x) for atoms in program.functions), default=0.0),
        extreme=max((_extreme(extremes, x) for extremes in program.extremes), default=0.0),
        worst_row=_where(violation),
        worst_column=_where(column),
    )


def _largest(values: FloatArray) -> float:
    return float(values.max()) if len(values) else 0.0


def _where(values: FloatArray) -> int | None:
    if not len(values) or values.max() <= 0.0:
        return None
    return int(values.argmax())


def _products(program: Program, x: FloatArray) -> float:
    products = program.products
    if not len(products):
        return 0.0
    exact = products.factors * x[products.left] * x[products.right]
    return _largest(np.abs(x[products.result] - exact) / (1.0 + np.abs(exact)))


def _function(atoms: FunctionAtoms, x: FloatArray) -> float:
    if not len(atoms):
        return 0.0
    exact = atoms.function.value(x[atoms.argument])
    error = np.abs(x[atoms.result] - exact) / (1.0 + np.abs(exact))
    return _largest(np.where(np.isfinite(error), error, np.inf))


def _extreme(extremes: Extremes, x: FloatArray) -> float:
    if not len(extremes):
        return 0.0
    largest = extremes.sense == "max"
    exact = np.full(len(extremes), -np.inf if largest else np.inf)
    collect = np.maximum if largest else np.minimum
    collect.at(exact, extremes.owner, x[extremes.argument])
    error = np.abs(x[extremes.result] - exact) / (1.0 + np.abs(exact))
    return _largest(np.where(np.isfinite(error), error, np.inf))
