"""`OverDraws`: one allocation in many draws, with what is proven of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from allocc.backends.solution import Word
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text, named
from allocc.results.labelled import Block
from allocc.results.run_folder.json_values import APART

#: The shares of the draws that bands have below them.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

#: A value with two ends: what is proven about a number that is not known exactly.
Interval = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class DrawValue:
    """One draw, and what the allocation is worth in it.

    `settings` are what is drawn. `violation` is the largest relative one of a limit, and `broken` names the
    limits that do not hold. `best` is what is proven of the best allocation for this draw alone, from the
    bound to the value that is reached; `regret` what that would be better by, from the least to the most, None
    where the allocation breaks a limit.
    """

    name: str
    weight: float
    settings: dict[str, Any]
    value: float
    terms: dict[str, float]
    violation: float
    broken: tuple[str, ...] = ()
    best: Interval | None = None
    regret: Interval | None = None


@dataclass(frozen=True, slots=True)
class TermOver:
    """A term of the objective over the draws: its mean, and the levels of `LEVELS`."""

    name: str
    description: str
    mean: float
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LimitOver:
    """How often a limit holds: the weight of the draws in which it does, and the worst violation."""

    name: str
    description: str
    holds: float
    worst: float


@dataclass(frozen=True, eq=False)
class BandOver:
    """A compartment or a report over the draws: `levels` are `LEVELS` before the indices of `block`.

    The values of `block` are the means.
    """

    block: Block
    levels: FloatArray = field(metadata=APART)


@dataclass(frozen=True, slots=True)
class Firm:
    """What the best allocations for single draws have in common, of one decision at one member.

    `given` is the allocation's own, `levels` as in `LEVELS`, `same` the weight of the draws whose best has as
    much or more.
    """

    name: str
    labels: tuple[Any, ...]
    given: float
    levels: tuple[float, ...]
    same: float

    @property
    def member(self) -> str:
        """The decision and its index, as `open[44007]`."""
        return named(self.name, tuple(label_text(x) for x in self.labels))


@dataclass(frozen=True, slots=True)
class Information:
    """What it would be worth to know the draw before deciding, and what deciding over draws is worth.

    `perfect` is the expected value of perfect information, `stochastic` the value of the stochastic solution
    (Birge 1982): both are intervals, from both bounds. `stochastic` is None where the allocation that is best for the
    mean of what is drawn breaks limits in `broken` of the draws, or where the means make no model (`why`).
    """

    perfect: Interval
    stochastic: Interval | None
    broken: int = 0
    why: str = ""


@dataclass(frozen=True, eq=False)
class OverDraws:
    """One allocation in many draws; `allocc.api.Over` adds what is done with it.

    `measure` says what was decided by, as `mean` or `cvar 90%`; it is empty where nothing was decided. `value`
    is the measure of the allocation, each draw simulated by itself, and `bound` what is proven about
    the best one. A regret has the bounds of the draws in it.
    """

    model: str
    title: str
    sense: str
    source: str
    measure: str
    status: str
    stopped: str
    value: float | None
    bound: float | None
    gap: float | None
    draws: tuple[DrawValue, ...]
    decisions: tuple[Block, ...] = ()
    terms: tuple[TermOver, ...] = ()
    limits: tuple[LimitOver, ...] = ()
    bands: tuple[BandOver, ...] = field(default=(), metadata=APART)
    firm: tuple[Firm, ...] = ()
    information: Information | None = None
    proof: Word | None = None
    seconds: float = 0.0
    solver: str = ""
    method: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    #: Copies of those files, by their names in a folder; none where they are large.
    inputs: Mapping[str, bytes] = field(default_factory=dict, repr=False, metadata=APART)
    time_unit: str = ""
    #: The decisions that answer to the draw.
    after: tuple[str, ...] = ()

    @property
    def has_allocation(self) -> bool:
        """Whether there are decisions to read."""
        return bool(self.draws)

    @property
    def values(self) -> FloatArray:
        """The value of each draw."""
        return np.array([d.value for d in self.draws])

    @property
    def weights(self) -> FloatArray:
        """The weight of each draw; they add up to 1."""
        return np.array([d.weight for d in self.draws])

    @property
    def mean(self) -> float | None:
        """The mean of the value over the draws."""
        return float(self.weights @ self.values) if self.draws else None

    @property
    def worst(self) -> float | None:
        """The value in the worst draw."""
        if not self.draws:
            return None
        return float(self.values.max() if self.sense == "minimize" else self.values.min())

    @property
    def kept(self) -> float:
        """The weight of the draws in which every limit holds."""
        return 1.0 - math.fsum(d.weight for d in self.draws if d.broken)

    def to_frame(self) -> Any:
        """A DataFrame with a row a draw: what is drawn, the value, each term, violation, regret."""
        import pandas as pd

        rows = []
        for d in self.draws:
            row: dict[str, Any] = {"draw": d.name, "weight": d.weight, **d.settings}
            row |= {"value": d.value, **d.terms, "violation": d.violation}
            row["broken"] = " ".join(d.broken)
            if d.best is not None:
                row["best_bound"], row["best_value"] = d.best
            if d.regret is not None:
                row["regret_least"], row["regret_most"] = d.regret
            rows.append(row)
        return pd.DataFrame(rows)

    def __getitem__(self, name: str) -> Any:
        for block in self.decisions:
            if block.name == name:
                return block.frame()
        known = ", ".join(b.name for b in self.decisions) or "none"
        raise KeyError(f"there is no decision {name!r}; there are {known}")


def quantiles(
    values: FloatArray, weights: FloatArray, levels: tuple[float, ...] = LEVELS
) -> FloatArray:
    """The least value that has at least each level of the weight at or below it, along the first axis.

    `values` is (draws, ...); the answer (levels, ...).
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    # What is left of a level by rounding is none of it.
    places = [np.argmax(reached >= level * (1 - 1e-12), axis=0) for level in levels]
    found = [np.take_along_axis(ordered, p[None], axis=0)[0] for p in places]
    return np.stack(found)
