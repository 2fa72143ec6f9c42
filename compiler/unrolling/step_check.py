"""Warnings about a step of Euler's method that is too long for the rates in the data.

Euler takes `step * outflow` from a compartment at once. Where the outflows take more than the
compartment holds, it goes below zero; where they take more than twice that, it swings ever wider.
The rates are derivatives of the outflows by their own compartment, at the initial state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from allocc.compiler.algebra.expression import Node, Variable
from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.evaluating.aligned import named_point
from allocc.compiler.scoping.model import BoundModel, CompartmentSymbol
from allocc.compiler.unrolling import errors
from allocc.compiler.unrolling.problem import FlowValue
from allocc.compiler.unrolling.simulate import low
from allocc.dsl.diagnostics import Diagnostic

#: Compartments of more points than this are perturbed all at once, which overstates what flows
#: between their own points take.
MOST_PROBES = 200

#: Derivatives are differences over this part of what a compartment holds: about the root of the
#: rounding error, where both errors of a difference are small.
PROBE = 1e-6

Outflow = Callable[[FlowValue, CompartmentSymbol, tuple[Axis, ...]], Node]


def check_step(
    model: BoundModel, flows: Sequence[FlowValue], period: Axis, outflow: Outflow
) -> list[Diagnostic]:
    """A warning for each compartment that one step can empty; `outflow` gives what a flow takes."""
    time = model.time
    if time is None or time.method != "euler":
        return []
    values = _start(model)
    found = []
    for symbol in model.compartments.values():
        name = symbol.statement.name.name
        leaving = [f for f in flows if f.symbol.leaves(name)]
        if not leaving:
            continue
        own = tuple(Axis(s) for s in symbol.variable.sets[:-1])
        rates = [
            _rate(outflow(f, symbol, own), (*own, period), symbol.variable, values) for f in leaving
        ]
        total = np.sum(rates, axis=0)
        if not np.isfinite(total).all() or np.max(total, initial=0.0) * time.step <= 1 + 1e-6:
            continue
        worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(total)), total.shape))
        guilty = [f for f, r in zip(leaving, rates, strict=True) if r[worst] > 0]
        place = worst[:-1]
        step = time.statement.step
        found.append(
            errors.unsafe_step(
                named_point(name, symbol.variable.sets[:-1], place),
                [f.symbol.statement.name.name for f in guilty],
                f"{time.step:g}",
                f"{_round_down(1 / total[worst])}",
                any(f.symbol.effects for f in guilty),
                bool(total[worst] * time.step > 2),
                step.span if step is not None else time.statement.span,
            )
        )
    return found


def _start(model: BoundModel) -> dict[Variable, FloatArray]:
    """Every compartment at its initial value at all times, every decision at its lower bound."""
    values: dict[Variable, FloatArray] = {}
    for symbol in model.compartments.values():
        assert symbol.initial is not None
        values[symbol.variable] = np.broadcast_to(
            symbol.initial[..., None], symbol.variable.shape
        ).astype(float)
    values |= {v: low(v.ends) for v in model.decisions}
    return values


def _rate(
    node: Node, axes: tuple[Axis, ...], variable: Variable, values: dict[Variable, FloatArray]
) -> FloatArray:
    """The derivative of an outflow by its own compartment, over the compartment and the periods."""
    shape = tuple(a.size for a in axes)

    def evaluate(state: FloatArray) -> FloatArray:
        value = Evaluation({**values, variable: state})(node)
        return np.broadcast_to(spread(value, node.axes, axes), shape)

    state = values[variable]
    with np.errstate(all="ignore"):
        base = evaluate(state)
        size = PROBE * _scale(state, values)
        points = int(np.prod(shape[:-1], dtype=np.int64))
        if points > MOST_PROBES:
            return (evaluate(state + size) - base) / size[..., :-1]
        found = np.empty((points, shape[-1]))
        for k in range(points):
            probe = state.copy().reshape(points, -1)
            width = size.reshape(points, -1)[k]
            probe[k] += width
            moved = evaluate(probe.reshape(state.shape))
            found[k] = (moved - base).reshape(points, -1)[k] / width[:-1]
    return found.reshape(shape)


def _scale(state: FloatArray, values: dict[Variable, FloatArray]) -> FloatArray:
    """The size of a compartment's points; where it is empty, that of the largest of the model."""
    largest = float(np.max(np.abs(state), initial=0.0)) or max(
        (float(np.max(np.abs(x), initial=0.0)) for v, x in values.items() if v.kind == "state"),
        default=0.0,
    )
    found: FloatArray = np.where(state != 0, np.abs(state), largest or 1.0)
    return found


def _round_down(value: float) -> str:
    """Three digits, never more than the value."""
    if not value > 0:
        return "0"
    scale = 10.0 ** min(2 - int(np.floor(np.log10(value))), 300)
    return f"{np.floor(value * scale * (1 + 1e-6)) / scale:.3g}"
