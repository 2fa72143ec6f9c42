"""The decisions: simulated anew in intervals, beside what the certificate states of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.enclose import Enclosed, enclose
from allocc.compiler.enclosing.evaluation import IntervalEvaluation
from allocc.compiler.enclosing.intervals import Intervals, as_intervals
from allocc.compiler.lowering.lower import ratio_limit
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import ROUNDING, Judge, short
from allocc.engine.judging.outcome import Violation
from allocc.questions.verify.opening import Opened
from allocc.results.given import given_decisions
from allocc.results.verification import Link
from allocc.tables import number

NAME = "decisions"


@dataclass(frozen=True, eq=False)
class Found:
    """What the decisions lead to: enclosed, and how far a limit may be broken at most and at least."""

    enclosed: Enclosed
    most: Violation
    least: Violation


class _AtMost(Judge):
    """Judges by the ends of intervals: `high` for what cannot be excluded, else what is certain."""

    def __init__(self, problem: Problem, values: dict[Variable, FloatArray], enclosed: Enclosed, high: bool) -> None:
        super().__init__(problem, values)
        self._enclosed = enclosed
        self._high = high

    def _end(self, x: Intervals) -> FloatArray:
        return short(x.high if self._high else np.where(x.known, x.low, 0.0))

    def beyond(self, v: Variable) -> FloatArray:
        """By how much a range may be left."""
        return self._end(self._enclosed.ranges[v])

    def over(self, c: Constraint) -> FloatArray:
        """By how much a limit may be broken; it holds where it is one on a ratio of nothing."""
        broken = self._end(self._enclosed.limits[c])
        limit = None if self._enclosed.limits[c].known.all() else ratio_limit(c, self.problem)
        if limit is None:
            return broken
        evaluate = IntervalEvaluation(dict(self._enclosed.values))
        scale, top, bottom = (
            as_intervals(spread(evaluate(x), x.axes, c.axes))
            for x in (limit.scale, limit.top, limit.bottom)
        )
        nothing = (bottom.low == 0) & (bottom.high == 0) & (as_intervals(scale * top).high <= 0)
        return np.where(nothing, 0.0, broken)


def find(opened: Opened) -> Found:
    """Simulate the folder's decisions anew; raises `DiagnosticError` where that cannot be done."""
    problem = opened.model.problem
    given = given_decisions(problem, opened.folder)
    if given.notes:
        raise _Lacking(given.notes[0])
    with np.errstate(all="ignore"):
        enclosed = enclose(problem, given.values)
        values = simulate(problem, given.values)
        most, least = (
            _AtMost(problem, values, enclosed, high).assessment().violation
            for high in (True, False)
        )
    return Found(enclosed, most, least)


class _Lacking(Exception):
    """The folder has not all decisions; the text says how many."""


def decisions(opened: Opened) -> Link:
    """Whether value, terms and violation are what the decisions lead to."""
    if not opened.run.has_allocation:
        return Link(NAME, "absent", "the run has no allocation")
    try:
        found = find(opened)
    except DiagnosticError as error:
        first = error.diagnostics[0]
        return Link(NAME, "fails", f"cannot be simulated: {first.message} ({first.code})")
    except _Lacking as lacking:
        return Link(NAME, "fails", f"decisions.csv is not whole: {lacking}")
    wrong = [*_values(opened, found), *_limits(opened, found)]
    if not wrong:
        return Link(NAME, "holds", f"{_value_text(opened, found)}; {_violation_text(found)}")
    # What is shown to be wrong goes before what could not be shown.
    state = "fails" if any(w.fails for w in wrong) else "open"
    return Link(NAME, state, "; ".join(w.text for w in sorted(wrong, key=lambda w: not w.fails)))


@dataclass(frozen=True)
class _Wrong:
    text: str
    fails: bool


def _values(opened: Opened, found: Found) -> list[_Wrong]:
    """The value and the terms that do not lie in their intervals, or have none."""
    run, wrong = opened.run, []
    stated = {"value": (run.value, found.enclosed.objective)}
    terms = found.enclosed.terms
    if {t.name for t in run.objective} != set(terms):
        wrong.append(_Wrong("the terms of the objective have other names than the model's", True))
    stated |= {f"term {t.name}": (t.value, terms[t.name]) for t in run.objective if t.name in terms}
    for name, (value, interval) in stated.items():
        if not interval.known:
            wrong.append(_Wrong(f"{name} could not be enclosed{_reason(found)}", False))
        elif value is None or not interval.low <= value <= interval.high:
            told = "is not stated" if value is None else f"{_all(value)} is not that of the decisions"
            wrong.append(_Wrong(f"{name} {told}, which lies within {_ends(interval)}", True))
    return wrong


def _limits(opened: Opened, found: Found) -> list[_Wrong]:
    """Whether more is broken than is stated."""
    stated = opened.run.violation
    allowed = ROUNDING + (math.inf if stated is None else stated.relative)
    told = "unknown" if stated is None else number(stated.relative, 3)
    if found.least.relative > allowed:
        worst = found.least
        return [
            _Wrong(
                f"{worst.where} is broken by {number(worst.absolute, 4)}, "
                f"{number(worst.relative, 3)} of its size; stated is {told}",
                True,
            )
        ]
    if not found.most.relative <= allowed:
        return [_Wrong(f"that {found.most.where or 'each limit'} holds could not be shown{_reason(found)}", False)]
    return []


def _reason(found: Found) -> str:
    """Where something was lost, if anywhere."""
    if not found.enclosed.lost:
        return ": the intervals are too wide"
    lost = found.enclosed.lost[0]
    if lost.span is None:
        return f": {lost.reason}"
    line = lost.span.source.text.count("\n", 0, lost.span.start) + 1
    return f": {lost.reason}, at {lost.span.source.name}:{line}"


def _value_text(opened: Opened, found: Found) -> str:
    assert opened.run.value is not None
    return f"value {number(opened.run.value, 10)} within {_ends(found.enclosed.objective)}"


def _violation_text(found: Found) -> str:
    if found.most.relative == 0:
        return "every limit, range and whole number holds"
    return (
        "every limit, range and whole number holds, "
        f"up to {number(found.most.relative, 2)} of its size"
    )


def _ends(x: Intervals) -> str:
    return f"[{_all(float(x.low))}, {_all(float(x.high))}]"


def _all(x: float) -> str:
    """A number with all its digits."""
    return f"{int(x):,}" if x == int(x) and abs(x) < 1e15 else f"{x:,}"
