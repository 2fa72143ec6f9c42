"""A call to a solver within a solve: its limits, and what the ledger has to know of it."""

from __future__ import annotations

from dataclasses import replace

from allocc.backends.registry import Backend
from allocc.backends.solution import Progress, Solution, SolveOptions
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.magnitudes import refuse_extremes
from allocc.compiler.programs.program import Program
from allocc.compiler.programs.scaling import scale
from allocc.compiler.relaxing.relaxation import Built
from allocc.engine.ledger import Ledger
from allocc.engine.proving import door

#: Linear relaxations with more columns are solved by an interior point method.
LARGE = 3000


def call(
    ledger: Ledger,
    backend: Backend,
    program: Program,
    gap: float,
    start: FloatArray | None,
    seconds: float | None = None,
    vertex: bool = False,
    built: Built | None = None,
) -> Solution:
    """Solve a program through the door; a linear program's bound is proven.

    Large linear programs are solved by an interior point method, unless a `vertex` is needed.
    `built` has the program scaled already. A solver that breaks down, or answers what cannot be, has
    failed: what is had is kept.
    """
    options = limits(ledger, gap, start, seconds)
    if not vertex and not program.integer.any() and program.columns > LARGE:
        options = replace(options, interior=True)
    scaled = scale(program) if built is None else built.scaled
    ledger.unit = ledger.unit or 1.0 / scaled[1].objective
    if ledger.best is None:
        refuse_extremes(scaled[0])
    return door.ask(backend, program, options, ledger.note, ledger.remaining, scaled=scaled)


def limits(
    ledger: Ledger, gap: float, start: FloatArray | None = None, seconds: float | None = None
) -> SolveOptions:
    """Options for a solver now: what is left of the time, `seconds` at most."""
    o = ledger.options
    left = ledger.remaining()
    if seconds is not None:
        left = seconds if left is None else min(seconds, left)

    def on_progress(p: Progress) -> None:
        ledger.report_progress("solving", p.bound, always=False)

    return SolveOptions(
        time_limit=left,
        gap=gap,
        threads=o.threads,
        seed=o.seed,
        memory_limit_mb=o.memory_limit_mb,
        start=start,
        on_progress=on_progress if o.on_progress is not None else None,
        cancel=o.cancel,
    )
