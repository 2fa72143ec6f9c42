r"""A quick start: rows and columns that prove a linear relaxation infeasible.

The rows that can be switched share one slack, which is minimized:

.. math::
    \min s \quad \text{where} \quad l_i - w_i s \le a_i'x \le u_i + w_i s, \quad s \ge 0 ,

with :math:`w_i` the largest coefficient of row i. Where the minimum is above 0, the duals of the rows
and the reduced costs of the columns are a Farkas certificate: rows and ends of ranges with a multiplier
other than 0 cannot hold together. The multipliers add up to one, so that a vertex of the dual has few
of them; slack for each row by itself would mix all conflicts that there are. What comes out is a guess
as far as a solver's tolerances go; it is asked about again, like any other set.
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
    n, m = program.columns, program.rows
    size = np.asarray(abs(program.matrix).max(axis=1).todense()).ravel()
    weight = np.zeros(m)
    weight[rows] = np.where(size[rows] > 0, size[rows], 1.0)
    # An upper side needs its slack with another sign than a lower one: rows with both come twice.
    both = np.flatnonzero((weight > 0) & np.isfinite(program.row_lower + program.row_upper))
    sign = np.where(np.isfinite(program.row_upper), -1.0, 1.0)
    slack = np.concatenate([sign * weight, weight[both]]).reshape(-1, 1)
    matrix = sparse.vstack([program.matrix, program.matrix[both]], format="csr")
    row_lower = program.row_lower.copy()
    row_lower[both] = -np.inf
    elastic = replace(
        program,
        sense="minimize",
        objective=np.append(np.zeros(n), 1.0),
        offset=0.0,
        lower=np.append(program.lower, 0.0),
        upper=np.append(program.upper, np.inf),
        integer=np.zeros(n + 1, dtype=bool),
        matrix=sparse.csr_array(sparse.hstack([matrix, sparse.csr_array(slack)], format="csr")),
        row_lower=np.concatenate([row_lower, program.row_lower[both]]),
        row_upper=np.concatenate([program.row_upper, np.full(len(both), np.inf)]),
        column_blocks=(*program.column_blocks, Block("slack", n, 1, "auxiliary")),
        row_blocks=(*program.row_blocks, Block("lower side", m, len(both), "auxiliary")),
        defined=None,
    )
    found = backend.solve(elastic, options)
    if found.termination != "optimal" or found.value is None or found.value <= SLACK:
        return None
    if found.row_duals is None:
        return None
    y = found.row_duals[:m].copy()
    y[both] += found.row_duals[m:]
    costs = -(program.matrix.T @ y)
    used = np.abs(y) > NONE * float(np.abs(y).max())
    added = np.abs(program.matrix).T @ np.abs(y)
    big = np.abs(costs) > NONE * added
    return Support(used, big & (costs > 0), big & (costs < 0))
