"""Scaling a program by powers of two, and bounds that hold in spite of a solver's tolerances.

A solver's tolerances are absolute. In a model with sixty thousand people and a rate of infection of
0.004 they would mean nothing for the one or the other, so that columns are brought to a size near one
by their bounds, and rows by their coefficients. Powers of two make this exact in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.program import FloatArray, Program

#: Columns whose largest value lies outside of these sizes are scaled, and rows likewise.
COLUMN_SIZES = (0.1, 1e7)
ROW_SIZES = (1e-3, 1e6)


@dataclass(frozen=True)
class Scaling:
    """`x = columns * x'` and `row' = rows * row`."""

    columns: FloatArray
    rows: FloatArray

    def point_in(self, point: FloatArray) -> FloatArray:
        """A point of the scaled program."""
        return np.asarray(point / self.columns)

    def point_out(self, point: FloatArray) -> FloatArray:
        """A point of the original program."""
        return np.asarray(point * self.columns)


def power_of_two(x: FloatArray) -> FloatArray:
    """The power of two nearest to a positive number, in the exponent."""
    return np.asarray(np.exp2(np.rint(np.log2(x))))


def scale(program: Program) -> tuple[Program, Scaling]:
    """The scaled program and how points move between the two; whole columns stay as they are."""
    p = program
    low = np.where(np.isfinite(p.lower), np.abs(p.lower), 0.0)
    high = np.where(np.isfinite(p.upper), np.abs(p.upper), 0.0)
    size = np.maximum(low, high)
    unbounded = np.isinf(p.lower) | np.isinf(p.upper)
    # Within these sizes a solver's tolerances mean something, and its presolve knows the numbers.
    odd = (size < COLUMN_SIZES[0]) | (size > COLUMN_SIZES[1])
    columns = np.where((size > 0) & odd & ~unbounded & ~p.integer, size, 1.0)
    columns = power_of_two(np.clip(columns, 2.0**-40, 2.0**40))
    matrix = sparse.csr_array(p.matrix @ sparse.diags_array(columns))
    most = np.zeros(p.rows)
    row_of = np.repeat(np.arange(p.rows), np.diff(matrix.indptr))
    np.maximum.at(most, row_of, np.abs(matrix.data))
    rows = power_of_two(
        np.clip(np.where(most > 0, 1.0 / np.where(most > 0, most, 1.0), 1.0), 2.0**-40, 2.0**40)
    )
    matrix = sparse.csr_array(sparse.diags_array(rows) @ matrix)
    scaled = replace(
        p,
        objective=p.objective * columns,
        lower=p.lower / columns,
        upper=p.upper / columns,
        matrix=matrix,
        row_lower=p.row_lower * rows,
        row_upper=p.row_upper * rows,
    )
    return scaled, Scaling(columns, rows)


def safe_bound(
    program: Program, objective: FloatArray, duals: FloatArray, minimize: bool = True
) -> float:
    """A bound on `objective' x` over the linear relaxation that any row duals prove.

    For the minimum, with y >= 0 on lower sides and y <= 0 on upper ones,

        c'x >= sum_i y_i side_i + sum_j min over the box of (c - A'y)_j x_j,

    whatever y is: a solver's tolerances can weaken it, not falsify it. Infinite where a column
    without a bound has a reduced cost. (Neumaier and Shcherbina 2004, Math. Programming 99:283-296.)
    """
    sign = 1.0 if minimize else -1.0
    c = sign * objective
    y = sign * duals
    y = np.where((y > 0) & np.isneginf(program.row_lower), 0.0, y)
    y = np.where((y < 0) & np.isposinf(program.row_upper), 0.0, y)
    side = np.where(y > 0, program.row_lower, program.row_upper)
    level = float(np.sum(np.where(y != 0, y * np.where(y != 0, side, 0.0), 0.0)))
    products = program.matrix.T @ y
    reduced = c - products
    # What rounding can have cost in the sums above.
    absolute = np.abs(c) + np.abs(program.matrix).T @ np.abs(y)
    noise = 1e-15 * (absolute + 1.0)
    reduced = np.where(np.abs(reduced) <= noise, 0.0, reduced)
    end = np.where(reduced > 0, program.lower, program.upper)
    with np.errstate(invalid="ignore"):
        part = np.where(reduced != 0, reduced * end, 0.0)
    total = level + float(np.sum(part))
    if not np.isfinite(total):
        return -np.inf if minimize else np.inf
    size = float(np.sum(np.abs(y * np.where(y != 0, side, 0.0)))) + float(np.sum(np.abs(part)))
    return sign * (total - 1e-14 * size)
