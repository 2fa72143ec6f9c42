"""Limits with slack: the problem in which some members may be broken, at a price.

A limit `body <= 0` becomes `body - s <= 0` with a new decision `s >= 0`, an equation gets one in each
direction, and the range of a decision becomes a limit with slack. It is done in the problem and not in the
program, so that every reformulation is made for what is then true, and slack has the limit's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.algebra.expression import (
    Data,
    Node,
    Reference,
    Variable,
    add,
    constant,
    multiply,
    negate,
)
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet, spread
from allocc.compiler.algebra.numeric import Evaluation, sum_over
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.origin import Origin
from allocc.compiler.unrolling.problem import Constraint, ObjectiveTerm, Problem
from allocc.compiler.unrolling.simulate import Values, simulate
from allocc.dsl.tree import Span
from allocc.engine.judging.outcome import Options
from allocc.engine.loop import Loop
from allocc.engine.solve import run
from allocc.questions.conflict.switches import SwitchedStatement, SwitchedStatements

#: Slack weights for each row of a limit, or end of a range; infinite where there is no slack.
Weights = FloatArray


@dataclass(frozen=True, eq=False)
class Slack:
    """The slack of one constraint: upwards, and downwards too where it is an equation.

    `sizes` is what each row is measured by.
    """

    constraint: Constraint
    sizes: FloatArray
    up: Variable
    down: Variable | None

    def amounts(self, values: Values) -> FloatArray:
        """How far each row is loosened: above 0 on its upper side, below 0 on its lower one."""
        down = 0.0 if self.down is None else values[self.down]
        found: FloatArray = np.asarray(values[self.up] - down)
        return found


@dataclass(frozen=True, eq=False)
class ElasticProblem:
    """A problem whose objective is the weighted sum of all slack, made of the `original` one."""

    problem: Problem
    original: Problem
    #: By the constraint as it was; ranges have one of their own.
    slacks: Mapping[Constraint | SwitchedStatement, Slack]


def elastic(
    statements: SwitchedStatements,
    kept: BoolArray,
    soft: Mapping[SwitchedStatement, Weights],
    chance_limits: Mapping[Constraint, Weights] | None = None,
    wide: Mapping[SwitchedStatement, FloatArray] | None = None,
) -> ElasticProblem:
    """The problem with the kept members, some of them soft.

    `soft` has weights for limits and ranges, `chance_limits` for limits within chance blocks.
    """
    problem = statements.problem
    hard = kept.copy()
    for s, weights in soft.items():
        if s.kind != "limit":
            hard[s.members[np.isfinite(weights)]] = False
    slacks: dict[Constraint | SwitchedStatement, Slack] = {}
    terms: list[Node] = []
    soft_blocks = chance_limits or {}

    def loosened(
        c: Constraint, weights: Weights | None, key: Constraint | SwitchedStatement | None = None
    ) -> Constraint:
        if weights is None:
            return c
        slack, body, cost = _with_slack(c, weights)
        slacks[key or c] = slack
        terms.append(cost)
        return replace(c, body=body)

    ends = {s: end_of_range(s, problem) for s in soft if isinstance(s.source, Variable)}
    softened = {s.source: w for s, w in soft.items() if isinstance(s.source, Constraint)}
    bare = statements.restricted(hard, wide)
    originals = {id(c.body): c for c in problem.constraints}
    constraints = []
    for c in bare.constraints:
        original = originals[id(c.body)]
        constraints.append(loosened(c, softened.get(original), original))
    constraints += [loosened(c, soft[s], s) for s, c in ends.items()]
    chances = [
        replace(
            block,
            limits=[
                replace(x, constraint=loosened(x.constraint, soft_blocks.get(x.constraint)))
                for x in block.limits
            ],
        )
        for block in bare.chances
    ]
    more = [v for k in slacks.values() for v in (k.up, k.down) if v is not None]
    total: Node = constant(0.0)
    for term in terms:
        total = add(total, term)
    span = problem.constraints[0].span if problem.constraints else _anywhere(problem)
    made = replace(
        bare,
        decisions=[*bare.decisions, *more],
        constraints=constraints,
        chances=chances,
        terms=[ObjectiveTerm("loosening", total, span)],
        sense="minimize",
    )
    return ElasticProblem(made, problem, slacks)


def _anywhere(problem: Problem) -> Span:
    found = next((v.span for v in problem.variables if v.span is not None), None)
    assert found is not None
    return found


def _with_slack(c: Constraint, weights: Weights) -> tuple[Slack, Node, Node]:
    """The slack of a constraint, its body with slack, and what the slack costs."""
    count = c.count
    rows = IndexSet("row", [list(range(count))], "integer")
    most = np.where(np.isfinite(weights), np.inf, 0.0)
    price = Data(c.axes, np.where(np.isfinite(weights), weights, 0.0).reshape(c.shape))
    place = Coordinate(rows, c.axes, np.arange(count).reshape(c.shape))
    equal = not np.isneginf(c.lower.values).all()
    body, cost, made = c.body, constant(0.0), []
    total: Node = cost
    for sign in (1, -1) if equal else (1,):
        name = f"{c.name}:{'up' if sign > 0 else 'down'}"
        slack = Variable(
            name,
            "decision",
            (rows,),
            origin=Origin("slack", c.name, c.span),
            lower=np.zeros(count),
            upper=most.copy(),
        )
        made.append(slack)
        here: Node = Reference(slack, (place,), c.axes)
        body = add(body, negate(here) if sign > 0 else here)
        total = add(total, sum_over(multiply(price, here), c.axes))
    return Slack(c, 1.0 / weights, made[0], made[1] if equal else None), body, total


def end_of_range(s: SwitchedStatement, problem: Problem) -> Constraint:
    """The ends of a range as a limit over their own rows: `x - high <= 0` or `low - x <= 0`."""
    v = s.source
    assert isinstance(v, Variable)
    assert v.span is not None
    low, high = (end.ravel()[s.places] for end in problem.ends(v))
    rows = Axis(IndexSet("row", [list(range(s.count))], "integer"))
    where = np.unravel_index(s.places, v.shape) if v.sets else ()
    at = tuple(Coordinate(t, (rows,), np.asarray(i)) for t, i in zip(v.sets, where, strict=True))
    x: Node = Reference(v, at, (rows,) if at else ())
    side = "upper" if s.side == "upper" else "lower"
    end = Data((rows,), high if side == "upper" else low)
    body = add(x, negate(end)) if side == "upper" else add(end, negate(x))
    places, labels = s.places, v.labels
    return Constraint(
        f"range of {v.name}",
        (rows,),
        body,
        Data((), np.asarray(-np.inf)),
        Data((), np.asarray(0.0)),
        lambda k: labels(int(places[k])),
        v.span,
        unit=v.unit,
    )


class ElasticLoop(Loop):
    """A solve of an elastic problem, in which slack is what the decisions leave to be made up for."""

    def __init__(self, loose: ElasticProblem, options: Options) -> None:
        super().__init__(loose.problem, options, run)
        self.loose = loose

    def decisions(self, point: FloatArray) -> Values:
        """Decisions from a point, with the least slack that they need outside of chance blocks."""
        found = super().decisions(point)
        evaluate = Evaluation(dict(simulate(self.problem, found)))
        for slack in self.loose.slacks.values():
            c = slack.constraint
            if any(x.constraint is c for b in self.loose.original.chances for x in b.limits):
                continue
            body = np.broadcast_to(spread(evaluate(c.body), c.body.axes, c.axes), c.shape).ravel()
            for variable, sign in ((slack.up, 1.0), (slack.down, -1.0)):
                if variable is not None:
                    least = np.maximum(sign * body, 0.0)
                    found[variable] = np.where(variable.ends[1] > 0, least, 0.0)
        return found
