"""What given decisions lead to, without any solver."""

from __future__ import annotations

from allocc.compiler.unrolling.simulate import lowest
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.results.building import simulated_run
from allocc.results.given import given_decisions
from allocc.results.run import Run
from allocc.results.run_folder.made_with import other_origin


@reported()
def simulate(model: Stages, decisions: object = None, rest: object = None) -> Run:
    """Run decisions through the dynamics; None is the baseline, in which no intervention acts.

    Decisions that are not given are as in `rest`, else at their lower ends. Raises `DiagnosticError` for
    decisions that do not fit the model.
    """
    baseline = decisions is None and rest is None
    notes: tuple[str, ...] = ()
    if baseline:
        problem = model.baseline_problem
        values = lowest(problem)
    else:
        problem = model.problem
        given = given_decisions(problem, {} if decisions is None else decisions, rest)
        others = (*other_origin(model, decisions), *other_origin(model, rest))
        values, notes = given.values, (*others, *given.notes)
    found = assess(problem, values)
    if not found.finite:
        raise DiagnosticError([undefined(problem, found.values)])
    return simulated_run(model, problem, found, baseline, notes)
