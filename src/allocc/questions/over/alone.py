"""Each draw decided by itself: the best that could be done if it were known."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve
from allocc.questions.over.worlds import Worlds, shared
from allocc.questions.sweep.running import run_points
from allocc.results.given import given_decisions
from allocc.results.sweeping.points import Answer, Point

Told = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Alone:
    """The best of each draw alone: what is reached, what is proven, and the decisions.

    `value` is NaN where no allocation is known, `bound` infinite where nothing is proven.
    """

    value: FloatArray
    bound: FloatArray
    #: By name; None where no allocation is known.
    decisions: list[Mapping[str, FloatArray] | None]
    infeasible: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def alone_in_processes(
    worlds: Worlds,
    options: Options,
    workers: int,
    store: Path | None = None,
    told: Told | None = None,
) -> Alone:
    """The same by `run_points`, several draws at a time; what is in `store` is not solved again."""
    model, draws = worlds.model, worlds.draws
    assert model.path is not None
    count = len(draws)
    of = (worlds.settings(k) for k in range(count))
    asked = {"solver": options.solver, "gap": options.gap, "method": options.method}
    if options.time_limit is not None:
        # Each has its share, whichever comes first.
        asked["time_limit"] = options.time_limit * workers / count
    path, data = str(model.path), str(model.data)
    points = [
        Point({"draw": n}, path, data, s, None, {**asked, "seed": options.seed})
        for n, s in zip(draws.names, of, strict=True)
    ]
    answers: dict[str, Answer] = {}
    notes: list[str] = []
    for point, answer in run_points(points, store, workers, notes.append, options.cancel):
        answers[point.label["draw"]] = answer
        if told is not None:
            told(len(answers), count)
    sign = 1.0 if worlds.problems[0].sense == "minimize" else -1.0
    value, bound = np.full(count, np.nan), np.full(count, -sign * np.inf)
    decisions: list[Mapping[str, FloatArray] | None] = [None] * count
    bad = []
    for k, name in enumerate(draws.names):
        found = answers.get(name)
        if found is None:
            continue
        if found.failed:
            notes.append(f"draw {name} has no answer: {found.error}")
        if found.status == "infeasible":
            bad.append(k)
        if found.value is not None:
            value[k] = found.value
            given = given_decisions(worlds.problems[k], found.decisions).values
            decisions[k] = shared(worlds.problems[k], given)
        if found.bound is not None:
            bound[k] = found.bound
    return Alone(value, bound, decisions, tuple(bad), tuple(notes))


def alone(
    worlds: Worlds,
    options: Options,
    told: Told | None = None,
    held: Mapping[str, FloatArray] | None = None,
    start: Mapping[str, FloatArray] | None = None,
) -> Alone:
    """Solve each draw by itself; the decisions in `held` are as they are given there.

    Each draw begins at the decisions of the one before, and at `start`. The time limit is for all of them: each may use
    its share of what is left.
    """
    began = time.monotonic()
    sign = 1.0 if worlds.problems[0].sense == "minimize" else -1.0
    outcomes: list[Outcome | None] = []
    known: list[Mapping[str, FloatArray]] = [] if start is None else [start]
    count = len(worlds.problems)
    for k, problem in enumerate(worlds.problems):
        if told is not None:
            told(k, count)
        limit = None
        if options.time_limit is not None:
            left = options.time_limit - (time.monotonic() - began)
            limit = max(left / (count - k), 1e-3)
        own = problem if held is None else _held(problem, held)
        if own is None:
            outcomes.append(None)
            continue
        asked = replace(options, time_limit=limit, on_progress=None, prove=False)
        starts = [_named(own, v) for v in known]
        outcome = solve(own, asked, starts)
        outcomes.append(outcome)
        if outcome.values is not None:
            known = [shared(own, outcome.values)]
            if start is not None:
                known.append(start)
        if options.cancel is not None and options.cancel.is_set():
            break
    value = np.full(count, np.nan)
    bound = np.full(count, -sign * np.inf)
    decisions: list[Mapping[str, FloatArray] | None] = [None] * count
    bad = []
    for k, o in enumerate(outcomes):
        if o is None or o.status == "infeasible":
            bad.append(k)
        if o is None:
            continue
        if o.value is not None:
            value[k] = o.value
        if o.bound is not None:
            bound[k] = o.bound
        if o.values is not None:
            decisions[k] = shared(worlds.problems[k], o.values)
    return Alone(value, bound, decisions, tuple(bad))


def _held(problem: Problem, held: Mapping[str, FloatArray]) -> Problem | None:
    """The problem with decisions at given values; None where one lies outside of its range."""
    ranges = dict(problem.ranges)
    for v in problem.decisions:
        if v.name in held:
            low, high = problem.ends(v)
            x = held[v.name]
            slack = 1e-9 * np.maximum(1.0, np.abs(x))
            if ((x < low - slack) | (x > high + slack)).any():
                return None
            ranges[v] = (x, x)
    return replace(problem, ranges=ranges)


def _named(problem: Problem, values: Mapping[str, FloatArray]) -> Values:
    """Decisions by name as those of a problem, each within its range; what is missing at its lower end."""
    found: dict[Variable, FloatArray] = {}
    for v in problem.decisions:
        lower, upper = problem.ends(v)
        own = values.get(v.name)
        found[v] = np.clip(
            np.where(np.isfinite(lower), lower, 0.0) if own is None else own, lower, upper
        )
    return found
