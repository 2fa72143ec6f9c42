"""Optimization-based bound tightening: every factor of a product is minimized and maximized over the
linear relaxation, with the best known value as a cut-off.

Only bounds that dual values prove are used (`allocc.compiler.programs.duality`), rounded outward. (Gleixner et al. 2017, J. Global Optimization
67:731-757.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse

from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import IntArray
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.proving.door import Empty, ScaledSession

#: A proven bound is moved outward by this much of the column's size and range.
OUTWARD = 1e-9
#: The relaxation is rebuilt with the new bounds after so many columns.
CHUNK = 24


def factors(relaxation: Relaxation) -> IntArray:
    """Columns whose ranges the relaxation depends on, in the order in which they were laid out."""
    p, q = relaxation.program, relaxation.program.products
    exact = relaxation.plan.exact_products(p.lower, p.upper)
    columns = [q.left[~exact], q.right[~exact]]
    columns.append(np.array(sorted(relaxation.plan.curved), dtype=np.int64))
    found = np.unique(np.concatenate(columns)) if columns else np.zeros(0, dtype=np.int64)
    return found[p.lower[found] < p.upper[found]]


def tighten_by_optimization(
    relaxation: Relaxation,
    columns: IntArray,
    cutoff: float | None,
    margin: float,
    stop: Callable[[], bool],
    time_left: Callable[[], float | None],
) -> float:
    """One pass over `columns`; returns the share by which their ranges shrank.

    With a `cutoff`, loosened by `margin`, the result is valid for allocations at least as good. Raises `Infeasible`
    when nothing as good is left.
    """
    p = relaxation.program
    before = (p.upper - p.lower)[columns]
    for start in range(0, len(columns), CHUNK):
        if stop():
            break
        bounds = _Tightener(relaxation, cutoff, margin)
        for j in columns[start : start + CHUNK].tolist():
            if stop():
                break
            bounds.tighten(j, time_left)
        relaxation.shrink(bounds.lower, bounds.upper)
    after = (relaxation.program.upper - relaxation.program.lower)[columns]
    wide = before > 0
    return float(1.0 - np.mean(after[wide] / before[wide])) if wide.any() else 0.0


class _Tightener:
    """The scaled linear relaxation with a cut-off row, and the bounds found in it."""

    def __init__(self, relaxation: Relaxation, cutoff: float | None, margin: float) -> None:
        program = relaxation.build(integral=False).program
        minimize = program.sense == "minimize"
        self.lower, self.upper = relaxation.program.lower.copy(), relaxation.program.upper.copy()
        if cutoff is not None and program.objective.any():
            level = cutoff - program.offset
            program = replace(
                program,
                matrix=sparse.csr_array(
                    sparse.vstack(
                        [program.matrix, sparse.csr_array(program.objective.reshape(1, -1))]
                    )
                ),
                row_lower=np.append(program.row_lower, -np.inf if minimize else level - margin),
                row_upper=np.append(program.row_upper, level + margin if minimize else np.inf),
            )
        # Columns are the objectives: the model's own would measure them.
        costs = np.zeros(program.columns)
        self.session = ScaledSession(
            replace(program, sense="minimize", objective=costs, offset=0.0)
        )

    def tighten(self, j: int, time_left: Callable[[], float | None]) -> None:
        """Minimize and maximize one column."""
        for sign in (1.0, -1.0):
            self.session.aim(j, sign)
            try:
                least = self.session.extreme(SolveOptions(time_limit=time_left()))
            except Empty:
                raise Infeasible(j) from None
            if least is None:
                continue
            found = sign * least
            margin = OUTWARD * max(abs(found), self.upper[j] - self.lower[j])
            if sign > 0:
                self.lower[j] = max(self.lower[j], found - margin)
            else:
                self.upper[j] = min(self.upper[j], found + margin)
        if self.lower[j] > self.upper[j]:
            raise Infeasible(j)
        self.session.set_column_bounds(j, self.lower[j], self.upper[j])
