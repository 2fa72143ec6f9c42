"""A `Run` made of what the engine ends with: labelled blocks, the baseline, what was asked."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.comparisons import targets_of
from allocc.results.exact_proof import exact_proof, input_files
from allocc.results.labelled import blocks_of
from allocc.results.reports import report_blocks
from allocc.results.run import Run, TermValue
from allocc.version import __version__

if TYPE_CHECKING:
    from allocc.compiler.arrays import FloatArray
    from allocc.compiler.unrolling.problem import Problem
    from allocc.engine.judging.assess import Assessment
    from allocc.engine.judging.outcome import Options, Outcome, Violation
    from allocc.engine.stages import Stages
    from allocc.results.labelled import Block, Target

#: What a solve is called with and no result tells of.
_CALLS = ("cancel", "on_progress")
#: What a result says in which no intervention acts.
BASELINE = "baseline: no intervention acts"


def solved_run(
    model: Stages, outcome: Outcome, options: Options, inputs: Mapping[str, bytes] | None = None
) -> Run:
    """The result of a solve; `inputs` are the files that it was made from, where there is a proof."""
    base, told = _baseline(model) if outcome.values is not None else (None, ())
    told = (*outcome.notes, *told)
    return Run(
        **_about(model, model.problem, outcome.terms, outcome.values, base, told),
        status=outcome.status,
        stopped=outcome.stopped,
        value=outcome.value,
        bound=outcome.bound,
        proof=outcome.word,
        exact_proof=None if outcome.proof is None else exact_proof(outcome.proof, inputs or {}),
        gap=outcome.gap,
        violation=_in_unit(model.problem, outcome.violation),
        seconds=outcome.seconds,
        solver=outcome.solver,
        method=outcome.method,
        rounds=outcome.rounds,
        message=outcome.message,
        explanation=outcome.explanation,
        gap_measure=outcome.gap_measure,
        discretization_parts=outcome.discretization,
        history=outcome.history,
        cuts=outcome.cuts,
        options=told_options(options),
        versions=versions(options.solver),
    )


def told_options(options: Options) -> dict[str, Any]:
    """The options of a solve that a result tells of."""
    return {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _CALLS}


def loosened_run(model: Stages, outcome: Outcome, options: Options, loosened: Sequence[str]) -> Run:
    """A result of the model with some limits loosened; it says so wherever it is shown."""
    return replace(solved_run(model, outcome, options), loosened=tuple(loosened))


def simulated_run(
    model: Stages,
    problem: Problem,
    found: Assessment,
    baseline: bool,
    notes: tuple[str, ...] = (),
) -> Run:
    """The result of a simulation; `baseline` says that it is the one in which nothing acts."""
    base, told = (None, ()) if baseline else _baseline(model)
    return Run(
        **_about(model, problem, found.terms, found.values, base, (*notes, *told)),
        status="simulated",
        stopped="",
        value=found.value,
        bound=None,
        proof=None,
        gap=None,
        violation=_in_unit(problem, found.violation),
        message=BASELINE if baseline else "",
        versions=versions(),
    )


def _baseline(model: Stages) -> tuple[tuple[Problem, Assessment] | None, tuple[str, ...]]:
    """What to compare with, and a note where there is nothing: a result does not depend on it."""
    from allocc.compiler.unrolling.undefined import undefined

    try:
        found = model.baseline_simulation
    except DiagnosticError as error:
        place = error.diagnostics[0]
    else:
        if found is None or found[1].finite:
            return found, ()
        place = undefined(found[0], found[1].values)
    return None, (f"there is no baseline to compare with: {place.message}",)


def _about(
    model: Stages,
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
        "targets": () if values is None else _in_total(targets_of(problem, values), blocks),
        "time_unit": time.unit if time is not None else "",
        "baseline_value": judged.value if judged and math.isfinite(judged.value) else None,
        "baseline_violation": None
        if baseline is None
        else _in_unit(baseline[0], baseline[1].violation),
        "settings": dict(model.settings),
        "files": model.hashes(),
        "inputs": input_files(model, whatever_size=False),
    }


def _in_unit(problem: Problem, violation: Violation | None) -> Violation | None:
    """A violation with the unit of the range or limit that is broken; a probability has none."""
    if violation is None or not violation.name:
        return violation
    name, units = violation.name, problem.model.units
    for c in problem.constraints:
        if c.name == name and c.written is not None:
            return replace(violation, unit=units.of_limit(c.written.statement))
    found = units.quantities.get(name)
    return replace(violation, unit=str(found) if found is not None and found.words else "")


def _in_total(targets: Sequence[Target], blocks: Sequence[Block]) -> tuple[Target, ...]:
    """Targets of rates as amounts, as the totals are that they stand beside."""
    steps = {b.name: b.amount.step for b in blocks if b.kind == "decision" and b.amount is not None}
    return tuple(replace(t, values=t.values * steps.get(t.decision, 1.0)) for t in targets)


def versions(solver: str = "") -> dict[str, str]:
    """What a result was made with."""
    found = {"allocc": __version__, "python": platform.python_version()}
    if solver:
        from allocc.backends import registry

        backend = registry.get(solver)
        found["solver"] = backend.solver_version()
        found["solver_package"] = f"{backend.interface} {backend.version()}".strip()
    return found
