"""Steps of `complete.Completer`: how some columns of a program follow from others, and how fast.

Every step has `result`, the columns that it determines; `fill` puts their values into a point in which the
columns that it reads stand already. `reads` has a pair for each column that a result depends on: the place
in `result`, and that column; `slopes` the partial derivative of each such pair at a completed point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program

Pairs = tuple[IntArray, IntArray]


class Step(Protocol):
    """See the module's docstring."""

    @property
    def result(self) -> IntArray:
        """The columns that it determines."""

    @property
    def reads(self) -> Pairs:
        """Places in `result`, and the columns that these depend on."""

    def fill(self, x: FloatArray) -> None:
        """Put the values into a point, in place."""

    def slopes(self, x: FloatArray) -> FloatArray:
        """The partial derivative of each pair of `reads`."""


@dataclass(frozen=True, eq=False)
class RowStep:
    """Rows `own * x[result] + part @ x = level`; `rows` is where they stand in the program."""

    result: IntArray
    rows: IntArray
    part: sparse.csr_array
    level: FloatArray
    own: FloatArray

    def fill(self, x: FloatArray) -> None:
        """The defined columns from the others of their rows."""
        x[self.result] = 0.0
        x[self.result] = (self.level - self.part @ x) / self.own

    @cached_property
    def _row(self) -> IntArray:
        return np.repeat(np.arange(len(self.result)), np.diff(self.part.indptr))

    @cached_property
    def _others(self) -> IntArray:
        return np.flatnonzero(self.part.indices != self.result[self._row])

    @property
    def reads(self) -> Pairs:
        """The other columns of each row."""
        return self._row[self._others], self.part.indices[self._others].astype(np.int64)

    def slopes(self, x: FloatArray) -> FloatArray:
        """The coefficients, with the other sign."""
        return np.asarray(-self.part.data[self._others] / self.own[self._row[self._others]])


@dataclass(frozen=True, eq=False)
class ProductStep:
    """`x[result] = x[left] * x[right]`."""

    result: IntArray
    left: IntArray
    right: IntArray

    def fill(self, x: FloatArray) -> None:
        """The products."""
        x[self.result] = x[self.left] * x[self.right]

    @property
    def reads(self) -> Pairs:
        """The left factors, then the right ones."""
        return _twice(self.result), np.concatenate([self.left, self.right])

    def slopes(self, x: FloatArray) -> FloatArray:
        """The other factor."""
        return np.concatenate([x[self.right], x[self.left]])


@dataclass(frozen=True, eq=False)
class RatioStep:
    """`x[result] = x[top] / x[bottom]`."""

    result: IntArray
    top: IntArray
    bottom: IntArray

    def fill(self, x: FloatArray) -> None:
        """The quotients."""
        x[self.result] = x[self.top] / x[self.bottom]

    @property
    def reads(self) -> Pairs:
        """The numerators, then the denominators."""
        return _twice(self.result), np.concatenate([self.top, self.bottom])

    def slopes(self, x: FloatArray) -> FloatArray:
        """By the numerator and by the denominator."""
        top, bottom = x[self.top], x[self.bottom]
        return np.concatenate([1.0 / bottom, -top / bottom**2])


@dataclass(frozen=True, eq=False)
class FunctionStep:
    """`x[result] = f(x[argument])`."""

    atoms: FunctionAtoms
    result: IntArray
    argument: IntArray

    def fill(self, x: FloatArray) -> None:
        """The values of the function."""
        x[self.result] = self.atoms.function.value(x[self.argument])

    @property
    def reads(self) -> Pairs:
        """The arguments."""
        return np.arange(len(self.result)), self.argument

    def slopes(self, x: FloatArray) -> FloatArray:
        """The slopes of the function."""
        return self.atoms.function.slope(x[self.argument])


@dataclass(frozen=True, eq=False)
class ExtremeStep:
    """`x[result[k]]` is the largest (or smallest) of `x[argument[p]]` with `owner[p] = k`."""

    largest: bool
    result: IntArray
    owner: IntArray
    argument: IntArray

    def fill(self, x: FloatArray) -> None:
        """The largest, or smallest, arguments."""
        best = np.full(len(self.result), -np.inf if self.largest else np.inf)
        (np.maximum if self.largest else np.minimum).at(best, self.owner, x[self.argument])
        x[self.result] = best

    @property
    def reads(self) -> Pairs:
        """All arguments."""
        return self.owner, self.argument

    def slopes(self, x: FloatArray) -> FloatArray:
        """1 for the argument that is the extreme, the first of several, and 0 for the others."""
        active = np.flatnonzero(x[self.argument] == x[self.result][self.owner])
        _, first = np.unique(self.owner[active], return_index=True)
        found = np.zeros(len(self.argument))
        found[active[first]] = 1.0
        return found


def row_step(program: Program, rows: IntArray, columns: IntArray, own: FloatArray) -> RowStep:
    """A step for rows that define a column each."""
    # Columns that are not known yet may be NaN, but have no entry in these rows.
    return RowStep(columns, rows, program.matrix[rows], program.row_lower[rows], own)


def extreme_step(e: Extremes, here: IntArray) -> ExtremeStep:
    """A step for some of the minima or maxima."""
    entries = np.flatnonzero(np.isin(e.owner, here))
    owner = np.searchsorted(here, e.owner[entries])
    return ExtremeStep(e.sense == "max", e.result[here], owner, e.argument[entries])


def _twice(result: IntArray) -> IntArray:
    return np.tile(np.arange(len(result)), 2)
