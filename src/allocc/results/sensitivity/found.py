"""`SensitivityResult`: what an answer is when parameters are others."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from allocc.compiler.arrays import FloatArray
from allocc.results.run_folder.json_values import APART


@dataclass(frozen=True, slots=True)
class Changed:
    """How many numbers of a decision, of how many, are others than in the base; `moved` is the sum of differences."""

    decision: str
    count: int
    of: int
    moved: float


@dataclass(frozen=True, slots=True)
class Tried:
    """The answer where one parameter has the value `at` (of a factor: the whole parameter times it).

    As of a solve, or of a simulation with fixed decisions, which has no bound. `broken` names the limit that is
    broken most, with its relative `violation`. `error` says why there is none.
    """

    at: float
    status: str
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    proof: str | None = None
    violation: float | None = None
    broken: str = ""
    terms: dict[str, float] = field(default_factory=dict)
    changed: tuple[Changed, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Varied:
    """A parameter moved from `low` to `high`, with all others as they are. With `factor` all its members are scaled.

    `points` go from low to high; the first and the last are the ends.
    """

    name: str
    low: float
    high: float
    base: float
    factor: bool
    points: tuple[Tried, ...]
    unit: str = ""
    description: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        """The values that are known."""
        return tuple(p.value for p in self.points if p.value is not None)

    @property
    def swing(self) -> float:
        """The largest difference between values; nan where fewer than two are known."""
        known = self.values
        return max(known) - min(known) if len(known) > 1 else math.nan

    @property
    def unsure(self) -> float:
        """By how much the swing may be wrong: the sum of the two largest differences between value and bound."""
        gaps = [
            abs(p.value - p.bound)
            for p in self.points
            if p.value is not None and p.bound is not None
        ]
        return sum(sorted(gaps)[-2:])


@dataclass(frozen=True, slots=True)
class Index:
    """The share of the variance that a parameter explains: alone (`first`), and with all interactions (`total`).

    The intervals are of the bootstrap, at 95 %.
    """

    name: str
    first: float
    first_interval: tuple[float, float]
    total: float
    total_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Together:
    """All parameters at once, independent and uniform over their ranges, at `count` points.

    `quantiles` are at 5, 25, 50, 75 and 95 %. `indices` are empty where the value never changes.
    """

    samples: int
    count: int
    mean: float
    deviation: float
    quantiles: tuple[float, ...]
    indices: tuple[Index, ...]
    #: The largest gap of all solves, None for simulations.
    gap: float | None = None
    broken: int = 0
    points: FloatArray | None = field(default=None, metadata=APART)
    values: FloatArray | None = field(default=None, metadata=APART)


@dataclass(frozen=True)
class SensitivityResult:
    """What an answer is when parameters are others.

    With `mode` "solved" every point is solved anew, with its certificate; with "fixed" the same decisions are simulated.
    `base` is the answer with the parameters as they are; its `at` has no meaning.
    """

    model: str
    title: str
    sense: str
    mode: Literal["solved", "fixed"]
    base: Tried
    varied: tuple[Varied, ...]
    together: Together | None
    notes: tuple[str, ...]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def by_swing(self) -> tuple[Varied, ...]:
        """The parameters, that which moves the value most first."""
        return tuple(
            sorted(
                self.varied, key=lambda v: -1.0 if math.isnan(v.swing) else v.swing, reverse=True
            )
        )
