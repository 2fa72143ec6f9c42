"""What is wrong with a model, or suspicious, without solving it."""

from __future__ import annotations

from allocc import mistakes
from allocc.compiler.programs.bounds import MOST_PROPAGATED, Infeasible
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError, in_order
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.over.scenario import scenario_draws


def check(model: Stages, pedantic: bool = False) -> list[Diagnostic]:
    """Everything that is wrong or suspicious, up to what a solver would need to know.

    It comes by place in the file, then by code; with `pedantic`, also what the lint finds.
    """
    found: list[Diagnostic] = []
    try:
        model.problem  # noqa: B018
        _propagate(model)
    except DiagnosticError as error:
        found.extend(error.diagnostics)
    if model.bound.scenario is not None:
        try:
            scenario_draws(model)
        except DiagnosticError as error:
            found.extend(error.diagnostics)
    found += [d for d in model.warnings if d not in found]
    if pedantic and not any(d.severity == "error" for d in found):
        found = _linted(model, found)
    return in_order(found)


def _propagate(model: Stages) -> None:
    """Show that the limits contradict each other, where propagation alone can show it."""
    plan = model.plan
    program = model.lowered.program
    if program.matrix.nnz > MOST_PROPAGATED:
        return
    try:
        plan.propagator.run(program.lower, program.upper)
    except Infeasible:
        raise DiagnosticError([mistakes.bounds_infeasible()]) from None


def _linted(model: Stages, found: list[Diagnostic]) -> list[Diagnostic]:
    """What was found, with the warnings of the lint."""
    # Who does not ask for it does not wait for its import.
    from allocc.compiler.lint.all_checks import lint

    with reported():
        more = lint(model.problem, model.lowered)
    if any(d.code == "W6010" for d in more):
        # The limit that can never hold is named; that not all can be met says less.
        found = [d for d in found if d.code != "W7001"]
    return [*found, *more]
