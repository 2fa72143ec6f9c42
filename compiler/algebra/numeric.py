"""Evaluation of block expressions at a point: the meaning of a model, apart from any solver."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    children,
)
from allocc.compiler.algebra.index import Axis, join_axes, spread
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.functions import BY_KIND
from allocc.compiler.functions.powers import power
from allocc.compiler.functions.record import ScalarFunction

#: A part of an expression is worked out for the whole horizon if it has at most so many numbers.
MOST_SETTLED = 1_000_000


def reduce_array(
    operation: str,
    values: NDArray[Any],
    axes: Sequence[Axis],
    over: Sequence[Axis],
    result: Sequence[Axis],
    scatter: Mapping[Axis, IntArray],
) -> NDArray[Any]:
    """Sum, min or max of an array over some of its axes, scattered to outer axes where asked.

    `values` is indexed by `axes` (sizes of one broadcast); the answer by `result`, the axes that
    remain, where a scattered axis takes the place of its pair axis.
    """
    ufunc = {"sum": np.add, "min": np.minimum, "max": np.maximum}[operation]
    full = list(axes)
    sizes = [a.size if a in over else n for a, n in zip(full, values.shape, strict=True)]
    values = np.broadcast_to(values, sizes, subok=True)
    for axis in over:
        if axis not in full:
            # The body does not depend on this axis: count its entries.
            if not scatter:
                if operation == "sum":
                    values = values * axis.size
                continue
            values = np.broadcast_to(values[..., None], (*values.shape, axis.size), subok=True)
            full.append(axis)
    if not scatter:
        places = tuple(full.index(a) for a in over if a in full)
        reduced = ufunc.reduce(values, axis=places) if places else values
        kept = tuple(a for a in full if a not in over)
        return spread(np.asanyarray(reduced), kept, tuple(result))
    (pair,) = over
    kept = tuple(a for a in full if a is not pair)
    values = np.moveaxis(values, full.index(pair), 0)
    outer = tuple(scatter)
    shape = tuple(a.size for a in outer)
    flat = np.ravel_multi_index(tuple(scatter[a] for a in outer), shape)
    empty = {"sum": 0, "min": np.inf, "max": -np.inf}[operation]
    # Truth values and whole numbers are added up as numbers; what is no plain number stays what it is.
    kind = float if values.dtype.kind in "biuf" else values.dtype
    points = int(np.prod(shape, dtype=np.int64))
    out = np.empty_like(values, dtype=kind, shape=(points, *values.shape[1:]))
    out[...] = empty
    ufunc.at(out, flat, values)
    return spread(out.reshape(*shape, *values.shape[1:]), (*outer, *kept), tuple(result))


def sum_over(
    body: Node, over: tuple[Axis, ...], scatter: Mapping[Axis, IntArray] | None = None
) -> Node:
    """A node summed over some axes (over none, itself), folded for data.

    `scatter` is as in `Reduce`: `over` is then a single axis of pairs.
    """
    if not over:
        return body
    scatter = scatter or {}
    axes = join_axes(tuple(scatter), tuple(a for a in body.axes if a not in over))
    if isinstance(body, Data):
        return Data(axes, reduce_array("sum", body.values, body.axes, over, axes, scatter))
    return Reduce("sum", body, over, axes, scatter, body.span)


def binomial(most: FloatArray, trials: FloatArray, chance: FloatArray) -> FloatArray:
    """P(X <= most) for X ~ Binomial(trials, chance), element by element.

    `trials` are whole and not negative, `chance` lies in 0 .. 1, `most` is any number. By the
    regularized incomplete beta function (Abramowitz and Stegun 1964, 26.5.24), whose cost does not
    grow with the number of trials.
    """
    from scipy.special import betainc

    below = np.floor(most)
    inside = (below >= 0) & (below < trials)
    k = np.where(inside, below, 0.0)
    n = np.where(inside, trials, 1.0)
    found: FloatArray = np.where(inside, betainc(n - k, k + 1, 1 - chance), below >= trials)
    return found


class Evaluation:
    """Values of nodes at one point, with some axes held at a single position.

    `values` maps a variable to an array of its shape. `at` fixes axes (the current period, say):
    arrays then have size one along them. Definitions that are not in `values` are evaluated.

    Another arithmetic than that of floating point is a subclass: `number` says what numbers of the
    data become, `divided` and `applied` do what arrays of such numbers cannot do by themselves.
    """

    def __init__(
        self, values: dict[Variable, FloatArray], at: Mapping[Axis, int] | None = None
    ) -> None:
        self.values = values
        self.at = dict(at or {})
        # Data and places at the fixed positions: they are asked for again and again.
        self._data: dict[Node, FloatArray] = {}
        self._places: dict[Node, tuple[IntArray, ...]] = {}

    @staticmethod
    def number(values: NDArray[Any]) -> NDArray[Any]:
        """Numbers as they are computed with."""
        return values

    def divided(self, top: NDArray[Any], bottom: NDArray[Any], node: Divide) -> NDArray[Any]:
        """A quotient; not a number, or infinite, where nothing can be divided."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(top / bottom)

    def applied(self, function: ScalarFunction, argument: NDArray[Any], node: Node) -> NDArray[Any]:
        """A function's values."""
        return function.value(argument)

    def another(self, values: dict[Variable, FloatArray]) -> Evaluation:
        """One of the same kind that holds no axis."""
        return Evaluation(values)

    def restrict(self, array: NDArray[Any], axes: Sequence[Axis]) -> NDArray[Any]:
        """Cut an array over `axes` to the fixed positions."""
        for axis, position in self.at.items():
            if axis in axes:
                place = list(axes).index(axis)
                if array.shape[place] > 1:
                    array = array[(slice(None),) * place + (slice(position, position + 1),)]
        return array

    def __call__(self, node: Node) -> FloatArray:
        """The value of a node, an array that broadcasts over `node.axes`."""
        match node:
            case Data(axes=axes, values=values):
                if not self.at:
                    return self.number(values)
                known = self._data.get(node)
                if known is None:
                    known = self._data[node] = self.number(self.restrict(values, axes))
                return known
            case Reference():
                return self._reference(node)
            case Add(parts=parts, axes=axes):
                total = spread(self(parts[0]), parts[0].axes, axes)
                for part in parts[1:]:
                    total = total + spread(self(part), part.axes, axes)
                return total
            case Multiply(left=left, right=right, axes=axes):
                return np.asanyarray(
                    spread(self(left), left.axes, axes) * spread(self(right), right.axes, axes)
                )
            case Divide(left=left, right=right, axes=axes):
                top = spread(self(left), left.axes, axes)
                bottom = spread(self(right), right.axes, axes)
                return self.divided(top, bottom, node)
            case Power(base=base, exponent=exponent):
                return self.applied(power(exponent), self(base), node)
            case Apply(function=kind, argument=argument):
                return self.applied(BY_KIND[kind], self(argument), node)
            case Extreme(sense=sense, parts=parts, axes=axes):
                ufunc = np.maximum if sense == "max" else np.minimum
                best = spread(self(parts[0]), parts[0].axes, axes)
                for part in parts[1:]:
                    best = ufunc(best, spread(self(part), part.axes, axes))
                return np.asanyarray(best)
            case Reduce(operation=op, body=body, over=over, axes=axes, scatter=scatter):
                found = reduce_array(op, self(body), body.axes, over, axes, scatter)
                # Pairs are scattered to all points of an axis, also where one is held.
                return self.restrict(found, axes)

    def _reference(self, node: Reference) -> FloatArray:
        variable = node.variable
        index = self._places.get(node)
        if index is None:
            index = self._places[node] = tuple(
                self.restrict(spread(c.positions, c.axes, node.axes), node.axes)
                for c in node.coordinates
            )
        values = self.values.get(variable)
        if values is None:
            values = self.definition(variable)
        picked: FloatArray = values[index] if index else values.reshape((1,) * len(node.axes))
        return picked

    def definition(self, variable: Variable) -> FloatArray:
        """Evaluate a definition over its whole space and keep it."""
        assert variable.value is not None, variable.name
        # With an axis held, the values are those of a horizon half walked: what is found from them,
        # also for the definitions within this one, must not outlive this question.
        whole = self.another(dict(self.values) if self.at else self.values)
        value = spread(whole(variable.value), variable.value.axes, variable.axes)
        full = np.broadcast_to(value, variable.shape, subok=True)
        if not self.at:
            self.values[variable] = full
        return full


#: What makes an evaluation of values and of the axes that are held.
MakeEvaluation = Callable[[dict[Variable, FloatArray], Mapping[Axis, int]], Evaluation]


class Settling:
    """Replaces every part of a node that depends on `known` variables alone by its numbers.

    Parts of more than `MOST_SETTLED` numbers are left as they are. What one node shares with another
    is worked out once.
    """

    def __init__(
        self, known: Mapping[Variable, FloatArray], evaluation: MakeEvaluation = Evaluation
    ) -> None:
        self.known = known
        self._evaluate = evaluation(dict(known), {})
        self._done: dict[Node, Node] = {}

    def __call__(self, node: Node) -> Node:
        """The node with its numbers in it, itself where none of it is known."""
        if isinstance(node, Data):
            return node
        found = self._done.get(node)
        if found is None:
            found = self._done[node] = self._settled(node)
        return found

    def _settled(self, node: Node) -> Node:
        if isinstance(node, Reference):
            value = node.variable.value
            if node.variable not in self.known and (
                value is None or not isinstance(self(value), Data)
            ):
                return node
        else:
            names = ("left", "right", "base", "argument", "body")
            changes: dict[str, Any] = {}
            for name in names:
                part = getattr(node, name, None)
                if part is not None:
                    changes[name] = self(part)
            if isinstance(node, (Add, Extreme)):
                changes["parts"] = tuple(self(p) for p in node.parts)
            parts = changes.get("parts", tuple(changes.values()))
            if not all(isinstance(p, Data) for p in parts):
                same = all(new is old for new, old in zip(parts, children(node), strict=True))
                return node if same else replace(node, **changes)
            node = replace(node, **changes)
            if isinstance(node, Reduce) and _size(node.body.axes) > MOST_SETTLED:
                return node
        if _size(node.axes) > MOST_SETTLED:
            return node
        return Data(node.axes, self._evaluate(node), node.span)


def _size(axes: Sequence[Axis]) -> int:
    return math.prod(a.size for a in axes)
