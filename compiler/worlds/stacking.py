"""Expressions of several worlds as one, over an axis of worlds where they differ.

The worlds are one model with other numbers, each bound and unrolled by itself, so that their expressions have
the same form. Data that differ are put side by side along the axis of worlds; a quantity that they go into
gets that axis, too; all else is stated once. A number may fold a part of an expression away (what is
multiplied by zero): where forms differ, worlds of one form are put together, and

    sum over forms f of [the world has form f] * (expression of form f)

stands for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    constant,
    multiply,
)
from allocc.compiler.algebra.index import Axis, Coordinate, IndexSet, join_axes, spread

#: What is the same variable in all worlds: its kind and its name.
Key = tuple[str, str]


class OtherShape(Exception):
    """Worlds in which an index has other members."""

    def __init__(self, first: Axis, other: Axis) -> None:
        super().__init__(f"{first.set.name}: {first.size} and {other.size} members")
        self.first, self.other = first, other


def key_of(variable: Variable) -> Key:
    """What a variable is called in every world."""
    return variable.kind, variable.name


class Stacking:
    """Puts expressions of all worlds together.

    `tables` has each world's variables by what they are called; `varying` are the decisions and
    compartments that are known to differ between worlds.
    """

    def __init__(
        self, worlds: IndexSet, tables: Sequence[Mapping[Key, Variable]], varying: set[Key]
    ) -> None:
        self.worlds = worlds
        self.axis = Axis(worlds)
        self.varying = varying
        self.all = tuple(range(len(worlds)))
        self._tables = tables
        self._along = Coordinate(worlds, (self.axis,), np.arange(len(worlds)))
        self._axes: dict[Axis, Axis] = {}
        self._made: dict[Key, Variable] = {}
        self._done: dict[tuple[tuple[int, ...], tuple[int, ...]], Node] = {}

    # --- axes ---------------------------------------------------------------------------------

    def match(self, axes: Sequence[Sequence[Axis]]) -> tuple[Axis, ...]:
        """One axis for those at the same place in each world; raises `OtherShape`."""
        found = []
        for group in zip(*axes, strict=True):
            one = next((self._axes[a] for a in group if a in self._axes), group[0])
            for a in group:
                if a.size != one.size:
                    raise OtherShape(one, a)
                self._axes[a] = one
            found.append(one)
        return tuple(found)

    def _mapped(self, axes: Sequence[Axis]) -> tuple[Axis, ...]:
        return tuple(self._axes.setdefault(a, a) for a in axes)

    # --- variables ----------------------------------------------------------------------------

    def variable(self, key: Key) -> Variable:
        """The one variable for all worlds, over worlds where it differs."""
        if key not in self._made:
            self._made[key] = self._variable(key)
        return self._made[key]

    def _variable(self, key: Key) -> Variable:
        found = [(w, t[key]) for w, t in enumerate(self._tables) if key in t]
        first = found[0][1]
        axes = self.match([v.axes for _, v in found])
        if first.value is None:
            if key not in self.varying:
                return first
            ends = [v.ends for _, v in found]
            lower, upper = (np.stack([e[k] for e in ends]) for k in (0, 1))
            return self._lifted(replace(first, axes=axes, lower=lower, upper=upper))
        values = [v.value for _, v in found]
        value = self([x for x in values if x is not None], tuple(w for w, _ in found))
        one = replace(first, axes=axes, value=value)
        if self.axis not in value.axes:
            return one
        self.varying.add(key)
        return self._lifted(one)

    def _lifted(self, one: Variable) -> Variable:
        later = None if one.time_axis is None else one.time_axis + 1
        axes = (self.axis, *one.axes) if one.value is not None else one.axes
        return replace(one, sets=(self.worlds, *one.sets), axes=axes, time_axis=later)

    # --- expressions --------------------------------------------------------------------------

    def __call__(self, nodes: Sequence[Node], worlds: tuple[int, ...] = ()) -> Node:
        """An expression that has each of `nodes` in its world; elsewhere it may be anything."""
        worlds = worlds or self.all
        known = (tuple(map(id, nodes)), worlds)
        if known not in self._done:
            self._done[known] = self._together(nodes, worlds)
        return self._done[known]

    def _together(self, nodes: Sequence[Node], worlds: tuple[int, ...]) -> Node:
        first = nodes[0]
        if all(isinstance(n, Data) for n in nodes):
            return self._data(nodes, worlds)  # type: ignore[arg-type]
        if isinstance(first, Reduce) and _same(nodes):
            self.match([n.over for n in nodes])  # type: ignore[union-attr]
        if not _same(nodes) or not all(map(self._scattered_alike, nodes, [first] * len(nodes))):
            return self._apart(nodes, worlds)
        if isinstance(first, Reference):
            return self._reference(first)
        parts = [self(group, worlds) for group in zip(*map(children, nodes), strict=True)]
        axes = self._mapped(first.axes)
        if any(self.axis in p.axes for p in parts):
            axes = (self.axis, *axes)
        match first:
            case Add() | Extreme():
                return replace(first, parts=tuple(parts), axes=axes)
            case Multiply() | Divide():
                return replace(first, left=parts[0], right=parts[1], axes=axes)
            case Power():
                return replace(first, base=parts[0], axes=axes)
            case Apply():
                return replace(first, argument=parts[0], axes=axes)
            case Reduce():
                over = self._mapped(first.over)
                scatter = {self._mapped((a,))[0]: x for a, x in first.scatter.items()}
                return replace(first, body=parts[0], over=over, axes=axes, scatter=scatter)
        raise AssertionError(type(first))

    def _data(self, nodes: Sequence[Data], worlds: tuple[int, ...]) -> Data:
        mapped = [self._mapped(n.axes) for n in nodes]
        axes = join_axes(*mapped)
        values = [spread(n.values, a, axes) for n, a in zip(nodes, mapped, strict=True)]
        first = values[0]
        if all(v.shape == first.shape and np.array_equal(v, first) for v in values[1:]):
            return Data(axes, first, nodes[0].span)
        shape = np.broadcast_shapes(*(v.shape for v in values))
        full = np.empty((len(self.worlds), *shape), dtype=np.result_type(*values))
        full[:] = first
        for w, v in zip(worlds, values, strict=True):
            full[w] = v
        return Data((self.axis, *axes), full, nodes[0].span)

    def _reference(self, first: Reference) -> Reference:
        variable = self.variable(key_of(first.variable))
        lifted = variable.sets[:1] == (self.worlds,)
        sets = variable.sets[1:] if lifted else variable.sets
        coordinates = tuple(
            Coordinate(s, self._mapped(c.axes), c.positions)
            for s, c in zip(sets, first.coordinates, strict=True)
        )
        axes = self._mapped(first.axes)
        if lifted:
            coordinates, axes = (self._along, *coordinates), (self.axis, *axes)
        return Reference(variable, coordinates, axes, first.span)

    def _scattered_alike(self, node: Node, first: Node) -> bool:
        if not isinstance(node, Reduce) or not isinstance(first, Reduce):
            return True
        mine = {self._mapped((a,))[0]: x for a, x in node.scatter.items()}
        return list(mine) == [self._mapped((a,))[0] for a in first.scatter] and all(
            np.array_equal(x, y) for x, y in zip(mine.values(), first.scatter.values(), strict=True)
        )

    def _apart(self, nodes: Sequence[Node], worlds: tuple[int, ...]) -> Node:
        groups: dict[Any, list[int]] = {}
        for k, node in enumerate(nodes):
            groups.setdefault(_form(node), []).append(k)
        if len(groups) == 1:
            # One form, and yet not the same: pairs that a filter made differently. World by world.
            groups = {k: [k] for k in range(len(nodes))}
        total: Node = constant(0.0)
        for places in groups.values():
            part = self([nodes[k] for k in places], tuple(worlds[k] for k in places))
            here = np.zeros(len(self.worlds))
            here[[worlds[k] for k in places]] = 1.0
            total = add(total, multiply(Data((self.axis,), here), part))
        return total


def _same(nodes: Sequence[Node]) -> bool:
    """Whether nodes say the same of their parts, whatever these are."""
    first = nodes[0]
    return all(n is first or _own(n) == _own(first) for n in nodes[1:])


def _own(node: Node) -> tuple[Any, ...]:
    """What a node says itself, apart from its parts and its numbers."""
    match node:
        case Reference():
            places = tuple((c.positions.shape, c.positions.tobytes()) for c in node.coordinates)
            return ("reference", key_of(node.variable), places)
        case Add(parts=parts):
            return ("add", len(parts))
        case Extreme(sense=sense, parts=parts):
            return (sense, len(parts))
        case Power(exponent=exponent):
            return ("power", exponent)
        case Apply(function=function):
            return ("apply", function)
        case Reduce(operation=operation, over=over, scatter=scatter):
            return ("reduce", operation, tuple(a.size for a in over), len(scatter))
        case _:
            return (type(node).__name__,)


def _form(node: Node) -> tuple[Any, ...]:
    return (*_own(node), *map(_form, children(node)))
