r"""A program that always has a point: rows may give way, and how little is enough is minimized.

All rows share one slack:

.. math::
    \min s \quad \text{where} \quad l_i - w_i s \le a_i'x \le u_i + w_i s, \quad s \ge 0 ,

with :math:`w_i` the largest coefficient of row i. Where the minimum is above 0, the duals of the rows
are a Farkas certificate: the rows and ends of ranges with a multiplier other than 0 cannot hold
together. The multipliers add up to one, so that a vertex of the dual has few of them.

:Reference: Gleeson and Ryan (1990), ORSA Journal on Computing 2:61-63; Chinneck (2008), Feasibility
    and Infeasibility in Optimization, ch. 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program, ProgramBlock


@dataclass(frozen=True, eq=False)
class ElasticProgram:
    """The elastic program, and the rows of the old one that stand in it twice."""

    program: Program
    rows: int
    both: IntArray

    def multipliers(self, duals: FloatArray) -> FloatArray:
        """One multiplier for each row of the old program from the duals of this one."""
        y = duals[: self.rows].copy()
        y[self.both] += duals[self.rows :]
        return y


def elastic(program: Program, rows: IntArray) -> ElasticProgram:
    """The linear program in which `rows` may give way; the others and all ranges hold."""
    n, m = program.columns, program.rows
    size = np.asarray(abs(program.matrix).max(axis=1).todense()).ravel()
    weight = np.zeros(m)
    weight[rows] = np.where(size[rows] > 0, size[rows], 1.0)
    # An upper side needs its slack with another sign than a lower one: rows with both come twice.
    two_sided = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    both = np.flatnonzero((weight > 0) & two_sided)
    sign = np.where(np.isfinite(program.row_upper), -1.0, 1.0)
    slack = np.concatenate([sign * weight, weight[both]]).reshape(-1, 1)
    matrix = sparse.vstack([program.matrix, program.matrix[both]], format="csr")
    row_lower = program.row_lower.copy()
    row_lower[both] = -np.inf
    made = replace(
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
        column_blocks=(*program.column_blocks, ProgramBlock("slack", n, 1, "auxiliary")),
        row_blocks=(*program.row_blocks, ProgramBlock("lower side", m, len(both), "auxiliary")),
        defined=None,
    )
    return ElasticProgram(made, m, both)
