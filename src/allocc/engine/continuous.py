"""How far the discretized trajectory is from the solution in continuous time."""

from __future__ import annotations

import numpy as np

from allocc.compiler.numeric import Evaluation
from allocc.compiler.problem import Problem
from allocc.compiler.program import FloatArray
from allocc.compiler.simulate import Values, _flows, _value, with_decisions

#: Tolerances of the integration that the discretized trajectory is compared with.
RELATIVE, ABSOLUTE = 1e-8, 1e-8


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
            found = solve_ivp(
                rate, (0.0, time.step), state, method="LSODA", rtol=RELATIVE, atol=ABSOLUTE
            )
        if not found.success or not np.isfinite(found.y[:, -1]).all():
            return None
        state = found.y[:, -1]
        for i, u in enumerate(updates):
            mine = state[sizes[i] : sizes[i + 1]].reshape(shapes[i])
            true = values[u.variable][..., k + 1]
            worst = max(worst, float(np.max(np.abs(mine - true), initial=0.0)))
            scale = max(scale, float(np.max(np.abs(true), initial=0.0)))
            working[u.variable][..., k] = mine
    return worst / scale if scale > 0 else worst
