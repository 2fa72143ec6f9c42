"""Operands: the value of an expression where a number, a condition or something known is asked for.

What an expression is worth is the matter of those who inherit from this. Here stands what its place
demands of the value, and what is said where it is of another kind or has no value at some index.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Node, variables
from allocc.compiler.algebra.index import Axis, IndexSet, join_axes, spread
from allocc.compiler.arrays import BoolArray
from allocc.compiler.labels import shown_label
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping.context import Context
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.scoping.symbols import Symbols
from allocc.compiler.scoping.usage import Expanded
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.walk import nodes


class Operands(ABC):
    """The part of an evaluator that asks a value to be of a kind, and to be defined."""

    def __init__(
        self, symbols: Symbols, context: Context, expanded: Expanded | None = None
    ) -> None:
        self.symbols = symbols
        self.context = context
        self.expanded = Expanded() if expanded is None else expanded

    def within(self, **changes: Any) -> Self:
        """The same evaluator in another context; what one has expanded the other has, too."""
        return type(self)(self.symbols, replace(self.context, **changes), self.expanded)

    @property
    def before_solving(self) -> Self:
        """An evaluator for what is data everywhere, also in a report: an index, say."""
        found = self.with_values
        return found if found.context.report is None else found.within(report=None)

    @property
    def with_values(self) -> Self:
        """An evaluator that reads every parameter's values, for what has to be data."""
        return self if self.context.opened is None else self.within(opened=None)

    @abstractmethod
    def node(self, e: tree.Expression, scope: Scope) -> Node:
        """The value of an expression; raises `errors.Failed` or `errors.Poisoned`."""

    @abstractmethod
    def value(
        self,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None = None,
    ) -> Node:
        """The value of a declared name, subscripted or bare.

        `fallback` is what to take where a subscript lies outside of its set.
        """

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
            raise failures.Failed(algebra_errors.not_a_number(e.span.text, e.span, word))
        if isinstance(node, Data) and node.values.dtype.kind == "b":
            raise failures.Failed(algebra_errors.condition_as_number(e.span.text, e.span))
        return node

    def data(self, e: tree.Expression, scope: Scope, what: str) -> Data:
        """A number known before solving; `what` names it in the message."""
        node = self.before_solving.number(e, scope)
        if not isinstance(node, Data):
            name = variables(node)[0].name
            raise failures.Failed(algebra_errors.needs_data(what, name, e.span))
        return node

    @property
    def nothing(self) -> float:
        """What stands where an expression has no value and nobody asks for one."""
        return 0.0 if self.context.report is None else float("nan")

    def undefined(self, diagnostic: Diagnostic) -> None:
        """Raise for what has no value; in a report it is kept, and goes on as not a number."""
        if self.context.report is None:
            raise failures.Failed(diagnostic)
        self.context.report.undefined.append(diagnostic)

    def certain(self, expression: tree.Expression) -> bool:
        """Whether a condition is the same whatever is decided: only reports may ask what was."""
        if self.context.report is None:
            return True
        names = {n.name for n in nodes(expression) if isinstance(n, tree.Name)}
        found = (self.symbols.declared.names.get(name) for name in names)
        data = tree.Parameter | tree.SetDeclaration | tree.Table | tree.Time | None
        return all(isinstance(statement, data) for statement in found)

    def warn(self, diagnostic: Diagnostic) -> None:
        """Tell of something that may be meant otherwise."""
        self.symbols.warn(diagnostic)

    def condition(self, e: tree.Expression, scope: Scope) -> Data:
        """A condition on data."""
        node = self.with_values.node(e, scope)
        if not isinstance(node, Data):
            raise failures.Decided(
                algebra_errors.decision_condition(variables(node)[0].name, e.span)
            )
        if node.values.dtype.kind != "b":
            text = e.span.text
            hint = f"compare it, as in `{text} > 0`"
            raise failures.Failed(
                names_errors.wrong_kind(text, "a value", "a condition", e.span, hint)
            )
        return node

    def check(
        self,
        good: BoolArray,
        axes: tuple[Axis, ...],
        scope: Scope,
        make: Callable[[str], Diagnostic],
    ) -> None:
        """Refuse a value that is used where it is not good; `make` is told where that is."""
        joined = axes
        bad = ~np.asarray(good)
        if scope.guard is not None:
            joined = join_axes(axes, scope.guard.axes)
            bad = spread(bad, axes, joined) & spread(scope.guard.values, scope.guard.axes, joined)
        if not bad.any():
            return
        full = np.broadcast_to(bad, tuple(a.size for a in joined))
        first = [int(i[0]) for i in np.nonzero(full)] if joined else []
        labels = []
        for axis, i in zip(joined, first, strict=True):
            if axis.size == len(axis.set):
                labels.append(
                    f"{axis.set.name} = {', '.join(shown_label(x) for x in axis.set.label(i))}"
                )
        self.undefined(make(f" at {', '.join(labels)}" if labels else ""))
