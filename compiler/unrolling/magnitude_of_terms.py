"""Sizes of expressions: how large the terms are that they are made of, whatever their signs.

The size of a sum is the sum of the sizes of its parts, so that 1000 - 999 has size 1999: it is what a
difference has to be compared with before it is called large or small. A number, a decision, a
compartment and a flow have their own absolute value, and a `let` has the size of what it stands for:
naming a part of a formula changes nothing. All else carries the sizes of its arguments on, as a
running error analysis does (Higham 2002, section 3.3), never by more than the value itself explains:

- a product, to first order: |a| s(b) + s(a) |b| - |a b|; a ratio: s(a) / |b|;
- a power p of u: |u|^p + p |u|^(p-1) (s(u) - |u|) for p >= 1, s(u)^p for 0 < p < 1, |u|^p for p < 0;
- `abs`: s(u); `sqrt`: sqrt(s(u)); `exp`: exp(u); `log`: |log u| + 1, as it counts in factors of e;
- `min` and `max`: the largest size among the arguments that attain it.

A size is never below the absolute value, and where every amount is multiplied by one number, sizes
are, too.
"""

from __future__ import annotations

from collections.abc import Callable

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
    variables,
)
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation, reduce_array
from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import WORDS
from allocc.compiler.unrolling.problem import Problem, Update


class Sizes:
    """Sizes of nodes where `evaluate` evaluates them.

    `states` gives a size for the points of a compartment, its absolute value without it. Where
    `evaluate` holds an axis at one position, a `let` counts with its absolute value, too.
    """

    def __init__(
        self, evaluate: Evaluation, states: Callable[[Variable], FloatArray] | None = None
    ) -> None:
        self._evaluate = evaluate
        self._states = states
        self._values: dict[Node, FloatArray] = {}
        self._named: dict[Variable, FloatArray] = {}

    def __call__(self, node: Node) -> FloatArray:
        """The size of a node, an array that broadcasts over `node.axes`."""
        with np.errstate(all="ignore"):
            return self._size(node)

    def _value(self, node: Node) -> FloatArray:
        """The absolute value of a node."""
        if node not in self._values:
            self._values[node] = np.abs(np.asarray(self._evaluate(node), dtype=float))
        return self._values[node]

    def _size(self, node: Node) -> FloatArray:
        match node:
            case Data():
                return self._value(node)
            case Reference():
                return self._reference(node)
            case Add(parts=parts, axes=axes):
                total = spread(self._size(parts[0]), parts[0].axes, axes)
                for part in parts[1:]:
                    total = total + spread(self._size(part), part.axes, axes)
                return total
            case Multiply(left=left, right=right, axes=axes):
                a, b = (spread(self._value(x), x.axes, axes) for x in (left, right))
                more_a, more_b = (spread(self._hidden(x), x.axes, axes) for x in (left, right))
                return np.asarray(a * b + a * more_b + more_a * b)
            case Divide(left=left, right=right, axes=axes):
                top = spread(self._size(left), left.axes, axes)
                return np.asarray(top / spread(self._value(right), right.axes, axes))
            case Power(base=base, exponent=p):
                if p < 0:
                    return self._value(node)
                if p < 1:
                    return np.asarray(self._size(base) ** p)
                u = self._value(base)
                return np.asarray(u**p + p * u ** (p - 1) * self._hidden(base))
            case Apply(function=kind, argument=argument):
                return WORDS[kind].size(self._value(node), self._size(argument))
            case Extreme(parts=parts, axes=axes):
                value = self._evaluate(node)
                best = np.zeros((1,) * len(axes))
                for part in parts:
                    attains = spread(np.asarray(self._evaluate(part)), part.axes, axes) == value
                    size = spread(self._size(part), part.axes, axes)
                    best = np.maximum(best, np.where(attains, size, 0.0))
                return best
            case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
                return reduce_array("sum", self._size(body), body.axes, over, axes, scatter)
            case Reduce():
                return self._reduced(node)

    def _hidden(self, node: Node) -> FloatArray:
        """By how much a node's size exceeds its absolute value: what cancels in it."""
        if isinstance(node, Data):
            return np.zeros((1,) * len(node.axes))
        return np.asarray(np.maximum(self._size(node) - self._value(node), 0.0))

    def _reduced(self, node: Reduce) -> FloatArray:
        """The largest size among the entries that attain a minimum or maximum over an index."""
        body, axes, scatter = node.body, node.axes, node.scatter
        value = np.asarray(self._evaluate(node))
        if scatter:
            # The extreme of the point that an entry of the pair axis belongs to.
            (pair,) = node.over
            outer = tuple(scatter)
            kept = tuple(a for a in axes if a not in scatter)
            ahead = spread(value, axes, (*outer, *kept))
            value, axes = ahead[tuple(scatter[a] for a in outer)], (pair, *kept)
        every = (*body.axes, *(a for a in axes if a not in body.axes))
        attains = spread(np.asarray(self._evaluate(body)), body.axes, every) == spread(
            value, axes, every
        )
        size = np.where(attains, spread(self._size(body), body.axes, every), 0.0)
        return reduce_array("max", size, every, node.over, node.axes, scatter)

    def _reference(self, node: Reference) -> FloatArray:
        variable = node.variable
        named = variable.value is not None and variable.time_axis is None
        if named and not self._evaluate.at:
            assert variable.value is not None
            whole = self._named.get(variable)
            if whole is None:
                size = spread(self._size(variable.value), variable.value.axes, variable.axes)
                whole = self._named[variable] = np.broadcast_to(size, variable.shape)
        elif variable.kind == "state" and self._states is not None:
            whole = self._states(variable)
        else:
            return self._value(node)
        index = tuple(spread(c.positions, c.axes, node.axes) for c in node.coordinates)
        picked: FloatArray = whole[index] if index else whole.reshape((1,) * len(node.axes))
        return picked


class StepSizes:
    """What goes into the steps of compartments: the largest size that the terms of any step have.

    A step adds what a compartment holds and all that flows into it and out of it. Each member is
    taken by itself, at its largest over time: what a step leaves of amounts of this size by
    rounding, or within a solver's tolerance, stays until something carries it away.
    """

    def __init__(self, problem: Problem, evaluate: Evaluation) -> None:
        self._problem = problem
        self._evaluate = evaluate
        self._found: dict[Variable, FloatArray] | None = None

    def __call__(self, variable: Variable) -> FloatArray:
        """The size at every point of a compartment, an array of its shape."""
        if self._found is None:
            self._found = self._all()
        return self._found[variable]

    def _all(self) -> dict[Variable, FloatArray]:
        problem, values = self._problem, self._evaluate.values
        time, period = problem.model.time, problem.period
        largest = {
            v: np.max(np.abs(values[v]), axis=-1, initial=0.0, keepdims=True)
            for v in problem.states
        }
        if time is not None and period is not None:
            parts = {u: _terms_of_a_step(u, time.step) for u in problem.updates}
            for v in {v for terms in parts.values() for n, _ in terms for v in variables(n)}:
                # Once for all periods.
                if v.value is not None and v not in values:
                    self._evaluate.definition(v)
            for k in range(time.count):
                size = Sizes(Evaluation(values, {period: k}))
                for update, terms in parts.items():
                    held = 0.0 if update.next_value is not None else values[update.variable][..., k]
                    total = np.abs(np.asarray(held))[..., None]
                    for node, length in terms:
                        total = total + length * spread(size(node), node.axes, update.axes)
                    known = largest[update.variable]
                    np.fmax(known, np.broadcast_to(total, known.shape), out=known)
        return {v: np.broadcast_to(x, v.shape) for v, x in largest.items()}


def _terms_of_a_step(update: Update, length: float) -> list[tuple[Node, float]]:
    """What a step adds to a compartment, and for how long; all of it, where it is integrated."""
    if update.next_value is not None:
        return [(update.next_value, 1.0)]
    if update.ahead is not None:
        parts = ((update.rate, 1.0 - update.share), (update.ahead, update.share))
        return [(node, length * share) for node, share in parts if share]
    return [(update.rate, length)]
