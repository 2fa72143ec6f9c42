r"""The implicit step in intervals.

The step solves :math:`X' = G(X')` with :math:`G(X') = X + h ((1 - s) f(X) + s f(X'))`, where :math:`s` is 1/2
for the trapezoid and 1 for the implicit Euler method. Where the interval
image of a box lies within the box, the box has a solution, for every :math:`X` of its own interval, since
:math:`G` is continuous (Brouwer's fixed point theorem; Neumaier 1990, section 5.1). The box is sought around
the solution of floating point, and widened until it holds its image (Rump 1983). That succeeds where a step
changes little: where :math:`s h` times the slopes of :math:`f` stays well below one. What is enclosed is the
solution near that of floating point; that there is no other one elsewhere is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.evaluation import Lost
from allocc.compiler.enclosing.intervals import Intervals, as_intervals, between
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, advance_flows, simulate, value_of

#: How often a box is widened, by which part of its width, and how often a box that holds is shortened.
WIDENED, BY, SHORTENED = 40, 0.25, 6
#: The least width that a box begins with, relative to the largest value in it.
FIRST = 1e-13


class EnclosedStep:
    """Encloses the implicit steps of one simulation; `decisions` are numbers."""

    def __init__(
        self, problem: Problem, decisions: Mapping[Variable, FloatArray], lost: list[Lost]
    ) -> None:
        self._problem = problem
        self._decisions = decisions
        self._lost = lost

    @cached_property
    def _near(self) -> Values:
        """The simulation in floating point."""
        return simulate(self._problem, self._decisions)

    def __call__(
        self, problem: Problem, values: Values, at: Evaluation, k: int, length: float
    ) -> None:
        """Put the interval of every compartment at point k + 1 into `values`."""
        updates = problem.updates
        whole = as_intervals(length)
        here = [as_intervals(values[u.variable][..., k].copy()) for u in updates]
        rates = [as_intervals(value_of(at, u, u.rate).copy()) for u in updates]
        begun = len(self._lost)

        def image(box: list[Intervals]) -> list[Intervals]:
            for u, x in zip(updates, box, strict=True):
                values[u.variable][..., k + 1] = x
            advance_flows(problem.flows_ahead, values, at, k)
            ahead = [value_of(at, u, u.ahead) for u in updates]
            return [
                as_intervals(x + whole * ((1.0 - u.share) * rate + u.share * new))
                for u, x, rate, new in zip(updates, here, rates, ahead, strict=True)
            ]

        found = _fixed([_around(self._near[u.variable][..., k + 1]) for u in updates], image)
        if found is None:
            self._lost[begun:] = [
                Lost(
                    problem.updates[0].compartment.statement.span,
                    "an implicit step that changes too much within one period",
                )
            ]
            found = [as_intervals(np.full(x.shape, np.nan)) for x in here]
        else:
            # What was met in boxes that were too wide is no loss.
            del self._lost[begun:]
        image(found)
        for u, x in zip(updates, found, strict=True):
            values[u.variable][..., k + 1] = x


def _around(x: FloatArray) -> Intervals:
    width = FIRST * np.max(np.abs(x), initial=0.0)
    return between(x - width, x + width)


def _fixed(box: list[Intervals], image: object) -> list[Intervals] | None:
    """A box that holds its own image, or None where none was found."""
    assert callable(image)
    for _ in range(WIDENED):
        new = image(box)
        if not all(x.known.all() for x in new):
            return None
        if all(_within(x, y) for x, y in zip(new, box, strict=True)):
            for _ in range(SHORTENED):
                new = [_common(x, y) for x, y in zip(image(new), new, strict=True)]
            return list(new)
        box = [_wider(x, y) for x, y in zip(new, box, strict=True)]
    return None


def _within(x: Intervals, y: Intervals) -> bool:
    return bool((y.low <= x.low).all() and (x.high <= y.high).all())


def _common(x: Intervals, y: Intervals) -> Intervals:
    """What two intervals of one number have in common."""
    return between(np.maximum(x.low, y.low), np.minimum(x.high, y.high))


def _wider(x: Intervals, y: Intervals) -> Intervals:
    """The hull of two intervals and more."""
    low, high = np.minimum(x.low, y.low), np.maximum(x.high, y.high)
    more = BY * (high - low) + np.finfo(float).tiny
    return between(low - more, high + more)
