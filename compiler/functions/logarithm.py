"""The natural logarithm."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import ScalarFunction, Word, always, quiet


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(np.log(x))


@quiet
def _slope(x: FloatArray) -> FloatArray:
    return np.asarray(1.0 / x)


@quiet
def _end(x: FloatArray) -> FloatArray:
    """log x, and what it comes near to where it has no value."""
    return np.where(x > 0, np.log(x), -np.inf)


@quiet
def _inverse(w: FloatArray) -> FloatArray:
    return np.asarray(np.exp(w))


LOGARITHM = ScalarFunction(
    "log",
    value=_value,
    slope=_slope,
    image=lambda low, high: (_end(low), _end(high)),
    preimage=lambda low, high, argument_low: (_inverse(low), _inverse(high)),
    curvature=always(-1),
    text="log({})",
    name="log",
    domain="positive",
    monotone=1,
    word=Word(
        about="`log(x)`: the natural logarithm",
        units="pure",
        size=lambda value, argument: value + 1.0,
    ),
)
