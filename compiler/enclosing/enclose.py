"""What decisions lead to, enclosed: the problem's own simulation, in intervals.

Data, starts and decisions are taken as the floating point numbers that they are. Everything else is an
interval that holds what real arithmetic gives for them, so that what is read off it does not rest on how
numbers are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from allocc.compiler.algebra.expression import Data, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.evaluation import IntervalEvaluation, Lost
from allocc.compiler.enclosing.implicit import EnclosedStep
from allocc.compiler.enclosing.intervals import Intervals, as_intervals
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.compiler.unrolling.simulate import simulate


@dataclass(frozen=True, eq=False)
class Enclosed:
    """Intervals for all that decisions lead to; not a number at both ends where nothing is known.

    - `values`: decisions, compartments and flows, each in its variable's shape.
    - `terms`, `objective`: in the objective's unit, without axes.
    - `limits`: by how much each row of a limit is broken (0 where it holds), in the limit's unit and
      shape; those within chance blocks are among them.
    - `ranges`: the same for the ends of decisions, and for the lower ends of compartments.
    - `lost`: where no interval could be given, in the order in which they were met.
    """

    values: dict[Variable, Intervals]
    terms: dict[str, Intervals]
    objective: Intervals
    limits: Mapping[Constraint, Intervals]
    ranges: Mapping[Variable, Intervals]
    lost: tuple[Lost, ...]


def enclose(problem: Problem, decisions: Mapping[Variable, FloatArray]) -> Enclosed:
    """Simulate decisions in intervals that are rounded outward."""
    lost: list[Lost] = []
    evaluation = partial(IntervalEvaluation, lost=lost)
    known = {v: np.asarray(decisions[v], dtype=float) for v in problem.decisions}
    values = simulate(problem, known, evaluation, EnclosedStep(problem, known, lost))
    intervals = {v: as_intervals(x) for v, x in values.items()}
    evaluate = evaluation(dict(values))
    terms = {t.name: as_intervals(evaluate(t.node)) for t in problem.terms}
    total = sum(terms.values(), start=as_intervals(0.0))
    limits = [
        *problem.constraints,
        *(limit.constraint for block in problem.chances for limit in block.limits),
    ]
    return Enclosed(
        intervals,
        terms,
        as_intervals(total),
        {c: excess(c, evaluate) for c in limits},
        {
            **{v: beyond(intervals[v], *problem.ends(v)) for v in problem.decisions},
            **{v: beyond(intervals[v], problem.ends(v)[0], np.inf) for v in problem.states},
        },
        tuple(lost),
    )


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
