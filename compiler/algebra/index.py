"""Index sets, axes and coordinates: the spaces over which statements are compiled whole.

An `IndexSet` holds labels. An `Axis` is one binding of a set: two sums over the same set have two
axes. A `Coordinate` says, for every point of some axes, which member of a set is meant; an index
name in a model evaluates to one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.labels import label_text
from allocc.dsl.tree import Span

SetKind = Literal["label", "integer", "time"]

#: A model cannot ask for an index space larger than this many points.
LARGEST_SPACE = 50_000_000


@dataclass(frozen=True, eq=False, repr=False)
class IndexSet:
    """An ordered set of labels, or of label tuples.

    `components` has one array of labels for each place of the tuple (one for plain labels). Labels
    are matched by how they are written, so that `12` in a file is the 12 of `1 .. 52`. Sets are
    compared by identity, but one is equal to its `alias`: bare uses of both run along the same axes.
    """

    name: str
    components: Sequence[Sequence[Any]]
    kind: SetKind = "label"
    component_names: tuple[str, ...] = ()
    original: IndexSet | None = None
    _axes: dict[int, Axis] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", tuple(tuple(c) for c in self.components))
        if not self.component_names:
            places = range(1, self.arity + 1)
            named = (self.name,) if self.arity == 1 else (f"{self.name}.{k}" for k in places)
            object.__setattr__(self, "component_names", tuple(named))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexSet) and self._first is other._first

    def __hash__(self) -> int:
        return id(self._first)

    @property
    def _first(self) -> IndexSet:
        return self if self.original is None else self.original

    def named(self, name: str) -> IndexSet:
        """Another set of the same labels."""
        own = (name,) if self.arity == 1 else self.component_names
        return IndexSet(name, self.components, self.kind, own)

    def alias(self, name: str) -> IndexSet:
        """This set under another name."""
        return self if name == self.name else replace(self.named(name), original=self._first)

    def __repr__(self) -> str:
        return f"IndexSet({self.name}, {len(self)})"

    def __len__(self) -> int:
        return len(self.components[0])

    @property
    def arity(self) -> int:
        """How many names an index of this set has."""
        return len(self.components)

    def label(self, position: int) -> tuple[Any, ...]:
        """The label (a tuple) at a position."""
        return tuple(c[position] for c in self.components)

    @cached_property
    def texts(self) -> tuple[list[str], ...]:
        """The labels as they are written, one list a component."""
        return tuple([label_text(x) for x in c] for c in self.components)

    @cached_property
    def positions(self) -> dict[tuple[str, ...], int]:
        """Position of each label tuple."""
        return {key: i for i, key in enumerate(zip(*self.texts, strict=True))}

    @cached_property
    def numbers(self) -> FloatArray | None:
        """The labels as numbers, or None when they are words (or tuples)."""
        if self.arity != 1 or any(isinstance(x, str) for x in self.components[0]):
            return None
        return np.asarray(self.components[0], dtype=float)

    def anonymous_axis(self, ordinal: int = 0) -> Axis:
        """The axis that a bare use of this set means; the same one in a whole model."""
        return self._first._axes.setdefault(ordinal, Axis(self._first))

    @property
    def bare_axes(self) -> tuple[Axis, ...]:
        """The axes that bare uses of this set have been given."""
        return tuple(self._first._axes.values())


class Axis:
    """One binding of an index set; compared by identity.

    An axis of pairs, as a filter makes it, has a size of its own and the set of its first name.
    """

    __slots__ = ("set", "size")

    def __init__(self, index_set: IndexSet, size: int | None = None) -> None:
        self.set = index_set
        self.size = len(index_set) if size is None else size

    def __repr__(self) -> str:
        return f"Axis({self.set.name}@{id(self) & 0xFFFF:x})"


@dataclass(frozen=True, eq=False)
class Coordinate:
    """Members of `set` over `axes`; -1 in `positions` means outside of the set."""

    set: IndexSet
    axes: tuple[Axis, ...]
    positions: IntArray
    _moved: dict[object, Coordinate] = field(default_factory=dict)

    @staticmethod
    def along(axis: Axis) -> Coordinate:
        """The coordinate that runs along its own axis."""
        return Coordinate(axis.set, (axis,), np.arange(axis.size))

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for coordinates that mean the same."""
        return (self.set, tuple(id(a) for a in self.axes), self.positions.tobytes())

    @cached_property
    def outside(self) -> bool:
        """Whether any position lies outside of the set."""
        return bool((self.positions < 0).any())

    def into(self, target: IndexSet) -> Coordinate:
        """The same labels as members of another set; -1 where the other does not have them."""
        if target == self.set:
            return self
        found = self._moved.get(target)
        if found is None:
            table = np.array([target.positions.get(k, -1) for k in self.set.positions], dtype=int)
            found = Coordinate(target, self.axes, _take(table, self.positions))
            self._moved[target] = found
        return found

    def shifted(self, amount: int) -> Coordinate:
        """`amount` members further: by points in time, by value in an integer set."""
        found = self._moved.get(("shift", amount))
        if found is None:
            found = shift(self, np.int64(amount), ())
            self._moved["shift", amount] = found
        return found


def _take(table: IntArray, positions: IntArray) -> IntArray:
    if table.size == 0:
        return np.full(positions.shape, -1)
    moved: IntArray = table[np.maximum(positions, 0)]
    return np.where(positions < 0, -1, moved)


def shift(
    coordinate: Coordinate, amount: IntArray | np.int64, axes: tuple[Axis, ...]
) -> Coordinate:
    """Move a coordinate by whole numbers that may differ over `axes`."""
    all_axes = join_axes(coordinate.axes, axes)
    refuse_large(all_axes, None)
    base = spread(coordinate.positions, coordinate.axes, all_axes)
    step = spread(np.asarray(amount), axes, all_axes)
    index_set = coordinate.set
    if index_set.kind == "time":
        moved = base + step
        moved = np.where((base < 0) | (moved < 0) | (moved >= len(index_set)), -1, moved)
    else:
        labels = np.asarray(index_set.components[0], dtype=np.int64)
        wanted = labels[np.maximum(base, 0)] + step
        order = np.argsort(labels, kind="stable")
        place = np.clip(np.searchsorted(labels, wanted, sorter=order), 0, len(labels) - 1)
        found = order[place]
        moved = np.where((labels[found] == wanted) & (base >= 0), found, -1)
    shape = tuple(a.size for a in all_axes)
    return Coordinate(index_set, all_axes, np.broadcast_to(moved, shape).astype(np.int64))


def join_axes(*groups: Sequence[Axis]) -> tuple[Axis, ...]:
    """All axes of the groups, each once, in order of first appearance."""
    return tuple(dict.fromkeys(a for g in groups for a in g))


def refuse_large(axes: Sequence[Axis], span: Span | None, what: str = "this expression") -> None:
    """Raise `errors.Failed` for a space of more points than are compiled."""
    size = math.prod(a.size for a in axes)
    if size > LARGEST_SPACE:
        raise failures.Failed(algebra_errors.too_large(what, size, LARGEST_SPACE, span))


def spread(values: NDArray[Any], axes: tuple[Axis, ...], target: tuple[Axis, ...]) -> NDArray[Any]:
    """View an array over `axes` as one that broadcasts over `target` (a superset)."""
    if axes == target:
        return values
    order = [axes.index(a) for a in target if a in axes]
    moved = values.transpose(order) if order != list(range(len(axes))) else values
    sizes = iter(moved.shape)
    return moved.reshape([next(sizes) if a in axes else 1 for a in target])


def lookup(target: IndexSet, parts: Sequence[Coordinate]) -> tuple[tuple[Axis, ...], IntArray]:
    """Positions in a tuple set of the labels that `parts` give, one a component.

    Returns the axes and the positions over them, -1 where the set has no such tuple.
    """
    axes = join_axes(*(p.axes for p in parts))
    refuse_large(axes, None)
    shape = tuple(a.size for a in axes)
    code = np.zeros(shape, dtype=np.int64)
    known = np.zeros(len(target), dtype=np.int64)
    missing: BoolArray = np.zeros(shape, dtype=bool)
    for texts, part in zip(target.texts, parts, strict=True):
        distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        known = known * len(distinct) + np.array([distinct[x] for x in texts], dtype=np.int64)
        table = np.array([distinct.get(x, -1) for x in part.set.texts[0]], dtype=np.int64)
        here = spread(_take(table, part.positions), part.axes, axes)
        missing = missing | (here < 0)
        code = code * max(len(distinct), 1) + np.maximum(here, 0)
    if not len(target):
        return axes, np.full(shape, -1)
    order = np.argsort(known, kind="stable")
    place = np.clip(np.searchsorted(known, code, sorter=order), 0, len(known) - 1)
    found = order[place]
    return axes, np.where(missing | (known[found] != code), -1, found)


def same_sets(first: Sequence[IndexSet], second: Sequence[IndexSet]) -> bool:
    """Whether two indices run over the same labels in the same order."""
    return len(first) == len(second) and all(
        a == b or (len(a) == len(b) and a.positions == b.positions)
        for a, b in zip(first, second, strict=True)
    )
