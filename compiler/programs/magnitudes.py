"""Numbers that nobody calculates with: what to say before a solver refuses them, or reads them wrong.

Solvers work in floating point with about 16 digits and absolute tolerances. They read sides and
costs from 1e20 on as infinite, and refuse coefficients above about 1e15. Scaling brings the amounts of
a model far below that, whatever their unit; what it cannot bring there is refused.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.programs.errors import extreme_number
from allocc.compiler.programs.program import Program, find_block
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError

#: The largest coefficient of a row, and the size from which costs and sides count as infinite.
LARGEST_COEFFICIENT, INFINITE = 1e15, 1e20
#: No amount in any unit is as large as this: there are some 1e80 atoms.
NO_AMOUNT = 1e100


def refuse_extremes(program: Program) -> None:
    """Raise `DiagnosticError` when a solver cannot take a number of a program as it is."""
    _refuse(program, LARGEST_COEFFICIENT, INFINITE)


def refuse_no_amounts(program: Program) -> None:
    """Raise `DiagnosticError` when a program holds a number that is no amount in any unit."""
    _refuse(program, NO_AMOUNT, NO_AMOUNT)


def _refuse(program: Program, coefficient: float, infinite: float) -> None:
    found = _extreme(program, coefficient, infinite)
    if found is not None:
        raise DiagnosticError([found])


def _extreme(p: Program, coefficient: float, infinite: float) -> Diagnostic | None:
    # A comparison with NaN is false, so that these ask what is right.
    entries = np.flatnonzero(~(np.abs(p.matrix.data) <= coefficient))
    if len(entries):
        entry = int(entries[0])
        row = int(np.searchsorted(p.matrix.indptr, entry, side="right")) - 1
        block, column = find_block(p.row_blocks, row), int(p.matrix.indices[entry])
        value = float(p.matrix.data[entry])
        if block.role == "auxiliary":
            where = f"what '{p.column_name(column)}' is multiplied with has a range up to"
            return extreme_number(where, abs(value), find_block(p.column_blocks, column).span)
        where = f"'{p.row_name(row)}' multiplies '{p.column_name(column)}' by"
        return extreme_number(where, value, block.span)
    # A side of infinity says nothing is limited; on the other side it could not hold.
    for what, low, high, name, blocks in (
        ("stands between", p.row_lower, p.row_upper, p.row_name, p.row_blocks),
        ("has a range from", p.lower, p.upper, p.column_name, p.column_blocks),
    ):
        places = np.flatnonzero(~((low < infinite) & (high > -infinite)))
        if len(places):
            k = int(places[0])
            value = float(low[k]) if not low[k] < infinite else float(high[k])
            return extreme_number(f"'{name(k)}' {what}", value, find_block(blocks, k).span)
    places = np.flatnonzero(~(np.abs(p.objective) < infinite))
    if len(places):
        j = int(places[0])
        where = f"the objective multiplies '{p.column_name(j)}' by"
        return extreme_number(where, float(p.objective[j]), find_block(p.column_blocks, j).span)
    if not abs(p.offset) < infinite:
        return extreme_number("the constant part of the objective is", p.offset, None)
    return None
