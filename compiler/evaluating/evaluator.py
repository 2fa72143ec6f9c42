"""From the tree's expressions to block expressions: names resolved, indices bound, data folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    Apply,
    Data,
    Divide,
    Node,
    Power,
    add,
    constant,
    data_binary,
    multiply,
    negate,
    variables,
)
from allocc.compiler.algebra.index import Coordinate, IndexSet, join_axes
from allocc.compiler.evaluating.logic import truth
from allocc.compiler.evaluating.subscripts import where
from allocc.compiler.evaluating.values import Values
from allocc.compiler.labels import label_text
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.context import Context
from allocc.compiler.scoping.model import BoundModel
from allocc.compiler.scoping.scope import Closure, Scope
from allocc.compiler.scoping.spellings import closest
from allocc.compiler.scoping.symbols import ModelSymbols
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic
from allocc.dsl.tree import Span

COMPARE: dict[str, Any] = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}


class Evaluator(Values):
    """Evaluates expressions of one model in one context."""

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
                return self.column(e, None, scope, None)
            case tree.Subscript():
                return self.subscript(e, scope, None)
            case tree.Fallback(subscript=tree.Field() as field, otherwise=otherwise):
                return self.column(field, None, scope, self.node(otherwise, scope))
            case tree.Fallback(subscript=tree.Subscript() as subscript, otherwise=otherwise):
                return self.subscript(subscript, scope, self.node(otherwise, scope))
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
                return self.call(e, scope)
            case _:
                hint = "use it after `in`, or in a `set` statement"
                raise failures.Failed(
                    names_errors.wrong_kind(e.span.text, "a set", "a number", e.span, hint)
                )

    def _name(self, e: tree.Name, scope: Scope) -> Node:
        local = scope.locals.get(e.name)
        if isinstance(local, Coordinate):
            return self.labels(local, e.span)
        if isinstance(local, Closure):
            return self.closure(local, None, scope, e.span)
        if isinstance(local, IndexSet):
            raise failures.Failed(names_errors.wrong_kind(e.name, "a set", "a number", e.span))
        return self.value(e, scope, None)

    # --- operations -----------------------------------------------------------------------

    def _binary(self, e: tree.Binary, scope: Scope) -> Node:
        if e.operator in ("and", "or", "implies"):
            first = self.condition(e.left, scope)
            second = self.condition(e.right, scope)
            if e.operator == "implies":
                first = Data(first.axes, ~first.values.astype(bool), first.span)
            ufunc = np.logical_and if e.operator == "and" else np.logical_or
            return data_binary(ufunc, first, second, e.span)
        left = self.number(e.left, scope)
        powers = self.with_values if e.operator == "^" else self
        right = powers.number(e.right, scope)
        with np.errstate(over="ignore", invalid="ignore"):
            found = self._arithmetic(left, right, e, scope)
        if isinstance(found, Data) and e.operator != "^":
            self.check(
                np.isfinite(found.values),
                found.axes,
                scope,
                lambda at: self._undefined(e, "the result is too large", at),
            )
        return found

    def _arithmetic(self, left: Node, right: Node, e: tree.Binary, scope: Scope) -> Node:
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
            self.check(
                ~zero,
                right.axes,
                scope,
                lambda at: algebra_errors.division_by_zero(e.right.span, at),
            )
        safe = np.where(zero, 1.0, right.values)
        reciprocal = np.where(zero, self.nothing, 1.0 / safe)
        if isinstance(left, Data):
            # Dividing is more exact than multiplying by a reciprocal.
            quotient = data_binary(np.divide, left, Data(right.axes, safe))
            if not zero.any():
                return Data(quotient.axes, quotient.values, e.span)
            kept = Data(right.axes, np.where(zero, self.nothing, 1.0))
            return data_binary(np.multiply, quotient, kept)
        return multiply(Data(right.axes, reciprocal), left, e.span)

    def _power(self, left: Node, right: Node, e: tree.Binary, scope: Scope) -> Node:
        if isinstance(left, Data) and isinstance(right, Data):
            with np.errstate(all="ignore"):
                found = data_binary(np.power, _floats(left), _floats(right), e.span)
            good = np.isfinite(found.values)
            reason = "the result is too large, or no real number"
            self.check(good, found.axes, scope, lambda at: self._undefined(e, reason, at))
            return Data(found.axes, np.where(good, found.values, self.nothing), e.span)
        if isinstance(left, Data):
            bad = left.values <= 0
            reason = "a base below or at zero has no power that a decision chooses"
            self.check(~bad, left.axes, scope, lambda at: self._undefined(e, reason, at))
            rate = Data(left.axes, np.log(np.where(bad, 1.0, left.values)))
            inner = multiply(rate, right)
            return Apply("exp", inner, inner.axes, e.span)
        if not isinstance(right, Data):
            raise failures.Failed(
                algebra_errors.unsupported_power(variables(right)[0].name, e.right.span)
            )
        exponents = np.unique(_floats(right).values)
        if exponents.size == 1:
            return _raised(left, float(exponents[0]), e.span)
        if (exponents < 0).any() or (exponents != np.rint(exponents)).any():
            raise failures.Failed(algebra_errors.unsupported_power(None, e.right.span))
        # Each power where it is meant; elsewhere its coefficient is zero.
        total: Node = constant(0.0, e.span)
        for exponent in exponents.tolist():
            here = Data(right.axes, (right.values == exponent).astype(float))
            total = add(total, multiply(here, _raised(left, exponent, e.span)), e.span)
        return total

    def _undefined(self, e: tree.Expression, reason: str, at: str) -> Diagnostic:
        return algebra_errors.undefined_function(e.span.text, reason, e.span, at)

    def _comparison(self, e: tree.Comparison, scope: Scope) -> Node:
        result: Data | None = None
        for k, operator in enumerate(e.operators):
            left, right = e.operands[k], e.operands[k + 1]
            if operator in ("in", "not in"):
                part = self._member(left, right, scope)
            else:
                part = self._compare(left, operator, right, scope, e.span)
            if operator == "not in":
                part = Data(part.axes, ~part.values, e.span)
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
                chosen = times[1] if source == times[1] else times[0]
                assert chosen.numbers is not None
                sides.append(constant(chosen.numbers[0 if e.name == "start" else -1], e.span))
                continue
            node = self.node(e, scope)
            if not isinstance(node, Data):
                raise failures.Decided(
                    algebra_errors.decision_condition(variables(node)[0].name, e.span)
                )
            sides.append(node)
        self._known_label(left, right, scope)
        self._known_label(right, left, scope)
        if operator in ("==", "!="):
            for literal, other, side in ((left, right, sides[1]), (right, left, sides[0])):
                if isinstance(literal, tree.Text | tree.Number):
                    self._seek(literal, other, side, scope)
        words = [d.values.dtype.kind == "O" for d in sides]
        if any(words):
            if operator not in ("==", "!="):
                bad = left if words[0] else right
                raise failures.Failed(algebra_errors.not_a_number(bad.span.text, bad.span))
            if any(d.values.dtype.kind == "b" for d in sides):
                bad = right if words[0] else left
                raise failures.Failed(algebra_errors.condition_as_number(bad.span.text, bad.span))
            sides = [
                d if w else Data(d.axes, _texts(d.values))
                for d, w in zip(sides, words, strict=True)
            ]
        return data_binary(COMPARE[operator], sides[0], sides[1], span)

    def _known_label(self, e: tree.Expression, other: tree.Expression, scope: Scope) -> None:
        """Raise where an index over labels is compared with a label that its set does not have."""
        local = scope.locals.get(e.name) if isinstance(e, tree.Name) else None
        if not isinstance(local, Coordinate) or local.set.kind != "label" or local.set.arity != 1:
            return
        if isinstance(other, tree.Text | tree.Number):
            label = label_text(other.value)
            if (label,) not in local.set.positions:
                texts = local.set.texts[0]
                raise failures.Failed(
                    scoping_errors.unknown_label(label, local.set.name, other.span, texts)
                )

    def _seek(
        self, literal: tree.Expression, e: tree.Expression, value: Data, scope: Scope
    ) -> None:
        """Warn where a label is compared with words, or a word with numbers, and none is like it."""
        match literal:
            case tree.Text(value=word) | tree.Name(name=word):
                label, words = word, True
            case tree.Number(value=number):
                label, words = label_text(number), value.values.dtype.kind == "O"
            case _:
                return
        if not words:
            return
        where, labels = self._origin(e, value, scope)
        if labels and label not in labels:
            close = closest(label, labels)
            self.warn(scoping_errors.label_nowhere(label, where, labels, close, literal.span))

    def _origin(self, e: tree.Expression, value: Data, scope: Scope) -> tuple[str, list[str]]:
        """Where the labels of an expression come from, and all that are there; else no label.

        Not only those that are asked for: a column that has a label elsewhere is spelt rightly.
        """
        if isinstance(e, tree.Fallback):
            where, labels = self._origin(e.subscript, value, scope)
            other = e.otherwise
            more = [label_text(other.value)] if isinstance(other, tree.Text | tree.Number) else []
            return where, labels and [*labels, *more]
        base = e.base if isinstance(e, tree.Subscript) else e
        if isinstance(base, tree.Field):
            table = self.symbols.table(base.table)
            # One row that is chosen has the one label that it has: a switch, no misspelling.
            texts = table.texts(base.column.name) if table.keys else []
            return f"column '{base.column.name}' of '{table.file}'", _distinct(filter(None, texts))
        local = scope.locals.get(base.name) if isinstance(base, tree.Name) else None
        if isinstance(local, Coordinate) and local.set.arity == 1:
            return f"set '{local.set.name}'", local.set.texts[0]
        if not isinstance(base, tree.Name) or base.name in scope.locals:
            return "", []
        found = self.symbols.parameter_values(base.name)
        if found is None or not found.ndim:
            return "", []
        return f"parameter '{base.name}'", _distinct(map(label_text, found.ravel().tolist()))

    def _member(self, e: tree.Expression, within: tree.Expression, scope: Scope) -> Data:
        index_set = self.index_set(within, scope)
        members = e.members if isinstance(e, tree.TupleExpression) else (e,)
        if len(members) != index_set.arity:
            raise failures.Failed(
                scoping_errors.wrong_tuple(index_set.name, index_set.arity, len(members), e.span)
            )
        found = self.members(index_set, members, scope)
        if isinstance(within, tree.SetLiteral):
            value = Data(found.axes, found.positions)
            for literal in within.members:
                self._seek(literal, e, value, scope)
        return Data(found.axes, found.positions >= 0, e.span)

    def _conditional(self, e: tree.Conditional, scope: Scope) -> Node:
        try:
            condition = self.condition(e.condition, scope)
        except failures.Decided:
            # What is decided is 0 or 1, and chooses between both sides.
            chosen = truth(e.condition, scope, self)
            first, second = self.number(e.then, scope), self.number(e.otherwise, scope)
            return add(second, multiply(chosen, add(first, negate(second))), e.span)
        inverse = Data(condition.axes, ~condition.values.astype(bool))
        then = self.node(e.then, self._guarded(scope, condition))
        otherwise = self.node(e.otherwise, self._guarded(scope, inverse))
        return where(condition, then, otherwise, e.span)

    def _guarded(self, scope: Scope, condition: Data) -> Scope:
        guard = condition
        if scope.guard is not None:
            guard = data_binary(np.logical_and, scope.guard, condition)
        return replace(scope, guard=guard)


def reader(model: BoundModel, **context: Any) -> Evaluator:
    """An evaluator for who asks about a bound model; `context` has fields of `Context`."""
    symbols = ModelSymbols(model, Collector())
    return Evaluator(symbols, Context(**context), model.expanded.copy())


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(labels))


def _texts(values: Any) -> Any:
    flat = [label_text(x) for x in np.asarray(values).ravel().tolist()]
    return np.array(flat, dtype=object).reshape(np.shape(values))


def _raised(base: Node, exponent: float, span: Span) -> Node:
    """A node to one power."""
    if exponent == 1.0:
        return base
    if exponent == 0.0:
        return constant(1.0, span)
    return Power(base, exponent, base.axes, span)


def _floats(data: Data) -> Data:
    return Data(data.axes, data.values.astype(float), data.span)
