"""The absolute value."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions.record import Ends, ScalarFunction, Word, always, quiet


@quiet
def _value(x: FloatArray) -> FloatArray:
    return np.asarray(np.abs(x))


@quiet
def _image(low: FloatArray, high: FloatArray) -> Ends:
    a, b = np.abs(low), np.abs(high)
    return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(a, b)), np.maximum(a, b)


@quiet
def _preimage(low: FloatArray, high: FloatArray, argument_low: FloatArray) -> Ends:
    most = np.maximum(high, 0.0)
    return -most, most


ABSOLUTE_VALUE = ScalarFunction(
    "abs",
    value=_value,
    slope=lambda x: np.asarray(np.sign(x)),
    image=_image,
    preimage=_preimage,
    curvature=always(1),
    text="abs({})",
    name="abs",
    even=True,
    smooth=False,
    word=Word(
        about="`abs(x)`: the absolute value",
        units="kept",
        size=lambda value, argument: argument,
        around=(r"\left|", r"\right|"),
    ),
)
