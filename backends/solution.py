"""What a backend is asked and what it answers: `SolveOptions`, `Solution`, `Capabilities`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from allocc.compiler.arrays import FloatArray

Termination = Literal[
    "optimal",  # proven to the asked gap
    "infeasible",
    "unbounded",
    "infeasible_or_unbounded",
    "cutoff",  # no point is better than the asked `cutoff`; `bound` says how far that is proven
    "time_limit",
    "memory_limit",
    "node_limit",
    "interrupted",
    "failed",  # the solver gave up; `message` says why
]

Word = Literal[
    "proven",  # recomputed here: dual values multiplied out, leaf by leaf
    "agreed",  # two computations that differ truly said the same; see docs/certificate.md
    "claimed",  # one solver's word
]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend takes as it is. `functions` names kinds of `FunctionAtoms`.

    `trees` says that small mixed-integer programs are better left to a tree over its linear programs,
    `licensed` that its licence may not reach. It may take `entry_seconds` to read a column, a row or a
    coefficient, on a busy machine and outside of its limit: one that takes arrays takes less.
    """

    integers: bool = True
    products: bool = False
    functions: frozenset[str] = frozenset()
    warm_start: bool = False
    cutoff: bool = False
    duals: bool = False
    trees: bool = False
    progress: bool = False
    interrupt: bool = False
    licensed: bool = False
    entry_seconds: float = 2e-5


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a running solve; None where nothing is known yet. `seconds` since its start."""

    seconds: float
    value: float | None
    bound: float | None
    nodes: int


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """Limits and hints of one solve.

    `gap` is relative, as in the certificate: |value - bound| / |value|. `start` is a full point
    (one entry a column, NaN where unknown). `cutoff` is a value that is already had: only better
    points are of interest. `cancel` asks for a clean stop with the best that is known. `duals` False
    says that duals are not wanted, which saves the time to copy them. `log` lets the solver write
    its own log on stdout. An exception that `on_progress` raises stops the solve and is raised
    again. `interior` prefers an interior point method for a linear program, and `presolve` False
    leaves presolve out: another way to the same answer where one has failed. After `patience` seconds a
    solve in a process of its own is asked to stop; one so small that it looks at no flag is ended with it.
    """

    time_limit: float | None = None
    gap: float = 1e-6
    absolute_gap: float = 1e-9
    threads: int | None = None
    seed: int = 0
    memory_limit_mb: float | None = None
    start: FloatArray | None = None
    cutoff: float | None = None
    on_progress: Callable[[Progress], None] | None = None
    cancel: threading.Event | None = None
    duals: bool = True
    log: bool = False
    interior: bool = False
    presolve: bool = True
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """An honest outcome. `point` is None when there is no incumbent, `bound` when none is proven.

    `value` and `bound` are in the Program's own sense and include its offset. `row_duals` (a LP only)
    is the change of the objective for one more unit of a row's side that holds; of an infeasible LP
    they are multipliers that show it, where the solver gives any. `word` says what the bound, or that
    there is no point, rests on. `altered` says in words how the solver has changed the program, and is
    empty where it solved the program as it was: the answer to a changed one proves nothing about it.
    """

    termination: Termination
    point: FloatArray | None
    value: float | None
    bound: float | None
    seconds: float
    nodes: int = 0
    solver: str = ""
    message: str = ""
    row_duals: FloatArray | None = None
    reduced_costs: FloatArray | None = None
    word: Word = "claimed"
    altered: str = ""


class Refused(ValueError):
    """A solver does not take a number of the program, or a change of it."""


class MissingSolver(Exception):
    """The solver's Python package is not installed, or its licence does not reach.

    `reason` says what is missing; `install` is the command that mends it, or an empty string.
    """

    def __init__(self, solver: str, reason: str, install: str = "") -> None:
        super().__init__(f"{reason}; install it: {install}" if install else reason)
        self.solver = solver
        self.reason = reason
        self.install = install

    def __reduce__(self) -> tuple[type[MissingSolver], tuple[str, str, str]]:
        return type(self), (self.solver, self.reason, self.install)


class LicenceLimit(MissingSolver):
    """The program is larger than the solver's licence allows."""
