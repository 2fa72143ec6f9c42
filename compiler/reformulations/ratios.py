r"""Limits on a ratio, multiplied out where the sign of the denominator is proven.

For any :math:`a`, an affine :math:`b`, and data :math:`c` and :math:`d`,

.. math::
    c \frac{a(x)}{b(x)} + d \le 0 \quad \Longleftrightarrow \quad c\, a(x) + d\, b(x) \le 0
    \qquad \text{where } b(x) > 0 ,

and with the signs turned where :math:`b(x) < 0`. A binary factor :math:`y` says where the limit matters
at all: for :math:`d \le 0` the limit :math:`y\,(c\,a/b + e) + d \le 0` holds when :math:`y = 0`, and is
the one above with :math:`d + e` when :math:`y = 1`.

The sign is proven by the range of :math:`b` within the bounds that follow from the program, or by a limit
that states it, as :math:`\rho \le 1` does for :math:`b = 2 (1 - \rho)`; within a chance block such
a limit may be one of the block's own, for then both hold in the same scenarios.

A range may leave :math:`b = 0` open where :math:`b` is never negative. The row then says
:math:`c\, a \le 0`. That is what the ratio says just beside it where :math:`a \ne 0`; where both are zero
there is nothing to divide, and the limit holds: an allocation of nothing is not uneven. A limit on a ratio
is read so everywhere, also where allocations are simulated (`at_zero`).

:Source: Limits.
:Target: Rows without the ratio, conditional on a binary where there is one.
:Exact: Yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from allocc.compiler.algebra.expression import (
    Add,
    Data,
    Divide,
    Multiply,
    Node,
    Reference,
    Variable,
    add,
    constant,
    data_binary,
    is_affine,
    multiply,
    negate,
)
from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import BoolArray, FloatArray

#: Rows `guard @ x[columns] <= end`, by their columns.
Guards = dict[tuple[int, ...], list[tuple[FloatArray, float]]]

#: Coefficients that differ by less than this, relative to the first one, are the same.
SAME = 1e-9


@dataclass(frozen=True)
class RatioLimit:
    """`scale * top / bottom + rest <= 0` wherever the binary `switch` is 1 (or everywhere)."""

    scale: Data
    top: Node
    bottom: Node
    rest: Data
    switch: Reference | None = None

    def cleared(self, positive: bool) -> Node:
        """The affine body that is `<= 0` for a denominator of one sign."""
        body = add(multiply(self.scale, self.top), multiply(self.rest, self.bottom))
        return body if positive else negate(body)


def at_zero(
    limit: RatioLimit, evaluate: Evaluation, axes: tuple[Axis, ...]
) -> tuple[BoolArray, BoolArray]:
    """Where over the axes of a limit the denominator is zero, and where the limit holds there."""

    def over(part: Node) -> FloatArray:
        return np.asarray(spread(evaluate(part), part.axes, axes))

    holds = over(limit.scale) * over(limit.top) <= 0
    if limit.switch is not None:
        holds = holds | (over(limit.switch) < 0.5)
    return over(limit.bottom) == 0, holds


def recognize(body: Node, is_binary: Callable[[Variable], bool]) -> RatioLimit | None:
    """The limit `body <= 0` as one on a ratio that can be multiplied out, or None."""
    switched = _switched(body, is_binary)
    if switched is not None:
        switch, inner = switched
        found = _ratio(inner)
        if found is not None:
            return RatioLimit(found.scale, found.top, found.bottom, found.rest, switch)
    return _ratio(body)


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Add) else (node,)


def _separate(node: Node) -> tuple[Node, Data] | None:
    """A sum of one part with decisions, and of data."""
    varying = [p for p in _parts(node) if not isinstance(p, Data)]
    if len(varying) != 1:
        return None
    rest: Node = constant(0.0)
    for part in _parts(node):
        if isinstance(part, Data):
            rest = add(rest, part)
    assert isinstance(rest, Data)
    return varying[0], rest


def _scaled(node: Node) -> tuple[Data, Node]:
    """A node as data times another node."""
    if isinstance(node, Multiply) and isinstance(node.left, Data):
        return node.left, node.right
    return constant(1.0), node


def _ratio(node: Node) -> RatioLimit | None:
    apart = _separate(node)
    if apart is None:
        return None
    scale, inner = _scaled(apart[0])
    if (
        isinstance(inner, Reference)
        and not inner.variable.sets
        and inner.variable.value is not None
    ):
        # A name for one number is as good as what it stands for.
        again, inner = _scaled(inner.variable.value)
        scale = data_binary(np.multiply, scale, again)
    if not isinstance(inner, Divide) or not is_affine(inner.right):
        return None
    return RatioLimit(scale, inner.left, inner.right, apart[1])


def _switched(node: Node, is_binary: Callable[[Variable], bool]) -> tuple[Reference, Node] | None:
    """A binary and what must be `<= 0` where it is 1; where it is 0 the limit must hold."""
    apart = _separate(node)
    if apart is None or (apart[1].values > 0).any():
        return None
    scale, inner = _scaled(apart[0])
    if not isinstance(inner, Multiply):
        return None
    for binary, factor in ((inner.left, inner.right), (inner.right, inner.left)):
        if isinstance(binary, Reference) and is_binary(binary.variable):
            # Data may stand before the product, or within its other factor: 2 * (y * (a / b + e)).
            whole: Node = apart[1]
            for part in _parts(factor):
                whole = add(whole, multiply(scale, part))
            return binary, whole
    return None


def rows_of(matrix: sparse.csr_array) -> Iterator[tuple[tuple[int, ...], FloatArray]]:
    """The columns and coefficients of each row, columns in order."""
    for i in range(matrix.shape[0]):
        here = slice(matrix.indptr[i], matrix.indptr[i + 1])
        order = np.argsort(matrix.indices[here], kind="stable")
        yield tuple(matrix.indices[here][order].tolist()), matrix.data[here][order]


def most(columns: tuple[int, ...], values: FloatArray, guards: Guards) -> float:
    """An upper bound on `values @ x[columns]` that one of the rows `guard @ x <= end` states."""
    best = np.inf
    for guard, end in guards.get(columns, ()):
        factor = values[0] / guard[0]
        if factor > 0 and np.allclose(values, factor * guard, rtol=SAME, atol=0.0):
            best = min(best, factor * end)
    return best
