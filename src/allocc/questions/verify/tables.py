"""The tables: that what stands beside the decisions is what they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.failures import listed
from allocc.dsl.diagnostics import DiagnosticError
from allocc.questions.simulate import simulate
from allocc.questions.verify.opening import Opened
from allocc.results.labelled import Block, Target
from allocc.results.run import Run
from allocc.results.run_folder import TABLES
from allocc.results.run_folder.json_values import clean
from allocc.results.verification import Link

#: How far a number of a table may be off, of the largest of its name.
TOLERANCE = 1e-9


def tables(opened: Opened) -> Link:
    """Whether compartments, flows, reports and baselines are those of a simulation of the decisions."""
    name, run = "tables", opened.run
    own = [b for b in run.blocks if b.kind != "decision"]
    if not run.has_allocation:
        return Link(name, "absent", "the run has no allocation")
    if run.loosened:
        return Link(name, "open", "made with limits loosened, which is not checked")
    try:
        anew = simulate(opened.model, None if opened.baseline else opened.folder)
    except DiagnosticError as error:
        first = error.diagnostics[0]
        return Link(name, "fails", f"cannot be simulated: {first.message} ({first.code})")
    expected: dict[tuple[str, str], Block] = {
        (b.kind, b.name): b for b in anew.blocks if b.kind != "decision"
    }
    stated = _stated(run, anew)
    if stated:
        return Link(name, "fails", f"result.json: not what the model says: {listed(stated)}")
    wrong = [b.name for b in own if not _same(b, expected.get((b.kind, b.name)))]
    wrong += [n for _, n in expected.keys() - {(b.kind, b.name) for b in own}]
    wrong += _targets(run.targets, anew.targets)
    if not own and not run.targets:
        return Link(name, "absent", "the run has no table beside its decisions")
    found = [f for f, kinds in TABLES.items() if any(b.kind in kinds for b in own)]
    files = listed([*found, *["targets.csv"] * bool(run.targets)])
    if wrong:
        return Link(name, "fails", f"{files}: not what the decisions lead to: {listed(wrong)}")
    return Link(name, "holds", f"{files}: what the decisions lead to, in floating point")


def _stated(run: Run, anew: Run) -> list[str]:
    """What result.json says of the model, of its blocks, or of the baseline, and the model does not."""
    fields = ("model", "title", "sense", "time_unit")
    wrong = [f for f in fields if clean(getattr(run, f)) != clean(getattr(anew, f))]
    if not _near(_array(run.baseline_value), _array(anew.baseline_value)):
        wrong.append("baseline_value")
    of = [[(t.name, t.description, t.penalty) for t in r.objective] for r in (run, anew)]
    wrong += ["objective"] if of[0] != of[1] else []
    mine, due = ({(b.kind, b.name): clean(_described(b)) for b in r.blocks} for r in (run, anew))
    return [*wrong, *(name for (kind, name), b in mine.items() if b != due.get((kind, name)))]


def _described(block: Block) -> Block:
    """A block without its numbers, which are compared beside."""
    return replace(block, values=np.zeros(0), baseline=None)


def _array(x: float | None) -> FloatArray | None:
    return None if x is None else np.array([x])


def _targets(own: Sequence[Target], anew: Sequence[Target]) -> list[str]:
    """The targets that have other numbers than those that the model compares decisions with."""
    expected = {(t.decision, t.statement): t.values for t in anew}
    return [
        f"{t.decision} beside {t.statement}"
        for t in own
        if not _near(t.values, expected.get((t.decision, t.statement)))
    ]


def _same(block: Block, other: Block | None) -> bool:
    if other is None or block.values.shape != other.values.shape:
        return False
    return _near(block.values, other.values) and _near(block.baseline, other.baseline)


def _near(x: FloatArray | None, y: FloatArray | None) -> bool:
    """Whether two arrays have the same numbers, up to rounding, and none at the same places."""
    if x is None or y is None or x.shape != y.shape:
        return x is y
    size = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
    return bool(np.allclose(x, y, rtol=0.0, atol=TOLERANCE * size, equal_nan=True))
