"""The best allocation for many draws at once, and how good it is proven to be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc import mistakes
from allocc.compiler.arrays import FloatArray
from allocc.compiler.failures import listed
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.worlds.together import Together, together
from allocc.compiler.worlds.weighing import THRESHOLD, Measure, value_of, weighed, with_values
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import NEAR_ZERO, Options, Outcome, relative_gap
from allocc.engine.proving.denominators import prepared
from allocc.engine.solve import solve
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.over.alone import Alone, alone
from allocc.questions.over.draws import Draws, read_draws
from allocc.questions.over.evaluate import about
from allocc.questions.over.measures import read_measure
from allocc.questions.over.worlds import Judged, Worlds, decision_blocks
from allocc.results.building import told_options, versions
from allocc.results.labelled import Block
from allocc.results.over.found import DrawValue, Information, Interval, OverDraws

#: So many seconds may be spent on why nothing serves all draws.
WHY = 20.0
#: A phase in words, as it begins.
Phase = Callable[[str], None]
#: The value that the engine reports and the value of the draws one by one differ by rounding only.
AGREE = 1e-6


@reported()
def solve_over(
    model: Stages,
    over: object,
    by: object = "mean",
    options: Options | None = None,
    after: Collection[str] = (),
    information: bool | None = None,
    tell: Phase | None = None,
    scenario: str = "draw",
) -> OverDraws:
    """Decide once for all draws, weighed by `by`; decisions in `after` may answer to the draw.

    With `information` it is told what knowing the draw before would be worth, by default where there are decisions
    `after` it. Every limit has to hold in every draw. Raises `DiagnosticError` for draws that do not fit the model.
    """
    options, tell = options or Options(), tell or (lambda _: None)
    measure = read_measure(by)
    draws = read_draws(over, model.bound)
    if not model.bound.decisions:
        raise DiagnosticError([mistakes.nothing_to_decide(model.name)])
    informed = bool(after) if information is None else information
    if informed and measure.kind not in ("mean", "regret"):
        informed = False
    began = time.monotonic()
    worlds = Worlds(model, draws)
    tell(f"reading {len(draws)} draws")
    whole = together(worlds.problems, worlds.set(scenario), after)
    best: Alone | None = None
    if measure.kind == "regret" or informed:
        best = _alone(worlds, _within(options, began), tell)
    if measure.kind == "regret":
        assert best is not None
        if not np.isfinite(best.bound).all():
            return _without(model, draws, measure, options, best, began)
    found = _Found(worlds, whole, measure, None if best is None else best.bound, after)
    tell("deciding for all draws")
    problem = found.problem(options)
    outcome = solve(problem, _within(options, began))
    return found.result(model, outcome, best, informed, options, began, tell)


def _within(options: Options, began: float) -> Options:
    """The options with what is left of the time limit."""
    if options.time_limit is None:
        return options
    return replace(options, time_limit=max(options.time_limit - (time.monotonic() - began), 1e-3))


def _alone(worlds: Worlds, options: Options, tell: Phase) -> Alone:
    # Half of the time is kept for what is asked for.
    half = None if options.time_limit is None else options.time_limit / 2
    return alone(
        worlds,
        replace(options, time_limit=half),
        lambda k, n: tell(f"the best for draw {k + 1} of {n} alone"),
    )


def _range(whole: Together, options: Options) -> tuple[float, float]:
    """What the objective lies between in all draws, by the ranges of what it is made of."""
    problem, value = with_values(whole)
    chain = prepared(problem, options.method)
    try:
        program = Relaxation(chain.program).program
        lower, upper = Propagator(program).run(program.lower, program.upper)
    except Infeasible:
        return -math.inf, math.inf
    columns = chain.places.columns[value]
    return float(lower[columns].min()), float(upper[columns].max())


@dataclass(frozen=True, eq=False)
class _Found:
    worlds: Worlds
    whole: Together
    measure: Measure
    best: FloatArray | None
    after: Collection[str]

    @property
    def weights(self) -> FloatArray:
        return self.worlds.draws.weights

    def problem(self, options: Options) -> Problem:
        """What is solved."""
        ends = (-math.inf, math.inf)
        if self.measure.kind == "cvar":
            ends = _range(self.whole, options)
        return weighed(self.whole, self.measure, self.weights, self.best, ends)

    def decisions(self, outcome: Outcome) -> list[Mapping[str, FloatArray]]:
        """The decisions of each draw, by name."""
        assert outcome.values is not None
        values = {v.name: x for v, x in outcome.values.items() if v.kind == "decision"}
        values.pop(THRESHOLD, None)
        return [
            {n: x[k] if n in self.after else x for n, x in values.items()}
            for k in range(len(self.worlds.draws))
        ]

    def value(self, values: FloatArray) -> float:
        """The measure of the draws' values."""
        return value_of(self.measure, values, self.weights, self._minimize, self.best)

    def result(
        self,
        model: Stages,
        outcome: Outcome,
        best: Alone | None,
        informed: bool,
        options: Options,
        began: float,
        tell: Phase,
    ) -> OverDraws:
        """The answer, with every number of an allocation from the draws simulated one by one."""
        draws = self.worlds.draws
        notes = (*draws.notes, *outcome.notes)
        bound = outcome.bound
        if bound is not None and self.measure.kind == "regret":
            bound = self._regret_bound(bound, best)
        common: dict[str, Any] = {
            "measure": str(self.measure),
            "after": tuple(self.after),
            "stopped": outcome.stopped,
            "bound": bound,
            "proof": outcome.word,
            "solver": outcome.solver,
            "method": outcome.method,
            "message": outcome.message,
            "versions": versions(options.solver),
            "options": told_options(options),
        }
        if outcome.values is None:
            if outcome.status == "infeasible":
                common["message"] = self._why_infeasible(_within(options, began), tell)
            return OverDraws(
                **about(model, draws, None, notes),
                **common,
                status=outcome.status,
                value=None,
                gap=None,
                seconds=time.monotonic() - began,
            )
        each = self.decisions(outcome)
        judged = Judged(self.worlds, each)
        value = self.value(judged.values)
        status: str = outcome.status
        assert outcome.value is not None
        engine = (
            -outcome.value
            if self.measure.kind == "regret" and not self._minimize
            else outcome.value
        )
        if self.measure.kind != "cvar":
            size = max(abs(x) for x in (value, engine, *judged.values.tolist()))
            if abs(value - engine) > AGREE * size:
                raise AssertionError(f"all draws at once give {engine}, one by one {value}")
        gap = self._gap(value, bound, outcome, float(np.abs(judged.values).max()))
        if (
            self.measure.kind == "regret"
            and status == "optimal"
            and not (gap or 0) <= 3 * options.gap
        ):
            # What is open of single draws is open of the regret.
            status, common["stopped"] = "feasible", outcome.stopped if gap is None else "time_limit"
        details = judged.draws()
        if best is not None:
            details = with_best(details, best, self._minimize)
        information = None
        if informed and best is not None and bound is not None and self.measure.kind == "mean":
            information = self._information(best, value, bound, _within(options, began), tell)
        return OverDraws(
            **{**about(model, draws, judged, notes), "draws": details},
            **common,
            status=status,
            value=value,
            gap=gap,
            decisions=self._blocks(outcome),
            information=information,
            seconds=time.monotonic() - began,
        )

    def _why_infeasible(self, options: Options, tell: Phase) -> str:
        """Which draws have no allocation by themselves."""
        tell("which draws have no allocation by themselves")
        limit = min(options.time_limit or WHY, WHY)
        found = alone(self.worlds, replace(options, time_limit=limit, gap=0.5))
        names = self.worlds.draws.names
        bad = [names[k] for k in found.infeasible]
        if bad:
            return f"no allocation meets every limit in draw {listed(bad)} by itself"
        if np.isfinite(found.value).all():
            return "each draw has an allocation by itself, and none serves all of them"
        return "whether each draw has one by itself is not known in this time"

    @property
    def _minimize(self) -> bool:
        return self.whole.problem.sense == "minimize"

    def _gap(
        self, value: float, bound: float | None, outcome: Outcome, size: float
    ) -> float | None:
        if bound is None or not math.isfinite(bound):
            return None
        by = outcome.gap_measure
        if by and self.measure.kind != "regret":
            return abs(value - bound) / by
        # A regret is a difference of values, and may be zero: it is measured by their size.
        return relative_gap(value, bound, size / NEAR_ZERO)

    def _regret_bound(self, bound: float, best: Alone | None) -> float | None:
        """The least regret that is proven: the best of a draw may be as bad as what is reached there."""
        assert best is not None
        least = bound if self._minimize else -bound
        unsure = np.abs(best.value - best.bound)
        if not np.isfinite(unsure).all():
            return None
        return max(0.0, least - float(unsure.max()))

    def _blocks(self, outcome: Outcome) -> tuple[Block, ...]:
        assert outcome.values is not None
        problem = self.whole.problem
        named = {v.name: x for v, x in outcome.values.items()}
        return decision_blocks(problem, {v: named[v.name] for v in problem.decisions})

    def _information(
        self, best: Alone, value: float, bound: float, options: Options, tell: Phase
    ) -> Information | None:
        """EVPI and VSS as intervals, from both bounds of everything that goes into them."""
        if not (np.isfinite(best.value).all() and np.isfinite(best.bound).all()):
            return None
        w = self.weights
        ends = sorted((float(w @ best.value), float(w @ best.bound)))
        here = sorted((value, bound))
        perfect = _difference(here, ends, self._minimize)
        tell("the best for the mean of what is drawn")
        draws = self.worlds.draws
        try:
            middle = self.worlds.problem(draws.mean(), "of the means")
        except DiagnosticError as error:
            return Information(perfect, None, why=error.diagnostics[0].message)
        mean = solve(middle, replace(options, on_progress=None, prove=False))
        if mean.values is None:
            return Information(perfect, None, len(draws))
        held = {v.name: mean.values[v] for v in middle.decisions if v.name not in self.after}
        if self.after:
            tell("what the best for the mean leads to in each draw")
            second = alone(self.worlds, options, held=held)
            worth, least = second.value, second.bound
            broken = int(np.isnan(worth).sum())
        else:
            judged = Judged(self.worlds, [held] * len(draws))
            worth = least = judged.values
            broken = sum(bool(d.broken) for d in judged.draws())
        if broken or not np.isfinite(least).all():
            return Information(perfect, None, broken)
        expected = sorted((float(w @ worth), float(w @ least)))
        return Information(perfect, _difference(expected, here, self._minimize))


def _difference(worse: list[float], better: list[float], minimize: bool) -> Interval:
    """How much better the second is than the first; both are intervals, and it is not negative."""
    low, high = worse[0] - better[1], worse[1] - better[0]
    if not minimize:
        low, high = -high, -low
    return max(0.0, low), max(0.0, high)


def with_best(details: tuple[DrawValue, ...], best: Alone, minimize: bool) -> tuple[DrawValue, ...]:
    """Draws with the best of each; there is no regret where a limit is broken."""
    sign = 1.0 if minimize else -1.0
    found = []
    for k, d in enumerate(details):
        value, bound = (float(x[k]) for x in (best.value, best.bound))
        reached = None if math.isnan(value) else value
        proven = bound if math.isfinite(bound) else None
        least = 0.0 if reached is None else max(0.0, sign * (d.value - reached))
        most = None if proven is None else max(least, sign * (d.value - proven))
        regret = None if d.broken else (least, most)
        found.append(replace(d, best=(proven, reached), regret=regret))
    return tuple(found)


def _without(
    model: Stages, draws: Draws, measure: Measure, options: Options, best: Alone, began: float
) -> OverDraws:
    """No answer about regret, for a draw has no best allocation that is known."""
    bad = [draws.names[k] for k in best.infeasible]
    status = "infeasible" if bad else "unknown"
    why = (
        f"no allocation meets every limit in draw {bad[0]}"
        if bad
        else "the best of some draw is not known in this time"
    )
    return OverDraws(
        **about(model, draws, None, draws.notes),
        measure=str(measure),
        status=status,
        stopped="" if bad else "time_limit",
        value=None,
        bound=None,
        gap=None,
        message=why,
        seconds=time.monotonic() - began,
        solver=options.solver,
        versions=versions(options.solver),
    )
