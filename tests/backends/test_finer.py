"""Where HiGHS's absolute tolerance is larger than the asked gap, the objective is taken larger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocc.backends.highs import HighsBackend
from allocc.backends.highs_session import HighsSession
from allocc.backends.solution import SolveOptions
from allocc.compiler.programs.program import Program
from tests.backends.programs import program


def choice(gap: float) -> Program:
    """One of two for about 1; the second is cheaper by `gap`. The costs cancel but for that."""
    return program(
        [1.0, 1.0 - gap, -1.0],
        rows=[[1.0, 1.0, 0.0]],
        row_lower=[1.0],
        row_upper=[1.0],
        lower=[0.0, 0.0, 1.0],
        upper=[1.0, 1.0, 1.0],
        integer=[True, True, False],
    )


def test_a_bound_is_no_closer_than_highs_looks() -> None:
    session = HighsSession(choice(0.25))
    found = session.solve(SolveOptions(gap=0.0))
    assert found.value is not None and found.bound is not None
    assert found.bound <= found.value - session.tolerance + 1e-12
    session.enlarge(1024.0)
    again = session.solve(SolveOptions(gap=0.0))
    assert again.value == pytest.approx(found.value, abs=1e-9)
    assert again.bound is not None and found.bound < again.bound <= found.value


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("gap", [1e-3, 1e-7, 1e-8])
def test_small_differences_are_seen(sense: str, gap: float) -> None:
    asked = choice(gap)
    if sense == "maximize":
        asked = replace(asked, sense="maximize", objective=-asked.objective)
    sign = 1.0 if sense == "minimize" else -1.0
    found = HighsBackend().solve(asked, SolveOptions(gap=1e-6))
    assert found.termination == "optimal" and found.bound is not None
    assert found.value == pytest.approx(-sign * gap, abs=1e-9)
    assert sign * found.bound <= -gap + 1e-12
    assert abs(found.bound + sign * gap) <= 1e-9 + 1e-6 * gap


def test_steps_are_not_missed() -> None:
    """Whole numbers with whole costs: nothing lies within the tolerance, and the bound is as it is."""
    asked = program(
        [2.0, 3.0],
        rows=[[2.0, 2.0]],
        row_lower=[3.0],
        row_upper=[np.inf],
        upper=9.0,
        integer=True,
    )
    found = HighsSession(asked).solve(SolveOptions(gap=0.0))
    assert found.value == 4.0 and found.bound == pytest.approx(4.0, abs=1e-12)
    asked.objective[0] = 2.0000001
    found = HighsSession(asked).solve(SolveOptions(gap=0.0))
    assert found.bound is not None and found.bound <= 4.0000002 - 1e-6 + 1e-12


def test_what_the_ranges_prove_needs_no_larger_objective() -> None:
    found = HighsSession(program([1.0, 2.0], upper=3.0, integer=True)).solve(SolveOptions(gap=0.0))
    assert found.value == 0.0 and found.bound == 0.0
