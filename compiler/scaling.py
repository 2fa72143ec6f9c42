"""Scaling a program by powers of two, and bounds that hold in spite of a solver's tolerances.

A solver's tolerances are absolute. In a model with sixty thousand people and a rate of infection of
0.004 they would mean nothing for the rate, so that small columns are brought to a size near one by
their bounds, and rows by their coefficients; large columns are left alone, since scaling them would
bring other coefficients below what solvers read. Powers of two make this exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.program import FloatArray, Program

#: Columns whose largest value is below this are scaled up.
SMALL_COLUMN = 0.1
#: Solvers leave out coefficients below 1e-9: scaling must not bring any near that.
SMALLEST = 1e-8
DUST = 2e-9


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
    columns = np.where((size > 0) & (size < SMALL_COLUMN) & ~unbounded & ~p.integer, size, 1.0)
    columns = power_of_two(np.clip(columns, 2.0**-40, 2.0**40))
    m = p.matrix
    data = m.data * columns[m.indices]
    size = np.abs(data)
    most, least = np.zeros(p.rows), np.full(p.rows, np.inf)
    row_of = np.repeat(np.arange(p.rows), np.diff(m.indptr))
    np.maximum.at(most, row_of, size)
    np.minimum.at(least, row_of, np.where(size > 0, size, np.inf))
    # A row of small coefficients is scaled up until its largest is one. One of large coefficients is
    # scaled down, but only until their middle is one: with the largest at one, the unit of money
    # beside a big-M of 1e8 would fall among the numbers that solvers take for nought, and HiGHS
    # then called an allocation optimal that was not.
    middle = np.sqrt(most) * np.sqrt(np.where(most > 0, least, 1.0))
    middle = np.where(most > 1.0, np.maximum(middle, 1.0), np.where(most > 0, most, 1.0))
    rows = power_of_two(np.clip(1.0 / middle, 2.0**-40, 2.0**40))
    matrix = sparse.csr_array((data * rows[row_of], m.indices, m.indptr), shape=m.shape)
    matrix, row_lower, row_upper = _without_dust(
        matrix, p.row_lower * rows, p.row_upper * rows, p.lower / columns, p.upper / columns
    )
    before = float(np.min(np.abs(p.matrix.data), initial=1.0))
    if float(np.min(np.abs(matrix.data), initial=1.0)) < min(SMALLEST, before):
        return p, Scaling(np.ones(p.columns), np.ones(p.rows))
    scaled = replace(
        p,
        objective=p.objective * columns,
        lower=p.lower / columns,
        upper=p.upper / columns,
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
    )
    return scaled, Scaling(columns, rows)


def _without_dust(
    matrix: sparse.csr_array,
    row_lower: FloatArray,
    row_upper: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> tuple[sparse.csr_array, FloatArray, FloatArray]:
    """Rows without coefficients that solvers leave out, their sides moved outward to make up for it.

    Only entries of bounded columns are taken; the rows become weaker by what the entries can add up
    to, so that no feasible point is lost.
    """
    small = (np.abs(matrix.data) < DUST) & (matrix.data != 0)
    small &= np.isfinite(lower[matrix.indices]) & np.isfinite(upper[matrix.indices])
    if not small.any():
        return matrix, row_lower, row_upper
    a, j = matrix.data[small], matrix.indices[small]
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))[small]
    ends = np.stack([a * lower[j], a * upper[j]])
    n = matrix.shape[0]
    most = np.bincount(row, ends.max(axis=0), n)
    least = np.bincount(row, ends.min(axis=0), n)
    clean = matrix.copy()
    clean.data = np.where(small, 0.0, clean.data)
    clean.eliminate_zeros()
    return clean, row_lower - most, row_upper - least


def safe_bound(
    program: Program, objective: FloatArray, duals: FloatArray, minimize: bool = True
) -> float:
    """The bound of `safe_dual` alone."""
    return safe_dual(program, objective, duals, minimize)[0]


def safe_dual(
    program: Program, objective: FloatArray, duals: FloatArray, minimize: bool = True
) -> tuple[float, FloatArray]:
    """A bound on `objective' x` over the linear relaxation that any row duals prove.

    For the minimum, with y >= 0 on lower sides and y <= 0 on upper ones,

        c'x >= sum_i y_i side_i + sum_j min over the box of (c - A'y)_j x_j,

    whatever y is: a solver's tolerances can weaken it, not falsify it. Infinite where a column
    without a bound has a reduced cost. Also returns the reduced costs c - A'y, with which a column
    cannot leave its end of the box by more than (value - bound) / |cost| in any point of that
    value or better. (Neumaier and Shcherbina 2004, Math. Programming 99:283-296.)
    """
    sign = 1.0 if minimize else -1.0
    c = sign * objective
    y = sign * duals
    y = np.where((y > 0) & np.isneginf(program.row_lower), 0.0, y)
    y = np.where((y < 0) & np.isposinf(program.row_upper), 0.0, y)
    side = np.where(y > 0, program.row_lower, program.row_upper)
    held = np.where(y != 0, y * np.where(y != 0, side, 0.0), 0.0)
    m = program.matrix
    parts = m.data * np.repeat(y, np.diff(m.indptr))
    reduced = c - np.bincount(m.indices, parts, program.columns)
    # What rounding can have cost in the sums above.
    absolute = np.abs(c) + np.bincount(m.indices, np.abs(parts), program.columns)
    reduced = np.where(np.abs(reduced) <= 1e-15 * (absolute + 1.0), 0.0, reduced)
    end = np.where(reduced > 0, program.lower, program.upper)
    with np.errstate(invalid="ignore"):
        part = np.where(reduced != 0, reduced * end, 0.0)
    total = float(np.sum(held)) + float(np.sum(part))
    if not np.isfinite(total):
        return (-np.inf if minimize else np.inf), sign * reduced
    size = float(np.sum(np.abs(held))) + float(np.sum(np.abs(part)))
    return sign * (total - 1e-14 * size), sign * reduced
