"""The worlds of a model's `scenario`: the rows of its file, or draws of what is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allocc.compiler import failures
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import file_in, read_table
from allocc.compiler.scoping.model import ScenarioSymbol
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.over import errors
from allocc.questions.over.drawing import draw
from allocc.questions.over.draws import WEIGHT, Draws, draws_of


@reported()
def scenario_draws(model: Stages, seed: int = 0, count: int | None = None) -> Draws:
    """The worlds of a model; with `count`, so many draws of what is uncertain instead.

    Raises `DiagnosticError` E7288 where a model has no scenario and no number is given, E3023 for weights that are
    not in the file, and what `read_draws` and `draw` raise.
    """
    scenario = model.bound.scenario
    if count is None:
        if scenario is None:
            raise DiagnosticError([errors.no_worlds(model.name)])
        if scenario.file is not None:
            return _of_file(model, scenario)
        count = scenario.draws
    assert count is not None
    return draw(model.bound, count, seed)


def _of_file(model: Stages, scenario: ScenarioSymbol) -> Draws:
    file = scenario.statement.file
    assert file is not None
    written, span = file.value, file.span
    try:
        path = file_in(model.data, written, span)
        table = read_table(scenario.name, path, str(model.data), written, (), span)
    except failures.Failed as failed:
        raise DiagnosticError(failed.diagnostics) from None
    weight = scenario.statement.weight
    if weight is not None and weight.name not in table.header:
        wrong = data_errors.no_weights(
            scenario.name, written, weight.name, weight.span, table.header
        )
        raise DiagnosticError([wrong])
    found = draws_of(table, model.bound, WEIGHT if weight is None else weight.name)
    fixed = _fixed([u.name for u in model.bound.uncertain], found)
    return replace(found, notes=(*found.notes, *fixed))


def _fixed(uncertain: Sequence[str], draws: Draws) -> tuple[str, ...]:
    """What is uncertain, and has no column in a file of worlds."""
    drawn = {n.split("[", 1)[0] for n in draws.drawn}
    fixed = [n for n in uncertain if n not in drawn]
    if not fixed:
        return ()
    return (f"{failures.listed(fixed)} is as it stands: {draws.source} has no column of it",)
