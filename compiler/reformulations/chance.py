r"""Rows that hold only where binaries are 1.

A row that must hold where all binaries :math:`z_k, k \in K` of it are 1,

.. math::
    a'x \le u \quad \text{or} \quad \exists k \in K: z_k = 0 ,

becomes

.. math::
    a'x + M \sum_{k \in K} z_k \le u + |K| M, \qquad
    M = \max \Bigl\{ 0,\ \sum_j \max(a_j l_j, a_j u_j) - u \Bigr\} .

This "big M" is the most by which the row can be violated within the bounds that follow from the rest of
the program. It is never invented: where no bound follows, the row is refused. Where it is zero the row
always holds.

:Source: The limits of chance blocks, with one binary a scenario.
:Target: Linear rows.
:Exact: Yes. With all binaries at 1 the row is itself; with one of them at 0 it says nothing that the
    bounds do not say.
:Reference: Ruszczynski (2002), Mathematical Programming 93:195-215 (finite scenarios); Bonami,
    Lodi, Tramontani and Wiese (2015), Mathematical Programming 151:191-223 (indicators).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs import errors
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.passes import METHODS, Pass
from allocc.compiler.programs.program import IndicatorRows, Program
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError

#: Probabilities may miss what is asked by this much: sums of decimal fractions do.
TOLERANCE = 1e-9


def without(program: Program) -> Program:
    """The program in which the conditional rows say nothing."""
    upper = program.row_upper.copy()
    for block in program.conditional:
        upper[block.rows] = np.inf
    return replace(program, row_upper=upper, conditional=())


def with_big_m(program: Program) -> Program:
    """The program with the conditional rows as plain ones; their lower sides must be open.

    Raises `DiagnosticError` where a row can be violated without end.
    """
    free = without(program)
    try:
        lower, upper = Propagator(free).run(free.lower, free.upper)
    except Infeasible:
        # Nothing satisfies the rest of the program, whatever the conditional rows say.
        return free
    most = largest_activity(program, lower, upper)
    found: list[Diagnostic] = []
    row_upper = program.row_upper.copy()
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    values: list[FloatArray] = []
    for block in program.conditional:
        mine = block.rows
        big = most[mine] - program.row_upper[mine]
        open_rows = mine[np.isinf(big)]
        if len(open_rows):
            found.append(_unbounded(program, int(open_rows[0]), lower, upper, block))
            continue
        # Rounding may leave some of a row that cannot be broken.
        size = np.maximum(np.abs(most[mine]), np.abs(program.row_upper[mine]))
        big = np.where(big > 1e-12 * size, big, 0.0)
        row_upper[mine] += len(block.binaries) * big
        for binaries in block.binaries:
            rows.append(mine)
            columns.append(binaries)
            values.append(big)
    if found:
        raise DiagnosticError(found[:10])
    extra = sparse.coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=program.matrix.shape,
    )
    matrix = sparse.csr_array(program.matrix + sparse.csr_array(extra))
    matrix.eliminate_zeros()
    return replace(program, matrix=matrix, row_upper=row_upper, conditional=())


def largest_activity(program: Program, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The most that each row can add up to within bounds."""
    m = program.matrix
    row_of = np.repeat(np.arange(program.rows), np.diff(m.indptr))
    with np.errstate(invalid="ignore"):
        part = np.where(m.data > 0, m.data * upper[m.indices], m.data * lower[m.indices])
    return np.bincount(row_of, part, program.rows).astype(float)


def _unbounded(
    program: Program, row: int, lower: FloatArray, upper: FloatArray, block: IndicatorRows
) -> Diagnostic:
    m = program.matrix
    here = slice(m.indptr[row], m.indptr[row + 1])
    columns, values = m.indices[here], m.data[here]
    ends = np.where(values > 0, upper[columns], lower[columns])
    names = [program.column_name(int(j)) for j in columns[np.isinf(ends)][:3]]
    return errors.unbounded_row(program.row_name(row), names, block.span)


PASS = Pass(
    "chance",
    "rows that hold where binaries are 1, by the most by which they can be broken",
    lambda program: bool(program.conditional),
    with_big_m,
    methods=frozenset(METHODS),
)
