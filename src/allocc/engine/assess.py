"""Judging decisions outside of any solver: the objective and every hard limit, as simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocc.compiler.expression import Add, Node, Variable
from allocc.compiler.index import spread
from allocc.compiler.numeric import Evaluation
from allocc.compiler.problem import Problem
from allocc.compiler.program import FloatArray, label_text
from allocc.compiler.simulate import Values, simulate
from allocc.engine.outcome import Violation

#: A decision may leave its range, or a limit its side, by this much of its own size.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Assessment:
    """Decisions, what they lead to, and what that is worth."""

    values: Values
    value: float
    terms: dict[str, float]
    violation: Violation


def assess(problem: Problem, decisions: Mapping[Variable, FloatArray]) -> Assessment:
    """Simulate decisions and judge the outcome.

    The violation is the largest over limits, the ranges of decisions, whole numbers, and
    compartments below nought; relative ones are to the size of the row's own terms.
    """
    values = simulate(problem, decisions)
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
        worst = _worse(worst, np.maximum(-x, 0.0), np.full(x.shape, _size(x)), v.name, v.labels)
    for c in problem.constraints:
        shape = tuple(a.size for a in c.axes)
        body = np.broadcast_to(spread(evaluate(c.body), c.body.axes, c.axes), shape)
        low = np.broadcast_to(spread(c.lower.values, c.lower.axes, c.axes), shape)
        high = np.broadcast_to(spread(c.upper.values, c.upper.axes, c.axes), shape)
        over = np.maximum(np.maximum(low - body, body - high), 0.0)
        over = np.where(np.isnan(body), np.inf, over)
        size = np.broadcast_to(spread(magnitude(evaluate, c.body), c.body.axes, c.axes), shape)
        worst = _worse(worst, over, size, c.name, c.labels)
    return Assessment(values, problem.objective(terms), terms, worst)


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
