"""What given decisions lead to where flows are events: the question of `allocc simulate --stochastic`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from allocc import mistakes
from allocc.asked import is_number, is_whole
from allocc.compiler.algebra.expression import Node, Variable, children
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text, named
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import lowest
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.simulate import simulate
from allocc.questions.stochastic.counting import not_counted, rounded
from allocc.questions.stochastic.infected import infected_points
from allocc.questions.stochastic.judging import Judged, flows_as_moved
from allocc.questions.stochastic.leaping import (
    CONVERGED,
    Draws,
    Leaping,
    Means,
    NoRate,
    chosen_parts,
)
from allocc.questions.stochastic.summary import bands, members, spread_of
from allocc.results.building import BASELINE
from allocc.results.given import given_decisions
from allocc.results.run import Run
from allocc.results.stochastic.courses import LimitHeld, Spread, StochasticResult
from allocc.tables import percent

#: All courses of all compartments are kept: so many numbers, at eight bytes each.
MOST_NUMBERS = 60_000_000
#: The courses of one batch are so many that its largest array has about this many numbers.
BATCH = 2_000_000
#: A deterministic course that is further off the mean one is told.
TOLD = 0.02


@reported()
def simulate_stochastic(
    model: Stages,
    decisions: object = None,
    rest: object = None,
    courses: int = 500,
    seed: int = 0,
    parts: int | None = None,
    scale: float = 1.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> StochasticResult:
    """Run decisions through the flows as events, in many courses.

    Decisions are as for `simulate`. Each period is divided into `parts`, by default as many as it takes for the
    course without chance to stay. One unit of a compartment is `scale` persons. Raises `DiagnosticError`: E7260 for a model
    without flows, E7261 for compartments that are no counts, E7262 for more courses than are kept, E7263 where
    a flow has no rate in one of them.
    """
    begun = time.monotonic()
    _check(courses, seed, parts, scale)
    plain = simulate(model, decisions, rest)
    baseline = decisions is None and rest is None
    problem = model.baseline_problem if baseline else model.problem
    horizon = model.bound.time
    if horizon is None or not problem.flows:
        missing = "it has no time" if horizon is None else "it has no flow"
        raise DiagnosticError([mistakes.no_events(model.name, missing)])
    why = not_counted(problem, scale)
    if why is not None:
        raise DiagnosticError([mistakes.no_counts(why.compartment, why.reason, scale)])
    points = sum(v.size for v in problem.states)
    if points * courses > MOST_NUMBERS:
        raise DiagnosticError([mistakes.too_many_courses(courses, points, MOST_NUMBERS // points)])
    if baseline:
        given = lowest(problem)
    else:
        given = given_decisions(problem, {} if decisions is None else decisions, rest).values
    run = _Courses(model, problem, given, scale, cancelled)
    try:
        told = run.choose(parts)
        run.run(courses, seed)
    except NoRate as lost:
        raise DiagnosticError([_no_rate(problem, lost)]) from None
    times = tuple(x for (x,) in (horizon.points.label(k) for k in range(len(horizon.points))))
    value, terms = _worth(plain, run.judged)
    return StochasticResult(
        model=model.name,
        title=model.title,
        sense=problem.sense,
        decisions=BASELINE if baseline else _told(decisions),
        courses=run.done,
        seed=seed,
        parts=run.parts,
        step=horizon.step,
        scale=float(scale),
        time=horizon.name,
        time_unit=horizon.unit,
        times=times,
        value=value,
        terms=terms,
        bands=bands(plain, run.states, problem.states),
        members=members(plain, run.states, problem.states),
        limits=tuple(_held(run.judged)),
        notes=(*plain.notes, *rounded(problem, scale), *told, *run.told(courses, plain)),
        seconds=time.monotonic() - begun,
        settings=dict(model.settings),
        files=model.hashes(),
        versions=dict(plain.versions),
        **run.everything(plain),
        **run.infection(),
    )


def _told(decisions: object) -> str:
    """What the decisions are, in words."""
    known = decisions.message if isinstance(decisions, Run) else ""
    return known or "with the given decisions"


class _Courses:
    """Batches of courses, put together."""

    def __init__(
        self,
        model: Stages,
        problem: Problem,
        decisions: Mapping[Variable, FloatArray],
        scale: float,
        cancelled: Callable[[], bool],
    ) -> None:
        self.model, self.problem, self.decisions = model, problem, decisions
        self.scale, self.cancelled = scale, cancelled
        self.parts, self.done = 1, 0
        self.rules, self._kept = flows_as_moved(problem)
        self.judged = Judged(self.rules)
        self._states: dict[Variable, list[FloatArray]] = {v: [] for v in problem.states}
        self._events: dict[str, list[FloatArray]] = {}
        self._mean: dict[Variable, FloatArray] = {}

    def choose(self, parts: int | None) -> tuple[str, ...]:
        """Set `parts`; what is to be told of it."""
        alone = Leaping(self.problem, self.decisions, 1, self.scale)
        if parts is not None:
            self.parts, mean, off = parts, alone.run(parts, Means()), 0.0
        else:
            self.parts, mean, off = chosen_parts(alone)
        lifted = mean.replicated.variable
        self._mean = {v: mean.values[lifted(v)][..., 0] for v in self.problem.states}
        if off > CONVERGED:
            moves = f"the course without chance still moves by {percent(off)}"
            return (f"with {self.parts:,} parts a period {moves}: rates change too fast for them",)
        return ()

    def run(self, courses: int, seed: int) -> None:
        """Draw so many courses, or as many as there are when it is cancelled."""
        batch = max(1, min(courses, BATCH // _largest(self.rules)))
        while self.done < courses and not (self.done and self.cancelled()):
            count = min(batch, courses - self.done)
            leaping = Leaping(self.problem, self.decisions, count, self.scale, self._kept)
            generator = np.random.default_rng([seed, self.done])
            found = leaping.run(self.parts, Draws(generator))
            self.judged.add(found.replicated, found.values)
            for v, kept in self._states.items():
                kept.append(found.values[found.replicated.variable(v)])
            for name, moved in found.events.items():
                self._events.setdefault(name, []).append(moved)
            self.done += count

    @cached_property
    def states(self) -> dict[Variable, FloatArray]:
        """All courses of each compartment, courses last."""
        return {v: np.concatenate(x, axis=-1) for v, x in self._states.items()}

    def everything(self, plain: Run) -> dict[str, Any]:
        """How many persons each flow has moved; and all that is kept of every course."""
        plain_flows = {b.name: b for b in plain.blocks if b.kind == "flow"}
        assert self.problem.model.time is not None
        step = self.problem.model.time.step
        spreads = []
        for flow in self.problem.flows:
            statement = flow.symbol.statement
            name = statement.name.name
            moved = np.concatenate(self._events[name])
            expected = float(plain_flows[name].values.sum()) * step * self.scale
            spreads.append(spread_of(name, expected, moved, statement.description or ""))
        states = {v.name: np.moveaxis(x, -1, 0) for v, x in self.states.items()}
        terms = {n: np.concatenate(x) for n, x in self.judged.terms.items()}
        value = {"value": _sum(terms)} if terms else {}
        return {"events": tuple(spreads), "states": states, "outcomes": {**value, **terms}}

    def infection(self) -> dict[str, Any]:
        """Who carries the infection, and in how many courses nobody does at the end."""
        points = infected_points(self.model)
        left = np.zeros(self.done)
        for v, x in self.states.items():
            if v.name in points:
                end = x[..., -1, :].reshape(-1, self.done)
                left += end[points[v.name]].sum(axis=0)
        extinct = int((left == 0).sum()) if points else None
        return {"infected": tuple(points), "extinct": extinct}

    def told(self, asked: int, plain: Run) -> tuple[str, ...]:
        """Notes on the courses as a whole."""
        notes = []
        if self.done < asked:
            notes.append(f"stopped early: {self.done:,} of {asked:,} courses")
        far = [(x, v) for v in self.problem.states if (x := self._off(plain, v)) > TOLD]
        if far:
            off, v = max(far, key=lambda pair: pair[0])
            notes.append(
                f"the model takes its whole step at once, and events take parts of it: the course without chance "
                f"is up to {percent(off)} off what those parts give without chance, most in {v.name}; a shorter "
                "`step` in the model mends it"
            )
        return tuple(notes)

    def _off(self, plain: Run, v: Variable) -> float:
        """How far the deterministic course of a compartment is from the mean course, by its largest value."""
        block = next(b for b in plain.blocks if b.name == v.name and b.kind == "compartment")
        size = float(np.max(np.abs(self._mean[v]), initial=0.0))
        off = float(np.max(np.abs(block.values - self._mean[v]), initial=0.0))
        return off / size if size > 0 else 0.0


def _check(courses: int, seed: int, parts: int | None, scale: float) -> None:
    problems = []
    if not (is_whole(courses) and courses >= 2):
        problems.append(mistakes.bad_option("stochastic", courses, "a whole number of 2 or more"))
    if not (is_whole(seed) and 0 <= seed < 2**31):
        wanted = "a whole number from 0 to 2147483647"
        problems.append(mistakes.bad_option("seed", seed, wanted))
    if parts is not None and not (is_whole(parts) and parts >= 1):
        problems.append(mistakes.bad_option("parts", parts, "a whole number of 1 or more"))
    if not (is_number(scale) and 0 < scale < math.inf):
        problems.append(mistakes.bad_option("scale", scale, "a number above 0"))
    if problems:
        raise DiagnosticError(problems)


def _largest(problem: Problem) -> int:
    """How many numbers the largest array has that evaluating the problem makes for one course."""
    nodes: list[Node] = [f.node for f in problem.flows]
    nodes += [c.body for c in problem.constraints]
    nodes += [t.node for t in problem.terms]
    nodes += [x.constraint.body for b in problem.chances for x in b.limits]
    seen: set[int] = set()
    most = max([1, *(v.size for v in problem.states)])
    while nodes:
        n = nodes.pop()
        if id(n) in seen:
            continue
        seen.add(id(n))
        most = max(most, math.prod(a.size for a in n.axes))
        nodes += children(n)
        value = getattr(getattr(n, "variable", None), "value", None)
        if value is not None:
            nodes.append(value)
    return most


def _worth(plain: Run, judged: Judged) -> tuple[Spread | None, tuple[Spread, ...]]:
    """The objective and its terms."""
    terms = {n: np.concatenate(x) for n, x in judged.terms.items()}
    if not terms:
        return None, ()
    told = tuple(spread_of(t.name, t.value, terms[t.name], t.description) for t in plain.objective)
    return spread_of("value", plain.value or 0.0, _sum(terms)), told


def _sum(terms: Mapping[str, FloatArray]) -> FloatArray:
    return np.asarray(np.sum(list(terms.values()), axis=0))


def _held(judged: Judged) -> Sequence[LimitHeld]:
    """The limits that chance decides about, and those on decisions alone that are broken."""
    found = []
    for name, held in judged.limits.items():
        holds = np.concatenate(held.holds)
        if not held.random and holds.all():
            continue
        worst, broken = "", 0
        if held.broken is not None and held.broken.any():
            k = int(np.argmax(held.broken))
            broken = int(held.broken[k])
            worst = named(name, [label_text(x) for x in held.first.labels(k)])
        text = held.first.description
        found.append(LimitHeld(name, int(holds.sum()), worst, broken, text))
    return found


def _no_rate(problem: Problem, lost: NoRate) -> Any:
    time = problem.model.time
    assert time is not None
    (label,) = time.periods.label(lost.period)
    return mistakes.no_rate_in_course(
        lost.flow, f"{time.name} = {label_text(label)}", lost.course + 1, lost.finite
    )
