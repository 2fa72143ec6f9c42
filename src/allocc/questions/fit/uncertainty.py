"""How sure estimates are: standard errors, profile likelihoods, and what the data do not tell.

With plain squares the variance of the errors is estimated from what is left of them, and a profile ends
where the loss has risen by that variance times a quantile of F; with a distribution, by one of chi-squared
(Venzon and Moolgavkar 1988, Appl. Statist. 37; Seber and Wild 1989, Nonlinear Regression, 5.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.questions.fit.searching import Optimum, Search
from allocc.tables import number

#: Directions in which the scaled information is below this are told by nothing.
NOTHING = 1e-11
#: What has a larger part in such a direction has no error of its own.
PART = 1e-3
#: Estimates with a correlation beyond this trade off.
TRADE = 0.98
#: An error that is more than this part of the prior's deviation comes from the prior.
HARDLY = 0.9
#: So often a step out from the optimum is doubled before the interval is called open.
DOUBLINGS = 24
#: The ends of intervals are found to this part of their distance.
FINE = 1e-3


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What is known of the errors at an optimum."""

    search: Search
    best: Optimum
    level: float

    @property
    def likelihood(self) -> bool:
        """Whether the errors have a distribution, rather than plain squares."""
        return any(o.kind != "squares" for o in self.search.fit.observations)

    @cached_property
    def free(self) -> BoolArray:
        """The estimates that lie within their ranges."""
        return ~self.best.held

    @cached_property
    def spare(self) -> int:
        """Numbers observed beyond those estimated.

        What the fit begins with is met by construction, and says nothing of the errors.
        """
        look = self.best.look
        typical = np.sqrt(look.loss / max(len(look.residuals), 1))
        met = ~look.slopes.any(axis=1) & (np.abs(look.residuals) <= 1e-9 * typical)
        return int((~met).sum()) - int(self.free.sum())

    @cached_property
    def variance(self) -> float | None:
        """The variance of an error of weight one; None where nothing is left to tell it from."""
        if self.likelihood:
            return 1.0
        return self.best.loss / self.spare if self.spare > 0 else None

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Scales of the free estimates, and eigenvalues and -vectors of their scaled information."""
        inner = self.best.look.information[np.ix_(self.free, self.free)]
        scale = np.sqrt(np.diag(inner))
        safe = np.where(scale > 0, scale, 1.0)
        values, vectors = np.linalg.eigh(inner / np.outer(safe, safe))
        return safe, values, vectors

    @cached_property
    def untold(self) -> list[list[int]]:
        """Groups of free estimates that the data do not tell (apart), by their places."""
        _, values, vectors = self._spectrum
        places = np.flatnonzero(self.free)
        null = vectors[:, values < NOTHING]
        if not null.shape[1]:
            return []
        parts = np.abs(null).max(axis=1) > PART
        # What shares a direction belongs together.
        groups: list[set[int]] = []
        for column in null.T:
            members = {int(k) for k in places[np.abs(column) > PART]}
            joined = [g for g in groups if g & members]
            groups = [g for g in groups if not g & members]
            groups.append(members.union(*joined))
        known = set(places[parts].tolist())
        return [sorted(g & known) for g in groups if g & known]

    @cached_property
    def covariance(self) -> FloatArray:
        """Of all estimates; not a number for those that have no error."""
        size = len(self.free)
        found = np.full((size, size), np.nan)
        if self.variance is None:
            return found
        scale, values, vectors = self._spectrum
        told = values >= NOTHING
        inverse = (vectors[:, told] / values[told]) @ vectors[:, told].T
        whole = self.variance * inverse / np.outer(scale, scale)
        found[np.ix_(self.free, self.free)] = whole
        for group in self.untold:
            found[group, :] = found[:, group] = np.nan
        return found

    def errors(self) -> list[float | None]:
        """The standard error of each estimate, None where it has none."""
        found = np.sqrt(np.diag(self.covariance))
        return [float(x) if np.isfinite(x) else None for x in found]

    # --- profiles ---

    @cached_property
    def rise(self) -> float | None:
        """How far the loss may rise within the interval."""
        from scipy.stats import chi2, f

        if self.likelihood:
            return float(chi2.ppf(self.level, 1))
        if self.variance is None:
            return None
        return self.variance * float(f.ppf(self.level, 1, self.spare))

    def interval(self, k: int) -> tuple[float | None, float | None]:
        """Both ends of the profile interval of an estimate; None for an end that is not there."""
        return self._end(k, -1), self._end(k, 1)

    def _end(self, k: int, side: int) -> float | None:
        from scipy.optimize import brentq

        value = float(self.best.numbers[k])
        limit = float((self.search.low if side < 0 else self.search.high)[k])
        if value == limit:
            return value
        if not self.rise:
            return None
        profile = _Profile(self, k)
        bend = float(self.best.look.information[k, k])
        size = np.sqrt(self.rise / bend) if bend > 0 else max(abs(value), 1.0)
        # What is known at both ends of a step is not asked again: it is within at the optimum.
        ends, inner, step = {value: -1.0}, value, size
        for _ in range(DOUBLINGS):
            outer = value + side * step
            past = (outer - limit) * side >= 0
            outer = limit if past else outer
            ends[outer] = profile(outer)
            if ends[outer] > 0:
                near = FINE * abs(outer - value)
                return float(
                    brentq(lambda x: ends[x] if x in ends else profile(x), inner, outer, xtol=near)
                )
            if past:
                return limit
            inner, step = outer, 2 * step
        return None

    # --- in words ---

    def remarks(self) -> list[str]:
        """What the data do not tell, in sentences without their full stop."""
        names = self.search.fit.names()
        told = []
        for k in np.flatnonzero(self.best.held):
            x = self.best.numbers[k]
            side = "below" if x == self.search.low[k] else "above"
            if self.search.low[k] == self.search.high[k]:
                told.append(f"{names[k]} can only be {number(x)}, by its range")
            elif not self.best.look.slopes[:, k].any():
                told.append(f"nothing that is observed depends on {names[k]}")
            else:
                told.append(
                    f"{names[k]} is at its limit {number(x)}: the data would have it {side}, or there"
                )
        for group in self.untold:
            which = [names[k] for k in group]
            if len(which) == 1:
                told.append(f"the data do not tell {which[0]}: nothing observed changes with it")
            else:
                told.append(
                    f"the data do not tell {_listed(which)} apart: only a mix of them counts"
                )
        told += self._trades(names)
        told += self._only_known_before(names)
        if self.variance is None:
            told.append(
                "there are as many estimates as observed numbers: nothing tells their errors"
            )
        return told

    def _only_known_before(self, names: list[str]) -> list[str]:
        """Estimates of which the data say hardly more than the prior."""
        fit, error = self.search.fit, np.sqrt(np.diag(self.covariance))
        told = []
        for u, first in zip(fit.unknowns, fit.places(), strict=True):
            part = slice(first, first + u.size)
            x = self.best.numbers[part].reshape(u.variable.shape)
            before = None if u.prior is None else u.prior.deviation(x)
            if before is not None:
                alike = error[part] > HARDLY * np.broadcast_to(before, x.shape).ravel()
                told += [
                    f"the data say hardly more of {names[first + k]} than its prior"
                    for k in np.flatnonzero(alike)
                ]
        return told

    def _trades(self, names: list[str]) -> list[str]:
        error = np.sqrt(np.diag(self.covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = self.covariance / np.outer(error, error)
        pairs = np.argwhere(np.triu(np.abs(alike) > TRADE, 1))
        return [
            f"{names[i]} and {names[j]} trade off: their errors have a correlation of "
            f"{alike[i, j]:.3f}"
            for i, j in pairs
        ]


class _Profile:
    """How far the loss rises above what is allowed when one estimate is held: negative within."""

    def __init__(self, errors: Uncertainty, k: int) -> None:
        self.errors, self.k = errors, k
        self.held = np.arange(len(errors.best.numbers)) == k
        self.start = errors.best.numbers

    def __call__(self, x: float) -> float:
        start = self.start.copy()
        start[self.k] = x
        end = self.errors.search.follow(start, self.held)
        rise = self.errors.rise
        assert rise is not None
        if end is None:
            return 1.0
        self.start = end.numbers
        # The root is nearly a straight line.
        return float(np.sqrt(max(end.loss - self.errors.best.loss, 0.0) / rise)) - 1.0


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
