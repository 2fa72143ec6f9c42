"""What every course is worth, and which limits hold in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocc.compiler.algebra.expression import Node, Variable, depends_on_states, variables
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.unrolling.discretize import with_flows_apart
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import SCENARIO_TOLERANCE, Judge
from allocc.questions.stochastic.replicated import Replicated

#: A limit holds where it is broken by at most this part of its size, as in a solve.
TOLERANCE = 1e-6


@dataclass
class Held:
    """A limit over many courses: in which it holds, and in how many each of its rows is broken."""

    first: Constraint | ChanceConstraint
    random: bool
    holds: list[BoolArray] = field(default_factory=list)
    broken: IntArray | None = None


class Judged:
    """Courses, batch by batch: values of terms, and limits by their names."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.terms: dict[str, list[FloatArray]] = {t.name: [] for t in problem.terms}
        self.limits: dict[str, Held] = {}

    def add(self, courses: Replicated, values: Values) -> None:
        """Judge the courses of one batch."""
        with np.errstate(all="ignore"):
            self._add(courses, values)

    def _add(self, courses: Replicated, values: Values) -> None:
        problem = self.problem
        judge = Judge(problem, values)
        for t in problem.terms:
            value = courses.node(t.node)
            found = spread(judge.evaluate(value), value.axes, (courses.axis,))
            self.terms[t.name].append(np.broadcast_to(found, courses.count).astype(float))
        now: dict[str, BoolArray] = {}
        for c in problem.constraints:
            off = _excess(judge, courses, c) > TOLERANCE
            held = self.limits.setdefault(c.name, Held(c, False))
            held.random = held.random or _random(c.body)
            # A chain as `1 <= x <= 4` has several comparisons over the same rows.
            now[c.name] = now.get(c.name, np.zeros_like(off)) | off
        for name, off in now.items():
            held = self.limits[name]
            held.holds.append(~np.any(off, axis=0))
            count = off.sum(axis=1)
            held.broken = count if held.broken is None else held.broken + count
        for block in problem.chances:
            held = self.limits.setdefault(block.name, Held(block, False))
            held.random = any(_random(x.constraint.body) for x in block.limits)
            held.holds.append(_chance(judge, courses, block))


def flows_as_moved(problem: Problem) -> tuple[Problem, dict[str, Variable]]:
    """The problem whose limits and terms read what flows have moved, and the unknowns that they read for it.

    In the deterministic course a flow moves what its formula says at the begin of a period. Here it is what has
    happened, per unit of time.
    """
    time = problem.model.time
    assert time is not None
    moved = {
        f.symbol.statement.name.name: Variable(
            f.symbol.statement.name.name,
            "state",
            (*f.symbol.sets, time.periods),
            time_axis=len(f.symbol.sets),
        )
        for f in problem.flows
    }
    try:
        found = with_flows_apart(problem, moved)
    except DiagnosticError:
        # Too large when it is written out: formulas then, of the same mean.
        return problem, {}
    bodies = [c.body for c in found.constraints] + [t.node for t in found.terms]
    bodies += [x.constraint.body for b in found.chances for x in b.limits]
    read = {v for body in bodies for v in variables(body)}
    kept = {name: v for name, v in moved.items() if v in read}
    return (found, kept) if kept else (problem, {})


def _random(node: Node) -> bool:
    return any(depends_on_states(v) for v in variables(node))


def _excess(judge: Judge, courses: Replicated, c: Constraint) -> FloatArray:
    """By how much each row is broken in each course, as a part of its size; shape (rows, courses)."""
    lifted = courses.constraint(c)
    over = judge.over(lifted)
    shape = lifted.shape
    relative = np.zeros(shape)
    if over.any():
        body = judge.sizes(lifted.body)
        ends = [np.where(np.isfinite(e.values), np.abs(e.values), 0.0) for e in (c.lower, c.upper)]
        low, high = (
            spread(x, e.axes, lifted.axes) for x, e in zip(ends, (c.lower, c.upper), strict=True)
        )
        size = spread(body, lifted.body.axes, lifted.axes) + np.maximum(low, high)
        relative = np.where(over > 0, over / np.broadcast_to(size, shape), 0.0)
    return np.nan_to_num(relative, nan=np.inf).reshape(-1, courses.count)


def _chance(judge: Judge, courses: Replicated, block: ChanceConstraint) -> BoolArray:
    """In which courses the scenarios in which all limits hold are likely enough."""
    broken = np.zeros((len(block.weights), courses.count))
    for limit in block.limits:
        np.maximum.at(broken, limit.scenario, _excess(judge, courses, limit.constraint))
    reached = block.weights @ (broken <= SCENARIO_TOLERANCE)
    found: BoolArray = reached >= block.probability - 1e-9
    return found
