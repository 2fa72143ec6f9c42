"""The hyperbolic tangent: an S-shaped response between -1 and 1."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import Ends, ScalarFunction, Word, by_side, quiet

#: Near -1 and 1 rounding of a value is a long way of its argument.
ROUNDING = 2.0**-51


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(np.tanh(x))


@quiet
def _slope(x: FloatArray) -> FloatArray:
    return np.asarray(np.cosh(x) ** -2.0)


@quiet
def _preimage(low: FloatArray, high: FloatArray, argument_low: FloatArray) -> Ends:
    low, high = low - ROUNDING, high + ROUNDING
    return (
        np.where(low > -1, np.arctanh(np.minimum(low, 1.0)), -np.inf),
        np.where(high < 1, np.arctanh(np.maximum(high, -1.0)), np.inf),
    )


HYPERBOLIC_TANGENT = ScalarFunction(
    "tanh",
    value=_value,
    slope=_slope,
    image=lambda low, high: (_value(low), _value(high)),
    preimage=_preimage,
    curvature=by_side(1, -1),
    text="tanh({})",
    name="tanh",
    turn=0.0,
    monotone=1,
    word=Word(
        about="`tanh(x)`: the hyperbolic tangent, between -1 and 1",
        units="pure",
        size=lambda value, argument: _value(argument),
    ),
)
