"""Subscripts: which members of the declared sets `x[c, t-1]` means, and the values found there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.expression import Data, Node, add, multiply, variables
from allocc.compiler.index import Axis, Coordinate, IndexSet, join_axes, lookup, shift, spread
from allocc.compiler.program import BoolArray, label_text
from allocc.compiler.scope import Closure, Scope
from allocc.compiler.symbols import Symbols
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


@dataclass(frozen=True)
class Mask:
    """Where, over `axes`, a subscript lies inside of its sets."""

    axes: tuple[Axis, ...]
    inside: BoolArray


class Subscripts(ABC):
    """The part of an evaluator that reads values, subscripts and columns of tables."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    @abstractmethod
    def node(self, e: tree.Expression, scope: Scope) -> Node:
        """The value of an expression; raises `errors.Failed` or `errors.Poisoned`."""

    @abstractmethod
    def index_set(self, expression: tree.Expression, scope: Scope) -> IndexSet:
        """The index set that an expression means."""

    @abstractmethod
    def column(
        self,
        e: tree.Field,
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        fallback: Node | None,
        numeric: bool = False,
    ) -> Node:
        """A column of a table, subscripted or bare; `numeric` where only numbers will do."""

    # --- values ---------------------------------------------------------------------------

    def number(self, e: tree.Expression, scope: Scope) -> Node:
        """A value that is a number, not a word or a condition."""
        match e:
            case tree.Field():
                node = self.column(e, None, scope, None, numeric=True)
            case tree.Subscript(base=tree.Field() as base, indices=indices):
                node = self.column(base, indices, scope, None, numeric=True)
            case tree.Fallback(subscript=tree.Field() as base):
                fallback = self.number(e.otherwise, scope)
                node = self.column(base, None, scope, fallback, numeric=True)
            case tree.Fallback(subscript=tree.Subscript(base=tree.Field() as base) as inner):
                fallback = self.number(e.otherwise, scope)
                node = self.column(base, inner.indices, scope, fallback, numeric=True)
            case _:
                node = self.node(e, scope)
        if isinstance(node, Data) and node.values.dtype.kind == "O":
            word = str(node.values.ravel()[0]) if node.values.size else None
            raise errors.Failed(errors.not_a_number(e.span.text, e.span, word))
        if isinstance(node, Data) and node.values.dtype.kind == "b":
            raise errors.Failed(errors.condition_as_number(e.span.text, e.span))
        return node

    def data(self, e: tree.Expression, scope: Scope, what: str) -> Data:
        """A number known before solving; `what` names it in the message."""
        with self._before_solving():
            node = self.number(e, scope)
        if not isinstance(node, Data):
            name = variables(node)[0].name
            raise errors.Failed(errors.needs_data(what, name, e.span))
        return node

    @contextmanager
    def _before_solving(self) -> Iterator[None]:
        """Nothing is decided inside, not even in a report: an index, say, is data everywhere."""
        known, self.symbols.known = self.symbols.known, None
        try:
            yield
        finally:
            self.symbols.known = known

    @property
    def nothing(self) -> float:
        """What stands where an expression has no value and nobody asks for one."""
        return 0.0 if self.symbols.known is None else float("nan")

    def undefined(self, diagnostic: Diagnostic) -> None:
        """Raise for what has no value; in a report it is kept, and goes on as not a number."""
        if self.symbols.known is None:
            raise errors.Failed(diagnostic)
        self.symbols.known.undefined.append(diagnostic)

    def condition(self, e: tree.Expression, scope: Scope) -> Data:
        """A condition on data."""
        node = self.node(e, scope)
        if not isinstance(node, Data):
            raise errors.Failed(errors.decision_condition(variables(node)[0].name, e.span))
        if node.values.dtype.kind != "b":
            text = e.span.text
            hint = f"compare it, as in `{text} > 0`"
            raise errors.Failed(errors.wrong_kind(text, "a value", "a condition", e.span, hint))
        return node

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
                raise errors.Failed(errors.wrong_index_count(span.text, sets, len(indices), span))
            for slot, index in zip(closure.slots, indices, strict=True):
                name = closure.expression.span.text
                (coordinate,), _ = self.pick(name, (slot[0],), [index], scope, span)
                anonymous = anonymous.bound(slot, coordinate)
        inner = replace(closure.scope, anonymous=anonymous, depth=scope.depth + 1)
        return self.node(closure.expression, inner)

    def check(self, good: BoolArray, axes: tuple[Axis, ...], scope: Scope, make: Any) -> None:
        """Refuse a value that is used where it is not good."""
        joined = axes
        bad = ~np.asarray(good)
        if scope.guard is not None:
            joined = join_axes(axes, scope.guard.axes)
            bad = spread(bad, axes, joined) & spread(scope.guard.values, scope.guard.axes, joined)
        if not bad.any():
            return
        full = np.broadcast_to(bad, tuple(a.size for a in joined))
        where = [int(i[0]) for i in np.nonzero(full)] if joined else []
        labels = []
        for axis, i in zip(joined, where, strict=True):
            if axis.size == len(axis.set):
                labels.append(
                    f"{axis.set.name} = {', '.join(label_text(x) for x in axis.set.label(i))}"
                )
        self.undefined(make(f" at {', '.join(labels)}" if labels else ""))

    # --- subscripts -----------------------------------------------------------------------

    def subscript(self, e: tree.Subscript, scope: Scope, fallback: Node | None) -> Node:
        """The value of `x[i]`, with what to take where `i` lies outside."""
        base = e.base
        if isinstance(base, tree.Field):
            return self.column(base, e.indices, scope, fallback)
        local = scope.locals.get(base.name)
        if isinstance(local, Closure):
            return self.closure(local, e.indices, scope, e.span)
        if local is not None:
            raise errors.Failed(errors.not_indexed(base.name, base.span))
        return self.symbols.value(base, scope, e.indices, fallback)

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
        outside = [c for c in found if c.outside]
        if not outside:
            return found, None
        if fallback is None:
            if scope.guard is None:
                raise self._refusal(name, outside[0], indices, scope, span)
            self._refuse_guarded(name, outside, indices, scope, span)
        axes = join_axes(*(c.axes for c in outside))
        inside: BoolArray = np.ones(tuple(a.size for a in axes), dtype=bool)
        for c in outside:
            inside = inside & (spread(c.positions, c.axes, axes) >= 0)
        found = [
            Coordinate(c.set, c.axes, np.maximum(c.positions, 0)) if c.outside else c for c in found
        ]
        return found, Mask(axes, inside)

    def _refuse_guarded(
        self,
        name: str,
        outside: Sequence[Coordinate],
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> None:
        """Raise where a subscript lies outside although its value is used."""
        assert scope.guard is not None
        for c in outside:
            axes = join_axes(c.axes, scope.guard.axes)
            used = spread(scope.guard.values, scope.guard.axes, axes)
            if (used & (spread(c.positions, c.axes, axes) < 0)).any():
                raise self._refusal(name, c, indices, scope, span)

    def _one(
        self,
        name: str,
        sets: tuple[IndexSet, ...],
        index_set: IndexSet,
        indices: Sequence[tree.Expression],
        scope: Scope,
    ) -> Coordinate:
        if index_set.arity > 1:
            parts = [
                self.coordinate(e, component(index_set, k), scope) for k, e in enumerate(indices)
            ]
            axes, positions = lookup(index_set, parts)
            return Coordinate(index_set, axes, positions)
        (e,) = indices
        found = self.coordinate(e, index_set, scope)
        source = self._source_set(e, scope)
        if source is not None and found.positions.size and (found.positions < 0).all():
            known = index_set.positions
            if source.kind != index_set.kind or not any(k in known for k in source.positions):
                raise errors.wrong_index_set(
                    name, [s.name for s in sets], e.span.text, source.name, index_set.name, e.span
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
            raise errors.Failed(errors.wrong_index_count(name, wanted, len(indices), span))
        found: list[Coordinate | None] = [None] * len(sets)
        for e in indices:
            source = self._source_set(e, scope)
            fits = [
                k
                for k, s in enumerate(sets)
                if found[k] is None
                and source is not None
                and (s is source or (s.kind == "time" and source.kind == "time"))
            ]
            if len(fits) != 1:
                raise errors.Failed(errors.wrong_index_count(name, wanted, len(indices), span))
            found[fits[0]] = self.coordinate(e, sets[fits[0]], scope)
        return self.fill(sets, found, scope)

    def fill(
        self, sets: tuple[IndexSet, ...], found: Sequence[Coordinate | None], scope: Scope
    ) -> list[Coordinate]:
        """Give the missing coordinates those of bare arrays, or of the current time."""
        done: list[Coordinate] = []
        seen: dict[int, int] = {}
        times = self.symbols.time_sets() if scope.now is not None else None
        for index_set, coordinate in zip(sets, found, strict=True):
            if coordinate is not None:
                done.append(coordinate)
            elif scope.now is not None and times is not None and index_set in times:
                is_point = index_set is times[0]
                done.append(scope.now.point if is_point else scope.now.period)
            else:
                ordinal = seen.get(id(index_set), 0)
                seen[id(index_set)] = ordinal + 1
                done.append(scope.anonymous.get(index_set, ordinal))
        return done

    def _source_set(self, e: tree.Expression, scope: Scope) -> IndexSet | None:
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
                raise errors.Failed(
                    errors.wrong_kind(e.span.text, "a step between labels", "a label", e.span, hint)
                )
            if source is not None and source.kind == "time":
                times = self.symbols.time_sets()
                assert times is not None
                base = self.coordinate(e.left, times[0], scope)
                steps = self._whole(e.right, scope) * (1 if e.operator == "+" else -1)
                amount = self.data(e.right, scope, "a lag")
                plain = steps.ndim == 0
                moved = base.shifted(int(steps)) if plain else shift(base, steps, amount.axes)
                return moved.into(target)
        if (
            isinstance(e, tree.Name)
            and (e.name,) in target.positions
            and e.name not in scope.locals
        ):
            self._bare_label(e, target)
        with self._before_solving():
            node = self.node(e, scope)
        if not isinstance(node, Data):
            raise errors.Failed(errors.needs_data("an index", variables(node)[0].name, e.span))
        table = target.positions
        flat = [table.get((label_text(x),), -1) for x in node.values.ravel().tolist()]
        positions = np.array(flat, dtype=np.int64).reshape(node.values.shape)
        if not node.axes and flat[0] < 0:
            label = label_text(node.values.item())
            raise errors.Failed(unknown_label(label, target, e.span))
        return Coordinate(target, node.axes, positions)

    def _whole(self, e: tree.Expression, scope: Scope) -> Any:
        """A whole number of steps."""
        amount = self.data(e, scope, "a lag")
        steps = np.rint(amount.values)
        if np.any(np.abs(steps - amount.values) > 1e-9):
            raise errors.Failed(
                errors.wrong_kind(e.span.text, "a fraction", "a whole number of steps", e.span)
            )
        # Beyond this, floating point has no fractions left to tell a whole number by.
        if not np.all(np.abs(steps) < 1e15):
            raise errors.Failed(
                errors.wrong_kind(e.span.text, "too large", "a whole number of steps", e.span)
            )
        return steps.astype(np.int64)

    def _bare_label(self, e: tree.Name, target: IndexSet) -> None:
        """Raise for a label without its quotes, unless the name is declared."""
        if not self.symbols.declares(e.name):
            hint = f'a label stands in quotes: "{e.name}"'
            raise errors.Failed(errors.unknown_name(e.name, e.span, (), hint=hint))

    def _refusal(
        self,
        name: str,
        coordinate: Coordinate,
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> errors.Outside:
        """The error for a subscript outside of its set: the labels, or where it happens."""
        target = coordinate.set
        guilty = list(indices)
        for e in indices if target.arity == 1 else ():
            here = self.coordinate(e, target, scope)
            if here.axes == coordinate.axes and np.array_equal(
                here.positions, coordinate.positions
            ):
                guilty = [e]
        text = span.text
        bad = np.broadcast_to(coordinate.positions < 0, tuple(a.size for a in coordinate.axes))
        first = tuple(int(p) for p in np.argwhere(bad)[0])
        at = dict(zip(coordinate.axes, first, strict=True))
        labels: dict[str, None] = {}
        places: list[str] = []
        for key, local in scope.locals.items():
            if (
                not isinstance(local, Coordinate)
                or not local.axes
                or not set(local.axes) <= set(at)
            ):
                continue
            position = int(local.positions[tuple(at[a] for a in local.axes)])
            places.append(f"{key} = {', '.join(t[position] for t in local.set.texts)}")
            if len(guilty) == 1 and isinstance(guilty[0], tree.Name) and guilty[0].name == key:
                lost = local.positions[local.into(target).positions < 0].ravel()
                labels = dict.fromkeys(", ".join(t[p] for t in local.set.texts) for p in lost)
        if labels:
            hint = None
            if target.kind == "time":
                hint = (
                    "there is a period between each two points: bind `p in period`, or `if t < end`"
                )
            return errors.outside_set(text, target.name, list(labels), span, hint)
        hint = (
            "give a value for it with `else`, as in `x[i-1] else 0`, or leave it out with a filter"
        )
        if target.kind == "time" and self.symbols.time_name is not None:
            time = self.symbols.time_name
            hint = (
                f"give a value for it, as in `{text} else 0`,"
                f" or leave the point out: `if {time} > start`, `if {time} < end`"
            )
        elif any(isinstance(e, tree.Binary) for e in guilty):
            hint = f"give a value for it, as in `{text} else 0`, or leave it out with a filter"
        elif places:
            labels = {", ".join(places): None}
        return errors.outside_set(text, target.name, list(labels), span, hint, ", ".join(places))

    def gather(
        self,
        values: Any,
        sets: tuple[IndexSet, ...],
        coordinates: Sequence[Coordinate],
        span: Span,
    ) -> Data:
        """Entries of a data array at coordinates."""
        axes = join_axes(*(c.axes for c in coordinates))
        index = tuple(spread(c.positions, c.axes, axes) for c in coordinates)
        picked = np.asarray(values[index]) if index else np.asarray(values)
        shape = tuple(a.size for a in axes)
        return Data(axes, np.broadcast_to(picked, shape), span)

    def masked(self, value: Node, mask: Mask | None, fallback: Node | None) -> Node:
        """`value` where the mask holds, the fallback elsewhere."""
        if mask is None or fallback is None:
            return value
        if isinstance(value, Data) and isinstance(fallback, Data):
            return where(Data(mask.axes, mask.inside), value, fallback)
        inside = Data(mask.axes, mask.inside.astype(float))
        outside = Data(mask.axes, 1.0 - mask.inside)
        return add(multiply(inside, value), multiply(outside, fallback))


def component(index_set: IndexSet, k: int) -> IndexSet:
    """The labels that stand at one place of a set of tuples."""
    texts = list(dict.fromkeys(index_set.texts[k]))
    return IndexSet(index_set.component_names[k], [texts], "label")


def where(condition: Data, then: Data, otherwise: Data) -> Data:
    """`then` where the condition holds, `otherwise` elsewhere."""
    axes = join_axes(condition.axes, then.axes, otherwise.axes)
    values = np.where(
        spread(condition.values, condition.axes, axes),
        spread(then.values, then.axes, axes),
        spread(otherwise.values, otherwise.axes, axes),
    )
    return Data(axes, values)


def unknown_label(label: str, target: IndexSet, span: Span) -> Diagnostic:
    """The error for a label that a set does not have."""
    ordered = target.kind != "label"
    return errors.unknown_label(label, target.name, span, target.texts[0], ordered)
