"""The decisions: simulated anew in intervals, beside what the certificate states of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.enclosing.enclose import Enclosed, enclose
from allocc.compiler.enclosing.evaluation import IntervalEvaluation
from allocc.compiler.enclosing.intervals import Intervals, as_intervals
from allocc.compiler.failures import listed
from allocc.compiler.lowering.lower import ratio_limit
from allocc.compiler.scoping.model import END_SHARE
from allocc.compiler.unrolling.problem import Constraint, Problem
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import ROUNDING, Judge, short
from allocc.engine.judging.outcome import Options, Violation
from allocc.questions.verify.opening import Opened
from allocc.results.verification import Link, State
from allocc.tables import number

NAME = "decisions"
#: How far a stated number may be off its interval, of the size of its terms: data are folded in floating
#: point when a model is compiled, which another machine may do in another order.
FOLDING = 1e-12
#: The same where an implicit step was solved, which a solve does to this, or where steps are so many that
#: rounding adds up in what a solve states.
DYNAMICS = 1e-9
#: What a run is called whose allocation meets every limit within the tolerance.
SOLVED = ("optimal", "feasible")
#: So many of the things that are wrong are told.
TOLD = 2


@dataclass(frozen=True, eq=False)
class Found:
    """What the decisions lead to: enclosed, and how far a limit may be broken at most and at least.

    `sizes` has the size of each term of the objective.
    """

    problem: Problem
    enclosed: Enclosed
    most: Violation
    least: Violation
    sizes: dict[str, float]


class _ByEnds(Judge):
    """Judges by the ends of intervals: `high` for what cannot be excluded, else what is certain."""

    def __init__(
        self, problem: Problem, values: dict[Variable, FloatArray], enclosed: Enclosed, high: bool
    ) -> None:
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
    problem = opened.problem
    given = opened.given
    if given.notes:
        raise _Lacking(given.notes[0])
    with np.errstate(all="ignore"):
        enclosed = enclose(problem, given.values)
        values = simulate(problem, given.values)
        most, least = (_ByEnds(problem, values, enclosed, high) for high in (True, False))
        sizes = {t.name: float(most.sizes(t.node)) for t in problem.terms}
        return Found(
            problem, enclosed, most.assessment().violation, least.assessment().violation, sizes
        )


class _Lacking(Exception):
    """The folder has not all decisions; the text says how many."""


def decisions(opened: Opened) -> Link:
    """Whether value, terms and violation are what the decisions lead to."""
    if not opened.run.has_allocation:
        return Link(NAME, "absent", "the run has no allocation")
    if opened.run.loosened:
        names = listed(list(opened.run.loosened))
        return Link(NAME, "open", f"made with limits loosened, which is not checked: {names}")
    try:
        found = find(opened)
    except DiagnosticError as error:
        first = error.diagnostics[0]
        return Link(NAME, "fails", f"cannot be simulated: {first.message} ({first.code})")
    except _Lacking as lacking:
        return Link(NAME, "fails", f"decisions.csv is not whole: {lacking}")
    wrong = [*_sense(opened, found), *_fractions(opened)]
    wrong += [*_limits(opened, found), *_values(opened, found)]
    if not wrong:
        return Link(NAME, "holds", f"{_value_text(opened, found)}; {_violation_text(found)}")
    # What is shown to be wrong goes before what could not be shown.
    texts = [w.text for w in sorted(wrong, key=lambda w: not w.fails)]
    more = [f"and {len(texts) - TOLD} more"] * (len(texts) > TOLD)
    state: State = "fails" if any(w.fails for w in wrong) else "open"
    return Link(NAME, state, "; ".join([*texts[:TOLD], *more]))


@dataclass(frozen=True)
class _Wrong:
    text: str
    fails: bool


def _fractions(opened: Opened) -> list[_Wrong]:
    """Decisions that are whole numbers in the model and none in the file, be it by a trifle."""
    return [
        _Wrong(f"{b.name} is a whole number in the model, and not in decisions.csv", True)
        for b in opened.run.blocks
        if b.kind == "decision" and b.integer and (b.values != np.rint(b.values)).any()
    ]


def _values(opened: Opened, found: Found) -> list[_Wrong]:
    """The value and the terms that do not lie in their intervals, or have none."""
    run, wrong = opened.run, []
    stated = {t.name: t.value for t in run.objective}
    rows = [("value", run.value, found.enclosed.objective, sum(found.sizes.values()))]
    rows += [
        (f"term {name}", stated.get(name), interval, found.sizes[name])
        for name, interval in found.enclosed.terms.items()
    ]
    for name, value, interval, size in rows:
        if not interval.known:
            wrong.append(_Wrong(f"{name} could not be enclosed{_reason(found)}", False))
        elif value is None:
            wrong.append(_Wrong(f"{name} is not stated", True))
        elif _off(value, interval) > _slack(found) * size:
            told = f"{name} is stated as {_all(value)}, but that of the decisions lies within"
            wrong.append(_Wrong(f"{told} {_ends(interval)}", True))
    return wrong


def _sense(opened: Opened, found: Found) -> list[_Wrong]:
    """Whether the run has the model's sense: what is best depends on it."""
    if opened.run.sense == found.problem.sense:
        return []
    told = f"the model says {found.problem.sense}, the run {opened.run.sense}"
    return [_Wrong(told, True)]


def _off(value: float, x: Intervals) -> float:
    """How far a number lies off an interval."""
    return max(float(x.low) - value, value - float(x.high), 0.0)


def _slack(found: Found) -> float:
    time = found.problem.model.time
    implicit = time is not None and time.method in END_SHARE
    return DYNAMICS if implicit or found.enclosed.digits else FOLDING


def _limits(opened: Opened, found: Found) -> list[_Wrong]:
    """Whether more is broken than is stated."""
    stated = opened.run.violation
    if stated is None:
        return [_Wrong("the run does not say how far limits are broken", True)]
    allowed, told = ROUNDING + stated.relative, number(stated.relative, 3)
    if opened.run.status in SOLVED and allowed > ROUNDING + Options().violation:
        told = f"{opened.run.status}, with a limit broken by {told} of its size"
        return [_Wrong(f"the run is called {told}", True)]
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
        return [
            _Wrong(
                f"that {found.most.where or 'each limit'} holds could not be shown{_reason(found)}",
                False,
            )
        ]
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
    value, interval = opened.run.value, found.enclosed.objective
    assert value is not None
    off = _off(value, interval)
    where = f"{number(off, 2)} off" if off else "within"
    return f"value {number(value, 10)} {where} {_ends(interval)}"


def _violation_text(found: Found) -> str:
    if found.most.relative == 0:
        return "every limit, range and whole number holds"
    worst = found.most
    if worst.relative <= Options().violation:
        return f"every limit, range and whole number holds, up to {worst.relative:.1g} of its size"
    return f"{worst.where} is broken by up to {worst.relative:.2g} of its size, as is stated"


def _ends(x: Intervals) -> str:
    return f"[{_all(float(x.low))}, {_all(float(x.high))}]"


def _all(x: float) -> str:
    """A number with all its digits."""
    return f"{int(x):,}" if x == int(x) and abs(x) < 1e15 else f"{x:,}"
