"""The horizon of a `time` statement: its points, its periods and its method."""

from __future__ import annotations

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.names import errors as names_errors
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import Horizon, Method
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.units import as_written as units
from allocc.dsl import tree
from allocc.dsl.words import METHODS

#: More time points than this are taken for a mistake in the step.
MOST_POINTS = 1_000_000


def make_time(statement: tree.Time, evaluator: Evaluator) -> Horizon:
    """The horizon of a `time` statement."""
    scope = Scope()

    def number(e: tree.Expression, what: str) -> float:
        data = evaluator.data(e, scope, what)
        if data.axes:
            raise failures.Failed(
                scoping_errors.free_index(what, [a.set.name for a in data.axes], e.span)
            )
        return float(data.values)

    first = number(statement.start, "the start of time")
    last = number(statement.end, "the end of time")
    step = number(statement.step, "the step") if statement.step is not None else 1.0
    step_span = statement.step.span if statement.step is not None else statement.span
    if not step > 0:
        raise failures.Failed(
            algebra_errors.bad_time(f"the step must be above 0, not {step:g}", step_span)
        )
    if not last > first:
        raise failures.Failed(
            algebra_errors.bad_time(
                f"time must end after its start, but runs {first:g} .. {last:g}",
                statement.start.span.to(statement.end.span),
            )
        )
    count = (last - first) / step
    if count > MOST_POINTS + 0.5:
        shown = f"{count:,.0f}" if count < 1e15 else f"{count:.3g}"
        raise failures.Failed(
            algebra_errors.bad_time(
                f"this is {shown} steps; at most {MOST_POINTS:,} are made", step_span
            )
        )
    periods = round(count)
    if periods < 1:
        raise failures.Failed(
            algebra_errors.bad_time(
                f"a step of {step:g} is longer than time, which runs {first:g} .. {last:g}",
                step_span,
            )
        )
    if abs(first + periods * step - last) > 1e-9 * max(1.0, abs(last), periods * step):
        below = np.floor((last - first) / step)
        raise failures.Failed(
            algebra_errors.bad_time(
                f"steps of {step:g} do not lead from {first:g} to {last:g}",
                step_span,
                f"end at {first + below * step:.12g}, or choose a step that divides {last - first:g}",
            )
        )
    values = [round(first + k * step, 12) for k in range(periods + 1)]
    labels = [int(v) if v == int(v) else v for v in values]
    method = statement.method.name if statement.method is not None else "euler"
    if method not in METHODS:
        assert statement.method is not None
        hint = f"the methods are {', '.join(METHODS)}"
        raise failures.Failed(
            names_errors.unknown_name(method, statement.method.span, METHODS, "method", hint)
        )
    name = statement.name.name
    chosen: Method = method  # type: ignore[assignment]
    return Horizon(
        name,
        units.text(statement.unit),
        IndexSet(name, [labels], "time"),
        IndexSet("period", [labels[:-1]], "time"),
        step,
        chosen,
        statement,
    )
