"""`solve`: from a problem to an outcome with its certificate."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from allocc.backends import registry
from allocc.backends.solution import MissingSolver
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import written
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.program import Program
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import Values
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.choose import choose
from allocc.engine.endings import end
from allocc.engine.heuristics.starts import decision_rows, proportional
from allocc.engine.judging.outcome import Options, Outcome, Stopped
from allocc.engine.loop import Loop
from allocc.engine.proving.denominators import prepared
from allocc.engine.proving.examine import said
from allocc.engine.refine import refine
from allocc.engine.single_solve import single_solve

#: Shares of every range at which allocations are simulated before anything is solved.
SHARES = (0.0, 0.5, 0.25, 0.75, 1.0)


def solve(
    problem: Problem,
    options: Options,
    starts: Sequence[Values] = (),
    cuts: Mapping[str, Collection[float]] | None = None,
) -> Outcome:
    """Choose a method, run it, and judge what comes out by simulation.

    `starts` are decisions that are simulated first; the best that is feasible is what the search
    begins at. They prove nothing, and bad ones do no harm. `cuts` are those of the outcome of a like
    model: refinement begins there instead of with whole ranges, where there is a start as well.

    Raises `MissingSolver` where the solver is not there, `DiagnosticError` where the model cannot be
    compiled for it (a product without bounds, say).
    """
    loop = Loop(problem, options, run, starts)
    loop.cuts = cuts or {}
    outcome = run(loop)
    if loop.relaxation is None or loop.choice.method != "refine":
        return outcome
    if outcome.rounds <= 1 and not loop.cuts:
        # What is solved at once without pieces would only be slower with them.
        return outcome
    return replace(outcome, cuts=loop.relaxation.ends())


# What overflows is infinite, and is seen where values, bounds and coefficients are judged.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def run(loop: Loop) -> Outcome:
    """Solve; once an allocation is had, nothing that happens later loses it."""
    try:
        return _run(loop)
    except KeyboardInterrupt:
        if loop.best is None:
            raise
        return _broken_off(loop, "interrupted")
    except MemoryError:
        if loop.best is None:
            raise
        return _broken_off(loop, "memory_limit", "there is not enough memory")
    except (MissingSolver, DiagnosticError):
        # What cannot be compiled is a mistake of the model, whatever is known by then.
        raise
    except Exception as error:
        if loop.best is None or os.environ.get("ALLOCC_DEBUG") == "1":
            raise
        return _broken_off(loop, "failed", f"allocc broke down: {said(error)}")


def _broken_off(loop: Loop, stopped: Stopped, message: str = "") -> Outcome:
    """The outcome of what is had; no claim is looked into any more."""
    loop.claim = None
    return end(loop, loop.status, stopped, message)


def _run(loop: Loop) -> Outcome:
    backend = registry.get(loop.options.solver)
    chain = prepared(loop.problem, loop.options.method)
    for step in chain.steps:
        if step.note:
            loop.note(step.note)
    loop.places, program = chain.places, chain.program
    loop.stated = program
    try:
        relaxation = Relaxation(program)
    except Infeasible as empty:
        return _propagated_infeasible(loop, program, empty)
    loop.relaxation, loop.box = relaxation, relaxation.program
    loop.choice = choose(relaxation.plan, backend, loop.options)
    loop.report_progress(loop.choice.reason)
    if not loop.problem.decisions:
        return _nothing_to_decide(loop)
    _begin(loop, program)
    _simple(loop)
    if loop.cuts and loop.best_point is not None and loop.choice.method == "refine":
        # Without a good allocation nothing would be cut off, and many pieces make slow programs.
        relaxation.begin_at(loop.cuts)
    # Where boxes are divided, one look comes first: it gives a bound, whatever is searched for then.
    divided = loop.choice.method == "refine" and len(relaxation.plan.multiplied)
    if (
        relaxation.plan.has_continuous_cuts
        and not divided
        and (loop.best is None or loop.choice.method == "refine")
    ):
        loop.heuristics.descend(relaxation)
        loop.report_progress("search with gradients")
    if loop.choice.method == "direct":
        return single_solve(loop, backend, relaxation, written(relaxation, "direct"))
    if loop.choice.method == "exact":
        try:
            built = written(relaxation, "exact")
        except Infeasible as empty:
            return _propagated_infeasible(loop, program, empty)
        return single_solve(loop, backend, relaxation, built)
    return refine(loop, backend, relaxation, program)


def _begin(loop: Loop, program: Program) -> None:
    """Simulate the starts, and complete the best one to a point of the program."""
    for start in loop.starts:
        found = loop.simulated({v: start[v] for v in loop.problem.decisions})
        if loop.better(found):
            loop.best = found
    if not loop.starts:
        return
    if loop.best is None:
        loop.notes.append("no start meets every limit: none is used")
        return
    decided = {v: loop.best.values[v] for v in loop.problem.decisions}
    complete = Completer(program, loop.places.mask(decided, program.columns))
    full = complete(loop.places.point(decided, program.columns))
    if not len(complete.missing) and np.isfinite(full).all():
        loop.best_point = full
    loop.report_progress("start")


def _nothing_to_decide(loop: Loop) -> Outcome:
    loop.offer(np.zeros(0))
    if loop.best is not None:
        loop.prove(loop.best.value, "proven")
        return end(loop, "optimal", "gap")
    loop.refuse_undefined()
    return end(loop, "infeasible", "")


def _propagated_infeasible(loop: Loop, program: Program, empty: Infeasible) -> Outcome:
    name = program.column_name(empty.column)
    if loop.best is not None:
        return end(loop, loop.status, "exhausted")
    return end(loop, "infeasible", "", f"no value of {name} satisfies the limits")


def _simple(loop: Loop) -> None:
    """Simulate the trivial allocations: ends of ranges, shares between them, and what limits leave."""
    assert loop.box is not None
    none = np.zeros(loop.box.columns)
    low = np.where(np.isfinite(loop.box.lower), loop.box.lower, none)
    high = np.where(np.isfinite(loop.box.upper), loop.box.upper, np.maximum(low, none))
    loop.offer(np.clip(none, low, high))
    for share in SHARES:
        loop.offer(low + share * (high - low))
    decided = loop.places.positions(loop.problem.decisions)
    rows = decision_rows(loop.box, decided)
    for x in proportional(rows, low[decided], high[decided], loop.box.integer[decided]):
        point = low.copy()
        point[decided] = x
        loop.offer(point)
