"""All columns of a program from the ones that are decided: definitions and atoms, forwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program

#: Fills in some columns of a point, in place.
Step = Callable[[FloatArray], None]


class Completer:
    """Fills a point of a program in the order in which its columns depend on each other.

    The order is found once, from which columns are given; afterwards each point costs a few sparse
    products. `missing` tells which columns nothing determines.
    """

    def __init__(self, program: Program, given: BoolArray) -> None:
        self.program = program
        self.steps: list[Step] = []
        self.fixed = np.flatnonzero(program.lower == program.upper)
        known = given.astype(bool)
        known[self.fixed] = True
        m = program.matrix
        nothing = np.full(program.rows, -1, dtype=np.int64)
        defined = program.defined if program.defined is not None else nothing
        row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
        own = np.zeros(program.rows)
        mine = m.indices == defined[row_of]
        own[row_of[mine]] = m.data[mine]
        pending = np.flatnonzero((defined >= 0) & (own != 0))
        while True:
            before = len(self.steps)
            # Rows of which only the defined column is unknown.
            unknown = np.bincount(row_of, ~known[m.indices], program.rows)
            pending = pending[~known[defined[pending]]]
            ready = pending[unknown[pending] == 1]
            if len(ready):
                self.steps.append(_rows(program, ready, defined[ready], own[ready]))
                known[defined[ready]] = True
            self._products(known)
            for atoms in program.functions:
                here = np.flatnonzero(known[atoms.argument] & ~known[atoms.result])
                if len(here):
                    self.steps.append(_function(atoms, here))
                    known[atoms.result[here]] = True
            for e in program.extremes:
                open_arguments = np.bincount(e.owner, ~known[e.argument], len(e))
                here = np.flatnonzero((open_arguments == 0) & ~known[e.result])
                if len(here):
                    self.steps.append(_extreme(e, here))
                    known[e.result[here]] = True
            if len(self.steps) == before:
                break
        self.missing = np.flatnonzero(~known)

    def _products(self, known: BoolArray) -> None:
        """Steps for products of known factors, and for ratios of a known result."""
        q = self.program.products
        here = np.flatnonzero(known[q.left] & known[q.right] & ~known[q.result])
        if len(here):
            self.steps.append(_product(q.result[here], q.left[here], q.right[here]))
            known[q.result[here]] = True
        here = np.flatnonzero(q.is_ratio & known[q.result] & known[q.right] & ~known[q.left])
        if len(here):
            self.steps.append(_ratio(q.left[here], q.result[here], q.right[here]))
            known[q.left[here]] = True

    def __call__(self, point: FloatArray) -> FloatArray:
        """A copy of a point with every determined column filled in."""
        x = point.copy()
        x[self.fixed] = self.program.lower[self.fixed]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for step in self.steps:
                step(x)
        return x


def _rows(program: Program, rows: IntArray, columns: IntArray, own: FloatArray) -> Step:
    # Columns that are not known yet may be NaN, but have no entry in these rows.
    part, level = program.matrix[rows], program.row_lower[rows]

    def fill(x: FloatArray) -> None:
        x[columns] = 0.0
        x[columns] = (level - part @ x) / own

    return fill


def _product(result: IntArray, left: IntArray, right: IntArray) -> Step:
    def fill(x: FloatArray) -> None:
        x[result] = x[left] * x[right]

    return fill


def _ratio(result: IntArray, top: IntArray, bottom: IntArray) -> Step:
    def fill(x: FloatArray) -> None:
        x[result] = x[top] / x[bottom]

    return fill


def _function(atoms: FunctionAtoms, here: IntArray) -> Step:
    result, argument = atoms.result[here], atoms.argument[here]

    def fill(x: FloatArray) -> None:
        x[result] = atoms.function.value(x[argument])

    return fill


def _extreme(e: Extremes, here: IntArray) -> Step:
    entries = np.flatnonzero(np.isin(e.owner, here))
    result, owner = e.result[here], np.searchsorted(here, e.owner[entries])
    argument = e.argument[entries]
    collect = np.maximum if e.sense == "max" else np.minimum
    empty = -np.inf if e.sense == "max" else np.inf

    def fill(x: FloatArray) -> None:
        best = np.full(len(result), empty)
        collect.at(best, owner, x[argument])
        x[result] = best

    return fill
