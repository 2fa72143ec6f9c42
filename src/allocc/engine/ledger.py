"""What a solve has: the best allocation, the best bound, the time, and how they came about."""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np

from allocc.backends.solution import Word
from allocc.compiler.arrays import FloatArray
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values, highest, lowest
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import ROUNDING, Assessment, assess
from allocc.engine.judging.outcome import Options, Step, measure, relative_gap

#: Values of the objective that differ by this part of what they are measured by are the same: a few
#: digits above rounding, far below any gap that is asked for.
SAME = 1e-9
#: What is added up at the best allocation counts as nothing below this share of what is elsewhere.
ELSEWHERE = 1e-3
#: An allocation that is better than the bound by more than this, relatively, contradicts it.
CONTRADICTION = 1e-6
#: What a bound may rest on, the strongest first.
WORDS: tuple[Word, ...] = ("proven", "agreed", "claimed")
#: What a solver leaves of an end of a range is off by this share of it at most: the tolerance that
#: they put rows to.
DUST = 1e-7
#: An allocation that is off by less than this is brought inside: by the first of these times as much,
#: of the way towards one of the first so many allocations that are.
NEARLY, STEPS, MOST_INSIDE = 1e-3, (1.0, 4.0, 16.0, 64.0, 256.0), 4


def size_elsewhere(problem: Problem) -> float:
    """The size of the objective's terms at the lower ends of decisions, or else at their upper ends."""
    for ends in (lowest, highest):
        size = assess(problem, ends(problem)).size
        if np.isfinite(size) and size:
            return size
    return 0.0


class Ledger:
    """The books of one solve: every allocation in them was simulated, and every bound has its word."""

    def __init__(self, problem: Problem, options: Options, places: Places | None = None) -> None:
        self.problem = problem
        self.options = options
        #: Where decisions stand in the points that are offered; a `Loop` knows once it has lowered.
        self.places = places or Places()
        self.started = time.perf_counter()
        self.minimize = problem.sense == "minimize"
        #: The best bound by what it rests on.
        self.bounds: dict[Word, float] = {}
        self.best: Assessment | None = None
        self.best_point: FloatArray | None = None
        self.history: list[Step] = []
        self.rounds = 0
        self.notes: list[str] = []
        self._seen: set[bytes] = set()
        #: The largest cost of a column, each measured as for solvers; 0 before one was asked.
        self.unit = 0.0
        #: The first allocations that were found to meet every limit, the trivial ones among them.
        self._inside: list[Assessment] = []
        #: The first allocation that was no finite number when simulated, and whether another was one.
        self.undefined: Assessment | None = None
        self.any_defined = False

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    def remaining(self) -> float | None:
        """Seconds that are left, None without a limit."""
        limit = self.options.time_limit
        return None if limit is None else max(0.0, limit - self.seconds)

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit is reached."""
        left = self.remaining()
        return left is not None and left <= 0

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        cancel = self.options.cancel
        return cancel is not None and cancel.is_set()

    @property
    def bound(self) -> float | None:
        """The best bound, whatever it rests on."""
        found = None
        for bound in self.bounds.values():
            found = self.tighter(found, bound)
        return found

    @property
    def word(self) -> Word | None:
        """What the certificate rests on: the strongest word whose bound says as much as the best one."""
        best = self.bound
        for word in WORDS:
            bound = self.bounds.get(word)
            if bound is not None and (bound == best or self.closes(bound)):
                return word
        return None

    @property
    def gap(self) -> float | None:
        """The relative gap of what is had."""
        return self.gap_of(self.bound)

    def gap_of(self, bound: float | None) -> float | None:
        """The relative gap between the best value and a bound."""
        if self.best is None:
            return None
        return relative_gap(self.best.value, bound, self.size)

    @property
    def size(self) -> float:
        """The size of the objective's terms at the best allocation.

        Where nothing is added up there, it is a share of what is at the lower ends of decisions, or
        else at their upper ends, or else of the largest cost.
        """
        own = 0.0 if self.best is None else self.best.size
        return max(own, ELSEWHERE * (self._size_elsewhere or self.unit))

    @cached_property
    def _size_elsewhere(self) -> float:
        return size_elsewhere(self.problem)

    @property
    def measure(self) -> float:
        """What a difference to the best value is measured by; see `outcome.measure`."""
        return 0.0 if self.best is None else measure(self.best.value, self.size)

    @property
    def allowed(self) -> float:
        """The difference of value and bound at which the asked gap is reached."""
        return self.options.gap * self.measure

    @property
    def closed(self) -> bool:
        """Whether the asked gap is reached."""
        return self.bound is not None and self.closes(self.bound)

    def closes(self, bound: float) -> bool:
        """Whether a bound reaches the best value up to the asked gap."""
        gap = self.gap_of(bound)
        return gap is not None and gap <= self.options.gap

    @property
    def contradicted(self) -> bool:
        """Whether the best allocation is better than the bound: more rounds cannot mend that."""
        if self.best is None or self.bound is None:
            return False
        crossing = (self.bound - self.best.value) * (1.0 if self.minimize else -1.0)
        most = max(abs(self.best.value), self.size)
        return crossing > CONTRADICTION * most or (
            crossing > CONTRADICTION * self.measure and not self.closed
        )

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for, or the time limit is reached."""
        return self.cancelled or self.out_of_time

    @property
    def ended(self) -> bool:
        """Whether no further round is wanted."""
        return self.closed or self.contradicted or self.stopped

    def report_progress(self, phase: str, bound: float | None = None, always: bool = True) -> None:
        """Report progress; `bound` is one that a running solve has proven."""
        shown = self.tighter(self.bound, bound)
        value = self.best.value if self.best else None
        step = Step(self.seconds, shown, value, self.gap_of(shown), self.rounds, phase)
        if always:
            self.history.append(step)
        if self.options.on_progress is not None:
            self.options.on_progress(step)

    def tighter(self, a: float | None, b: float | None) -> float | None:
        """The stronger of two bounds."""
        if a is None or b is None:
            return b if a is None else a
        return max(a, b) if self.minimize else min(a, b)

    def prove(self, bound: float | None, word: Word) -> None:
        """Keep a bound, and what it rests on."""
        best = self.tighter(self.bounds.get(word), bound)
        if best is not None:
            self.bounds[word] = best

    def withdraw(self, word: Word) -> None:
        """Believe no bound of a word any longer: something has contradicted it."""
        self.bounds.pop(word, None)

    def better(self, found: Assessment) -> bool:
        """Whether an allocation is feasible and better than the best."""
        if not np.isfinite(found.value) or found.violation.relative > self.options.violation:
            return False
        if self.best is None:
            return True
        clean, had = (a.violation.relative <= ROUNDING for a in (found, self.best))
        if clean != had:
            # What uses the tolerance may be better than all that does not: within the asked gap the
            # allocation that breaks nothing counts.
            gain = (self.best.value - found.value) * (1.0 if self.minimize else -1.0)
            return gain >= -self.allowed if clean else gain > self.allowed
        return found.value < self.best.value if self.minimize else found.value > self.best.value

    def decisions(self, point: FloatArray) -> Values:
        """Decisions from a point of the program: whole numbers rounded, ranges kept."""
        found: Values = {}
        for v, x in self.places.values(point, self.problem.decisions).items():
            x = np.rint(x) if v.integer else x
            found[v] = np.clip(x, *self.problem.ends(v))
        return found

    def offer(self, point: FloatArray) -> bool:
        """Simulate the decisions of a point, if they are new, and keep them if they are the best."""
        decisions = self.decisions(point)
        key = b"".join(x.tobytes() for x in decisions.values())
        if key in self._seen:
            return False
        self._seen.add(key)
        found = self.simulated(decisions)
        if found.violation.relative > self.options.violation:
            # Where all terms of a limit are dust, nothing but the ends of ranges meets it.
            clean = self._without_dust(decisions)
            if any((clean[v] != x).any() for v, x in decisions.items()):
                found = self.simulated(clean)
        found = self._inward(found)
        if not self.better(found):
            return False
        self.best = found
        self.best_point = point.copy()
        return True

    def simulated(self, decisions: Values) -> Assessment:
        """Decisions simulated and judged; it is kept in mind whether that gave finite numbers."""
        found = assess(self.problem, decisions)
        if found.finite:
            self.any_defined = True
        elif self.undefined is None:
            self.undefined = found
        return found

    def refuse_undefined(self) -> None:
        """Raise `DiagnosticError` with the place where no allocation that was tried gives numbers.

        Where some do, the place is told in a note: others may be what is looked for.
        """
        if self.best is not None or self.undefined is None:
            return
        diagnostic = undefined(self.problem, self.undefined.values)
        if not self.any_defined:
            raise DiagnosticError([diagnostic])
        self.note(f"allocations were tried that have no value: {diagnostic.message}")

    def tell_undefined(self) -> None:
        """A note where a formula has no value at the lower ends of decisions: it then is a limit."""
        found = self.undefined or self.simulated(lowest(self.problem))
        if not found.finite:
            place = undefined(self.problem, found.values).message
            self.note(f"a formula has to have a value, and this one has none: {place}")

    def _inward(self, found: Assessment) -> Assessment:
        """An allocation that breaks limits by a solver's tolerance, or one beside it that breaks none.

        A small step of the continuous decisions towards an allocation with room leaves every limit that
        is convex, and costs as little as the step is.
        """
        off = found.violation.relative
        if off <= ROUNDING and len(self._inside) < MOST_INSIDE:
            self._inside.append(found)
        if not ROUNDING < off <= NEARLY:
            return found
        for times in STEPS:
            step = times * off
            for other in self._inside:
                moved: Values = {}
                for v in self.problem.decisions:
                    x = found.values[v]
                    moved[v] = x if v.integer else x + step * (other.values[v] - x)
                tried = assess(self.problem, moved)
                if tried.violation.relative <= ROUNDING:
                    return tried
        return found

    def _without_dust(self, decisions: Values) -> Values:
        """Decisions that are as good as at an end of their range put there.

        They count as that within `DUST` of the range, or of the largest decision of the block where
        the range has no end.
        """
        found: Values = {}
        for v, x in decisions.items():
            lower, upper = self.problem.ends(v)
            largest = float(np.max(np.abs(x), initial=0.0))
            width = np.where(np.isfinite(upper - lower), upper - lower, largest)
            low = np.where(x - lower <= DUST * width, lower, x)
            found[v] = np.where(upper - low <= DUST * width, upper, low)
        return found

    def note(self, note: str) -> None:
        """Keep a note, once."""
        if note not in self.notes:
            self.notes.append(note)
