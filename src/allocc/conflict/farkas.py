r"""A quick start: rows and columns that prove a linear relaxation infeasible.

The rows that can be switched get slack, and the slack is minimized:

.. math::
    \min \sum_i s_i \quad \text{where} \quad l - s \le A x \le u + s, \quad s \ge 0 .

Where the minimum is above 0, the duals of the rows and the reduced costs of the columns are a Farkas
certificate: the rows and ends of ranges with a multiplier other than 0 cannot hold together. What
comes out is a guess as far as a solver's tolerances go; it is asked about again, like any other set.
Reference: Gleeson and Ryan (1990), ORSA Journal on Computing 2:61-63; Chinneck (2008), Feasibility
and Infeasibility in Optimization, ch. 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.backends.registry import Backend
from allocc.backends.solution import SolveOptions
from allocc.compiler.program import Block, BoolArray, IntArray, Program

#: A multiplier below this share of the largest one is none.
NONE = 1e-9
#: Slack below this says that the relaxation has a point.
SLACK = 1e-7


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
    n, count = program.columns, len(rows)
    place = np.arange(count)
    one = sparse.coo_array((np.ones(count), (rows, place)), shape=(program.rows, count))
    matrix = sparse.csr_array(sparse.hstack([program.matrix, -one, one], format="csr"))
    elastic = replace(
        program,
        sense="minimize",
        objective=np.concatenate([np.zeros(n), np.ones(2 * count)]),
        offset=0.0,
        lower=np.concatenate([program.lower, np.zeros(2 * count)]),
        upper=np.concatenate([program.upper, np.full(2 * count, np.inf)]),
        integer=np.zeros(n + 2 * count, dtype=bool),
        matrix=matrix,
        column_blocks=(*program.column_blocks, Block("slack", n, 2 * count, "auxiliary")),
        defined=None,
    )
    found = backend.solve(elastic, options)
    if found.termination != "optimal" or found.value is None or found.value <= SLACK:
        return None
    y = found.row_duals
    if y is None:
        return None
    costs = -(program.matrix.T @ y)
    used = np.abs(y) > NONE * max(1.0, float(np.abs(y).max()))
    size = np.abs(program.matrix).T @ np.abs(y)
    big = np.abs(costs) > NONE * np.maximum(size, 1.0)
    return Support(used, big & (costs > 0), big & (costs < 0))
