"""Absolute values against enumeration, for every sign of the range and every direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import FunctionAtoms, Program
from allocc.compiler.reformulations import absolute
from tests.compiler.solving import INF, best, columns


def random_case(seed: int) -> Program:
    rng = np.random.default_rng(seed)
    low = float(rng.integers(-4, 4))
    high = low + float(rng.integers(0, 6))
    side = rng.random()
    return columns(
        [low, 0],
        [high, max(abs(low), abs(high))],
        integer=[True, False],
        derived=[1],
        objective=np.round(rng.uniform(-1, 1, 2), 2),
        sense="maximize" if rng.random() < 0.5 else "minimize",
        functions=(FunctionAtoms("abs", np.array([1]), np.array([0])),),
        rows=np.round(rng.uniform(-1, 1, (1, 2)), 2),
        row_lower=[-1.0 if side < 0.5 else -INF],
        row_upper=[INF if side < 0.3 else 1.0],
    )


@pytest.mark.parametrize("one_sided", [True, False])
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_the_optimum_is_that_of_enumeration(one_sided: bool, seed: int) -> None:
    made = random_case(seed)
    down, _ = monotone_directions(made)
    if not one_sided:
        down = np.zeros_like(down)
    build = Extension(made)
    binaries = absolute.write(build, made.functions[0], made.lower, made.upper, down)
    needed = not down[1] and made.lower[0] < 0 < made.upper[0]
    assert binaries == needed
    values = []
    for x in range(int(made.lower[0]), int(made.upper[0]) + 1):
        point = np.array([x, abs(x)], dtype=float)
        activity = made.matrix @ point
        if (activity >= made.row_lower - 1e-9).all() and (activity <= made.row_upper + 1e-9).all():
            values.append(float(made.objective @ point))
    found = best(build.finish())
    if not values:
        assert found is None
    else:
        expected = min(values) if made.sense == "minimize" else max(values)
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("low", "high"), [(-3, 5), (0, 4), (-4, 0), (-5, -2), (2, 2), (-2, -2)])
def test_without_direction_it_is_an_equation(low: float, high: float) -> None:
    atoms = FunctionAtoms("abs", np.array([1]), np.array([0]))
    made = columns([low, -INF], [high, INF], derived=[1], functions=(atoms,))
    build = Extension(made)
    absolute.write(build, atoms, made.lower, made.upper, np.zeros(2, dtype=bool))
    program = build.finish()
    for x in np.linspace(low, high, 4):
        for sense in ("minimize", "maximize"):
            found = best(program, sense, {1: 1.0}, {0: float(x)})  # type: ignore[arg-type]
            assert found == pytest.approx(abs(x), abs=1e-7)
