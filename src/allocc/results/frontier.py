"""A frontier between two terms: its points, and what is proven out of reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from allocc.backends.solution import Word
from allocc.compiler.arrays import FloatArray
from allocc.engine.judging.outcome import Violation
from allocc.results.labelled import Block


@dataclass(frozen=True)
class FrontierAxis:
    """One of the two terms."""

    name: str
    description: str
    unit: str

    @property
    def label(self) -> str:
        """What it is, with its unit."""
        text = self.description or self.name
        return f"{text} ({self.unit})" if self.unit else text


@dataclass(frozen=True)
class Claim:
    """No allocation has term `term` better than `bound` while the other is `within` or better.

    Without `within` it holds for every allocation. `proof` is what it rests on, as in `Result.proof`.
    """

    term: int
    bound: float
    within: float | None
    proof: Word | None = None


@dataclass(frozen=True)
class Point:
    """An allocation, as simulated, and what is proven about it.

    `bound` and `gap` are of the first term at this `level` of the second; `other_bound` is of the
    second with the first held at its value (at the best second term, of all allocations). `same_as` and `dominated_by` are numbers of points, from 1.
    """

    kind: str
    level: float | None
    values: tuple[float, float]
    bound: float | None
    other_bound: float | None
    gap: float | None
    status: str
    stopped: str
    violation: Violation
    terms: dict[str, float]
    seconds: float
    same_as: int | None = None
    dominated_by: int | None = None
    blocks: tuple[Block, ...] = field(default=(), repr=False, compare=False)

    @property
    def decisions(self) -> dict[str, FloatArray]:
        """The decisions by name, arrays over their index sets: what `Model.simulate` takes."""
        return {b.name: b.values for b in self.blocks}


@dataclass(frozen=True)
class Tradeoff:
    """The points from the best first term to the best second one, and what is out of reach.

    `allocc.api.Frontier` adds what is done with it.
    """

    model: str
    title: str
    sense: str
    axes: tuple[FrontierAxis, FrontierAxis]
    left_out: tuple[str, ...]
    asked_gap: float
    status: str
    stopped: str
    points: tuple[Point, ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]
    solver: str
    solves: int
    seconds: float
    message: str = ""

    @property
    def proof(self) -> Word | None:
        """The weakest of what the bounds rest on; None where there are none."""
        order: tuple[Word, ...] = ("claimed", "agreed", "proven")
        return next((word for word in order if any(c.proof == word for c in self.claims)), None)

    @property
    def sign(self) -> float:
        """1 where less is better, -1 where more is."""
        return 1.0 if self.sense == "minimize" else -1.0
