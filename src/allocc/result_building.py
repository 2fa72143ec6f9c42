"""A `Result` made of what the engine ends with: labelled blocks, the baseline, what was asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from allocc.asked import versions
from allocc.comparisons import targets_of
from allocc.labelled import blocks_of
from allocc.reports import report_blocks
from allocc.result import Result, TermValue

if TYPE_CHECKING:
    from allocc.api import Model
    from allocc.compiler.problem import Problem
    from allocc.compiler.program import FloatArray
    from allocc.engine.assess import Assessment
    from allocc.engine.outcome import Options, Outcome
    from allocc.labelled import Block

#: The options that a result tells of, by their names in `Options`.
_ASKED = (
    "solver",
    "method",
    "gap",
    "violation",
    "time_limit",
    "memory_limit_mb",
    "threads",
    "seed",
)


def solved_result(model: Model, outcome: Outcome, options: Options) -> Result:
    """The result of a solve."""
    base = model.baseline_simulation if outcome.values is not None else None
    return Result(
        **_about(model, model.problem, outcome.terms, outcome.values, base, outcome.notes),
        status=outcome.status,
        stopped=outcome.stopped,
        value=outcome.value,
        bound=outcome.bound,
        proof=outcome.word,
        gap=outcome.gap,
        violation=outcome.violation,
        seconds=outcome.seconds,
        solver=outcome.solver,
        method=outcome.method,
        rounds=outcome.rounds,
        message=outcome.message,
        explanation=outcome.explanation,
        gap_measure=outcome.gap_measure,
        discretization_parts=outcome.discretization,
        history=outcome.history,
        options={name: getattr(options, name) for name in _ASKED},
        versions=versions(options.solver),
    )


def loosened_result(
    model: Model, outcome: Outcome, options: Options, loosened: Sequence[str]
) -> Result:
    """A result of the model with some limits loosened; it says so wherever it is shown."""
    result = solved_result(model, outcome, options)
    result.loosened = tuple(loosened)
    return result


def simulated_result(
    model: Model,
    problem: Problem,
    found: Assessment,
    baseline: bool,
    notes: tuple[str, ...] = (),
) -> Result:
    """The result of a simulation; `baseline` says that it is the one in which nothing acts."""
    base = None if baseline else model.baseline_simulation
    return Result(
        **_about(model, problem, found.terms, found.values, base, notes),
        status="simulated",
        stopped="",
        value=found.value,
        bound=None,
        proof=None,
        gap=None,
        violation=found.violation,
        message="baseline: no intervention acts" if baseline else "",
        versions=versions(),
    )


def _about(
    model: Model,
    problem: Problem,
    terms: Mapping[str, float],
    values: Mapping[Any, FloatArray] | None,
    baseline: tuple[Problem, Assessment] | None,
    told: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What results of a solve and of a simulation have in common."""
    time = model.bound.time
    blocks: list[Block] = []
    notes: list[str] = []
    baseline_values = None if baseline is None else (baseline[0], baseline[1].values)
    judged = None if baseline is None else baseline[1]
    if values is not None:
        blocks = blocks_of(problem, values, baseline_values)
        reports, notes = report_blocks(problem, values, baseline_values)
        blocks += reports
    return {
        "model": model.name,
        "title": model.title,
        "sense": problem.sense,
        "objective": tuple(
            TermValue(t.name, terms[t.name], t.description, t.penalty)
            for t in problem.terms
            if t.name in terms
        ),
        "blocks": tuple(blocks),
        "notes": (*told, *notes),
        "targets": () if values is None else targets_of(problem, values),
        "time_unit": time.unit if time is not None else "",
        "baseline_value": judged.value if judged and math.isfinite(judged.value) else None,
        "baseline_violation": None if judged is None else judged.violation,
        "settings": dict(model.settings),
        "files": model.hashes(),
    }
