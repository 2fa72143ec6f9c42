"""A frontier between two terms: its points, what is proven out of reach, and both as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc.errors import reported

if TYPE_CHECKING:
    from allocc.backends.solution import Word
    from allocc.compiler.arrays import FloatArray
    from allocc.engine.outcome import Violation
    from allocc.results.labelled import Block


@dataclass(frozen=True)
class Axis:
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
class Frontier:
    """The points from the best first term to the best second one, and what is out of reach."""

    model: str
    title: str
    sense: str
    axes: tuple[Axis, Axis]
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

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the points, the decisions of each and the plot into a new folder.

        `decisions-N.csv` is of point N, and is what `allocc simulate` reads. Raises `AlloccError`
        where something is there already, or cannot be written.
        """
        from allocc.questions.pareto.frontier_folder import save

        with reported():
            return save(self, folder)

    def plot(self) -> Any:
        """A Matplotlib figure; raises `MissingLibrary` without Matplotlib."""
        from allocc.showing.plots import draw_frontier

        with reported():
            return draw_frontier(self)

    def __str__(self) -> str:
        from allocc.showing.pareto_report import summary

        return summary(self)


def staircase(
    corners: Sequence[tuple[float, float]], left: float, right: float, bottom: float, top: float
) -> list[tuple[float, float]]:
    """The outline of the union of the quarter-planes below and left of `corners`, in a window."""
    height = bottom
    outline = [(right, bottom)]
    for x, y in sorted(corners, key=lambda c: (-c[0], c[1])):
        x, y = min(x, right), min(y, top)
        if y > height and x > left:
            outline += [(x, height), (x, y)]
            height = y
    return [*outline, (left, height), (left, bottom)]


def corners(found: Frontier) -> list[tuple[float, float]]:
    """Each claim as a corner (second, first) of what is out of reach; more is worse here."""
    s = found.sign
    return [
        (np.inf if c.within is None else s * c.within, s * c.bound)
        if c.term == 0
        else (s * c.bound, np.inf if c.within is None else s * c.within)
        for c in found.claims
    ]


def frontier_data(found: Frontier) -> dict[str, Any]:
    """The frontier as JSON holds it."""
    from allocc.results.result import violation_data

    names = [a.name for a in found.axes]
    return {
        "model": found.model,
        "title": found.title,
        "status": found.status,
        "stopped": found.stopped,
        "sense": found.sense,
        "between": [
            {"term": a.name, "description": a.description, "unit": a.unit} for a in found.axes
        ],
        "left_out": list(found.left_out),
        "asked_gap": found.asked_gap,
        "points": [
            {
                "point": k,
                "kind": p.kind,
                "level": p.level,
                "values": dict(zip(names, p.values, strict=True)),
                "bounds": dict(zip(names, (p.bound, p.other_bound), strict=True)),
                "gap": p.gap,
                "status": p.status,
                "stopped": p.stopped,
                "violation": violation_data(p.violation),
                "terms": p.terms,
                "same_as": p.same_as,
                "dominated_by": p.dominated_by,
                "seconds": p.seconds,
            }
            for k, p in enumerate(found.points, 1)
        ],
        "proven": [
            {
                "term": names[c.term],
                "bound": c.bound,
                "where": None if c.within is None else {names[1 - c.term]: c.within},
                "proof": c.proof,
            }
            for c in found.claims
        ],
        "solver": found.solver,
        "solves": found.solves,
        "seconds": found.seconds,
        "message": found.message,
        "notes": list(found.notes),
    }
