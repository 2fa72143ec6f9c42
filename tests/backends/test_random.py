"""Random small integer programs: all solvers against counting every point."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends import SolveOptions, check_point, get
from allocc.compiler.programs.program import Program
from tests.backends.programs import INF, program

NAMES = ("highs", "scip", "gurobi", "pyomo", "pyomo:scip")


@st.composite
def small_programs(draw: Any) -> Program:
    columns = draw(st.integers(1, 4))
    rows = draw(st.integers(0, 3))
    number = st.integers(-5, 5)
    lower = [draw(st.integers(-3, 2)) for _ in range(columns)]
    upper = [low + draw(st.integers(0, 3)) for low in lower]
    matrix = [[draw(number) for _ in range(columns)] for _ in range(rows)]
    row_lower, row_upper = [], []
    for _ in range(rows):
        side = draw(st.sampled_from(["<", ">", "=", "range", "free"]))
        at = draw(st.integers(-8, 8)) + (0.5 if side != "=" and draw(st.booleans()) else 0.0)
        row_lower.append(-INF if side in "<free" else at)
        width = draw(st.integers(1, 4)) if side == "range" else 0
        row_upper.append(INF if side in (">", "free") else at + width)
    return program(
        [draw(number) for _ in range(columns)],
        matrix,
        row_lower,
        row_upper,
        lower=lower,
        upper=upper,
        integer=True,
        sense=draw(st.sampled_from(["minimize", "maximize"])),
        offset=draw(st.integers(-3, 3)),
    )


def best(model: Program) -> float | None:
    ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
    points = np.array(list(itertools.product(*ranges)), dtype=float)
    activity = points @ model.matrix.toarray().T
    fits = ((activity >= model.row_lower) & (activity <= model.row_upper)).all(axis=1)
    if not fits.any():
        return None
    values = points[fits] @ model.objective + model.offset
    return float(values.min() if model.sense == "minimize" else values.max())


@pytest.mark.parametrize("name", NAMES)
def test_solvers_agree_with_counting(name: str) -> None:
    solver = get(name)
    if not solver.available():
        assert name != "highs", "HiGHS must always be there"
        pytest.skip(f"solver {name} is not installed here")

    @settings(max_examples=60 if name == "highs" else 30, deadline=None)
    @given(small_programs())
    def agrees(model: Program) -> None:
        value = best(model)
        answer = solver.solve(model, SolveOptions(threads=1))
        if value is None:
            assert answer.termination in ("infeasible", "infeasible_or_unbounded")
            assert answer.point is None
        else:
            assert answer.termination == "optimal", answer.message
            assert answer.value == pytest.approx(value, abs=1e-6)
            assert answer.bound == pytest.approx(value, abs=1e-5)
            assert answer.point is not None and check_point(model, answer.point).holds(1e-6)

    agrees()
