r"""The feasible allocation that is nearest to one that is wished for.

The distance is $\sum_i |x_i - p_i| / s_i$, where the size $s_i$ of a decision's block is the mean of $|p|$ over it (its
mean range where that is 0): a sum of changes in parts, so that dollars do not outweigh facilities, and few
decisions change rather than all a little. It replaces the model's objective; limits, ranges and whole numbers stay.
Where no limit depends on compartments, the program is one of decisions alone, and the dynamics are simulated
afterwards; else, or where a compartment then falls below zero, the whole problem is solved with this objective.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.algebra.expression import (
    Apply,
    Data,
    Node,
    Reference,
    Variable,
    add,
    constant,
    depends_on_states,
    multiply,
    variables,
)
from allocc.compiler.algebra.index import Axis
from allocc.compiler.algebra.numeric import sum_over
from allocc.compiler.arrays import FloatArray
from allocc.compiler.scoping.model import along
from allocc.compiler.unrolling.problem import ObjectiveTerm, Problem
from allocc.dsl.tree import Span
from allocc.engine.judging.assess import ROUNDING, assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve

Decisions = Mapping[Variable, FloatArray]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest decisions, None where none were found; `proven` says whether none are nearer.

    `infeasible` says that it is known that no allocation meets every limit.
    """

    decisions: Decisions | None
    proven: bool
    infeasible: bool = False


def nearest(problem: Problem, wished: Decisions, span: Span, options: Options) -> Nearest:
    """The feasible decisions with the smallest change from those that are wished for."""
    if _fits(problem, wished):
        return Nearest(wished, True)
    near = _towards(problem, wished, span)
    if not _limits_states(problem):
        outcome = solve(_of_decisions(near), options)
        found = _found(problem, outcome, options)
        if found.decisions is None or _fits(problem, found.decisions, options.violation):
            return found
    return _found(problem, solve(near, options), options)


def sizes(problem: Problem, wished: Decisions) -> dict[Variable, float]:
    """What a change of each decision is measured by."""
    found = {}
    for v in problem.decisions:
        low, high = problem.ends(v)
        for candidate in (np.abs(wished[v]), high - low):
            size = float(np.mean(candidate)) if candidate.size else 0.0
            if 0 < size < np.inf:
                found[v] = size
                break
        else:
            found[v] = 1.0
    return found


def _fits(problem: Problem, decisions: Decisions, tolerance: float = ROUNDING) -> bool:
    """Whether decisions meet every limit, range and whole number."""
    found = assess(problem, decisions)
    return found.finite and found.violation.relative <= tolerance


def _limits_states(problem: Problem) -> bool:
    """Whether any limit depends on a compartment."""
    limits = [*problem.constraints, *(x.constraint for b in problem.chances for x in b.limits)]
    return any(depends_on_states(v) for c in limits for v in variables(c.body))


def _towards(problem: Problem, wished: Decisions, span: Span) -> Problem:
    """The problem with the distance as its objective."""
    size = sizes(problem, wished)
    total: Node = constant(0.0)
    for v in problem.decisions:
        axes = tuple(Axis(s) for s in v.sets)
        here = Reference(v, along(axes, v.sets), axes)
        off = add(here, Data(axes, -np.asarray(wished[v], dtype=float)))
        part = multiply(constant(1.0 / size[v]), Apply("abs", off, axes))
        total = add(total, sum_over(part, axes))
    term = ObjectiveTerm("change", total, span)
    return replace(problem, terms=[term], sense="minimize")


def _of_decisions(problem: Problem) -> Problem:
    """The problem without its dynamics."""
    ranges = {v: ends for v, ends in problem.ranges.items() if v.kind == "decision"}
    return replace(
        problem,
        states=[],
        flows=[],
        flows_ahead=[],
        updates=[],
        period=None,
        starts={},
        ranges=ranges,
    )


def _found(problem: Problem, outcome: Outcome, options: Options) -> Nearest:
    if outcome.values is None or outcome.status not in ("optimal", "feasible"):
        return Nearest(None, False, outcome.status == "infeasible")
    violation = outcome.violation
    if violation is not None and violation.relative > options.violation:
        return Nearest(None, False)
    return Nearest({v: outcome.values[v] for v in problem.decisions}, outcome.status == "optimal")
