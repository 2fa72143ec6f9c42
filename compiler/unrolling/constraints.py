"""Limits, chance blocks, soft limits and objective terms, from statements to blocks of algebra.

Each is bound to the space of its index and evaluated there: a limit becomes `body <= 0`, or
`body == 0`, over that space, a chance block such limits over its scenarios too, a soft limit the
price of what exceeds it, summed. Time is in them only as an index like any other: stepping through
it is the matter of `discretize.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    Data,
    Node,
    Variable,
    add,
    constant,
    extreme,
    multiply,
    negate,
)
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import sum_over
from allocc.compiler.arrays import BoolArray
from allocc.compiler.binding.assignment import interval_values
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.logic import NoEdge, alternatives, is_logic, shortfall
from allocc.compiler.evaluating.values import reference
from allocc.compiler.labels import shown_label
from allocc.compiler.scoping.forgotten import refuse_free
from allocc.compiler.scoping.model import along
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.scoping.spaces import Space, bind_index
from allocc.compiler.unrolling.problem import (
    ChanceConstraint,
    Constraint,
    Labels,
    ObjectiveTerm,
    ScenarioLimit,
    WrittenComparison,
)
from allocc.dsl import tree
from allocc.dsl.tree import Span

#: The weights of a chance block's scenarios may miss 1 by this much.
WEIGHTS_TOLERANCE = 1e-6

#: A limit on data alone holds where it is off by this part of its sides: rounding of sums of data.
DATA_TOLERANCE = 1e-9

#: Left side, operator, right side.
Sides = tuple[Node, str, Node]


def limit_constraints(statement: tree.Limit, evaluator: Evaluator) -> list[Constraint]:
    """The constraints of a limit, one for each of its comparisons that a decision can change.

    One of data alone is reported to the collector. Raises `errors.Failed`.
    """
    space = _space(statement.index, evaluator)
    if is_logic(statement.relation):
        try:
            return _logic(statement, space, evaluator)
        except NoEdge:
            if not isinstance(statement.relation, tree.Comparison):
                raise
            # One strict comparison by itself: it is told that a limit has `<=`.
    found = []
    for place, sides in enumerate(_sides(statement, space, evaluator)):
        body, equal = _body(*sides)
        written = WrittenComparison(statement, place, *sides, space)
        if isinstance(body, Data):
            if not evaluator.context.one_of_many:
                _report_data_limit(statement, space, sides, body, equal, evaluator)
                continue
            if not _broken_data(sides, body, equal).any():
                continue
        found.append(_constraint(written, body, 0.0 if equal else -np.inf))
    return found


def _logic(statement: tree.Limit, space: Space, evaluator: Evaluator) -> list[Constraint]:
    """The constraint of a limit that puts comparisons together; none where data alone settle it."""
    found = alternatives(statement.relation, space.scope, evaluator)
    for node in (n for a in found for n in a):
        what, declare = f"'{statement.name.name}'", f"limit {statement.name.name}"
        declared = evaluator.symbols.declared
        refuse_free(node, space.axes, what, statement.relation, declared, statement.index, declare)
    body = shortfall(found)
    zero = constant(0.0)
    if isinstance(body, Data):
        _report_data_limit(statement, space, (body, "<=", zero), body, False, evaluator)
        return []
    written = WrittenComparison(statement, 0, body, "<=", zero, space)
    return [replace(_constraint(written, body, -np.inf), alternatives=tuple(found))]


def apart_constraint(
    statement: tree.Decide, variable: Variable, evaluator: Evaluator
) -> Constraint:
    """A decision is either the value that lies apart, or in its range; raises `errors.Failed`."""
    assert statement.interval is not None and statement.interval.apart is not None
    name = statement.name.name
    space, sets = evaluator.space(statement.index)
    value = evaluator.data(statement.interval.apart, space.scope, f"the range of '{name}'")
    low, high = interval_values(replace(statement.interval, apart=None), space, evaluator, name)
    here = reference(variable, along(space.axes, sets), statement.span)
    off = add(here, negate(value))
    ranges = [add(Data(space.axes, low), negate(here))] * bool(np.isfinite(low).all())
    ranges += [add(here, Data(space.axes, -high))] * bool(np.isfinite(high).all())
    found = [(off, negate(off)), tuple(ranges)]
    body, zero, span = shortfall(found), constant(0.0), statement.interval.span
    # As a limit of the decision's name, for whoever tells of it: both ways of `in 0 or 5 .. 9`.
    here_ = tree.Name(name, span)
    apart = tree.Comparison((here_, statement.interval.apart), ("==",), span)
    ends = []
    if statement.interval.low is not None:
        ends.append(tree.Comparison((here_, statement.interval.low), (">=",), span))
    if statement.interval.high is not None:
        ends.append(tree.Comparison((here_, statement.interval.high), ("<=",), span))
    relation: tree.Expression = apart
    for end in ends:
        relation = tree.Binary("or", relation, end, span)
    limit = tree.Limit(statement.name, statement.index, statement.description, relation, span)
    written = WrittenComparison(limit, 0, body, "<=", zero, space)
    return replace(_constraint(written, body, -np.inf), alternatives=tuple(found))


def chance_constraint(statement: tree.Chance, evaluator: Evaluator) -> ChanceConstraint:
    """A chance block: its scenarios, their weights, and what must hold in them together.

    Raises `errors.Failed` for a probability or weights that are none; the mistakes of its limits go
    to the collector.
    """
    name = statement.name.name
    space = _space(statement.scenario, evaluator)
    likely, weighs = f"the probability of '{name}'", f"the weight of '{name}'"
    probability = evaluator.data(statement.probability, Scope(), likely)
    weight = evaluator.data(statement.weight, space.scope, weighs)
    refuse_free(probability, (), likely, statement.probability, evaluator.symbols.declared)
    refuse_free(
        weight, space.axes, weighs, statement.weight, evaluator.symbols.declared, statement.scenario
    )
    asked = float(probability.values)
    if not 0.0 < asked <= 1.0:
        reason = f"the probability must lie above 0 and at most at 1, not at {asked:g}"
        raise failures.Failed(algebra_errors.bad_chance(name, reason, statement.probability.span))
    full = np.broadcast_to(spread(weight.values, weight.axes, space.axes), space.shape)
    weights = np.asarray(full, dtype=float).ravel()
    if (weights < 0).any():
        reason = f"a weight is negative: {float(weights.min()):g}"
        raise failures.Failed(algebra_errors.bad_chance(name, reason, statement.weight.span))
    if abs(float(weights.sum()) - 1.0) > WEIGHTS_TOLERANCE:
        reason = f"the weights add up to {float(weights.sum()):.9g}, not to 1"
        text = statement.weight.span.text
        hint = f"divide them by their sum, or check the data behind `{text}`"
        raise failures.Failed(algebra_errors.bad_chance(name, reason, statement.weight.span, hint))
    limits: list[ScenarioLimit] = []
    for limit in statement.limits:
        limits.extend(evaluator.symbols.attempt(_scenario_limits, limit, space, evaluator) or [])
    description = statement.description or ""
    span = statement.name.span
    return ChanceConstraint(name, asked, weights, limits, _row_labels(space), span, description)


def penalty(statement: tree.Prefer, sense: str, evaluator: Evaluator) -> ObjectiveTerm:
    """What the excess of a soft limit costs in all, as a term of an objective of the given sense.

    Raises `errors.Failed`.
    """
    space = _space(statement.index, evaluator)
    name = statement.name.name
    what, span = f"the penalty of '{name}'", statement.penalty.span
    weight = evaluator.data(statement.penalty, space.scope, what)
    if (weight.values < 0).any():
        value = f"{float(weight.values.min()):g}"
        raise failures.Failed(algebra_errors.negative_penalty(name, value, span))
    declared, index, declare = evaluator.symbols.declared, statement.index, f"prefer {name}"
    refuse_free(weight, space.axes, what, statement.penalty, declared, index, declare)
    total: Node = constant(0.0)
    for sides in _sides(statement, space, evaluator):
        body, equal = _body(*sides)
        excess = _positive(body)
        if equal:
            excess = add(excess, _positive(negate(body)))
        total = add(total, multiply(weight, excess))
    total = sum_over(total, space.axes)
    if sense == "maximize":
        total = negate(total)
    return ObjectiveTerm(name, total, statement.span, statement.description or "", True)


def objective_term(term: tree.Term, evaluator: Evaluator) -> ObjectiveTerm:
    """A term of the objective, which is one number; raises `errors.Failed`."""
    node = evaluator.number(term.value, Scope())
    refuse_free(
        node, (), f"objective term '{term.name.name}'", term.value, evaluator.symbols.declared
    )
    return ObjectiveTerm(term.name.name, node, term.span, term.description or "")


def _space(index: tree.Index | None, evaluator: Evaluator) -> Space:
    return bind_index(index, Scope(), evaluator, evaluator.symbols.time_name)


def _sides(statement: tree.Limit | tree.Prefer, space: Space, evaluator: Evaluator) -> list[Sides]:
    """The comparisons of a relation: `1 <= x <= 4` has two of them."""
    relation = statement.relation
    if not isinstance(relation, tree.Comparison):
        raise failures.Failed(algebra_errors.not_a_relation(relation.span))
    operands = relation.operands
    for k, operator in enumerate(relation.operators):
        if operator not in ("<=", ">=", "=="):
            span = _between(operands[k].span, operands[k + 1].span)
            raise failures.Failed(algebra_errors.strict_relation(span, operator))
    nodes = [evaluator.number(e, space.scope) for e in operands]
    word = "limit" if isinstance(statement, tree.Limit) else "prefer"
    name = statement.name.name
    what, declare = f"each side of '{name}'", f"{word} {name}"
    for node, e in zip(nodes, operands, strict=True):
        refuse_free(node, space.axes, what, e, evaluator.symbols.declared, statement.index, declare)
    return [(nodes[k], op, nodes[k + 1]) for k, op in enumerate(relation.operators)]


def _body(left: Node, operator: str, right: Node) -> tuple[Node, bool]:
    """`body <= 0`, or `body == 0` where True, for a comparison."""
    if operator == ">=":
        left, right = right, left
    return add(left, negate(right)), operator == "=="


def _constraint(written: WrittenComparison, body: Node, lower: float) -> Constraint:
    """`lower <= body <= 0` at every point of the comparison's space."""
    statement, space = written.statement, written.space
    return Constraint(
        statement.name.name,
        space.axes,
        body,
        constant(lower),
        constant(0.0),
        _row_labels(space),
        statement.span,
        description=statement.description or "",
        written=written,
    )


def _scenario_limits(
    statement: tree.Limit, scenario: Space, evaluator: Evaluator
) -> list[ScenarioLimit]:
    """The rows of a limit in every scenario; an equation holds from both sides."""
    own = bind_index(statement.index, scenario.scope, evaluator, evaluator.symbols.time_name)
    # A filter on data of the scenarios makes pairs, which know their scenario.
    outer = tuple(a for a in scenario.axes if a not in own.scatter)
    axes = (*outer, *own.axes)
    space = Space(axes, own.scope, {}, None, (*scenario.keys, *own.keys))
    flat = np.zeros((1,) * len(axes), dtype=np.int64)
    for axis in scenario.axes:
        if axis in own.scatter:
            assert own.pair is not None
            place = spread(own.scatter[axis], (own.pair,), axes)
        else:
            place = spread(np.arange(axis.size), (axis,), axes)
        flat = flat * axis.size + place
    position = np.broadcast_to(flat, space.shape).ravel()
    found = []
    for k, sides in enumerate(_sides(statement, space, evaluator)):
        body, equal = _body(*sides)
        written = WrittenComparison(statement, k, *sides, space)
        for side in (body, negate(body)) if equal else (body,):
            found.append(ScenarioLimit(_constraint(written, side, -np.inf), position))
    return found


def _report_data_limit(
    statement: tree.Limit, space: Space, sides: Sides, body: Data, equal: bool, evaluator: Evaluator
) -> None:
    """Report a limit that no decision can change."""
    name, span = statement.name.name, statement.relation.span
    bad = _broken_data(sides, body, equal)
    where = ""
    if bad.any() and space.axes:
        full = np.broadcast_to(spread(bad, body.axes, space.axes), space.shape)
        k = int(np.flatnonzero(full)[0])
        where = f" for [{', '.join(shown_label(x) for x in _row_labels(space)(k))}]"
    evaluator.symbols.collector.add(
        algebra_errors.limit_without_decision(name, span, not bad.any(), where)
    )


def _broken_data(sides: Sides, body: Data, equal: bool) -> BoolArray:
    """Where a limit of data alone does not hold."""
    size = np.zeros((1,) * len(body.axes))
    for side in (sides[0], sides[2]):
        if isinstance(side, Data):
            size = size + np.abs(spread(side.values, side.axes, body.axes))
    scale = DATA_TOLERANCE * size
    found: BoolArray = np.abs(body.values) > scale if equal else body.values > scale
    return found


def _between(first: Span, second: Span) -> Span:
    """The words between two spans, without the blanks around them."""
    text = first.source.text[first.stop : second.start]
    start = first.stop + len(text) - len(text.lstrip(" \t\r\n)"))
    return Span(first.source, start, start + max(len(text.strip(" \t\r\n()")), 1))


def _row_labels(space: Space) -> Labels:
    """The labels of a statement's rows, made when they are asked for."""
    dimensions = space.dimensions
    axes = space.axes
    shape = space.shape

    def labels(k: int) -> tuple[Any, ...]:
        where = dict(zip(axes, np.unravel_index(k, shape), strict=True)) if axes else {}
        found: list[Any] = []
        for c in dimensions:
            place = tuple(where[a] for a in c.axes)
            found.extend(c.set.label(int(c.positions[place])))
        return tuple(found)

    return labels


def _positive(body: Node) -> Node:
    """The part of a node above zero."""
    return extreme("max", (body, constant(0.0)), body.span)
