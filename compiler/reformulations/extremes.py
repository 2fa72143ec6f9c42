r"""Smallest and largest of affine expressions.

.. math::
    w \ge x_p \ \forall p, \qquad
    w \le x_p + (w_U - x_{p,L}) (1 - z_p), \qquad \sum_p z_p = 1 .

The first part is enough where :math:`w` may be lowered without harm (see ``direction``), and is left out
where :math:`w` may be raised; if it may not be lowered, a binary says which argument is the largest. Of
two arguments, the difference counts: with one binary,

.. math::
    w \le x_1 + d, \quad 0 \le d \le t_U\, z, \quad d - (x_2 - x_1) \le -t_L\, (1 - z),

for the range :math:`[t_L, t_U]` of the difference, which follows from what both are made of. Its linear
relaxation is the concave envelope, so that it is the best there is for each pair by itself. Two arguments of
very different sizes, as money and a yes or no, keep to the first form.

:Source: ``w = max(x_1, ..., x_n)``; ``min`` is its mirror.
:Target: Linear rows, and binaries where the direction needs them.
:Exact: Yes.
:Reference: Yildiz and Vielma (2013), Operations Research Letters 41:654-658 (incremental
    formulations of piecewise linear functions), for the difference.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import MARGIN
from allocc.compiler.programs.bounds_needed import check_finite
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Extremes, Program
from allocc.compiler.programs.reformulation import Atoms, Facts, Reformulation

#: How much larger one of two arguments may be than the other for a row with both of them.
MOST_APART = 1e3


def write(
    build: Extension,
    e: Extremes,
    lower: FloatArray,
    upper: FloatArray,
    down: BoolArray,
    up: BoolArray,
) -> int:
    """Add the rows; returns the number of binaries that were needed. Bounds must be finite there."""
    is_max = e.sense == "max"
    free, loose = (down, up) if is_max else (up, down)
    # What may leave its arguments without harm need not be held at them.
    held = np.flatnonzero(~loose[e.result][e.owner])
    build.rows(
        e.sense,
        [(e.result[e.owner[held]], 1.0), (e.argument[held], -1.0)],
        0.0 if is_max else -np.inf,
        np.inf if is_max else 0.0,
        count=len(held),
    )
    needed = ~free[e.result]
    entries = np.flatnonzero(needed[e.owner])
    # An argument that can never be the largest needs no binary.
    if is_max:
        best = np.full(len(e), -np.inf)
        np.maximum.at(best, e.owner, lower[e.argument])
        entries = entries[upper[e.argument[entries]] >= best[e.owner[entries]]]
    else:
        best = np.full(len(e), np.inf)
        np.minimum.at(best, e.owner, upper[e.argument])
        entries = entries[lower[e.argument[entries]] <= best[e.owner[entries]]]
    if not len(entries):
        return 0
    left = np.bincount(e.owner[entries], minlength=len(e))[e.owner[entries]]
    _equal(build, e, e.result[e.owner[entries]][left == 1], e.argument[entries][left == 1])
    two = entries[left == 2]
    pairs = two[np.argsort(e.owner[two], kind="stable")].reshape(-1, 2)
    alike = _alike(e.argument[pairs], lower, upper)
    count = _pairs(build, e, pairs[alike], lower, upper) if alike.any() else 0
    entries = np.sort(np.concatenate([entries[left > 2], pairs[~alike].ravel()]))
    if not len(entries):
        return count
    owner, argument = e.owner[entries], e.argument[entries]
    w = e.result[owner]
    z = build.columns(f"which {e.sense}", len(entries), 0.0, 1.0, integer=True)
    big = upper[w] - lower[argument] if is_max else upper[argument] - lower[w]
    big = np.maximum(big, 0.0)
    if is_max:
        build.rows("max is", [(w, 1.0), (argument, -1.0), (z, big)], -np.inf, big)
    else:
        build.rows("min is", [(w, 1.0), (argument, -1.0), (z, -big)], -big, np.inf)
    owners, place = np.unique(owner, return_inverse=True)
    build.ragged("one is", place, z, 1.0, 1.0, 1.0, len(owners))
    return count + len(entries)


def _alike(pairs: IntArray, lower: FloatArray, upper: FloatArray) -> BoolArray:
    """Whether the ranges of two arguments are of one size, so that their difference shows both.

    In a row with millions a solver's tolerance is larger than a yes or no. So where an amount stands
    beside a binary, as in `money <= 0 or open >= 1`, each gets a row of its own. What is fixed is only a
    number in the row.
    """
    size = np.maximum(np.abs(lower[pairs]), np.abs(upper[pairs]))
    fixed: BoolArray = (lower[pairs] == upper[pairs]).any(axis=1)
    alike: BoolArray = size.max(axis=1) <= MOST_APART * size.min(axis=1)
    return alike | fixed


def _equal(build: Extension, e: Extremes, w: IntArray, argument: IntArray) -> None:
    """Rows for results of which the argument that counts is known."""
    side = (-np.inf, 0.0) if e.sense == "max" else (0.0, np.inf)
    build.rows(f"{e.sense} is", [(w, 1.0), (argument, -1.0)], *side, count=len(w))


def _pairs(
    build: Extension, e: Extremes, pairs: IntArray, lower: FloatArray, upper: FloatArray
) -> int:
    """The form by the difference of two arguments; `pairs` has two entries of each owner."""
    is_max = e.sense == "max"
    w = e.result[e.owner[pairs[:, 0]]]
    first, second = e.argument[pairs[:, 0]], e.argument[pairs[:, 1]]
    # max = first + (second - first)+,  min = first - (first - second)+
    high, low = (second, first) if is_max else (first, second)
    least, most = difference(build.program, high, low, lower, upper)
    sign = 1.0 if is_max else -1.0
    side = (-np.inf, 0.0) if is_max else (0.0, np.inf)
    for known, column in ((most <= 0, first), ((least >= 0) & (most > 0), second)):
        _equal(build, e, w[known], column[known])
    rows = np.flatnonzero((least < 0) & (most > 0))
    if not len(rows):
        return 0
    w, first, high, low = w[rows], first[rows], high[rows], low[rows]
    least, most = least[rows], most[rows]
    above = build.columns("above", len(rows), 0.0, most)
    z = build.columns(f"which {e.sense}", len(rows), 0.0, 1.0, integer=True)
    build.rows(f"{e.sense} is", [(w, 1.0), (first, -1.0), (above, -sign)], *side)
    build.rows("above", [(above, 1.0), (z, -most)], -np.inf, 0.0)
    parts = [(above, 1.0), (high, -1.0), (low, 1.0), (z, -least)]
    build.rows("difference", parts, -np.inf, -least)
    return len(rows)


def difference(
    program: Program, a: IntArray, b: IntArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of x[a] - x[b], where both are written out by the rows that define them."""
    left, left_level = _written_out(program, a)
    right, right_level = _written_out(program, b)
    m = sparse.csr_array(left - right)
    m.eliminate_zeros()
    level = left_level - right_level
    row_of = np.repeat(np.arange(len(a)), np.diff(m.indptr))
    with np.errstate(invalid="ignore"):
        ends = np.stack([m.data * lower[m.indices], m.data * upper[m.indices]])
    least = level + np.bincount(row_of, ends.min(axis=0), len(a))
    most = level + np.bincount(row_of, ends.max(axis=0), len(a))
    size = np.abs(level) + np.bincount(row_of, np.abs(ends).max(axis=0), len(a))
    slack = MARGIN * np.where(np.isfinite(size), size, 0.0)
    return (
        np.maximum(least - slack, lower[a] - upper[b]),
        np.minimum(most + slack, upper[a] - lower[b]),
    )


def _written_out(program: Program, columns: IntArray) -> tuple[sparse.csr_array, FloatArray]:
    """Each column as a row of coefficients and a constant, by the row that defines it, if any."""
    n = program.columns
    row = np.full(n, -1, dtype=np.int64)
    if program.defined is not None:
        known = np.flatnonzero(program.defined >= 0)
        row[program.defined[known]] = known
    rows = row[columns]
    has = np.flatnonzero(rows >= 0)
    # x - terms = level, so that x = level + terms.
    level = np.zeros(len(columns))
    level[has] = program.row_lower[rows[has]]
    unit = sparse.csr_array(
        sparse.coo_array(
            (np.ones(len(columns)), (np.arange(len(columns)), columns)), shape=(len(columns), n)
        )
    )
    pick = sparse.csr_array(
        sparse.coo_array((np.ones(len(has)), (has, rows[has])), shape=(len(columns), program.rows))
    )
    return sparse.csr_array(unit - pick @ program.matrix), level


def _write(build: Extension, atoms: Atoms, facts: Facts) -> None:
    for e in atoms.extremes:
        free = facts.down if e.sense == "max" else facts.up
        held = e.argument[~free[e.result[e.owner]]]
        check_finite(build.program, held, facts.lower, facts.upper)
        write(build, e, facts.lower, facts.upper, facts.down, facts.up)


REFORMULATION = Reformulation(
    "smallest and largest",
    exact=True,
    takes=lambda p: Atoms(extremes=p.extremes),
    write=_write,
)
