"""What the record of each function claims, for all of them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocc.compiler.functions as room
from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import BY_KIND, WORDS, function
from allocc.compiler.functions.record import ScalarFunction
from tests.compiler.curves import EVERY, windows
from tests.compiler.solving import INF

every = pytest.mark.parametrize("f", EVERY, ids=lambda f: f.name)
share = st.floats(0, 1)


def samples(f: ScalarFunction, count: int = 401) -> list[FloatArray]:
    return [np.linspace(low, high, count) for low, high in windows(f)]


def ends(
    f: ScalarFunction, window: int, first: float, second: float
) -> tuple[FloatArray, FloatArray]:
    """A range within a window of the domain."""
    low, high = windows(f)[window % len(windows(f))]
    a, b = sorted(low + t * (high - low) for t in (first, second))
    return np.array([a]), np.array([b])


def test_every_file_is_found() -> None:
    files = {p.stem for p in Path(next(iter(room.__path__))).glob("[a-z]*.py")} - {"record"}
    homes = {f.value.__module__.rpartition(".")[2] for f in EVERY}
    assert homes == files
    assert set(WORDS) == {f.kind for f in BY_KIND.values() if f.word is not None}


@every
def test_the_slope_is_the_derivative(f: ScalarFunction) -> None:
    for x in samples(f):
        x = x[1:-1]
        h = 1e-6 * np.maximum(1, np.abs(x))
        smooth = f.smooth | (np.abs(x) > h)
        found = (f.value(x + h) - f.value(x - h)) / (2 * h)
        assert f.slope(x)[smooth] == pytest.approx(found[smooth], rel=1e-4, abs=1e-8)


@every
@settings(deadline=None, max_examples=60)
@given(window=st.integers(0, 1), first=share, second=share)
def test_images_and_what_they_come_from(
    f: ScalarFunction, window: int, first: float, second: float
) -> None:
    low, high = ends(f, window, first, second)
    x = np.clip(np.append(np.linspace(low[0], high[0], 101), 0.0), low, high)
    least, most = f.image(low, high)
    values = f.value(x)
    size = 1e-12 * (1 + np.abs(values).max())
    # It holds every value, and no end of it is further than need be.
    assert least[0] == pytest.approx(values.min(), abs=size)
    assert most[0] == pytest.approx(values.max(), abs=size)
    if f.preimage is not None:
        below, above = f.preimage(least, most, low)
        size = 1e-6 * (1 + np.abs(x))
        assert (below - size <= x).all() and (x <= above + size).all()


@every
@settings(deadline=None, max_examples=100)
@given(window=st.integers(0, 1), first=share, second=share, a=share, b=share)
def test_curvature(
    f: ScalarFunction, window: int, first: float, second: float, a: float, b: float
) -> None:
    low, high = ends(f, window, first, second)
    sign = f.curvature(low, high)[0]
    if sign == 0:
        assert f.turn is not None and low < f.turn < high
        return
    x, y = low + a * (high - low), low + b * (high - low)
    over = (f.value(x) + f.value(y)) / 2 - f.value((x + y) / 2)
    assert sign * over >= -1e-12 * (1 + np.abs(f.value(x)) + np.abs(f.value(y)))


@every
def test_direction_symmetry_and_turn(f: ScalarFunction) -> None:
    for x in samples(f):
        steps = np.diff(f.value(x))
        rises, falls = bool((steps >= 0).all()), bool((steps <= 0).all())
        assert f.monotone == 0 or (rises if f.monotone > 0 else falls)
        if f.even:
            assert f.value(-x) == pytest.approx(f.value(x))
    if f.domain == "all":
        assert f.monotone == (1 if rises else -1 if falls else 0)
        assert f.even == np.allclose(f.value(-x), f.value(x))
    if f.turn is not None:
        at = np.array([f.turn])
        assert f.curvature(at - 1, at)[0] == -f.curvature(at, at + 1)[0] != 0
    signs = [int(f.curvature(x[:1], x[-1:])[0]) for x in samples(f)]
    assert f.convexity == (signs[0] if len(signs) == 1 else 0)


@every
def test_the_domain(f: ScalarFunction) -> None:
    x = np.linspace(-20, 20, 401)
    assert f.outside(x, x)[~np.isfinite(f.value(x))].all()
    for x in samples(f):
        assert np.isfinite(f.value(x)).all()
        assert not f.outside(x[:1], x[-1:]).any()
    with_zero = f.outside(np.array([-1.0]), np.array([1.0]))[0]
    assert with_zero == (f.domain != "all")
    near = np.abs(f.value(np.array([1e-9])))[0]
    assert f.divides == (near > 100)


@every
def test_no_warning_escapes_at_the_ends_of_numbers(f: ScalarFunction) -> None:
    x = np.array([-INF, -1e308, -1.0, -1e-308, 0.0, 1e-308, 1.0, 1e308, INF])
    low, high = (side.ravel() for side in np.meshgrid(x, x))
    low, high = low[low <= high], high[low <= high]
    with np.errstate(all="raise"):
        f.value(x), f.slope(x), f.curvature(low, high), f.outside(low, high)
        found = f.image(low, high)
        if f.preimage is not None:
            f.preimage(low, high, low)
    whole = ~f.outside(low, high)
    assert (found[0] <= found[1])[whole].all()


@pytest.mark.parametrize("name", WORDS)
@given(x=st.floats(0.1, 10), k=st.floats(0.1, 10), more=st.floats(0, 10))
def test_words_of_the_language(name: str, x: float, k: float, more: float) -> None:
    f, word = BY_KIND[name], WORDS[name]
    at = np.array([x])
    # A unit is kept, or its root is, where a change of scale comes through.
    if word.units == "kept":
        assert f.value(k * at) == pytest.approx(k * f.value(at))
    elif word.units == "root":
        assert f.value(k * k * at) == pytest.approx(k * f.value(at))
    value = np.abs(f.value(at))
    # What is calculated is no larger than its size.
    assert word.size(value, at + more) >= value
    assert word.about.startswith(f"`{name}(x)`: ")
    assert f.text.format("y") == f"{name}(y)"


@pytest.mark.parametrize(
    ("kind", "exponent", "low", "high", "least", "most"),
    [
        ("power", -2.0, -5.0, -3.0, 1 / 25, 1 / 9),
        ("power", -3.0, -2.0, -1.0, -1.0, -1 / 8),
        ("power", -2.0, -1.0, 2.0, 1 / 4, INF),
        ("power", 0.5, 0.0, 0.25, 0.0, 0.5),
        ("power", -0.5, 0.0, 0.25, 2.0, INF),
        ("power", 3.0, -2.0, 1.0, -8.0, 1.0),
        ("square", 2.0, -2.0, 1.0, 0.0, 4.0),
        ("abs", 1.0, -2.0, -1.0, 1.0, 2.0),
        ("reciprocal", -1.0, -1.0, 1.0, -INF, INF),
        ("reciprocal", -1.0, 2.0, INF, 0.0, 0.5),
        ("exp", 1.0, -INF, 0.0, 0.0, 1.0),
        ("log", 1.0, 0.0, 1.0, -INF, 0.0),
        ("tanh", 1.0, -INF, INF, -1.0, 1.0),
    ],
)
def test_images_that_are_easily_wrong(
    kind: str, exponent: float, low: float, high: float, least: float, most: float
) -> None:
    found = function(kind, exponent).image(np.array([low]), np.array([high]))
    assert [float(e[0]) for e in found] == pytest.approx([least, most])


@given(x=st.floats(0, 40))
def test_a_value_near_one_says_little_of_what_it_is_the_tangent_of(x: float) -> None:
    tanh = BY_KIND["tanh"]
    preimage = tanh.preimage
    assert preimage is not None
    at = np.array([x, -x])
    below, above = preimage(tanh.value(at), tanh.value(at), at)
    assert (below <= at).all() and (at <= above).all()
