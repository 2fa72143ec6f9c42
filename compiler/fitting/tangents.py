"""Values of expressions with their exact derivatives in some directions: forward differentiation.

Each value goes with a tangent, an array over the same axes and, last, the axis of directions. The rules
are those of the calculus (Griewank and Walther 2008, Evaluating Derivatives, ch. 3); a function of one
variable brings its slope. Of a minimum or maximum the argument that is the extreme counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
)
from allocc.compiler.algebra.index import Axis, IndexSet, spread
from allocc.compiler.algebra.numeric import Evaluation, reduce_array
from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import BY_KIND
from allocc.compiler.functions.powers import power
from allocc.compiler.functions.record import ScalarFunction

#: A value, and its tangent; None where it moves in no direction.
Moving = tuple[FloatArray, FloatArray | None]


class Tangents:
    """Evaluates nodes at one point, with tangents.

    `values` are of every variable but definitions; `tangents` of those that move, over the variable's
    shape and the directions. `at` holds axes at a position, as for `Evaluation`.
    """

    def __init__(
        self,
        values: dict[Variable, FloatArray],
        tangents: dict[Variable, FloatArray],
        directions: int,
        at: Mapping[Axis, int] | None = None,
    ) -> None:
        self.plain = Evaluation(values, at)
        self.values, self.tangents = values, tangents
        self.axis = Axis(IndexSet("direction", [list(range(directions))], "integer"))

    def __call__(self, node: Node) -> Moving:
        """The value of a node, and how it moves; both broadcast over its axes."""
        match node:
            case Data():
                return self.plain(node), None
            case Reference():
                return self._reference(node)
            case Add(parts=parts):
                return self._sum(node, parts)
            case Multiply(left=left, right=right):
                (a, da), (b, db) = self._over(left, node.axes), self._over(right, node.axes)
                return a * b, _added(_scaled(da, b), _scaled(db, a))
            case Divide(left=left, right=right):
                (a, da), (b, db) = self._over(left, node.axes), self._over(right, node.axes)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = a / b
                    return ratio, _added(_scaled(da, 1 / b), _scaled(db, -ratio / b))
            case Power(base=base, exponent=exponent):
                return self._applied(power(exponent), base)
            case Apply(function=kind, argument=argument):
                return self._applied(BY_KIND[kind], argument)
            case Extreme():
                return self._extreme(node)
            case Reduce():
                return self._reduced(node)

    def _over(self, node: Node, axes: tuple[Axis, ...]) -> Moving:
        """A node over more axes than its own."""
        value, moves = self(node)
        moved = None
        if moves is not None:
            moved = spread(moves, (*node.axes, self.axis), (*axes, self.axis))
        return spread(value, node.axes, axes), moved

    def _sum(self, node: Add, parts: Sequence[Node]) -> Moving:
        value, moves = self._over(parts[0], node.axes)
        for part in parts[1:]:
            more, moved = self._over(part, node.axes)
            value, moves = value + more, _added(moves, moved)
        return value, moves

    def _applied(self, function: ScalarFunction, argument: Node) -> Moving:
        value, moves = self(argument)
        # A slope without end counts only where something moves.
        slope = function.slope(value) if moves is not None else value
        return function.value(value), _scaled(moves, slope)

    def _reference(self, node: Reference) -> Moving:
        variable = node.variable
        if variable not in self.values:
            self._define(variable)
        value = self.plain(node)
        moves = self.tangents.get(variable)
        if moves is None:
            return value, None
        index = tuple(
            self.plain.restrict(spread(c.positions, c.axes, node.axes), node.axes)
            for c in node.coordinates
        )
        return value, moves[index] if index else moves.reshape((1,) * len(node.axes) + (-1,))

    def _define(self, variable: Variable) -> None:
        """Evaluate a definition over its whole space, and keep it while this point is looked at."""
        assert variable.value is not None, variable.name
        whole = Tangents(self.values, self.tangents, self.axis.size)
        whole.axis = self.axis
        value, moves = whole._over(variable.value, variable.axes)
        self.values[variable] = np.broadcast_to(value, variable.shape)
        if moves is not None:
            self.tangents[variable] = np.broadcast_to(moves, (*variable.shape, self.axis.size))

    def _extreme(self, node: Extreme) -> Moving:
        better = np.greater if node.sense == "max" else np.less
        value, moves = self._over(node.parts[0], node.axes)
        for part in node.parts[1:]:
            other, moved = self._over(part, node.axes)
            taken = better(other, value)
            value = np.where(taken, other, value)
            if moves is not None or moved is not None:
                zero = np.zeros(1)
                a, b = (zero if x is None else x for x in (moved, moves))
                moves = np.where(taken[..., None], a, b)
        return value, moves

    def _reduced(self, node: Reduce) -> Moving:
        value, moves = self(node.body)
        found = reduce_array(
            node.operation, value, node.body.axes, node.over, node.axes, node.scatter
        )
        found = self.plain.restrict(found, node.axes)
        if moves is None:
            return found, None
        axes = (*node.body.axes, self.axis)
        if node.operation != "sum":
            # The share of each entry in the extreme: one, or that of those that are equally so.
            moves = moves * self._shares(node, value, found)[..., None]
        result = (*node.axes, self.axis)
        moved = reduce_array("sum", moves, axes, node.over, result, node.scatter)
        return found, self.plain.restrict(moved, result)

    def _shares(self, node: Reduce, value: FloatArray, found: FloatArray) -> FloatArray:
        assert not node.scatter, "extremes are not scattered"
        best = spread(found, node.axes, node.body.axes)
        hit = (value == best).astype(float)
        places = tuple(node.body.axes.index(a) for a in node.over if a in node.body.axes)
        share: FloatArray = hit / np.maximum(hit.sum(axis=places, keepdims=True), 1.0)
        return share


def _scaled(moves: FloatArray | None, by: FloatArray) -> FloatArray | None:
    return None if moves is None else moves * np.asarray(by)[..., None]


def _added(first: FloatArray | None, second: FloatArray | None) -> FloatArray | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second
