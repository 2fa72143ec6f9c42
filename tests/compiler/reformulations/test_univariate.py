"""Tangents and secants against a fine grid: below where convex, above where concave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.functions import function
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import FunctionAtoms
from allocc.compiler.reformulations import univariate
from tests.compiler.curves import KINDS, windows
from tests.compiler.solving import INF, columns, range_of

# Functions, ranges in which they have a value, and their curvature there.
CASES = [
    (kind, exponent, ends, int(f.curvature(*np.array([ends]).T)[0]))
    for kind, exponent in KINDS
    for f in [function(kind, exponent)]
    if f.smooth
    for low, high in windows(f)
    for ends in ([(low, high)] if f.turn is None else [(low, f.turn), (f.turn, high)])
]
part = st.floats(0, 1).map(lambda t: round(t, 6))


@pytest.mark.parametrize(("kind", "exponent", "domain", "curved"), CASES)
@settings(deadline=None, max_examples=25)
@given(first=part, second=part, cut=part)
def test_the_graph_lies_between(
    kind: str,
    exponent: float,
    domain: tuple[float, float],
    curved: int,
    first: float,
    second: float,
    cut: float,
) -> None:
    low, high = sorted(domain[0] + t * (domain[1] - domain[0]) for t in (first, second))
    atoms = FunctionAtoms(kind, np.array([0]), np.array([1]), exponent)
    a, b = np.array([low]), np.array([high])
    sign = function(kind, exponent).curvature(a, b)
    if low == high == 0.0:
        return  # a point is as convex as it is concave
    assert sign.tolist() == [curved]
    build = Extension(columns([-INF, low], [INF, high]))
    every = np.array([0])
    at = low + cut * (high - low)
    for points in (a, b, (a + b) / 2, np.array([at])):
        univariate.tangents(build, atoms, every, points, sign)
    univariate.secants(build, atoms, every, a, b, sign)
    made = build.finish()
    assert np.isfinite(made.matrix.data).all()
    grid = np.linspace(low, high, 25)
    values = function(kind, exponent).value(grid)
    size = 1e-9 * (1 + np.abs(values).max())
    for x, f in zip(grid, values, strict=True):
        under, over = range_of(made, 0, np.array([0.0, x]))
        assert under - size <= f <= over + size
    # At the end of the range the secant meets the graph; at the points, the tangents do.
    under, over = range_of(made, 0, np.array([0.0, low]))
    met = over if curved > 0 else under
    assert met == pytest.approx(values[0], abs=10 * size, rel=1e-6)
    under, over = range_of(made, 0, np.array([0.0, at]))
    f_at = float(function(kind, exponent).value(np.array([at]))[0])
    slope = function(kind, exponent).slope(np.array([at]))
    if np.abs(slope[0]) <= univariate.STEEPEST:
        assert (under if curved > 0 else over) == pytest.approx(f_at, abs=10 * size, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "exponent"), [("power", 3.0), ("reciprocal", -1.0), ("power", -2.0), ("tanh", 1.0)]
)
def test_neither_convex_nor_concave_gets_no_rows(kind: str, exponent: float) -> None:
    atoms = FunctionAtoms(kind, np.array([0]), np.array([1]), exponent)
    a, b = np.array([-1.0]), np.array([2.0])
    sign = function(kind, exponent).curvature(a, b)
    build = Extension(columns([-INF, -1.0], [INF, 2.0]))
    univariate.tangents(build, atoms, np.array([0]), b, sign)
    univariate.secants(build, atoms, np.array([0]), a, b, sign)
    assert build.finish().rows == 0


@pytest.mark.parametrize("wants", ["down", "up", "neither"])
def test_the_secant_is_left_out_only_where_its_side_is_harmless(wants: str) -> None:
    atoms = FunctionAtoms("exp", np.array([0]), np.array([1]))
    down, up = np.array([wants == "down", False]), np.array([wants == "up", False])
    convex, concave = np.array([1]), np.array([-1])
    assert univariate.needs_secant(atoms, convex, down, up).tolist() == [wants != "down"]
    assert univariate.needs_secant(atoms, concave, down, up).tolist() == [wants != "up"]


def test_a_line_that_no_solver_can_calculate_with_is_left_out() -> None:
    atoms = FunctionAtoms("exp", np.array([0]), np.array([1]))
    a, b = np.array([0.0]), np.array([800.0])
    build = Extension(columns([-INF, 0.0], [INF, 800.0]))
    for points in (a, b, (a + b) / 2):
        univariate.tangents(build, atoms, np.array([0]), points, np.array([1]))
    univariate.secants(build, atoms, np.array([0]), a, b, np.array([1]))
    made = build.finish()
    assert made.rows == 1 and abs(made.matrix).max() <= univariate.STEEPEST
    assert range_of(made, 0, np.array([0.0, 2.0])) == pytest.approx((3.0, INF))
