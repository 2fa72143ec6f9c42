"""Small programs by hand, and what their rows leave to a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import SolveOptions
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Extremes, Program, ProgramBlock
from tests.backends.programs import program

INF = float("inf")


def columns(
    lower: Any,
    upper: Any,
    *,
    integer: Any = False,
    derived: Sequence[int] = (),
    extremes: tuple[Extremes, ...] = (),
    **rest: Any,
) -> Program:
    """A program of columns; the `derived` ones are not stated, so that they may be moved."""
    lower = np.asarray(lower, dtype=float)
    rest.setdefault("objective", np.zeros(len(lower)))
    made = program(rest.pop("objective"), lower=lower, upper=upper, integer=integer, **rest)
    blocks = tuple(
        ProgramBlock(f"x{j}", j, 1, "auxiliary" if j in derived else "stated")
        for j in range(len(lower))
    )
    return replace(made, column_blocks=blocks, extremes=extremes)


def range_of(made: Program, column: int, point: FloatArray) -> tuple[float, float]:
    """What the rows leave to one column when all others stand at a point."""
    rest = np.array(point, dtype=float)
    rest[column] = 0.0
    low, high = -INF, INF
    activity = made.matrix @ rest
    own = made.matrix[:, [column]].toarray().ravel()
    for i in np.flatnonzero(own):
        ends = sorted((e - activity[i]) / own[i] for e in (made.row_lower[i], made.row_upper[i]))
        low, high = max(low, ends[0]), min(high, ends[1])
    return low, high


def best(
    made: Program,
    sense: Literal["minimize", "maximize"] | None = None,
    objective: Any = None,
    fixed: dict[int, float] | None = None,
) -> float | None:
    """The optimal value by HiGHS, None where there is no point."""
    lower, upper = made.lower.copy(), made.upper.copy()
    for j, x in (fixed or {}).items():
        lower[j] = upper[j] = x
    costs = made.objective
    if objective is not None:
        costs = np.zeros(made.columns)
        for j, c in objective.items():
            costs[j] = c
    asked = replace(made, lower=lower, upper=upper, objective=costs, sense=sense or made.sense)
    found = registry.get("highs").solve(asked, SolveOptions(gap=1e-9))
    assert found.termination in ("optimal", "infeasible"), found
    return found.value
