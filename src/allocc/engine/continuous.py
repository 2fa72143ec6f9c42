"""How far the discretized trajectory is from the solution in continuous time."""

from __future__ import annotations

import numpy as np

from allocc.compiler.expression import Add, Data, Multiply, Node, Reduce, Reference
from allocc.compiler.index import Axis, spread
from allocc.compiler.numeric import Evaluation, Settling
from allocc.compiler.problem import Problem
from allocc.compiler.program import FloatArray
from allocc.compiler.simulate import Values, _flows, _value, with_decisions

#: Tolerances of the integration that the discretized trajectory is compared with.
RELATIVE, ABSOLUTE = 1e-8, 1e-8
#: Rates that are affine in at most so many compartments are integrated by a power series,
#: where a period needs no more parts than this.
MOST_EXACT, MOST_PARTS = 200, 200


def discretization_error(problem: Problem, values: Values) -> float | None:
    """The largest difference to the continuous-time solution, relative to the compartments' size.

    Decisions are constant in each period. The difference is taken over all compartments and points
    and divided by the largest value that any compartment reaches. None where there is no time, or
    where the integration fails.
    """
    time = problem.model.time
    if time is None or not problem.updates:
        return None
    problem = with_decisions(problem, values)
    updates = problem.updates
    working: Values = {v: np.array(x, dtype=float) for v, x in values.items()}
    shapes = [u.variable.shape[:-1] for u in updates]
    sizes = np.cumsum([0, *(int(np.prod(s, dtype=np.int64)) for s in shapes)])
    if sizes[-1] > 20_000:
        return None
    exact = _affine_rates(problem, values) if sizes[-1] <= MOST_EXACT else None
    found = _by_series(problem, values, *exact) if exact is not None else None
    if found is not None:
        return found
    # Imported where it is needed: it takes as long as many a solve.
    from scipy.integrate import solve_ivp

    assert problem.period is not None
    state = np.concatenate([working[u.variable][..., 0].ravel() for u in updates])
    worst, scale = 0.0, 0.0
    for k in range(time.count):
        at = Evaluation(working, {problem.period: k})

        def rate(_: float, x: FloatArray, at: Evaluation = at, k: int = k) -> FloatArray:
            for i, u in enumerate(updates):
                working[u.variable][..., k] = x[sizes[i] : sizes[i + 1]].reshape(shapes[i])
            _flows(problem.flows, working, at, k)
            return np.concatenate([_value(at, u, u.rate).ravel() for u in updates])

        with np.errstate(all="ignore"):
            step = solve_ivp(
                rate, (0.0, time.step), state, method="LSODA", rtol=RELATIVE, atol=ABSOLUTE
            )
        if not step.success or not np.isfinite(step.y[:, -1]).all():
            return None
        state = step.y[:, -1]
        for i, u in enumerate(updates):
            mine = state[sizes[i] : sizes[i + 1]].reshape(shapes[i])
            true = values[u.variable][..., k + 1]
            worst = max(worst, float(np.max(np.abs(mine - true), initial=0.0)))
            scale = max(scale, float(np.max(np.abs(true), initial=0.0)))
            working[u.variable][..., k] = mine
    return worst / scale if scale > 0 else worst


def _affine_rates(problem: Problem, values: Values) -> tuple[FloatArray, FloatArray] | None:
    """M and b of every period for rates M X + b; None where the rates are not of that form.

    Shapes are (periods, compartments, compartments) and (periods, compartments).
    """
    period = problem.period
    assert period is not None
    updates = problem.updates
    decided = {v: values[v] for v in problem.decisions}
    if not all(_is_affine_now(u.rate, period, decided) for u in updates):
        return None
    states = {u.variable: np.zeros(u.variable.shape) for u in updates}

    def rates() -> FloatArray:
        evaluate = Evaluation({**decided, **states})
        found = []
        for u in updates:
            value = spread(evaluate(u.rate), u.rate.axes, u.axes)
            found.append(np.broadcast_to(value, [a.size for a in u.axes]).reshape(-1, period.size))
        return np.concatenate(found).T

    level = rates()
    columns = []
    for state in states.values():
        for probe in state.reshape(-1, state.shape[-1]):
            probe[:] = 1.0
            columns.append(rates() - level)
            probe[:] = 0.0
    return np.stack(columns, axis=-1), level


def _is_affine_now(node: Node, period: Axis, decided: Values) -> bool:
    """Whether a node is affine in the compartments of the current period, and in no others."""
    match node:
        case Data():
            return True
        case Reference(variable=variable, coordinates=coordinates):
            if variable.kind == "decision":
                return True
            if variable.time_axis is None:
                return False
            now = coordinates[variable.time_axis]
            if now.axes != (period,) or not np.array_equal(now.positions, np.arange(period.size)):
                return False
            if variable.value is None:
                return True
            own = variable.axes[variable.time_axis]
            return _is_affine_now(Settling(decided)(variable.value), own, decided)
        case Add(parts=parts):
            return all(_is_affine_now(p, period, decided) for p in parts)
        case Multiply(left=left, right=right):
            return isinstance(left, Data) and _is_affine_now(right, period, decided)
        case Reduce(operation="sum", body=body):
            return _is_affine_now(body, period, decided)
        case _:
            return False


def _by_series(
    problem: Problem, values: Values, matrix: FloatArray, level: FloatArray
) -> float | None:
    """The error where dX/dt = M X + b in each period, by the power series of the solution.

    A period is cut so that M times a part's length has norm 1/2 at most: sixteen terms are then
    exact to rounding. None where it would have to be cut too often.
    """
    time = problem.model.time
    assert time is not None
    norms = np.abs(matrix).sum(axis=2).max(axis=1, initial=0.0) * time.step
    if not np.isfinite(norms).all() or norms.max(initial=0.0) > MOST_PARTS / 2:
        return None
    true = np.concatenate([values[u.variable].reshape(-1, time.count + 1) for u in problem.updates])
    state = true[:, 0]
    worst = 0.0
    for k in range(time.count):
        parts = max(1, int(np.ceil(2 * norms[k])))
        length = time.step / parts
        for _ in range(parts):
            term = length * (matrix[k] @ state + level[k])
            state = state + term
            for order in range(2, 17):
                term = length / order * (matrix[k] @ term)
                state = state + term
        worst = max(worst, float(np.max(np.abs(state - true[:, k + 1]), initial=0.0)))
    if not np.isfinite(worst):
        return None
    scale = float(np.max(np.abs(true[:, 1:]), initial=0.0))
    return worst / scale if scale > 0 else worst
