"""From the tree's expressions to block expressions: names resolved, indices bound, data folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from allocc.compiler import errors
from allocc.compiler.expression import (
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
    constant,
    data_binary,
    multiply,
    negate,
    variables,
)
from allocc.compiler.index import Axis, Coordinate, IndexSet, join_axes, lookup, shift, spread
from allocc.compiler.numeric import reduce_array
from allocc.compiler.program import BoolArray, label_text
from allocc.compiler.scope import Closure, Local, Scope
from allocc.compiler.spaces import bind_index
from allocc.compiler.tables import Table
from allocc.dsl import tree
from allocc.dsl.tree import Span

COMPARE: dict[str, Any] = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}

#: Functions calling functions deeper than this are taken for a recursion without end.
DEEPEST = 60


class Symbols(Protocol):
    """What the evaluator needs of the model: its declared names."""

    time_name: str | None

    def value(self, name: tree.Name, scope: Scope, indices: Sequence[tree.Expression] | None) -> Node:
        """The value of a declared name, subscripted or bare."""

    def set_named(self, name: tree.Name) -> IndexSet | None:
        """A declared set (or the time's points or periods), or None for another kind of name."""

    def table(self, identifier: tree.Identifier) -> Table:
        """A declared table."""

    def function(self, name: str) -> tree.Function | None:
        """A declared function."""

    def function_names(self) -> list[str]:
        """All functions there are, for near misses."""

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods."""


class Evaluator:
    """Evaluates expressions of one model."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    # --- values ---------------------------------------------------------------------------

    def node(self, e: tree.Expression, scope: Scope) -> Node:
        """The value of an expression; raises `errors.Failed` or `errors.Poisoned`."""
        match e:
            case tree.Number(value=value):
                return constant(value, e.span)
            case tree.Text(value=text):
                return Data((), np.asarray(text, dtype=object), e.span)
            case tree.Name():
                return self._name(e, scope)
            case tree.Field():
                return self._column(e, None, scope, None)
            case tree.Subscript(base=base, indices=indices):
                return self._subscript(base, indices, scope, None, e.span)
            case tree.Fallback(subscript=subscript, otherwise=otherwise):
                fallback = self.node(otherwise, scope)
                base = subscript.base
                return self._subscript(base, subscript.indices, scope, fallback, subscript.span)
            case tree.Unary(operator="-", operand=operand):
                return negate(self.number(operand, scope), e.span)
            case tree.Unary(operator="not", operand=operand):
                inner = self.condition(operand, scope)
                return Data(inner.axes, ~inner.values.astype(bool), e.span)
            case tree.Unary(operand=operand):
                return self.number(operand, scope)
            case tree.Binary():
                return self._binary(e, scope)
            case tree.Comparison():
                return self._comparison(e, scope)
            case tree.Conditional():
                return self._conditional(e, scope)
            case tree.Call():
                return self._call(e, scope)
            case _:
                hint = "use it after `in`, or in a `set` statement"
                raise errors.Failed(
                    errors.wrong_kind(e.span.text, "a set", "a number", e.span, hint)
                )

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

    def _name(self, e: tree.Name, scope: Scope) -> Node:
        local = scope.locals.get(e.name)
        if isinstance(local, Coordinate):
            return self._labels(local, e.span)
        if isinstance(local, Closure):
            return self._closure(local, None, scope, e.span)
        if isinstance(local, IndexSet):
            raise errors.Failed(errors.wrong_kind(e.name, "a set", "a number", e.span))
        return self.symbols.value(e, scope, None)

    def _labels(self, c: Coordinate, span: Span) -> Data:
        numbers = c.set.numbers
        if numbers is not None:
            return Data(c.axes, numbers[np.maximum(c.positions, 0)], span)
        texts = np.array([", ".join(t) for t in zip(*c.set.texts, strict=True)], dtype=object)
        return Data(c.axes, texts[np.maximum(c.positions, 0)], span)

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
        return self.symbols.value(base, replace(scope, guard=scope.guard), (*indices, _Else(fallback)))

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
        parts = [
            self.coordinate(e, _component(index_set, k), scope) for k, e in enumerate(indices)
        ]
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
            raise errors.Failed(
                errors.unknown_label(label, target.name, e.span, target.texts[0])
            )
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
            return _where(Data(axes, mask), value, fallback)
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

    # --- operations -----------------------------------------------------------------------

    def _binary(self, e: tree.Binary, scope: Scope) -> Node:
        if e.operator in ("and", "or"):
            first = self.condition(e.left, scope)
            second = self.condition(e.right, scope)
            ufunc = np.logical_and if e.operator == "and" else np.logical_or
            return data_binary(ufunc, first, second, e.span)
        left = self.number(e.left, scope)
        right = self.number(e.right, scope)
        match e.operator:
            case "+":
                return add(left, right, e.span)
            case "-":
                return add(left, negate(right), e.span)
            case "*":
                return multiply(left, right, e.span)
            case "/":
                return self._divide(left, right, e, scope)
            case _:
                return self._power(left, right, e, scope)

    def _divide(self, left: Node, right: Node, e: tree.Binary, scope: Scope) -> Node:
        if not isinstance(right, Data):
            return Divide(left, right, join_axes(left.axes, right.axes), e.span)
        zero = right.values == 0
        if zero.any():
            self._check(~zero, right.axes, scope, lambda at: errors.division_by_zero(e.right.span, at))
        safe = np.where(zero, 1.0, right.values)
        reciprocal = np.where(zero, 0.0, 1.0 / safe)
        if isinstance(left, Data):
            # Dividing is more exact than multiplying by a reciprocal.
            quotient = data_binary(np.divide, left, Data(right.axes, safe))
            if not zero.any():
                return Data(quotient.axes, quotient.values, e.span)
            return data_binary(np.multiply, quotient, Data(right.axes, (~zero).astype(float)))
        return multiply(Data(right.axes, reciprocal), left, e.span)

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
                labels.append(f"{axis.set.name} = {', '.join(label_text(x) for x in axis.set.label(i))}")
        raise errors.Failed(make(f" at {', '.join(labels)}" if labels else ""))

    def _power(self, left: Node, right: Node, e: tree.Binary, scope: Scope) -> Node:
        if isinstance(left, Data) and isinstance(right, Data):
            with np.errstate(all="ignore"):
                found = data_binary(np.power, left, right, e.span)
            self._check(
                np.isfinite(found.values),
                found.axes,
                scope,
                lambda at: errors.undefined_function("power", e.span.text, e.span, at),
            )
            return found
        if isinstance(left, Data):
            if (left.values <= 0).any():
                raise errors.Failed(
                    errors.undefined_function("power", e.span.text, e.span, ": the base must be > 0")
                )
            rate = Data(left.axes, np.log(left.values))
            inner = multiply(rate, right)
            return Apply("exp", inner, inner.axes, e.span)
        if not isinstance(right, Data) or np.unique(right.values).size != 1:
            raise errors.Failed(errors.unsupported_power(e.right.span))
        exponent = float(right.values.ravel()[0])
        if exponent == 1.0:
            return left
        if exponent == 0.0:
            return constant(1.0, e.span)
        return Power(left, exponent, left.axes, e.span)

    def _comparison(self, e: tree.Comparison, scope: Scope) -> Node:
        result: Data | None = None
        for k, operator in enumerate(e.operators):
            left, right = e.operands[k], e.operands[k + 1]
            part = (
                self._member(left, right, scope)
                if operator == "in"
                else self._compare(left, operator, right, scope, e.span)
            )
            result = part if result is None else data_binary(np.logical_and, result, part, e.span)
        assert result is not None
        return result

    def _compare(
        self, left: tree.Expression, operator: str, right: tree.Expression, scope: Scope, span: Span
    ) -> Data:
        times = self.symbols.time_sets()
        sides = []
        for e, other in ((left, right), (right, left)):
            if isinstance(e, tree.Name) and e.name in ("start", "end") and times is not None:
                source = self._source_set(other, scope)
                chosen = times[1] if source is times[1] else times[0]
                assert chosen.numbers is not None
                sides.append(constant(chosen.numbers[0 if e.name == "start" else -1], e.span))
                continue
            node = self.node(e, scope)
            if not isinstance(node, Data):
                raise errors.Failed(errors.decision_condition(variables(node)[0].name, e.span))
            sides.append(node)
        words = [d.values.dtype.kind == "O" for d in sides]
        if any(words):
            if operator not in ("==", "!="):
                bad = left if words[0] else right
                raise errors.Failed(errors.not_a_number(bad.span.text, bad.span))
            sides = [
                d if w else Data(d.axes, _texts(d.values)) for d, w in zip(sides, words, strict=True)
            ]
        return data_binary(COMPARE[operator], sides[0], sides[1], span)

    def _member(self, e: tree.Expression, within: tree.Expression, scope: Scope) -> Data:
        index_set = self.index_set(within, scope)
        members = e.members if isinstance(e, tree.TupleExpression) else (e,)
        if len(members) != index_set.arity:
            raise errors.Failed(
                errors.wrong_tuple(index_set.name, index_set.arity, len(members), e.span)
            )
        found = self._one("", index_set, members, scope, e.span)
        return Data(found.axes, found.positions >= 0, e.span)

    def _conditional(self, e: tree.Conditional, scope: Scope) -> Node:
        condition = self.condition(e.condition, scope)
        inverse = Data(condition.axes, ~condition.values.astype(bool))
        then = self.node(e.then, self._guarded(scope, condition))
        otherwise = self.node(e.otherwise, self._guarded(scope, inverse))
        if isinstance(then, Data) and isinstance(otherwise, Data):
            return _where(condition, then, otherwise)
        inside = Data(condition.axes, condition.values.astype(float))
        outside = Data(condition.axes, inverse.values.astype(float))
        return add(multiply(inside, then), multiply(outside, otherwise), e.span)

    def _guarded(self, scope: Scope, condition: Data) -> Scope:
        guard = condition
        if scope.guard is not None:
            guard = data_binary(np.logical_and, scope.guard, condition)
        return replace(scope, guard=guard)

    # --- calls ----------------------------------------------------------------------------

    def _call(self, e: tree.Call, scope: Scope) -> Node:
        name = e.function.name
        if e.index is not None:
            if name not in ("sum", "mean", "min", "max"):
                hint = "only sum, mean, min and max bind an index"
                raise errors.Failed(
                    errors.wrong_kind(name, "a function", "sum, mean, min or max", e.function.span, hint)
                )
            assert e.body is not None
            space = bind_index(e.index, scope, self, self.symbols.time_name)
            body = self.number(e.body, space.scope)
            return self._reduce(name, body, space.axes, space.scatter, space.pair, e.span)
        if name in ("sum", "mean") or (name in ("min", "max") and len(e.arguments) == 1):
            if len(e.arguments) != 1:
                raise errors.Failed(
                    errors.wrong_argument_count(name, "one array", len(e.arguments), e.span)
                )
            inner = scope.fresh()
            body = self.number(e.arguments[0], inner)
            over = tuple(
                a for c in inner.anonymous.coordinates.values() for a in c.axes if a in body.axes
            )
            if not over:
                raise errors.Failed(
                    errors.wrong_kind(
                        e.arguments[0].span.text,
                        "a single number",
                        "an array",
                        e.arguments[0].span,
                        f"bind an index, as in `{name}(i in SET: x[i])`",
                    )
                )
            return self._reduce(name, body, over, {}, None, e.span)
        if name in ("min", "max"):
            return self._extreme(name, e, scope)
        if name in ("abs", "exp", "log", "sqrt"):
            return self._apply(name, e, scope)
        return self._user_function(e, scope)

    def _extreme(self, name: str, e: tree.Call, scope: Scope) -> Node:
        if not e.arguments:
            raise errors.Failed(errors.wrong_argument_count(name, "two arguments or more", 0, e.span))
        parts = [self.number(a, scope) for a in e.arguments]
        data = [p for p in parts if isinstance(p, Data)]
        rest = [p for p in parts if not isinstance(p, Data)]
        ufunc = np.maximum if name == "max" else np.minimum
        folded: list[Node] = []
        if data:
            best = data[0]
            for d in data[1:]:
                best = data_binary(ufunc, best, d, e.span)
            folded = [best]
        if not rest:
            return folded[0]
        every = (*rest, *folded)
        axes = join_axes(*(p.axes for p in every))
        return Extreme("max" if name == "max" else "min", every, axes, e.span)

    def _apply(self, name: str, e: tree.Call, scope: Scope) -> Node:
        if len(e.arguments) != 1:
            raise errors.Failed(
                errors.wrong_argument_count(name, "one argument", len(e.arguments), e.span)
            )
        argument = self.number(e.arguments[0], scope)
        if not isinstance(argument, Data):
            return Apply(name, argument, argument.axes, e.span)  # type: ignore[arg-type]
        ufunc = {"abs": np.abs, "exp": np.exp, "log": np.log, "sqrt": np.sqrt}[name]
        with np.errstate(all="ignore"):
            values = ufunc(argument.values.astype(float))
        text = e.arguments[0].span.text
        self._check(
            np.isfinite(values),
            argument.axes,
            scope,
            lambda at: errors.undefined_function(name, text, e.span, at),
        )
        return Data(argument.axes, np.where(np.isfinite(values), values, 0.0), e.span)

    def _reduce(
        self,
        name: str,
        body: Node,
        axes: tuple[Axis, ...],
        scatter: dict[Axis, Any],
        pair: Axis | None,
        span: Span,
    ) -> Node:
        if name == "mean":
            total = self._reduce("sum", body, axes, scatter, pair, span)
            ones = self._reduce("sum", constant(1.0), axes, scatter, pair, span)
            assert isinstance(ones, Data)
            if (ones.values == 0).any():
                raise errors.Failed(errors.empty_set("of this mean", span))
            return multiply(Data(ones.axes, 1.0 / ones.values), total, span)
        if name != "sum" and any(a.size == 0 for a in axes):
            raise errors.Failed(errors.empty_set(f"of this {name}", span))
        dense = tuple(a for a in axes if a is not pair or not scatter)
        result = body
        if dense:
            result = self._reduce_once(name, result, dense, {}, span)
        if scatter:
            assert pair is not None
            result = self._reduce_once(name, result, (pair,), scatter, span)
        return result

    def _reduce_once(
        self, name: str, body: Node, over: tuple[Axis, ...], scatter: dict[Axis, Any], span: Span
    ) -> Node:
        kept = tuple(a for a in body.axes if a not in over)
        axes = join_axes(tuple(scatter), kept)
        if isinstance(body, Data):
            values = reduce_array(name, body.values, body.axes, over, axes, scatter)
            if name != "sum" and not np.isfinite(values).all():
                raise errors.Failed(errors.empty_set(f"of this {name}", span))
            return Data(axes, np.asarray(values), span)
        return Reduce(name, body, over, axes, scatter, span)  # type: ignore[arg-type]

    def _user_function(self, e: tree.Call, scope: Scope) -> Node:
        name = e.function.name
        function = self.symbols.function(name)
        if function is None:
            builtin = ["sum", "mean", "min", "max", "abs", "exp", "log", "sqrt"]
            raise errors.Failed(
                errors.unknown_name(name, e.function.span, builtin + self.symbols.function_names())
            )
        if len(e.arguments) != len(function.formals):
            count = len(function.formals)
            wanted = f"{count} argument" + ("" if count == 1 else "s")
            raise errors.Failed(errors.wrong_argument_count(name, wanted, len(e.arguments), e.span))
        if scope.depth > DEEPEST:
            raise errors.Failed(errors.circular([name], e.span))
        locals_: dict[str, Local] = {}
        for formal, argument in zip(function.formals, e.arguments, strict=True):
            slots: tuple[tuple[IndexSet, int], ...] = ()
            if formal.sets:
                probe = scope.fresh()
                self.node(argument, probe)
                slots = tuple(probe.anonymous.coordinates)
                if slots and len(slots) != len(formal.sets):
                    sets = ", ".join(s.name for s in formal.sets)
                    given = ", ".join(s.name for s, _ in slots)
                    raise errors.Failed(
                        errors.index_mismatch(formal.name.name, f"[{sets}]", f"[{given}]", argument.span)
                    )
                for identifier, (index_set, _) in zip(formal.sets, slots, strict=False):
                    known = locals_.get(identifier.name)
                    if known is None:
                        locals_[identifier.name] = index_set
                    elif isinstance(known, IndexSet) and known is not index_set:
                        raise errors.Failed(
                            errors.index_mismatch(
                                formal.name.name, known.name, index_set.name, argument.span
                            )
                        )
            locals_[formal.name.name] = Closure(argument, scope, slots)
        for formal in function.formals:
            for identifier in formal.sets:
                if identifier.name not in locals_:
                    raise errors.Failed(
                        errors.wrong_kind(
                            e.span.text, "without an array", f"an array for {formal.name.name}", e.span
                        )
                    )
        inner = Scope(locals_, scope.now, scope.anonymous, scope.guard, scope.depth + 1)
        return self.node(function.value, inner)

    # --- sets -----------------------------------------------------------------------------

    def index_set(self, e: tree.Expression, scope: Scope) -> IndexSet:
        """The index set that an expression means."""
        match e:
            case tree.Name(name=name):
                local = scope.locals.get(name)
                if isinstance(local, IndexSet):
                    return local
                if isinstance(local, Closure):
                    raise errors.Failed(errors.not_a_set(e.span, name))
                found = self.symbols.set_named(e)
                if found is None:
                    raise errors.Failed(errors.not_a_set(e.span, name))
                return found
            case tree.Field(table=identifier, column=column):
                table = self.symbols.table(identifier)
                if column.name == "key" and "key" not in table.header:
                    return table.key_set
                if column.name not in table.header:
                    raise errors.Failed(
                        errors.unknown_column(
                            table.name, table.file, column.name, column.span, table.header
                        )
                    )
                if table.keys == (column.name,):
                    return table.key_set
                return table.label_set((column.name,))
            case tree.Range(low=low, high=high):
                ends = [self.data(x, scope, "the end of a range") for x in (low, high)]
                for end, x in zip(ends, (low, high), strict=True):
                    if end.axes or abs(float(end.values) - round(float(end.values))) > 1e-9:
                        raise errors.Failed(
                            errors.wrong_kind(x.span.text, "not whole", "a whole number", x.span)
                        )
                first, last = (round(float(d.values)) for d in ends)
                if last - first + 1 > 10_000_000:
                    raise errors.Failed(
                        errors.too_large("this range", last - first + 1, 10_000_000, e.span)
                    )
                return IndexSet("range", [range(first, last + 1)], "integer")
            case tree.SetLiteral(members=members):
                return _literal(members, e.span)
            case tree.SetFilter(index=index):
                space = bind_index(index, scope, self, self.symbols.time_name)
                sets = space.sets()
                if len(sets) == 1:
                    return sets[0]
                return _product(sets)
            case tree.Binary(operator="*", left=left, right=right):
                return _product((self.index_set(left, scope), self.index_set(right, scope)))
            case _:
                raise errors.Failed(errors.not_a_set(e.span, e.span.text))


class _Else:
    """The `else` value of a subscript, handed on behind its indices."""

    def __init__(self, value: Node) -> None:
        self.value = value


def _component(index_set: IndexSet, k: int) -> IndexSet:
    texts = list(dict.fromkeys(index_set.texts[k]))
    return IndexSet(index_set.component_names[k], [texts], "label")


def _where(condition: Data, then: Data, otherwise: Data) -> Data:
    axes = join_axes(condition.axes, then.axes, otherwise.axes)
    values = np.where(
        spread(condition.values, condition.axes, axes),
        spread(then.values, then.axes, axes),
        spread(otherwise.values, otherwise.axes, axes),
    )
    return Data(axes, values)


def _texts(values: Any) -> Any:
    flat = [label_text(x) for x in np.asarray(values).ravel().tolist()]
    return np.array(flat, dtype=object).reshape(np.shape(values))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _literal(members: Sequence[tree.Expression], span: Span) -> IndexSet:
    labels: list[Any] = []
    for m in members:
        match m:
            case tree.Name(name=name):
                labels.append(name)
            case tree.Text(value=value):
                labels.append(value)
            case tree.Number(value=number):
                labels.append(int(number) if number == int(number) else number)
            case _:
                raise errors.Failed(
                    errors.wrong_kind(m.span.text, "an expression", "a label", m.span)
                )
        if labels.count(labels[-1]) > 1:
            raise errors.Failed(errors.repeated_name(str(labels[-1]), m.span, span))
    whole = bool(labels) and all(isinstance(x, int) for x in labels)
    if not whole:
        labels = [label_text(x) for x in labels]
    return IndexSet("set", [labels], "integer" if whole else "label")


def _product(sets: Sequence[IndexSet]) -> IndexSet:
    grids = np.indices([len(s) for s in sets]).reshape(len(sets), -1)
    components: list[list[Any]] = []
    names: list[str] = []
    for index_set, positions in zip(sets, grids, strict=True):
        for component, name in zip(index_set.components, index_set.component_names, strict=True):
            components.append([component[int(p)] for p in positions])
            names.append(name)
    return IndexSet(" * ".join(s.name for s in sets), components, "label", tuple(names))
