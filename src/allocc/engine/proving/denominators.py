"""Ranges of what must not be zero, by optimization where propagation is not enough.

`sum(pick) >= 1` keeps `sum(w[i] * pick[i])` away from zero, and so does a limit on a sum that a
denominator is a multiple of; row by row nothing says so. Such a column is minimized (or maximized) over
the rows of the program, without its products and functions and without whole numbers: a relaxation. Only
what dual values prove is used (`allocc.compiler.programs.duality`), rounded outward.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from allocc.backends.solution import Refused, SolveOptions
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.pipeline import Chain, chain
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.bounds_needed import (
    check_bounds,
    possibly_zero,
    without_quotients,
    zero_below,
)
from allocc.compiler.programs.passes import METHODS, Pass
from allocc.compiler.programs.program import Program, no_products
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.proving.door import Empty, ScaledSession

#: A proven end is moved outward by this part of its size and of the range.
OUTWARD = 1e-9


def with_ranges(program: Program) -> Program:
    """The program with a range without zero for each denominator that has one; see the module.

    It is the program itself where propagation is enough.
    """
    if program.polyhedral or not len(possibly_zero(program, program.lower, program.upper)):
        return program
    try:
        low, high = Propagator(program).run(program.lower, program.upper)
    except Infeasible:
        _refuse_quotients_of_zero(program)
        return program  # whoever solves it will find the same, and say so
    columns = possibly_zero(program, low, high)
    if not len(columns):
        return program
    lower, upper = program.lower.copy(), program.upper.copy()
    try:
        for j, ends in _proven(program, low, high, columns).items():
            lower[j], upper[j] = ends
    except Refused:
        return program
    return replace(program, lower=lower, upper=upper)


def _refuse_quotients_of_zero(program: Program) -> None:
    """Raise `DiagnosticError` where only what a quotient by zero would have to be says "infeasible".

    The columns of a quotient say `w * b = a`, which nothing meets for `b = 0` and `a != 0`. A limit on
    the quotient may well hold there (`allocc.compiler.reformulations.ratios`): that proves nothing.
    """
    rest = without_quotients(program)
    try:
        low, high = Propagator(rest).run(program.lower, program.upper)
    except Infeasible:
        return
    if len(zero_below(program, low, high)):
        check_bounds(replace(program, lower=low, upper=high))


def _proven(
    program: Program, low: FloatArray, high: FloatArray, columns: IntArray
) -> dict[int, tuple[float, float]]:
    """New ends for those of the columns that have some without zero between them."""
    rows = replace(
        program,
        sense="minimize",
        objective=np.zeros(program.columns),
        offset=0.0,
        lower=low,
        upper=high,
        integer=np.zeros(program.columns, dtype=bool),
        products=no_products(),
        functions=(),
        extremes=(),
    )
    session = ScaledSession(rows)
    found: dict[int, tuple[float, float]] = {}
    for j in columns.tolist():
        width = high[j] - low[j]
        for sign in (1.0, -1.0):
            session.aim(j, sign)
            try:
                least = session.extreme(SolveOptions())
            except Empty:
                return {}  # no allocation meets every limit, whatever is divided
            if least is None:
                continue
            end = least - OUTWARD * max(abs(least), width if np.isfinite(width) else 0.0)
            if end > 0:
                found[j] = (end, high[j]) if sign > 0 else (low[j], -end)
                break
    return found


PASS = Pass(
    "denominators",
    "ranges without 0 for what is divided by, proven by linear programs over all rows together",
    lambda program: not program.polyhedral,
    with_ranges,
    methods=frozenset(METHODS),
    after=("chance",),
)


def prepared(problem: Problem, method: str = "auto", without: Collection[str] = ()) -> Chain:
    """The chain of passes of a problem (see `allocc.compiler.pipeline.chain`), with the one here."""
    return chain(problem, method, without, (PASS,))
