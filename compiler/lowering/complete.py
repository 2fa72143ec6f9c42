"""All columns of a program from the ones that are decided: definitions and atoms, forwards."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.lowering.steps import (
    FunctionStep,
    ProductStep,
    RatioStep,
    Step,
    extreme_step,
    row_step,
)
from allocc.compiler.programs.program import Program


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
                self.steps.append(row_step(program, ready, defined[ready], own[ready]))
                known[defined[ready]] = True
            self._products(known)
            for atoms in program.functions:
                here = np.flatnonzero(known[atoms.argument] & ~known[atoms.result])
                if len(here):
                    result, argument = atoms.result[here], atoms.argument[here]
                    self.steps.append(FunctionStep(atoms, result, argument))
                    known[atoms.result[here]] = True
            for e in program.extremes:
                open_arguments = np.bincount(e.owner, ~known[e.argument], len(e))
                here = np.flatnonzero((open_arguments == 0) & ~known[e.result])
                if len(here):
                    self.steps.append(extreme_step(e, here))
                    known[e.result[here]] = True
            if len(self.steps) == before:
                break
        self.missing = np.flatnonzero(~known)

    def _products(self, known: BoolArray) -> None:
        """Steps for products of known factors, and for ratios of a known result."""
        q = self.program.products
        here = np.flatnonzero(known[q.left] & known[q.right] & ~known[q.result])
        if len(here):
            self.steps.append(ProductStep(q.result[here], q.left[here], q.right[here]))
            known[q.result[here]] = True
        here = np.flatnonzero(q.is_ratio & known[q.result] & known[q.right] & ~known[q.left])
        if len(here):
            self.steps.append(RatioStep(q.left[here], q.result[here], q.right[here]))
            known[q.left[here]] = True

    def __call__(self, point: FloatArray) -> FloatArray:
        """A copy of a point with every determined column filled in."""
        x = point.copy()
        x[self.fixed] = self.program.lower[self.fixed]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for step in self.steps:
                step.fill(x)
        return x
