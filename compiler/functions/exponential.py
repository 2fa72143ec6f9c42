"""The exponential function."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import Ends, ScalarFunction, Word, always, quiet


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(np.exp(x))


@quiet
def _preimage(low: FloatArray, high: FloatArray, argument_low: FloatArray) -> Ends:
    # No x has a value of zero or less, which is for the image to say.
    return (
        np.where(low > 0, np.log(low), -np.inf),
        np.where(high > 0, np.log(high), np.inf),
    )


EXPONENTIAL = ScalarFunction(
    "exp",
    value=_value,
    slope=_value,
    image=lambda low, high: (_value(low), _value(high)),
    preimage=_preimage,
    curvature=always(1),
    text="exp({})",
    name="exp",
    monotone=1,
    word=Word(
        about="`exp(x)`: the exponential function",
        units="pure",
        size=lambda value, argument: value,
    ),
)
