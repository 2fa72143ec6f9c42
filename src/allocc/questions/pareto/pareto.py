"""A certified frontier between two terms of the objective, by the epsilon-constraint method.

Both ends are lexicographic: the best value of one term, then of the other with the first held there.
In between the second term gets a limit, level by level, and the first is made as good as possible.
Then the second is made as good as possible with the first held there, so that no point is dominated.
Every solve has its own bound. The rest of the objective is left out, soft
limits as well: a point then says something about two quantities and nothing else. To trade a soft
limit off, name it as one of the terms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from allocc import mistakes
from allocc.asked import is_whole
from allocc.compiler.algebra.expression import Add, Data, Node, Reduce, Reference
from allocc.compiler.unrolling.problem import ObjectiveTerm, Problem
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.outcome import Options, Outcome, relative_gap
from allocc.errors import reported
from allocc.questions.pareto.epsilon_constraint import EpsilonConstraint, KnownAllocation
from allocc.results.frontier import FrontierAxis, Point, Tradeoff
from allocc.results.labelled import blocks_of

if TYPE_CHECKING:
    from allocc.engine.stages import Stages

#: Values that differ by less than this share are the same.
ROUNDING = 1e-9

Tell = Callable[[str], None]


@reported()
def trace(
    model: Stages,
    between: Sequence[str],
    points: int,
    options: Options,
    tell: Tell | None = None,
) -> Tradeoff:
    """The frontier between two terms; raises `DiagnosticError` for terms that it cannot be between."""
    if not is_whole(points) or points < 2:
        wanted = "a whole number, at least 2"
        raise DiagnosticError([mistakes.bad_option("--points", points, wanted)])
    problem = model.problem
    first, second = _pick(problem, between)
    return _Trace(model, problem, (first, second), points, options, tell).run()


def _pick(problem: Problem, between: Sequence[str]) -> tuple[ObjectiveTerm, ObjectiveTerm]:
    terms = {t.name: t for t in problem.terms}
    wrong = [
        mistakes.unknown_term(n, list(terms)) for n in dict.fromkeys(between) if n not in terms
    ]
    if wrong:
        raise DiagnosticError(wrong)
    first, second = (terms[n] for n in between)
    if first is second:
        raise DiagnosticError(
            [mistakes.no_trade(f"'{first.name}' is named twice", "name two terms")]
        )
    fixed = [
        mistakes.no_trade(
            f"no decision changes the term '{t.name}'", "is its weight 0? give it one with --set"
        )
        for t in (first, second)
        if isinstance(t.node, Data)
    ]
    if fixed:
        raise DiagnosticError(fixed)
    return first, second


class _Trace:
    def __init__(
        self,
        model: Stages,
        problem: Problem,
        terms: tuple[ObjectiveTerm, ObjectiveTerm],
        count: int,
        options: Options,
        tell: Tell | None,
    ) -> None:
        self.model = model
        self.problem = problem
        self.terms = terms
        self.count = count
        self.options = options
        self.tell = tell or (lambda _: None)
        self.solves = EpsilonConstraint(problem, terms, options)
        self.sign = self.solves.sign
        self.points: list[Point] = []
        self.started = time.perf_counter()

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self.options.cancel is not None and self.options.cancel.is_set()

    def run(self) -> Tradeoff:
        """Both ends, then the levels from the loosest to the tightest."""
        start, failed = self._end(0)
        if start is None:
            return self._frontier(failed)
        self.points.append(start)
        if self.cancelled:
            return self._frontier(None)
        end, failed = self._end(1)
        if end is None:
            return self._frontier(failed)
        if self._same(start, end):
            self.solves.notes.append(
                "the two terms do not compete: one allocation is the best in both"
            )
            return self._frontier(None)
        levels = np.linspace(start.values[1], end.values[1], self.count)[1:-1]
        for k, level in enumerate(levels):
            if self.cancelled:
                break
            self.tell(f"point {k + 2} of {self.count}: {self._held(1)} {level:.6g}")
            self.points.append(self._between(float(level)))
        self.points.append(end)
        return self._frontier(None)

    # --- points -----------------------------------------------------------------------------

    def _end(self, term: int) -> tuple[Point | None, Outcome | None]:
        """The best value of one term, then of the other with the first held there."""
        number = 1 if term == 0 else self.count
        self.tell(f"point {number} of {self.count}: the best {self.terms[term].name}")
        before = time.perf_counter()
        lead = self.solves.solve(term, None)
        top = self.solves.best(term, None)
        if lead.values is None or top is None:
            return None, lead
        best = top.values[term]
        self.tell(f"point {number} of {self.count}: {self._held(term)} {best:.6g}")
        found, follow = self.solves.follow(term, top)
        done = self._closed(term, best, lead.bound)
        done = done and self._follows(1 - term, found.values[1 - term], follow)
        bounds = (lead.bound, follow.bound) if term == 0 else (follow.bound, lead.bound)
        gap = self._gap(found.values[0], bounds[0])
        stopped = "gap" if done else (_why(lead) or _why(follow) or "exhausted")
        level = None if term == 0 else found.values[1]
        kind = f"best {self.terms[term].name}"
        return self._point(kind, level, found, bounds, gap, stopped, before), None

    def _between(self, level: float) -> Point:
        """The best first term with the second one at a level."""
        last = self.points[-1]
        loose = last.level is None or self.sign * (last.level - level) >= 0
        if loose and last.status == "optimal" and self.sign * (last.values[1] - level) <= 0:
            # The allocation of the looser level is allowed here, so it and its bound stand.
            same = last.same_as or len(self.points)
            return replace(last, kind="level", level=level, seconds=0.0, same_as=same)
        before = time.perf_counter()
        outcome = self.solves.solve(0, level)
        found = self.solves.best(0, level)
        assert found is not None  # the best second term meets every level
        best, other = found.values[0], None
        done = self._closed(0, best, outcome.bound)
        why = _why(outcome)
        if not self.cancelled:
            found, follow = self.solves.follow(0, found)
            other = follow.bound
            done = done and self._follows(1, found.values[1], follow)
            why = why or _why(follow)
        gap = self._gap(best, outcome.bound)
        stopped = "gap" if done else (why or "exhausted")
        return self._point("level", level, found, (outcome.bound, other), gap, stopped, before)

    def _point(
        self,
        kind: str,
        level: float | None,
        found: KnownAllocation,
        bounds: tuple[float | None, float | None],
        gap: float | None,
        stopped: str,
        before: float,
    ) -> Point:
        """An allocation as a point; it is optimal where its solves stopped at the gap."""
        blocks = blocks_of(self.problem, found.everything)
        return Point(
            kind=kind,
            level=level,
            values=found.values,
            bound=bounds[0],
            other_bound=bounds[1],
            gap=gap,
            status="optimal" if stopped == "gap" else "feasible",
            stopped=stopped,
            violation=found.violation,
            terms=found.terms,
            blocks=tuple(b for b in blocks if b.kind == "decision"),
            seconds=time.perf_counter() - before,
        )

    def _closed(self, term: int, value: float, bound: float | None) -> bool:
        gap = relative_gap(value, bound, self.solves.size(term))
        return gap is not None and gap <= self.options.gap

    def _follows(self, term: int, value: float, outcome: Outcome) -> bool:
        """Whether a second step is closed: what it is held at has room, so its value has, too."""
        near = outcome.bound is not None and (
            abs(value - outcome.bound) <= self.solves.tolerance(term, value)
        )
        return near or self._closed(term, value, outcome.bound)

    def _gap(self, value: float, bound: float | None) -> float | None:
        """The relative gap of the first term; none within the room that it is held with."""
        if bound is not None and abs(value - bound) <= 2 * self.solves.room(0, value):
            return 0.0
        return relative_gap(value, bound, self.solves.size(0))

    # --- the whole --------------------------------------------------------------------------

    def _held(self, term: int) -> str:
        return f"{self.terms[term].name} {'<=' if self.sign > 0 else '>='}"

    def _same(self, a: Point, b: Point) -> bool:
        room = [self.solves.tolerance(term, x) for term, x in enumerate(a.values)]
        return all(abs(x - y) <= r for x, y, r in zip(a.values, b.values, room, strict=True))

    def _mark(self) -> list[Point]:
        """The points, with the number of one that repeats or dominates them."""
        found: list[Point] = []
        for k, p in enumerate(self.points):
            same, worse = p.same_as, None
            little = [ROUNDING * max(abs(x), self.solves.size(t)) for t, x in enumerate(p.values)]
            for j, q in enumerate(self.points):
                gain = [self.sign * (x - y) for x, y in zip(p.values, q.values, strict=True)]
                room = [self.solves.tolerance(term, x) for term, x in enumerate(p.values)]
                equal = all(abs(g) <= x for g, x in zip(gain, little, strict=True))
                if j < k and same is None and equal:
                    same = j + 1
                no_worse = all(g >= -r for g, r in zip(gain, room, strict=True))
                if no_worse and any(g > r for g, r in zip(gain, room, strict=True)):
                    worse = worse or j + 1
            found.append(replace(p, same_as=same, dominated_by=worse))
        return found

    def _frontier(self, failed: Outcome | None) -> Tradeoff:
        false = {(c.term, c.bound) for c in self.solves.drop_contradicted()}
        self.points = [
            replace(p, bound=None, gap=None, status="feasible", stopped="failed")
            if (0, p.bound) in false or (1, p.other_bound) in false
            else p
            for p in self.points
        ]
        points = self._mark()
        stopped = next((p.stopped for p in points if p.status != "optimal"), "gap")
        status = "optimal" if stopped == "gap" else "feasible"
        if self.cancelled:
            status, stopped = "feasible" if points else "unknown", "interrupted"
        elif failed is not None:
            status, stopped = failed.status, failed.stopped
            if points:
                status = "feasible" if status == "unknown" else status
        return Tradeoff(
            model=self.model.name,
            title=self.model.title,
            sense=self.problem.sense,
            axes=(self._axis(0), self._axis(1)),
            left_out=tuple(t.name for t in self.problem.terms if t not in self.terms),
            asked_gap=self.options.gap,
            status=status,
            stopped=stopped,
            points=tuple(points),
            claims=tuple(self.solves.claims),
            notes=tuple(self.solves.notes),
            solver=self.options.solver,
            solves=self.solves.count,
            seconds=time.perf_counter() - self.started,
            message=failed.message if failed is not None else "",
        )

    def _axis(self, term: int) -> FrontierAxis:
        t = self.terms[term]
        return FrontierAxis(t.name, t.description, _unit(t.node) or "")


def _why(outcome: Outcome) -> str:
    return "" if outcome.stopped == "gap" else outcome.stopped


def _unit(node: Node) -> str | None:
    """The unit of a plain sum of quantities with one unit; None where it is not as plain.

    A sum over time or with weights changes the unit, so that nothing is said about it.
    """
    match node:
        case Reference(variable=variable):
            return variable.unit or None
        case Add(parts=parts):
            units = {_unit(p) for p in parts if not isinstance(p, Data)}
            return units.pop() if len(units) == 1 else None
        case Reduce(body=body, over=over):
            return None if any(a.set.kind == "time" for a in over) else _unit(body)
        case _:
            return None
