"""Judging decisions outside of any solver: the objective and every hard limit, as simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from allocc.compiler.expression import Add, Node, Variable
from allocc.compiler.index import spread
from allocc.compiler.numeric import Evaluation
from allocc.compiler.problem import ChanceConstraint, Constraint, Problem
from allocc.compiler.program import FloatArray, label_text
from allocc.compiler.reformulations import chance
from allocc.compiler.simulate import Values, simulate
from allocc.engine.outcome import Violation

#: A scenario of a chance block counts where no limit is broken by more than this of its size.
SCENARIO_TOLERANCE = 1e-6
#: A decision may leave its range, or a limit its side, by this much of its own size.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Assessment:
    """Decisions, what they lead to, and what that is worth."""

    values: Values
    value: float
    terms: dict[str, float]
    violation: Violation
    #: The probability that each chance block reaches, scenarios counted one by one.
    probabilities: Mapping[str, float] = field(default_factory=dict)


def assess(problem: Problem, decisions: Mapping[Variable, FloatArray]) -> Assessment:
    """Simulate decisions and judge the outcome.

    The violation is the largest over limits, the ranges of decisions, whole numbers, and
    compartments below their range, which is nought; relative ones are to the size of the row's own
    terms.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _judged(problem, simulate(problem, decisions))


def _judged(problem: Problem, values: Values) -> Assessment:
    evaluate = Evaluation(dict(values))
    terms = {t.name: float(evaluate(t.node)) for t in problem.terms}
    worst = Violation(0.0, 0.0)
    for v in problem.decisions:
        x = values[v]
        assert v.lower is not None and v.upper is not None
        over = np.maximum(np.maximum(v.lower - x, x - v.upper), 0.0)
        if v.integer:
            over = np.maximum(over, np.abs(x - np.rint(x)))
        worst = _worse(worst, over, np.abs(x), v.name, v.labels)
    for v in problem.states:
        x = values[v]
        assert v.lower is not None
        under = np.maximum(v.lower - x, 0.0)
        worst = _worse(worst, under, np.full(x.shape, _size(x)), v.name, v.labels)
    for c in problem.constraints:
        worst = _worse(worst, *excess(evaluate, c), c.name, c.labels)
    reached: dict[str, float] = {}
    for block in problem.chances:
        reached[block.name], found = _chance(evaluate, block)
        if found.relative > worst.relative:
            worst = found
    return Assessment(values, problem.objective(terms), terms, worst, reached)


def excess(evaluate: Evaluation, c: Constraint) -> tuple[FloatArray, FloatArray]:
    """By how much each row of a limit is broken, and the size that this is measured against."""
    shape = tuple(a.size for a in c.axes)
    body = np.broadcast_to(spread(evaluate(c.body), c.body.axes, c.axes), shape)
    low = np.broadcast_to(spread(c.lower.values, c.lower.axes, c.axes), shape)
    high = np.broadcast_to(spread(c.upper.values, c.upper.axes, c.axes), shape)
    with np.errstate(invalid="ignore"):
        over = np.maximum(np.maximum(low - body, body - high), 0.0)
    over = np.where(np.isnan(body), np.inf, over)
    size = np.broadcast_to(spread(magnitude(evaluate, c.body), c.body.axes, c.axes), shape)
    return over, np.where(np.isfinite(size), size, 1.0)


def _chance(evaluate: Evaluation, block: ChanceConstraint) -> tuple[float, Violation]:
    """The probability that a chance block reaches, and its violation.

    A scenario holds where none of the limits is broken by more than `SCENARIO_TOLERANCE` of its
    size. The violation is the probability that is missing. If none is, it is the largest excess
    that the scenarios that are needed for it have: rounding, as it counts for any other limit.
    """
    broken = np.zeros(len(block.weights))
    absolute = np.zeros(len(block.weights))
    for limit in block.limits:
        over, size = excess(evaluate, limit.constraint)
        relative = (over / np.maximum(np.abs(size), 1.0)).ravel()
        np.maximum.at(broken, limit.scenario, relative)
        np.maximum.at(absolute, limit.scenario, over.ravel())
    reached = block.reached(broken <= SCENARIO_TOLERANCE)
    missing = block.probability - reached
    if missing > chance.TOLERANCE:
        return reached, Violation(missing, missing, block.name)
    order = np.argsort(broken, kind="stable")
    enough = np.cumsum(block.weights[order]) >= block.probability - chance.TOLERANCE
    needed = order[: int(np.argmax(enough)) + 1]
    return reached, Violation(
        float(absolute[needed].max()), float(broken[needed].max()), block.name
    )


def _size(x: FloatArray) -> float:
    return float(np.max(np.abs(x), initial=0.0)) if np.isfinite(x).all() else 1.0


def magnitude(evaluate: Evaluation, node: Node) -> FloatArray:
    """The size of the largest part of a sum: what a violation is measured against."""
    if isinstance(node, Add):
        parts = [np.abs(spread(evaluate(p), p.axes, node.axes)) for p in node.parts]
        best: FloatArray = np.asarray(parts[0])
        for part in parts[1:]:
            best = np.asarray(np.maximum(best, part))
        return best
    return np.asarray(np.abs(evaluate(node)))


def _worse(
    worst: Violation, over: FloatArray, size: FloatArray, name: str, labels: object
) -> Violation:
    if not over.size:
        return worst
    relative = over / np.maximum(np.abs(size), 1.0)
    k = int(np.argmax(relative))
    if not relative.flat[k] > worst.relative:
        return worst
    found = labels(k) if callable(labels) else ()
    text = f"{name}[{','.join(label_text(x) for x in found)}]" if found else name
    return Violation(float(over.flat[k]), float(relative.flat[k]), text)
