"""What the declared names of a model mean where an expression uses them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    MOST_NODES,
    Data,
    Node,
    Reduce,
    Reference,
    Variable,
    add,
    children,
    constant,
    depends_on_states,
    is_affine,
    multiply,
    weight,
)
from allocc.compiler.algebra.index import Coordinate, IndexSet, join_axes
from allocc.compiler.arrays import FloatArray
from allocc.compiler.evaluating.aligned import assign, full
from allocc.compiler.evaluating.calls import Calls
from allocc.compiler.evaluating.sets import Sets
from allocc.compiler.evaluating.subscripts import Mask
from allocc.compiler.failures import NeedsTime
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.builtin import BUILTIN
from allocc.compiler.names.structure import describe
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.context import Known, Read
from allocc.compiler.scoping.model import (
    CompartmentSymbol,
    FlowSymbol,
    Horizon,
    LetSymbol,
    ParameterSymbol,
    ReportSymbol,
    enter,
)
from allocc.compiler.scoping.scope import Now, Scope
from allocc.compiler.scoping.spaces import Space, bind_index
from allocc.dsl import nesting, tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


class Values(Calls, Sets):
    """The part of an evaluator that knows the value of a name."""

    def space(
        self, index: tree.Index | None, scope: Scope | None = None
    ) -> tuple[Space, tuple[IndexSet, ...]]:
        """Bind a declared index."""
        space = bind_index(index, scope or Scope(), self, self.symbols.time_name)
        return space, space.sets()

    def value(
        self,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None = None,
    ) -> Node:
        """The value of a declared name, subscripted or bare."""
        if name.name in self.symbols.declared.broken:
            raise failures.Poisoned(name.name)
        statement = self.symbols.declared.names.get(name.name)
        if statement is None:
            if name.name in ("start", "end"):
                return self._end_of_time(name)
            self._unknown(name, scope)
        if isinstance(statement, tree.Time):
            if scope.now is not None:
                return self.labels(scope.now.point, name.span)
            raise NeedsTime(
                names_errors.wrong_kind(
                    name.name,
                    "the time",
                    "a number",
                    name.span,
                    f"bind it, as in `sum({name.name}: ...)` or in the index of the statement, or write"
                    " it in a `let` that flows use",
                )
            )
        symbol = self.symbols.resolve(name.name)
        match symbol:
            case ParameterSymbol():
                return self._parameter_value(symbol, name, scope, indices, fallback)
            case LetSymbol():
                return self._let_value(symbol, name, scope, indices, fallback)
            case Variable():
                return self._variable_value(symbol, name, scope, indices, fallback)
            case CompartmentSymbol(variable=variable):
                return self._variable_value(variable, name, scope, indices, fallback)
            case FlowSymbol():
                return self._flow_value(symbol, name, scope, indices, fallback)
            case ReportSymbol():
                return self._report_value(symbol, name, scope, indices, fallback)
            case _:
                hint = self._member_hint(name, scope)
                raise failures.Failed(
                    names_errors.wrong_kind(
                        name.name, describe(statement), "a value", name.span, hint
                    )
                )

    def labels(self, c: Coordinate, span: Span) -> Data:
        """The labels along a coordinate, as numbers where they are numbers."""
        numbers = c.set.numbers
        if numbers is not None:
            return Data(c.axes, numbers[np.maximum(c.positions, 0)], span)
        texts = np.array([", ".join(t) for t in zip(*c.set.texts, strict=True)], dtype=object)
        return Data(c.axes, texts[np.maximum(c.positions, 0)], span)

    def _member_hint(self, name: tree.Name, scope: Scope) -> str | None:
        """The mend where a set stands for its members, as in `d[County]`."""
        if not isinstance(self.symbols.declared.names.get(name.name), tree.SetDeclaration):
            return None
        for bound, local in scope.locals.items():
            if isinstance(local, Coordinate) and local.set.name == name.name:
                return f"write `{bound}`, which runs over it"
        letter = name.name[0].lower() if name.name[0].isalpha() else "i"
        return f"bind a name in the index, as in `{letter} in {name.name}`, and write `{letter}`"

    def _end_of_time(self, name: tree.Name) -> Data:
        """The first or the last point of time, as a number."""
        times = self.symbols.time_sets()
        if times is None:
            if self.symbols.time_name is None:
                raise self.symbols.unknown(name.name, names_errors.no_time(name.name, name.span))
            raise failures.Failed(
                names_errors.circular([self.symbols.time_name, name.name], name.span)
            )
        numbers = times[0].numbers
        assert numbers is not None
        return constant(numbers[0 if name.name == "start" else -1], name.span)

    def _unknown(self, name: tree.Name, scope: Scope) -> None:
        """Raise for a name that is not declared."""
        if name.name == "period":
            if self.symbols.time_name is None:
                raise self.symbols.unknown(name.name, names_errors.no_time(name.name, name.span))
            hint = (
                f"bind a name in an index, as in `p in period`, or write `{self.symbols.time_name}`"
            )
            raise failures.Failed(
                names_errors.wrong_kind(name.name, "a set", "a number", name.span, hint)
            )
        pool = [*self.symbols.declared.names, *scope.locals, *BUILTIN]
        raise self.symbols.unknown(name.name, names_errors.unknown_name(name.name, name.span, pool))

    def _expanding(self, name: str) -> AbstractContextManager[None]:
        """Expand a named expression where it is used; one that needs itself is an error."""
        open_names, declared = self.expanded.open, self.symbols.declared
        if name in open_names:
            cycle = open_names[open_names.index(name) :]
            order = list(declared.names)
            first = cycle.index(min(cycle, key=order.index))
            cycle = cycle[first:] + cycle[:first]
            span = declared.names[cycle[0]].name.span
            raise failures.Failed(names_errors.circular(cycle, span))
        return self.expanded.inside(name)

    def _pick(
        self,
        name: tree.Name,
        sets: tuple[IndexSet, ...],
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
        fallback: Node | None,
    ) -> tuple[list[Coordinate], Mask | None]:
        if indices is None:
            return self.fill(sets, [None] * len(sets), scope), None
        if not sets:
            raise failures.Failed(scoping_errors.not_indexed(name.name, name.span))
        span = name.span
        if indices[-1].span.source is span.source:
            stop = span.source.text.find("]", indices[-1].span.stop) + 1
            span = Span(span.source, span.start, max(stop, indices[-1].span.stop))
        return self.pick(name.name, sets, indices, scope, span, fallback)

    def _parameter_value(
        self,
        symbol: ParameterSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None,
    ) -> Node:
        now = scope.now
        total = sum(s.arity for s in symbol.sets)
        timed: Mask | None = None
        if symbol.effects and indices is not None and len(indices) == total + 1:
            now, timed = self._now_at(name, indices[-1], scope, fallback)
            indices = indices[:-1] or None
        found, mask = self._pick(name, symbol.sets, indices, scope, fallback)
        if self.context.reads is not None:
            self.context.reads.append(Read(symbol, found))
        value = self._stated_value(symbol, name, found, scope)
        acting = self.effects_of(symbol)
        if acting and now is None and self.context.time_required:
            raise NeedsTime(self._needs_time(name, indices))
        if acting and now is not None:
            with self._expanding(name.name):
                for effect in acting:
                    factor = self.effect_value(effect, symbol.space, found, scope, now)
                    value = multiply(factor, value)
        return self.masked(self.masked(value, timed, fallback), mask, fallback)

    def _stated_value(
        self, symbol: ParameterSymbol, name: tree.Name, found: Sequence[Coordinate], scope: Scope
    ) -> Node:
        """A parameter's value at coordinates, without any effect; itself where it stands for itself."""
        opened = self.context.opened
        variable = symbol.unknown
        if opened is not None:
            variable = opened.variables.get(name.name)
        if variable is not None:
            return reference(variable, found, name.span)
        if opened is None or name.name not in opened.expressed:
            return self.gather(symbol.values, found, name.span)
        assert symbol.statement.value is not None
        inner = enter(symbol.space, tuple(found), Scope(depth=scope.depth), None)
        with self._expanding(name.name):
            return self.number(symbol.statement.value, inner)

    def effects_of(self, symbol: ParameterSymbol | FlowSymbol) -> tuple[tree.Effect, ...]:
        """The effects that act on a flow or a parameter here."""
        return symbol.effects if self.context.effects else ()

    def effect_value(
        self,
        effect: tree.Effect,
        space: Space,
        coordinates: Sequence[Coordinate],
        scope: Scope,
        now: Now,
    ) -> Node:
        """What an effect adds to, or multiplies, a flow or parameter at coordinates of it."""
        own, _ = self.space(effect.index)
        if effect.index is None:
            inner = enter(space, tuple(coordinates), Scope(depth=scope.depth), now)
        else:
            inner = enter(own, tuple(coordinates), Scope(depth=scope.depth), now)
        return self.number(effect.value, self._with_time(inner, now))

    def _with_time(self, scope: Scope, now: Now) -> Scope:
        assert self.symbols.time_name is not None
        if self.symbols.time_name in scope.locals:
            return scope
        return scope.with_names({self.symbols.time_name: now.point})

    def _now_at(
        self, name: tree.Name, e: tree.Expression, scope: Scope, fallback: Node | None
    ) -> tuple[Now, Mask | None]:
        """The time that a last subscript means, for a value that has its time implied."""
        times = self.symbols.time_sets()
        if times is None:
            raise failures.Failed(scoping_errors.not_indexed(name.name, name.span))
        span = name.span.to(e.span) if e.span.source is name.span.source else name.span
        (point,), mask = self.pick(name.name, times[:1], [e], scope, span, fallback)
        period = point.into(times[1])
        return Now(point, period), mask

    def _let_value(
        self,
        symbol: LetSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None,
    ) -> Node:
        now = scope.now
        timed: Mask | None = None
        if symbol.mode == "implicit":
            total = sum(s.arity for s in symbol.sets)
            if indices is not None and len(indices) == total + 1:
                now, timed = self._now_at(name, indices[-1], scope, fallback)
                indices = indices[:-1] or None
            if now is None and self.context.effects:
                raise NeedsTime(self._needs_time(name, indices))
        found, mask = self._pick(name, symbol.sets, indices, scope, fallback)
        if self.context.reads is not None and symbol.mode in ("data", "definition"):
            self.context.reads.append(Read(symbol, found))
        value: Node
        opened = self.context.opened
        written_out = opened is not None and name.name in opened.expressed
        if symbol.mode == "data" and not written_out:
            assert symbol.values is not None
            value = self.gather(symbol.values, found, name.span)
        elif symbol.variable is not None and not self._opened(symbol.variable, now):
            value = self._taken(reference(symbol.variable, found, name.span))
        elif name.name in self.expanded.lets and self._timeless(symbol, now):
            value = self.expanded.lets[name.name]
        else:
            inner = enter(symbol.space, tuple(found), Scope(depth=scope.depth), now)
            if now is not None:
                inner = self._with_time(inner, now)
            try:
                with self._expanding(name.name):
                    value = self.number(symbol.statement.value, inner)
            except NeedsTime:
                if symbol.mode != "implicit":
                    raise
                raise NeedsTime(self._needs_time(name, indices)) from None
            if weight(value) > MOST_NODES:
                raise failures.Failed(
                    algebra_errors.expression_too_large(f"'{name.name}'", MOST_NODES, name.span)
                )
            if self._timeless(symbol, now):
                self.expanded.lets[name.name] = value
        return self.masked(self.masked(value, timed, fallback), mask, fallback)

    def _timeless(self, symbol: LetSymbol, now: Now | None) -> bool:
        """Whether a named expression is the same wherever it is used, so that one will do."""
        return (
            symbol.mode == "inline"
            and not symbol.sets
            and now is None
            and self.context.report is None
            and self.context.reads is None
            and self.context.opened is None
            and not self.symbols.declared.effects
        )

    def _opened(self, variable: Variable, now: Now | None) -> bool:
        """Whether a `let` with columns is written out: the exponential step has to look into it.

        So has who asks for parameters that stand for themselves.
        """
        if self.context.opened is not None:
            return True
        if now is None or self.symbols.time_name is None:
            return False
        time: Horizon = self.symbols.resolve(self.symbols.time_name)
        return time.method == "exponential" and depends_on_states(variable)

    def _variable_value(
        self,
        variable: Variable,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None,
    ) -> Node:
        if variable.kind == "state" or variable.time_axis is not None:
            given = len(indices or ())
            total = sum(s.arity for s in variable.sets)
            times = self.symbols.time_sets()
            # A bare name over all of the time is at the current one by itself; over some, it is here.
            some = times is not None and variable.sets[0] not in times and not scope.anonymous.fresh
            if scope.now is not None and given == total - 1 and (given or some):
                # All indices but the time: the current time is meant.
                assert self.symbols.time_name is not None
                indices = indices or ()
                place = sum(s.arity for s in variable.sets[: variable.time_axis])
                here = tree.Name(self.symbols.time_name, name.span)
                indices = (*indices[:place], here, *indices[place:])
                # What is decided for a period holds at both of its ends.
                per_period = (
                    times is not None
                    and variable.time_axis is not None
                    and variable.sets[variable.time_axis] == times[1]
                )
                at = scope.now.period if per_period else scope.now.point
                scope = scope.with_names({self.symbols.time_name: at})
            elif (
                variable.kind == "state"
                and scope.now is None
                and not scope.anonymous.fresh
                and given == total - 1
                and not any(self._is_time(e, scope) for e in indices or ())
            ):
                raise NeedsTime(self._needs_time(name, indices))
        found, mask = self._pick(name, variable.sets, indices, scope, fallback)
        value = self._taken(reference(variable, found, name.span))
        return self.masked(value, mask, fallback)

    def _needs_time(self, name: tree.Name, indices: Sequence[tree.Expression] | None) -> Diagnostic:
        given = [e.span.text for e in indices or ()]
        return scoping_errors.needs_time(name.name, name.span, self.symbols.time_name or "t", given)

    def _is_time(self, e: tree.Expression, scope: Scope) -> bool:
        """Whether a subscript is a point of time, as `end`, `t` or `t - 1`."""
        match e:
            case tree.Name(name=name):
                local = scope.locals.get(name)
                if isinstance(local, Coordinate):
                    return local.set.kind == "time"
                return name in ("start", "end")
            case tree.Binary(operator="+" | "-", left=left):
                return self._is_time(left, scope)
            case _:
                return False

    def _taken(self, node: Reference) -> Node:
        """A variable's place, or the number there if all is decided."""
        known = self.context.report
        return node if known is None else Data(node.axes, known.evaluate(node), node.span)

    def _report_value(
        self,
        symbol: ReportSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None,
    ) -> Node:
        known = self.context.report
        if known is None:
            hint = "a report is computed afterwards; what is optimized gets its name by `let`"
            wanted = "something known before, or decided,"
            raise failures.Failed(
                names_errors.wrong_kind(name.name, "a report", wanted, name.span, hint)
            )
        found, mask = self._pick(name, symbol.sets, indices, scope, fallback)
        values = self.report(symbol, known)
        value = self.gather(values, found, name.span)
        return self.masked(value, mask, fallback)

    def report(self, symbol: ReportSymbol, known: Known) -> FloatArray:
        """A report over its whole index space; names are resolved as in limits."""
        name = symbol.statement.name.name
        if name not in known.reports:
            value = symbol.statement.value
            with self._expanding(name):
                node = assign(name, value, symbol.space, symbol.sets, self, numeric=True)
            assert isinstance(node, Data)
            known.reports[name] = full(node, symbol.space).astype(float)
        return known.reports[name]

    def _flow_value(
        self,
        symbol: FlowSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None,
    ) -> Node:
        times = self.symbols.time_sets()
        assert times is not None
        points, periods = times
        found, mask = self._pick(name, (*symbol.sets, periods), indices, scope, fallback)
        opened = self.context.opened
        variable = None if opened is None else opened.variables.get(name.name)
        if variable is not None:
            return self.masked(reference(variable, found, name.span), mask, fallback)
        point = found[-1].into(points)
        value = self.flow_node(symbol, tuple(found[:-1]), Now(point, found[-1]))
        return self.masked(value, mask, fallback)

    def flow_node(self, symbol: FlowSymbol, coordinates: tuple[Coordinate, ...], now: Now) -> Node:
        """A flow's amount per unit of time at coordinates, with all effects on it."""
        inner = self._with_time(enter(symbol.space, coordinates, Scope(), now), now)
        with self._expanding(symbol.statement.name.name):
            total = self.number(symbol.statement.value, inner)
            for effect in self.effects_of(symbol):
                more = self.effect_value(effect, symbol.space, coordinates, Scope(), now)
                total = add(total, more)
        return total


def reference(variable: Variable, coordinates: Sequence[Coordinate], span: Span) -> Reference:
    """A variable at coordinates."""
    axes = join_axes(*(c.axes for c in coordinates))
    return Reference(variable, tuple(coordinates), axes, span)


#: Room for expressions that are nested as deeply as the parser allows.
deep_recursion = nesting.deep_recursion


def is_small(node: Node) -> bool:
    """Whether an affine expression is short enough to stand wherever it is used."""
    if not is_affine(node):
        return False
    count = 0
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, Reduce):
            return False
        count += isinstance(n, Reference)
        stack.extend(children(n))
    return count <= 2
