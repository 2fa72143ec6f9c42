"""Ends of columns that a proof measures by: those of the program, and those that follow from its rows.

Dual values leave a little of every column, which its ends bound. Where the program leaves an end open, the
first row that closes it is kept, so that the proof can derive it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program
from allocc.engine.certifying.exact import ExactProgram, rounded
from allocc.engine.certifying.vipr import ProofFile


@dataclass(frozen=True)
class _Closing:
    """The row that closes an end of a column, by its upper or lower side."""

    row: int
    upper: bool


class Ends:
    """The ends of all columns in exact numbers, derived in the proof where they are not its own."""

    def __init__(self, exact: ExactProgram, proof: ProofFile) -> None:
        self.exact, self.proof = exact, proof
        self._derived: dict[tuple[int, bool], tuple[int, Fraction]] = {}
        # In their order each needs only what was closed before.
        for (j, upper), closing in closing_rows(exact.program).items():
            self._derived[(j, upper)] = self._derive(j, upper, closing)

    def end(self, column: int, upper: bool) -> tuple[int, Fraction] | None:
        """The constraint that says an end, and the end; None where nothing closes it."""
        own = self.exact.upper[column] if upper else self.exact.lower[column]
        if own is not None:
            return self.proof.bound(column, upper), own
        return self._derived.get((column, upper))

    def box(self) -> tuple[FloatArray, FloatArray]:
        """The ends of all columns in floating point, infinite where nothing closes them."""
        p = self.exact.program
        ends = p.lower.copy(), p.upper.copy()
        for (j, upper), (_, value) in self._derived.items():
            ends[upper][j] = float(value)
        return ends

    def _derive(self, j: int, upper: bool, closing: _Closing) -> tuple[int, Fraction]:
        x = self.exact
        terms = x.row(closing.row)
        own = next(a for k, a in terms if k == j)
        side = x.row_upper[closing.row] if closing.upper else x.row_lower[closing.row]
        assert side is not None
        # own x_j <= side - sum of the least of the others, or >= side - the most.
        total, combination = side / own, [(self.proof.row(closing.row, closing.upper), 1 / own)]
        for k, a in terms:
            if k == j or not a:
                continue
            known = self.end(k, _end_used(a, closing.upper))
            assert known is not None
            total -= a / own * known[1]
            combination.append((known[0], -a / own))
        said = rounded(total, up=upper)
        ref = self.proof.linear(combination, "L" if upper else "G", said, [(j, Fraction(1))])
        return ref, said


def _end_used(coefficient: Fraction | float, upper: bool) -> bool:
    """Which end of another column a side of a row uses: for an upper side that which makes least."""
    return (coefficient < 0) == upper


def closing_rows(program: Program) -> dict[tuple[int, bool], _Closing]:
    """For every open end that a row closes, the first such row; in the order in which they follow."""
    m = program.matrix
    lower, upper = program.lower, program.upper
    open_ends = {(int(j), False) for j in np.flatnonzero(np.isneginf(lower))}
    open_ends |= {(int(j), True) for j in np.flatnonzero(np.isposinf(upper))}
    found: dict[tuple[int, bool], _Closing] = {}
    if not open_ends:
        return found
    by_column = m.tocsc()
    sides = [
        (i, up)
        for i in range(program.rows)
        for up, side in ((False, program.row_lower[i]), (True, program.row_upper[i]))
        if np.isfinite(side)
    ]
    # How many open ends each side of a row waits for.
    waiting: dict[tuple[int, bool], set[tuple[int, bool]]] = {}
    ready: deque[tuple[int, bool]] = deque()
    for i, up in sides:
        here = range(int(m.indptr[i]), int(m.indptr[i + 1]))
        needs = {
            (int(m.indices[k]), _end_used(float(m.data[k]), up)) for k in here if m.data[k]
        } & open_ends
        waiting[(i, up)] = needs
        if len(needs) <= 1:
            ready.append((i, up))
    while ready:
        i, up = ready.popleft()
        needs = waiting[(i, up)]
        here = range(int(m.indptr[i]), int(m.indptr[i + 1]))
        for k in here:
            j, a = int(m.indices[k]), float(m.data[k])
            if not a or needs - {(j, _end_used(a, up))}:
                continue
            # An upper side bounds what has a positive coefficient from above.
            end = (j, (a > 0) == up)
            if end not in open_ends:
                continue
            open_ends.discard(end)
            found[end] = _Closing(i, up)
            column = slice(by_column.indptr[j], by_column.indptr[j + 1])
            pairs = zip(by_column.indices[column], by_column.data[column], strict=True)
            for row, b in pairs:
                for side in (False, True):
                    if _end_used(float(b), side) == end[1] and (int(row), side) in waiting:
                        waiting[(int(row), side)].discard(end)
                        if len(waiting[(int(row), side)]) <= 1:
                            ready.append((int(row), side))
    return found
