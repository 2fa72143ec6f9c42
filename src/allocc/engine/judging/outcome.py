"""What a solve asks for and what it ends with."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from allocc.backends.solution import Word
from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.engine.judging.proof import Proof

#: What is less than this part of the terms that it is a sum of is near zero, and is measured by this
#: part of them. With a gap of 1e-4 a bound has to prove 1e-7 of what is added up, which is what dual
#: values in floating point prove; with a violation of 1e-6 a limit has to hold to 1e-9 of what flows
#: through a compartment, which is what a simulation of decisions within a solver's tolerance keeps.
NEAR_ZERO = 1e-3

#: How the phase of a solve begins in which it is proven in rationals.
PROVING = "proof in rationals"

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
    """How to solve. `gap` is relative; `violation` is the relative tolerance of hard limits.

    With `prove` the solve ends with a proof in rationals.
    """

    solver: str = "highs"
    method: Method = "auto"
    gap: float = 1e-4
    violation: float = 1e-6
    time_limit: float | None = None
    memory_limit_mb: float | None = None
    threads: int | None = None
    seed: int = 0
    prove: bool = False
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
    """The largest violation of a hard limit: absolute in its own unit, and relative to its parts.

    `where` names the row, as `grant_limit[2017.25]`, and `name` its statement; both are empty where
    nothing is violated. `unit` is that of `absolute`, where a result knows it.
    """

    absolute: float
    relative: float
    where: str = ""
    unit: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a compartment, or a term of the objective, is off continuous time, relatively."""

    kind: Literal["compartment", "term"]
    name: str
    relative: float


@dataclass(frozen=True)
class Outcome:
    """The end of a solve.

    `values` has every decision, compartment and flow of the reported allocation, as simulated;
    None where no allocation is known. `bound` is the best that is known or None, and `word` what it
    rests on. `terms` are the objective's parts. `gap_measure` is what the gap was divided by.
    `discretization` has the distance to continuous time, the worst first. `explanation` says which
    method was chosen and why. `proof` is one in rationals, where it was asked for and could be had.
    `cuts` says where the ranges of integer factors were cut, by the names of their columns.
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
    gap_measure: float | None = None
    discretization: tuple[Deviation, ...] = ()
    message: str = ""
    notes: tuple[str, ...] = field(default=())
    proof: Proof | None = None
    cuts: dict[str, tuple[float, ...]] = field(default_factory=dict)


def measure(value: float, size: float) -> float:
    """What a difference to a value is measured by: the value, or a part of the size of its terms.

    max(|value|, NEAR_ZERO * size): a value of zero has no size of its own.
    """
    return max(abs(value), NEAR_ZERO * size)


def relative_gap(value: float | None, bound: float | None, size: float) -> float | None:
    """|value - bound| / `measure(value, size)`, None where value or bound is unknown.

    `size` is that of the objective's terms. Where all of them are zero, nothing but an equal
    bound is near.
    """
    if value is None or bound is None:
        return None
    if value == bound:
        return 0.0
    by = measure(value, size)
    return abs(value - bound) / by if by > 0 else math.inf
