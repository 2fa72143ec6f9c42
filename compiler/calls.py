"""Calls: the built-in functions, sums over an index, and the functions that a model declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.expression import (
    Apply,
    Data,
    Extreme,
    Node,
    Reduce,
    constant,
    data_binary,
    multiply,
)
from allocc.compiler.index import Axis, IndexSet, join_axes
from allocc.compiler.numeric import reduce_array
from allocc.compiler.scope import Closure, Local, Scope
from allocc.compiler.spaces import bind_index
from allocc.compiler.subscripts import Subscripts
from allocc.dsl import tree
from allocc.dsl.tree import Span

#: Functions calling functions deeper than this are taken for a recursion without end.
DEEPEST = 60


class Calls(Subscripts):
    """The part of an evaluator that expands calls."""

    def _call(self, e: tree.Call, scope: Scope) -> Node:
        name = e.function.name
        if e.index is not None:
            if name not in ("sum", "mean", "min", "max"):
                hint = "only sum, mean, min and max bind an index"
                raise errors.Failed(
                    errors.wrong_kind(
                        name, "a function", "sum, mean, min or max", e.function.span, hint
                    )
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
            raise errors.Failed(
                errors.wrong_argument_count(name, "two arguments or more", 0, e.span)
            )
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
                        errors.index_mismatch(
                            formal.name.name, f"[{sets}]", f"[{given}]", argument.span
                        )
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
                            e.span.text,
                            "without an array",
                            f"an array for {formal.name.name}",
                            e.span,
                        )
                    )
        inner = Scope(locals_, scope.now, scope.anonymous, scope.guard, scope.depth + 1)
        return self.node(function.value, inner)
