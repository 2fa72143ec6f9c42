"""`StochasticResult`: what many courses of a model with chance in its flows have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import named
from allocc.results.run_folder.json_values import APART

#: The shares of courses below each line of a band.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over all courses: the deterministic one, mean, standard deviation, and quantiles at `LEVELS`."""

    name: str
    deterministic: float
    mean: float
    deviation: float
    quantiles: tuple[float, ...]
    description: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A compartment over time: in total over its indices, or one member, which then has `labels`.

    `quantiles` has one course for each of `LEVELS`. In `empty` courses nobody is in it at the end.
    """

    compartment: str
    labels: tuple[str, ...]
    deterministic: tuple[float, ...]
    mean: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    empty: int
    description: str = ""
    unit: str = ""

    @property
    def name(self) -> str:
        """The compartment and its index."""
        return named(self.compartment, self.labels)


@dataclass(frozen=True, slots=True)
class LimitHeld:
    """In how many courses a limit holds in all of its rows; the row that is broken most often, and how often.

    A limit on decisions alone holds in all courses or in none.
    """

    name: str
    held: int
    worst: str = ""
    broken: int = 0
    description: str = ""


@dataclass(frozen=True, eq=False)
class StochasticResult:
    """Many courses of a model whose flows are events, with given decisions.

    `parts` is into how many parts each period was divided, `scale` how many persons one unit of a compartment is.
    `bands` are compartments in total over their indices, `members` those of each member. `events` is how many
    persons each flow has moved. In `extinct` of the courses nobody is in `infected` at the end; None where the
    flows show no infection. `states` has all courses of each compartment, an array over courses, its sets and
    the points of time; `outcomes` each term of the objective, and `value`, by course.
    """

    model: str
    title: str
    sense: str
    decisions: str
    courses: int
    seed: int
    parts: int
    step: float
    scale: float
    time: str
    time_unit: str
    times: tuple[Any, ...]
    value: Spread | None
    terms: tuple[Spread, ...]
    bands: tuple[Band, ...]
    events: tuple[Spread, ...]
    limits: tuple[LimitHeld, ...]
    infected: tuple[str, ...]
    extinct: int | None
    notes: tuple[str, ...]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    members: tuple[Band, ...] = field(default=(), metadata=APART)
    states: Mapping[str, FloatArray] = field(default_factory=dict, metadata=APART)
    outcomes: Mapping[str, FloatArray] = field(default_factory=dict, metadata=APART)

    def every_band(self) -> Iterator[Band]:
        """Totals, then members."""
        yield from self.bands
        yield from self.members
