"""Simulation: decisions run through the problem's own dynamics, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from allocc.compiler.algebra.expression import Ends, Node, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation, MakeEvaluation, Settling
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import FlowValue, Problem, Update

Values = dict[Variable, FloatArray]
#: Puts the compartments at point k + 1 into the values, for a step of this length.
ImplicitStep = Callable[[Problem, Values, Evaluation, int, float], None]

#: The implicit step is solved to this relative error, and believed with a residual of ten times as much.
IMPLICIT_TOLERANCE = 1e-12
ACCEPTED = 10 * IMPLICIT_TOLERANCE
#: Of more unknowns than this no matrix of derivatives is kept.
MOST_DENSE = 400


def lowest(problem: Problem) -> Values:
    """Every decision at its lower end; at 0, or its upper end, where it has none."""
    return {v: low(problem.ends(v)) for v in problem.decisions}


def low(ends: Ends) -> FloatArray:
    """The lower of two ends; 0, or the upper one, where there is none."""
    lower, upper = ends
    found = np.where(np.isfinite(lower), lower, np.minimum(upper, 0.0))
    return np.where(np.isfinite(found), found, 0.0)


def highest(problem: Problem) -> Values:
    """Every decision at its upper end; as in `lowest` where it has none."""
    values = lowest(problem)
    for v, least in values.items():
        upper = problem.ends(v)[1]
        values[v] = np.where(np.isfinite(upper), upper, least)
    return values


def simulate(
    problem: Problem,
    decisions: Mapping[Variable, FloatArray],
    evaluation: MakeEvaluation = Evaluation,
    implicit: ImplicitStep | None = None,
) -> Values:
    """Values of decisions, compartments and flows over the whole horizon.

    Compartments are not clipped: one that goes below zero is shown as it is. `evaluation` is the
    arithmetic, and `implicit` solves the implicit step in it; by default those of floating point.
    """
    number = evaluation({}, {}).number
    values: Values = {v: number(np.asarray(decisions[v], dtype=float)) for v in problem.decisions}
    time = problem.model.time
    if time is None or problem.period is None:
        return values
    for symbol in problem.model.compartments.values():
        state = number(np.full(symbol.variable.shape, np.nan))
        state[..., 0] = number(problem.starts[symbol.variable])
        values[symbol.variable] = state
    for flow in (*problem.flows, *problem.flows_ahead):
        if flow.variable is not None:
            values[flow.variable] = number(np.full(flow.variable.shape, np.nan))
    # What overflows becomes infinite, and whoever judges the values sees it.
    with np.errstate(over="ignore", invalid="ignore"):
        settled = with_decisions(problem, values, evaluation)
        for k in range(time.count):
            step(settled, values, k, evaluation, implicit or newton)
    return values


def with_decisions(
    problem: Problem,
    decisions: Mapping[Variable, FloatArray],
    evaluation: MakeEvaluation = Evaluation,
) -> Problem:
    """The problem whose flows and updates have the decisions' numbers in them, for all periods."""
    settle = Settling({v: decisions[v] for v in problem.decisions}, evaluation)

    def flows(old: list[FlowValue]) -> list[FlowValue]:
        return [replace(f, node=settle(f.node)) for f in old]

    def settled(node: Node | None) -> Node | None:
        return None if node is None else settle(node)

    updates = [
        replace(
            u,
            rate=settle(u.rate),
            ahead=settled(u.ahead),
            next_value=settled(u.next_value),
        )
        for u in problem.updates
    ]
    return replace(
        problem,
        flows=flows(problem.flows),
        flows_ahead=flows(problem.flows_ahead),
        updates=updates,
    )


def step(
    problem: Problem,
    values: Values,
    k: int,
    evaluation: MakeEvaluation,
    implicit: ImplicitStep,
) -> None:
    """Advance every compartment from point k to k + 1, in place."""
    assert problem.period is not None and problem.model.time is not None
    at = evaluation(values, {problem.period: k})
    advance_flows(problem.flows, values, at, k)
    if problem.flows_ahead or any(u.ahead is not None for u in problem.updates):
        implicit(problem, values, at, k, problem.model.time.step)
        return
    length = at.number(np.asarray(problem.model.time.step, dtype=float))
    following = []
    for update in problem.updates:
        if update.next_value is not None:
            following.append(value_of(at, update, update.next_value))
        else:
            here = values[update.variable][..., k]
            following.append(here + length * value_of(at, update, update.rate))
    for update, new in zip(problem.updates, following, strict=True):
        values[update.variable][..., k + 1] = new


def lows(problem: Problem, values: Values, parts: int) -> dict[Variable, float]:
    """The least value of each compartment when every step is taken in so many parts of Euler's.

    Decisions, and what else changes from period to period, stay as they are in each period.
    """
    assert problem.period is not None and problem.model.time is not None
    working = {v: np.array(x, dtype=float) for v, x in values.items()}
    length = problem.model.time.step / parts
    least = {v: float(working[v][..., 0].min(initial=np.inf)) for v in problem.states}
    for k in range(problem.model.time.count):
        at = Evaluation(working, {problem.period: k})
        begin = {u.variable: working[u.variable][..., k].copy() for u in problem.updates}
        for _ in range(parts):
            advance_flows(problem.flows, working, at, k)
            rates = [value_of(at, u, u.rate) for u in problem.updates]
            for u, rate in zip(problem.updates, rates, strict=True):
                state = working[u.variable]
                state[..., k] += length * rate
                least[u.variable] = min(least[u.variable], float(state[..., k].min(initial=np.inf)))
        # The end of this period is the begin of the next one.
        for u in problem.updates:
            state = working[u.variable]
            state[..., k + 1] = state[..., k]
            state[..., k] = begin[u.variable]
    return least


def advance_flows(flows: list[FlowValue], values: Values, at: Evaluation, k: int) -> None:
    """Put flows of period k into the values."""
    for flow in flows:
        if flow.variable is not None:
            shape = (*flow.variable.shape[:-1], 1)
            value = spread(at(flow.node), flow.node.axes, flow.axes)
            values[flow.variable][..., k] = np.broadcast_to(value, shape, subok=True)[..., 0]


def value_of(at: Evaluation, update: Update, node: object) -> FloatArray:
    """A node at one period, over the compartment's own axes."""
    value = spread(at(node), node.axes, update.axes)  # type: ignore[arg-type, attr-defined]
    shape = (*update.variable.shape[:-1], 1)
    full = value if value.shape == shape else np.broadcast_to(value, shape, subok=True)
    return full[..., 0]


def newton(problem: Problem, values: Values, at: Evaluation, k: int, length: float) -> None:
    """A step with the end of the period in it, solved for X' by Newton's method.

    X' = X + h ((1 - s) f(X) + s f(X')), with s = 1/2 for the trapezoid and 1 for the implicit Euler method.
    """
    updates = problem.updates
    here = [values[u.variable][..., k].copy() for u in updates]
    rate = [value_of(at, u, u.rate).copy() for u in updates]
    shapes = [x.shape for x in here]
    sizes = np.cumsum([0, *(x.size for x in here)])

    def put(flat: FloatArray) -> None:
        for i, u in enumerate(updates):
            values[u.variable][..., k + 1] = flat[sizes[i] : sizes[i + 1]].reshape(shapes[i])

    def residual(flat: FloatArray) -> FloatArray:
        put(flat)
        advance_flows(problem.flows_ahead, values, at, k)
        out = []
        for i, u in enumerate(updates):
            ahead = value_of(at, u, u.ahead)
            new = flat[sizes[i] : sizes[i + 1]].reshape(shapes[i])
            out.append(
                (new - here[i] - length * ((1.0 - u.share) * rate[i] + u.share * ahead)).ravel()
            )
        return np.concatenate(out) if out else np.zeros(0)

    start = np.concatenate([(h + length * r).ravel() for h, r in zip(here, rate, strict=True)])
    # Each compartment in its own size, so that no unit counts for more than another.
    own = [
        float(max(np.max(np.abs(h), initial=0.0), length * np.max(np.abs(r), initial=0.0)))
        for h, r in zip(here, rate, strict=True)
    ]
    largest = max(own, default=0.0) or 1.0
    scale = np.repeat([x or largest for x in own], np.diff(sizes))
    solution = scale * _newton(lambda x: residual(scale * x) / scale, start / scale)
    residual(solution)
    put(solution)


def _newton(residual: Callable[[FloatArray], FloatArray], start: FloatArray) -> FloatArray:
    """Where the residual is zero; not a number where no such place is found.

    Unknowns and residuals are of size one.
    """
    # Imported where it is needed: it would slow every other command.
    from scipy.optimize import NoConvergence, newton_krylov, root

    if not start.size:
        return start
    if start.size <= MOST_DENSE:
        ended = root(residual, start, options={"xtol": IMPLICIT_TOLERANCE})
        good = np.max(np.abs(ended.fun)) <= ACCEPTED
        return ended.x if good else np.full(start.size, np.nan)
    try:
        found: FloatArray = newton_krylov(residual, start, f_tol=IMPLICIT_TOLERANCE)
    except (NoConvergence, ValueError, np.linalg.LinAlgError):
        return np.full(start.size, np.nan)
    return found
