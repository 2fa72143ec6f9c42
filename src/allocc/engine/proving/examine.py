"""What a solver answers is looked at before it is used: it may have broken down, or be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from allocc.backends.point_check import check_point
from allocc.backends.solution import Solution
from allocc.backends.support import finite, finite_point
from allocc.compiler.programs.program import Program

#: A point that is off by more than this was not found for the program that was asked about.
GROSS = 1e-3


def broken_off(
    solver: str, termination: Literal["failed", "memory_limit", "infeasible"], message: str
) -> Solution:
    """The answer of a solver that gave none, or need not be asked."""
    return Solution(termination, None, None, None, 0.0, solver=solver, message=message)


def said(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def well_formed(program: Program, found: Solution, tell: Callable[[str], None]) -> Solution:
    """The answer without what is no point, no bound or no dual values of the program at all.

    `tell` gets a sentence for what is wrong.
    """
    name = found.solver or "the solver"
    found = replace(found, bound=finite(found.bound))
    if found.row_duals is not None and found.row_duals.shape != (program.rows,):
        found = replace(found, row_duals=None, reduced_costs=None)
    if found.point is None:
        if found.termination != "optimal":
            return found
        tell(f"{name} says optimal, and gives no point")
        return replace(found, termination="failed", bound=None)
    if found.point.shape != (program.columns,):
        tell(f"{name} gave {found.point.size} values for {program.columns} columns")
        return replace(found, termination="failed", point=None, bound=None)
    if not finite_point(found.point):
        tell(f"{name} gave a point with entries that are no numbers")
        return replace(found, termination="failed", point=None, bound=None)
    return found


def examined(program: Program, found: Solution, tell: Callable[[str], None]) -> Solution:
    """The answer without a bound that belongs to another program.

    A point that is far off the program's rows and ranges was found for another one, and so was the
    bound that comes with it, unless that was recomputed from dual values, which hold for any program
    that they fit.
    """
    if found.point is None:
        return found
    name = found.solver or "the solver"
    off = check_point(program, found.point)
    if off.holds(GROSS):
        return found
    where = ""
    if off.worst_row is not None:
        where = f", as {program.row_name(off.worst_row)}"
    elif off.worst_column is not None:
        where = f", as the range of {program.column_name(off.worst_column)}"
    tell(f"{name} gave a point that breaks the program{where}; its bound is not used")
    return found if found.row_duals is not None else replace(found, bound=None)
