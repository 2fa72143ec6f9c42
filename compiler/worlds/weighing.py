"""What a decision for many worlds is judged by: the mean, the worst, the tail, the regret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from allocc.compiler.algebra.expression import (
    Data,
    Node,
    Reduce,
    Reference,
    Variable,
    add,
    constant,
    extreme,
    multiply,
    negate,
)
from allocc.compiler.algebra.index import Axis, Coordinate
from allocc.compiler.algebra.numeric import sum_over
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import Constraint, ObjectiveTerm, Problem
from allocc.compiler.worlds.together import Together

Kind = Literal["mean", "worst", "cvar", "regret"]
#: The decision that a tail is measured from. It begins with what no name of a model begins with.
THRESHOLD = "(value at risk)"
#: What the value of each world is called where it is asked for.
VALUE = "(value)"


@dataclass(frozen=True, slots=True)
class Measure:
    """How the values of worlds become one value. `level` is that of `cvar`: 0.9 is the worst tenth."""

    kind: Kind
    level: float = 0.0

    def __str__(self) -> str:
        return f"cvar {self.level * 100:g}%" if self.kind == "cvar" else self.kind


def weighed(
    found: Together,
    measure: Measure,
    weights: FloatArray,
    best: FloatArray | None = None,
    ends: tuple[float, float] = (-np.inf, np.inf),
) -> Problem:
    """The problem of all worlds with one objective.

    `weights` add up to 1. With `regret`, `best` has the best value of each world, which its own value is
    compared with. `ends` are what no value of any world lies outside of, where that is known: a bound is proven
    the more easily for it. The tail of `cvar` is that of Rockafellar and Uryasev (2000, theorem 1): with the threshold
    as one more decision,

        minimize  threshold + 1 / (1 - level) * mean of max(0, value - threshold).
    """
    problem, axis = found.problem, found.axis
    weight = Data((axis,), weights)
    if measure.kind == "mean":
        return replace(problem, terms=[_mean(t, weight) for t in problem.terms])
    total = _total(problem)
    span = problem.terms[0].span
    minimize = problem.sense == "minimize"
    if measure.kind == "regret":
        assert best is not None
        # To maximize, it is below zero: the largest regret is small where the least of these is large.
        total = add(total, Data((axis,), -best))
    if measure.kind in ("worst", "regret"):
        node = _extreme(total, axis, "max" if minimize else "min")
        term = ObjectiveTerm(measure.kind, node, span, _WORDS[measure.kind])
        return replace(problem, terms=[term])
    if axis not in total.axes:
        return replace(problem, terms=[ObjectiveTerm("tail", total, span, _WORDS["cvar"])])
    low, high = (np.asarray(float(x)) for x in ends)
    threshold = Variable(THRESHOLD, "decision", (), lower=low, upper=high)
    at = Reference(threshold, (), ())
    over = add(total, negate(at)) if minimize else add(at, negate(total))
    beyond = extreme("max", (over, constant(0.0)))
    share = constant((1.0 if minimize else -1.0) / (1.0 - measure.level))
    tail = add(at, multiply(share, sum_over(multiply(weight, beyond), (axis,))))
    term = ObjectiveTerm("tail", tail, span, _WORDS["cvar"])
    return replace(problem, decisions=[*problem.decisions, threshold], terms=[term])


def with_values(found: Together) -> tuple[Problem, Variable]:
    """The problem with a column for the value of each world, and a row of it which limits nothing."""
    problem, axis, total = found.problem, found.axis, _total(found.problem)
    worlds = axis.set
    value = Variable(VALUE, "definition", (worlds,), axes=(axis,), value=total)
    here = Reference(value, (Coordinate(worlds, (axis,), np.arange(len(worlds))),), (axis,))
    span = problem.terms[0].span
    row = Constraint(VALUE, (axis,), here, constant(-np.inf), constant(np.inf), worlds.label, span)
    return replace(problem, constraints=[*problem.constraints, row]), value


def _total(problem: Problem) -> Node:
    total: Node = constant(0.0)
    for term in problem.terms:
        total = add(total, term.node)
    return total


def _extreme(total: Node, axis: Axis, sense: str) -> Node:
    if axis not in total.axes:
        return total
    operation: Literal["min", "max"] = "max" if sense == "max" else "min"
    return Reduce(operation, total, (axis,), tuple(a for a in total.axes if a is not axis))


_WORDS = {
    "worst": "the objective in the worst draw",
    "regret": "what the best for each draw would have been better, in the worst draw",
    "cvar": "the mean of the objective over the worst draws",
}


def _mean(term: ObjectiveTerm, weight: Data) -> ObjectiveTerm:
    (axis,) = weight.axes
    node: Node = term.node
    return (
        term
        if axis not in node.axes
        else replace(term, node=sum_over(multiply(weight, node), (axis,)))
    )


def value_of(
    measure: Measure,
    values: FloatArray,
    weights: FloatArray,
    minimize: bool,
    best: FloatArray | None = None,
) -> float:
    """The measure of the values that one allocation has in each world, computed from them alone.

    It is in the sense of the objective; a regret is not negative where `best` is the best of each world.
    """
    if measure.kind == "mean":
        return float(weights @ values)
    if measure.kind == "worst":
        return float(values.max() if minimize else values.min())
    if measure.kind == "regret":
        assert best is not None
        return float(np.max(values - best if minimize else best - values))
    order = np.argsort(-values if minimize else values, kind="stable")
    left = 1.0 - measure.level
    taken = np.clip(
        left - np.concatenate(([0.0], np.cumsum(weights[order])[:-1])), 0.0, weights[order]
    )
    return float(taken @ values[order] / left)
