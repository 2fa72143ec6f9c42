"""`FitProblem`: what a fit estimates, the dynamics between, and what was observed when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from allocc.compiler.algebra.expression import Node, Variable
from allocc.compiler.algebra.index import Axis
from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.fitting.priors import Prior
from allocc.compiler.labels import label_text, named
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.tree import Span

#: How an observation may miss: plain squares, or a distribution.
ErrorKind = Literal["squares", "normal", "lognormal", "poisson", "negative_binomial"]


@dataclass(frozen=True, eq=False)
class Unknown:
    """A parameter that is estimated: its block, where it is sought, and where the search begins.

    `low`, `high` and `guess` have the shape of the block; an end that is open is infinite. A `prior` is
    0 outside of them.
    """

    name: str
    variable: Variable
    low: FloatArray
    high: FloatArray
    guess: FloatArray
    prior: Prior | None
    span: Span

    @cached_property
    def size(self) -> int:
        """How many numbers it is."""
        return self.variable.size

    def names(self) -> list[str]:
        """A name for each number, as `beta` or `beta[young]`."""
        return [
            named(self.name, [label_text(x) for x in self.variable.labels(k)])
            for k in range(self.size)
        ]


@dataclass(frozen=True, eq=False)
class Observation:
    """What was observed of one expression, over its own axes and the points of time (the last axis).

    `data` counts where `seen`; `weight` multiplies its part of the loss. `spread` is what the kind of
    error needs besides: a standard deviation or a dispersion, over the same axes. Of a `flow`, what
    it moves from a point to the next is counted.
    """

    name: str
    axes: tuple[Axis, ...]
    value: Node
    data: FloatArray
    seen: BoolArray
    weight: FloatArray
    kind: ErrorKind
    spread: FloatArray | None
    flow: bool
    description: str
    span: Span

    @property
    def count(self) -> int:
        """How many numbers were observed."""
        return int(np.count_nonzero(self.seen))


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a compartment begins with, over the axes of its members; it may hold what is estimated."""

    axes: tuple[Axis, ...]
    value: Node


@dataclass(frozen=True, eq=False)
class FitProblem:
    """A fit, read and bound. `problem` is the model over the fit's time.

    Interventions act there as far as the fit says what was decided.

    `decided` has every decision's values. `initials` has what each compartment begins with. `stepwise` is whether time
    goes by the model's steps instead of continuously. `files` are the tables that only the fit reads.
    """

    name: str
    description: str
    problem: Problem
    decided: Mapping[Variable, FloatArray]
    unknowns: tuple[Unknown, ...]
    initials: Mapping[Variable, Beginning]
    observations: tuple[Observation, ...]
    stepwise: bool
    files: tuple[str, ...]
    span: Span

    @cached_property
    def size(self) -> int:
        """How many numbers are estimated."""
        return sum(u.size for u in self.unknowns)

    @property
    def times(self) -> FloatArray:
        """The points of time."""
        assert self.problem.model.time is not None
        return self.problem.model.time.values

    @property
    def known_before(self) -> list[bool]:
        """Whether each number that is estimated has a prior."""
        return [u.prior is not None for u in self.unknowns for _ in range(u.size)]

    def names(self) -> list[str]:
        """A name for each number that is estimated."""
        return [name for u in self.unknowns for name in u.names()]

    def places(self) -> list[int]:
        """Where the numbers of each unknown begin in the row of all."""
        return [int(k) for k in np.cumsum([0, *(u.size for u in self.unknowns)])[:-1]]

    def put(self, numbers: FloatArray) -> dict[Variable, FloatArray]:
        """Decisions, and the blocks of the unknowns from their numbers in one row."""
        parts = np.split(np.asarray(numbers, dtype=float), self.places()[1:])
        blocks = {
            u.variable: x.reshape(u.variable.shape)
            for u, x in zip(self.unknowns, parts, strict=True)
        }
        return {**self.decided, **blocks}
