"""A quick start: rows and columns that prove a linear relaxation infeasible.

They come from the duals of the elastic program (`allocc.compiler.programs.elastic_program`). One slack that all rows
share gives few of them; slack for each row by itself would mix all conflicts that there are. What comes
out is a guess as far as a solver's tolerances go; it is asked about again, like any other set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import BoolArray, IntArray
from allocc.compiler.programs.elastic_program import elastic
from allocc.compiler.programs.program import Program
from allocc.engine.proving import door

#: A multiplier below this share of the largest one is none.
NONE = 1e-9
#: Slack below this says that the relaxation has a point.
SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Support:
    """What has a multiplier: rows, and the lower and upper ends of columns."""

    rows: BoolArray
    lower: BoolArray
    upper: BoolArray


def support(
    program: Program, rows: IntArray, backend: Backend, options: SolveOptions
) -> Support | None:
    """The support of a certificate; None where no conflict is seen, or the backend gives no duals.

    Slack is given to `rows` only: None also where the rest of the program conflicts by itself.
    """
    if not len(rows):
        return None
    loose = elastic(program, rows)
    found = door.ask(backend, loose.program, options)
    if found.termination != "optimal" or found.value is None or found.value <= SLACK:
        return None
    if found.row_duals is None:
        return None
    y = loose.multipliers(found.row_duals)
    costs = -(program.matrix.T @ y)
    used = np.abs(y) > NONE * float(np.abs(y).max())
    added = np.abs(program.matrix).T @ np.abs(y)
    big = np.abs(costs) > NONE * added
    return Support(used, big & (costs > 0), big & (costs < 0))
