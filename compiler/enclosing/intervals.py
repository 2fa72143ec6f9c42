"""Arrays of intervals whose arithmetic rounds outward.

An interval [low, high] holds every real number that the operation has for any numbers of its arguments. A
result of floating point that is not exact is moved by one floating point number, down for a low end and up for
a high one: IEEE 754 rounds to the nearest, so that the true result is nearer than that (Moore, Kearfott and
Cloud 2009, section 2). What is exact, as far as that is seen, is left: zero stays zero. Not a number at
both ends stands for an interval about which nothing is known, and whatever is computed from it is one, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray

INTERVAL = np.dtype([("low", np.float64), ("high", np.float64)])
#: Splits a number of 53 bits in two of 26 (Dekker 1971).
_SPLIT = 2.0**27 + 1.0
#: Between these sizes the remainder of a product is exact: nothing of it overflows or underflows.
_SMALL, _LARGE = 2.0**-900, 2.0**900
#: Half the distance of 1 to the next number.
_UNIT = 2.0**-53

Pair = tuple[FloatArray, FloatArray]


class Intervals(np.ndarray[Any, Any]):
    """An array of intervals; shapes and indices are those of NumPy, and + - * / min and max round outward."""

    @property
    def low(self) -> FloatArray:
        """The lower ends."""
        return np.asarray(self)["low"]

    @property
    def high(self) -> FloatArray:
        """The upper ends."""
        return np.asarray(self)["high"]

    @property
    def known(self) -> BoolArray:
        """Where both ends are finite."""
        return np.isfinite(self.low) & np.isfinite(self.high)

    @property
    def middle(self) -> FloatArray:
        """A number within each interval."""
        return np.clip(0.5 * self.low + 0.5 * self.high, self.low, self.high)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **more: Any) -> Any:
        """The operations that intervals have; NumPy refuses all others."""
        with np.errstate(all="ignore"):
            if method == "at" and ufunc in _GATHERED:
                _GATHERED[ufunc](*inputs)
                return None
            given = [as_intervals(x) for x in inputs]
            if method == "__call__" and ufunc in _OPERATIONS and not more:
                return _OPERATIONS[ufunc](*given)
            if method == "reduce" and ufunc in _REDUCED and set(more) <= {"axis"}:
                return _REDUCED[ufunc](given[0], more.get("axis", 0))
        return NotImplemented


def between(low: FloatArray, high: FloatArray) -> Intervals:
    """Intervals from their ends, of one shape; nothing is known where an end is not a number."""
    low, high = np.broadcast_arrays(low, high)
    unknown = np.isnan(low) | np.isnan(high)
    found = np.empty(low.shape, dtype=INTERVAL)
    found["low"] = np.where(unknown, np.nan, low)
    found["high"] = np.where(unknown, np.nan, high)
    return found.view(Intervals)


def as_intervals(values: NDArray[Any] | float) -> Intervals:
    """Numbers as intervals of one point each; whole numbers that no floating point number is lie within."""
    if isinstance(values, Intervals):
        return values
    exact = np.asarray(values)
    if exact.dtype == INTERVAL:
        # A single entry of an array has lost its class.
        return exact.view(Intervals)
    near = exact.astype(np.float64)
    if exact.dtype.kind in "iu" and (np.abs(near) >= 1 / _UNIT).any():
        return between(down(near), up(near))
    return between(near, near)


def down(x: FloatArray) -> FloatArray:
    """The next floating point number below."""
    return np.asarray(np.nextafter(x, -np.inf))


def up(x: FloatArray) -> FloatArray:
    """The next floating point number above."""
    return np.asarray(np.nextafter(x, np.inf))


def widened(low: FloatArray, high: FloatArray, steps: int, positive: BoolArray) -> Intervals:
    """Ends moved outward by so many floating point numbers.

    It is for functions whose rounding is within `steps` units, and which keep their sign but where they
    come out as zero. `positive` says where the true low end is not negative in any case.
    """
    least, most = low, high
    for _ in range(steps):
        least, most = down(least), up(most)
    return between(
        np.where((low > 0) | positive, np.maximum(least, 0.0), least),
        np.where(high < 0, np.minimum(most, 0.0), most),
    )


def _outward(low: FloatArray, high: FloatArray, exact: tuple[BoolArray, BoolArray]) -> Intervals:
    return between(np.where(exact[0], low, down(low)), np.where(exact[1], high, up(high)))


def _sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, BoolArray]:
    """a + b rounded, and where that is exact (Knuth 1998, section 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part) == 0


def _product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, BoolArray]:
    """a * b rounded, and where that is surely exact (Dekker 1971)."""
    found = a * b
    safe = _moderate(found) & _moderate(a) & _moderate(b)
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    rest = a2 * b2 - (((found - a1 * b1) - a2 * b1) - a1 * b2)
    # A product with zero is zero; with something infinite it is not a number.
    return found, (safe & (rest == 0)) | (a == 0) | (b == 0)


def _moderate(x: FloatArray) -> BoolArray:
    size = np.abs(x)
    return np.asarray((size > _SMALL) & (size < _LARGE))


def _halves(a: FloatArray) -> Pair:
    c = _SPLIT * a
    first = c - (c - a)
    return first, a - first


def _quotient(a: FloatArray, b: FloatArray) -> tuple[FloatArray, BoolArray]:
    """a / b rounded, and where that is surely exact."""
    found = a / b
    back, exact = _product(found, b)
    return found, exact & (back == a)


def _add(a: Intervals, b: Intervals) -> Intervals:
    low, exact_low = _sum(a.low, b.low)
    high, exact_high = _sum(a.high, b.high)
    return _outward(low, high, (exact_low, exact_high))


def _negative(a: Intervals) -> Intervals:
    return between(-a.high, -a.low)


def _subtract(a: Intervals, b: Intervals) -> Intervals:
    return _add(a, _negative(b))


def _corners(
    operation: Callable[[FloatArray, FloatArray], tuple[FloatArray, BoolArray]],
    a: Intervals,
    b: Intervals,
) -> Intervals:
    """An operation that has its extremes at the ends of its arguments."""
    found = [operation(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    lows = [np.where(exact, x, down(x)) for x, exact in found]
    highs = [np.where(exact, x, up(x)) for x, exact in found]
    return between(np.minimum.reduce(lows), np.maximum.reduce(highs))


def _multiply(a: Intervals, b: Intervals) -> Intervals:
    return _corners(_product, a, b)


def _divide(a: Intervals, b: Intervals) -> Intervals:
    """A quotient; nothing is known where the denominator may be zero."""
    clear = (b.low > 0) | (b.high < 0)
    found = _corners(_quotient, a, b)
    return between(np.where(clear, found.low, np.nan), np.where(clear, found.high, np.nan))


def _maximum(a: Intervals, b: Intervals) -> Intervals:
    return between(np.maximum(a.low, b.low), np.maximum(a.high, b.high))


def _minimum(a: Intervals, b: Intervals) -> Intervals:
    return between(np.minimum(a.low, b.low), np.minimum(a.high, b.high))


def _moved(found: FloatArray, size: FloatArray, count: IntArray | int, sign: float) -> FloatArray:
    """A sum of so many numbers, added up in any order, moved beyond what rounding can have done.

    `size` is the sum of their absolute values. The error is at most (n - 1) u / (1 - (n - 1) u) times
    the true one (Higham 2002, equation 4.4); twice n u is more, the rounding of `size` and of the error
    itself included.
    """
    error = np.where(size > 0, 2.0 * count * _UNIT * size, 0.0)
    return np.where(error > 0, np.nextafter(found + sign * error, sign * np.inf), found)


def _is_exact(fractions: IntArray, size: FloatArray) -> BoolArray:
    """Whether sums are exact: of whole numbers only, that are not too large."""
    return np.asarray((fractions == 0) & (size < 1 / _UNIT))


def _add_reduced(a: Intervals, axis: Any) -> Intervals:
    places = tuple(range(a.ndim)) if axis is None else np.atleast_1d(axis)
    count = int(np.prod([a.shape[k] for k in places], dtype=np.int64))
    ends = []
    for end, sign in ((a.low, -1.0), (a.high, 1.0)):
        size = np.add.reduce(np.abs(end), axis=axis)
        found = np.add.reduce(end, axis=axis)
        exact = _is_exact(np.add.reduce(end != np.rint(end), axis=axis, dtype=np.int64), size)
        ends.append(np.where(exact, found, _moved(found, size, count, sign)))
    return between(*ends)


def _extreme_reduced(ufunc: np.ufunc) -> Callable[[Intervals, Any], Intervals]:
    return lambda a, axis: between(ufunc.reduce(a.low, axis=axis), ufunc.reduce(a.high, axis=axis))


def _add_gathered(target: Intervals, places: Any, values: NDArray[Any]) -> None:
    """`np.add.at`, with a bound for what rounding does to all of a point's numbers together."""
    given = as_intervals(values)
    count = np.ones(target.shape, dtype=np.int64)
    np.add.at(count, places, 1)
    ends = []
    for start, end, sign in ((target.low, given.low, -1.0), (target.high, given.high, 1.0)):
        found, size = start.copy(), np.abs(start)
        fractions = (start != np.rint(start)).astype(np.int64)
        np.add.at(found, places, end)
        np.add.at(size, places, np.abs(end))
        np.add.at(fractions, places, end != np.rint(end))
        exact = _is_exact(fractions, size)
        ends.append(np.where(exact, found, _moved(found, size, count, sign)))
    target[...] = between(*ends)


def _extreme_gathered(ufunc: np.ufunc) -> Callable[[Intervals, Any, NDArray[Any]], None]:
    def gather(target: Intervals, places: Any, values: NDArray[Any]) -> None:
        given = as_intervals(values)
        low, high = target.low.copy(), target.high.copy()
        ufunc.at(low, places, given.low)
        ufunc.at(high, places, given.high)
        target[...] = between(low, high)

    return gather


_OPERATIONS: dict[np.ufunc, Callable[..., Intervals]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.negative: _negative,
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.maximum: _maximum,
    np.minimum: _minimum,
}
_REDUCED: dict[np.ufunc, Callable[[Intervals, Any], Intervals]] = {
    np.add: _add_reduced,
    np.maximum: _extreme_reduced(np.maximum),
    np.minimum: _extreme_reduced(np.minimum),
}
_GATHERED: dict[np.ufunc, Callable[[Intervals, Any, NDArray[Any]], None]] = {
    np.add: _add_gathered,
    np.maximum: _extreme_gathered(np.maximum),
    np.minimum: _extreme_gathered(np.minimum),
}
