"""Judging decisions outside of any solver: the objective and every hard limit, as simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.labels import shown_label
from allocc.compiler.lowering.lower import ratio_limit
from allocc.compiler.reformulations import chance, ratios
from allocc.compiler.unrolling.magnitude_of_terms import Sizes, StepSizes
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, Problem
from allocc.compiler.unrolling.simulate import Values, simulate
from allocc.engine.judging.outcome import NEAR_ZERO, Violation

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
    #: The size of the objective's terms, added up (see `compiler.unrolling.magnitude_of_terms`).
    size: float
    #: Whether all that is simulated, every limit and every term is a finite number.
    finite: bool = True
    #: The probability that each chance block reaches, scenarios counted one by one.
    probabilities: Mapping[str, float] = field(default_factory=dict)


def assess(problem: Problem, decisions: Mapping[Variable, FloatArray]) -> Assessment:
    """Simulate decisions and judge the outcome.

    The violation is the largest over limits, the ranges of decisions, whole numbers, and
    compartments below their range, which is zero. Each is relative to its own parts:

    - a limit to the sum of the sizes of its terms, both sides of it;
    - a range to its own larger end, or the decision where that is more;
    - a whole number to 1, since it is counted;
    - a compartment to the largest value that it has over time, member by member.

    Where limits and compartments are near zero beside what goes into the compartments' steps, they
    are measured by `NEAR_ZERO` of that: an empty stock is one up to rounding.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return Judge(problem, simulate(problem, decisions)).assessment()


class Judge:
    """Measures what is simulated.

    What a subclass may know better is by how much something is broken: `beyond` and `over`.
    """

    def __init__(self, problem: Problem, values: Values) -> None:
        self.problem = problem
        self.values = values
        self.evaluate = Evaluation(dict(values))
        self.sizes = Sizes(self.evaluate)
        self.steps = StepSizes(problem, self.evaluate)
        self.gross = Sizes(self.evaluate, self.steps)
        self.finite = all(np.isfinite(x).all() for x in values.values())

    def assessment(self) -> Assessment:
        """The objective and the worst violation."""
        problem, values = self.problem, self.values
        terms = {t.name: float(self.evaluate(t.node)) for t in problem.terms}
        worst = Violation(0.0, 0.0)
        for v in problem.decisions:
            worst = _worse(worst, *self.out_of_range(v), v.name, v.labels)
            if v.integer:
                x = values[v]
                worst = _worse(worst, np.abs(x - np.rint(x)), np.ones(x.shape), v.name, v.labels)
        for v in problem.states:
            worst = _worse(worst, *self.out_of_range(v), v.name, v.labels)
        for c in problem.constraints:
            worst = _worse(worst, *self.excess(c), c.name, c.labels)
        reached: dict[str, float] = {}
        for block in problem.chances:
            reached[block.name], found = self._chance(block)
            if found.relative > worst.relative:
                worst = found
        size = float(sum(float(self.sizes(t.node)) for t in problem.terms))
        value = problem.objective(terms)
        self.finite = self.finite and all(np.isfinite(x) for x in terms.values())
        if not self.finite:
            # Nothing is kept where something is no number.
            worst = replace(worst, absolute=np.inf, relative=np.inf)
        return Assessment(values, value, terms, worst, size, self.finite, reached)

    def beyond(self, v: Variable) -> FloatArray:
        """How far a decision is off its range, or a compartment below its own; infinite without a number."""
        x = self.values[v]
        lower, upper = self.problem.ends(v)
        return short(lower - x if v.kind == "state" else np.maximum(lower - x, x - upper))

    def out_of_range(self, v: Variable) -> tuple[FloatArray, FloatArray]:
        """How far a decision or a compartment is off its range, and the size that this is measured by."""
        over = self.beyond(v)
        if v.kind == "state":
            return over, self._trajectories(v, over)
        ends = (np.where(np.isfinite(e), np.abs(e), 0.0) for e in self.problem.ends(v))
        return over, np.maximum(np.abs(self.values[v]), np.maximum(*ends))

    def excess(self, c: Constraint) -> tuple[FloatArray, FloatArray]:
        """By how much each row of a limit is broken, and the size that this is measured by."""
        over = self.over(c)
        return over, self._size(c) if over.any() else np.zeros(c.shape)

    def slack(self, c: Constraint) -> tuple[FloatArray, FloatArray]:
        """How far each row of a limit is off its nearer side, below 0 where broken, and its size."""
        body, low, high = self._sides(c)
        return np.minimum(body - low, high - body), self._size(c)

    def _sides(self, c: Constraint) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The body of a limit and both of its sides, in its shape."""
        body, low, high = (
            np.broadcast_to(spread(x, axes, c.axes), c.shape)
            for x, axes in (
                (self.evaluate(c.body), c.body.axes),
                (c.lower.values, c.lower.axes),
                (c.upper.values, c.upper.axes),
            )
        )
        return body, low, high

    def over(self, c: Constraint) -> FloatArray:
        """By how much each row of a limit is broken; infinite where it has no number."""
        if c.alternatives:
            return self._alternative(c)[0]
        body, low, high = self._sides(c)
        over = short(np.maximum(low - body, body - high))
        if not np.isfinite(body).all():
            over, decided = self._at_zero(c, over)
            self.finite = self.finite and bool((np.isfinite(body) | decided).all())
        return over

    def _size(self, c: Constraint) -> FloatArray:
        """The size that the excess of each row is measured by."""
        if c.alternatives:
            return self._alternative(c)[1]
        body, low, high = self._sides(c)
        side = np.where(body < low, low, high)
        ends = np.where(np.isfinite(side), np.abs(side), 0.0)
        own, gross = (
            np.broadcast_to(spread(s(c.body), c.body.axes, c.axes), c.shape) + ends
            for s in (self.sizes, self.gross)
        )
        size: FloatArray = np.maximum(own, NEAR_ZERO * gross)
        return size

    def _alternative(self, c: Constraint) -> tuple[FloatArray, FloatArray]:
        """By how much the alternative of a limit that is nearest to hold is broken, and the size of that.

        Each amount is measured by its own size, so that no unit decides which one is nearest.
        """
        best: tuple[FloatArray, FloatArray] | None = None
        for amounts in c.alternatives:
            worst: tuple[FloatArray, FloatArray] | None = None
            for node in amounts:
                part = replace(c, body=node, alternatives=())
                worst = _chosen(worst, (self.over(part), self._size(part)), np.greater)
            assert worst is not None
            best = _chosen(best, worst, np.less)
        assert best is not None
        return best

    def _at_zero(self, c: Constraint, over: FloatArray) -> tuple[FloatArray, BoolArray]:
        """The excess of a limit on a ratio, read multiplied out where nothing can be divided.

        And where it is read so: there the limit holds or does not, though it has no number.
        """
        limit = ratio_limit(c, self.problem)
        if limit is None:
            return over, np.zeros(c.shape, dtype=bool)
        zero, holds = ratios.at_zero(limit, self.evaluate, c.axes)
        read: FloatArray = np.where(zero, np.where(holds, 0.0, np.inf), over)
        return np.broadcast_to(read, c.shape), np.broadcast_to(zero, c.shape)

    def _trajectories(self, v: Variable, under: FloatArray) -> FloatArray:
        """The size of each member of a compartment, over its whole trajectory."""
        if not under.any():
            return np.zeros(v.shape)
        own = np.max(np.abs(self.values[v]), axis=-1, keepdims=True)
        size: FloatArray = np.maximum(np.broadcast_to(own, v.shape), NEAR_ZERO * self.steps(v))
        return size

    def _chance(self, block: ChanceConstraint) -> tuple[float, Violation]:
        """The probability that a chance block reaches, and its violation.

        A scenario holds where none of the limits is broken by more than `SCENARIO_TOLERANCE` of its
        size. The violation is the probability that is missing. If none is, it is the largest excess
        that the scenarios that are needed for it have: rounding, as it counts for any other limit.
        """
        broken = np.zeros(len(block.weights))
        absolute = np.zeros(len(block.weights))
        for limit in block.limits:
            over, size = self.excess(limit.constraint)
            np.maximum.at(broken, limit.scenario, relative_to(over, size).ravel())
            np.maximum.at(absolute, limit.scenario, over.ravel())
        reached = block.reached(broken <= SCENARIO_TOLERANCE)
        missing = block.probability - reached
        if missing > chance.TOLERANCE:
            return reached, Violation(missing, missing, block.name, name=block.name)
        order = np.argsort(broken, kind="stable")
        enough = np.cumsum(block.weights[order]) >= block.probability - chance.TOLERANCE
        needed = order[: int(np.argmax(enough)) + 1]
        worst = float(absolute[needed].max()), float(broken[needed].max())
        return reached, Violation(*worst, block.name, name=block.name)


def _chosen(
    known: tuple[FloatArray, FloatArray] | None,
    other: tuple[FloatArray, FloatArray],
    better: Callable[[FloatArray, FloatArray], BoolArray],
) -> tuple[FloatArray, FloatArray]:
    """Row by row, one of two excesses with its size, by their sizes."""
    if known is None:
        return other
    taken = better(relative_to(*other), relative_to(*known))
    return np.where(taken, other[0], known[0]), np.where(taken, other[1], known[1])


def short(off: FloatArray) -> FloatArray:
    """By how much a side is missed; without end where that is no number."""
    found: FloatArray = np.where(np.isnan(off), np.inf, np.maximum(off, 0.0))
    return found


def relative_to(over: FloatArray, size: FloatArray) -> FloatArray:
    """An excess by its size; without end where the size is zero or no number."""
    known = np.isfinite(size) & (size > 0)
    found: FloatArray = np.where(over > 0, np.inf, 0.0)
    np.divide(over, size, out=found, where=known)
    return found


def _worse(
    worst: Violation, over: FloatArray, size: FloatArray, name: str, labels: object
) -> Violation:
    if not over.size:
        return worst
    relative = relative_to(over, size)
    k = int(np.argmax(relative))
    if not relative.flat[k] > worst.relative:
        return worst
    found = labels(k) if callable(labels) else ()
    text = f"{name}[{','.join(shown_label(x) for x in found)}]" if found else name
    return Violation(float(over.flat[k]), float(relative.flat[k]), text, name=name)
