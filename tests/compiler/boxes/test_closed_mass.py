"""Closed groups of compartments hold what they began with."""

from __future__ import annotations

import numpy as np
import pytest

from allocc.backends.point_check import check_point
from allocc.compiler.boxes.closed_mass import with_closed_mass
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds import Propagator
from allocc.compiler.unrolling.simulate import simulate
from tests.compiler.boxes.models import model
from tests.compiler.making import completed, decisions, problem

MOVING = """model m
set Region = {a, b}
time w = 0 .. 4 step 1
compartment S[Region]
compartment I[Region]
initial S[r in Region] = 90
initial I[r in Region] = 10
decide x[period] in 0 .. 1
flow infect[r in Region] : S -> I = 0.01 * S[r] * I[r] * (1 - 0.5 * x)
flow move : S["a"] -> S["b"] = 0.1 * S["a"]
minimize { sick : sum(r in Region: I[r, end]) + sum(x) }
"""
OPEN = MOVING.replace('S["a"] -> S["b"]', 'S["a"] ->')


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        (model("vaccines"), 12),  # each region at each time
        (problem(MOVING), 5),  # all together, since people move
        (problem(OPEN), 0),
    ],
)
def test_rows_hold_for_what_is_simulated(found: object, rows: int) -> None:
    lowered = chain(found)  # type: ignore[arg-type]
    made = with_closed_mass(lowered.program, found, lowered.places)  # type: ignore[arg-type]
    assert made.rows - lowered.program.rows == rows
    point = completed(lowered, simulate(found, decisions(found, np.random.default_rng(0))))  # type: ignore[arg-type]
    first = lowered.program.rows
    level = made.matrix[first:] @ point
    assert (made.row_lower[first:] <= level).all() and (level <= made.row_upper[first:]).all()


def test_nobody_outgrows_everybody() -> None:
    text = """model m
    time w = 0 .. 60 step 1
    compartment S
    compartment I
    compartment R
    initial S = 990
    initial I = 10
    initial R = 0
    decide closed[period] in 0 .. 1
    flow infect : S -> I = 0.002 * (1 - closed) * S * I
    flow heal : I -> R = 0.5 * I
    minimize { sick : sum(p in period: I[p] + 10 * closed[p]) }
    """
    found = problem(text)
    lowered = chain(found)
    made = with_closed_mass(lowered.program, found, lowered.places)
    infectious = lowered.places.columns[found.states[1]]
    _, upper = Propagator(made).run(made.lower, made.upper)
    assert (upper[infectious] <= 1000 * (1 + 1e-6)).all()
    assert check_point(made, completed(lowered, simulate(found, _none(found)))).holds(1e-6)


def _none(found: object) -> dict[object, object]:
    return {v: np.zeros(v.shape) for v in found.decisions}  # type: ignore[attr-defined]
