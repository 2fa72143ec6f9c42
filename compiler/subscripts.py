"""Subscripts: which members of the declared sets `x[c, t-1]` means, and the values found there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.expression import Data, Node, add, constant, multiply, variables
from allocc.compiler.index import Axis, Coordinate, IndexSet, join_axes, lookup, shift, spread
from allocc.compiler.program import BoolArray, label_text
from allocc.compiler.scope import Closure, Scope
from allocc.compiler.symbols import Symbols
from allocc.dsl import tree
from allocc.dsl.tree import Span


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

    # --- values ---------------------------------------------------------------------------

    def number(self, e: tree.Expression, scope: Scope) -> Node:
        """A value that is a number, not a word."""
        node = self.node(e, scope)
        if isinstance(node, Data) and node.values.dtype.kind == "O":
            raise errors.Failed(errors.not_a_number(e.span.text, e.span))
        return node

    def data(self, e: tree.Expression, scope: Scope, what: str) -> Data:
        """A number known before solving; `what` names it in the message."""
        node = self.number(e, scope)
        if not isinstance(node, Data):
            name = variables(node)[0].name
            raise errors.Failed(errors.needs_data(what, name, e.span))
        return node

    def condition(self, e: tree.Expression, scope: Scope) -> Data:
        """A condition on data."""
        node = self.node(e, scope)
        if not isinstance(node, Data):
            raise errors.Failed(errors.decision_condition(variables(node)[0].name, e.span))
        if node.values.dtype.kind != "b":
            raise errors.Failed(
                errors.wrong_kind(
                    e.span.text, "a value", "a condition", e.span, "compare it, as in `x > 0`"
                )
            )
        return node

    def _closure(
        self,
        closure: Closure,
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        span: Span,
    ) -> Node:
        anonymous = scope.anonymous if indices is None else closure.scope.anonymous
        if indices is not None:
            if len(indices) != len(closure.slots):
                sets = [s.name for s, _ in closure.slots]
                raise errors.Failed(errors.wrong_index_count(span.text, sets, len(indices), span))
            for slot, index in zip(closure.slots, indices, strict=True):
                coordinate = self.coordinate(index, slot[0], scope)
                anonymous = anonymous.bound(slot, self._inside(coordinate, slot[0], span, index))
        inner = replace(closure.scope, anonymous=anonymous, depth=scope.depth + 1)
        return self.node(closure.expression, inner)

    def _check(self, good: BoolArray, axes: tuple[Axis, ...], scope: Scope, make: Any) -> None:
        """Raise an error where a value that is used is not good."""
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
        raise errors.Failed(make(f" at {', '.join(labels)}" if labels else ""))

    # --- subscripts -----------------------------------------------------------------------

    def _subscript(
        self,
        base: tree.Name | tree.Field,
        indices: Sequence[tree.Expression],
        scope: Scope,
        fallback: Node | None,
        span: Span,
    ) -> Node:
        if isinstance(base, tree.Field):
            return self._column(base, indices, scope, fallback)
        local = scope.locals.get(base.name)
        if isinstance(local, Closure):
            return self._closure(local, indices, scope, span)
        if local is not None:
            raise errors.Failed(errors.not_indexed(base.name, base.span))
        if fallback is None:
            return self.symbols.value(base, scope, indices)
        return self.symbols.value(
            base, replace(scope, guard=scope.guard), (*indices, _Else(fallback))
        )

    def pick(
        self,
        name: str,
        sets: tuple[IndexSet, ...],
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> tuple[list[Coordinate], BoolArray | None, tuple[Axis, ...], Node | None]:
        """Coordinates in `sets` for the subscripts of `name`.

        The last subscript may be an `else` value: then the mask says where the subscript lies
        inside, over the returned axes, and the coordinates are made safe outside.
        """
        fallback = None
        if indices and isinstance(indices[-1], _Else):
            fallback = indices[-1].value
            indices = indices[:-1]
        total = sum(s.arity for s in sets)
        if len(indices) != total:
            found = self._partial(name, sets, indices, scope, span)
        else:
            found = []
            rest = list(indices)
            for index_set in sets:
                mine, rest = rest[: index_set.arity], rest[index_set.arity :]
                found.append(self._one(name, index_set, mine, scope, span))
        outside = [c for c in found if c.outside]
        if not outside:
            return found, None, (), fallback
        if fallback is None:
            self._refuse(name, outside[0], indices, scope, span)
        axes = join_axes(*(c.axes for c in outside))
        mask: BoolArray = np.ones(tuple(a.size for a in axes), dtype=bool)
        for c in outside:
            mask = mask & (spread(c.positions, c.axes, axes) >= 0)
        found = [
            Coordinate(c.set, c.axes, np.maximum(c.positions, 0)) if c.outside else c for c in found
        ]
        return found, mask, axes, fallback

    def _one(
        self,
        name: str,
        index_set: IndexSet,
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> Coordinate:
        if index_set.arity == 1:
            return self.coordinate(indices[0], index_set, scope)
        parts = [self.coordinate(e, _component(index_set, k), scope) for k, e in enumerate(indices)]
        axes, positions = lookup(index_set, parts)
        return Coordinate(index_set, axes, positions)

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
        times = self.symbols.time_sets()
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
                raise errors.Failed(
                    errors.wrong_kind(e.span.text, "a label", "a member of an ordered set", e.span)
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
        node = self.node(e, scope)
        if not isinstance(node, Data):
            raise errors.Failed(errors.needs_data("an index", variables(node)[0].name, e.span))
        table = target.positions
        flat = [table.get((label_text(x),), -1) for x in node.values.ravel().tolist()]
        positions = np.array(flat, dtype=np.int64).reshape(node.values.shape)
        if not node.axes and flat[0] < 0:
            label = label_text(node.values.item())
            raise errors.Failed(errors.unknown_label(label, target.name, e.span, target.texts[0]))
        return Coordinate(target, node.axes, positions)

    def _whole(self, e: tree.Expression, scope: Scope) -> Any:
        """A whole number of steps."""
        amount = self.data(e, scope, "a lag")
        steps = np.rint(amount.values)
        if np.any(np.abs(steps - amount.values) > 1e-9):
            raise errors.Failed(
                errors.wrong_kind(e.span.text, "a fraction", "a whole number of steps", e.span)
            )
        return steps.astype(np.int64)

    def _inside(
        self, coordinate: Coordinate, target: IndexSet, span: Span, e: tree.Expression
    ) -> Coordinate:
        if coordinate.outside:
            raise errors.Failed(
                errors.outside_set(span.text, target.name, ["?"], e.span, lag=False)
            )
        return coordinate

    def _refuse(
        self,
        name: str,
        coordinate: Coordinate,
        indices: Sequence[tree.Expression],
        scope: Scope,
        span: Span,
    ) -> None:
        """Raise the error for a subscript outside of its set, naming the labels."""
        labels: list[str] = []
        lag = False
        for e in indices:
            lag = lag or isinstance(e, tree.Binary)
            source = self._source_set(e, scope)
            local = scope.locals.get(e.name) if isinstance(e, tree.Name) else None
            if isinstance(local, Coordinate) and source is not None and not lag:
                moved = local.into(coordinate.set)
                if moved.outside:
                    bad = local.positions[moved.positions < 0].ravel()
                    labels = [", ".join(x[p] for x in source.texts) for p in dict.fromkeys(bad)]
        if not labels:
            labels = [", ".join(e.span.text for e in indices)]
        raise errors.Failed(errors.outside_set(name, coordinate.set.name, labels, span, lag))

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

    def masked(
        self, value: Node, mask: BoolArray | None, axes: tuple[Axis, ...], fallback: Node | None
    ) -> Node:
        """`value` where the mask holds, the fallback elsewhere."""
        if mask is None or fallback is None:
            return value
        if isinstance(value, Data) and isinstance(fallback, Data):
            return where(Data(axes, mask), value, fallback)
        inside = Data(axes, mask.astype(float))
        outside = Data(axes, 1.0 - mask)
        return add(multiply(inside, value), multiply(outside, fallback))

    def _column(
        self,
        e: tree.Field,
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        fallback: Node | None,
    ) -> Node:
        table = self.symbols.table(e.table)
        column = e.column.name
        if column not in table.header:
            raise errors.Failed(
                errors.unknown_column(table.name, table.file, column, e.column.span, table.header)
            )
        if not table.keys:
            if len(table.rows) != 1:
                raise errors.Failed(errors.many_rows(table.file, len(table.rows), e.span))
            if indices:
                raise errors.Failed(errors.not_indexed(f"{table.name}.{column}", e.span))
            if table.is_numeric(column):
                value = table.numbers(column)[0]
                if np.isnan(value):
                    line = table.first_line[0]
                    raise errors.Failed(errors.blank_cell(table.file, line, column, e.span))
                return constant(float(value), e.span)
            return Data((), np.asarray(table.texts(column)[0], dtype=object), e.span)
        sets = (table.key_set,)
        mask: BoolArray | None = None
        axes: tuple[Axis, ...] = ()
        if indices is None:
            coordinates = self.fill(sets, [None], scope)
        else:
            given = indices if fallback is None else (*indices, _Else(fallback))
            name = f"{table.name}.{column}"
            try:
                coordinates, mask, axes, _ = self.pick(name, sets, given, scope, e.span)
            except errors.Failed as failed:
                first = failed.diagnostics[0]
                if first.code != "E4003":
                    raise
                labels = first.message.split(": ", 1)[-1].split(", ")
                what = ", ".join(table.keys)
                raise errors.Failed(
                    errors.missing_rows(table.file, column, what, labels, first.span or e.span)
                ) from None
        return self.cells(table, column, coordinates[0], mask, axes, fallback, e.span, scope)

    def cells(
        self,
        table: Table,
        column: str,
        rows: Coordinate,
        mask: BoolArray | None,
        axes: tuple[Axis, ...],
        fallback: Node | None,
        span: Span,
        scope: Scope,
    ) -> Node:
        """The cells of a column at rows; blank ones take the fallback or are an error."""
        if not table.is_numeric(column):
            texts = np.array(table.texts(column), dtype=object)
            if all(table.texts(column)) and fallback is None:
                return Data(rows.axes, texts[rows.positions], span)
            if not any(_is_number(x) for x in table.texts(column)):
                return Data(rows.axes, texts[rows.positions], span)
        numbers = table.numbers(column)
        picked = numbers[rows.positions]
        blank = np.isnan(picked)
        if mask is not None:
            joined = join_axes(rows.axes, axes)
            inside = spread(mask, axes, joined) & ~spread(blank, rows.axes, joined)
        else:
            joined, inside = rows.axes, ~blank
        if fallback is None and blank.any():
            used = blank
            if scope.guard is not None and set(scope.guard.axes) <= set(rows.axes):
                used = blank & spread(scope.guard.values, scope.guard.axes, rows.axes)
            if used.any():
                row = int(np.broadcast_to(rows.positions, used.shape)[used].ravel()[0])
                line = table.first_line[row]
                raise errors.Failed(errors.blank_cell(table.file, line, column, span))
        value = Data(rows.axes, np.where(blank, 0.0, picked), span)
        if fallback is None or inside.all():
            return value
        return self.masked(value, np.asarray(inside), joined, fallback)


class _Else:
    """The `else` value of a subscript, handed on behind its indices."""

    def __init__(self, value: Node) -> None:
        self.value = value


def _component(index_set: IndexSet, k: int) -> IndexSet:
    texts = list(dict.fromkeys(index_set.texts[k]))
    return IndexSet(index_set.component_names[k], [texts], "label")


def where(condition: Data, then: Data, otherwise: Data) -> Data:
    axes = join_axes(condition.axes, then.axes, otherwise.axes)
    values = np.where(
        spread(condition.values, condition.axes, axes),
        spread(then.values, then.axes, axes),
        spread(otherwise.values, otherwise.axes, axes),
    )
    return Data(axes, values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
