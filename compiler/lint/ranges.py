"""What the rows of a program can add up to, from its ranges and from chosen rows only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import MOST_SWEEPS, Infeasible, Propagator
from allocc.compiler.programs.program import Program

#: A row that no solver would see broken is taken for kept: relative to the size of its end.
TOLERANCE = 1e-8

#: A propagation looks at so many coefficients at most, again and again: a second or a few.
MOST_WORK = 3e6


class Directions:
    """Finds rows with the same coefficients up to a factor, by a hash of all rows at once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        m = program.matrix
        # Any weights will do; what they find is compared entry by entry.
        self.weights: FloatArray = np.random.default_rng(0).uniform(1.0, 2.0, program.columns)
        counts = np.diff(m.indptr)
        self.row_of: IntArray = np.repeat(np.arange(program.rows), counts)
        first = np.zeros(program.rows)
        first[counts > 0] = m.data[m.indptr[:-1][counts > 0]]
        self.first: FloatArray = first
        scaled = m.data / first[self.row_of]
        self.hashes: FloatArray = np.bincount(
            self.row_of, scaled * self.weights[m.indices], program.rows
        ).astype(float)
        self.order: IntArray = np.argsort(self.hashes, kind="stable")
        self.sorted: FloatArray = self.hashes[self.order]

    def repeated(self, rows: IntArray) -> IntArray:
        """Those of `rows`, as positions, that may have another row alike."""
        wanted = self.hashes[rows]
        count = np.searchsorted(self.sorted, wanted, "right") - np.searchsorted(self.sorted, wanted)
        return np.flatnonzero((count > 1) & (self.first[rows] != 0))

    def entries(self, row: int) -> tuple[IntArray, FloatArray]:
        """Columns and coefficients of a row."""
        m = self.program.matrix
        here = slice(int(m.indptr[row]), int(m.indptr[row + 1]))
        return m.indices[here], m.data[here]

    def ends(
        self, columns: IntArray, data: FloatArray, used: BoolArray
    ) -> tuple[float, float] | None:
        """What the used rows alike say that the entries add up to; None where there is none."""
        if not len(data):
            return None
        scaled = data / data[0]
        value = np.bincount(
            np.zeros(len(data), dtype=np.int64), scaled * self.weights[columns]
        ).astype(float)[0]
        start, stop = np.searchsorted(self.sorted, [value, np.nextafter(value, np.inf)])
        low, high = -np.inf, np.inf
        for row in self.order[start:stop].tolist():
            theirs, values = self.entries(row)
            if not used[row] or not np.array_equal(theirs, columns):
                continue
            if not np.array_equal(values / values[0], scaled):
                continue
            factor = float(data[0] / values[0])
            pair = (
                factor * float(self.program.row_lower[row]),
                factor * float(self.program.row_upper[row]),
            )
            low, high = max(low, min(pair)), min(high, max(pair))
        return low, high


@dataclass(frozen=True)
class Ranges:
    """Ranges of a program's columns that follow from the rows where `used` is true."""

    directions: Directions
    used: BoolArray
    lower: FloatArray
    upper: FloatArray

    @property
    def program(self) -> Program:
        """The program."""
        return self.directions.program

    def definitions(self, columns: IntArray) -> tuple[FloatArray, FloatArray]:
        """The ranges of columns that a row each defines, from that row and from those alike."""
        assert self.program.defined is not None
        low, high = self.lower[columns].copy(), self.upper[columns].copy()
        rows = np.flatnonzero(np.isin(self.program.defined, columns))
        row_of = dict(zip(self.program.defined[rows].tolist(), rows.tolist(), strict=True))
        for k, column in enumerate(columns.tolist()):
            row = row_of[column]
            there, data = self.directions.entries(row)
            mine = there == column
            ends = self.directions.ends(there[~mine], data[~mine], self.used)
            if ends is None:
                continue
            # own * column + rest = level, and the rest lies between known ends.
            own, level = float(data[mine][0]), float(self.program.row_upper[row])
            pair = [(level - end) / own for end in ends]
            low[k], high[k] = max(low[k], min(pair)), min(high[k], max(pair))
        return low, high

    def activity(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """The least and the most that rows add up to.

        Besides the columns' ranges, a used row with the same coefficients up to a factor counts.
        """
        low, high = activity(self.program, rows, self.lower, self.upper)
        for i in self.directions.repeated(rows).tolist():
            ends = self.directions.ends(*self.directions.entries(int(rows[i])), self.used)
            if ends is not None:
                low[i], high[i] = max(low[i], ends[0]), min(high[i], ends[1])
        return low, high


def ranges(directions: Directions, used: BoolArray) -> Ranges | None:
    """Ranges from chosen rows of a program; None where these contradict each other."""
    program = directions.program
    part = replace(
        program,
        row_lower=np.where(used, program.row_lower, -np.inf),
        row_upper=np.where(used, program.row_upper, np.inf),
    )
    try:
        # However few sweeps there are, what they find holds.
        sweeps = int(np.clip(MOST_WORK / max(1, program.matrix.nnz), 10, MOST_SWEEPS))
        lower, upper = Propagator(part).run(program.lower, program.upper, sweeps)
    except Infeasible:
        return None
    return Ranges(directions, used, lower, upper)


def activity(
    program: Program, rows: IntArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The least and the most that rows add up to within ranges of the columns."""
    m = program.matrix[rows]
    row_of = np.repeat(np.arange(len(rows)), np.diff(m.indptr))
    positive = m.data > 0
    ends = []
    for a, b in ((lower, upper), (upper, lower)):
        part = m.data * np.where(positive, a[m.indices], b[m.indices])
        ends.append(np.bincount(row_of, part, len(rows)).astype(float))
    return ends[0], ends[1]
