"""The square root."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import ScalarFunction, Word, always, quiet


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(x))


@quiet
def _slope(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 / np.sqrt(x))


def _end(x: FloatArray) -> FloatArray:
    return _value(np.maximum(x, 0.0))


@quiet
def _inverse(w: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(w, 0.0) ** 2)


SQUARE_ROOT = ScalarFunction(
    "sqrt",
    value=_value,
    slope=_slope,
    image=lambda low, high: (_end(low), _end(high)),
    preimage=lambda low, high, argument_low: (_inverse(low), _inverse(high)),
    curvature=always(-1),
    text="sqrt({})",
    name="sqrt",
    domain="not negative",
    monotone=1,
    word=Word(
        about="`sqrt(x)`: the square root",
        units="root",
        size=lambda value, argument: _value(argument),
        around=(r"\sqrt{", "}"),
    ),
)
