"""Compartments, flows and effects that cannot do what they are there for.

What depends on the course of the compartments is taken from one simulation with every decision at its
lower end, so that each message tells what was seen, not what is feared.
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.algebra.expression import Data
from allocc.compiler.algebra.index import Axis, Coordinate, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.evaluating.aligned import named_point
from allocc.compiler.labels import shown_label
from allocc.compiler.lint import messages
from allocc.compiler.lint.subject import Subject
from allocc.compiler.names.structure import side_name
from allocc.compiler.scoping.model import FlowSymbol, ParameterSymbol, along
from allocc.compiler.scoping.scope import Now, Scope
from allocc.compiler.unrolling.problem import FlowValue, Problem
from allocc.compiler.unrolling.simulate import Values, lowest, lows, simulate
from allocc.dsl.diagnostics import Diagnostic

#: What is negative by less than this, relative to the largest value, may be rounding.
ROUNDING = 1e-6
#: A step that is too long is tried again in so many parts.
PARTS = (2, 4, 8, 16, 32, 64)
#: Compartments of more points than this are not simulated again.
MOST_POINTS = 100_000


def check_compartments(subject: Subject) -> list[Diagnostic]:
    """Compartments that no flow touches, and those that stay empty."""
    found = []
    # A flow that moves nothing is told of by itself.
    flows = subject.model.flows.values()
    for name, symbol in subject.model.compartments.items():
        if not subject.own(symbol.statement.span):
            continue
        entering = any(side_name(f.statement.target) == name for f in flows)
        leaving = any(side_name(f.statement.origin) == name for f in flows)
        span = symbol.statement.name.span
        if not entering and not leaving:
            found.append(messages.still_compartment(name, span))
        elif not entering and symbol.initial is not None and not symbol.initial.any():
            found.append(messages.empty_compartment(name, span))
    return found


def _moves_nothing(flow: FlowValue) -> bool:
    return isinstance(flow.node, Data) and not flow.node.values.any()


def check_flows(subject: Subject) -> list[Diagnostic]:
    """Flows that are always zero, though no effect acts on them."""
    return [
        messages.still_flow(f.symbol.statement.name.name, f.symbol.statement.value.span)
        for f in subject.problem.flows
        if subject.own(f.symbol.statement.span) and not f.symbol.effects and _moves_nothing(f)
    ]


def check_effects(subject: Subject) -> list[Diagnostic]:
    """Effects that add zero or multiply by one, and those that no decision controls."""
    evaluator, time, period = subject.evaluator, subject.model.time, subject.problem.period
    if time is None or period is None:
        return []
    every = np.arange(time.count)
    now = Now(Coordinate(time.points, (period,), every), Coordinate(time.periods, (period,), every))
    found = []
    symbols: list[FlowSymbol | ParameterSymbol] = [
        *subject.model.flows.values(),
        *subject.model.parameters.values(),
    ]
    for symbol in symbols:
        for effect in symbol.effects:
            if not subject.own(effect.span):
                continue
            at = along(symbol.space.axes, symbol.sets)
            node = evaluator.effect_value(effect, symbol.space, at, Scope(), now)
            if not isinstance(node, Data):
                continue
            neutral = 0.0 if effect.operator == "+=" else 1.0
            idle = bool((node.values == neutral).all())
            make = messages.idle_effect if idle else messages.undecided_effect
            found.append(make(effect.name.name, effect.operator, effect.value.span))
    return found


def check_course(subject: Subject) -> list[Diagnostic]:
    """Compartments that a long step takes below zero, and flows that run backwards."""
    problem, time = subject.problem, subject.model.time
    if time is None or problem.period is None or not problem.updates:
        return []
    with np.errstate(all="ignore"):
        try:
            values = simulate(problem, lowest(problem))
        except np.linalg.LinAlgError:
            return []
        if not all(np.isfinite(values[v]).all() for v in problem.states):
            return []
        return [*_long_steps(subject, values), *_backward_flows(subject, values)]


def _size(problem: Problem, values: Values) -> float:
    return max(1.0, *(float(np.max(np.abs(values[v]), initial=0.0)) for v in problem.states))


def _long_steps(subject: Subject, values: Values) -> list[Diagnostic]:
    problem, time = subject.problem, subject.model.time
    assert time is not None
    told = any(d.code == "W4002" for d in problem.diagnostics)
    if told or time.method == "exponential" or sum(v.size for v in problem.states) > MOST_POINTS:
        return []
    least = -ROUNDING * _size(problem, values)
    below = [u for u in problem.updates if values[u.variable].min(initial=0.0) < least]
    below = [u for u in below if subject.own(u.compartment.statement.span)]
    for parts in PARTS if below else ():
        reached = lows(problem, values, parts)
        kept = [u for u in below if reached[u.variable] >= least]
        if not kept:
            continue
        # The first to go below zero takes the others along.
        update = min(kept, key=lambda u: _first(values[u.variable] < least)[0])
        state = values[update.variable]
        k, *place = _first(state < least)
        step = time.statement.step
        return [
            messages.long_step(
                named_point(update.variable.name, update.variable.sets[:-1], place),
                f"{time.name} = {shown_label(time.points.label(k)[0])}",
                f"{float(state[(*place, k)]):,.6g}",
                f"{time.step:g}",
                f"{time.step / parts:g}",
                step.span if step is not None else time.statement.span,
            )
        ]
    return []


def _first(bad: BoolArray) -> list[int]:
    """The first time at which something is bad, and where."""
    return [int(i) for i in np.argwhere(np.moveaxis(bad, -1, 0))[0]]


def _backward_flows(subject: Subject, values: Values) -> list[Diagnostic]:
    problem, time = subject.problem, subject.model.time
    assert time is not None and problem.period is not None
    found = []
    evaluate = Evaluation(values)
    # Once a compartment is below zero, flows out of it run backwards by themselves.
    below = [(values[v] < 0).reshape(-1, v.shape[-1]).any(axis=0) for v in problem.states]
    sound = ~np.logical_or.accumulate(np.any(below, axis=0))[:-1]
    for flow in problem.flows:
        statement = flow.symbol.statement
        # A flow from outside may well be a balance of births and deaths.
        if statement.origin is None or not subject.own(statement.span):
            continue
        axes: tuple[Axis, ...] = flow.axes
        shape = tuple(a.size for a in axes)
        amount: FloatArray = np.broadcast_to(
            spread(evaluate(flow.node), flow.node.axes, axes), shape
        )
        amount = np.where(sound, amount, 0.0)
        if not amount.size:
            continue
        worst = np.unravel_index(int(np.argmin(amount)), shape)
        if not amount[worst] < -ROUNDING * _size(problem, values):
            continue
        place = tuple(int(i) for i in worst[:-1])
        found.append(
            messages.backward_flow(
                named_point(statement.name.name, flow.symbol.sets, place),
                f"{time.name} = {shown_label(time.points.label(int(worst[-1]))[0])}",
                f"{float(amount[worst]):,.6g}",
                statement.value.span,
            )
        )
    return found
