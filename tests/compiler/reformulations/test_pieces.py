"""Disaggregated products: every true point can be lifted, and single values are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.bounds import times
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Program
from allocc.compiler.reformulations.pieces import Cut, PieceColumns, Pieces, disaggregate
from allocc.compiler.relaxing.relaxation import Relaxation
from tests.compiler.solving import INF, best, columns

seeds = st.integers(0, 2**32 - 1)


@dataclass
class Case:
    """Column 0 is cut; columns 1 .. n are factors; the rest are products with column 0."""

    built: Program
    copy: PieceColumns
    low: FloatArray
    high: FloatArray
    lower: FloatArray
    upper: FloatArray
    other: FloatArray

    def point(self, x: float, y: FloatArray) -> FloatArray:
        base = np.concatenate([[x], y])
        return np.concatenate([base, x * base[self.other]])

    def lifted(self, base: FloatArray) -> FloatArray:
        full = np.full(self.built.columns, np.nan)
        full[: len(base)] = base
        self.copy.lift(full)
        return full


def case(rng: np.random.Generator, integer: bool, single: bool, square: bool = False) -> Case:
    n = int(rng.integers(1, 4))
    first = float(rng.integers(-4, 3))
    last = first + float(rng.integers(1, 6))
    if single:
        low = high = np.arange(first, last + 1)
    elif integer:
        values = np.arange(first, last + 1)
        inner = np.flatnonzero(rng.random(len(values) - 1) < 0.5) + 1
        parts = np.split(values, inner)
        low, high = np.array([p[0] for p in parts]), np.array([p[-1] for p in parts])
    else:
        inner = np.sort(rng.uniform(first, last, int(rng.integers(0, 4))))
        low, high = np.concatenate([[first], inner]), np.concatenate([inner, [last]])
    y_low = rng.uniform(-10, 10, n)
    y_high = y_low + rng.choice([0.0, 1.0, 15.0], n)
    lower, upper = np.concatenate([[first], y_low]), np.concatenate([[last], y_high])
    other = rng.integers(1, n + 1, int(rng.integers(1, 4)))
    if square:
        other[0] = 0
    spans = times(lower[0], upper[0], lower[other], upper[other])
    lower, upper = np.concatenate([lower, spans[0]]), np.concatenate([upper, spans[1]])
    whole = np.zeros(len(lower), dtype=bool)
    whole[0] = integer
    base = columns(lower, upper, integer=whole)
    ends = [np.tile(e, (len(low), 1)) for e in (lower, upper)]
    ends[0][:, 0], ends[1][:, 0] = low, high
    build = Extension(base)
    result = np.arange(n + 1, len(lower))
    ranges = ((ends[0][:, of], ends[1][:, of]) for of in (other, result))
    (copy,) = disaggregate(build, [Cut(0, low, high, result, other, *ranges)])
    return Case(build.finish(), copy, low, high, lower, upper, other)


def draw(found: Case, rng: np.random.Generator, integer: bool) -> FloatArray:
    n = len(found.lower) - len(found.other)
    x = rng.uniform(found.lower[0], found.upper[0])
    ends = rng.random()
    if integer:
        x = np.rint(x)
    elif ends < 0.4:
        x = rng.choice(np.concatenate([found.low, found.high]))
    t = np.where(rng.random(n - 1) < 0.4, np.rint(rng.random(n - 1)), rng.random(n - 1))
    y = found.lower[1:n] + t * (found.upper[1:n] - found.lower[1:n])
    return found.point(float(x), y)


@pytest.mark.parametrize("integer", [True, False])
@settings(deadline=None, max_examples=60)
@given(seeds)
def test_every_true_point_can_be_lifted(integer: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = case(rng, integer, single=False, square=seed % 5 == 0)
    for _ in range(6):
        full = found.lifted(draw(found, rng, integer))
        check = check_point(found.built, full)
        assert check.holds(1e-9), (check, found.built.row_name(check.worst_row or 0))


@settings(deadline=None, max_examples=8)
@given(seeds)
def test_single_values_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = case(rng, True, single=True, square=seed % 3 == 0)
    base = draw(found, rng, True)
    n = len(found.lower) - len(found.other)
    fixed = dict(enumerate(base[:n].tolist()))
    for k in range(n, len(base)):
        for sense in ("minimize", "maximize"):
            value = best(found.built, sense, {k: 1.0}, fixed)  # type: ignore[arg-type]
            assert value == pytest.approx(base[k], abs=1e-6)


@settings(deadline=None, max_examples=8)
@given(seeds)
def test_the_error_is_that_of_the_piece(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = case(rng, False, single=False)
    base = draw(found, rng, False)
    n = len(found.lower) - len(found.other)
    k = int(np.argmax(np.maximum(found.low - base[0], base[0] - found.high) <= 0))
    width = found.high[k] - found.low[k]
    fixed = dict(enumerate(base[:n].tolist()))
    for c, y in enumerate(found.other, n):
        height = found.upper[y] - found.lower[y]
        for sense in ("minimize", "maximize"):
            value = best(found.built, sense, {c: 1.0}, fixed)  # type: ignore[arg-type]
            assert value is not None
            assert abs(value - base[c]) <= width * height / 4 + 1e-6


@settings(deadline=None, max_examples=8)
@given(seeds)
def test_a_ratio_over_single_values_is_exact(seed: int) -> None:
    """s = w x with whole x, the quotient w being the newest column."""
    rng = np.random.default_rng(seed)
    most = int(rng.integers(1, 6))
    ends = [0.0, 1.0, -INF], [10.0, most, INF]
    made = columns(*ends, integer=[False, True, False], derived=[2], ratios=[(2, 0, 1)])
    relaxation = Relaxation(made)
    relaxation.make_exact()
    built = relaxation.build()
    s, x = rng.uniform(0, 10), float(rng.integers(1, most + 1))
    for sense in ("minimize", "maximize"):
        value = best(built.program, sense, {2: 1.0}, {0: s, 1: x})  # type: ignore[arg-type]
        assert value == pytest.approx(s / x, abs=1e-6)
    lifted = built.lift_point(np.array([s, x, s / x]))
    assert check_point(built.program, lifted).holds(1e-9)


def test_pieces_with_a_hole_and_a_piece_at_zero() -> None:
    base = columns([0, 0, 0], [5, 4, 20], integer=[True, False, False])
    low, high = np.array([0.0, 3.0]), np.array([0.0, 5.0])
    factor, product = ((np.zeros((2, 1)), np.full((2, 1), most)) for most in (4.0, 20.0))
    build = Extension(base)
    cut = Cut(0, low, high, np.array([2]), np.array([1]), factor, product)
    disaggregate(build, [cut])
    made = build.finish()
    assert best(made, "maximize", {2: 1.0}, {0: 0, 1: 4}) == pytest.approx(0, abs=1e-9)
    assert best(made, "maximize", {2: 1.0}, {0: 2, 1: 4}) is None
    assert best(made, "minimize", {2: 1.0}, {0: 5, 1: 4}) == pytest.approx(20)


@settings(deadline=None, max_examples=60)
@given(seeds, st.booleans())
def test_splits_are_new_pieces_of_the_same_values(seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    low, high = (float(e) for e in (rng.integers(-3, 1), rng.integers(1, 9)))
    first = Pieces(np.array([low]), np.array([high]), whole)
    assert first.is_range(low, high)
    before = first
    for _ in range(6):
        at = float(rng.uniform(low - 1, high + 1))
        after = before.split(at, shortest=0.01)
        if after is before:
            assert whole or (before.high - before.low).min() <= 0.01
        else:
            assert len(after) > len(before)
        # In order, without a hole, and none twice.
        assert after.low[0] == low and after.high[-1] == high
        assert after.low[1:].tolist() == [x + whole for x in after.high[:-1].tolist()]
        assert after.values == first.values
        before = after
    assert first.is_range(low, high)
    inner = before.within(low + 1, high - 0.5)
    assert (low + 1 <= inner.low).all() and (inner.high <= high - 0.5).all()
    assert not len(before.within(high + 1, high + 2))
    if whole:
        singles = before.singles()
        assert singles.low.tolist() == singles.high.tolist() == list(np.arange(low, high + 1))
