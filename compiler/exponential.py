"""The exact exponential step for flows that are linear in the state.

With dX/dt = M X + b over one period, M and b constant there,

    X(t + h) = exp(M h) X(t) + (integral of exp(M s) over 0 .. h) b,

which is exact (Van Loan 1978 for the integral by one augmented exponential).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.compiler.expression import (
    Add,
    Data,
    Multiply,
    Node,
    Reduce,
    Reference,
    Variable,
    add,
    constant,
    multiply,
    variables,
)
from allocc.compiler.index import Axis, Coordinate, join_axes, spread
from allocc.compiler.model import Time
from allocc.compiler.numeric import Evaluation, reduce_array, sum_over
from allocc.compiler.problem import Update
from allocc.compiler.program import FloatArray


def exponential_steps(updates: list[Update], time: Time) -> list[Update]:
    """The updates with `next_value` set, for flows that are linear in the compartments."""
    # Imported where it is needed: it would slow every other command.
    from scipy.linalg import expm

    if not updates:
        return updates
    steady = []
    for update in updates:
        found = without_states(update.rate)
        assert found is not None, "the flows are known to be linear"
        steady.append(found)
    rates = _rate_matrices(updates)
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
        _with_next(i, updates, steady, transition, integral, starts, time)
        for i in range(len(updates))
    ]


def _size(update: Update) -> int:
    return int(np.prod([a.size for a in update.axes[:-1]], dtype=np.int64))


def _rate_matrices(updates: list[Update]) -> FloatArray:
    """d rate / d state for each period, shape (periods, n, n)."""
    states = [u.variable for u in updates]
    parts = [states_only(u.rate) for u in updates]
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


def states_only(node: Node) -> Node:
    """The part of a node, affine in the compartments, that is linear in them."""
    match node:
        case Reference(variable=variable) if variable.kind == "state":
            return node
        case Add(parts=parts):
            total: Node = constant(0.0)
            for part in parts:
                total = add(total, states_only(part))
            return total
        case Multiply(left=Data() as data, right=right):
            return multiply(data, states_only(right))
        case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
            found = states_only(body)
            if isinstance(found, Data):
                return constant(0.0)
            return Reduce("sum", found, over, axes, scatter, node.span)
        case _:
            return constant(0.0)


def without_states(node: Node) -> Node | None:
    """The node with every compartment at nought; None where it is not affine in them."""
    match node:
        case Reference(variable=variable, axes=axes):
            if variable.kind == "state":
                return Data(axes, np.zeros([a.size for a in axes]))
            return node if variable.value is None else _plain(node)
        case Add(parts=parts):
            total: Node = constant(0.0)
            for part in parts:
                found = without_states(part)
                if found is None:
                    return None
                total = add(total, found)
            return total
        case Multiply(left=Data() as data, right=right):
            found = without_states(right)
            return None if found is None else multiply(data, found)
        case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
            found = without_states(body)
            if found is None:
                return None
            if isinstance(found, Data):
                values = reduce_array("sum", found.values, found.axes, over, axes, scatter)
                return Data(axes, np.asarray(values))
            return Reduce("sum", found, over, join_axes(axes), scatter, node.span)
        case _:
            return _plain(node)


def _plain(node: Node) -> Node | None:
    """The node itself if it depends on no compartment."""
    seen = set()
    stack = list(variables(node))
    while stack:
        v = stack.pop()
        if v.kind == "state":
            return None
        if v.value is not None and v not in seen:
            seen.add(v)
            stack.extend(variables(v.value))
    return node


def _with_next(
    i: int,
    updates: list[Update],
    steady: list[Node],
    transition: FloatArray,
    integral: FloatArray,
    starts: FloatArray,
    time: Time,
) -> Update:
    mine = updates[i]
    period = mine.axes[-1]
    rows = tuple(Axis(a.set) for a in mine.axes[:-1])
    total: Node = constant(0.0)
    for j, other in enumerate(updates):
        own = other.axes[:-1]
        coordinates = [
            Coordinate(s, (a,), np.arange(a.size))
            for s, a in zip(other.variable.sets, own, strict=False)
        ]
        now = Coordinate(time.points, (period,), np.arange(time.count))
        state = Reference(other.variable, (*coordinates, now), (*own, period))
        for matrix, node in ((transition, state), (integral, steady[j])):
            block = matrix[:, starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
            if not block.any() or (isinstance(node, Data) and not node.values.any()):
                continue
            data = _data(block, rows, own, period)
            total = add(total, sum_over(multiply(data, node), own))
    return replace(mine, axes=(*rows, period), next_value=total)


def _data(block: FloatArray, rows: tuple[Axis, ...], own: tuple[Axis, ...], period: Axis) -> Data:
    shape = tuple(a.size for a in rows) + tuple(a.size for a in own)
    if len(block) == 1:
        return Data((*rows, *own), block[0].reshape(shape))
    return Data((*rows, *own, period), np.moveaxis(block.reshape(-1, *shape), 0, -1))
