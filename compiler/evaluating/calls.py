"""Calls: the built-in functions, sums over an index, and the functions that a model declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
    MOST_NODES,
    Apply,
    Data,
    Node,
    Reduce,
    called_from,
    constant,
    extreme,
    multiply,
    variables,
    weight,
)
from allocc.compiler.algebra.index import Axis, IndexSet, join_axes, spread
from allocc.compiler.algebra.numeric import binomial, reduce_array
from allocc.compiler.evaluating.columns import Columns
from allocc.compiler.evaluating.curves import interpolated, latest
from allocc.compiler.evaluating.logic import truth
from allocc.compiler.functions import BY_KIND, WORDS
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.library import shipped_in
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.scope import Closure, Local, Scope
from allocc.compiler.scoping.spaces import bind_index
from allocc.dsl import tree
from allocc.dsl.tree import Span
from allocc.dsl.words import COUNT, CURVES, INTERPOLATE, TOTAL

#: Functions calling functions deeper than this are taken for a recursion without end.
DEEPEST = 60

#: More expansions of functions than this are no model, but functions that call each other twice.
MOST_EXPANSIONS = 100_000

#: Functions of data alone, with what they take. A model's own function of the name goes before.
LATER = {"floor": "one argument", "binomial": "three arguments"}

BUILT_IN = ("sum", "mean", "min", "max", TOTAL, COUNT, *CURVES, *WORDS, *LATER)


class Calls(Columns):
    """The part of an evaluator that expands calls."""

    def call(self, e: tree.Call, scope: Scope) -> Node:
        """The value of a call."""
        name = e.function.name
        if name == TOTAL and self.symbols.function(name) is None:
            return self._total(e, scope)
        if name in CURVES and self.symbols.function(name) is None:
            return interpolated(e, scope, self) if name == INTERPOLATE else latest(e, scope, self)
        if name == COUNT and self.symbols.function(name) is None:
            return self._count(e, scope)
        if e.index is not None:
            if name not in ("sum", "mean", "min", "max"):
                self._unknown_reduction(e)
            assert e.body is not None
            needed = name != "sum"
            space = bind_index(e.index, scope, self, self.symbols.time_name, needed)
            body = self.number(e.body, space.scope)
            return self._reduce(name, body, space.axes, space.scatter, space.pair, e.span)
        if name in ("sum", "mean") or (name in ("min", "max") and len(e.arguments) == 1):
            if len(e.arguments) != 1:
                raise failures.Failed(
                    names_errors.wrong_argument_count(name, "one array", len(e.arguments), e.span)
                )
            return self._reduce_bare(name, e.arguments[0], scope, e.span)
        if name in ("min", "max"):
            return self._extreme(name, e, scope)
        if name in WORDS:
            return self._apply(name, e, scope)
        if name in LATER and not self.symbols.declares(name):
            return self._later(name, e, scope)
        if scope.depth == 0:
            # The scope of a declared space outlives what its names mean: effects come later.
            return self._user_function(e, scope)
        # Functions that call one another twice would otherwise be expanded without end.
        key = (e.span.text, self.context.report is None)
        found = scope.once(key, lambda: self._user_function(e, scope))
        self.expanded.calls[e.span] = found
        return found

    def _count(self, e: tree.Call, scope: Scope) -> Node:
        """For how many members of an index a condition holds."""
        if e.index is None or e.body is None:
            hint = f"bind an index, as in `{COUNT}(i in SET: x[i] >= 1)`"
            span = e.function.span
            raise failures.Failed(
                names_errors.wrong_kind(COUNT, "a count over an index", "a number", span, hint)
            )
        space = bind_index(e.index, scope, self, self.symbols.time_name)
        body = truth(e.body, space.scope, self)
        return self._reduce("sum", body, space.axes, space.scatter, space.pair, e.span)

    def _unknown_reduction(self, e: tree.Call) -> None:
        name = e.function.name
        if name not in BUILT_IN and self.symbols.function(name) is None:
            self._unknown_function(e.function)
        hint = "only sum, mean, min, max and total bind an index"
        raise failures.Failed(
            names_errors.wrong_kind(
                name, "a function", "sum, mean, min, max or total", e.function.span, hint
            )
        )

    def _unknown_function(self, function: tree.Identifier) -> None:
        """Raise for a name that is no function."""
        name = function.name
        kind = self.symbols.kind(name)
        if kind is not None:
            hint = "a subscript stands in square brackets: `x[i]`"
            raise failures.Failed(
                names_errors.wrong_kind(name, kind, "a function", function.span, hint)
            )
        if self.symbols.declares(name):
            raise failures.Poisoned(name)
        pool = [*BUILT_IN, *self.symbols.function_names()]
        raise self.symbols.unknown(
            name, names_errors.unknown_function(name, function.span, pool, shipped_in(name))
        )

    def _total(self, e: tree.Call, scope: Scope) -> Node:
        """The amount of a rate over time: its sum over periods times the step."""
        if e.index is not None:
            assert e.body is not None
            space = bind_index(e.index, scope, self, self.symbols.time_name)
            body = self.number(e.body, space.scope)
            coordinates = space.dimensions
            added = self._reduce("sum", body, space.axes, space.scatter, space.pair, e.span)
        else:
            if len(e.arguments) != 1:
                raise failures.Failed(
                    names_errors.wrong_argument_count(TOTAL, "one array", len(e.arguments), e.span)
                )
            inner = scope.fresh()
            body, over = self._bare(TOTAL, e.arguments[0], inner)
            bare = inner.anonymous.coordinates.values()
            coordinates = tuple(c for c in bare if set(c.axes) & set(over))
            added = self._reduce("sum", body, over, {}, None, e.span)
        timed = [c for c in coordinates if c.set.kind == "time"]
        if len(timed) != 1:
            raise failures.Failed(scoping_errors.total_without_time(len(timed), e.span))
        sets = self.symbols.time_sets()
        assert sets is not None
        points, periods = sets
        begins = set(periods.components[0])
        within = [timed[0].set.components[0][int(k)] for k in timed[0].positions.ravel()]
        if not begins.issuperset(within):
            raise failures.Failed(
                scoping_errors.total_over_points(self.symbols.time_name or "t", e.span)
            )
        first, second = points.components[0][:2]
        return multiply(constant(float(second) - float(first)), added, e.span)

    def _bare(self, name: str, e: tree.Expression, inner: Scope) -> tuple[Node, tuple[Axis, ...]]:
        """An array without its brackets, and the axes that its bare indices stand for."""
        body = self.number(e, inner)
        over = tuple(
            a for c in inner.anonymous.coordinates.values() for a in c.axes if a in body.axes
        )
        if not over:
            hint = f"bind an index, as in `{name}(i in SET: x[i])`"
            raise failures.Failed(
                names_errors.wrong_kind(e.span.text, "a single number", "an array", e.span, hint)
            )
        return body, over

    def _reduce_bare(self, name: str, e: tree.Expression, scope: Scope, span: Span) -> Node:
        body, over = self._bare(name, e, scope.fresh())
        return self._reduce(name, body, over, {}, None, span)

    def _extreme(self, name: str, e: tree.Call, scope: Scope) -> Node:
        if not e.arguments:
            raise failures.Failed(
                names_errors.wrong_argument_count(name, "two arguments or more", 0, e.span)
            )
        parts = [self.number(a, scope) for a in e.arguments]
        return extreme("max" if name == "max" else "min", parts, e.span)

    def _apply(self, name: str, e: tree.Call, scope: Scope) -> Node:
        if len(e.arguments) != 1:
            raise failures.Failed(
                names_errors.wrong_argument_count(name, "one argument", len(e.arguments), e.span)
            )
        argument = self.number(e.arguments[0], scope)
        if not isinstance(argument, Data):
            return Apply(name, argument, argument.axes, e.span)
        values = BY_KIND[name].value(argument.values.astype(float))
        good = np.isfinite(values)
        if not good.all():
            value = float(argument.values[~good].ravel()[0])
            text = e.arguments[0].span.text
            reason = f"`{text}` is {value:g}"
            self.check(
                good,
                argument.axes,
                scope,
                lambda at: algebra_errors.undefined_function(e.span.text, reason, e.span, at),
            )
        return Data(argument.axes, np.where(good, values, self.nothing), e.span)

    def _later(self, name: str, e: tree.Call, scope: Scope) -> Node:
        """A function that no program can hold: of data, or in a report."""
        if len(e.arguments) != (1 if name == "floor" else 3):
            raise failures.Failed(
                names_errors.wrong_argument_count(name, LATER[name], len(e.arguments), e.span)
            )
        parts: list[Data] = []
        for argument in e.arguments:
            part = self.number(argument, scope)
            if not isinstance(part, Data):
                decided = variables(part)[0].name
                raise failures.Failed(algebra_errors.only_in_reports(name, decided, argument.span))
            parts.append(part)
        axes = join_axes(*(p.axes for p in parts))
        arrays = [spread(p.values, p.axes, axes).astype(float) for p in parts]
        if name == "floor":
            return Data(axes, np.floor(arrays[0]), e.span)
        most, trials, chance = np.broadcast_arrays(*arrays)
        whole = (trials >= 0) & (trials == np.floor(trials))
        reason = (
            f"`{e.arguments[1].span.text}` is no number of trials, which is whole and not negative"
        )
        self.check(
            whole,
            axes,
            scope,
            lambda at: algebra_errors.undefined_function(e.span.text, reason, e.span, at),
        )
        likely = (chance >= 0) & (chance <= 1)
        why = f"`{e.arguments[2].span.text}` is no probability"
        self.check(
            likely,
            axes,
            scope,
            lambda at: algebra_errors.undefined_function(e.span.text, why, e.span, at),
        )
        good = whole & likely
        safe = (np.where(good, trials, 0.0), np.where(good, chance, 0.0))
        values = binomial(most, *safe)
        return Data(axes, np.where(good & ~np.isnan(most), values, self.nothing), e.span)

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
            none = ones.values == 0
            if none.any():
                self.undefined(algebra_errors.empty_reduction("mean", span))
            share = np.where(none, self.nothing, 1.0 / np.where(none, 1.0, ones.values))
            return multiply(Data(ones.axes, share), total, span)
        if name != "sum" and any(a.size == 0 for a in axes):
            self.undefined(algebra_errors.empty_reduction(name, span))
            outer = join_axes(tuple(scatter), tuple(a for a in body.axes if a not in axes))
            return Data(outer, np.full([a.size for a in outer], self.nothing), span)
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
            with np.errstate(over="ignore", invalid="ignore"):
                values = reduce_array(name, body.values, body.axes, over, axes, scatter)
            undefined = ~np.isfinite(values)
            if undefined.any() and not np.isnan(body.values).any():
                self.undefined(
                    algebra_errors.undefined_function(
                        span.text, "the result is too large", span, ""
                    )
                    if name == "sum"
                    else algebra_errors.empty_reduction(name, span)
                )
                values = np.where(undefined, self.nothing, values)
            return Data(axes, np.asarray(values), span)
        return Reduce(name, body, over, axes, scatter, span)  # type: ignore[arg-type]

    def _user_function(self, e: tree.Call, scope: Scope) -> Node:
        name = e.function.name
        function = self.symbols.function(name)
        if function is None:
            self._unknown_function(e.function)
        assert function is not None
        if len(e.arguments) != len(function.formals):
            count = len(function.formals)
            wanted = f"{count} argument" + ("" if count == 1 else "s")
            raise failures.Failed(
                names_errors.wrong_argument_count(name, wanted, len(e.arguments), e.span)
            )
        self.expanded.expansions += 1
        if scope.depth > DEEPEST or self.expanded.expansions > MOST_EXPANSIONS:
            raise failures.Failed(algebra_errors.nested_too_deep(f"this call of '{name}'", e.span))
        locals_: dict[str, Local] = {}
        for formal, argument in zip(function.formals, e.arguments, strict=True):
            slots: tuple[tuple[IndexSet, int], ...] = ()
            if formal.sets:
                slots = self._slots(name, formal, argument, scope)
                self._bind_sets(name, formal, slots, argument, locals_)
            locals_[formal.name.name] = Closure(argument, scope, slots)
        inner = Scope(locals_, scope.now, scope.anonymous, scope.guard, scope.depth + 1)
        found = self.node(function.value, inner)
        if function.value.span.source is not e.span.source:
            found = called_from(found, e.span)
        if weight(found) > MOST_NODES:
            raise failures.Failed(
                algebra_errors.expression_too_large(f"this call of '{name}'", MOST_NODES, e.span)
            )
        self.expanded.calls[e.span] = found
        return found

    def _slots(
        self, name: str, formal: tree.Formal, argument: tree.Expression, scope: Scope
    ) -> tuple[tuple[IndexSet, int], ...]:
        """The bare indices of an argument that a function runs over."""
        probe = scope.fresh()
        value = self.number(argument, probe)
        slots = tuple(
            k for k, c in probe.anonymous.coordinates.items() if set(c.axes) & set(value.axes)
        )
        if len(slots) != len(formal.sets):
            text = argument.span.text
            raise failures.Failed(
                scoping_errors.array_wanted(
                    name, formal.name.name, text, len(formal.sets), len(slots), argument.span
                )
            )
        return slots

    def _bind_sets(
        self,
        name: str,
        formal: tree.Formal,
        slots: tuple[tuple[IndexSet, int], ...],
        argument: tree.Expression,
        locals_: dict[str, Local],
    ) -> None:
        """Bind the set names of a formal to the sets of its argument."""
        for identifier, (index_set, _) in zip(formal.sets, slots, strict=True):
            known = locals_.setdefault(identifier.name, index_set)
            if isinstance(known, IndexSet) and known != index_set:
                raise failures.Failed(
                    scoping_errors.different_sets(
                        name, formal.name.name, known.name, index_set.name, argument.span
                    )
                )
