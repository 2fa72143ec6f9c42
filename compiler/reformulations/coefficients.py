r"""Coefficients of whole columns, cut to what the ranges of the other columns prove.

A modeller switches an amount by a constant that is large enough: :math:`x \le M b` with :math:`b` binary.
With :math:`M = 10^9` a solver's tolerance of :math:`10^{-7}` lets a hundred units through a switch that is
off, and the relaxation says next to nothing. Let

.. math::
    a'x + c\,z \le u, \qquad z \in \{l, \ldots, h\}, \qquad
    e = \max_x a'x + \max(c\,l, c\,h) - u ,

the maximum taken over proven ranges: :math:`e` is the most by which the row can be broken. Where
:math:`0 < e < |c|` the row says something only while :math:`z` is at the end of its range where
:math:`c\,z` is largest; one step from there it holds whatever x is. So

.. math::
    c \to \pm e, \qquad u \to u - (c \mp e)\, z^*, \qquad
    z^* = h \text{ for } c > 0,\; l \text{ for } c < 0 ,

leaves the row as it is at :math:`z^*` and only just redundant elsewhere. :math:`e` does not change by this,
so that all whole columns of a row are cut at once. For :math:`x \le M b` with :math:`x \le U` it gives
:math:`x \le U b`.

:math:`e` and the sides are rounded outward. The ranges that a coefficient was cut for are kept with it.

:Source: One-sided rows with whole columns.
:Target: The same rows.
:Exact: Yes, at points that are whole: of these none is lost and none is added. Between them the
    relaxation is tighter.
:Reference: Savelsbergh (1994), Preprocessing and probing techniques for mixed integer programming
    problems, ORSA Journal on Computing 6:445-454, section 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import UNIT, Infeasible, Propagator
from allocc.compiler.programs.passes import Pass
from allocc.compiler.programs.program import Program
from allocc.compiler.programs.scaling import sweeps_of

#: A row counts as broken by this part of what the others in it add up to, at least: less is no number
#: that a solver tells from zero.
LEAST = 1e-6
#: A coefficient is cut where this share of it is left, or less; elsewhere it stays as it was written.
WORTH = 0.999
#: Ranges are propagated for a coefficient that is so many times as large as the least of its row.
LARGE = 100.0
#: Beside a coefficient that is so many times as large, a solver's tolerance lets an amount through.
APART = 1e6


@dataclass(frozen=True)
class _Rows:
    """The entries of one-sided rows with whole columns, turned so that each row is `<= side`.

    `entry` counts in the matrix's data; `row`, `column`, `value` and `whole` go with it.
    """

    entry: IntArray
    row: IntArray
    column: IntArray
    value: FloatArray
    whole: BoolArray
    side: FloatArray

    def parts(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """The most that each entry adds to its row within ranges."""
        return self.value * np.where(self.value > 0, upper[self.column], lower[self.column])

    def total(self, parts: FloatArray) -> FloatArray:
        """What the entries of each row add up to."""
        return np.bincount(self.row, parts, len(self.side)).astype(float)

    def broken(self, parts: FloatArray) -> FloatArray:
        """The most by which each row can be broken, rounded outward."""
        size = self.total(np.abs(parts)) + np.abs(self.side)
        count = np.bincount(self.row, minlength=len(self.side)) + 2.0
        return self.total(parts) - self.side + count * UNIT * size


def tighten_coefficients(program: Program) -> Program:
    """The program with the coefficients of whole columns cut; itself where there is none to cut."""
    rows = _one_sided(program)
    if not rows.whole.any():
        return program
    lower, upper = program.lower, program.upper
    if _wants_ranges(rows, lower, upper):
        try:
            lower, upper = Propagator(program).run(lower, upper, sweeps_of(program))
        except Infeasible:
            return program  # whoever solves it will find the same, and say so
    return _cut(program, rows, lower, upper)


def _one_sided(program: Program) -> _Rows:
    m = program.matrix
    row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
    below, above = np.isfinite(program.row_lower), np.isfinite(program.row_upper)
    whole = program.integer & np.isfinite(program.lower) & np.isfinite(program.upper)
    whole &= program.lower < program.upper
    used = np.bincount(row_of, whole[m.indices] & (m.data != 0), program.rows) > 0
    used &= below != above
    entry = np.flatnonzero(used[row_of] & (m.data != 0))
    row, column = row_of[entry], m.indices[entry].astype(np.int64)
    value = np.where(above[row], m.data[entry], -m.data[entry])
    side = np.where(above, program.row_upper, -program.row_lower)
    return _Rows(entry, row, column, value, whole[column], np.where(used, side, 0.0))


@np.errstate(invalid="ignore", over="ignore")
def _wants_ranges(rows: _Rows, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether more has to be known of the ranges than is declared."""
    broken = rows.broken(rows.parts(lower, upper))[rows.row]
    size = np.abs(rows.value)
    least = np.full(len(rows.side), np.inf)
    np.minimum.at(least, rows.row, size)
    large = (size > LARGE * least[rows.row]) & (size <= broken)
    return bool((rows.whole & (large | ~np.isfinite(broken))).any())


@np.errstate(invalid="ignore", over="ignore")
def _cut(program: Program, rows: _Rows, lower: FloatArray, upper: FloatArray) -> Program:
    parts = rows.parts(lower, upper)
    broken = rows.broken(parts)[rows.row]
    others = rows.total(np.abs(parts))[rows.row] - np.abs(parts)
    most = np.maximum(broken, LEAST * others)
    # What cannot be broken says nothing, whatever stands in it.
    cut = rows.whole & (broken > 0) & (most < WORTH * np.abs(rows.value))
    if not cut.any():
        return program
    row, column, old = rows.row[cut], rows.column[cut], rows.value[cut]
    new = np.sign(old) * most[cut]
    end = np.where(old > 0, upper[column], lower[column])
    m, n = program.matrix, program.rows
    # Both sums are those at the ends: what large numbers leave of each other is not rounded again.
    gone, left = np.bincount(row, old * end, n), np.bincount(row, new * end, n)
    size = np.bincount(row, np.abs(old * end), n)
    count = np.bincount(row, minlength=n) + 2.0
    side = (rows.side - gone) + left + np.where(size > 0, count * UNIT * size, 0.0)
    data = m.data.copy()
    above = np.isfinite(program.row_upper)
    data[rows.entry[cut]] = np.where(above[row], new, -new)
    moved = size > 0
    # The ends that a coefficient was cut for have to hold beside it.
    low, high = program.lower.copy(), program.upper.copy()
    low[column], high[column] = lower[column], upper[column]
    return replace(
        program,
        lower=low,
        upper=high,
        matrix=sparse.csr_array((data, m.indices, m.indptr), shape=m.shape),
        row_lower=np.where(moved & ~above, -side, program.row_lower),
        row_upper=np.where(moved & above, side, program.row_upper),
    )


@dataclass(frozen=True)
class FarApart:
    """A row in which a whole column is multiplied by far more than another one is."""

    row: str
    whole: str
    coefficient: float
    other: str

    def __str__(self) -> str:
        return (
            f"`{self.row}` multiplies `{self.whole}` by {self.coefficient:.6g}, which is too large for a "
            f"solver beside the rest; write a smaller number there, or limit `{self.other}`, so that a "
            "smaller one follows"
        )


def far_apart(program: Program) -> FarApart | None:
    """The row with the largest coefficient of a whole column beside the least one; None where all are near."""
    rows = _one_sided(program)
    size = np.abs(rows.value)
    least = np.full(len(rows.side), np.inf)
    np.minimum.at(least, rows.row, size)
    times = np.where(rows.whole, size / least[rows.row], 0.0)
    if times.max(initial=0.0) < APART:
        return None
    k = int(np.argmax(times))
    mine = np.flatnonzero(rows.row == rows.row[k])
    other = int(rows.column[mine[np.argmin(size[mine])]])
    return FarApart(
        program.row_name(int(rows.row[k])),
        program.column_name(int(rows.column[k])),
        float(size[k]),
        program.column_name(other),
    )


PASS = Pass(
    "coefficients",
    "coefficients of whole columns, cut to what the ranges of the others prove",
    lambda program: bool(program.integer.any()),
    tighten_coefficients,
    after=("chance", "denominators", "growth"),
)
