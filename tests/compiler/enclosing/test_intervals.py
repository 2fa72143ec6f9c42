"""Operations on intervals hold the exact results, for all numbers; functions, to sixty digits."""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allocc.compiler.algebra.expression import Apply, Data, Node, Power
from allocc.compiler.enclosing.digits import DigitEvaluation, DigitIntervals, as_digits
from allocc.compiler.enclosing.evaluation import IntervalEvaluation
from allocc.compiler.enclosing.intervals import Intervals, as_intervals, between
from allocc.compiler.functions import BY_KIND, function
from allocc.compiler.functions.record import ScalarFunction
from tests.compiler.enclosing.rational import holds

numbers = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-9, 9).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-300, 2.0**-1022, 1e300, 1 / 3]),
)
OPERATIONS = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.true_divide: lambda a, b: a / b,
    np.maximum: max,
    np.minimum: min,
}


def hull(a: float, b: float) -> Intervals:
    return between(np.asarray(min(a, b)), np.asarray(max(a, b)))


def finite(x: Intervals) -> bool:
    return bool(x.known.all())


@given(numbers, numbers, numbers, numbers, st.fractions(0, 1, max_denominator=64))
@example(0.0, 0.0, 0.0, 0.0, Fraction(0))
@example(0.1, 0.1, 0.2, 0.2, Fraction(0))
@example(5e-324, 5e-324, 0.5, 0.5, Fraction(0))
@example(1e-300, 1e-300, -1e-300, -1e-300, Fraction(0))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
def test_each_result_is_held(
    operation: np.ufunc, a: float, b: float, c: float, d: float, part: Fraction
) -> None:
    x, y = hull(a, b), hull(c, d)
    inner = [Fraction(float(z.low)) for z in (x, y)], [Fraction(float(z.high)) for z in (x, y)]
    for share in (Fraction(0), part, Fraction(1)):
        p, q = (low + share * (high - low) for low, high in zip(*inner, strict=True))
        for left, right in ((p, q), (inner[0][0], q), (inner[1][0], q)):
            if operation is np.true_divide and x.known and y.low <= 0 <= y.high:
                assert np.isnan(operation(x, y).low) and np.isnan(operation(x, y).high)
                return
            found = operation(x, y)
            if finite(found):
                assert holds(found, OPERATIONS[operation](left, right))


def test_what_is_exact_stays_a_point() -> None:
    two, three, zero = (as_intervals(np.asarray(v)) for v in (2.0, 3.0, 0.0))
    for found, value in (
        (two * three, 6.0),
        (two + three, 5.0),
        (three / two, 1.5),
        (zero * two, 0),
    ):
        assert (found.low, found.high) == (value, value)
    whole = np.add.reduce(as_intervals(np.arange(5.0)))
    assert (whole.low, whole.high) == (10.0, 10.0)
    third = as_intervals(np.asarray(1.0)) / three
    assert third.high - third.low == pytest.approx(2.0**-54, rel=1.1)


@given(st.lists(numbers, min_size=1, max_size=30))
def test_a_sum_is_held_in_whatever_order(values: list[float]) -> None:
    exact = sum(map(Fraction, values))
    x = as_intervals(np.array(values))
    found = np.add.reduce(x, axis=(0,))
    gathered = as_intervals(np.zeros(2))
    np.add.at(gathered, np.ones(len(values), dtype=int), x)
    if finite(found):
        assert holds(found, exact)
        assert found.low <= math.fsum(values) <= found.high
    if finite(gathered):
        assert holds(gathered, np.array([Fraction(0), exact], dtype=object))
    for ufunc, best in ((np.maximum, max), (np.minimum, min)):
        reduced = ufunc.reduce(x, axis=(0,))
        assert (reduced.low, reduced.high) == (best(values), best(values))


@given(numbers)
def test_nothing_is_known_of_what_is_made_of_the_unknown(a: float) -> None:
    unknown = as_intervals(np.asarray(np.nan))
    x = as_intervals(np.asarray(a))
    for operation in OPERATIONS:
        assert not operation(x, unknown).known
        assert not operation(unknown, x).known


def test_an_operation_without_a_rule_is_refused() -> None:
    with pytest.raises(TypeError):
        np.sin(as_intervals(np.asarray(1.0)))


def test_whole_numbers_beyond_floating_point_are_held() -> None:
    big = np.array([2**53 + 1])
    assert holds(as_intervals(big), np.array([Fraction(2**53 + 1)], dtype=object))


def applied(f: ScalarFunction, x: Intervals) -> Intervals:
    node: Node = Apply("any", Data((), np.asarray(0.0)), ())
    return as_intervals(IntervalEvaluation({}).applied(f, x, node))


def tanh(x: Decimal) -> Decimal:
    return 1 - 2 / ((2 * x).exp() + 1)


def digits(f: ScalarFunction, x: Intervals) -> DigitIntervals:
    data = Data((), np.asarray(0.0))
    power = f.kind == "power"
    node = Power(data, float(f.name.split()[1]), ()) if power else Apply("any", data, ())
    return as_digits(DigitEvaluation({}).applied(f, as_digits(x), node))


PRECISE = {
    "abs": abs,
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "sqrt": Decimal.sqrt,
    "square": lambda x: x * x,
    "tanh": tanh,
    "reciprocal": lambda x: 1 / x,
}


def test_every_function_is_held_against_digits() -> None:
    assert set(PRECISE) == set(BY_KIND)


@given(st.floats(-30, 30), st.floats(0, 3))
@example(0.0, 0.0)
@example(-1e-200, 0.0)
@pytest.mark.parametrize("kind", [*PRECISE, -2.0, -0.5, 0.5, 1.7, 2.0, 3.0])
def test_a_function_is_held(kind: str | float, a: float, width: float) -> None:
    f = BY_KIND[kind] if isinstance(kind, str) else function("power", kind)
    precise = PRECISE[kind] if isinstance(kind, str) else lambda x: x ** Decimal(kind)
    x = hull(a, a + width)
    found = applied(f, x)
    if f.outside(x.low, x.high):
        assert not found.known
        return
    if not found.known:
        # Too large for a floating point number.
        assert not np.isfinite(f.image(x.low, x.high)).all()
        return
    with decimal.localcontext(prec=60):
        for share in (0.0, 0.25, 0.5, 1.0):
            inner = min(max(float(x.low) + share * width, float(x.low)), float(x.high))
            value = precise(Decimal(inner))
            # Of tanh, 60 digits are left where it is near 0.
            slack = Decimal(10) ** -55 if kind == "tanh" else 0
            assert Decimal(float(found.low)) - slack <= value <= Decimal(float(found.high)) + slack
            with decimal.localcontext(prec=25):
                narrow = digits(f, x)
            assert narrow.low - slack <= value <= narrow.high + slack
