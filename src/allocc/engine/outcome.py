"""What a solve asks for and what it ends with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from allocc.backends.solution import Word
from allocc.compiler.expression import Variable
from allocc.compiler.program import FloatArray

Method = Literal["auto", "exact", "refine", "direct"]
Status = Literal[
    "optimal",  # gap and violation within their tolerances
    "feasible",  # an allocation is known, the gap is not closed; `stopped` says why
    "infeasible",
    "unbounded",
    "unknown",  # no allocation was found, and none was proven impossible
]
Stopped = Literal["gap", "time_limit", "interrupted", "memory_limit", "exhausted", "failed", ""]


@dataclass(frozen=True, slots=True)
class Options:
    """How to solve. `gap` is relative; `violation` is the relative tolerance of hard limits."""

    solver: str = "highs"
    method: Method = "auto"
    gap: float = 1e-4
    violation: float = 1e-6
    time_limit: float | None = None
    memory_limit_mb: float | None = None
    threads: int | None = None
    seed: int = 0
    cancel: threading.Event | None = None
    on_progress: Callable[[Step], None] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A moment of the loop: what is proven and what is had. `phase` is a short sentence."""

    seconds: float
    bound: float | None
    value: float | None
    gap: float | None
    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The largest violation of a hard limit: absolute in its own unit, and relative to its size.

    `where` names the row, as `grant_limit[2017.25]`; empty where nothing is violated.
    """

    absolute: float
    relative: float
    where: str = ""


@dataclass(frozen=True)
class Outcome:
    """The end of a solve.

    `values` has every decision, compartment and flow of the reported allocation, as simulated;
    None where no allocation is known. `bound` is the best that is known or None, and `word` what it rests on. `terms` are the
    objective's parts. `explanation` says which method was chosen and why.
    """

    status: Status
    stopped: Stopped
    value: float | None
    bound: float | None
    word: Word | None
    gap: float | None
    violation: Violation | None
    values: dict[Variable, FloatArray] | None
    terms: dict[str, float]
    solver: str
    method: str
    explanation: str
    seconds: float
    rounds: int
    history: tuple[Step, ...] = ()
    discretization: float | None = None
    message: str = ""
    notes: tuple[str, ...] = field(default=())


def relative_gap(value: float | None, bound: float | None) -> float | None:
    """|value - bound| / max(|value|, 1e-9), None where either is unknown."""
    if value is None or bound is None:
        return None
    return abs(value - bound) / max(abs(value), 1e-9)
