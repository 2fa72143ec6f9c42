r"""Bounds and infeasibility that any dual values prove, whatever a solver's tolerances are.

For the minimum of :math:`c'x` over :math:`l \le Ax \le u` and a box, with :math:`y_i \ge 0` on lower
sides and :math:`y_i \le 0` on upper ones,

.. math::
    c'x \;\ge\; \sum_i y_i\, b_i \;+\; \sum_j \min_{x_j \in [l_j, u_j]} (c - A'y)_j\, x_j ,

for every y: a solver's duals are as good as any others, and its tolerances can weaken the bound, not
falsify it. With :math:`c = 0` a right side above zero proves that no point exists (Farkas). Sums are
rounded outward by what rounding can have cost at most, so that the floating point numbers that come out
are proven as well.

:Reference: Neumaier and Shcherbina (2004), Mathematical Programming 99:283-296; Higham (2002), Accuracy
    and Stability of Numerical Algorithms, section 3.1, for the rounding of sums.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.bounds import MOST_PROPAGATED, UNIT
from allocc.compiler.programs.program import Program

#: A sum of n terms that NumPy adds in pairs is off by at most so many units for each doubling of n
#: beyond blocks of 128, added up in eight strands.
PAIRWISE = 64.0
#: Duals are corrected so often for columns without an end, and so far beyond what rounding can cost.
CORRECTIONS, CLEAR = 3, 16.0
#: Iterations of least squares for one correction.
ITERATIONS = 200


@dataclass(frozen=True)
class DualBound:
    """What dual values prove.

    `level` bounds the objective without its offset, from below where it is minimized, else from
    above; infinite where nothing is proven. `reduced_costs` are c - A'y (in the objective's own
    sense): in any point of a value v or better, a column is no further from the end of its range than
    (v - level) / |cost|. `certain` is False where a column without an end has a reduced cost that
    rounding does not tell from zero, and was taken as zero. `rounded` is what rounding can have cost each
    reduced cost. `multipliers` are the row duals that prove it, in the objective's own sense.
    """

    level: float
    reduced_costs: FloatArray
    certain: bool
    rounded: FloatArray
    multipliers: FloatArray

    @property
    def finite(self) -> bool:
        """Whether anything is proven."""
        return bool(np.isfinite(self.level))


def dual_bound(
    program: Program, objective: FloatArray, duals: FloatArray, minimize: bool = True
) -> DualBound:
    """The bound on `objective' x` over the linear relaxation that row duals prove.

    Where a column without an end has a reduced cost of the wrong sign, or one that rounding does not
    tell from it, duals near the given ones are sought that leave it the right one.
    """
    sign = 1.0 if minimize else -1.0
    c = sign * objective
    y = _admissible(program, sign * np.where(np.isfinite(duals), duals, 0.0))
    best = here = _bound(program, c, y)
    for _ in range(CORRECTIONS if program.matrix.nnz <= MOST_PROPAGATED else 0):
        if here.certain and here.finite:
            break
        y = _admissible(program, _corrected(program, y, here))
        here = _bound(program, c, y)
        if here.finite and (here.certain or not best.finite):
            best = here
    # What the ranges alone say is exact.
    alone = _bound(program, c, np.zeros(program.rows))
    if alone.level >= best.level:
        best = alone
    return replace(
        best,
        level=sign * best.level,
        reduced_costs=sign * best.reduced_costs,
        multipliers=sign * best.multipliers,
    )


def _admissible(program: Program, y: FloatArray) -> FloatArray:
    """Multipliers without those of the sides that rows do not have."""
    y = np.where((y > 0) & np.isneginf(program.row_lower), 0.0, y)
    return np.where((y < 0) & np.isposinf(program.row_upper), 0.0, y)


def _corrected(program: Program, y: FloatArray, found: DualBound) -> FloatArray:
    """Multipliers near y under which columns without an end have a reduced cost on their other side."""
    up, down = np.isposinf(program.upper), np.isneginf(program.lower)
    # Clear of rounding; a column without any end has to cost nothing.
    aim = CLEAR * found.rounded * (up.astype(float) - down.astype(float))
    short = (up & (found.reduced_costs < aim)) | (down & (found.reduced_costs > aim))
    near = (up | down) & (np.abs(found.reduced_costs) <= 2.0 * np.abs(aim))
    columns = np.flatnonzero(short | near)
    rows = np.flatnonzero((y != 0) | (program.row_lower == program.row_upper))
    if not len(columns) or not len(rows):
        return y
    from scipy.sparse.linalg import lsqr

    part = program.matrix[rows][:, columns].T
    wanted = (found.reduced_costs - aim)[columns]
    change = lsqr(part, wanted, atol=1e-12, btol=1e-12, iter_lim=ITERATIONS)[0]
    better = y.copy()
    better[rows] += change
    return better


def _bound(program: Program, objective: FloatArray, y: FloatArray) -> DualBound:
    """The bound from below that admissible multipliers prove."""
    used = y != 0
    side = np.where(y > 0, program.row_lower, program.row_upper)
    held = np.where(used, y * np.where(used, side, 0.0), 0.0)
    m = program.matrix
    parts = m.data * np.repeat(y, np.diff(m.indptr))
    reduced = objective - np.bincount(m.indices, parts, program.columns)
    absolute = np.abs(objective) + np.bincount(m.indices, np.abs(parts), program.columns)
    # Every product is rounded once, every sum of k terms k - 1 times; a cost alone is not.
    count = np.bincount(m.indices, parts != 0, program.columns)
    rounded = np.where(count > 0, (count + 2.0) * UNIT * absolute, 0.0)
    unclear = (np.abs(reduced) <= rounded) & (rounded > 0)
    end = np.where(reduced > 0, program.lower, program.upper)
    far = np.maximum(np.abs(program.lower), np.abs(program.upper))
    with np.errstate(invalid="ignore"):
        part = np.where(reduced != 0, reduced * end, 0.0)
        lost = np.where(rounded > 0, rounded * far, 0.0)
    # An open end times a cost that may be zero: nothing else can be said of it.
    open_end = unclear & ~np.isfinite(far)
    beside = np.isinf(far) & ~unclear & np.isfinite(part)
    part = np.where(open_end, 0.0, part)
    # Where the end that the cost points to is there, the other one does not matter.
    with np.errstate(invalid="ignore"):
        one_sided = rounded * np.abs(end)
    lost = np.where(open_end, 0.0, np.where(beside, one_sided, lost))
    lost = np.where(np.isnan(lost), 0.0, lost)
    total = float(np.sum(held)) + float(np.sum(part))
    if not np.isfinite(total):
        return DualBound(-np.inf, reduced, True, rounded, y)
    size = float(np.sum(np.abs(held))) + float(np.sum(np.abs(part)))
    margin = float(np.sum(lost)) * (1.0 + 1e-6) + PAIRWISE * UNIT * size
    return DualBound(total - margin, reduced, not bool(open_end.any()), rounded, y)


def shows_empty(program: Program, ray: FloatArray) -> DualBound | None:
    """What a vector of row multipliers, of either sign, shows of a program that has no point.

    None where it shows nothing.
    """
    none = np.zeros(program.columns)
    for y in (ray, -ray):
        found = dual_bound(program, none, y)
        if found.level > 0.0:
            return found
    return None
