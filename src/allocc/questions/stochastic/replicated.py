"""A problem in many courses side by side: compartments, and all that depends on them, over one more axis.

The axis of courses is the last one of each variable and node that depends on a compartment. So all courses are
evaluated at once, in the arithmetic that a single simulation has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Data,
    Extreme,
    Node,
    Reference,
    Variable,
    children,
    depends_on_states,
)
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.unrolling.problem import Constraint

#: The names of a node's fields that are nodes.
PARTS = ("left", "right", "base", "argument", "body")


class Replicated:
    """Variables and nodes over `count` courses. What depends on no compartment stays what it is."""

    def __init__(self, count: int) -> None:
        self.count = count
        courses = IndexSet("course", (range(count),), "integer")
        self.axis = Axis(courses)
        self._along = Coordinate.along(self.axis)
        self._variables: dict[Variable, Variable] = {}
        self._nodes: dict[Node, Node] = {}

    def variable(self, v: Variable) -> Variable:
        """The same over all courses."""
        found = self._variables.get(v)
        if found is None:
            found = v
            if depends_on_states(v):
                found = replace(
                    v,
                    sets=(*v.sets, self.axis.set),
                    axes=(*v.axes, self.axis) if v.axes or v.value is not None else (),
                    value=None if v.value is None else self.node(v.value),
                    lower=None,
                    upper=None,
                )
            self._variables[v] = found
        return found

    def node(self, n: Node) -> Node:
        """The same over all courses; itself where it is the same in all of them."""
        found = self._nodes.get(n)
        if found is None:
            found = self._nodes[n] = self._made(n)
        return found

    def _made(self, n: Node) -> Node:
        if isinstance(n, Data):
            return n
        changes: dict[str, Any] = {}
        if isinstance(n, Reference):
            v = self.variable(n.variable)
            if v is n.variable:
                return n
            changes = {"variable": v, "coordinates": (*n.coordinates, self._along)}
        elif isinstance(n, (Add, Extreme)):
            changes = {"parts": tuple(self.node(p) for p in n.parts)}
        else:
            changes = {x: self.node(getattr(n, x)) for x in PARTS if hasattr(n, x)}
        made = replace(n, **changes)
        if all(new is old for new, old in zip(children(made), children(n), strict=True)) and (
            not isinstance(n, Reference)
        ):
            return n
        return replace(made, axes=(*n.axes, self.axis))

    def constraint(self, c: Constraint) -> Constraint:
        """A limit in every course; its ends are the same in all of them."""
        return replace(c, body=self.node(c.body), axes=(*c.axes, self.axis))


class AtTime(Evaluation):
    """Values at one position of time, in all courses.

    A definition over time, as a `let x[t]`, is evaluated at the position that is asked for alone, and not over a
    horizon that is half walked. `clear` forgets what definitions were, once compartments have changed.
    """

    def __init__(
        self,
        values: dict[Variable, FloatArray],
        at: Mapping[Axis, int],
        course: Axis,
        shared: dict[tuple[tuple[Axis, int], ...], AtTime] | None = None,
    ) -> None:
        super().__init__(values, at)
        self.course = course
        #: The evaluations that belong together, by the positions that they hold.
        self._shared = {} if shared is None else shared
        self._shared[tuple(at.items())] = self
        self._defined: dict[tuple[Variable, tuple[tuple[Axis, int], ...]], FloatArray] = {}

    def clear(self) -> None:
        """Forget what definitions are worth."""
        for evaluation in self._shared.values():
            evaluation._defined.clear()

    def _reference(self, node: Reference) -> FloatArray:
        v = node.variable
        lifted = bool(node.axes) and node.axes[-1] is self.course
        coordinates, axes = node.coordinates, node.axes
        if lifted:
            coordinates, axes = coordinates[:-1], axes[:-1]
        index = self._places.get(node)
        if index is None:
            index = self._places[node] = tuple(
                self.restrict(spread(c.positions, c.axes, axes), axes) for c in coordinates
            )
        values = self.values.get(v)
        if values is None:
            values, index = self._definition_at(v, index)
        if index:
            picked: FloatArray = values[index]
            return picked
        return values.reshape((1,) * len(axes) + ((-1,) if lifted else ()))

    def _definition_at(
        self, v: Variable, index: tuple[IntArray, ...]
    ) -> tuple[FloatArray, tuple[IntArray, ...]]:
        """A definition where it is asked for, and the places of it that are meant."""
        held: dict[Axis, int] = {}
        places = list(index)
        for k, places_of in enumerate(index):
            if (
                v.sets[k].kind == "time"
                and places_of.size
                and (places_of == places_of.flat[0]).all()
            ):
                held[v.axes[k]] = int(places_of.flat[0])
                places[k] = np.zeros_like(places_of)
        key = (v, tuple(held.items()))
        found = self._defined.get(key)
        if found is None:
            assert v.value is not None, v.name
            another = self._shared.get(key[1])
            if another is None:
                another = AtTime(self.values, held, self.course, self._shared)
            value = spread(another(v.value), v.value.axes, v.axes)
            shape = tuple(1 if a in held else a.size for a in v.axes)
            found = self._defined[key] = np.broadcast_to(value, shape)
        return found, tuple(places)
