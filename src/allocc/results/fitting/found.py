"""What a fit has found, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from allocc.compiler.labels import named
from allocc.results.run_folder.json_values import APART

#: Where an estimate has ended: within its range, or at one of its limits.
Place = Literal["inside", "low", "high"]
#: How draws are taken: from the normal law around the best point, or by chains.
Sampler = Literal["laplace", "emcee"]
#: Chains of fewer autocorrelation times than this may not be of the posterior yet (emcee's own advice).
LEAST_TIMES = 50


@dataclass(frozen=True, slots=True)
class Estimated:
    """One number that was estimated; `labels` name the member of an indexed parameter.

    `error` is the standard error, None at a limit of the range and where the data do not tell it.
    `interval` is the profile-likelihood interval; an end is None where there is none, and the whole
    is None where it was not asked for. `low` and `high` are the range, None where it is open. `prior` is
    as it is written, as `normal(0.5, 0.1)`.
    """

    parameter: str
    labels: tuple[str, ...]
    value: float
    error: float | None
    interval: tuple[float | None, float | None] | None
    low: float | None
    high: float | None
    place: Place
    unit: str = ""
    description: str = ""
    prior: str = ""

    @property
    def name(self) -> str:
        """The parameter and its index, as `beta[young]`."""
        return named(self.parameter, self.labels)


@dataclass(frozen=True, slots=True)
class FittedCourse:
    """One observed quantity over time: what was seen (else None), and what the fit has there.

    `error` is the standard error of `fitted` by that of the estimates, None where they have none.
    """

    observation: str
    labels: tuple[str, ...]
    times: tuple[Any, ...]
    observed: tuple[float | None, ...]
    fitted: tuple[float, ...]
    error: tuple[float, ...] | None
    kind: str
    description: str = ""

    @property
    def name(self) -> str:
        """The observation and its index."""
        return named(self.observation, self.labels)

    def seen(self) -> Iterator[tuple[Any, float, float]]:
        """The time, the number observed and the fitted one, of each that was observed."""
        for t, y, x in zip(self.times, self.observed, self.fitted, strict=True):
            if y is not None:
                yield t, y, x


@dataclass(frozen=True, slots=True)
class OtherEnd:
    """Where another search has ended, which is not as good; the values in the order of the estimates."""

    loss: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How draws were taken by chains: their number and steps, and how many of these were left out.

    `acceptance` is the share of steps that were taken. `autocorrelation` is the integrated time of each
    estimate in steps, None where it stands still or is unknown.
    """

    chains: int
    steps: int
    left_out: int
    acceptance: float
    autocorrelation: tuple[float | None, ...]

    @property
    def slowest(self) -> int | None:
        """The place of the estimate with the longest autocorrelation time."""
        known = [(x, k) for k, x in enumerate(self.autocorrelation) if x is not None]
        return max(known)[1] if known else None

    @property
    def times(self) -> float | None:
        """How many of its autocorrelation times the chains have, for the slowest estimate."""
        k = self.slowest
        longest = None if k is None else self.autocorrelation[k]
        return (self.steps - self.left_out) / longest if longest else None


@dataclass(frozen=True)
class FitResult:
    """What data say about the parameters of a model.

    `loss` is the sum of weighted squares (`error_kind` "squares") or the deviance, twice the log of how
    much likelier the data would be at best. `count` numbers were observed. `remarks` are sentences on
    what the data do not tell. `covariance` is that of the estimates in their order, None where they
    have no error. `draws`, a row each, are empty unless asked for, and `sampling` is how chains took them.
    `settings` are those that the model was read with, and `files` has the hashes of the model and its
    tables. Where estimates have priors, these count in the loss, and so in intervals and errors.
    """

    model: str
    title: str
    fit: str
    description: str
    loss: float
    error_kind: Literal["squares", "likelihood"]
    count: int
    level: float
    estimates: tuple[Estimated, ...]
    courses: tuple[FittedCourse, ...]
    others: tuple[OtherEnd, ...]
    remarks: tuple[str, ...]
    covariance: tuple[tuple[float | None, ...], ...]
    starts: int
    time: str
    time_unit: str
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    sampling: Sampling | None = None
    draws: tuple[tuple[float, ...], ...] = field(default=(), metadata=APART)

    @property
    def values(self) -> dict[str, float]:
        """Each estimate by its name."""
        return {e.name: e.value for e in self.estimates}

    def as_settings(self) -> dict[str, Any]:
        """The estimates as settings of a model: a number, or numbers by label, for each parameter."""
        found: dict[str, Any] = {}
        for e in self.estimates:
            if e.labels:
                label = e.labels[0] if len(e.labels) == 1 else e.labels
                found.setdefault(e.parameter, {})[label] = e.value
            else:
                found[e.parameter] = e.value
        return found
