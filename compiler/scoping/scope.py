"""What the names inside an expression mean: index names, function arguments, the current time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from allocc.compiler.algebra.expression import Data, Node
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet
from allocc.compiler.arrays import IntArray
from allocc.dsl.tree import Expression


class Anonymous:
    """The axes that bare arrays (`sum(existing)`, `x - y`) run along.

    Outside of calls a bare array over a set uses the set's own anonymous axis, so that two of them
    align. Inside of `sum(...)` fresh axes are made and recorded, so that they can be summed over.
    """

    def __init__(self, fresh: bool = False) -> None:
        self.fresh = fresh
        self.coordinates: dict[tuple[IndexSet, int], Coordinate] = {}

    def get(self, index_set: IndexSet, ordinal: int) -> Coordinate:
        """The coordinate of the `ordinal`-th bare use of a set."""
        key = (index_set, ordinal)
        found = self.coordinates.get(key)
        if found is None:
            axis = Axis(index_set) if self.fresh else index_set.anonymous_axis(ordinal)
            found = Coordinate.along(axis)
            self.coordinates[key] = found
        return found

    def bound(self, key: tuple[IndexSet, int], coordinate: Coordinate) -> Anonymous:
        """A copy in which one bare use has a given coordinate."""
        copy = Anonymous(self.fresh)
        copy.coordinates = {**self.coordinates, key: coordinate}
        return copy


@dataclass(frozen=True)
class Now:
    """The current time in a flow: its point, and the period that begins there."""

    point: Coordinate
    period: Coordinate


@dataclass(frozen=True)
class Closure:
    """An argument of a function: an expression with the scope of its call.

    `slots` are the bare uses that its indices stand for: `x[i]` puts `i` into the first.
    """

    expression: Expression
    scope: Scope
    slots: tuple[tuple[IndexSet, int], ...]


Local = Coordinate | Closure | IndexSet


@dataclass(frozen=True)
class Scope:
    """Names in sight. `guard` says where a value is used at all (`if n > 0 then 1 / n else 0`)."""

    locals: Mapping[str, Local] = field(default_factory=dict)
    now: Now | None = None
    anonymous: Anonymous = field(default_factory=Anonymous)
    guard: Data | None = None
    depth: int = 0
    #: What was evaluated in exactly this scope, by what it is: the same text means the same there.
    #: A scope that is made from another begins with nothing.
    found: dict[object, Node] = field(init=False, default_factory=dict, compare=False, repr=False)

    def once(self, key: object, make: Callable[[], Node]) -> Node:
        """What `make` gives, made only the first time that `key` is asked for in this scope."""
        node = self.found.get(key)
        if node is None:
            node = self.found[key] = make()
        return node

    def with_names(self, names: Mapping[str, Local]) -> Scope:
        """A scope with more names."""
        return replace(self, locals={**self.locals, **names})

    def fresh(self) -> Scope:
        """A scope in which bare arrays get axes of their own."""
        return replace(self, anonymous=Anonymous(fresh=True))

    def moved(self, axis: Axis, pair: Axis, positions: IntArray) -> Scope:
        """The same scope where everything along `axis` is taken at `positions` along `pair`."""

        def move(c: Coordinate) -> Coordinate:
            if axis not in c.axes:
                return c
            place = c.axes.index(axis)
            taken = np.take(c.positions, positions, axis=place)
            axes = c.axes[:place] + (pair,) + c.axes[place + 1 :]
            if axes.count(pair) == 2:
                # Both axes of a coordinate moved to the pair axis: take the diagonal.
                first = axes.index(pair)
                second = axes.index(pair, first + 1)
                taken = np.moveaxis(np.diagonal(taken, axis1=first, axis2=second), -1, first)
                axes = axes[:second] + axes[second + 1 :]
            return Coordinate(c.set, axes, taken)

        anonymous = Anonymous(self.anonymous.fresh)
        anonymous.coordinates = {k: move(c) for k, c in self.anonymous.coordinates.items()}
        if not anonymous.fresh:
            for ordinal in range(2):
                key = (axis.set, ordinal)
                if axis is axis.set.anonymous_axis(ordinal) and key not in anonymous.coordinates:
                    anonymous.coordinates[key] = Coordinate(axis.set, (pair,), positions)
        now = self.now
        guard = self.guard
        if guard is not None and axis in guard.axes:
            place = guard.axes.index(axis)
            axes = guard.axes[:place] + (pair,) + guard.axes[place + 1 :]
            guard = Data(axes, np.take(guard.values, positions, axis=place))
        return replace(
            self,
            locals={k: _move_local(v, move, axis, pair, positions) for k, v in self.locals.items()},
            now=None if now is None else Now(move(now.point), move(now.period)),
            anonymous=anonymous,
            guard=guard,
        )


def _move_local(value: Local, move: object, axis: Axis, pair: Axis, positions: IntArray) -> Local:
    if isinstance(value, Coordinate):
        moved: Coordinate = move(value)  # type: ignore[operator]
        return moved
    if isinstance(value, Closure):
        return replace(value, scope=value.scope.moved(axis, pair, positions))
    return value
