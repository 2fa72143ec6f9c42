"""A given allocation in every draw: what it is worth there, and how often its limits hold."""

from __future__ import annotations

from typing import Any

from allocc.compiler.failures import listed
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.over.alone import alone
from allocc.questions.over.draws import Draws, read_draws
from allocc.questions.over.worlds import Judged, Worlds, decision_blocks, shared
from allocc.results.building import versions
from allocc.results.exact_proof import input_files
from allocc.results.given import Given, given_decisions
from allocc.results.over.found import OverDraws
from allocc.results.run_folder.made_with import other_origin


@reported()
def evaluate(
    model: Stages, decisions: object, over: object, options: Options | None = None
) -> OverDraws:
    """What decisions, in any form that `simulate` takes, lead to in each of the draws.

    None are the decisions at their lower ends. Those that a model makes `after` its scenario are not taken from
    there: in each draw they are the best that the others leave, solved with `options`. Raises
    `DiagnosticError` for draws or decisions that do not fit the model.
    """
    worlds = Worlds(model, read_draws(over, model.bound))
    given = given_decisions(model.problem, {} if decisions is None else decisions)
    return evaluated(worlds, given, other_origin(model, decisions), options or Options())


def evaluated(
    worlds: Worlds, given: Given, told_before: tuple[str, ...], options: Options
) -> OverDraws:
    """The same of worlds that are made already, and of decisions that are read."""
    model, draws = worlds.model, worlds.draws
    notes = (*draws.notes, *told_before)
    own = shared(model.problem, given.values)
    each, after = [own] * len(draws), tuple(model.bound.after)
    if after:
        held = {n: x for n, x in own.items() if n not in after}
        second = alone(worlds, options, held=held)
        each = [own if x is None else dict(x) for x in second.decisions]
        lost = sum(x is None for x in second.decisions)
        told = (
            f"{listed(after)} answer to the draw: they are the best that the other decisions leave"
        )
        left = (
            f", and at what is given in {lost} draws, where none meets every limit" if lost else ""
        )
        notes = (*notes, told + left)
    else:
        notes = (*notes, *given.notes)
    judged = Judged(worlds, each)
    blocks = decision_blocks(model.problem, given.values)
    return OverDraws(
        **about(model, draws, judged, notes),
        after=after,
        measure="",
        status="simulated",
        stopped="",
        value=None,
        bound=None,
        gap=None,
        decisions=tuple(b for b in blocks if b.name not in after),
        versions=versions(),
    )


def about(
    model: Stages, draws: Draws, judged: Judged | None, notes: tuple[str, ...]
) -> dict[str, Any]:
    """What every answer about draws has; without an allocation there is nothing in the draws."""
    time = model.bound.time
    return {
        "model": model.name,
        "title": model.title,
        "sense": model.problem.sense,
        "source": draws.source,
        "draws": () if judged is None else judged.draws(),
        "terms": () if judged is None else judged.terms(),
        "limits": () if judged is None else judged.limits(),
        "bands": () if judged is None else judged.bands(),
        "notes": notes,
        "settings": dict(model.settings),
        "files": model.hashes(),
        "inputs": input_files(model, whatever_size=False),
        "time_unit": time.unit if time is not None else "",
    }
