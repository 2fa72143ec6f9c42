"""`Loop`: what one solve knows and has, for the strategies that carry it out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import Solution, Word
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Built, Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.engine.choose import Choice
from allocc.engine.improve import Heuristics
from allocc.engine.judging.outcome import Options, Outcome, Status
from allocc.engine.ledger import Ledger


@dataclass(frozen=True, eq=False)
class SolverClaim:
    """What a solver has said, and of which program.

    `dropped` says that parts of the model were left out of the program before, because they hold
    nothing better than the best allocation.
    """

    backend: Backend
    built: Built
    solution: Solution
    dropped: bool

    @property
    def linear(self) -> bool:
        """Whether a tree over linear programs can look into it."""
        return self.built.program.polyhedral


class Loop(Ledger):
    """One solve, from the first call to the outcome. Its strategies change it, and nobody else.

    `runner` runs such a loop to its end: a claim may have to be looked into by another solve.
    """

    def __init__(
        self,
        problem: Problem,
        options: Options,
        runner: Callable[[Loop], Outcome],
        starts: Sequence[Values] = (),
    ) -> None:
        super().__init__(problem, options)
        self.runner = runner
        self.starts = starts
        #: Where another solve of a like model has cut the ranges of its integer factors.
        self.cuts: Mapping[str, Collection[float]] = {}
        self.choice = Choice("exact", "")
        #: The program that is relaxed, and the relaxation that the search has ended with.
        self.stated: Program | None = None
        self.relaxation: Relaxation | None = None
        #: The program with the ranges that follow from the limits.
        self.box: Program | None = None
        self.heuristics = Heuristics(self)
        #: What a solver has said last of a mixed-integer or nonlinear program, not yet looked into.
        self.claim: SolverClaim | None = None
        #: What it rests on that nothing meets every limit, where that is the end.
        self.emptiness: Word = "proven"

    @property
    def status(self) -> Status:
        """What is known when the loop ends here."""
        if self.closed:
            return "optimal"
        return "unknown" if self.best is None else "feasible"

    @property
    def bounded(self) -> bool:
        """Whether the ranges alone keep the objective from going to infinity."""
        assert self.box is not None
        p = self.box
        down = (p.objective > 0) == self.minimize
        return bool(np.isfinite(np.where(down, p.lower, p.upper)[p.objective != 0]).all())
