r"""Scaling a program by powers of two: every solver sees numbers of ordinary size.

A solver's tolerances are absolute: a row may be off by 1e-7, a coefficient below 1e-9 is none. In a
model with four hundred thousand people and a rate of infection of 1.7e-6 a person these say something
else of every column, and HiGHS was seen to call such models infeasible, or a poor allocation optimal.
So a column :math:`x_j` is measured by the power of two :math:`s_j` nearest to the larger end of its
proven range, a row is divided by its largest coefficient after that, and the objective by its own:

.. math::
    x_j = s_j x'_j, \qquad r_i (a_i' S) x' \le r_i b_i, \qquad \min\; (f\, c' S) x' .

Powers of two change exponents and no digits, so that the two programs have the same points. Whole
columns stay as they are. A column with an open end is measured by what propagation proves of it, else
by its coefficients.

:Exact: Yes, but for coefficients that solvers leave out (`DUST`): their rows are weakened by what
    these can add up to, so that no feasible point is lost.
:Reference: Tomlin (1975), Mathematical Programming Study 4:146-166.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.program import Program

#: Solvers leave out coefficients below 1e-9; what is near that after scaling is left out by us.
DUST = 2e-9
#: More than a sum of what is left out is off by.
ROUNDING = 1e-9
#: Exponents of two beyond which nothing is scaled: what is left is told by `refuse_extremes`.
MOST = 120.0
#: No amount is as large in any unit.
FARTHEST = 1e40
#: Passes over rows and columns for what no range measures.
PASSES = 4
#: Sweeps of propagation for columns with an open end; one brings a range one step of time further, and
#: over very many coefficients there are fewer.
LEAST_SWEEPS, MOST_SWEEPS, MOST_WORK = 12, 100, 30_000_000


@dataclass(frozen=True)
class Scaling:
    """`x = columns * x'`, `row' = rows * row` and `objective' = objective * (objective in x)`.

    `lower` and `upper` are ranges of the scaled columns that propagation proves where the program
    leaves an end open: what a solver need not know, and what bounds are proven with. `empty` says that
    it proves that there is no point.
    """

    columns: FloatArray
    rows: FloatArray
    objective: float
    lower: FloatArray
    upper: FloatArray
    empty: bool = False

    def boxed(self, scaled: Program) -> Program:
        """The scaled program within these ranges, which hold the same points."""
        return replace(scaled, lower=self.lower, upper=self.upper)

    def point_in(self, point: FloatArray) -> FloatArray:
        """A point of the scaled program."""
        return np.asarray(point / self.columns)

    def point_out(self, point: FloatArray) -> FloatArray:
        """A point of the original program."""
        return np.asarray(point * self.columns)

    def value_out(self, value: float) -> float:
        """A value of the objective, in its own unit."""
        return value / self.objective

    def duals_out(self, duals: FloatArray) -> FloatArray:
        """Row duals of the original program."""
        return np.asarray(duals * self.rows / self.objective)

    def costs_out(self, costs: FloatArray) -> FloatArray:
        """Reduced costs of the original program."""
        return np.asarray(costs / self.columns / self.objective)


def power_of_two(x: FloatArray) -> FloatArray:
    """The power of two nearest to a positive number, in the exponent; 1 for what has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.rint(np.log2(x))
    exponent = np.where(np.isfinite(exponent), np.clip(exponent, -MOST, MOST), 0.0)
    return np.asarray(np.exp2(exponent))


def sweeps_of(program: Program) -> int:
    """How often ranges are propagated for what only makes a program easier."""
    return min(MOST_SWEEPS, max(LEAST_SWEEPS, MOST_WORK // max(1, int(program.matrix.nnz))))


def scale(program: Program, propagate: bool = True) -> tuple[Program, Scaling]:
    """The scaled program and how points move between the two.

    Without `propagate` open ends are left open: for a program whose coefficients will change.

    Columns that must be whole stay as they are, and so do those in a function of `functions`: only
    products can say what they are multiplied with.
    """
    p = program
    held = p.integer.copy()
    for atoms in p.functions:
        held[atoms.argument] = held[atoms.result] = True
    for e in p.extremes:
        held[e.argument] = held[e.result] = True
    proven, empty = (p.lower, p.upper), False
    if propagate and ((np.isinf(p.lower) | np.isinf(p.upper)) & ~p.integer).any():
        try:
            # Where ranges creep from row to row without an end, what they reach says nothing.
            low, high = Propagator(p).run(p.lower, p.upper, sweeps_of(p))
            proven = (
                np.where(low < -FARTHEST, p.lower, low),
                np.where(high > FARTHEST, p.upper, high),
            )
        except Infeasible:
            empty = True
    columns = _columns(p, held, *proven)
    m = p.matrix
    data = m.data * columns[m.indices]
    rows = 1.0 / power_of_two(_largest(np.abs(data), m.indptr))
    lower, upper = p.lower / columns, p.upper / columns
    matrix = sparse.csr_array(
        (data * np.repeat(rows, np.diff(m.indptr)), m.indices, m.indptr), shape=m.shape
    )
    low, high = proven[0] / columns, proven[1] / columns
    entries = matrix
    matrix, row_lower, row_upper = _without_dust(
        matrix, p.row_lower * rows, p.row_upper * rows, low, high
    )
    if matrix is not entries:
        # What was left out held these columns: now their ranges do.
        gone = np.unique(entries.indices[np.abs(entries.data) < DUST])
        lower[gone] = np.where(np.isinf(lower[gone]), low[gone], lower[gone])
        upper[gone] = np.where(np.isinf(upper[gone]), high[gone], upper[gone])
    costs = p.objective * columns
    factor = 1.0 / float(power_of_two(np.abs(costs).max(initial=0.0)))
    q = p.products
    if len(q):
        times = columns[q.left] * columns[q.right] / columns[q.result]
        q = replace(q, factor=times if q.factor is None else times * q.factor)
    scaled = replace(
        p,
        objective=costs * factor,
        offset=p.offset * factor,
        lower=lower,
        upper=upper,
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        products=q,
    )
    return scaled, Scaling(columns, rows, factor, low, high, empty)


def _columns(p: Program, held: BoolArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The measure of every column from its range."""
    size = np.maximum(np.abs(lower), np.abs(upper))
    known = held | (np.isfinite(size) & (size > 0))
    columns = np.where(held, 1.0, power_of_two(np.where(known, size, 1.0)))
    if known.all():
        return columns
    # No range says how large the others become: rows (the objective among them) and columns are
    # equilibrated in turn, so that the entries of each lie around one.
    m = p.matrix
    costs = np.flatnonzero(p.objective)
    row_of = np.concatenate(
        [np.repeat(np.arange(p.rows), np.diff(m.indptr)), np.full(len(costs), p.rows)]
    )
    column_of = np.concatenate([m.indices, costs])
    absolute = np.abs(np.concatenate([m.data, p.objective[costs]]))
    for _ in range(PASSES):
        rows = 1.0 / power_of_two(_middle(absolute * columns[column_of], row_of, p.rows + 1))
        entry = _middle(absolute * rows[row_of], column_of, p.columns)
        columns = np.where(known, columns, 1.0 / power_of_two(entry))
    return columns


def _largest(size: FloatArray, indptr: IntArray) -> FloatArray:
    """The largest entry of every row, 1 for a row without entries."""
    most = np.zeros(len(indptr) - 1)
    some = np.diff(indptr) > 0
    if some.any():
        most[some] = np.maximum.reduceat(size, indptr[:-1][some])
    return np.where(most > 0, most, 1.0)


def _middle(size: FloatArray, group: IntArray, count: int) -> FloatArray:
    """The geometric mean of the largest and the least entry of each group, 1 without entries."""
    most, least = np.zeros(count), np.full(count, np.inf)
    some = size > 0
    np.maximum.at(most, group[some], size[some])
    np.minimum.at(least, group[some], size[some])
    return np.where(most > 0, np.sqrt(most) * np.sqrt(np.where(most > 0, least, 1.0)), 1.0)


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
    # Rounded outward, as sums of as many terms can be off.
    return (
        clean,
        row_lower - most - ROUNDING * np.abs(most),
        row_upper - least + ROUNDING * np.abs(least),
    )
