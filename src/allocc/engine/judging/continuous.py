"""How far the discretized trajectory is from the solution in continuous time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from allocc.compiler.algebra.expression import Add, Data, Multiply, Node, Reduce, Reference
from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.algebra.numeric import Evaluation, Settling
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.magnitude_of_terms import Sizes, StepSizes
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, advance_flows, value_of, with_decisions
from allocc.engine.judging.outcome import NEAR_ZERO, Deviation

#: Tolerance of the integration that the discretized trajectory is compared with, relative to a
#: compartment at every moment and to the largest that it gets.
TOLERANCE = 1e-8
#: Rates that are affine in at most so many compartments are integrated by a power series,
#: where a period needs no more parts than this.
MOST_EXACT, MOST_PARTS = 200, 200
#: A period that asks for the rates more often than this has no end, or is not worth the time.
MOST_CALLS = 20_000
#: Models with more compartments than this are not integrated.
MOST = 20_000


class NotMeasured(Exception):
    """Why the distance to continuous time is not known, in words."""


def deviations(problem: Problem, values: Values) -> tuple[Deviation, ...]:
    """The distance of each compartment and each term of the objective to continuous time.

    Decisions are constant in each period. A compartment, with all of its members, is off by the
    largest difference over members and points, relative to the largest value that any of its
    members has after the initial one: amounts in one unit are compared with each other, and with no
    others. A term is off by its difference where compartments and flows take their continuous-time
    values at the points of time, relative to the size of its parts. The worst comes first; none
    where there is no time. Raises `NotMeasured` where the integration fails or is not tried.
    """
    if problem.model.time is None or not any(u.variable.size for u in problem.updates):
        return ()
    with np.errstate(all="ignore"):
        settled = with_decisions(problem, values)
        course = _course(settled, values)
        evaluate = Evaluation(dict(values))
        steps = StepSizes(problem, evaluate)
        found = []
        for u in problem.updates:
            v = u.variable
            off = _largest(course[v] - values[v])
            size = max(_largest(values[v][..., 1:]), NEAR_ZERO * _largest(steps(v)))
            # Nothing is there in steps: what continuous time has is all missing.
            found.append(Deviation("compartment", v.name, _part(off, size or off)))
        moved, sizes = Evaluation(_with_flows(settled, values, course)), Sizes(evaluate)
        for t in problem.terms:
            off = abs(float(moved(t.node)) - float(evaluate(t.node)))
            found.append(Deviation("term", t.name, _part(off, float(sizes(t.node)) or off)))
    nothing = [d for d in found if not np.isfinite(d.relative)]
    if nothing:
        worst = nothing[0]
        kind = "term" if worst.kind == "term" else "compartment"
        raise NotMeasured(f"{kind} {worst.name} has no finite value in continuous time")
    return tuple(sorted(found, key=lambda d: -d.relative))


def _largest(x: FloatArray) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _part(off: float, size: float) -> float:
    return off / size if off > 0 else 0.0


def _with_flows(problem: Problem, values: Values, course: Values) -> Values:
    """The decisions, the course of the compartments, and the flows that belong to it."""
    assert problem.period is not None and problem.model.time is not None
    found = {v: values[v] for v in problem.decisions} | course
    for flow in problem.flows:
        if flow.variable is not None:
            found[flow.variable] = np.full(flow.variable.shape, np.nan)
    for k in range(problem.model.time.count):
        advance_flows(problem.flows, found, Evaluation(found, {problem.period: k}), k)
    return found


def _course(problem: Problem, values: Values) -> Values:
    """Every compartment at the points of time, as continuous time has it.

    The problem has its decisions settled. Raises `NotMeasured` where it fails.
    """
    updates = problem.updates
    shapes = [u.variable.shape for u in updates]
    sizes = np.cumsum([0, *(int(np.prod(s[:-1], dtype=np.int64)) for s in shapes)])
    if sizes[-1] > MOST:
        raise NotMeasured(f"only up to {MOST:,} compartments are integrated, not {sizes[-1]:,}")
    exact = _affine_rates(problem, values) if sizes[-1] <= MOST_EXACT else None
    found = _by_series(problem, values, *exact) if exact is not None else None
    if found is None:
        found = _integrated(problem, values)
    if not np.isfinite(found).all():
        raise NotMeasured("the flows have no finite value on the way")
    return {
        u.variable: found[sizes[i] : sizes[i + 1]].reshape(shapes[i]) for i, u in enumerate(updates)
    }


def _integrated(problem: Problem, values: Values) -> FloatArray:
    """The compartments, one below the other, over the points of time, by LSODA.

    Raises `NotMeasured` where it gives up.
    """
    # Imported where it is needed: it takes as long as many a solve.
    from scipy.integrate import solve_ivp

    time, updates = problem.model.time, problem.updates
    assert time is not None and problem.period is not None
    working: Values = {v: np.array(x, dtype=float) for v, x in values.items()}
    shapes = [u.variable.shape[:-1] for u in updates]
    sizes = np.cumsum([0, *(int(np.prod(s, dtype=np.int64)) for s in shapes)])
    largest = [_largest(values[u.variable]) for u in updates]
    # Where nothing ever is, any tolerance will do that the integrator takes.
    least = min((x for x in largest if x > 0), default=1.0)
    within = np.repeat([TOLERANCE * (x or least) for x in largest], np.diff(sizes))
    state = np.concatenate([working[u.variable][..., 0].ravel() for u in updates])
    found = [state]
    for k in range(time.count):
        at = Evaluation(working, {problem.period: k})
        calls = count(1)
        begin = f"in the period from {time.values[k]:g}"

        def rate(
            _: float,
            x: FloatArray,
            at: Evaluation = at,
            k: int = k,
            calls: Iterator[int] = calls,
            begin: str = begin,
        ) -> FloatArray:
            if next(calls) > MOST_CALLS:
                raise NotMeasured(f"the integration needs too many steps {begin}")
            for i, u in enumerate(updates):
                working[u.variable][..., k] = x[sizes[i] : sizes[i + 1]].reshape(shapes[i])
            advance_flows(problem.flows, working, at, k)
            found = np.concatenate([value_of(at, u, u.rate).ravel() for u in updates])
            if not np.isfinite(found).all():
                raise NotMeasured(f"the flows have no finite value {begin}")
            return found

        step = solve_ivp(rate, (0.0, time.step), state, method="LSODA", rtol=TOLERANCE, atol=within)
        if not step.success:
            raise NotMeasured(f"the integration fails {begin}: {step.message}")
        # What flows remember of this point is what it began with.
        for i, u in enumerate(updates):
            working[u.variable][..., k] = state[sizes[i] : sizes[i + 1]].reshape(shapes[i])
        state = step.y[:, -1]
        found.append(state)
    return np.stack(found, axis=-1)


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
    for variable, state in states.items():
        # A probe of the compartment's own size is not lost in the level.
        size = _largest(values[variable]) or 1.0
        for probe in state.reshape(-1, state.shape[-1]):
            probe[:] = size
            columns.append((rates() - level) / size)
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
) -> FloatArray | None:
    """The compartments where dX/dt = M X + b in each period, by the power series of the solution.

    A period is cut so that M times a part's length has norm 1/2 at most: sixteen terms are then
    exact to rounding. None where it would have to be cut too often.
    """
    time = problem.model.time
    assert time is not None
    norms = np.abs(matrix).sum(axis=2).max(axis=1, initial=0.0) * time.step
    if not np.isfinite(norms).all() or norms.max(initial=0.0) > MOST_PARTS / 2:
        return None
    state = np.concatenate([values[u.variable][..., 0].ravel() for u in problem.updates])
    found = [state]
    for k in range(time.count):
        parts = max(1, int(np.ceil(2 * norms[k])))
        length = time.step / parts
        for _ in range(parts):
            term = length * (matrix[k] @ state + level[k])
            state = state + term
            for order in range(2, 17):
                term = length / order * (matrix[k] @ term)
                state = state + term
        found.append(state)
    return np.stack(found, axis=-1)
