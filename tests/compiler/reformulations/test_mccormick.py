"""McCormick's envelope: nothing of the graph is cut off, and it is exact where it says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Program
from allocc.compiler.reformulations import mccormick
from tests.compiler.solving import INF, columns, range_of

ends = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3))
boxes = st.tuples(ends, ends).map(sorted)


def envelope(
    a: list[float], b: list[float], below: bool = True, above: bool = True, square: bool = False
) -> Program:
    base = columns([-INF, a[0], b[0]], [INF, a[1], b[1]])
    build = Extension(base)
    w, left, right = np.array([0]), np.array([1]), np.array([1 if square else 2])
    mccormick.envelope(build, w, left, right, base.lower, base.upper, below, above)
    return build.finish()


@settings(deadline=None, max_examples=60)
@given(boxes, boxes)
def test_the_graph_lies_inside_and_the_edges_are_exact(a: list[float], b: list[float]) -> None:
    made = envelope(a, b)
    size = 1e-9 * (1 + max(map(abs, a)) * max(map(abs, b)))
    for k, x in enumerate(np.linspace(*a, 6)):
        for m, y in enumerate(np.linspace(*b, 6)):
            low, high = range_of(made, 0, np.array([0.0, x, y]))
            assert low - size <= x * y <= high + size
            if k in (0, 5) or m in (0, 5):
                assert high - low <= 2 * size
            most = (x - a[0]) * (a[1] - x), (y - b[0]) * (b[1] - y)
            # Nowhere is it further off than in the middle of the box.
            assert high - low <= (a[1] - a[0]) * (b[1] - b[0]) / 2 + 2 * size, most


@given(boxes, ends)
def test_a_fixed_factor_makes_it_an_equation(a: list[float], b: float) -> None:
    made = envelope(a, [b, b])
    x = (a[0] + a[1]) / 2
    assert range_of(made, 0, np.array([0.0, x, b])) == pytest.approx((x * b, x * b), abs=1e-6)


@pytest.mark.parametrize("fixed", [3.0, 0.0, -2.0])
@pytest.mark.parametrize("side", [0, 1])
def test_a_fixed_factor_needs_no_bounds_of_the_other(fixed: float, side: int) -> None:
    pair = [[fixed, fixed], [-INF, INF]]
    made = envelope(*(pair if side == 0 else pair[::-1]))
    assert made.rows and np.isfinite(made.matrix.data).all()
    point = np.array([0.0, fixed, 7.0]) if side == 0 else np.array([0.0, 7.0, fixed])
    assert range_of(made, 0, point) == pytest.approx((7 * fixed, 7 * fixed))


@given(boxes, boxes)
def test_one_side_alone_is_that_side_of_both(a: list[float], b: list[float]) -> None:
    point = np.array([0.0, sum(a) / 2, sum(b) / 2])
    low, high = range_of(envelope(a, b), 0, point)
    under, over = envelope(a, b, above=False), envelope(a, b, below=False)
    assert range_of(under, 0, point) == (low, INF)
    assert range_of(over, 0, point) == (-INF, high)


@given(boxes)
def test_a_column_times_itself(a: list[float]) -> None:
    made = envelope(a, a, square=True)
    size = 1e-9 * (1 + max(map(abs, a)) ** 2)
    for x in np.linspace(*a, 7):
        low, high = range_of(made, 0, np.array([0.0, x, 0.0]))
        assert low - size <= x * x <= high + size


def test_an_open_end_leaves_that_side_open() -> None:
    made = envelope([0.0, INF], [1.0, 2.0])
    low, high = range_of(made, 0, np.array([0.0, 5.0, 1.5]))
    assert low <= 7.5 <= high
    assert np.isfinite(made.matrix.data).all() and not np.isnan(made.row_lower).any()
