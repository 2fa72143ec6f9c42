"""The linear relaxation before the mixed-integer program: often it leaves few integers open.

Where one limit ties thousands of otherwise separate choices, a vertex of the relaxation splits only
as many of them as there are such limits. With the others fixed, a small program is left, and its
optimum is often so near to the relaxation's bound that nothing more is to be proven. The bound is that
of the duals, which holds whatever the solver's tolerances are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import Solution
from allocc.compiler.programs.program import Program
from allocc.engine import solver_calls
from allocc.engine.loop import Loop

#: With fewer integers a solver's own search is as fast.
FEWEST = 500
#: The relaxation is of use when it splits at most this share of them.
MOST_SPLIT = 0.02
#: Seconds that it may take.
MOST_SECONDS = 15.0
#: An integer column nearer to a whole number than this is one.
WHOLE = 1e-6


def relaxed_first(loop: Loop, backend: Backend, program: Program) -> Solution | None:
    """A point of a linear program with integers, from its relaxation; None where that is no help.

    The relaxation's bound is kept as proven.
    """
    whole = np.flatnonzero(program.integer)
    if len(whole) < FEWEST or not program.polyhedral or not backend.capabilities.duals:
        return None
    loose = replace(program, integer=np.zeros(program.columns, dtype=bool))
    found = solver_calls.call(loop, backend, loose, 0.0, None, seconds=MOST_SECONDS, vertex=True)
    if found.termination != "optimal" or found.point is None:
        return None
    loop.prove(found.bound, found.word)
    value = found.point[whole]
    near = np.rint(value)
    settled = np.abs(value - near) <= WHOLE
    if np.count_nonzero(~settled) > MOST_SPLIT * len(whole):
        return None
    lower, upper = program.lower.copy(), program.upper.copy()
    fixed = whole[settled]
    lower[fixed] = upper[fixed] = np.clip(near[settled], lower[fixed], upper[fixed])
    small = replace(program, lower=lower, upper=upper)
    rounded = solver_calls.call(
        loop, backend, small, loop.options.gap * 0.1, None, seconds=MOST_SECONDS
    )
    return None if rounded.point is None else rounded
