"""From `BoundModel` to `Problem`: time unrolled, flows turned into the steps of compartments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.expression import (
    Data,
    Node,
    Variable,
    add,
    constant,
    depends_on_states,
    multiply,
    variables,
)
from allocc.compiler.algebra.index import Axis, Coordinate, same_sets, spread
from allocc.compiler.algebra.numeric import sum_over
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.values import deep_recursion, is_small, reference
from allocc.compiler.names.structure import side_name
from allocc.compiler.origin import Origin
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.context import Context, Opened
from allocc.compiler.scoping.forgotten import refuse_free
from allocc.compiler.scoping.model import (
    END_SHARE,
    BoundModel,
    CompartmentSymbol,
    FlowSymbol,
    along,
)
from allocc.compiler.scoping.scope import Now
from allocc.compiler.scoping.symbols import ModelSymbols
from allocc.compiler.scoping.usage import Expanded
from allocc.compiler.unrolling import errors as unrolling_errors
from allocc.compiler.unrolling.ahead import read_ahead
from allocc.compiler.unrolling.constraints import (
    apart_constraint,
    chance_constraint,
    limit_constraints,
    objective_term,
    penalty,
)
from allocc.compiler.unrolling.exponential_step import exponential_steps, without_states
from allocc.compiler.unrolling.problem import (
    ChanceConstraint,
    Constraint,
    FlowEnd,
    FlowEnds,
    FlowValue,
    ObjectiveTerm,
    Problem,
    Update,
)
from allocc.compiler.unrolling.reports import check_reports
from allocc.compiler.unrolling.step_check import check_step
from allocc.compiler.unrolling.unused import unused
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic


def discretize(
    model: BoundModel, effects: bool = True, warn: bool = True, one_of_many: bool = False
) -> Problem:
    """Unroll a model; raises `DiagnosticError` with all independent mistakes.

    Warnings are kept in `Problem.diagnostics`. Without `effects` the flows are those of a world in
    which no intervention acts: the baseline that results are compared with. That world, and one that
    is read without `warn`, is not looked through for what is unused or too coarse. In a world that is `one_of_many`, a
    limit of data alone that does not hold is no mistake: it holds in no allocation of that world.
    """
    context = Context(effects, one_of_many=one_of_many)
    with deep_recursion():
        return _Discretizer(model, context, effects and warn).run()


def read_flows(model: BoundModel, opened: Opened) -> tuple[list[FlowValue], list[FlowEnds], Axis]:
    """The flows of a model over time in which no intervention acts, with opened parameters in them.

    Each is written out in full; with it comes which points of compartments it takes from and brings
    to, and for all of them the axis of periods.
    """
    with deep_recursion():
        reading = _Discretizer(model, Context(effects=False, opened=opened))
        return reading.flows_alone()


def flow_ends(problem: Problem) -> list[FlowEnds]:
    """Where each flow of a problem comes from and goes to, in the order of `problem.flows`."""
    with deep_recursion():
        reading = _Discretizer(problem.model, problem.context)
        return [reading.ends(flow) for flow in problem.flows]


def with_flows_apart(problem: Problem, flows: Mapping[str, Variable]) -> Problem:
    """The problem whose limits and terms read unknowns of their own for flows, and not their formulas.

    There is one for each flow, over its sets and the periods. Raises `DiagnosticError` where expressions that
    are written out in full are too large.
    """
    context = replace(problem.context, opened=Opened(flows, frozenset()))
    with deep_recursion():
        reading = _Discretizer(problem.model, context)
        constraints, chances, terms = reading.rules(problem.sense)
        reading.collector.raise_errors()
    return replace(problem, constraints=constraints, chances=chances, terms=terms)


class _Discretizer:
    def __init__(self, model: BoundModel, context: Context, warn: bool = False) -> None:
        self.model = model
        self.warn = warn
        self.symbols = ModelSymbols(model, Collector())
        self.collector = self.symbols.collector
        expanded = model.expanded.copy() if context.opened is None else Expanded()
        self.evaluator = Evaluator(self.symbols, context, expanded)
        self.period = Axis(model.time.periods) if model.time is not None else None
        #: The flows without a mistake at the begin of a period: one is not told for both ends.
        self.sound: set[str] = set()

    def run(self) -> Problem:
        model, attempt = self.model, self.symbols.attempt
        method = model.time.method if model.time is not None else None
        flows = self._flows(ahead=False)
        flows_ahead = self._flows(ahead=True) if method in END_SHARE else {}
        updates: list[Update] = []
        for symbol in model.compartments.values():
            update = attempt(self._update, symbol, flows, flows_ahead)
            if update is not None:
                updates.append(update)
        sense = model.objective.sense if model.objective is not None else "minimize"
        constraints, chances, terms = self.rules(sense)
        check_reports(model, self.evaluator.within(time_required=True))
        if model.time is not None and method == "exponential":
            self._check_linear(flows, model.time.statement)
        self.collector.raise_errors()
        # What nothing reads is told once, of the model with its interventions.
        for diagnostic in unused(self.symbols) if self.warn else ():
            self.collector.add(diagnostic)
        if model.time is not None and method == "exponential":
            assert self.period is not None
            sources = [self._update(u.compartment, flows, {}) for u in updates]
            updates = exponential_steps(updates, sources, model.time, self.period)
        if self.period is not None and self.warn:
            for diagnostic in check_step(model, list(flows.values()), self.period, self._taken):
                self.collector.add(diagnostic)
        starts = {c.variable: _initial(c) for c in model.compartments.values()}
        return Problem(
            model=model,
            decisions=model.decisions,
            states=[c.variable for c in model.compartments.values()],
            flows=list(flows.values()),
            flows_ahead=list(flows_ahead.values()),
            updates=updates,
            constraints=constraints,
            terms=terms,
            sense=sense,
            period=self.period,
            chances=chances,
            starts=starts,
            ranges={v: (_held(v.ends[0], x), _held(v.ends[1], x)) for v, x in starts.items()},
            context=self.evaluator.context,
            diagnostics=_joined(model.diagnostics, self.collector.diagnostics),
            calls=self.evaluator.expanded.calls,
        )

    def rules(
        self, sense: Literal["minimize", "maximize"]
    ) -> tuple[list[Constraint], list[ChanceConstraint], list[ObjectiveTerm]]:
        """Limits, chance blocks and terms of the objective; mistakes go to the collector."""
        model, attempt = self.model, self.symbols.attempt
        timed = self.evaluator.within(time_required=True)
        constraints: list[Constraint] = []
        statements = model.declared.every(tree.Decide)
        # A world without decisions, as a fit has, has no range to keep.
        for v in model.decisions:
            interval = statements[v.name].interval
            if interval is not None and interval.apart is not None:
                found = attempt(apart_constraint, statements[v.name], v, timed)
                constraints += [found] if found is not None else []
        for limit in model.limits:
            constraints.extend(attempt(limit_constraints, limit, timed) or [])
        blocks = [attempt(chance_constraint, chance, timed) for chance in model.chances]
        terms: list[ObjectiveTerm | None] = []
        if model.objective is not None:
            terms += [attempt(objective_term, t, timed) for t in model.objective.terms]
        terms += [attempt(penalty, p, sense, timed) for p in model.prefers]
        chances = [b for b in blocks if b is not None]
        return constraints, chances, [t for t in terms if t is not None]

    def flows_alone(self) -> tuple[list[FlowValue], list[FlowEnds], Axis]:
        """What `read_flows` says."""
        assert self.period is not None
        flows = list(self._flows(ahead=False).values())
        self.collector.raise_errors()
        return flows, [self.ends(flow) for flow in flows], self.period

    def ends(self, flow: FlowValue) -> FlowEnds:
        """Where a flow comes from and where it goes to."""
        return FlowEnds(*(self._end(flow, s) for s in _sides(flow.symbol)))

    def _end(self, flow: FlowValue, side: tree.Name | tree.Subscript | None) -> FlowEnd | None:
        """For each point of a flow's index, the point of the compartment at one of its sides."""
        name = side_name(side)
        if side is None or name is None:
            return None
        sets, space = self.model.compartments[name].variable.sets[:-1], flow.symbol.space
        shape = tuple(a.size for a in space.axes)
        if isinstance(side, tree.Name) and sets:
            return FlowEnd(name, np.arange(math.prod(shape)))
        indices = side.indices if isinstance(side, tree.Subscript) else ()
        places, _ = self.evaluator.pick(name, sets, indices, space.scope, side.span)
        flat = np.zeros((1,) * len(shape), dtype=np.int64)
        for s, place in zip(sets, places, strict=True):
            flat = flat * len(s) + spread(place.positions, place.axes, space.axes)
        return FlowEnd(name, np.broadcast_to(flat, shape).ravel())

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
            if ahead and name not in self.sound:
                continue
            value = self.symbols.attempt(self._flow, symbol, ahead)
            if value is not None:
                found[name] = value
                self.sound.add(name)
        return found

    def _flow(self, symbol: FlowSymbol, ahead: bool) -> FlowValue:
        time = self.model.time
        assert time is not None and self.period is not None
        statement = symbol.statement
        own = along(symbol.space.axes, symbol.sets)
        name = statement.name.name
        for side in (statement.origin, statement.target):
            if isinstance(side, tree.Name):
                self._check_side(symbol, side)
        node = self.evaluator.flow_node(symbol, own, self._now(ahead))
        axes = (*symbol.space.axes, self.period)
        declared, index = self.symbols.declared, statement.index
        refuse_free(node, axes, f"flow '{name}'", statement.value, declared, index, now=True)
        early = None if ahead else read_ahead(node, self.period)
        if early is not None:
            raise failures.Failed(
                unrolling_errors.reads_ahead(name, early.span or statement.span, time.name)
            )
        variable = None
        # The exponential step has to see which compartments a flow mentions; so has who analyzes it.
        written_out = time.method == "exponential" and any(map(depends_on_states, variables(node)))
        written_out = written_out or self.evaluator.context.opened is not None
        if not isinstance(node, Data) and not is_small(node) and not written_out:
            variable = Variable(
                name + ("'" if ahead else ""),
                "definition",
                (*symbol.sets, time.periods),
                description=statement.description or "",
                origin=Origin("flow", name, statement.span),
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
            raise failures.Failed(
                scoping_errors.flow_index(name, mine, side.name, wanted, side.span)
            )

    def _check_linear(self, flows: dict[str, FlowValue], time: tree.Time) -> None:
        """Report the flows that the exponential step cannot take."""
        assert self.period is not None
        for name, flow in flows.items():
            if without_states(flow.node, self.period) is None:
                span = flow.symbol.statement.value.span
                method = time.method.span if time.method is not None else time.span
                self.collector.add(unrolling_errors.not_affine_dynamics(name, span, method))

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
        own = tuple(Axis(s) for s in symbol.variable.sets[:-1])
        rate = self._net(symbol, own, flows, ahead=False)
        share = None if self.model.time is None else END_SHARE.get(self.model.time.method)
        if share is None:
            return Update(symbol, (*own, self.period), rate)
        ahead = self._net(symbol, own, flows_ahead, ahead=True)
        return Update(symbol, (*own, self.period), rate, ahead, share=share)

    def _net(
        self,
        symbol: CompartmentSymbol,
        own: tuple[Axis, ...],
        flows: dict[str, FlowValue],
        ahead: bool,
    ) -> Node:
        """What enters each point of a compartment less what leaves it, per unit of time."""
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
            return self._at(flow, along(own, flow.symbol.sets), ahead)
        indices = side.indices if isinstance(side, tree.Subscript) else ()
        name = symbol.statement.name.name
        places, _ = self.evaluator.pick(name, sets, indices, space.scope, side.span)
        value = self._at(flow, along(space.axes, flow.symbol.sets), ahead)
        return _scatter(value, flow.axes[:-1], places, own)

    def _at(self, flow: FlowValue, at: tuple[Coordinate, ...], ahead: bool) -> Node:
        """A flow at coordinates of its own index, for every period."""
        now = self._now(ahead)
        if flow.variable is not None:
            return reference(flow.variable, (*at, now.period), flow.symbol.statement.span)
        return self.evaluator.flow_node(flow.symbol, at, now)


def _sides(symbol: FlowSymbol) -> tuple[tree.Name | tree.Subscript | None, ...]:
    return symbol.statement.origin, symbol.statement.target


def _initial(symbol: CompartmentSymbol) -> FloatArray:
    assert symbol.initial is not None
    return symbol.initial


def _held(end: FloatArray, initial: FloatArray) -> FloatArray:
    """An end of a compartment's range that is its initial value at the first point."""
    found = end.copy()
    found[..., 0] = initial
    return found


def _joined(first: Iterable[Diagnostic], more: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """All diagnostics, each once."""
    return tuple(dict.fromkeys((*first, *more)))


def _scatter(
    value: Node, flow_axes: tuple[Axis, ...], places: Sequence[Coordinate], own: tuple[Axis, ...]
) -> Node:
    """Sum a flow over its axes into the compartment's points that `places` name."""
    by_axis: dict[Axis, dict[Axis, IntArray]] = {}
    for place, axis in zip(places, own, strict=True):
        if len(place.axes) == 1:
            by_axis.setdefault(place.axes[0], {})[axis] = place.positions
        else:
            hit = place.positions[..., None] == np.arange(axis.size)
            value = multiply(Data((*place.axes, axis), hit.astype(float)), value)
    value = sum_over(value, tuple(a for a in flow_axes if a not in by_axis))
    for along_axis, scatter in by_axis.items():
        value = sum_over(value, (along_axis,), scatter)
    return value
