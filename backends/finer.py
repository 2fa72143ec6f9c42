"""A finer solve of a mixed-integer program where HiGHS's absolute tolerance is larger than the gap.

HiGHS drops what is better than its incumbent by less than `mip_feasibility_tolerance`, an absolute
number. So its bound is no closer to its value than that (see `HighsSession`), and where the asked gap is
smaller, as around a value of zero, the objective is taken larger.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.backends.highs_session import HighsSession
from allocc.backends.solution import Solution, SolveOptions
from allocc.compiler.programs.program import Program

#: Gaps below these are not to be had in floating point.
LEAST_GAP, LEAST_ABSOLUTE = 1e-9, 1e-12
#: A larger objective has no cost above this: a solver cannot calculate with it.
MOST_COST = 1e11


def finer(
    session: HighsSession, program: Program, first: Solution, options: SolveOptions
) -> Solution:
    """`first`, or the answer with an objective so large that HiGHS's tolerance is within the gap."""
    if first.termination != "optimal" or first.value is None or first.bound is None:
        return first
    wanted = _allowed(first.value, options)
    if abs(first.value - first.bound) <= wanted:
        return first
    costs = float(np.abs(program.objective).max(initial=0.0)) * session.factor
    times = min(2.0 * session.tolerance / wanted, MOST_COST / max(costs, 1.0))
    if times < 2.0:
        return first
    session.enlarge(2.0 ** np.ceil(np.log2(times)))
    second = session.solve(replace(_left(options, first.seconds), start=first.point))
    total = first.seconds + second.seconds
    return replace(second if second.termination == "optimal" else first, seconds=total)


def _allowed(value: float, options: SolveOptions) -> float:
    """How far a bound may be from a value."""
    least = max(options.absolute_gap, LEAST_ABSOLUTE)
    size = abs(value)
    # Around zero a relative gap means nothing.
    return least if size <= 10.0 * least else max(options.gap, LEAST_GAP) * size


def _left(options: SolveOptions, used: float) -> SolveOptions:
    limit = options.time_limit
    return options if limit is None else replace(options, time_limit=max(0.0, limit - used))
