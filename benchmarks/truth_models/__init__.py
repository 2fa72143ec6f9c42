"""Random ordinary models whose best allocation is known without allocc, and a judge of its claims.

`make` builds a model of a kind from a whole number; `judge` compares what allocc says of it with what
the model's own oracle has found; `run` solves many in processes that may crash or hang.
"""

from __future__ import annotations

from collections.abc import Callable

from truth_models.budgets import budget
from truth_models.case import Best, Case, Look, Units
from truth_models.epidemics import epidemic
from truth_models.judging import Answer, Verdict, judge
from truth_models.programs import program
from truth_models.running import Job, run

KINDS: dict[str, Callable[[int, Units], Case]] = {
    "epidemics": epidemic,
    "budgets": budget,
    "programs": program,
}

__all__ = [
    "KINDS",
    "Answer",
    "Best",
    "Case",
    "Job",
    "Look",
    "Units",
    "Verdict",
    "judge",
    "make",
    "run",
]


def make(kind: str, seed: int, units: Units | None = None) -> Case:
    """The model of a kind with a number, with its amounts in other units if these are given."""
    return KINDS[kind](seed, units or Units())
