r"""Bounds and infeasibility that any dual values prove, whatever a solver's tolerances are.

For the minimum of :math:`c'x` over :math:`l \le Ax \le u` and a box, with :math:`y_i \ge 0` on lower
sides and :math:`y_i \le 0` on upper ones,

.. math::
    c'x \;\ge\; \sum_i y_i\, b_i \;+\; \sum_j \min_{x_j \in [l_j, u_j]} (c - A'y)_j\, x_j ,

for every y: a solver's duals are as good as any others, and its tolerances can weaken the bound, not
falsify it. With :math:`c = 0` a right side above nought proves that no point exists (Farkas). Sums are
rounded outward by what rounding can have cost at most, so that the floating point numbers that come out
are proven as well.

:Reference: Neumaier and Shcherbina (2004), Mathematical Programming 99:283-296; Higham (2002), Accuracy
    and Stability of Numerical Algorithms, section 3.1, for the rounding of sums.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.program import FloatArray, Program

#: The unit of rounding of a double precision number.
UNIT = 2.0**-53
#: A sum of n terms that NumPy adds in pairs is off by at most so many units for each doubling of n
#: beyond blocks of 128, added up in eight strands.
PAIRWISE = 40.0
#: Duals are corrected so often for columns without an end, where so many entries are looked at at most.
CORRECTIONS, MOST_CORRECTED = 2, 4_000_000


@dataclass(frozen=True)
class DualBound:
    """What dual values prove.

    `level` bounds the objective without its offset, from below where it is minimized, else from
    above; infinite where nothing is proven. `reduced_costs` are c - A'y (in the objective's own
    sense): in any point of a value v or better, a column is no further from the end of its range than
    (v - level) / |cost|. `certain` is False where a column without an end has a reduced cost that
    rounding does not tell from nought, and was taken as nought.
    """

    level: float
    reduced_costs: FloatArray
    certain: bool


def dual_bound(
    program: Program, objective: FloatArray, duals: FloatArray, minimize: bool = True
) -> DualBound:
    """The bound on `objective' x` over the linear relaxation that row duals prove.

    Where a column without an end has a small reduced cost of the wrong sign, duals near the given ones
    are sought that leave it none.
    """
    sign = 1.0 if minimize else -1.0
    y = sign * np.where(np.isfinite(duals), duals, 0.0)
    found = _bound(program, sign * objective, y)
    for _ in range(CORRECTIONS):
        if np.isfinite(found.level):
            break
        y = _corrected(program, y, found.reduced_costs)
        found = _bound(program, sign * objective, y)
    return replace(found, level=sign * found.level, reduced_costs=sign * found.reduced_costs)


def _corrected(program: Program, y: FloatArray, reduced: FloatArray) -> FloatArray:
    """Multipliers near y under which no column pays for an end that it does not have."""
    wrong = ((reduced > 0) & np.isneginf(program.lower)) | (
        (reduced < 0) & np.isposinf(program.upper)
    )
    # What already costs nothing has to stay so.
    open_end = np.isneginf(program.lower) | np.isposinf(program.upper)
    still = open_end & (np.abs(reduced) <= 1e-9 * np.abs(reduced[wrong]).max(initial=0.0))
    columns = np.flatnonzero(wrong | still)
    rows = np.flatnonzero((y != 0) | (program.row_lower == program.row_upper))
    if not len(columns) or not len(rows) or len(rows) * len(columns) > MOST_CORRECTED:
        return y
    part = program.matrix[rows][:, columns].toarray().T
    change = np.linalg.lstsq(part, reduced[columns], rcond=None)[0]
    better = y.copy()
    better[rows] += change
    return better


def _bound(program: Program, objective: FloatArray, y: FloatArray) -> DualBound:
    """The bound from below that multipliers prove."""
    y = np.where((y > 0) & np.isneginf(program.row_lower), 0.0, y)
    y = np.where((y < 0) & np.isposinf(program.row_upper), 0.0, y)
    used = y != 0
    side = np.where(y > 0, program.row_lower, program.row_upper)
    held = np.where(used, y * np.where(used, side, 0.0), 0.0)
    m = program.matrix
    parts = m.data * np.repeat(y, np.diff(m.indptr))
    reduced = objective - np.bincount(m.indices, parts, program.columns)
    absolute = np.abs(objective) + np.bincount(m.indices, np.abs(parts), program.columns)
    # Every product is rounded once, every sum of k terms k - 1 times.
    rounded = (np.bincount(m.indices, parts != 0, program.columns) + 2.0) * UNIT * absolute
    unclear = np.abs(reduced) <= rounded
    end = np.where(reduced > 0, program.lower, program.upper)
    far = np.maximum(np.abs(program.lower), np.abs(program.upper))
    with np.errstate(invalid="ignore"):
        part = np.where(reduced != 0, reduced * end, 0.0)
        lost = np.where(rounded > 0, rounded * far, 0.0)
    # An open end times a cost that may be nought: nothing else can be said of it.
    open_end = unclear & ~np.isfinite(far)
    beside = np.isinf(far) & ~unclear & np.isfinite(part)
    part = np.where(open_end, 0.0, part)
    # Where the end that the cost points to is there, the other one does not matter.
    lost = np.where(open_end, 0.0, np.where(beside, rounded * np.abs(end), lost))
    total = float(np.sum(held)) + float(np.sum(part))
    if not np.isfinite(total):
        return DualBound(-np.inf, reduced, True)
    size = float(np.sum(np.abs(held))) + float(np.sum(np.abs(part)))
    margin = float(np.sum(lost)) * (1.0 + 1e-6) + PAIRWISE * UNIT * size
    certain = not bool((open_end & (absolute > 0)).any())
    return DualBound(total - margin, reduced, certain)


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
