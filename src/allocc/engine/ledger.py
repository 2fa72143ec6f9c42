"""What a solve has: the best allocation, the best bound, the time, and how they came about."""

from __future__ import annotations

import time

import numpy as np

from allocc.backends.solution import Word
from allocc.compiler.problem import Problem
from allocc.compiler.program import FloatArray
from allocc.compiler.simulate import Values
from allocc.engine.assess import Assessment, assess
from allocc.engine.outcome import Options, Step, relative_gap

#: A difference of value and bound that counts as none.
ABSOLUTE_GAP = 1e-9
#: An allocation that is better than the bound by more than this, relatively, contradicts it.
CONTRADICTION = 1e-6
#: What a bound may rest on, the strongest first.
WORDS: tuple[Word, ...] = ("proven", "agreed", "claimed")


class Ledger:
    """The books of one solve; every allocation in them was simulated, every bound proven."""

    def __init__(self, problem: Problem, options: Options) -> None:
        self.problem = problem
        self.options = options
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
            if bound is not None and (bound == best or self._closes(bound)):
                return word
        return None

    @property
    def gap(self) -> float | None:
        """The relative gap of what is had."""
        return relative_gap(self.best.value if self.best else None, self.bound)

    @property
    def allowed(self) -> float:
        """The difference of value and bound at which the asked gap is reached."""
        assert self.best is not None
        return self.options.gap * max(abs(self.best.value), 1e-9)

    @property
    def closed(self) -> bool:
        """Whether the asked gap is reached."""
        return self.bound is not None and self._closes(self.bound)

    def _closes(self, bound: float) -> bool:
        """Whether a bound reaches the best value up to the asked gap."""
        if self.best is None:
            return False
        gap = relative_gap(self.best.value, bound)
        # Around a value of nought a relative gap means nothing.
        close = gap is not None and gap <= self.options.gap
        return close or abs(self.best.value - bound) <= ABSOLUTE_GAP

    @property
    def contradicted(self) -> bool:
        """Whether the best allocation is better than the bound: more rounds cannot mend that."""
        if self.best is None or self.bound is None:
            return False
        crossing = (self.bound - self.best.value) * (1.0 if self.minimize else -1.0)
        size = abs(self.best.value)
        return crossing > CONTRADICTION * max(size, 1.0) or (
            crossing > CONTRADICTION * size and not self.closed
        )

    @property
    def ended(self) -> bool:
        """Whether no further round is wanted."""
        return self.closed or self.contradicted or self.cancelled or self.out_of_time

    def note(self, phase: str, bound: float | None = None, always: bool = True) -> None:
        """Report progress; `bound` is one that a running solve has proven."""
        shown = self.tighter(self.bound, bound)
        value = self.best.value if self.best else None
        step = Step(self.seconds, shown, value, relative_gap(value, shown), self.rounds, phase)
        if always:
            self.history.append(step)
        if self.options.on_progress is not None:
            self.options.on_progress(step)

    def tighter(self, a: float | None, b: float | None) -> float | None:
        """The stronger of two bounds."""
        if a is None or b is None:
            return b if a is None else a
        return max(a, b) if self.minimize else min(a, b)

    def prove(self, bound: float | None, word: Word = "proven") -> None:
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
        return found.value < self.best.value if self.minimize else found.value > self.best.value

    def decisions(self, point: FloatArray) -> Values:
        """Decisions from a point of the program: whole numbers rounded, ranges kept."""
        found: Values = {}
        for v in self.problem.decisions:
            assert v.lower is not None and v.upper is not None
            x = point[v.offset : v.offset + v.size].reshape(v.shape)
            x = np.rint(x) if v.integer else x
            found[v] = np.clip(x, v.lower, v.upper)
        return found

    def offer(self, point: FloatArray) -> bool:
        """Simulate the decisions of a point, if they are new, and keep them if they are the best."""
        decisions = self.decisions(point)
        key = b"".join(x.tobytes() for x in decisions.values())
        if key in self._seen:
            return False
        self._seen.add(key)
        found = assess(self.problem, decisions)
        if not self.better(found):
            return False
        self.best = found
        self.best_point = point.copy()
        return True

    def told(self, note: str) -> None:
        """Keep a note, once."""
        if note not in self.notes:
            self.notes.append(note)
