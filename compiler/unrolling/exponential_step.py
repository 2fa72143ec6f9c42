"""The exact exponential step for flows that are linear in the state.

With dX/dt = M X + b over one period, M and b constant there,

    X(t + h) = exp(M h) X(t) + (integral of exp(M s) over 0 .. h) b,

which is exact (Van Loan 1978 for the integral by one augmented exponential). X is the compartments
at the begin of the period; what they were before is known there, and belongs to b.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Data,
    Multiply,
    Node,
    Reduce,
    Reference,
    Variable,
    add,
    children,
    constant,
    depends_on_states,
    is_affine,
    multiply,
)
from allocc.compiler.algebra.index import Axis, Coordinate, join_axes, spread
from allocc.compiler.algebra.numeric import Evaluation, reduce_array, sum_over
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.scoping.model import Horizon, along
from allocc.compiler.unrolling.problem import Update


def exponential_steps(
    updates: list[Update], sources: list[Update], time: Horizon, period: Axis
) -> list[Update]:
    """The updates with `next_value` set, for flows that are linear in the compartments.

    `sources` are the same updates over axes of their own, which the steps are sums over.
    """
    # Imported where it is needed: it would slow every other command.
    from scipy.linalg import expm

    if not updates:
        return updates
    steady = []
    for source in sources:
        found = without_states(source.rate, period)
        assert found is not None, "the flows are known to be linear"
        steady.append(_in_columns(found, source, time))
    rates = _rate_matrices(sources, period)
    if np.allclose(rates, rates[:1], rtol=0, atol=0):
        rates = rates[:1]
    n = rates.shape[1]
    transition, integral = np.empty_like(rates), np.empty_like(rates)
    for k, matrix in enumerate(rates):
        block = np.zeros((2 * n, 2 * n))
        block[:n, :n] = matrix * time.step
        block[:n, n:] = np.eye(n) * time.step
        whole = expm(block)
        transition[k], integral[k] = whole[:n, :n], whole[:n, n:]
    starts = np.cumsum([0, *(_size(u) for u in updates)])
    return [
        _with_next(update, starts[i : i + 2], sources, steady, transition, integral, time)
        for i, update in enumerate(updates)
    ]


def _size(update: Update) -> int:
    return int(np.prod([a.size for a in update.axes[:-1]], dtype=np.int64))


def _in_columns(node: Node, source: Update, time: Horizon) -> Node:
    """What does not depend on the compartments; in columns of its own where it is not affine.

    Every compartment's step has it, and a nonlinear term is better written once.
    """
    if is_affine(node):
        return node
    symbol = source.compartment
    variable = Variable(
        f"{source.variable.name}'",
        "definition",
        (*source.variable.sets[:-1], time.periods),
        description="what does not depend on the compartments",
        origin=source.variable.origin,
        axes=source.axes,
        value=node,
        time_axis=len(source.axes) - 1,
    )
    coordinates = along(source.axes, variable.sets)
    return Reference(variable, coordinates, source.axes, symbol.statement.span)


def _rate_matrices(updates: list[Update], period: Axis) -> FloatArray:
    """d rate / d state for each period, shape (periods, n, n)."""
    states = [u.variable for u in updates]
    parts = [states_only(u.rate, period) for u in updates]
    zero = {v: np.zeros(v.shape) for v in states}

    def rate(values: dict[Variable, FloatArray]) -> FloatArray:
        evaluate = Evaluation(dict(values))
        rows = []
        for u, part in zip(updates, parts, strict=True):
            value = spread(evaluate(part), part.axes, u.axes)
            full = np.broadcast_to(value, tuple(a.size for a in u.axes))
            rows.append(full.reshape(-1, full.shape[-1]))
        return np.concatenate(rows)

    columns = []
    for v in states:
        size = int(np.prod(v.shape[:-1], dtype=np.int64))
        for j in range(size):
            probe = np.zeros((size, v.shape[-1]))
            probe[j] = 1.0
            columns.append(rate({**zero, v: probe.reshape(v.shape)}))
    return np.ascontiguousarray(np.moveaxis(np.array(columns), (0, 1, 2), (2, 1, 0)))


def states_only(node: Node, period: Axis) -> Node:
    """The part of a node, affine in the compartments, that is linear in them."""
    match node:
        case Reference():
            return node if is_now(node, period) else constant(0.0)
        case Add(parts=parts):
            total: Node = constant(0.0)
            for part in parts:
                total = add(total, states_only(part, period))
            return total
        case Multiply(left=Data() as data, right=right):
            return multiply(data, states_only(right, period))
        case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
            found = states_only(body, period)
            if isinstance(found, Data):
                return constant(0.0)
            return Reduce("sum", found, over, axes, scatter, node.span)
        case _:
            return constant(0.0)


def without_states(node: Node, period: Axis) -> Node | None:
    """The node with every compartment of its own time at zero; None where it is not affine in them."""
    match node:
        case Reference(axes=axes) if is_now(node, period):
            return Data(axes, np.zeros([a.size for a in axes]))
        case Add(parts=parts):
            total: Node = constant(0.0)
            for part in parts:
                found = without_states(part, period)
                if found is None:
                    return None
                total = add(total, found)
            return total
        case Multiply(left=Data() as data, right=right):
            found = without_states(right, period)
            return None if found is None else multiply(data, found)
        case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
            found = without_states(body, period)
            if found is None:
                return None
            if isinstance(found, Data):
                values = reduce_array("sum", found.values, found.axes, over, axes, scatter)
                return Data(axes, np.asarray(values))
            return Reduce("sum", found, over, join_axes(axes), scatter, node.span)
        case _:
            return node if _is_steady(node, period) else None


def is_now(node: Reference, period: Axis) -> bool:
    """Whether a reference means a compartment at the begin of the period."""
    if node.variable.kind != "state":
        return False
    (positions,) = _times(node, period) or (None,)
    return positions is not None and np.array_equal(positions, np.arange(period.size))


def _times(node: Reference, period: Axis) -> tuple[IntArray, ...]:
    """The point of time that a compartment is taken at in each period; none where it is not one."""
    assert node.variable.time_axis is not None
    time = node.coordinates[node.variable.time_axis]
    if set(time.axes) - {period}:
        return ()
    return (np.broadcast_to(time.positions, (period.size,)),)


def _is_steady(node: Node, period: Axis) -> bool:
    """Whether a node depends on no compartment but as it was before the period."""
    if isinstance(node, Reference):
        variable = node.variable
        if variable.kind == "state":
            return bool(_times(node, period)) and not is_now(node, period)
        return variable.value is None or not depends_on_states(variable)
    return all(_is_steady(part, period) for part in children(node))


def _with_next(
    mine: Update,
    rows: IntArray,
    sources: list[Update],
    steady: list[Node],
    transition: FloatArray,
    integral: FloatArray,
    time: Horizon,
) -> Update:
    """An update with its step: `rows` of the matrices, from the first to behind the last."""
    period = mine.axes[-1]
    total: Node = constant(0.0)
    start = 0
    for other, level in zip(sources, steady, strict=True):
        own = other.axes[:-1]
        stop = start + _size(other)
        coordinates = [
            Coordinate(s, (a,), np.arange(a.size))
            for s, a in zip(other.variable.sets, own, strict=False)
        ]
        now = Coordinate(time.points, (period,), np.arange(time.count))
        state = Reference(other.variable, (*coordinates, now), (*own, period))
        for matrix, node in ((transition, state), (integral, level)):
            block = matrix[:, rows[0] : rows[1], start:stop]
            if not block.any() or (isinstance(node, Data) and not node.values.any()):
                continue
            data = _data(block, mine.axes[:-1], own, period)
            total = add(total, sum_over(multiply(data, node), own))
        start = stop
    return replace(mine, next_value=total)


def _data(block: FloatArray, rows: tuple[Axis, ...], own: tuple[Axis, ...], period: Axis) -> Data:
    shape = tuple(a.size for a in rows) + tuple(a.size for a in own)
    if len(block) == 1:
        return Data((*rows, *own), block[0].reshape(shape))
    return Data((*rows, *own, period), np.moveaxis(block.reshape(-1, *shape), 0, -1))
