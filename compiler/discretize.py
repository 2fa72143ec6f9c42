"""From `Model` to `Problem`: time unrolled, flows turned into steps, limits into blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.assignment import unread_rows
from allocc.compiler.bind import Binder
from allocc.compiler.exponential import exponential_steps, without_states
from allocc.compiler.expression import (
    Data,
    Extreme,
    Node,
    Reduce,
    Variable,
    add,
    constant,
    is_affine,
    multiply,
    negate,
)
from allocc.compiler.forgotten import forgotten_index
from allocc.compiler.index import Axis, Coordinate, join_axes, same_sets, spread
from allocc.compiler.model import CompartmentSymbol, FlowSymbol, Model, along
from allocc.compiler.numeric import reduce_array
from allocc.compiler.problem import (
    ChanceConstraint,
    Comparison,
    Constraint,
    FlowValue,
    ObjectiveTerm,
    Problem,
    ScenarioLimit,
    Update,
)
from allocc.compiler.program import label_text
from allocc.compiler.reports import check_reports
from allocc.compiler.scope import Now, Scope
from allocc.compiler.spaces import Space, bind_index
from allocc.compiler.step_check import check_step
from allocc.compiler.structure import side_name
from allocc.compiler.values import deep_recursion, is_small, reference
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.tree import Span

#: The weights of a chance block's scenarios may miss 1 by this much.
WEIGHTS_TOLERANCE = 1e-6


def discretize(model: Model, effects: bool = True) -> Problem:
    """Unroll a model; raises `AlloccError` with all independent mistakes.

    Warnings are added to `model.diagnostics`. Without `effects` the flows are those of a world in
    which no intervention acts: the baseline that results are compared with.
    """
    assert isinstance(model.binder, Binder)
    model.binder.effects_on = effects
    try:
        with deep_recursion():
            return _Discretizer(model).run()
    finally:
        model.binder.effects_on = True


class _Discretizer:
    def __init__(self, model: Model) -> None:
        self.model = model
        assert isinstance(model.binder, Binder)
        self.binder: Binder = model.binder
        self.evaluator = self.binder.evaluator
        self.collector = Collector()
        self.binder.collector = self.collector
        self.period = Axis(model.time.periods) if model.time is not None else None

    def run(self) -> Problem:
        model = self.model
        flows = self._flows(ahead=False)
        trapezoid = model.time is not None and model.time.method == "trapezoid"
        flows_ahead = self._flows(ahead=True) if trapezoid else {}
        updates: list[Update] = []
        for symbol in model.compartments.values():
            update = self.binder.attempt(lambda s=symbol: self._update(s, flows, flows_ahead))  # type: ignore[misc]
            if update is not None:
                updates.append(update)
        self.binder._active_dynamics = True
        constraints: list[Constraint] = []
        for limit in model.limits:
            found = self.binder.attempt(lambda x=limit: self._limit(x))  # type: ignore[misc]
            constraints.extend(found or [])
        chances: list[ChanceConstraint] = []
        for chance in model.chances:
            block = self.binder.attempt(lambda x=chance: self._chance(x))  # type: ignore[misc]
            if block is not None:
                chances.append(block)
        terms: list[ObjectiveTerm] = []
        if model.objective is not None:
            for term in model.objective.terms:
                made = self.binder.attempt(lambda x=term: self._term(x))  # type: ignore[misc]
                if made is not None:
                    terms.append(made)
        sense = model.objective.sense if model.objective is not None else "minimize"
        for prefer in model.prefers:
            made = self.binder.attempt(lambda x=prefer: self._prefer(x, sense))  # type: ignore[misc]
            if made is not None:
                terms.append(made)
        self.binder._active_dynamics = False
        check_reports(model)
        if model.time is not None and model.time.method == "exponential":
            self._check_linear(flows, model.time.statement)
        self.collector.raise_errors()
        self._unused()
        if model.time is not None and model.time.method == "exponential":
            updates = exponential_steps(updates, model.time)
        if self.period is not None and self.binder.effects_on:
            for diagnostic in check_step(model, list(flows.values()), self.period, self._taken):
                self.collector.add(diagnostic)
        model.diagnostics = [
            *model.diagnostics,
            *(d for d in self.collector.diagnostics if d not in model.diagnostics),
        ]
        return Problem(
            model,
            model.decisions,
            [c.variable for c in model.compartments.values()],
            list(flows.values()),
            list(flows_ahead.values()),
            updates,
            constraints,
            terms,
            sense,
            self.period,
            chances,
            self.binder.effects_on,
        )

    # --- dynamics -------------------------------------------------------------------------

    def _now(self, ahead: bool) -> Now:
        time = self.model.time
        assert time is not None and self.period is not None
        positions = np.arange(time.count)
        point = Coordinate(time.points, (self.period,), positions + (1 if ahead else 0))
        return Now(point, Coordinate(time.periods, (self.period,), positions))

    def _flows(self, ahead: bool) -> dict[str, FlowValue]:
        found: dict[str, FlowValue] = {}
        for name, symbol in self.model.flows.items():
            value = self.binder.attempt(lambda s=symbol: self._flow(s, ahead))  # type: ignore[misc]
            if value is not None:
                found[name] = value
        return found

    def _flow(self, symbol: FlowSymbol, ahead: bool) -> FlowValue:
        time = self.model.time
        if time is None or self.period is None:
            raise errors.Failed(errors.no_time("flow", symbol.statement.span))
        statement = symbol.statement
        own = along(symbol.space.axes, symbol.sets)
        name = statement.name.name
        for side in (statement.origin, statement.target):
            if isinstance(side, tree.Name):
                self._check_side(symbol, side)
        node = self.binder.flow_node(symbol, own, self._now(ahead))
        axes = (*symbol.space.axes, self.period)
        extra = [a for a in node.axes if a not in axes]
        if extra:
            names = [a.set.name for a in extra]
            value, declared = statement.value, self.binder.declared
            forgotten = forgotten_index(value, names, statement.index, declared, now=True)
            what = f"flow '{name}'"
            raise errors.Failed(
                errors.free_index(what, names, value.span, time.name, forgotten=forgotten)
            )
        variable = None
        linear = time.method == "exponential" and is_affine(node)
        if not isinstance(node, Data) and not is_small(node) and not linear:
            variable = Variable(
                name + ("'" if ahead else ""),
                "definition",
                (*symbol.sets, time.periods),
                description=statement.description or "",
                span=statement.span,
                statement=f"flow {name}",
                axes=axes,
                value=node,
                time_axis=len(symbol.sets),
            )
        return FlowValue(symbol, axes, node, variable)

    def _check_side(self, symbol: FlowSymbol, side: tree.Name) -> None:
        """Raise where a bare compartment is over other sets than its flow."""
        sets = self.model.compartments[side.name].variable.sets[:-1]
        if sets and not same_sets(sets, symbol.sets):
            wanted, mine = [s.name for s in sets], [s.name for s in symbol.sets]
            name = symbol.statement.name.name
            raise errors.Failed(errors.flow_index(name, mine, side.name, wanted, side.span))

    def _check_linear(self, flows: dict[str, FlowValue], time: tree.Time) -> None:
        """Report the flows that the exponential step cannot take."""
        for name, flow in flows.items():
            if without_states(flow.node) is None:
                span = flow.symbol.statement.value.span
                method = time.method.span if time.method is not None else time.span
                self.collector.add(errors.not_affine_dynamics(name, span, method))

    def _taken(self, flow: FlowValue, symbol: CompartmentSymbol, own: tuple[Axis, ...]) -> Node:
        """What a flow takes from each point of the compartment that it leaves."""
        origin = flow.symbol.statement.origin
        assert origin is not None
        return self._contribution(flow, origin, symbol, own, ahead=False)

    def _update(
        self,
        symbol: CompartmentSymbol,
        flows: dict[str, FlowValue],
        flows_ahead: dict[str, FlowValue],
    ) -> Update:
        assert self.period is not None
        sets = symbol.variable.sets[:-1]
        own = tuple(Axis(s) for s in sets)
        ahead = None
        rate = self._net(symbol, own, flows, ahead=False)
        if self.model.time is not None and self.model.time.method == "trapezoid":
            ahead = self._net(symbol, own, flows_ahead, ahead=True)
        return Update(symbol, (*own, self.period), rate, ahead)

    def _net(
        self,
        symbol: CompartmentSymbol,
        own: tuple[Axis, ...],
        flows: dict[str, FlowValue],
        ahead: bool,
    ) -> Node:
        total: Node = constant(0.0)
        name = symbol.statement.name.name
        for flow in flows.values():
            statement = flow.symbol.statement
            for side, sign in ((statement.target, 1.0), (statement.origin, -1.0)):
                if side is not None and side_name(side) == name:
                    part = self._contribution(flow, side, symbol, own, ahead)
                    total = add(total, multiply(constant(sign), part))
        return total

    def _contribution(
        self,
        flow: FlowValue,
        side: tree.Name | tree.Subscript,
        symbol: CompartmentSymbol,
        own: tuple[Axis, ...],
        ahead: bool,
    ) -> Node:
        """What a flow brings to (or takes from) each point of a compartment."""
        sets = symbol.variable.sets[:-1]
        space = flow.symbol.space
        if isinstance(side, tree.Name) and sets:
            at = tuple(
                Coordinate(s, (a,), np.arange(a.size))
                for s, a in zip(flow.symbol.sets, own, strict=True)
            )
            return self._at(flow, at, ahead)
        indices = side.indices if isinstance(side, tree.Subscript) else ()
        places, _ = self.evaluator.pick(
            symbol.statement.name.name, sets, indices, space.scope, side.span
        )
        value = self._at(flow, along(space.axes, flow.symbol.sets), ahead)
        return _scatter(value, flow.axes[:-1], places, own)

    def _at(self, flow: FlowValue, at: tuple[Coordinate, ...], ahead: bool) -> Node:
        now = self._now(ahead)
        if flow.variable is not None:
            return reference(flow.variable, (*at, now.period), flow.symbol.statement.span)
        return self.binder.flow_node(flow.symbol, at, now)

    # --- limits and objective ---------------------------------------------------------------

    def _space(self, index: tree.Index | None) -> Space:
        return bind_index(index, Scope(), self.evaluator, self.binder.time_name)

    def _sides(
        self, statement: tree.Limit | tree.Prefer, space: Space
    ) -> list[tuple[Node, str, Node]]:
        """The comparisons of a relation, each as left side, operator, right side."""
        relation = statement.relation
        if not isinstance(relation, tree.Comparison):
            raise errors.Failed(errors.not_a_relation(relation.span))
        sides = relation.operands
        for k, operator in enumerate(relation.operators):
            if operator not in ("<=", ">=", "=="):
                raise errors.Failed(
                    errors.strict_relation(_between(sides[k].span, sides[k + 1].span), operator)
                )
        nodes = [self.evaluator.number(e, space.scope) for e in sides]
        word = "limit" if isinstance(statement, tree.Limit) else "prefer"
        name = statement.name.name
        for node, side in zip(nodes, sides, strict=True):
            extra = [a.set.name for a in node.axes if a not in space.axes]
            if extra:
                where, declare = f"each side of '{name}'", f"{word} {name}"
                time, declared = self.binder.time_name, self.binder.declared
                forgotten = forgotten_index(side, extra, statement.index, declared)
                raise errors.Failed(
                    errors.free_index(where, extra, side.span, time, declare, forgotten)
                )
        return [(nodes[k], op, nodes[k + 1]) for k, op in enumerate(relation.operators)]

    def _bodies(self, statement: tree.Limit | tree.Prefer, space: Space) -> list[tuple[Node, bool]]:
        """`body <= 0` (or `body == 0` where True) for each comparison of a relation."""
        return [_body(*sides) for sides in self._sides(statement, space)]

    def _limit(self, statement: tree.Limit) -> list[Constraint]:
        space = self._space(statement.index)
        name = statement.name.name
        found = []
        for place, sides in enumerate(self._sides(statement, space)):
            body, equal = _body(*sides)
            if isinstance(body, Data):
                self._data_limit(statement, space, body, equal)
                continue
            lower = 0.0 if equal else -np.inf
            found.append(
                Constraint(
                    name,
                    space.axes,
                    body,
                    Data((), np.asarray(lower)),
                    Data((), np.asarray(0.0)),
                    row_labels(space),
                    statement.span,
                    description=statement.description or "",
                    written=Comparison(statement, place, *sides, space),
                )
            )
        return found

    def _chance(self, statement: tree.Chance) -> ChanceConstraint:
        """A chance block: its scenarios, their weights, and what must hold in them together."""
        name = statement.name.name
        space = self._space(statement.scenario)
        probability = self.evaluator.data(
            statement.probability, Scope(), f"the probability of '{name}'"
        )
        weight = self.evaluator.data(statement.weight, space.scope, f"the weight of '{name}'")
        for data, over, e, what in (
            (probability, (), statement.probability, f"the probability of '{name}'"),
            (weight, space.axes, statement.weight, f"the weight of '{name}'"),
        ):
            extra = [a.set.name for a in data.axes if a not in over]
            if extra:
                raise errors.Failed(errors.free_index(what, extra, e.span, self.binder.time_name))
        asked = float(probability.values)
        if not 0.0 < asked <= 1.0:
            reason = f"the probability must lie above 0 and at most at 1, not at {asked:g}"
            raise errors.Failed(errors.bad_chance(name, reason, statement.probability.span))
        full = np.broadcast_to(spread(weight.values, weight.axes, space.axes), space.shape)
        weights = np.asarray(full, dtype=float).ravel()
        if (weights < 0).any():
            reason = f"a weight is negative: {float(weights.min()):g}"
            raise errors.Failed(errors.bad_chance(name, reason, statement.weight.span))
        if abs(float(weights.sum()) - 1.0) > WEIGHTS_TOLERANCE:
            reason = f"the weights add up to {float(weights.sum()):.9g}, not to 1"
            text = statement.weight.span.text
            hint = f"divide them by their sum, or check the data behind `{text}`"
            raise errors.Failed(errors.bad_chance(name, reason, statement.weight.span, hint))
        limits: list[ScenarioLimit] = []
        for limit in statement.limits:
            found = self.binder.attempt(lambda x=limit: self._scenario_limit(x, space))  # type: ignore[misc]
            limits.extend(found or [])
        description = statement.description or ""
        labels = row_labels(space)
        return ChanceConstraint(
            name, asked, weights, limits, labels, statement.name.span, description
        )

    def _scenario_limit(self, statement: tree.Limit, scenario: Space) -> list[ScenarioLimit]:
        """The rows of a limit in every scenario; an equation holds from both sides."""
        own = bind_index(statement.index, scenario.scope, self.evaluator, self.binder.time_name)
        # A filter on data of the scenarios makes pairs, which know their scenario.
        outer = tuple(a for a in scenario.axes if a not in own.scatter)
        axes = (*outer, *own.axes)
        keys = (*scenario.keys, *own.keys)
        space = Space(axes, own.scope, {}, None, keys)
        flat = np.zeros((1,) * len(axes), dtype=np.int64)
        for axis in scenario.axes:
            if axis in own.scatter:
                assert own.pair is not None
                place = spread(own.scatter[axis], (own.pair,), axes)
            else:
                place = spread(np.arange(axis.size), (axis,), axes)
            flat = flat * axis.size + place
        position = np.broadcast_to(flat, space.shape).ravel()
        found = []
        for k, sides in enumerate(self._sides(statement, space)):
            body, equal = _body(*sides)
            for side in (body, negate(body)) if equal else (body,):
                constraint = Constraint(
                    statement.name.name,
                    axes,
                    side,
                    Data((), np.asarray(-np.inf)),
                    Data((), np.asarray(0.0)),
                    row_labels(space),
                    statement.span,
                    description=statement.description or "",
                    written=Comparison(statement, k, *sides, space),
                )
                found.append(ScenarioLimit(constraint, position))
        return found

    def _data_limit(self, statement: tree.Limit, space: Space, body: Data, equal: bool) -> None:
        """Report a limit that no decision can change."""
        name, span = statement.name.name, statement.relation.span
        scale = 1e-9 * max(1.0, float(np.max(np.abs(body.values), initial=0.0)))
        bad = np.abs(body.values) > scale if equal else body.values > scale
        where = ""
        if bad.any() and space.axes:
            full = np.broadcast_to(spread(bad, body.axes, space.axes), space.shape)
            k = int(np.flatnonzero(full)[0])
            where = f" for [{', '.join(label_text(x) for x in row_labels(space)(k))}]"
        self.collector.add(errors.limit_without_decision(name, span, not bad.any(), where))

    def _prefer(self, statement: tree.Prefer, sense: str) -> ObjectiveTerm:
        space = self._space(statement.index)
        name = statement.name.name
        weight = self.evaluator.data(statement.penalty, space.scope, f"the penalty of '{name}'")
        span = statement.penalty.span
        if (weight.values < 0).any():
            value = f"{float(weight.values.min()):g}"
            raise errors.Failed(errors.negative_penalty(name, value, span))
        extra = [a.set.name for a in weight.axes if a not in space.axes]
        if extra:
            time = self.binder.time_name
            where = f"the penalty of '{name}'"
            raise errors.Failed(errors.free_index(where, extra, span, time, f"prefer {name}"))
        total: Node = constant(0.0)
        for body, equal in self._bodies(statement, space):
            zero = constant(0.0)
            excess = _positive(body, zero)
            if equal:
                excess = add(excess, _positive(negate(body), zero))
            total = add(total, multiply(weight, excess))
        over = tuple(a for a in space.axes)
        if over:
            total = reduce_node(total, over, {})
        if sense == "maximize":
            total = negate(total)
        return ObjectiveTerm(name, total, statement.span, statement.description or "", True)

    def _term(self, term: tree.Term) -> ObjectiveTerm:
        node = self.evaluator.number(term.value, Scope())
        if node.axes:
            names = [a.set.name for a in node.axes]
            where, time = f"objective term '{term.name.name}'", self.binder.time_name
            forgotten = forgotten_index(term.value, names, None, self.binder.declared)
            raise errors.Failed(
                errors.free_index(where, names, term.value.span, time, forgotten=forgotten)
            )
        return ObjectiveTerm(term.name.name, node, term.span, term.description or "")

    def _unused(self) -> None:
        d = self.binder.declared
        kinds = {
            tree.Table: "table",
            tree.SetDeclaration: "set",
            tree.Parameter: "parameter",
            tree.Let: "let",
            tree.Function: "function",
            tree.Decide: "decision",
        }
        for name, statement in d.names.items():
            kind = kinds.get(type(statement))
            if kind and name not in self.binder.used and name not in d.library:
                self.collector.add(errors.unused_name(kind, name, statement.name.span))
        for diagnostic in unread_rows(self.binder):
            self.collector.add(diagnostic)


def _body(left: Node, operator: str, right: Node) -> tuple[Node, bool]:
    """`body <= 0`, or `body == 0` where True, for a comparison."""
    if operator == ">=":
        left, right = right, left
    return add(left, negate(right)), operator == "=="


def _between(first: Span, second: Span) -> Span:
    """The words between two spans, without the blanks around them."""
    text = first.source.text[first.stop : second.start]
    start = first.stop + len(text) - len(text.lstrip(" \t\r\n)"))
    return Span(first.source, start, start + max(len(text.strip(" \t\r\n()")), 1))


def row_labels(space: Space) -> Any:
    """The labels of a statement's rows, made when they are asked for."""
    dimensions = space.dimensions
    axes = space.axes
    shape = space.shape

    def labels(k: int) -> tuple[Any, ...]:
        where = dict(zip(axes, np.unravel_index(k, shape), strict=True)) if axes else {}
        found: list[Any] = []
        for c in dimensions:
            place = tuple(where[a] for a in c.axes)
            found.extend(c.set.label(int(c.positions[place])))
        return tuple(found)

    return labels


def _positive(body: Node, zero: Node) -> Node:
    if isinstance(body, Data):
        return Data(body.axes, np.maximum(body.values, 0.0))
    return Extreme("max", (body, zero), body.axes, body.span)


def _scatter(
    value: Node, flow_axes: tuple[Axis, ...], places: Sequence[Coordinate], own: tuple[Axis, ...]
) -> Node:
    """Sum a flow over its axes into the compartment's points that `places` name."""
    by_axis: dict[Axis, dict[Axis, Any]] = {}
    for place, axis in zip(places, own, strict=True):
        if len(place.axes) == 1:
            by_axis.setdefault(place.axes[0], {})[axis] = place.positions
        else:
            hit = place.positions[..., None] == np.arange(axis.size)
            value = multiply(Data((*place.axes, axis), hit.astype(float)), value)
    rest = tuple(a for a in flow_axes if a not in by_axis)
    if rest:
        value = reduce_node(value, rest, {})
    for along_axis, scatter in by_axis.items():
        value = reduce_node(value, (along_axis,), scatter)
    return value


def reduce_node(value: Node, over: tuple[Axis, ...], scatter: dict[Axis, Any]) -> Node:
    """Sum over axes, folded for data."""
    kept = tuple(a for a in value.axes if a not in over)
    axes = join_axes(tuple(scatter), kept)
    if isinstance(value, Data):
        return Data(axes, reduce_array("sum", value.values, value.axes, over, axes, scatter))
    return Reduce("sum", value, over, axes, scatter, value.span)
