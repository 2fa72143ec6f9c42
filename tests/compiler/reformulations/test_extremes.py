"""max and min of columns against enumeration, with the binaries and without."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Extremes, Program
from allocc.compiler.reformulations import extremes
from tests.compiler.solving import INF, best, columns

seeds = st.integers(0, 2**32 - 1)


def random_case(seed: int, which: str) -> Program:
    """Whole columns, two extremes of some of them (one may come twice), rows on the extremes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 4))
    low = rng.integers(-3, 2, n).astype(float)
    high = low + rng.integers(0, 4, n)
    groups = [rng.integers(0, n, int(rng.integers(1, 4))) for _ in range(2)]
    e = Extremes(
        "max" if which == "max" else "min",
        np.array([n, n + 1]),
        np.repeat([0, 1], [len(g) for g in groups]),
        np.concatenate(groups),
    )
    pick = np.max if which == "max" else np.min
    ends = [(float(pick(low[g])), float(pick(high[g]))) for g in groups]
    row = np.round(rng.uniform(-1, 1, (1, n + 2)), 2)
    level = float(rng.uniform(-2, 2))
    sided = rng.random()
    return columns(
        [*low, *(x for x, _ in ends)],
        [*high, *(x for _, x in ends)],
        integer=[True] * n + [False] * 2,
        derived=[n, n + 1],
        extremes=(e,),
        objective=np.round(rng.uniform(-1, 1, n + 2), 2),
        sense="maximize" if rng.random() < 0.5 else "minimize",
        rows=row,
        row_lower=[level if sided < 0.3 else -INF],
        row_upper=[INF if sided < 0.3 else level + (INF if sided > 0.8 else 1.0)],
    )


def enumerated(made: Program, which: str) -> float | None:
    (e,) = made.extremes
    n = made.columns - len(e)
    pick = np.max if which == "max" else np.min
    values = []
    for x in itertools.product(
        *(range(int(a), int(b) + 1) for a, b in zip(made.lower[:n], made.upper[:n], strict=True))
    ):
        w = [float(pick([x[a] for a in e.argument[e.owner == k]])) for k in range(len(e))]
        point = np.array([*x, *w], dtype=float)
        activity = made.matrix @ point
        if (activity >= made.row_lower - 1e-9).all() and (activity <= made.row_upper + 1e-9).all():
            values.append(float(made.objective @ point))
    if not values:
        return None
    return min(values) if made.sense == "minimize" else max(values)


@pytest.mark.parametrize("which", ["max", "min"])
@pytest.mark.parametrize("one_sided", [True, False])
@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_optimum_is_that_of_enumeration(which: str, one_sided: bool, seed: int) -> None:
    made = random_case(seed, which)
    down, up = monotone_directions(made)
    if not one_sided:
        down, up = np.zeros_like(down), np.zeros_like(up)
    build = Extension(made)
    (e,) = made.extremes
    binaries = extremes.write(build, e, made.lower, made.upper, down, up)
    free = down if which == "max" else up
    if free[e.result].all():
        assert binaries == 0
    expected = enumerated(made, which)
    found = best(build.finish())
    assert found == (pytest.approx(expected, abs=1e-6) if expected is not None else None)


def test_an_argument_that_can_never_win_gets_no_binary() -> None:
    e = Extremes("max", np.array([2]), np.array([0, 0]), np.array([0, 1]))
    made = columns([0, 5, 5], [4, 9, 9], derived=[2], extremes=(e,))
    nothing = np.zeros(3, dtype=bool)
    build = Extension(made)
    assert extremes.write(build, e, made.lower, made.upper, nothing, nothing) == 0
    assert best(build.finish(), "maximize", {2: 1.0}, {0: 4, 1: 6}) == pytest.approx(6)


@pytest.mark.parametrize("which", ["max", "min"])
def test_the_same_column_twice(which: str) -> None:
    e = Extremes(which, np.array([1]), np.array([0, 0]), np.array([0, 0]))  # type: ignore[arg-type]
    made = columns([-2, -2], [3, 3], derived=[1], extremes=(e,))
    build = Extension(made)
    nothing = np.zeros(2, dtype=bool)
    extremes.write(build, e, made.lower, made.upper, nothing, nothing)
    program = build.finish()
    for sense in ("minimize", "maximize"):
        assert best(program, sense, {1: 1.0}, {0: 1.5}) == pytest.approx(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["max", "min"])
def test_two_arguments_of_one_column_have_the_best_relaxation(which: str) -> None:
    # w = max(x, 2 x - 3) for x in 0 .. 5, where both arguments are columns that rows define.
    sign = 1.0 if which == "max" else -1.0
    e = Extremes(which, np.array([3]), np.array([0, 0]), np.array([1, 2]))  # type: ignore[arg-type]
    made = columns(
        [0, -10, -10, -10],
        [5, 10, 10, 10],
        derived=[1, 2, 3],
        extremes=(e,),
        rows=[[-sign, 1, 0, 0], [-2 * sign, 0, 1, 0]],
        row_lower=[0, -3 * sign],
        row_upper=[0, -3 * sign],
    )
    made = replace(made, defined=np.array([1, 2]))
    least, most = extremes.difference(made, np.array([2]), np.array([1]), made.lower, made.upper)
    ends = sorted([-3 * sign, 2 * sign])
    assert (least[0], most[0]) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    build = Extension(made)
    nothing = np.zeros(4, dtype=bool)
    assert extremes.write(build, e, made.lower, made.upper, nothing, nothing) == 1
    program = build.finish()
    relaxed = replace(program, integer=np.zeros(program.columns, dtype=bool))
    far = "maximize" if which == "max" else "minimize"
    for x in np.linspace(0, 5, 11):
        exact = sign * max(x, 2 * x - 3)
        for sense in ("minimize", "maximize"):
            assert best(program, sense, {3: 1.0}, {0: x}) == pytest.approx(exact, abs=1e-6)  # type: ignore[arg-type]
        # The envelope runs from 0 at x = 0 to 7 at x = 5.
        assert best(relaxed, far, {3: 1.0}, {0: x}) == pytest.approx(sign * 1.4 * x, abs=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "together"), [(100.0, True), (3e6, False)])
def test_money_and_a_yes_or_no_share_no_row(size: float, together: bool) -> None:
    """min(money, 1 - open) <= 0: beside millions a solver's tolerance is more than a yes or no."""
    made = columns(
        [0.0, 0.0, -INF],
        [size, 1.0, 0.0],
        integer=[False, True, False],
        derived=[2],
        extremes=(Extremes("min", np.array([2]), np.array([0, 0]), np.array([0, 1])),),
        objective=[-1.0, 0.0, 0.0],
    )
    build = Extension(made)
    lower, upper = made.lower.copy(), made.upper.copy()
    lower[2] = 0.0
    (e,) = made.extremes
    extremes.write(build, e, lower, upper, np.array([False] * 3), np.array([False] * 3))
    rows = build.finish().matrix.toarray()
    assert (rows[:, 0] * rows[:, 1]).any() == together
