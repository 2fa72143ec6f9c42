"""Where limits bind, on every side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocc.compiler.labels import label_text
from allocc.compiler.unrolling.problem import Constraint
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import Judge
from allocc.engine.stages import Stages
from allocc.questions.compare.sides import Opened
from allocc.questions.rows import timed, without_time
from allocc.results.comparing.comparison import Held, LimitRow
from allocc.results.given import given_decisions
from allocc.results.run_folder.made_with import RunOrigin, differences

#: A row binds where it is nearer to its side than this part of its size, and is broken where it is further beyond.
BINDING = 1e-6


def limits(sides: Sequence[Opened]) -> tuple[tuple[LimitRow, ...], tuple[str, ...]]:
    """Every limit that can bind, on every side, and what was left out and why."""
    found: list[dict[str, _Told]] = []
    notes: list[str] = []
    for side in sides:
        held, told = _side(side)
        found.append(held)
        notes += told
    names = dict.fromkeys(n for held in found for n in held)
    rows = []
    for name in names:
        parts = [held.get(name) for held in found]
        known = [p for p in parts if p is not None]
        # An equation binds wherever it holds: that says nothing.
        if any(p.free or p.held.broken for p in known):
            each = tuple(None if p is None else p.held for p in parts)
            rows.append(LimitRow(name, known[0].rows, each, known[0].description))
    return tuple(rows), tuple(notes)


@dataclass(frozen=True, slots=True)
class _Told:
    """A limit on one side; `free` says whether any of its rows is no equation."""

    rows: int
    held: Held
    free: bool
    description: str


def _side(side: Opened) -> tuple[dict[str, _Told], tuple[str, ...]]:
    """Every limit of a side by name, and what is to be said about them."""
    if side.model is None:
        return {}, ()
    problem = side.model.baseline_problem if side.baseline else side.model.problem
    try:
        given = given_decisions(problem, side.run)
    except DiagnosticError as error:
        first = error.diagnostics[0].message
        told = (
            f"the limits of {side.name} are left out: its decisions are not of this model: {first}"
        )
        return {}, (told,)
    other = differences(side.model, RunOrigin(side.run.settings, side.run.files))
    notes = tuple(f"{side.name}: {text}, so that limits may be others" for text in other)
    judge = Judge(problem, simulate(problem, given.values))
    by_name: dict[str, list[Constraint]] = {}
    for c in problem.constraints:
        by_name.setdefault(c.name, []).append(c)
    return {name: _held(side.model, judge, cs) for name, cs in by_name.items()}, notes


def _held(model: Stages, judge: Judge, comparisons: Sequence[Constraint]) -> _Told:
    """How a limit holds; the rows of an equation are not counted as binding."""
    first = comparisons[0]
    binding = np.zeros(first.count, dtype=bool)
    broken = np.zeros(first.count, dtype=bool)
    free = False
    # A chain as `1 <= x <= 4` has several comparisons over the same rows.
    for c in comparisons:
        slack, size = (x.ravel() for x in judge.slack(c))
        equal = np.broadcast_to(c.lower.values == c.upper.values, c.shape).ravel()
        free = free or not equal.all()
        binding |= (np.abs(slack) <= BINDING * size) & ~equal
        broken |= judge.over(c).ravel() > BINDING * size
    assert first.written is not None
    times = timed(model.bound, first.written.statement)
    where = Counter(
        without_time(tuple(label_text(x) for x in first.labels(int(k))), times)
        for k in np.flatnonzero(binding)
    )
    held = Held(int(binding.sum()), int(broken.sum()), tuple(where.items()))
    return _Told(first.count, held, free, first.description)
