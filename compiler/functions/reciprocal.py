"""One over the argument."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import Ends, ScalarFunction, by_side, quiet


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(1.0 / x)


@quiet
def _slope(x: FloatArray) -> FloatArray:
    return np.asarray(-1.0 / (x * x))


@quiet
def image(low: FloatArray, high: FloatArray) -> Ends:
    """The ends of 1 / x; everything where the range contains zero."""
    # While a contradiction is being found, the ends of a range may stand the wrong way round.
    clear = (np.minimum(low, high) > 0) | (np.maximum(low, high) < 0)
    ends = 1.0 / low, 1.0 / high
    return (
        np.where(clear, np.minimum(*ends), -np.inf),
        np.where(clear, np.maximum(*ends), np.inf),
    )


RECIPROCAL = ScalarFunction(
    "reciprocal",
    value=_value,
    slope=_slope,
    image=image,
    preimage=lambda low, high, argument_low: image(low, high),
    curvature=by_side(-1, 1, pole=True),
    text="1 / {}",
    name="reciprocal",
    domain="not zero",
    divides=True,
)
