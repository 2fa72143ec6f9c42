"""What decisions lead to, enclosed: the problem's own simulation, in intervals.

Data, starts and decisions are taken as the floating point numbers that they are. Everything else is an
interval that holds what real arithmetic gives for them, so that what is read off it does not rest on how
numbers are rounded.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from allocc.compiler.algebra.expression import Data, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.digits import DigitEvaluation, as_digits, rounded
from allocc.compiler.enclosing.evaluation import IntervalEvaluation, Lost
from allocc.compiler.enclosing.implicit import EnclosedStep
from allocc.compiler.enclosing.intervals import Intervals, as_intervals
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.compiler.unrolling.simulate import simulate

#: Intervals of the dynamics that are wider than this, of the largest number of their name, are sought anew ...
NARROW = 1e-9
#: ... with so many digits, until they are narrow.
DIGITS = (50, 100, 200, 400)


@dataclass(frozen=True, eq=False)
class Enclosed:
    """Intervals for all that decisions lead to; not a number at both ends where nothing is known.

    - `values`: decisions, compartments and flows, each in its variable's shape.
    - `terms`, `objective`: in the objective's unit, without axes.
    - `limits`: by how much each row of a limit is broken (0 where it holds), in the limit's unit and
      shape; those within chance blocks are among them.
    - `ranges`: the same for the ends of decisions, and for the lower ends of compartments.
    - `lost`: where no interval could be given, in the order in which they were met.
    - `digits`: with how many the dynamics were simulated; 0 stands for floating point, whose own results
      then lie in the intervals. With digits they may lie beside them, by what their rounding has become.
    """

    values: dict[Variable, Intervals]
    terms: dict[str, Intervals]
    objective: Intervals
    limits: Mapping[Constraint, Intervals]
    ranges: Mapping[Variable, Intervals]
    lost: tuple[Lost, ...]
    digits: int = 0


def enclose(
    problem: Problem,
    decisions: Mapping[Variable, FloatArray],
    digits: Sequence[int] = DIGITS,
) -> Enclosed:
    """Simulate decisions in intervals that are rounded outward.

    Intervals widen from step to step. Where those of floating point become too wide, the dynamics are
    simulated with more `digits`, as they are given; the implicit step is not.
    """
    lost: list[Lost] = []
    known = {v: np.asarray(decisions[v], dtype=float) for v in problem.decisions}
    values, used = _dynamics(problem, known, digits, lost)
    evaluate = IntervalEvaluation(dict[Variable, FloatArray](values), lost=lost)
    terms = {t.name: as_intervals(evaluate(t.node)) for t in problem.terms}
    limits = [
        *problem.constraints,
        *(limit.constraint for block in problem.chances for limit in block.limits),
    ]
    return Enclosed(
        values,
        terms,
        as_intervals(sum(terms.values(), start=as_intervals(0.0))),
        {c: excess(c, evaluate) for c in limits},
        {
            **{v: beyond(values[v], *problem.ends(v)) for v in problem.decisions},
            **{v: beyond(values[v], problem.ends(v)[0], np.inf) for v in problem.states},
        },
        tuple(lost),
        used,
    )


def _dynamics(
    problem: Problem,
    decisions: Mapping[Variable, FloatArray],
    digits: Sequence[int],
    lost: list[Lost],
) -> tuple[dict[Variable, Intervals], int]:
    """Decisions, compartments and flows, and with how many digits; what is lost is added to `lost`."""
    evaluation = partial(IntervalEvaluation, lost=lost)
    found = simulate(problem, decisions, evaluation, EnclosedStep(problem, decisions, lost))
    intervals = {v: as_intervals(x) for v, x in found.items()}
    if _narrow(intervals) or any(u.ahead is not None for u in problem.updates):
        return intervals, 0
    for more in digits:
        precise = _with_digits(problem, decisions, more)
        if precise is not None and _narrow(precise):
            # What was met in intervals that were too wide is no loss.
            lost.clear()
            return precise, more
    return intervals, 0


def _narrow(values: Mapping[Variable, Intervals]) -> bool:
    """Whether all intervals are narrow beside the largest number of their name."""
    for x in values.values():
        if not x.known.all():
            return False
        size = np.max(np.maximum(np.abs(x.low), np.abs(x.high)), initial=0.0)
        if np.max(x.high - x.low, initial=0.0) > NARROW * size:
            return False
    return True


def _with_digits(
    problem: Problem, decisions: Mapping[Variable, FloatArray], digits: int
) -> dict[Variable, Intervals] | None:
    """The simulation with so many digits; None where they are too few, or something has no number."""
    context = decimal.Context(
        prec=digits,
        Emin=decimal.MIN_EMIN,
        Emax=decimal.MAX_EMAX,
        traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
    )
    with decimal.localcontext(context):
        try:
            found = simulate(problem, decisions, DigitEvaluation)
        except decimal.DecimalException:
            return None
        return {v: rounded(as_digits(x)) for v, x in found.items()}


def excess(c: Constraint, evaluate: Evaluation) -> Intervals:
    """By how much each row of a limit is broken, an array of its shape."""

    def over(values: FloatArray, part: Data) -> FloatArray:
        return np.broadcast_to(spread(values, part.axes, c.axes), c.shape)

    body = np.broadcast_to(spread(evaluate(c.body), c.body.axes, c.axes), c.shape, subok=True)
    return beyond(as_intervals(body), over(c.lower.values, c.lower), over(c.upper.values, c.upper))


def beyond(x: Intervals, lower: FloatArray, upper: FloatArray | float) -> Intervals:
    """How far intervals lie below or above ends, 0 where they lie between them."""
    zero = as_intervals(0.0)
    found = np.maximum(np.maximum(as_intervals(lower) - x, x - as_intervals(upper)), zero)
    return as_intervals(found)
