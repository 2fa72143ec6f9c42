"""The same simulation in exact rational numbers, to hold intervals against."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Divide, Node, Power, Variable
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.enclosing.digits import DigitIntervals
from allocc.compiler.enclosing.intervals import Intervals
from allocc.compiler.functions.record import ScalarFunction


def exact(values: NDArray[Any]) -> NDArray[Any]:
    """Floating point numbers as the rationals that they are; nothing where there is no number."""
    if values.dtype.kind == "O":
        return values
    found = np.empty(values.shape, dtype=object)
    for k, x in np.ndenumerate(values):
        found[k] = Fraction(float(x)) if np.isfinite(x) else None
    return found


class RationalEvaluation(Evaluation):
    """Rationals of nodes that have no other functions than whole powers and absolute values."""

    @staticmethod
    def number(values: NDArray[Any]) -> NDArray[Any]:
        return exact(values)

    def divided(self, top: NDArray[Any], bottom: NDArray[Any], node: Divide) -> NDArray[Any]:
        return np.asarray(top / bottom)

    def applied(self, function: ScalarFunction, argument: NDArray[Any], node: Node) -> NDArray[Any]:
        if isinstance(node, Power):
            return np.asarray(argument ** int(node.exponent))
        assert function.kind in ("abs", "square"), function.kind
        return np.asarray(np.abs(argument) if function.kind == "abs" else argument * argument)

    def another(self, values: dict[Variable, Any]) -> RationalEvaluation:
        return RationalEvaluation(values)


def holds(x: Intervals | DigitIntervals, values: NDArray[Any]) -> bool:
    """Whether intervals hold rationals, compared exactly."""
    values = np.broadcast_to(np.asarray(values, dtype=object), x.shape)
    ends = zip(x.low.flat, x.high.flat, values.flat, strict=True)
    return all(Fraction(a) <= v <= Fraction(b) for a, b, v in ends)
