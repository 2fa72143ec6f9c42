"""Powers with a constant exponent, and the square.

A power whose exponent is not whole has a value only where its argument is not negative. One with a
negative exponent is taken of positive arguments only.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import reciprocal as quotient
from allocc.compiler.functions.record import Ends, ScalarFunction, always, by_side, quiet


@quiet
def _image(exponent: float, low: FloatArray, high: FloatArray) -> Ends:
    whole, even = exponent == int(exponent), exponent % 2 == 0
    if whole and exponent >= 0:
        ends = low**exponent, high**exponent
        inside = (low < 0) & (high > 0)
        return np.where(inside & even, 0.0, np.minimum(*ends)), np.maximum(*ends)
    if whole:
        below, above = _image(-exponent, low, high)
        least, most = quotient.image(below, above)
        # An even power is positive, also on both sides of zero.
        return (1.0 / above if even else least), most
    low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    if exponent > 0:
        return low**exponent, high**exponent
    return np.where(high > 0, high**exponent, 0.0), low**exponent


@quiet
def _preimage(exponent: float, low: FloatArray, high: FloatArray, argument_low: FloatArray) -> Ends:
    def root(w: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(w, 0.0) ** (1 / exponent))

    if exponent % 2 == 1:
        return root(low) - root(-low), root(high) - root(-high)
    # Where an even power may be of both signs, only the larger end says something.
    most = root(high)
    least = -most if exponent % 2 == 0 else np.zeros_like(most)
    return np.where(argument_low >= 0, root(low), least), most


@cache
def power(exponent: float) -> ScalarFunction:
    """x to the `exponent`."""
    whole, even = exponent == int(exponent), exponent % 2 == 0

    @quiet
    def value(x: FloatArray) -> FloatArray:
        return np.asarray(np.power(x, exponent))

    @quiet
    def slope(x: FloatArray) -> FloatArray:
        return np.asarray(exponent * np.power(x, exponent - 1.0))

    if whole and not (even and exponent > 0):
        curvature = by_side(1 if even else -1, 1, pole=exponent < 0)
    else:
        curvature = always(1 if exponent >= 1 or exponent < 0 else -1)
    return ScalarFunction(
        "power",
        value=value,
        slope=slope,
        image=lambda low, high: _image(exponent, low, high),
        preimage=(lambda *ends: _preimage(exponent, *ends)) if exponent > 0 else None,
        curvature=curvature,
        text=f"{{}} ^ {exponent:g}",
        name=f"power {exponent:g}",
        domain="positive" if exponent < 0 else "all" if whole else "not negative",
        turn=0.0 if whole and not even and exponent > 1 else None,
        monotone=-1 if exponent < 0 else 1 if not even else 0,
        even=even,
        divides=exponent < 0,
    )


SQUARE = ScalarFunction(
    "square",
    value=quiet(lambda x: x * x),
    slope=quiet(lambda x: 2.0 * x),
    image=power(2.0).image,
    preimage=power(2.0).preimage,
    curvature=always(1),
    text="{} ^ 2",
    name="square",
    even=True,
    steep=False,
)
