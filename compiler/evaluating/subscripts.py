"""Subscripts: which members of the declared sets `x[c, t-1]` means, and the values found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Node, add, multiply, variables
from allocc.compiler.algebra.index import (
    Axis,
    Coordinate,
    IndexSet,
    join_axes,
    lookup,
    shift,
    spread,
)
from allocc.compiler.arrays import BoolArray
from allocc.compiler.evaluating.operands import Operands
from allocc.compiler.evaluating.outside import outside_error
from allocc.compiler.labels import label_text
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.scope import Closure, Scope
from allocc.compiler.scoping.spellings import strangers
from allocc.dsl import tree
from allocc.dsl.tree import Span


@dataclass(frozen=True)
class Mask:
    """Where, over `axes`, a subscript lies inside of its sets."""

    axes: tuple[Axis, ...]
    inside: BoolArray


class Subscripts(Operands):
    """The part of an evaluator that reads subscripts."""

    def subscript(self, e: tree.Subscript, scope: Scope, fallback: Node | None) -> Node:
        """The value of `x[i]`, with what to take where `i` lies outside."""
        base = e.base
        if isinstance(base, tree.Field):
            return self.column(base, e.indices, scope, fallback)
        local = scope.locals.get(base.name)
        if isinstance(local, Closure):
            return self.closure(local, e.indices, scope, e.span)
        if local is not None:
            raise failures.Failed(scoping_errors.not_indexed(base.name, base.span))
        return self.value(base, scope, e.indices, fallback)

    def closure(
        self,
        closure: Closure,
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        span: Span,
    ) -> Node:
        """The value of a function's argument, subscripted or bare."""
        anonymous = scope.anonymous if indices is None else closure.scope.anonymous
        if indices is not None:
            if len(indices) != len(closure.slots):
                sets = [s.name for s, _ in closure.slots]
                raise failures.Failed(
                    scoping_errors.wrong_index_count(span.text, sets, len(indices), span)
                )
            for slot, index in zip(closure.slots, indices, strict=True):
                name = closure.expression.span.text
                (coordinate,), _ = self.pick(name, (slot[0],), [index], scope, span)
                anonymous = anonymous.bound(slot, coordinate)
        inner = replace(closure.scope, anonymous=anonymous, depth=scope.depth + 1)
        key = (id(closure.expression), span.text, self.context.report is None)
        return scope.once(key, lambda: self.node(closure.expression, inner))

    def pick(
        self,
        name: str,
        sets: tuple[IndexSet, ...],
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
        fallback: Node | None = None,
    ) -> tuple[list[Coordinate], Mask | None]:
        """Coordinates in `sets` for the subscripts of `name`.

        With a fallback, the mask says where the subscript lies inside, and the coordinates are
        made safe outside. Without one, a subscript that lies outside is an error.
        """
        total = sum(s.arity for s in sets)
        if len(indices) != total:
            found = self._partial(name, sets, indices, scope, span)
        else:
            found = []
            rest = list(indices)
            for index_set in sets:
                mine, rest = rest[: index_set.arity], rest[index_set.arity :]
                found.append(self._one(name, sets, index_set, mine, scope))
        lost = [c for c in found if c.outside]
        if not lost:
            return found, None
        if fallback is None:
            for c in lost:
                if _used(c, scope.guard):
                    raise self._refusal(c, indices, scope, span)
        axes = join_axes(*(c.axes for c in lost))
        inside: BoolArray = np.ones(tuple(a.size for a in axes), dtype=bool)
        for c in lost:
            inside = inside & (spread(c.positions, c.axes, axes) >= 0)
        found = [
            Coordinate(c.set, c.axes, np.maximum(c.positions, 0)) if c.outside else c for c in found
        ]
        return found, Mask(axes, inside)

    def _one(
        self,
        name: str,
        sets: tuple[IndexSet, ...],
        index_set: IndexSet,
        indices: Sequence[tree.Expression],
        scope: Scope,
    ) -> Coordinate:
        """The members of one of the sets of `name` that its subscripts mean."""
        if index_set.arity > 1:
            parts = [
                self.coordinate(e, _component(index_set, k), scope) for k, e in enumerate(indices)
            ]
            axes, positions = lookup(index_set, parts)
            return Coordinate(index_set, axes, positions)
        (e,) = indices
        found = self.coordinate(e, index_set, scope)
        source = self._source_set(e, scope)
        if source is not None and found.positions.size and (found.positions < 0).all():
            known = index_set.positions
            if source.kind != index_set.kind or not any(k in known for k in source.positions):
                names = [s.name for s in sets]
                apart = strangers(source.texts[0], index_set.texts[0]) if source.arity == 1 else []
                alike = apart[0] if apart else None
                raise scoping_errors.wrong_index_set(
                    name, names, e.span.text, source.name, index_set.name, e.span, alike
                )
        return found

    def members(
        self, index_set: IndexSet, indices: Sequence[tree.Expression], scope: Scope
    ) -> Coordinate:
        """Which members of a set are written; -1 where it has no such member."""
        if index_set.arity > 1:
            return self._one("", (index_set,), index_set, indices, scope)
        (e,) = indices
        if isinstance(e, tree.Text | tree.Number):
            place = index_set.positions.get((label_text(e.value),), -1)
            return Coordinate(index_set, (), np.asarray(place))
        return self.coordinate(e, index_set, scope)

    def _partial(
        self,
        name: str,
        sets: tuple[IndexSet, ...],
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> list[Coordinate]:
        """Match fewer subscripts than sets by the set of each: `spend[t]` of `spend[County, t]`."""
        wanted = [s.name for s in sets]
        if len(indices) > len(sets):
            raise failures.Failed(
                scoping_errors.wrong_index_count(name, wanted, len(indices), span)
            )
        found: list[Coordinate | None] = [None] * len(sets)
        for e in indices:
            source = self._source_set(e, scope)
            fits = [
                k
                for k, s in enumerate(sets)
                if found[k] is None
                and source is not None
                and (s == source or (s.kind == "time" and source.kind == "time"))
            ]
            if len(fits) != 1:
                raise failures.Failed(
                    scoping_errors.wrong_index_count(name, wanted, len(indices), span)
                )
            found[fits[0]] = self.coordinate(e, sets[fits[0]], scope)
        return self.fill(sets, found, scope)

    def fill(
        self, sets: tuple[IndexSet, ...], found: Sequence[Coordinate | None], scope: Scope
    ) -> list[Coordinate]:
        """Give the missing coordinates those of bare arrays, or of the current time."""
        done: list[Coordinate] = []
        seen: dict[IndexSet, int] = {}
        times = self.symbols.time_sets() if scope.now is not None else None
        for index_set, coordinate in zip(sets, found, strict=True):
            if coordinate is not None:
                done.append(coordinate)
            elif scope.now is not None and times is not None and index_set in times:
                is_point = index_set == times[0]
                done.append(scope.now.point if is_point else scope.now.period)
            else:
                ordinal = seen.get(index_set, 0)
                seen[index_set] = ordinal + 1
                done.append(scope.anonymous.get(index_set, ordinal))
        return done

    def _source_set(self, e: tree.Expression, scope: Scope) -> IndexSet | None:
        """The set that an index, or a step from one, runs over; None for another expression."""
        match e:
            case tree.Name(name=name):
                local = scope.locals.get(name)
                if isinstance(local, Coordinate):
                    return local.set
                times = self.symbols.time_sets()
                return times[0] if times and name in ("start", "end") else None
            case tree.Binary(operator="+" | "-", left=left):
                return self._source_set(left, scope)
            case _:
                return None

    def coordinate(self, e: tree.Expression, target: IndexSet, scope: Scope) -> Coordinate:
        """The members of `target` that a subscript means; -1 where it has no such member."""
        if isinstance(e, tree.Name):
            local = scope.locals.get(e.name)
            if isinstance(local, Coordinate):
                return local.into(target)
            if e.name in ("start", "end") and target.kind == "time":
                place = 0 if e.name == "start" else len(target) - 1
                return Coordinate(target, (), np.asarray(place))
        if isinstance(e, tree.Binary) and e.operator in ("+", "-"):
            source = self._source_set(e, scope)
            if source is not None and source.kind == "label":
                hint = "labels have no order: steps need a set of whole numbers, or the time"
                raise failures.Failed(
                    names_errors.wrong_kind(
                        e.span.text, "a step between labels", "a label", e.span, hint
                    )
                )
            if source is not None and source.kind == "time":
                times = self.symbols.time_sets()
                assert times is not None
                base = self.coordinate(e.left, times[0], scope)
                lag = self._whole(e.right, scope)
                steps = lag.values if e.operator == "+" else -lag.values
                moved = shift(base, steps, lag.axes) if lag.axes else base.shifted(int(steps))
                return moved.into(target)
        if (
            isinstance(e, tree.Name)
            and (e.name,) in target.positions
            and e.name not in scope.locals
            and not self.symbols.declares(e.name)
        ):
            hint = f'a label stands in quotes: "{e.name}"'
            raise failures.Failed(names_errors.unknown_name(e.name, e.span, (), hint=hint))
        node = self.before_solving.node(e, scope)
        if not isinstance(node, Data):
            raise failures.Failed(
                algebra_errors.needs_data("an index", variables(node)[0].name, e.span)
            )
        table = target.positions
        flat = [table.get((label_text(x),), -1) for x in node.values.ravel().tolist()]
        positions = np.array(flat, dtype=np.int64).reshape(node.values.shape)
        if not node.axes and flat[0] < 0:
            label = label_text(node.values.item())
            ordered, have = target.kind != "label", target.texts[0]
            raise failures.Failed(
                scoping_errors.unknown_label(label, target.name, e.span, have, ordered)
            )
        return Coordinate(target, node.axes, positions)

    def _whole(self, e: tree.Expression, scope: Scope) -> Data:
        """A whole number of steps."""
        amount = self.data(e, scope, "a lag")
        steps = np.rint(amount.values)
        if np.any(np.abs(steps - amount.values) > 1e-9):
            raise failures.Failed(
                names_errors.wrong_kind(
                    e.span.text, "a fraction", "a whole number of steps", e.span
                )
            )
        # Beyond this, floating point has no fractions left to tell a whole number by.
        if not np.all(np.abs(steps) < 1e15):
            raise failures.Failed(
                names_errors.wrong_kind(e.span.text, "too large", "a whole number of steps", e.span)
            )
        return Data(amount.axes, steps.astype(np.int64))

    def _refusal(
        self, c: Coordinate, indices: Sequence[tree.Expression], scope: Scope, span: Span
    ) -> failures.Outside:
        """The error for a coordinate outside of its set, with the subscript that it comes from."""
        guilty = list(indices)
        for e in indices if c.set.arity == 1 else ():
            here = self.coordinate(e, c.set, scope)
            if here.axes == c.axes and np.array_equal(here.positions, c.positions):
                guilty = [e]
        return outside_error(c, guilty, scope, span, self.symbols.time_name)

    def gather(self, values: Any, coordinates: Sequence[Coordinate], span: Span) -> Data:
        """Entries of a data array at coordinates, one for each of its dimensions."""
        axes = join_axes(*(c.axes for c in coordinates))
        index = tuple(spread(c.positions, c.axes, axes) for c in coordinates)
        picked = np.asarray(values[index]) if index else np.asarray(values)
        shape = tuple(a.size for a in axes)
        return Data(axes, np.broadcast_to(picked, shape), span)

    def masked(self, value: Node, mask: Mask | None, fallback: Node | None) -> Node:
        """`value` where the mask holds, the fallback elsewhere."""
        if mask is None or fallback is None:
            return value
        return where(Data(mask.axes, mask.inside), value, fallback)


def _used(c: Coordinate, guard: Data | None) -> bool:
    """Whether a value is used where its coordinate lies outside; all of it is without a guard."""
    if guard is None:
        return True
    axes = join_axes(c.axes, guard.axes)
    used = spread(guard.values, guard.axes, axes) & (spread(c.positions, c.axes, axes) < 0)
    return bool(used.any())


def _component(index_set: IndexSet, k: int) -> IndexSet:
    """The labels that stand at one place of a set of tuples."""
    texts = list(dict.fromkeys(index_set.texts[k]))
    return IndexSet(index_set.component_names[k], [texts], "label")


def where(condition: Data, then: Node, otherwise: Node, span: Span | None = None) -> Node:
    """`then` where the condition holds, `otherwise` elsewhere."""
    if isinstance(then, Data) and isinstance(otherwise, Data):
        axes = join_axes(condition.axes, then.axes, otherwise.axes)
        values = np.where(
            spread(condition.values, condition.axes, axes),
            spread(then.values, then.axes, axes),
            spread(otherwise.values, otherwise.axes, axes),
        )
        return Data(axes, values)
    inside = condition.values.astype(float)
    chosen = multiply(Data(condition.axes, inside), then)
    return add(chosen, multiply(Data(condition.axes, 1.0 - inside), otherwise), span)
