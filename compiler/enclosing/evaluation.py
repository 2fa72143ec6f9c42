"""Expressions in intervals: the walker of the algebra, with another arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Divide, Node, Reference, Variable
from allocc.compiler.algebra.index import Axis
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.enclosing.intervals import Intervals, as_intervals, between, widened
from allocc.compiler.functions.record import ScalarFunction
from allocc.dsl.tree import Span

#: How many floating point numbers an end of a function's image may be off. NumPy's own tests allow 4 units in
#: the last place; that this is enough is held against 60 digits in the tests of this room.
FUNCTION_STEPS = 8


@dataclass(frozen=True)
class Lost:
    """Where no interval could be given, and why; `span` is None where no text stands for it."""

    span: Span | None
    reason: str


class IntervalEvaluation(Evaluation):
    """Intervals of nodes; nothing is known where one divides by what may be zero, or leaves a domain.

    Each such place is added to `lost`.
    """

    def __init__(
        self,
        values: dict[Variable, FloatArray],
        at: Mapping[Axis, int] | None = None,
        lost: list[Lost] | None = None,
    ) -> None:
        super().__init__(values, at)
        self.lost: list[Lost] = [] if lost is None else lost

    @staticmethod
    def number(values: FloatArray) -> FloatArray:
        """Numbers as intervals."""
        return as_intervals(values)

    def divided(self, top: FloatArray, bottom: FloatArray, node: Divide) -> FloatArray:
        """A quotient; nothing is known where the denominator's interval holds zero."""
        below = as_intervals(bottom)
        self._note((below.low <= 0) & (below.high >= 0), below, node, "a division by")
        return np.asanyarray(top / below)

    def applied(self, function: ScalarFunction, argument: FloatArray, node: Node) -> FloatArray:
        """A function's image, rounded outward; nothing is known where it leaves the domain."""
        x = as_intervals(argument)
        with np.errstate(all="ignore"):
            outside = function.outside(x.low, x.high)
        self._note(outside, x, node, f"{function.name} of")
        found = image(function, x)
        known = ~outside & x.known
        return between(np.where(known, found.low, np.nan), np.where(known, found.high, np.nan))

    def another(self, values: dict[Variable, FloatArray]) -> IntervalEvaluation:
        """One of the same kind that holds no axis."""
        return IntervalEvaluation(values, lost=self.lost)

    def _reference(self, node: Reference) -> FloatArray:
        # A single entry of an array would lose its class.
        return as_intervals(super()._reference(node))

    def _note(self, where: BoolArray, x: Intervals, node: Node, what: str) -> None:
        if where.any():
            k = int(np.argmax(where))
            ends = f"[{x.low.flat[k]:.3g}, {x.high.flat[k]:.3g}]"
            self.lost.append(Lost(node.span, f"{what} what lies in {ends}"))


@np.errstate(all="ignore")
def image(function: ScalarFunction, x: Intervals) -> Intervals:
    """A function's image over intervals within its domain, rounded outward."""
    low, high = function.image(x.low, x.high)
    # Over numbers that are not negative, what rises from f(0) = 0 is not negative; an exponential never is.
    ever, _ = function.image(np.asarray(-np.inf), np.asarray(np.inf))
    positive = np.asarray((low >= 0) & ((x.low >= 0) | function.even | (ever >= 0)))
    return widened(low, high, FUNCTION_STEPS, positive)
