"""The best values of what a fit estimates, from several starts.

`scipy.optimize.least_squares` searches, with exact derivatives. Estimates that end against the limit of
their range are put onto it, and the others sought once more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.fitting.course import NoCourse
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.residuals import Look, Residuals

#: Relative changes of loss and estimates, and the scaled slope, at which a search ends.
CLOSE = 1e-13
#: The same on the way along a profile.
NEARLY = 1e-9
#: So many points are looked at in one search.
MOST_LOOKS = 400
#: Ends of searches are one where the loss differs by less than this part.
SAME = 1e-7
#: An estimate this near to a limit, by its standard error, is tried there.
NEAR = 1.0
#: Starts are spread over so many powers of ten around the first guess.
DECADES = 3.0


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where a search has ended: the numbers, the residuals there, and which lie at a limit."""

    numbers: FloatArray
    look: Look
    held: BoolArray

    @property
    def loss(self) -> float:
        """The sum of squares there."""
        return self.look.loss


class Search:
    """Searches for the least loss of one fit."""

    def __init__(self, fit: FitProblem, cancelled: Callable[[], bool] = lambda: False) -> None:
        self.fit = fit
        self.residuals = Residuals(fit)
        self.low = _row([u.low for u in fit.unknowns])
        self.high = _row([u.high for u in fit.unknowns])
        self.guess = _row([u.guess for u in fit.unknowns])
        self.cancelled = cancelled
        self._last: tuple[bytes, Look | None] = (b"", None)

    def look(self, numbers: FloatArray) -> Look | None:
        """Residuals and derivatives; None where the model has no finite course there."""
        key = numbers.tobytes()
        if key != self._last[0]:
            self._last = key, self._looked(numbers)
        return self._last[1]

    def _looked(self, numbers: FloatArray) -> Look | None:
        try:
            found = self.residuals.look(numbers)
        except NoCourse:
            return None
        finite = np.isfinite(found.residuals).all() and np.isfinite(found.slopes).all()
        return found if finite else None

    def from_starts(self, starts: int, seed: int) -> list[Optimum]:
        """The ends of searches from `starts` points, the best first; each end once."""
        found: list[Optimum] = []
        for start in self._starts(starts, seed):
            # What was begun is kept: the first search always ends.
            if found and self.cancelled():
                break
            end = self.descend(start)
            if end is None:
                continue
            same = [o for o in found if abs(o.loss - end.loss) <= SAME * max(o.loss, end.loss)]
            if not same:
                found.append(end)
        return sorted(found, key=lambda o: o.loss)

    def _starts(self, count: int, seed: int) -> list[FloatArray]:
        """The first guess, then points around it, or spread over a range that is closed."""
        from scipy.stats import qmc

        points = [self.guess]
        free = self.low < self.high
        if count > 1 and free.any():
            spread = qmc.Sobol(int(free.sum()), seed=seed).random(_power_of_two(count - 1))
            for share in spread[: count - 1]:
                whole = np.full(len(self.guess), 0.5)
                whole[free] = share
                points.append(self._spread(whole))
        return points

    def _spread(self, share: FloatArray) -> FloatArray:
        """A point at shares (0 to 1) of the ranges."""
        factor = 10.0 ** (DECADES * (share - 0.5))
        size = np.maximum(np.abs(self.guess), 1e-3)
        with np.errstate(invalid="ignore"):
            inside = self.low + share * (self.high - self.low)
            above = self.low + np.maximum(self.guess - self.low, 1e-3 * size) * factor
            below = self.high - np.maximum(self.high - self.guess, 1e-3 * size) * factor
        around = self.guess + size * (factor - 1 / factor)
        lower, upper = np.isfinite(self.low), np.isfinite(self.high)
        return np.where(
            lower & upper, inside, np.where(lower, above, np.where(upper, below, around))
        )

    def descend(self, start: FloatArray, held: BoolArray | None = None) -> Optimum | None:
        """The end of the search from one point, `held` numbers staying; None where it has none."""
        fixed = self.low >= self.high
        if held is not None:
            fixed = fixed | held
        end = self._solved(np.clip(start, self.low, self.high), fixed)
        if end is None:
            return None
        return self._onto_limits(end, fixed)

    def follow(self, start: FloatArray, held: BoolArray) -> Optimum | None:
        """The same from a point that is nearly an end: what lies at a limit stays, unless it would leave."""
        fixed = held | (self.low >= self.high)
        resting = fixed | self._at_limit(start)
        end = self._solved(start, resting, NEARLY)
        if end is None:
            return None
        slope = end.look.slopes.T @ end.look.residuals
        low, high = self._at_limit(start) & (start == self.low), start == self.high
        leaving = ~fixed & ((low & (slope < 0)) | (high & (slope > 0)))
        return self.descend(end.numbers, held) if leaving.any() else end

    def _solved(self, start: FloatArray, fixed: BoolArray, close: float = CLOSE) -> Optimum | None:
        """The least loss near a point over the numbers that are not fixed, to a relative `close`."""
        from scipy.optimize import least_squares

        free = ~fixed
        look = self.look(start)
        if look is None or not free.any():
            return None if look is None else Optimum(start, look, self._at_limit(start))
        nothing = np.full(look.residuals.shape, np.inf)

        def whole(x: FloatArray) -> FloatArray:
            numbers = start.copy()
            numbers[free] = x
            return numbers

        def residuals(x: FloatArray) -> FloatArray:
            found = self.look(whole(x))
            return nothing if found is None else found.residuals

        def slopes(x: FloatArray) -> FloatArray:
            found = self.look(whole(x))
            assert found is not None, "slopes are asked for where residuals are finite"
            return found.slopes[:, free]

        ended = least_squares(
            residuals,
            start[free],
            jac=slopes,
            bounds=(self.low[free], self.high[free]),
            x_scale="jac",
            ftol=close,
            xtol=close,
            gtol=close,
            max_nfev=MOST_LOOKS,
        )
        numbers = whole(ended.x)
        final = self.look(numbers)
        return None if final is None else Optimum(numbers, final, self._at_limit(numbers))

    def _onto_limits(self, end: Optimum, fixed: BoolArray) -> Optimum:
        """The same with numbers that press against a limit put onto it, where that costs nothing.

        A search within a range comes near to its ends and never reaches them.
        """
        best = end
        slope = 2 * end.look.slopes.T @ end.look.residuals
        bend = 2 * np.einsum("ij,ij->j", end.look.slopes, end.look.slopes)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.sqrt(max(end.loss, np.finfo(float).tiny) / np.where(bend > 0, bend, np.nan))
        for limit, pressed in ((self.low, slope > 0), (self.high, slope < 0)):
            near = (
                ~fixed & np.isfinite(limit) & pressed & (np.abs(end.numbers - limit) < NEAR * size)
            )
            for k in np.flatnonzero(near):
                moved = best.numbers.copy()
                moved[k] = limit[k]
                tried = self._solved(moved, fixed | self._at_limit(moved))
                if tried is not None and tried.loss <= best.loss * (1 + SAME):
                    best = tried
        return best

    def _at_limit(self, numbers: FloatArray) -> BoolArray:
        return np.asarray((numbers == self.low) | (numbers == self.high))


def _row(blocks: list[FloatArray]) -> FloatArray:
    return np.concatenate([x.ravel() for x in blocks]).astype(float)


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
