"""The best allocation of a model, and how good it is proven to be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine import solve as engine
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.results.building import solved_run
from allocc.results.exact_proof import input_files
from allocc.results.given import given_decisions
from allocc.results.run import Run


@reported()
def solve(
    model: Stages,
    options: Options,
    start: object = None,
    cuts: Mapping[str, Collection[float]] | None = None,
) -> Run:
    """Solve a model; `start` are decisions to begin with, in any form that `simulate` takes.

    `cuts` are those of a `Run` of the model with other numbers, whose decisions are the start; where that is the
    `Run` itself, its own.

    Raises `MissingSolver` where the solver is not there, `DiagnosticError` where there is nothing to
    decide or the method does not serve.
    """
    if not model.bound.decisions and not model.bound.limits:
        raise DiagnosticError([mistakes.nothing_to_decide(model.name)])
    # A file may be edited while a solve runs.
    model.hashes()
    inputs = input_files(model) if options.prove else {}
    if cuts is None and isinstance(start, Run):
        cuts = start.cuts
    starts = [] if start is None else [given_decisions(model.problem, start).values]
    if options.prove:
        # Imported where it is needed: it would slow every other solve.
        from allocc.engine.certifying.proven import solve_and_prove

        outcome = solve_and_prove(model.problem, options, starts)
    else:
        outcome = engine.solve(model.problem, options, starts, cuts)
    if model.bound.scenario is not None:
        name = model.bound.scenario.name
        told = f"the model as it stands: its scenario {name} is left out (allocc solve MODEL decides over it)"
        outcome = replace(outcome, notes=(*outcome.notes, told))
    return solved_run(model, outcome, options, inputs)
