"""A policy of the model: what its rule says, made feasible, and what that leads to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc import mistakes
from allocc.compiler.labels import label_text, named
from allocc.compiler.scoping.model import PolicySymbol
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import lowest
from allocc.compiler.unrolling.undefined import undefined
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.judging.options import make_options
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import Stages
from allocc.errors import reported
from allocc.questions.policy.nearest import Decisions, Nearest, nearest, sizes
from allocc.results.building import simulated_run
from allocc.results.run import Run
from allocc.tables import number, percent

#: A change below this part of the decision's size is rounding.
SAME = 1e-6
#: How near to the smallest change is near enough, as a part of it.
GAP = 1e-6
#: Seconds for the search for the nearest feasible allocation.
SECONDS = 60.0


@reported()
def policy(model: Stages, name: str, options: Options | None = None) -> Run:
    """Simulate the nearest feasible allocation to what a policy says.

    Decisions that it does not name are wished for at their lower ends. The notes say what was changed. Where no
    feasible allocation is found, what the rule says is simulated as it is, and the notes say so. Raises
    `DiagnosticError` for a name that no policy has.
    """
    found = find(model, name)
    problem = model.problem
    wished = {**lowest(problem), **found.values}
    asked = options or make_options(gap=GAP, time_limit=SECONDS)
    near = nearest(problem, wished, found.statement.span, asked)
    decisions = wished if near.decisions is None else near.decisions
    judged = assess(problem, decisions)
    if not judged.finite:
        raise DiagnosticError([undefined(problem, judged.values)])
    run = simulated_run(model, problem, judged, False, _notes(problem, found, wished, near))
    about = found.statement.description
    return replace(run, message=f"policy {name}: {about}" if about else f"policy {name}")


def find(model: Stages, name: str) -> PolicySymbol:
    """The policy of a name; raises E7243 where the model has none."""
    every = {p.name: p for p in model.bound.policies}
    if name not in every:
        raise DiagnosticError([mistakes.unknown_policy(str(name), list(every))])
    return every[name]


def _notes(
    problem: Problem, policy: PolicySymbol, wished: Decisions, near: Nearest
) -> tuple[str, ...]:
    """What was changed, or why nothing could be."""
    name = policy.name
    if near.decisions is None:
        why = "no allocation meets every limit" if near.infeasible else "none was found in time"
        told = f"policy {name} breaks limits and could not be made feasible: {why}"
        return (f"{told}; what it says is simulated as it is",)
    size = sizes(problem, wished)
    total, count, whole = 0, 0, 0
    most, told = 0.0, ""
    for v in problem.decisions:
        rule, made = wished[v].ravel(), near.decisions[v].ravel()
        total += v.size
        off = np.abs(made - rule)
        changed = off > SAME * np.maximum(np.abs(rule), size[v])
        rounded = changed & (off < 1.0) & (rule != np.rint(rule)) if v.integer else changed & False
        whole += int(rounded.sum())
        changed &= ~rounded
        count += int(changed.sum())
        off = np.where(changed, off, 0.0) / size[v]
        if off.size and off.max() > most:
            k = int(np.argmax(off))
            most = float(off[k])
            label = named(v.name, [label_text(x) for x in v.labels(k)])
            told = f"{label} {_change(float(rule[k]), float(made[k]))}"
    parts = []
    if count:
        parts.append(
            f"{count:,} of {total:,} decisions {'was' if count == 1 else 'were'} changed so that every "
            f"limit holds, most {told}"
        )
    if whole:
        parts.append(f"{whole:,} {'was' if whole == 1 else 'were'} made whole")
    if not parts:
        return ()
    if not near.proven:
        parts.append("it is not proven that no smaller change would do")
    return (f"policy {name}: {'; '.join(parts)}",)


def _change(rule: float, made: float) -> str:
    """From what the rule says to what was made of it."""
    share = f" ({percent((made - rule) / abs(rule), sign=True)})" if rule else ""
    return f"from {number(rule)} to {number(made)}{share}"
