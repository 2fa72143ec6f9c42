"""What a model itself compares its decisions with: ideal shares, needs, what there is today.

Three forms are found, wherever they stand and whatever the names are.

- A *distance* in the objective or in a limit: `abs(x[i] - y[i])`, `(x[i] - y[i])^2` or
  `max(y[i] - x[i], 0)`, directly or inside of functions such as `l1` and `linf`. `y` may hold
  decisions in total (`share[i] * sum(x)`), but not member by member, so that differences between
  neighbours or between weeks are not taken for targets.
- A *level* in an effect: `x[i] - p[i]` with a parameter `p` over the same sets.
- A *goal* in a limit: `x[i] == p[i] + over[i] - under[i]`, the form of goal programming (Charnes and
  Cooper, 1955).

Decisions over time are compared in total over time, as the reports show them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Apply,
    Data,
    Divide,
    Extreme,
    Multiply,
    Node,
    Power,
    Reduce,
    Reference,
    Variable,
    add,
    children,
    is_zero,
    variables,
)
from allocc.compiler.algebra.index import Axis, join_axes, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.scoping.model import BoundModel
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl import tree
from allocc.results.labelled import Target


def targets_of(problem: Problem, values: Mapping[Variable, FloatArray]) -> tuple[Target, ...]:
    """Everything that an allocation is compared with member by member, each once."""
    with deep_recursion():
        every = [*_levels(problem), *_distances(problem, values)]
    found: list[Target] = []
    for target in every:
        if not np.isfinite(target.values).all():
            continue
        if any(
            t.decision == target.decision and np.allclose(t.values, target.values) for t in found
        ):
            continue
        found.append(target)
    return tuple(found)


# --- distances -----------------------------------------------------------------------------------


def _distances(problem: Problem, values: Mapping[Variable, FloatArray]) -> Iterator[Target]:
    evaluate = Evaluation(dict(values))
    places = [(t.name, t.description, t.node) for t in problem.terms]
    places += [(c.name, c.description, c.body) for c in problem.constraints]
    for name, description, node in places:
        for difference in _differences(node, set()):
            for variable, ideal in _ideals(difference, evaluate):
                yield Target(variable.name, name, description, ideal, distance=True)


def _differences(node: Node, seen: set[Variable]) -> Iterator[Add]:
    """The sums of which a distance is taken, also inside of named expressions."""
    match node:
        case Apply(function="abs", argument=Add() as inner):
            yield inner
        case Power(base=Add() as inner, exponent=exponent) if exponent % 2 == 0:
            yield inner
        case Extreme(parts=parts):
            sums = [p for p in parts if not is_zero(p)]
            if len(sums) == 1 and len(parts) > 1 and isinstance(sums[0], Add):
                yield sums[0]
        case Reference(variable=variable) if variable.value is not None and variable not in seen:
            seen.add(variable)
            yield from _differences(variable.value, seen)
    for child in children(node):
        yield from _differences(child, seen)


def _ideals(difference: Add, evaluate: Evaluation) -> Iterator[tuple[Variable, FloatArray]]:
    """Each decision of a difference that has the rest of it as its ideal, in total over time."""
    for part in difference.parts:
        quantity = _quantity(part)
        if quantity is None or not quantity.members:
            continue
        rest: Node = Data((), np.asarray(0.0))
        for other in difference.parts:
            if other is not part:
                rest = add(rest, other)
        axes = part.axes
        varies = isinstance(rest, Data) or set(quantity.members) & set(rest.axes)
        if not varies or not set(rest.axes) <= set(axes) or _runs(rest, quantity.members):
            continue
        factor = evaluate(quantity.factor)
        with np.errstate(all="ignore"):
            ideal = -spread(evaluate(rest), rest.axes, axes) / spread(
                factor, quantity.factor.axes, axes
            )
        full = np.broadcast_to(ideal, [a.size for a in axes])
        order = [a for a in quantity.axes if a is not None]
        kept = [axes.index(a) for a in order if a in quantity.members]
        summed = tuple(k for k in range(len(axes)) if k not in kept)
        total = full.transpose([*kept, *summed]).reshape(*(axes[k].size for k in kept), -1)
        yield quantity.variable, np.asarray(total.sum(axis=-1), dtype=float)


@dataclass(frozen=True, eq=False)
class _Quantity:
    """`factor` times a whole decision; `axes` has one entry a set, None where it is summed up."""

    variable: Variable
    axes: tuple[Axis | None, ...]
    factor: Node

    @property
    def members(self) -> tuple[Axis, ...]:
        """The axes that are not time."""
        return tuple(
            a for k, a in enumerate(self.axes) if a is not None and k != self.variable.time_axis
        )


def _quantity(node: Node) -> _Quantity | None:
    """A node as a multiple of one whole decision, or of its sum over time; None if it is not."""
    match node:
        case Reference(variable=variable):
            axes = _whole(node)
            if axes is None:
                return None
            if variable.kind == "decision":
                return _Quantity(variable, axes, Data((), np.asarray(1.0)))
            inner = _quantity(variable.value) if variable.value is not None else None
            if inner is None or inner.factor.axes:
                return None
            moved = dict(zip(variable.axes, axes, strict=True))
            if any(a is not None and a not in moved for a in inner.axes):
                return None
            there = tuple(None if a is None else moved[a] for a in inner.axes)
            return _Quantity(inner.variable, there, inner.factor)
        case Multiply(left=Data() as left, right=right):
            return _times(_quantity(right), left, node.axes)
        case Divide(left=left, right=right):
            inner = _quantity(left)
            if inner is None or _runs(right, [a for a in inner.axes if a is not None]):
                return None
            one = Data((), np.asarray(1.0))
            return _times(inner, Divide(one, right, right.axes), node.axes)
        case Reduce(operation="sum", body=body, over=over, scatter=scatter) if not scatter:
            inner = _quantity(body)
            if inner is None:
                return None
            k = inner.variable.time_axis
            if k is None or inner.axes[k] is None or set(over) != {inner.axes[k]}:
                return None
            if set(over) & set(inner.factor.axes):
                return None
            summed: tuple[Axis | None, ...] = tuple(None if a in over else a for a in inner.axes)
            return _Quantity(inner.variable, summed, inner.factor)
        case _:
            return None


def _whole(node: Reference) -> tuple[Axis, ...] | None:
    """The axis of each set of a reference, where it is to all of its members in their order."""
    axes = []
    for c, size in zip(node.coordinates, node.variable.shape, strict=True):
        if len(c.axes) != 1 or not np.array_equal(c.positions.ravel(), np.arange(size)):
            return None
        axes.append(c.axes[0])
    return tuple(axes) if len(set(axes)) == len(axes) else None


def _times(inner: _Quantity | None, factor: Node, axes: tuple[Axis, ...]) -> _Quantity | None:
    """A quantity times a factor that adds no index of its own."""
    if inner is None or not set(factor.axes) <= {a for a in inner.axes if a is not None}:
        return None
    both = join_axes(inner.factor.axes, factor.axes)
    return _Quantity(inner.variable, inner.axes, Multiply(inner.factor, factor, both))


def _runs(node: Node, axes: Sequence[Axis]) -> bool:
    """Whether any variable in a node is taken member by member along one of `axes`."""
    match node:
        case Data():
            return False
        case Reference():
            return bool(set(node.axes) & set(axes))
        case Reduce(scatter=scatter) if set(scatter) & set(axes):
            return bool(variables(node))
        case _:
            return any(_runs(child, axes) for child in children(node))


# --- levels and goals ----------------------------------------------------------------------------


def _levels(problem: Problem) -> Iterator[Target]:
    """What the text of the model compares with: parameters over the sets of a decision."""
    model = problem.model
    effects = [e.value for flow in model.flows.values() for e in flow.effects]
    effects += [e.value for p in model.parameters.values() for e in p.effects]
    for expression in effects:
        for e in _expressions(expression):
            if isinstance(e, tree.Binary) and e.operator == "-":
                yield from _level(model, e.left, e.right)
                yield from _level(model, e.right, e.left)
    for limit in model.limits:
        for goal, right in _sides(limit.relation):
            yield from _goal(model, goal, right)


def _expressions(node: object) -> Iterator[object]:
    yield node
    if isinstance(node, tuple):
        for item in node:
            yield from _expressions(item)
    elif dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            if field.name != "span":
                yield from _expressions(getattr(node, field.name))


def _level(model: BoundModel, left: object, right: object) -> Iterator[Target]:
    """`left - right` as a decision and its level."""
    decision = next((d for d in model.decisions if d.name == _base(left)), None)
    name = _base(right)
    symbol: Any = model.parameters.get(name) or model.lets.get(name)
    if decision is None or symbol is None or symbol.values is None:
        return
    k = decision.time_axis
    members = tuple(s for i, s in enumerate(decision.sets) if i != k)
    if not members or tuple(symbol.sets) != members or symbol.values.dtype.kind not in "fiub":
        return
    times = 1 if k is None else len(decision.sets[k])
    values = np.asarray(symbol.values, dtype=float) * times
    yield Target(decision.name, name, symbol.statement.description or "", values)


def _sides(relation: tree.Expression) -> Iterator[tuple[object, object]]:
    """Both sides of an equation, each once as the left one."""
    if isinstance(relation, tree.Comparison) and relation.operators == ("==",):
        left, right = relation.operands
        yield left, right
        yield right, left


def _goal(model: BoundModel, goal: object, right: object) -> Iterator[Target]:
    """`goal == level + over - under`, in any order of the three."""
    if not isinstance(right, tree.Binary):
        return
    known = {d.name for d in model.decisions}
    parts = list(_summands(right, 1))
    moves = sorted(sign for sign, e in parts if _base(e) in known)
    rest = [e for sign, e in parts if _base(e) not in known and sign > 0]
    if len(parts) == 3 and moves == [-1, 1] and len(rest) == 1:
        yield from _level(model, goal, rest[0])


def _summands(e: object, sign: int) -> Iterator[tuple[int, object]]:
    if isinstance(e, tree.Binary) and e.operator in ("+", "-"):
        yield from _summands(e.left, sign)
        yield from _summands(e.right, sign if e.operator == "+" else -sign)
    else:
        yield sign, e


def _base(e: object) -> str:
    """The name of `x` or `x[i]`, empty for everything else."""
    if isinstance(e, tree.Subscript):
        e = e.base
    return e.name if isinstance(e, tree.Name) else ""
