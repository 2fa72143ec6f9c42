"""Which searches with gradients a solve begins: from where, with which whole numbers, how often."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.program import Program
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.heuristics.gradient import MOST_DECISIONS, GradientSearch
from allocc.engine.heuristics.starts import (
    DecisionRows,
    decision_rows,
    proportional,
    roundings,
    shares,
)

#: So many random starts are tried while no allocation is known, and with each new choice of integers.
RANDOM, AGAIN = 6, 1
#: With more continuous decisions one search with each choice of integers is enough.
FEW = 120


class Descending:
    """Searches of one problem, whose program has its parts in `places`.

    `box` has the ranges that follow from the limits. `offer` takes a point of it, and says whether it is
    the best by then.
    """

    def __init__(
        self,
        problem: Problem,
        places: Places,
        box: Program,
        offer: Callable[[FloatArray], bool],
        stop: Callable[[], bool],
        seed: int = 0,
    ) -> None:
        self.problem, self.box = problem, box
        self.offer, self.stop, self.seed = offer, stop, seed
        self.decided = places.positions(problem.decisions)
        self.integer = box.integer[self.decided]
        low, high = box.lower[self.decided], box.upper[self.decided]
        self.low = np.where(np.isfinite(low), low, np.minimum(high, 0.0))
        self.low = np.where(np.isfinite(self.low), self.low, 0.0)
        self.high = np.where(np.isfinite(high), high, np.maximum(self.low, 0.0))
        self._tried: set[bytes] = set()
        self._waiting = self._starts()
        #: Decisions from which no move of whole numbers helps.
        self._still: set[bytes] = set()

    @cached_property
    def search(self) -> GradientSearch:
        """The search of the program as it was lowered, where decisions stand as in all that follow."""
        return GradientSearch(chain(self.problem, "stated").program, self.decided)

    @cached_property
    def rows(self) -> DecisionRows:
        """The limits on decisions alone."""
        return decision_rows(self.search.program, self.decided)

    @cached_property
    def _fill(self) -> Completer:
        """What was added to the program after it was lowered follows from the rest of a point."""
        return Completer(self.box, np.arange(self.box.columns) < self.search.program.columns)

    @property
    def usable(self) -> bool:
        """Whether the model is of a size, and of a form, that is searched."""
        movable = int(np.count_nonzero(self.low < self.high))
        return 0 < movable <= MOST_DECISIONS and self.search.usable

    def begin(self, found: bool, count: int) -> None:
        """Search from the next so many starts, until something is `found`.

        The first are shares of what limits allow, then come other points, the random ones last.
        """
        for start in itertools.islice(self._waiting, count):
            if self.stop():
                return
            found |= self._offer(self._point(start))
            whole = self._whole(start)
            found |= any(self._descend(rounded) for rounded in whole)
            if not found and self.integer.any():
                found = self._descend(self._repaired(whole[0]))
            if found:
                return

    def near(self, point: FloatArray) -> None:
        """One search from a point with its integers."""
        if self.usable and (~self.integer & (self.low < self.high)).any():
            x = point[self.decided]
            self._descend(np.where(self.integer, np.rint(x), x))

    def improve(self, point: FloatArray) -> None:
        """Search from a point with its integers moved, and once from a few other points with the same."""
        if not self.usable:
            return
        x = point[self.decided]
        x = self._bettered(np.where(self.integer, np.rint(x), x))
        movable = int(np.count_nonzero(~self.integer & (self.low < self.high)))
        if not movable:
            return
        self._descend(x)
        key = x[self.integer].tobytes()
        if key in self._tried or movable > FEW:
            return
        self._tried.add(key)
        starts = [*proportional(self.rows, *self._held(x), self.integer)[1:]]
        starts += [*shares(self.low, self.high, self.seed, AGAIN)][3:]
        for start in starts:
            if self.stop():
                return
            self._descend(np.where(self.integer, x, start))

    def _starts(self) -> Iterator[FloatArray]:
        common, own = proportional(self.rows, self.low, self.high, self.integer)
        yield own
        yield common
        yield from shares(self.low, self.high, self.seed, RANDOM)

    def _held(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ranges, with integers held."""
        return np.where(self.integer, x, self.low), np.where(self.integer, x, self.high)

    def _whole(self, start: FloatArray) -> list[FloatArray]:
        """A start with whole numbers, and those that round a search in which they may be any."""
        first = np.where(self.integer, np.rint(start), start)
        if not self.integer.any():
            return [first]
        found = self._run(start, relaxed=True)
        if found is None:
            return [first]
        return [*roundings(self.rows, found[self.decided], self.integer), first]

    def _repaired(self, start: FloatArray) -> FloatArray:
        """A start with whole numbers that break limits less."""
        found = self.search.repaired(self._point(start), self._span(start), self.stop)
        if found is None:
            return start
        x = found[self.decided]
        return np.where(self.integer, np.rint(x), x)

    def _bettered(self, x: FloatArray) -> FloatArray:
        """Decisions whose whole numbers are moved as long as that is better; they are offered."""
        if not (self.integer & (self.low < self.high)).any() or x.tobytes() in self._still:
            return x
        found = self.search.bettered(self._point(x), self._span(x), self.stop)
        if found is None:
            return x
        moved = np.where(self.integer, np.rint(found[self.decided]), x)
        self._still.add(moved.tobytes())
        if (moved != x).any():
            self._offer(self._point(moved))
        return moved

    def _descend(self, start: FloatArray) -> bool:
        """Offer where a search from a start with whole numbers ends, and the start itself."""
        found = self._run(start)
        best = found is not None and self._offer(found)
        return self._offer(self._point(start)) or best

    def _run(self, start: FloatArray, relaxed: bool = False) -> FloatArray | None:
        return self.search.run(self._point(start), self._span(start), self.stop, relaxed)

    def _span(self, start: FloatArray) -> FloatArray:
        """What decisions are measured by: their range, or the largest that they are."""
        p, d = self.box, self.decided
        width = p.upper[d] - p.lower[d]
        size = np.abs(start)
        size = np.where(size > 0, size, float(size.max(initial=0.0)) or 1.0)
        return np.where(np.isfinite(width) & (width > 0), width, size)

    def _point(self, x: FloatArray) -> FloatArray:
        """A point of the lowered program; only its decisions count."""
        point = np.zeros(self.search.program.columns)
        point[self.decided] = x
        return point

    def _offer(self, point: FloatArray) -> bool:
        """Offer a point of the lowered program, as one of the program that came of it."""
        full = np.zeros(self.box.columns)
        full[: len(point)] = self.search.complete(point)
        full = self._fill(full)
        # The decisions count; what has no number may still be read where a limit is multiplied out.
        return self.offer(np.where(np.isfinite(full), full, 0.0))
