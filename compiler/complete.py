"""All columns of a program from the ones that are decided: definitions and atoms, forwards."""

from __future__ import annotations

import numpy as np

from allocc.compiler.program import FloatArray, Program
from allocc.compiler.reformulations.univariate import evaluate


class Completer:
    """Fills a point of a program in the order in which its columns depend on each other.

    The order is found once, from which columns are given; afterwards each point costs a few sparse
    products. `missing` tells which columns nothing determines.
    """

    def __init__(self, program: Program, given: FloatArray) -> None:
        self.program = program
        self.steps: list[tuple[str, object]] = []
        known = given.copy().astype(bool)
        known |= program.lower == program.upper
        self.fixed = np.flatnonzero(program.lower == program.upper)
        m = program.matrix
        defined = program.defined if program.defined is not None else np.full(program.rows, -1)
        rows = np.flatnonzero(defined >= 0)
        row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
        pending = rows
        done_functions: set[tuple[int, int]] = set()
        while True:
            progress = False
            # Rows of which only the defined column is unknown.
            unknown = np.bincount(row_of, ~known[m.indices], program.rows)
            ready = pending[(unknown[pending] == 1) & ~known[defined[pending]]]
            if len(ready):
                part = m[ready]
                coefficient = np.asarray(
                    m[ready, defined[ready]].todense() if hasattr(m[ready, defined[ready]], "todense") else m[ready, defined[ready]]
                ).ravel()
                self.steps.append(("rows", (part, defined[ready], coefficient, program.row_lower[ready])))
                known[defined[ready]] = True
                progress = True
            pending = pending[~known[defined[pending]]]
            q = program.products
            forward = np.flatnonzero(known[q.left] & known[q.right] & ~known[q.result])
            if len(forward):
                self.steps.append(("product", (q.result[forward], q.left[forward], q.right[forward])))
                known[q.result[forward]] = True
                progress = True
            for w, x in ((q.left, q.right), (q.right, q.left)):
                back = np.flatnonzero(known[q.result] & known[x] & ~known[w])
                if len(back):
                    self.steps.append(("ratio", (w[back], q.result[back], x[back])))
                    known[w[back]] = True
                    progress = True
            for number, atoms in enumerate(program.functions):
                here = np.flatnonzero(known[atoms.argument] & ~known[atoms.result])
                if len(here):
                    self.steps.append(("function", (atoms.kind, atoms.exponent, atoms.result[here], atoms.argument[here])))
                    known[atoms.result[here]] = True
                    progress = True
            for number, e in enumerate(program.extremes):
                key = (1, number)
                if key not in done_functions and known[e.argument].all():
                    self.steps.append(("extreme", e))
                    known[e.result] = True
                    done_functions.add(key)
                    progress = True
            if not progress:
                break
        self.missing = np.flatnonzero(~known)

    def __call__(self, point: FloatArray) -> FloatArray:
        """A copy of a point with every determined column filled in."""
        x = point.copy()
        p = self.program
        x[self.fixed] = p.lower[self.fixed]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for kind, what in self.steps:
                if kind == "rows":
                    part, columns, coefficient, level = what  # type: ignore[misc]
                    x[columns] = 0.0
                    x[columns] = (level - part @ x) / coefficient
                elif kind == "product":
                    result, left, right = what  # type: ignore[misc]
                    x[result] = x[left] * x[right]
                elif kind == "ratio":
                    result, top, bottom = what  # type: ignore[misc]
                    x[result] = x[top] / x[bottom]
                elif kind == "function":
                    name, exponent, result, argument = what  # type: ignore[misc]
                    x[result] = evaluate(name, exponent, x[argument])
                else:
                    e = what
                    is_max = e.sense == "max"  # type: ignore[attr-defined]
                    best = np.full(len(e), -np.inf if is_max else np.inf)  # type: ignore[arg-type]
                    ufunc = np.maximum if is_max else np.minimum
                    ufunc.at(best, e.owner, x[e.argument])  # type: ignore[attr-defined]
                    x[e.result] = best  # type: ignore[attr-defined]
        return x
