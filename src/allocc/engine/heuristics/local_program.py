"""The smooth program that is left of a program once some of its decisions are held.

Its variables are the other decisions, each measured by its range from a start on; all else follows from
them (`Completer`), with exact derivatives (`Derivative`). A limit is a row, or an end of the range of a column
that follows, measured by the size of its terms, so that a change of units changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.differentiate import Derivative
from allocc.compiler.lowering.steps import RowStep
from allocc.compiler.programs.program import Program

#: A limit is measured by its terms, and at least by this share of the largest that its block has.
LEAST_SIZE = 1e-3


@dataclass(frozen=True, eq=False)
class Visit:
    """A point that was completed: its value (smaller is better) and `slack`, negative where broken."""

    x: FloatArray
    point: FloatArray
    value: float
    slack: FloatArray

    @property
    def worst(self) -> float:
        """By how much the worst limit is broken, by its size."""
        return float(np.max(-self.slack, initial=0.0))


@dataclass(frozen=True, eq=False)
class Limits:
    """Rows of a program that are no definitions, and ranges of what follows from decisions.

    `matrix @ x` lies in `lower .. upper`; `block` numbers what they were written by.
    """

    matrix: sparse.csr_array
    lower: FloatArray
    upper: FloatArray
    block: IntArray


def limits_of(program: Program, complete: Completer, holds: BoolArray) -> Limits:
    """All limits; `holds` says which rows of the program do."""
    taken = np.zeros(program.rows, dtype=bool)
    determined = np.zeros(program.columns, dtype=bool)
    for step in complete.steps:
        determined[step.result] = True
        if isinstance(step, RowStep):
            taken[step.rows] = True
    rows = np.flatnonzero(
        ~taken & holds & (np.isfinite(program.row_lower) | np.isfinite(program.row_upper))
    )
    columns = np.flatnonzero(determined & (np.isfinite(program.lower) | np.isfinite(program.upper)))
    row_starts, column_starts = (
        np.array([b.start for b in blocks], dtype=np.int64)
        for blocks in (program.row_blocks, program.column_blocks)
    )
    picked = sparse.csr_array(
        (np.ones(len(columns)), columns, np.arange(len(columns) + 1)),
        shape=(len(columns), program.columns),
    )
    return Limits(
        sparse.csr_array(sparse.vstack([program.matrix[rows], picked])),
        np.concatenate([program.row_lower[rows], program.lower[columns]]),
        np.concatenate([program.row_upper[rows], program.upper[columns]]),
        np.concatenate(
            [
                np.searchsorted(row_starts, rows, side="right"),
                -np.searchsorted(column_starts, columns, side="right"),
            ]
        ),
    )


class LocalProgram:
    """Minimize a value over decisions `x` in units of their span: `low <= x <= high`, `slack(x) >= 0`.

    `sides` are the limits one side each: the row in `limits`, and 1 for a lower side, -1 for an upper one.
    Those of `equal` have both sides alike, once.
    """

    def __init__(
        self,
        complete: Completer,
        limits: Limits,
        free: IntArray,
        start: FloatArray,
        span: FloatArray,
    ) -> None:
        p = complete.program
        self.complete, self.limits, self.free, self.span = complete, limits, free, span
        self.derivative = Derivative(complete, free)
        self.start = complete(start)
        self.low, self.high = p.lower[free] / span, p.upper[free] / span
        self.sign = 1.0 if p.sense == "minimize" else -1.0
        self.costs = self.sign * p.objective
        self._sizes(self.start)
        self._linear()

    def _sizes(self, point: FloatArray) -> None:
        """Measure limits by their terms at a point, and say which sides there are."""
        r = self.limits
        terms = np.abs(np.where(np.isfinite(point), point, 0.0))
        own = abs(r.matrix) @ terms
        for end in (r.lower, r.upper):
            own = np.maximum(own, np.where(np.isfinite(end), np.abs(end), 0.0))
        blocks, place = np.unique(r.block, return_inverse=True)
        largest = np.zeros(len(blocks))
        np.maximum.at(largest, place, own)
        self.size: FloatArray = np.maximum(own, LEAST_SIZE * largest[place])
        # What is zero everywhere is measured by what its decisions may add.
        reach = abs(r.matrix[:, self.free]) @ self.span
        self.size = np.where(self.size > 0, self.size, np.where(reach > 0, reach, 1.0))
        equal = r.lower == r.upper
        below, above = (np.flatnonzero(np.isfinite(e) & ~equal) for e in (r.lower, r.upper))
        both = np.flatnonzero(equal)
        self.row: IntArray = np.concatenate([both, below, above])
        self.side: FloatArray = np.concatenate(
            [np.ones(len(both) + len(below)), -np.ones(len(above))]
        )
        self.end: FloatArray = np.concatenate([r.lower[both], r.lower[below], r.upper[above]])
        self.equal: BoolArray = np.arange(len(self.row)) < len(both)

    def _linear(self) -> None:
        """Which sides are linear in the decisions; those on one decision become its range."""
        p = self.complete.program
        follows = np.zeros(p.columns, dtype=bool)
        follows[self.derivative.determined] = True
        m = self.limits.matrix
        linear = (abs(m[:, np.flatnonzero(follows)]).sum(axis=1) == 0)[self.row]
        part = sparse.csr_array(m[:, self.free])
        single = np.diff(part.indptr) == 1
        held = self.start.copy()
        held[self.free] = 0.0
        level = m @ np.where(np.isfinite(held), held, 0.0)
        simple = linear & single[self.row]
        for k in np.flatnonzero(simple).tolist():
            i = int(self.row[k])
            j, a = int(part.indices[part.indptr[i]]), float(part.data[part.indptr[i]])
            end = (self.end[k] - level[i]) / a / self.span[j]
            if self.equal[k] or self.side[k] * a > 0:
                self.low[j] = max(self.low[j], end)
            if self.equal[k] or self.side[k] * a < 0:
                self.high[j] = min(self.high[j], end)
        # Rounding may cross two ends that mean one value.
        self.low, self.high = np.minimum(self.low, self.high), np.maximum(self.low, self.high)
        #: The sides that a search has to look at: not those that no decision moves.
        constant = linear & (np.diff(part.indptr) == 0)[self.row]
        self.open: BoolArray = ~(simple | constant)
        self.linear: BoolArray = linear

    def visit(self, x: FloatArray) -> Visit:
        """Complete a point of scaled decisions and judge it."""
        given = self.start.copy()
        given[self.free] = x * self.span
        point = self.complete(given)
        with np.errstate(invalid="ignore", over="ignore"):
            activity = (self.limits.matrix @ point)[self.row]
            slack = self.side * (activity - self.end) / self.size[self.row]
            slack = np.where(self.equal, -np.abs(slack), slack)
            value = float(self.costs @ point)
        return Visit(x.copy(), point, value, np.where(np.isfinite(slack), slack, -np.inf))

    def signed(self, visit: Visit, which: IntArray) -> FloatArray:
        """The slacks of some sides, with the sign of the difference where the sides are alike."""
        rows = self.row[which]
        activity = self.limits.matrix[rows] @ visit.point
        return np.asarray(self.side[which] * (activity - self.end[which]) / self.size[rows])

    def slopes(self, visit: Visit, which: IntArray) -> tuple[FloatArray, FloatArray] | None:
        """The gradient of the value, and the Jacobian of some slacks; None where they have none."""
        found = self.derivative.at(visit.point)
        if found is None:
            return None
        rows = self.row[which]
        scale = self.side[which] / self.size[rows]
        jacobian = found.of_rows(self.limits.matrix[rows]) * scale[:, None] * self.span
        return found.of(self.costs) * self.span, jacobian
