"""Propagation never cuts off a feasible point, and calls nothing infeasible that is not."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import function
from allocc.compiler.programs.bounds import Infeasible, Propagator, tighten
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program
from tests.compiler.curves import KINDS
from tests.compiler.solving import INF, columns

seeds = st.integers(0, 2**32 - 1)


@dataclass
class Growing:
    """A program that grows around one of its points."""

    rng: np.random.Generator
    x: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    products: list[tuple[int, int, int]] = field(default_factory=list)
    ratios: list[tuple[int, int, int]] = field(default_factory=list)
    functions: list[FunctionAtoms] = field(default_factory=list)
    extremes: list[Extremes] = field(default_factory=list)

    def column(self, value: float, bounded: float, integer: bool = False) -> int:
        low, high = -INF, INF
        gap = self.rng.choice([0.0, 0.5, 3.0, 100.0], 2)
        if integer:
            gap = np.ceil(gap)
        if self.rng.random() < bounded:
            low = value - gap[0]
        if self.rng.random() < bounded:
            high = value + gap[1]
        self.x.append(value)
        self.lower.append(low)
        self.upper.append(high)
        self.integer.append(integer)
        return len(self.x) - 1

    def pick(self) -> int:
        return int(self.rng.integers(len(self.x)))

    def atom(self) -> None:
        rng, a = self.rng, self.pick()
        choice = rng.integers(4)
        if choice == 0:
            b = self.pick()
            self.products.append((self.column(self.x[a] * self.x[b], 0.3), a, b))
        elif choice == 1 and self.x[a] != 0:
            b = self.pick()  # a quotient: its top is an older column
            self.ratios.append((self.column(self.x[b] / self.x[a], 0.2), b, a))
        elif choice == 2:
            kind, exponent = KINDS[rng.integers(len(KINDS))]
            value = float(function(kind, exponent).value(np.array([self.x[a]]))[0])
            if np.isfinite(value) and abs(value) < 1e6:
                w = np.array([self.column(value, 0.2)])
                atoms = FunctionAtoms(kind, w, np.array([a]), exponent)
                self.functions.append(atoms)
        else:
            group = rng.integers(0, len(self.x), int(rng.integers(1, 4)))
            sense = "max" if rng.random() < 0.5 else "min"
            values = np.array(self.x)[group]
            w = self.column(float(values.max() if sense == "max" else values.min()), 0.3)
            owner = np.zeros(len(group), dtype=np.int64)
            self.extremes.append(Extremes(sense, np.array([w]), owner, group))  # type: ignore[arg-type]

    def finish(self) -> tuple[Program, FloatArray]:
        rng, x = self.rng, np.array(self.x)
        n = len(x)
        count = int(rng.integers(0, 6))
        rows = np.zeros((count, n))
        for row in rows:
            some = rng.choice(n, size=min(n, int(rng.integers(1, 4))), replace=False)
            row[some] = rng.choice([1.0, -1.0, 2.5, -0.01, 1000.0], len(some))
        activity = rows @ x
        room = rng.choice([0.0, 0.0, 1.0, INF], (2, count))
        made = columns(
            self.lower,
            self.upper,
            integer=self.integer,
            rows=rows,
            row_lower=activity - room[0],
            row_upper=activity + room[1],
            functions=tuple(self.functions),
            extremes=tuple(self.extremes),
            products=self.products,
            ratios=self.ratios,
        )
        return made, x


def around_a_point(seed: int) -> tuple[Program, FloatArray]:
    rng = np.random.default_rng(seed)
    grown = Growing(rng)
    for _ in range(int(rng.integers(2, 5))):
        whole = rng.random() < 0.5
        size = rng.choice([1.0, 10.0, 1e5])
        value = rng.uniform(-size, size)
        grown.column(float(np.rint(value)) if whole else value, 0.8, bool(whole))
    for _ in range(int(rng.integers(0, 6))):
        grown.atom()
    return grown.finish()


@settings(deadline=None, max_examples=400)
@given(seeds)
def test_no_feasible_point_is_cut_off(seed: int) -> None:
    made, x = around_a_point(seed)
    # The exact point is feasible up to rounding in the last place.
    assert check_point(made, x).holds(1e-9)
    tight = tighten(made)
    size = 1e-9 * (1 + np.abs(x))
    assert (tight.lower <= x + size).all(), (x, tight.lower)
    assert (tight.upper >= x - size).all(), (x, tight.upper)
    assert (tight.lower >= made.lower).all() and (tight.upper <= made.upper).all()
    assert (tight.lower <= tight.upper).all()


# Slow geometric progress may end a little early: the same programs every time.
@settings(deadline=None, max_examples=150, derandomize=True)
@given(seeds)
def test_a_second_run_finds_next_to_nothing(seed: int) -> None:
    made, _ = around_a_point(seed)
    propagator = Propagator(made)
    once = propagator.run(made.lower, made.upper)
    twice = propagator.run(*once)
    for a, b in zip(once, twice, strict=True):
        assert (np.isinf(a) == np.isinf(b)).all()
        wide = np.where(np.isfinite(once[1] - once[0]), once[1] - once[0], np.inf)
        good = np.isfinite(a)
        moved = np.abs(np.where(good, a, 0.0) - np.where(good, b, 0.0))
        assert (moved[good] <= 5e-6 * np.minimum(1 + np.abs(a[good]), 1 + wide[good]) + 1e-5).all()


@settings(deadline=None, max_examples=150)
@given(seeds)
def test_infeasible_only_where_enumeration_finds_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    low = rng.integers(-3, 3, n).astype(float)
    high = low + rng.integers(0, 4, n)
    count = int(rng.integers(1, 4))
    rows = rng.integers(-3, 4, (count, n + 1)).astype(float)
    level = rng.integers(-8, 8, count).astype(float)
    room = rng.choice([0.0, 0.5, INF], count)
    made = columns(
        [*low, -INF],
        [*high, INF],
        integer=[True] * n + [False],
        rows=rows,
        row_lower=level,
        row_upper=level + room,
        products=[(n, 0, n - 1)],
    )
    feasible = []
    for x in itertools.product(
        *(range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
    ):
        point = np.array([*x, x[0] * x[n - 1]], dtype=float)
        activity = rows @ point
        if (activity >= level).all() and (activity <= level + room).all():
            feasible.append(point)
    try:
        tight = tighten(made)
    except Infeasible as empty:
        assert not feasible
        assert 0 <= empty.column <= n
        return
    for point in feasible:
        assert (tight.lower <= point).all() and (point <= tight.upper).all()
    # What is left for whole numbers are whole numbers.
    assert (tight.lower[:n] == np.rint(tight.lower[:n])).all()


def test_a_row_bounds_the_ratio_that_it_is_made_of() -> None:
    """s >= 2 x and s <= 5 x with s = w x and x > 0 say 2 <= w <= 5, whatever the range of x."""
    rows = [[1.0, -2.0, 0.0], [1.0, -5.0, 0.0]]
    sides = {"row_lower": [0.0, -INF], "row_upper": [INF, 0.0]}
    made = columns([0, 1, -INF], [1000, 100, INF], rows=rows, ratios=[(2, 0, 1)], **sides)
    tight = tighten(made)
    assert tight.lower[2] == pytest.approx(2) and tight.upper[2] == pytest.approx(5)
    # It says nothing where x may be zero.
    open_ = columns([0, 0, -INF], [1000, 100, INF], rows=rows, ratios=[(2, 0, 1)], **sides)
    loose = tighten(open_)
    assert np.isneginf(loose.lower[2]) and np.isposinf(loose.upper[2])


def test_a_ratio_row_with_the_signs_turned() -> None:
    made = columns(
        [0, 1, -INF],
        [1000, 100, INF],
        rows=[[-1.0, 2.0, 0.0], [-1.0, 5.0, 0.0]],
        row_lower=[-INF, 0.0],
        row_upper=[0.0, INF],
        ratios=[(2, 0, 1)],
    )
    tight = tighten(made)
    assert tight.lower[2] == pytest.approx(2) and tight.upper[2] == pytest.approx(5)


@pytest.mark.parametrize("margin", [0.0, 1e-10, -1e-10])
def test_whole_numbers_are_rounded_with_a_margin(margin: float) -> None:
    """3 x <= 9 (nearly) leaves 3; 3 x <= 8.9 leaves 2."""
    for level, most in ((9.0, 3.0), (8.9, 2.0)):
        made = columns(
            [0], [10], integer=True, rows=[[3.0]], row_lower=[-INF], row_upper=[level + margin]
        )
        assert tighten(made).upper[0] == most


def test_rounding_in_a_sum_of_large_numbers_is_no_contradiction() -> None:
    """x = a - b where both are known and far larger than x."""
    a, b = 1e9 + 0.1, 1e9
    made = columns(
        [0.1, a, b, -INF],
        [0.1, a, b, INF],
        rows=[[-1.0, 1.0, -1.0, 0.0], [1.0, 0.0, 0.0, 1.0]],
        row_lower=[0.0, 0.0],
        row_upper=[0.0, 0.0],
    )
    tight = tighten(made)
    assert tight.lower[3] <= -0.1 <= tight.upper[3]


def test_infinite_values_beside_a_contradiction() -> None:
    """x^1e16 overflows for all x from 2 on; another column is asked for more than it can be."""
    power = FunctionAtoms("power", np.array([1]), np.array([0]), 1e16)
    made = columns(
        [2, -INF, 0],
        [5, INF, 1],
        functions=[power],
        rows=[[0.0, 0.0, 1.0]],
        row_lower=[2.0],
        row_upper=[INF],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Infeasible):
            Propagator(made).run(made.lower, made.upper)


def test_nothing_to_do() -> None:
    made = columns([], [])
    assert tighten(made).columns == 0
    alone = columns([0], [INF])
    assert np.isposinf(tighten(alone).upper[0])
