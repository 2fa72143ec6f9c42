"""Index lists: from `[c in County, t if t > start]` to axes and the names bound along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Data
from allocc.compiler.algebra.index import (
    Axis,
    Coordinate,
    IndexSet,
    SetKind,
    join_axes,
    refuse_large,
    spread,
)
from allocc.compiler.arrays import BoolArray, IntArray
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.scope import Local, Scope
from allocc.compiler.scoping.spellings import strangers
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Binder, Expression, Index, Name


class Reader(Protocol):
    """What an index list needs of the evaluator."""

    def index_set(self, expression: Expression, scope: Scope) -> IndexSet:
        """The set that an expression names."""

    def condition(self, expression: Expression, scope: Scope) -> Data:
        """A condition on data."""

    def certain(self, expression: Expression) -> bool:
        """Whether a condition is the same whatever is decided."""

    def warn(self, diagnostic: Diagnostic) -> None:
        """Tell of something that may be meant otherwise."""


@dataclass(frozen=True)
class Space:
    """A bound index list.

    `axes` are the new axes, `scope` the scope inside. `pair` is the axis of pairs if a filter or a
    slice made one; `scatter` then says which outer point each pair belongs to. `dimensions` has a
    coordinate for every name or bare set, in order.
    """

    axes: tuple[Axis, ...]
    scope: Scope
    scatter: dict[Axis, IntArray]
    pair: Axis | None
    keys: tuple[str | tuple[IndexSet, int], ...]

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """The coordinates of the bound names and bare sets, in order."""
        found = []
        for key in self.keys:
            if isinstance(key, str):
                value = self.scope.locals[key]
                assert isinstance(value, Coordinate)
            else:
                value = self.scope.anonymous.get(*key)
            found.append(value)
        return tuple(found)

    def sets(self) -> tuple[IndexSet, ...]:
        """One index set for each of `axes`: what a variable over this space is indexed by."""
        found = []
        for axis in self.axes:
            along = [c for c in self.dimensions if axis in c.axes]
            if axis is not self.pair and axis.size == len(axis.set):
                # A bare one is known by the name that is written, not by that of its axis.
                found.append(next((c.set for c in along if c.set == axis.set), axis.set))
                continue
            components = [
                [part[int(p)] for p in c.positions] for c in along for part in c.set.components
            ]
            kind = along[0].set.kind if len(along) == 1 else "label"
            found.append(IndexSet(axis.set.name, components, kind))
        return tuple(found)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""
        return tuple(a.size for a in self.axes)


class _Builder:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.axes: list[Axis] = []
        self.scatter: dict[Axis, IntArray] = {}
        self.pair: Axis | None = None
        self.keys: list[str | tuple[IndexSet, int]] = []

    def bind(self, names: dict[str, Local]) -> None:
        self.scope = self.scope.with_names(names)
        self.keys.extend(names)

    def replace(self, old: tuple[Axis, ...], new: Axis, positions: tuple[IntArray, ...]) -> None:
        """Put `new` in the place of `old` axes (new or outer ones)."""
        inner = [a for a in old if a in self.axes]
        scatter = {}
        for outer, taken in self.scatter.items():
            if self.pair in old:
                taken = taken[positions[old.index(self.pair)]]
            scatter[outer] = taken
        for axis, taken in zip(old, positions, strict=True):
            self.scope = self.scope.moved(axis, new, taken)
            if axis not in self.axes:
                scatter[axis] = taken
        place = self.axes.index(inner[0]) if inner else len(self.axes)
        self.axes = [a for a in self.axes if a not in inner]
        self.axes.insert(min(place, len(self.axes)), new)
        self.scatter = scatter
        if len(old) > 1 or not inner or self.pair in old:
            self.pair = new


def bind_index(
    index: Index | None, scope: Scope, reader: Reader, time_name: str | None, needed: bool = False
) -> Space:
    """Bind an index list in a scope; raises `errors.Failed`.

    A condition that nothing meets is warned of, unless members are `needed`: that is then an error.
    """
    build = _Builder(scope)
    if index is None:
        return Space((), scope, {}, None, ())
    for binder in index.binders:
        _bind(binder, build, reader, time_name)
    if index.condition is not None:
        mask = reader.condition(index.condition, build.scope)
        # Of a horizon of one period it may well be right that none is before another.
        timed = all(a.set.kind == "time" for a in mask.axes)
        idle = mask.values.size and not mask.values.any() and not timed and not needed
        if idle and reader.certain(index.condition):
            names = " and ".join(dict.fromkeys(a.set.name for a in mask.axes))
            reader.warn(scoping_errors.nothing_left(names, index.condition.span))
        _filter(mask, build)
    refuse_large(build.axes, index.span, "this index")
    return Space(tuple(build.axes), build.scope, build.scatter, build.pair, tuple(build.keys))


def _bind(binder: Binder, build: _Builder, reader: Reader, time_name: str | None) -> None:
    index_set = reader.index_set(binder.set_expression, build.scope)
    if not binder.names:
        ordinal = sum(1 for k in build.keys if isinstance(k, tuple) and k[0] == index_set)
        anonymous = build.scope.anonymous
        axis = Axis(index_set) if anonymous.fresh else index_set.anonymous_axis(ordinal)
        along = Coordinate(index_set, (axis,), np.arange(axis.size))
        build.axes.append(axis)
        key = (index_set, ordinal)
        build.scope = Scope(
            build.scope.locals,
            build.scope.now,
            anonymous.bound(key, along),
            build.scope.guard,
            build.scope.depth,
        )
        expression = binder.set_expression
        if isinstance(expression, Name) and expression.name in (time_name, "period"):
            build.scope = build.scope.with_names({expression.name: along})
        build.keys.append(key)
        return
    if len(binder.names) != index_set.arity:
        wanted, given = index_set.arity, len(binder.names)
        raise failures.Failed(
            scoping_errors.wrong_tuple(index_set.name, wanted, given, binder.span)
        )
    shared = {}
    for identifier in binder.names:
        local = build.scope.locals.get(identifier.name)
        if isinstance(local, Coordinate):
            if len(binder.names) == 1 or identifier.name in build.keys:
                raise failures.Failed(
                    scoping_errors.shadowed_index(identifier.name, identifier.span)
                )
            shared[identifier.name] = local
    axis = Axis(index_set)
    parts = _component_coordinates(index_set, axis)
    names = [i.name for i in binder.names]
    if not shared:
        build.axes.append(axis)
        build.bind(dict(zip(names, parts, strict=True)))
        return
    pairs = [(shared[n], p) for n, p in zip(names, parts, strict=True) if n in shared]
    outer_axes, outer_positions, members = _join(pairs, axis.size)
    # Labels that only look alike are told of where they come from.
    alike = any(strangers(o.set.texts[0], p.set.texts[0]) for o, p in pairs if not len(members))
    if axis.size and not len(members) and all(a.size for a in outer_axes) and not alike:
        outer, inner = pairs[0]
        labels = (inner.set.texts[0][0], outer.set.texts[0][0])
        reader.warn(
            scoping_errors.nothing_matches(index_set.name, list(shared), *labels, binder.span)
        )
    pair = Axis(index_set, len(members))
    build.replace(outer_axes, pair, outer_positions)
    fresh: dict[str, Local] = {
        n: Coordinate(p.set, (pair,), p.positions[members])
        for n, p in zip(names, parts, strict=True)
        if n not in shared
    }
    build.bind(fresh)


def _component_coordinates(index_set: IndexSet, axis: Axis) -> list[Coordinate]:
    if index_set.arity == 1:
        return [Coordinate.along(axis)]
    found = []
    for component, texts, name in zip(
        index_set.components, index_set.texts, index_set.component_names, strict=False
    ):
        first = {
            text: label for text, label in zip(reversed(texts), reversed(component), strict=True)
        }
        distinct = list(dict.fromkeys(texts))
        place = {text: i for i, text in enumerate(distinct)}
        kind: SetKind = "integer" if all(isinstance(first[x], int) for x in distinct) else "label"
        part = IndexSet(name, [[first[x] for x in distinct]], kind)
        found.append(Coordinate(part, (axis,), np.array([place[x] for x in texts], dtype=int)))
    return found


def _join(
    pairs: list[tuple[Coordinate, Coordinate]], members: int
) -> tuple[tuple[Axis, ...], tuple[IntArray, ...], IntArray]:
    """All (outer point, member) pairs whose shared names agree.

    Returns the outer axes, the outer positions of each pair along them, and the members.
    """
    axes = join_axes(*(outer.axes for outer, _ in pairs))
    shape = tuple(a.size for a in axes)
    outer_code = np.zeros(shape, dtype=np.int64)
    member_code = np.zeros(members, dtype=np.int64)
    lost: BoolArray = np.zeros(shape, dtype=bool)
    for outer, inner in pairs:
        moved = outer.into(inner.set)
        here = spread(moved.positions, outer.axes, axes)
        lost = lost | (here < 0)
        outer_code = outer_code * len(inner.set) + np.maximum(here, 0)
        member_code = member_code * len(inner.set) + inner.positions
    flat = np.where(lost, -1, outer_code).ravel()
    order = np.argsort(member_code, kind="stable")
    ordered = member_code[order]
    first = np.searchsorted(ordered, flat, side="left")
    count = np.searchsorted(ordered, flat, side="right") - first
    point = np.repeat(np.arange(flat.size), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    chosen = order[np.repeat(first, count) + within]
    where = np.unravel_index(point, shape) if shape else ()
    return axes, tuple(np.asarray(w) for w in where), chosen


def _filter(mask: Data, build: _Builder) -> None:
    new = [a for a in build.axes if a in mask.axes]
    outer = [a for a in mask.axes if a not in build.axes]
    if not new:
        # The filter says nothing of the new indices: it keeps or drops all of them.
        new = build.axes[:1]
    involved = (*outer, *new)
    target = tuple(involved)
    full = np.broadcast_to(spread(mask.values, mask.axes, target), tuple(a.size for a in target))
    positions = tuple(np.asarray(p) for p in np.nonzero(full))
    if full.all() and not outer:
        return
    base = new[0]
    build.replace(target, Axis(base.set, len(positions[0])), positions)
