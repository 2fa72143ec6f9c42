"""What the rows of a program can add up to, from its ranges and from chosen rows only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.bounds import Infeasible, Propagator
from allocc.compiler.program import BoolArray, FloatArray, IntArray, Program

#: A row that no solver would see broken is taken for kept: relative to the size of its end.
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Ranges:
    """Ranges of a program's columns that follow from the rows where `used` is true."""

    program: Program
    used: BoolArray
    lower: FloatArray
    upper: FloatArray

    def definitions(self, columns: IntArray) -> tuple[FloatArray, FloatArray]:
        """The ranges of columns that a row each defines, from that row and from those alike."""
        assert self.program.defined is not None
        m = self.program.matrix
        low, high = self.lower[columns].copy(), self.upper[columns].copy()
        ends = _ends_by_direction(self.program, self.used)
        row_of = {int(j): i for i, j in enumerate(self.program.defined.tolist()) if j >= 0}
        for k, column in enumerate(columns.tolist()):
            row = row_of[column]
            here = slice(int(m.indptr[row]), int(m.indptr[row + 1]))
            mine = m.indices[here] == column
            own = float(m.data[here][mine][0])
            direction, first = _direction(m.indices[here][~mine], m.data[here][~mine])
            if direction is None or direction not in ends:
                continue
            # own * column + rest = level, and the rest lies between known ends.
            level = float(self.program.row_upper[row])
            pair = [(level - end * first) / own for end in ends[direction]]
            low[k], high[k] = max(low[k], min(pair)), min(high[k], max(pair))
        return low, high

    def activity(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """The least and the most that rows add up to.

        Besides the columns' ranges, a used row with the same coefficients up to a factor counts.
        """
        low, high = activity(self.program, rows, self.lower, self.upper)
        ends = _ends_by_direction(self.program, self.used)
        for i, row in enumerate(rows.tolist()):
            direction, first = _row_direction(self.program, row)
            if direction is None or direction not in ends:
                continue
            least, most = ends[direction]
            pair = (least * first, most * first)
            low[i], high[i] = max(low[i], min(pair)), min(high[i], max(pair))
        return low, high


def ranges(program: Program, used: BoolArray) -> Ranges | None:
    """Ranges from chosen rows; None where these contradict each other."""
    part = replace(
        program,
        row_lower=np.where(used, program.row_lower, -np.inf),
        row_upper=np.where(used, program.row_upper, np.inf),
    )
    try:
        lower, upper = Propagator(part).run(program.lower, program.upper)
    except Infeasible:
        return None
    return Ranges(program, used, lower, upper)


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


def _direction(columns: IntArray, data: FloatArray) -> tuple[bytes | None, float]:
    """A key that is equal for rows with the same coefficients up to a factor, and that factor."""
    if not len(data):
        return None, 0.0
    return columns.tobytes() + (data / data[0]).tobytes(), float(data[0])


def _row_direction(program: Program, row: int) -> tuple[bytes | None, float]:
    m = program.matrix
    here = slice(int(m.indptr[row]), int(m.indptr[row + 1]))
    return _direction(m.indices[here], m.data[here])


def _ends_by_direction(program: Program, used: BoolArray) -> dict[bytes, tuple[float, float]]:
    """The tightest ends of the used rows of each direction, divided by the row's factor."""
    found: dict[bytes, tuple[float, float]] = {}
    for row in np.flatnonzero(used).tolist():
        low, high = float(program.row_lower[row]), float(program.row_upper[row])
        direction, first = _row_direction(program, row)
        if direction is None:
            continue
        pair = (low / first, high / first)
        least, most = found.get(direction, (-np.inf, np.inf))
        found[direction] = (max(least, min(pair)), min(most, max(pair)))
    return found
