"""Observations: an expression of the model beside what a table has of it, at the points of time.

A bare column of a table with one key is taken at the row of each point. A point counts where every
column that the data mention has a number there; a column with an `else` always has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, variables
from allocc.compiler.algebra.index import Axis, Coordinate, spread
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.fitting import errors
from allocc.compiler.fitting.problem import ErrorKind, Observation
from allocc.compiler.names.fits import counted_flow
from allocc.compiler.scoping.forgotten import refuse_free
from allocc.compiler.scoping.model import Horizon, along, enter
from allocc.compiler.scoping.scope import Now, Scope
from allocc.dsl import tree


def observe(part: tree.Observe, evaluator: Evaluator, acting: bool = False) -> Observation:
    """What an `observe` says; raises `errors.Failed`. Effects may be `acting` on what the model has."""
    return _Observing(part, evaluator, acting).read()


def counted(flow: str) -> str:
    """The name of the compartment that counts what a flow moves; no model can declare it."""
    return f"counted {flow}"


class _Observing:
    def __init__(self, part: tree.Observe, evaluator: Evaluator, acting: bool) -> None:
        self.part = part
        self.acting = acting
        self.evaluator = evaluator
        symbols = evaluator.symbols
        assert symbols.time_name is not None
        self.time: Horizon = symbols.resolve(symbols.time_name)
        self.flow = counted_flow(part, symbols.declared) is not None
        #: What is counted from a point to the next has none at the last one.
        self.moment = Axis(self.time.periods if self.flow else self.time.points)
        space, sets = evaluator.space(part.index)
        #: The axes of what is bound, then the moments.
        self.axes = (*space.axes, self.moment)
        now = self._now()
        inner = enter(space, along(space.axes, sets), Scope(), now)
        self.scope = inner.with_names({symbols.time_name: now.point})

    def _now(self) -> Now:
        positions = np.arange(self.moment.size)
        point = Coordinate(self.time.points, (self.moment,), positions)
        last = np.minimum(positions, self.time.count - 1)
        return Now(point, Coordinate(self.time.periods, (self.moment,), last))

    def read(self) -> Observation:
        part = self.part
        e = self._between(part.value) if self.flow else part.value
        value = self.evaluator.within(effects=self.acting).number(e, self.scope)
        name = self._name()
        declared = self.evaluator.symbols.declared
        refuse_free(value, self.axes, f"'{name}'", part.value, declared, part.index, now=True)
        kind, data_of, more = self._kind()
        seen = self._seen(data_of)
        data = self._numbers(data_of, seen, "what is observed")
        weight = np.ones(data.shape)
        if part.weight is not None:
            weight = self._numbers(part.weight, seen, "a weight")
            self._positive(weight, seen, "a weight", part.weight)
        spread_of = None
        if more is not None:
            spread_of = self._numbers(more, seen, "what the error is told")
            self._positive(spread_of, seen, f"the second number of {kind}", more)
        self._possible(kind, data, seen, data_of)
        return Observation(
            name,
            self.axes,
            value,
            data,
            seen,
            weight,
            kind,
            spread_of,
            self.flow,
            self._description(),
            part.span,
        )

    def _name(self) -> str:
        """What is observed, as it is written; its index goes with the labels."""
        e = self.part.value
        if self.part.index is not None and isinstance(e, tree.Subscript):
            e = e.base
        return " ".join(e.span.text.split())

    def _description(self) -> str:
        """What the model says of a compartment or a flow that is observed by itself."""
        e = self.part.value
        base = e.base if isinstance(e, tree.Subscript) else e
        name = base.name if isinstance(base, tree.Name) else ""
        found = self.evaluator.symbols.declared.names.get(name)
        return getattr(found, "description", None) or ""

    def _between(self, e: tree.Expression) -> tree.Expression:
        """What has been counted of a flow at the next point, less what was at this one."""
        base, given = (e.base, e.indices) if isinstance(e, tree.Subscript) else (e, ())
        assert isinstance(base, tree.Name)
        here = tree.Name(self.time.name, e.span)
        following = tree.Binary("+", here, tree.Number(1.0, "1", None, e.span), e.span)
        name = tree.Name(counted(base.name), base.span)
        last, first = (tree.Subscript(name, (*given, t), e.span) for t in (following, here))
        return tree.Binary("-", last, first, e.span)

    def _kind(self) -> tuple[ErrorKind, tree.Expression, tree.Expression | None]:
        """The kind of error, what was observed, and what else the error is told."""
        if self.part.operator == "=":
            return "squares", self.part.data, None
        call = self.part.data
        assert isinstance(call, tree.Call)
        kind: Any = call.function.name
        return kind, call.arguments[0], (*call.arguments, None)[1]

    def _seen(self, e: tree.Expression) -> BoolArray:
        """Where every column that an expression mentions has a number."""
        shape = tuple(a.size for a in self.axes)
        found = np.ones(shape, dtype=bool)
        for field, indices in _columns(e):
            table = self.evaluator.symbols.table(field.table)
            if not table.keys:
                continue
            nothing = Data((), np.asarray(np.nan))
            at = self._at(indices, field.span)
            try:
                known = self.evaluator.column(field, at, self.scope, nothing, True)
            except failures.Outside:
                # The table has no row at any point.
                return np.zeros(shape, dtype=bool)
            assert isinstance(known, Data)
            if any(a not in self.axes for a in known.axes):
                continue
            found = found & ~np.isnan(spread(known.values.astype(float), known.axes, self.axes))
        return found

    def _at(
        self, indices: tuple[tree.Expression, ...] | None, span: tree.Span
    ) -> tuple[tree.Expression, ...]:
        """The row of a bare column: that of the point."""
        return indices or (tree.Name(self.time.name, span),)

    def _numbers(self, e: tree.Expression, seen: BoolArray, what: str) -> FloatArray:
        """An expression of data over the axes; where nothing is seen, whatever it is."""
        if not seen.any():
            return np.zeros(seen.shape)
        scope = replace(self.scope, guard=Data(self.axes, seen))
        node = self.evaluator.number(self._timed(e), scope)
        if not isinstance(node, Data):
            first = variables(node)[0].name
            raise failures.Failed(algebra_errors.needs_data(what, first, e.span))
        declared = self.evaluator.symbols.declared
        refuse_free(node, self.axes, what, e, declared, self.part.index, now=True)
        shape = tuple(a.size for a in self.axes)
        return np.broadcast_to(spread(node.values, node.axes, self.axes), shape).astype(float)

    def _timed(self, e: Any) -> Any:
        """The expression with its bare columns at the row of the point."""
        if isinstance(e, tree.Field):
            table = self.evaluator.symbols.table(e.table)
            return tree.Subscript(e, self._at(None, e.span), e.span) if table.keys else e
        if isinstance(e, tree.Subscript):
            return e
        if isinstance(e, tuple):
            return tuple(map(self._timed, e))
        if not hasattr(e, "__dataclass_fields__") or isinstance(e, tree.Span):
            return e
        parts = {n: self._timed(getattr(e, n)) for n in e.__dataclass_fields__ if n != "span"}
        return replace(e, **parts)

    def _positive(self, values: FloatArray, seen: BoolArray, what: str, e: tree.Expression) -> None:
        if not (values[seen] > 0).all():
            raise failures.Failed(errors.bad_weight(what, e.span))

    def _possible(
        self, kind: ErrorKind, data: FloatArray, seen: BoolArray, e: tree.Expression
    ) -> None:
        """Raise where data cannot be of the kind of their error."""
        if kind == "lognormal":
            bad = seen & (data <= 0)
        elif kind in ("poisson", "negative_binomial"):
            bad = seen & ((data < 0) | (data != np.rint(data)))
        else:
            return
        for point in np.argwhere(bad)[:1]:
            moment = self.time.points.texts[0][int(point[-1])]
            value, at = f"{data[tuple(point)]:.12g}", f" at {self.time.name} = {moment}"
            raise failures.Failed(errors.impossible_count(kind, value, e.span, at))


def _columns(e: Any) -> Iterator[tuple[tree.Field, tuple[tree.Expression, ...] | None]]:
    """The columns that an expression mentions, with their subscripts, but for those with an `else`."""
    match e:
        case tree.Fallback():
            return
        case tree.Field():
            yield e, None
        case tree.Subscript(base=tree.Field() as base, indices=indices):
            yield base, indices
        case tuple():
            for part in e:
                yield from _columns(part)
        case _ if hasattr(e, "__dataclass_fields__") and not isinstance(e, tree.Span):
            for name in e.__dataclass_fields__:
                if name != "span":
                    yield from _columns(getattr(e, name))
