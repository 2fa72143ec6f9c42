"""Costs far below a solver's tolerances: the answer must not depend on the unit of the objective."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from allocc.backends import registry
from allocc.backends.highs_session import HighsSession
from allocc.backends.solution import SolveOptions
from allocc.compiler.programs.program import Program
from tests.backends.programs import program

WORTH = np.array([3.0, 3.01, 2.99, 3.02])


def shares(size: float, sense: Literal["minimize", "maximize"], integer: bool) -> Program:
    """Ten units to share among four columns of at most four each."""
    sign = 1.0 if sense == "maximize" else -1.0
    return program(
        sign * size * WORTH,
        lower=np.zeros(4),
        upper=np.full(4, 4.0),
        integer=np.full(4, integer),
        rows=[[1.0, 1.0, 1.0, 1.0]],
        row_lower=[10.0],
        row_upper=[10.0],
        sense=sense,
        offset=size,
    )


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("size", [1e-9, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_small_costs(
    solver: str, size: float, sense: Literal["minimize", "maximize"], integer: bool
) -> None:
    if not registry.get(solver).available():
        pytest.skip(f"{solver} is not installed")
    found = registry.get(solver).solve(shares(size, sense, integer), SolveOptions(gap=1e-9))
    best = 4 * 3.02 + 4 * 3.01 + 2 * 3.0
    value = size * ((best if sense == "maximize" else -best) + 1)
    assert found.termination == "optimal"
    assert found.value == pytest.approx(value, rel=1e-9)
    assert found.bound == pytest.approx(value, rel=1e-7)
    assert found.point == pytest.approx([2, 4, 0, 4], abs=1e-7)


def test_duals_are_in_the_units_of_the_objective() -> None:
    session = HighsSession(shares(1e-6, "maximize", False))
    found = session.solve()
    assert found.row_duals == pytest.approx([3e-6], rel=1e-9)
    session.set_objective(1e3 * WORTH, 0.0)
    found = session.solve()
    assert found.row_duals == pytest.approx([3e3], rel=1e-9)
    assert found.value == pytest.approx(1e3 * (4 * 3.02 + 4 * 3.01 + 2 * 3.0), rel=1e-9)
