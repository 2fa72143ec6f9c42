"""What a limit is measured by when it is loosened: its own size."""

from __future__ import annotations

import numpy as np

from allocc.compiler.algebra.expression import Add, Data
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.pipeline import chain
from allocc.compiler.unrolling.problem import Constraint, Problem


def sizes(problem: Problem) -> dict[Constraint, FloatArray]:
    """The size of every row of every limit, in the limit's unit and above 0.

    It is the number that stands in the row, as the 900 of `sum(spend) <= 900`. Where that is 0, it is
    the largest term that ranges allow, and without ranges the largest coefficient.
    """
    made = chain(problem, "stated")
    program = made.program
    m = program.matrix
    row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
    reach = np.maximum(np.abs(program.lower), np.abs(program.upper))[m.indices]
    finite = np.isfinite(reach)
    term, coefficient = np.zeros(program.rows), np.zeros(program.rows)
    np.maximum.at(term, row_of[finite], np.abs(m.data[finite]) * reach[finite])
    np.maximum.at(coefficient, row_of, np.abs(m.data))
    fallback = np.where(term > 0, term, np.where(coefficient > 0, coefficient, 1.0))
    found: dict[Constraint, FloatArray] = {}
    for c in problem.constraints:
        size = stated_size(c)
        found[c] = np.where(size > 0, size, fallback[made.places.rows[c]])
    return found


def stated_size(c: Constraint) -> FloatArray:
    """The number that stands in each row of a limit, without its sign; 0 where there is none."""
    parts = c.body.parts if isinstance(c.body, Add) else (c.body,)
    total = np.zeros(c.shape)
    for part in parts:
        if isinstance(part, Data):
            total = total + spread(part.values, part.axes, c.axes)
    found: FloatArray = np.abs(np.broadcast_to(total, c.shape)).astype(float).ravel()
    return found
