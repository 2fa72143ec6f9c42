"""A call to a solver: scaled, watched, and its answer examined before it is used."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from allocc.backends.registry import Backend
from allocc.backends.solution import MissingSolver, Progress, Solution, SolveOptions
from allocc.compiler.magnitudes import refuse_extremes
from allocc.compiler.program import FloatArray, Program
from allocc.compiler.scaling import safe_dual, scale
from allocc.dsl.diagnostics import AlloccError
from allocc.engine.examine import broken_off, examined, said, well_formed
from allocc.engine.ledger import Ledger

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
) -> Solution:
    """Solve a program, scaled if it is linear; a linear program's bound is recomputed.

    Large linear programs are solved by an interior point method, unless a `vertex` is needed.
    A solver that breaks down, or answers what cannot be, has failed: what is had is kept.
    """
    if ledger.best is None:
        refuse_extremes(program)
    try:
        found = _call(ledger, backend, program, gap, start, seconds, vertex)
    except (MissingSolver, AlloccError):
        raise
    except MemoryError:
        found = broken_off(backend.name, "memory_limit", "there is not enough memory")
    except Exception as error:
        if os.environ.get("ALLOCC_DEBUG") == "1":
            raise
        found = broken_off(backend.name, "failed", f"{backend.name} broke down: {said(error)}")
    return examined(program, found, ledger.told)


def _call(
    ledger: Ledger,
    backend: Backend,
    program: Program,
    gap: float,
    start: FloatArray | None,
    seconds: float | None,
    vertex: bool,
) -> Solution:
    options = _options(ledger, gap, start)
    if seconds is not None:
        left = options.time_limit
        options = replace(options, time_limit=seconds if left is None else min(seconds, left))
    if len(program.products) or program.functions:
        answer = backend.solve(program, options)
        return well_formed(program, _told_apart(ledger, backend, program, answer), ledger.told)
    scaled, scaling = scale(program)
    if not vertex and not program.integer.any() and program.columns > LARGE:
        options = replace(options, interior=True)
    if start is not None:
        options = replace(options, start=scaling.point_in(start))
    answer = _told_apart(ledger, backend, scaled, backend.solve(scaled, options))
    found = well_formed(scaled, answer, ledger.told)
    if "left out" in found.message:
        return _distrust(ledger, found)
    bound, reduced = found.bound, found.reduced_costs
    if not program.integer.any() and found.row_duals is not None:
        level, costs = safe_dual(scaled, scaled.objective, found.row_duals, ledger.minimize)
        if np.isfinite(level):
            bound, reduced = program.offset + level, costs
    return replace(
        found,
        bound=bound,
        point=None if found.point is None else scaling.point_out(found.point),
        row_duals=None if found.row_duals is None else found.row_duals * scaling.rows,
        reduced_costs=None if reduced is None else reduced / scaling.columns,
    )


def _told_apart(ledger: Ledger, backend: Backend, program: Program, found: Solution) -> Solution:
    """An answer that says infeasible or unbounded as one of the two, asked without objective."""
    if found.termination != "infeasible_or_unbounded" or not program.objective.any():
        return found
    free = replace(program, objective=np.zeros(program.columns))
    second = backend.solve(free, _options(ledger, 1.0, None))
    if second.point is not None:
        return replace(found, termination="unbounded")
    if second.termination in ("infeasible", "infeasible_or_unbounded"):
        return replace(found, termination="infeasible")
    return replace(found, termination=second.termination, message=second.message)


def _distrust(ledger: Ledger, found: Solution) -> Solution:
    """A solution of a program that the solver has changed: it proves nothing."""
    ledger.told(f"{found.message}; its bounds are not used")
    ended = found.termination
    if ended in ("infeasible", "unbounded", "infeasible_or_unbounded"):
        return replace(found, termination="failed", bound=None)
    return replace(found, bound=None, row_duals=None, reduced_costs=None)


def _options(ledger: Ledger, gap: float, start: FloatArray | None) -> SolveOptions:
    """Options for the backend in this round."""
    o = ledger.options

    def on_progress(p: Progress) -> None:
        ledger.note("solving", p.bound, always=False)

    return SolveOptions(
        time_limit=ledger.remaining(),
        gap=gap,
        threads=o.threads,
        seed=o.seed,
        memory_limit_mb=o.memory_limit_mb,
        start=start,
        on_progress=on_progress if o.on_progress is not None else None,
        cancel=o.cancel,
    )
