"""Prices that follow from a factor are paid in every piece, and cut nothing off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends import registry
from allocc.backends.point_check import check_point
from allocc.backends.solution import SolveOptions
from allocc.compiler.lowering.lower import lower
from allocc.compiler.programs.priced import priced_rows
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from tests.compiler.making import completed, problem, simulated

#: What stands for the penalty, and whether it is to be minimized.
PENALTIES = {
    "max(i in Place: abs(spend[i] - 3))": True,
    "sum(i in Place: abs(spend[i] - 2 * i))": True,
    "sum(i in Place: max(spend[i] - 4, 2 - spend[i], open[i] - 3))": True,
    "max(i in Place: abs(open[i] - i)) + sum(i in Place: dear[i])": True,
    "min(i in Place: spend[i] + 1)": False,
    "min(i in Place: -abs(spend[i] - 3))": False,
}


def made(penalty: str, least: bool) -> Problem:
    """Money over facilities in two places, with a penalty as the only other term."""
    sense, sign, other = ("minimize", "-", "") if least else ("maximize", "", "-")
    return problem(f"""
model prices
set Place = 1 .. 2
intervention money {{
  decide open[Place] integer in 1 .. 6
  decide spend[Place] in 0 .. 10
  decide dear[Place] in 0 .. 40
  limit total: sum(spend) <= 12
  limit follows[i in Place]: dear[i] >= 2 * spend[i] - 5
}}
{sense} {{
  gain : {sign}0.7 * sum(i in Place: (open[i] - 1) * spend[i] / open[i])
  cost : {other}0.4 * sum(open)
  away : 0.3 * ({penalty})
}}
""")


def relaxed(program: Program, rng: np.random.Generator) -> Relaxation:
    relaxation = Relaxation(program)
    for j in relaxation.plan.cut_columns:
        for _ in range(int(rng.integers(0, 4))):
            relaxation.split(j, float(rng.uniform(program.lower[j], program.upper[j])))
    return relaxation


def bound(program: Program) -> float:
    found = registry.get("highs").solve(program, SolveOptions())
    assert found.value is not None
    return found.value


@pytest.mark.parametrize("penalty", PENALTIES)
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_no_allocation_is_cut_off(penalty: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = made(penalty, PENALTIES[penalty])
    lowered = lower(found)
    program = lowered.program
    relaxation = relaxed(program, rng)
    assert len(relaxation.priced.priced)
    built = relaxation.build()
    tried = 0
    while tried < 3:
        point = completed(lowered, simulated(found, rng))
        if not check_point(program, point).holds(1e-9):
            continue
        tried += 1
        full = built.lift_point(point)
        assert np.isfinite(full).all()
        check = check_point(built.program, full)
        assert check.holds(1e-7), built.program.row_name(check.worst_row or 0)


@pytest.mark.parametrize("penalty", PENALTIES)
@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_the_bound_is_one_and_exact_over_single_values(penalty: str, seed: int) -> None:
    """A relaxation with prices bounds the true optimum, found value by value."""
    least = PENALTIES[penalty]
    program = lower(made(penalty, least)).program
    relaxation = relaxed(program, np.random.default_rng(seed))
    sign = 1.0 if least else -1.0
    best = min(
        sign * bound(relaxation.build(*_fixed(program, a, b)).program)
        for a in range(1, 7)
        for b in range(1, 7)
    )
    loose = sign * bound(relaxation.build(integral=False).program)
    assert loose <= best + 1e-6
    relaxation.make_exact()
    assert sign * bound(relaxation.build().program) == pytest.approx(best, abs=1e-6)


def _fixed(program: Program, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    low, high = program.lower.copy(), program.upper.copy()
    low[:2] = high[:2] = [a, b]
    return low, high


def test_moving_money_between_pieces_has_its_price() -> None:
    """Without the price a share of a large piece could use all of the money at no cost."""
    program = lower(made("max(i in Place: abs(spend[i] - 3))", True)).program
    with_price, without = Relaxation(program), Relaxation(program)
    without.__dict__["priced"] = priced_rows(program, np.zeros(0, dtype=np.int64))
    for relaxation in (with_price, without):
        relaxation.make_exact()
    found = [bound(r.build(integral=False).program) for r in (with_price, without)]
    assert found[0] > found[1] + 0.1
