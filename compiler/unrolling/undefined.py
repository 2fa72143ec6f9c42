"""Where a simulation ends in no number: which formula, for which member, when, and with what.

A place is looked for only once something is not finite. The first period counts, and within it the
innermost operation that makes no number of numbers: all else follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Node, Reduce, Reference, Variable, children
from allocc.compiler.algebra.index import Axis, Coordinate
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text
from allocc.compiler.unrolling import errors
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span

Values = Mapping[Variable, FloatArray]


@dataclass(frozen=True)
class _Guilty:
    """An operation without a value; `inside` names the let or flow it stands in, if it is another."""

    node: Node
    at: Mapping[Axis, int]
    span: Span | None
    inside: str


def undefined(problem: Problem, values: Values) -> Diagnostic:
    """What to say of simulated `values` of which one, or a limit or a term, is not finite.

    `values` has decisions, compartments and flows, each of its variable's shape.
    """
    with np.errstate(all="ignore"):
        found = _in_dynamics(problem, values) or _in_rules(problem, values)
    assert found is not None, "one of the values is not finite"
    return found


def _in_dynamics(problem: Problem, values: Values) -> Diagnostic | None:
    time = problem.model.time
    if time is None or problem.period is None:
        return None
    for k in range(time.count):
        # What later periods hold is a consequence, or not there yet.
        evaluate = Evaluation(dict(values), {problem.period: k})
        for flow in problem.flows:
            name = f"flow {flow.symbol.statement.name.name}"
            found = _first(flow.node, evaluate, name, flow.symbol.statement.value.span)
            if found is not None:
                return _told(found, values, time.name)
        for u in problem.updates:
            after = values[u.variable][..., k + 1]
            if not np.isfinite(after).all():
                place = tuple(int(i) for i in np.argwhere(~np.isfinite(after))[0])
                before = float(values[u.variable][(*place, k)])
                period = label_text(time.periods.label(k)[0])
                span = u.compartment.statement.span
                return errors.no_next_value(
                    _named(u.variable, (*place, k + 1)),
                    _named(u.variable, (*place, k)),
                    before,
                    f"{time.name} = {period}",
                    time.method,
                    span,
                )
        for flow in problem.flows_ahead:
            name = f"flow {flow.symbol.statement.name.name}"
            found = _first(flow.node, evaluate, name, flow.symbol.statement.value.span)
            if found is not None:
                return _told(found, values, time.name)
    return None


def _in_rules(problem: Problem, values: Values) -> Diagnostic | None:
    """The first limit or term that has no value though all that is simulated has."""
    evaluate = Evaluation(dict(values))
    # Limits come last: where a denominator is zero, one on a ratio may hold all the same.
    rules: list[tuple[Node, str, Span]] = [
        (t.node, f"term {t.name}", t.span) for t in problem.terms
    ]
    rules += [
        (c.body, f"limit {c.name}", c.span)
        for c in (
            *problem.constraints,
            *(limit.constraint for block in problem.chances for limit in block.limits),
        )
    ]
    for node, name, span in rules:
        found = _first(node, evaluate, name, span)
        if found is not None:
            return _told(found, values, problem.model.time.name if problem.model.time else "")
    return None


def _first(node: Node, evaluate: Evaluation, name: str, span: Span | None) -> _Guilty | None:
    """The first point of a node that has no value, followed to the operation that makes it."""
    bad = ~np.isfinite(evaluate(node))
    if not bad.any():
        return None
    return _follow(node, _points(node, bad, evaluate.at), evaluate.values, name, span)


def _points(node: Node, bad: np.ndarray, at: Mapping[Axis, int]) -> dict[Axis, int]:
    """A position along every axis of a node at which `bad` is true, axes that are held included."""
    first = np.argwhere(bad)[0]
    where = dict(at)
    for axis, place in zip(node.axes, first, strict=True):
        where.setdefault(axis, int(place))
    return where


def _follow(
    node: Node, at: Mapping[Axis, int], values: Values, name: str, span: Span | None
) -> _Guilty:
    """The innermost part of a node, which has no value at a point, whose own parts have values."""
    span = node.span or span
    if isinstance(node, Reference) and node.variable.value is not None:
        variable = node.variable
        place = {a: _position(c, at) for a, c in zip(variable.axes, node.coordinates, strict=True)}
        inner = variable.value
        assert inner is not None
        if not np.isfinite(_scalar(inner, place, values)).all():
            return _follow(inner, place, values, variable.statement, inner.span)
    parts = children(node)
    for part in parts:
        value = _scalar(part, at, values)
        bad = ~np.isfinite(value)
        if isinstance(node, Reduce) and node.scatter:
            # Only the pairs that belong to this point.
            (pair,) = node.over
            mine = np.ones(pair.size, dtype=bool)
            for axis, positions in node.scatter.items():
                mine &= positions == at[axis]
            if pair in part.axes:
                shape = [pair.size if a is pair else 1 for a in part.axes]
                bad = bad & mine.reshape(shape)
        if bad.any():
            return _follow(part, _points(part, bad, at), values, name, span)
    return _Guilty(node, dict(at), span, name)


def _scalar(node: Node, at: Mapping[Axis, int], values: Values) -> FloatArray:
    """A node's value where some axes are held; what it is summed over is not."""
    value = Evaluation(dict(values), at)(node)
    return np.broadcast_to(value, [1 if a in at else a.size for a in node.axes])


def _position(c: Coordinate, at: Mapping[Axis, int]) -> int:
    """The member that a coordinate means at a point."""
    place = tuple(at[a] if n > 1 else 0 for a, n in zip(c.axes, c.positions.shape, strict=True))
    return int(c.positions[place])


def _told(found: _Guilty, values: Values, time: str) -> Diagnostic:
    """The message: the formula, and the value of everything that it reads."""
    inputs: dict[str, float] = {}
    stack: list[tuple[Node, Mapping[Axis, int]]] = [(found.node, found.at)]
    while stack:
        node, at = stack.pop()
        if isinstance(node, Reference) and all(a in at for a in node.axes):
            place = tuple(_position(c, at) for c in node.coordinates)
            value = _scalar(node, at, values)
            inputs[_named(node.variable, place)] = float(value.ravel()[0])
        stack.extend((c, at) for c in reversed(children(node)))
    members = {
        time if a.set.kind == "time" else a.set.name: ", ".join(map(label_text, a.set.label(k)))
        for a, k in found.at.items()
        if a.size == len(a.set)
    }
    return errors.no_number(
        found.span.text if found.span is not None else found.inside,
        found.inside,
        members,
        inputs,
        found.span,
    )


def _named(variable: Variable, place: tuple[int, ...]) -> str:
    """A variable's entry as a model writes it."""
    labels = [label_text(x) for s, k in zip(variable.sets, place, strict=True) for x in s.label(k)]
    return f"{variable.name}[{', '.join(labels)}]" if labels else variable.name
