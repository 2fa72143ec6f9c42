"""Arrays of intervals with as many digits as are asked for, for simulations of many steps.

The ends are `decimal.Decimal`: the standard library's arithmetic rounds down and up as it is told, and `exp`, `ln`
and `sqrt` are correctly rounded. Whatever has no interval raises: `decimal.InvalidOperation`, `DivisionByZero` or
`Overflow`, all of them `ArithmeticError`. The digits are those of the decimal context in force.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Divide, Node, Power, Reference, Variable
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.evaluation import image
from allocc.compiler.enclosing.intervals import Intervals, between
from allocc.compiler.functions.record import ScalarFunction

Objects = NDArray[Any]
ENDS = np.dtype([("low", object), ("high", object)])
#: A power with a larger exponent is no repeated product.
MOST_MULTIPLIED = 8
_decimals = np.frompyfunc(lambda x: Decimal(x.item() if isinstance(x, np.generic) else x), 1, 1)
_floats = np.frompyfunc(float, 1, 1)


class DigitIntervals(np.ndarray[Any, Any]):
    """An array of intervals; shapes and indices are those of NumPy, and + - * / min and max round outward."""

    @property
    def low(self) -> Objects:
        """The lower ends."""
        return np.asarray(self)["low"]

    @property
    def high(self) -> Objects:
        """The upper ends."""
        return np.asarray(self)["high"]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **more: Any) -> Any:
        """The operations that intervals have; NumPy refuses all others."""
        if method == "at" and ufunc in _EXTREMES:
            target, places, values = inputs
            added = as_digits(values)
            for end, rounding in (("low", decimal.ROUND_FLOOR), ("high", decimal.ROUND_CEILING)):
                with decimal.localcontext(rounding=rounding):
                    ufunc.at(np.asarray(target)[end], places, np.asarray(added)[end])
            return None
        given = [as_digits(x) for x in inputs]
        if method == "reduce" and ufunc in _EXTREMES and set(more) <= {"axis"}:
            return _both(lambda end: ufunc.reduce(np.asarray(given[0])[end], **more))
        if method == "__call__" and ufunc in _EXTREMES and not more:
            a, b = given
            return _both(lambda end: ufunc(np.asarray(a)[end], np.asarray(b)[end]))
        if method == "__call__" and ufunc in _OPERATIONS and not more:
            return _OPERATIONS[ufunc](*given)
        return NotImplemented

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, as_digits(value))


def as_digits(values: Any) -> DigitIntervals:
    """Numbers, and intervals of floating point numbers, exactly as they are."""
    if isinstance(values, DigitIntervals):
        return values
    if isinstance(values, Intervals):
        return _pair(_decimals(values.low), _decimals(values.high))
    plain = np.asarray(values)
    if plain.dtype == ENDS:
        # A single entry of an array has lost its class.
        return plain.view(DigitIntervals)
    exact = np.asarray(_decimals(plain), dtype=object)
    return _pair(exact, exact)


def rounded(x: DigitIntervals) -> Intervals:
    """The narrowest intervals of floating point numbers that hold these."""
    low, high = (np.asarray(_floats(e), dtype=np.float64) for e in (x.low, x.high))
    too_high = np.asarray(_decimals(low) > x.low, dtype=bool)
    too_low = np.asarray(_decimals(high) < x.high, dtype=bool)
    return between(
        np.where(too_high, np.nextafter(low, -np.inf), low),
        np.where(too_low, np.nextafter(high, np.inf), high),
    )


def _pair(low: Any, high: Any) -> DigitIntervals:
    low, high = np.asarray(low, dtype=object), np.asarray(high, dtype=object)
    found = np.empty(low.shape, dtype=ENDS)
    found["low"], found["high"] = low, high
    return found.view(DigitIntervals)


def _both(operation: Callable[[str], Any]) -> DigitIntervals:
    """An operation of the lower ends rounded down, and of the upper ends rounded up."""
    with decimal.localcontext(rounding=decimal.ROUND_FLOOR):
        low = operation("low")
    with decimal.localcontext(rounding=decimal.ROUND_CEILING):
        high = operation("high")
    return _pair(low, high)


def _subtract(a: DigitIntervals, b: DigitIntervals) -> DigitIntervals:
    other = {"low": b.high, "high": b.low}
    return _both(lambda end: np.asarray(a)[end] - other[end])


def _corners(ufunc: np.ufunc, a: DigitIntervals, b: DigitIntervals) -> DigitIntervals:
    """An operation that has its extremes at the ends of its arguments."""
    extreme = {"low": np.minimum, "high": np.maximum}

    def end(name: str) -> Any:
        corners = [ufunc(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        best = corners[0]
        for corner in corners[1:]:
            best = extreme[name](best, corner)
        return best

    return _both(end)


def _divide(a: DigitIntervals, b: DigitIntervals) -> DigitIntervals:
    if ((b.low <= 0) & (b.high >= 0)).any():
        raise decimal.DivisionByZero
    return _corners(np.true_divide, a, b)


#: Those that rise with both arguments.
_EXTREMES = (np.add, np.maximum, np.minimum)
_OPERATIONS: dict[np.ufunc, Callable[..., DigitIntervals]] = {
    np.subtract: _subtract,
    np.multiply: lambda a, b: _corners(np.multiply, a, b),
    np.true_divide: _divide,
}
#: Functions that `Decimal` has; each rises and falls on one side of zero only.
_FUNCTIONS: dict[str, Callable[[Decimal], Decimal]] = {
    "abs": abs,
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "sqrt": Decimal.sqrt,
}


class DigitEvaluation(Evaluation):
    """Intervals of nodes, with the digits of the decimal context in force."""

    @staticmethod
    def number(values: Any) -> Any:
        """Numbers as intervals."""
        return as_digits(values)

    def divided(self, top: Any, bottom: Any, node: Divide) -> Any:
        """A quotient; raises `DivisionByZero` where the denominator's interval holds zero."""
        return np.asanyarray(as_digits(top) / bottom)

    def applied(self, function: ScalarFunction, argument: Any, node: Node) -> Any:
        """A function's image; raises `InvalidOperation` where it leaves the domain."""
        x = as_digits(argument)
        if np.any(function.outside(x.low, x.high)):
            raise decimal.InvalidOperation
        exponent = _exponent(function, node)
        if exponent is not None:
            return _power(x, exponent)
        precise = _FUNCTIONS.get(function.kind)
        if precise is not None:
            return _image(precise, x)
        # Held in floating point: right, but no narrower than that.
        found = image(function, rounded(x))
        if not found.known.all():
            raise decimal.InvalidOperation
        return as_digits(found)

    def another(self, values: dict[Variable, FloatArray]) -> DigitEvaluation:
        """One of the same kind that holds no axis."""
        return DigitEvaluation(values)

    def _reference(self, node: Reference) -> FloatArray:
        # A single entry of an array would lose its class.
        return as_digits(super()._reference(node))


def _exponent(function: ScalarFunction, node: Node) -> int | None:
    """The exponent of a function that is a whole power, and no large one."""
    if isinstance(node, Power):
        whole = node.exponent == int(node.exponent) and 0 < abs(node.exponent) <= MOST_MULTIPLIED
        return int(node.exponent) if whole else None
    return {"square": 2, "reciprocal": -1}.get(function.kind)


def _power(x: DigitIntervals, exponent: int) -> DigitIntervals:
    """A whole power; an even one is never negative."""
    found = x
    for _ in range(abs(exponent) - 1):
        found = _corners(np.multiply, found, x)
    if exponent % 2 == 0:
        found = as_digits(np.maximum(found, as_digits(0.0)))
    return found if exponent > 0 else _divide(as_digits(1.0), found)


def _image(function: Callable[[Decimal], Decimal], x: DigitIntervals) -> DigitIntervals:
    """The image of a function that is correctly rounded, and monotone on each side of zero."""

    def ends(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
        points = (low, high, Decimal(0)) if low < 0 < high else (low, high)
        values = [function(p) for p in points]
        return min(values).next_minus(), max(values).next_plus()

    both: Any = np.frompyfunc(ends, 2, 2)(x.low, x.high)
    return _pair(both[0], both[1])
