"""Primal heuristics: allocations from points of a relaxation, and better ones near the best."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from allocc.backends.solution import Refused
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.engine.heuristics.descending import Descending
from allocc.engine.heuristics.fixed import FixedProgram, is_linear_when_fixed, solve_fixed
from allocc.engine.heuristics.search import LocalSearch
from allocc.engine.heuristics.successive import SuccessiveLinear
from allocc.engine.ledger import SAME, Ledger

#: A step of the local search gains more than this part of what the objective is measured by: less
#: is rounding in the linear programs that it compares.
NOISE = 1e-12
#: Searches with gradients begin at so many points, before it is known whether there is an allocation.
STARTS = 2


class Heuristics:
    """Offers allocations to a ledger; what they cost is time, never the proof."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._local: LocalSearch | None = None
        self._successive: SuccessiveLinear | None = None
        self._descending: Descending | None = None

    @contextmanager
    def _searching(self) -> Iterator[None]:
        """A search for better allocations, without which the loop goes on where it breaks down."""
        try:
            yield
        except Refused as refused:
            self.ledger.note(f"a search for better allocations ended early: {refused}")

    def round(self, relaxation: Relaxation, point: FloatArray) -> None:
        """Offer the best point with the integers of a point, or the point itself."""
        with self._searching():
            if self._with_integers(relaxation, point):
                return
        self.ledger.offer(point)

    def _with_integers(self, relaxation: Relaxation, point: FloatArray) -> bool:
        """Offer the best point with the integers of a point; whether that is the best there is."""
        if self._local is None and is_linear_when_fixed(relaxation):
            self._local = LocalSearch(
                FixedProgram(relaxation, self.ledger.remaining), self.ledger.minimize
            )
        if self._local is not None:
            here = self._rounded(point)
            value = self._local.value(here)
            if np.isfinite(value):
                # The linear program is exact: what it calls worse need not be simulated.
                found = None if self._is_worse(value) else self._local.point(here)
                if found is not None:
                    self.ledger.offer(found)
                return True
        elif relaxation.program.integer.any():
            fixed = solve_fixed(relaxation, point, self.ledger.remaining())
            if fixed is not None:
                self.ledger.offer(fixed)
        return False

    def _is_worse(self, signed: float) -> bool:
        """Whether a signed value (smaller is better) is clearly worse than the best."""
        if self.ledger.best is None:
            return False
        best = self.ledger.best.value if self.ledger.minimize else -self.ledger.best.value
        return signed > best + SAME * self.ledger.measure

    def _rounded(self, point: FloatArray) -> FloatArray:
        assert self._local is not None
        fixed = self._local.fixed
        return np.clip(np.rint(point[fixed.whole]), fixed.lower, fixed.upper)

    def polish(self, relaxation: Relaxation, program: Program) -> None:
        """A search with gradients from the best allocation, then successive linear programs.

        The former finds what lies between the ends of ranges, the latter change integers as well.
        """
        ledger = self.ledger
        if ledger.best_point is None:
            return
        self._descend_from_best(relaxation)
        if self._successive is None:
            columns = ledger.places.positions(ledger.problem.decisions)
            self._successive = SuccessiveLinear(relaxation, program, columns)
        if not self._successive.usable:
            return
        before = ledger.best
        usable = self._descents(relaxation).usable
        # With integers fixed, the search with gradients has found what there is.
        ways = [] if usable else [True]
        ways += [False] if program.integer.any() else []
        with self._searching():
            for fix_integers in ways:
                start, left = ledger.best_point, ledger.remaining
                self._successive.run(
                    start, ledger.offer, self._stop, left, fix_integers=fix_integers
                )
        if ledger.best is not before:
            self._descend_from_best(relaxation)

    def _descend_from_best(self, relaxation: Relaxation) -> None:
        if self.ledger.best_point is not None and not self.ledger.ended:
            self._descents(relaxation).improve(self.ledger.best_point)

    def descend(self, relaxation: Relaxation, point: FloatArray | None = None) -> None:
        """A search with gradients from a point, or from the next few starts while no allocation is known."""
        descents = self._descents(relaxation)
        if point is not None:
            descents.near(point)
        elif descents.usable:
            descents.begin(self.ledger.best is not None, STARTS)

    def _descents(self, relaxation: Relaxation) -> Descending:
        if self._descending is None:
            ledger = self.ledger
            self._descending = Descending(
                ledger.problem,
                ledger.places,
                relaxation.program,
                ledger.offer,
                lambda: ledger.ended,
                ledger.options.seed,
            )
        return self._descending

    def _stop(self) -> bool:
        return self.ledger.stopped

    def search(self, point: FloatArray, budget: float) -> None:
        """Local search from the best allocation over the integers that the relaxation splits.

        `budget` is work, about a second for 1; see `FixedProgram.work`.
        """
        if self._local is None or not self._local.fixed.linear or self.ledger.best_point is None:
            return
        fixed = self._local.fixed
        here = self._rounded(self.ledger.best_point)
        wish = point[fixed.whole]
        free = np.flatnonzero(fixed.lower < fixed.upper)
        order = free[np.argsort(-np.abs(wish - here)[free], kind="stable")]

        with self._searching():
            value, found = self._local.run(
                here, order, budget, self._stop, NOISE * self.ledger.measure
            )
            if found is not None and not self._is_worse(value):
                self.ledger.offer(found)
