"""The convex rest: a program with its integers fixed, solved again and again from its last basis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.program import FloatArray, Program
from allocc.compiler.relaxation import Relaxation


def is_linear_when_fixed(relaxation: Relaxation) -> bool:
    """Whether every product has an integer (or fixed) factor, and nothing else is left nonlinear."""
    p, q = relaxation.program, relaxation.program.products
    simple = p.integer | (p.lower == p.upper)
    return bool(np.all(simple[q.left] | simple[q.right])) and all(
        f.kind == "abs" for f in p.functions
    )


def fixed_box(relaxation: Relaxation, point: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bounds in which every integer column is fixed at its rounded value."""
    p = relaxation.program
    lower, upper = p.lower.copy(), p.upper.copy()
    whole = np.flatnonzero(p.integer)
    value = np.clip(np.rint(point[whole]), lower[whole], upper[whole])
    lower[whole] = upper[whole] = value
    return lower, upper


def solve_fixed(
    relaxation: Relaxation, point: FloatArray, time_limit: float | None = None
) -> FloatArray | None:
    """The best point with the integers of `point`, None if there is none.

    Exact where `is_linear_when_fixed`; otherwise the relaxation's point, to be simulated.
    """
    lower, upper = fixed_box(relaxation, point)
    built = relaxation.build(lower, upper)
    program: Program = replace(built.program)
    options = SolveOptions(gap=1e-9, time_limit=time_limit)
    solution = registry.get("highs").solve(program, options)
    if solution.point is None:
        return None
    return built.lower_point(solution.point)
