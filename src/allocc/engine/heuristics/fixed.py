"""The rest of a program once its integers are fixed: a linear program, solved from its last basis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.reformulation import Facts
from allocc.compiler.reformulations import exact_forms
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.proving import door

#: Work of one value, for one coefficient of the program, and in how many simplex iterations that is
#: spent once more: about a second of an ordinary machine in all, but the same on every machine.
WORK, WORK_PER_ENTRY, ITERATIONS = 1e-4, 1e-7, 8


def is_linear_when_fixed(relaxation: Relaxation) -> bool:
    """Whether every product has an integer (or fixed) factor, and nothing else is left nonlinear."""
    p, q = relaxation.program, relaxation.program.products
    simple = p.integer | (p.lower == p.upper)
    return bool(np.all(simple[q.left] | simple[q.right])) and all(
        not f.function.smooth for f in p.functions
    )


class FixedProgram:
    """The linear program that is left when the integer columns are fixed.

    Only the coefficients that the integers stand in are changed between two solves. It is made
    where `is_linear_when_fixed`; `linear` is False where min, max or abs still need binaries, and
    then every solve is a mixed-integer one.
    """

    def __init__(
        self, relaxation: Relaxation, remaining: Callable[[], float | None] = lambda: None
    ) -> None:
        self.remaining = remaining
        p = relaxation.program
        build = Extension(p)
        q = p.products
        simple = p.integer | (p.lower == p.upper)
        left = simple[q.left]
        self.factor: IntArray = np.where(left, q.left, q.right)
        self.other: IntArray = np.where(left, q.right, q.left)
        self.first = p.rows
        # Rows are measured with the largest coefficients that they can have.
        largest = np.maximum(np.abs(p.lower), np.abs(p.upper))[self.factor]
        largest = np.where(np.isfinite(largest) & (largest > 0), largest, 1.0)
        build.rows(
            "product with fixed factor",
            [(q.result, 1.0), (self.other, -largest)],
            0.0,
            0.0,
            count=len(q),
        )
        facts = Facts(p.lower, p.upper, relaxation.down, relaxation.up)
        for form in exact_forms():
            form.write(build, form.takes(p), facts)
        program = build.finish()
        whole = np.flatnonzero(p.integer)
        integer = program.integer.copy()
        integer[whole] = False
        self.linear = not bool(integer.any())
        self.whole: IntArray = whole
        self.lower, self.upper = p.lower[whole], p.upper[whole]
        self.columns = p.columns
        self.minimize = p.sense == "minimize"
        self._session = door.ScaledSession(replace(program, integer=integer), coefficients=True)
        self._entries = program.matrix.nnz
        #: What all values have cost so far; see `WORK`.
        self.work = 0.0
        self._value = np.full(len(whole), np.nan)
        # The rows and columns of the products of each integer, whose coefficients wait for a value.
        self._rows: list[list[int]] = [[] for _ in whole]
        self._others: list[list[int]] = [[] for _ in whole]
        place = {j: k for k, j in enumerate(whole.tolist())}
        for n, (j, other) in enumerate(zip(self.factor.tolist(), self.other.tolist(), strict=True)):
            row = self.first + n
            if j in place:
                self._rows[place[j]].append(row)
                self._others[place[j]].append(other)
            else:
                self._session.set_coefficients([row], [other], [-float(p.lower[j])])

    def value(self, integers: FloatArray) -> float:
        """The value for values of the integer columns; infinite if infeasible."""
        self._fix(integers)
        found = self._session.quick_value(self._options())
        repeats = 1 + self._session.iterations() / ITERATIONS
        self.work += WORK + WORK_PER_ENTRY * self._entries * repeats
        if found is None:
            return np.inf if self.minimize else -np.inf
        return found

    def point(self, integers: FloatArray) -> FloatArray | None:
        """The best point for values of the integer columns; None if infeasible."""
        self._fix(integers)
        solution = self._session.solve(self._options())
        return None if solution.point is None else solution.point[: self.columns]

    def _options(self) -> SolveOptions:
        return SolveOptions(gap=1e-9, duals=False, patience=self.remaining())

    def _fix(self, integers: FloatArray) -> None:
        value = np.minimum(np.maximum(np.rint(integers), self.lower), self.upper)
        moved = np.flatnonzero(value != self._value)
        if not len(moved):
            return
        new = value[moved]
        self._session.set_column_bounds(self.whole[moved], new, new)
        for k, x in zip(moved.tolist(), new.tolist(), strict=True):
            rows = self._rows[k]
            self._session.set_coefficients(rows, self._others[k], [-x] * len(rows))
        self._value = value


def solve_fixed(
    relaxation: Relaxation, point: FloatArray, time_limit: float | None = None
) -> FloatArray | None:
    """The relaxation's best point with the integers of `point`, None if there is none."""
    p = relaxation.program
    lower, upper = p.lower.copy(), p.upper.copy()
    whole = np.flatnonzero(p.integer)
    value = np.clip(np.rint(point[whole]), lower[whole], upper[whole])
    lower[whole] = upper[whole] = value
    built = relaxation.build(lower, upper)
    options = SolveOptions(gap=1e-9, time_limit=time_limit)
    solution = door.ask(registry.get("highs"), built.program, options)
    return None if solution.point is None else built.lower_point(solution.point)
