"""One point solved, in whatever process: a `Task` goes in and an `Answer` comes out, and nothing is raised."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from allocc.backends.solution import MissingSolver
from allocc.compiler.labels import label_text
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.engine.stages import Stages
from allocc.errors import MissingLibrary
from allocc.questions.read_model import read_model
from allocc.questions.solve import solve
from allocc.questions.sweep.keys import solve_options
from allocc.results.given import given_decisions
from allocc.results.run import Run
from allocc.results.sweeping.points import Answer, Point


@dataclass(frozen=True)
class Task:
    """A point to solve: its key, the hashes of its files when that was made, and the answer of a point nearby."""

    key: str
    point: Point
    files: dict[str, str]
    start: Answer | None = None


def solve_task(task: Task, cancel: threading.Event | None = None) -> Answer:
    """The answer of a task; its status is "error" for whatever goes wrong."""
    begun = time.perf_counter()
    try:
        return _solved(task, cancel, begun)
    except DiagnosticError as error:
        reason = "; ".join(_said(d) for d in error.diagnostics if d.severity == "error")
    except (MissingSolver, MissingLibrary) as error:
        reason = str(error)
    except MemoryError:
        reason = "there is not enough memory"
    except Exception as error:  # noqa: BLE001 - one point must not end the others
        text = " ".join(str(error).split())[:200]
        reason = f"this is a mistake of allocc, not of yours: {type(error).__name__}: {text}"
    return failure(task, "error", reason, time.perf_counter() - begun)


def failure(task: Task, status: str, reason: str, seconds: float = 0.0) -> Answer:
    """The answer of a point that has none."""
    return Answer(task.key, status, error=reason, seconds=seconds)


def _said(d: Diagnostic) -> str:
    """A diagnostic in one line, with its place in a table and its mend."""
    at = ""
    if d.data is not None:
        at = f" ({d.data.file}" + (f", row {d.data.row})" if d.data.row else ")")
    return f"{d.code}: {d.message}{at}" + (f" ({d.hint})" if d.hint else "")


def _solved(task: Task, cancel: threading.Event | None, begun: float) -> Answer:
    point = task.point
    model: Stages = read_model(point.path, point.data, point.fitted, point.settings)
    if model.hashes() != task.files:
        names = {*task.files, *model.hashes()}
        other = sorted(n for n in names if task.files.get(n) != model.hashes().get(n))
        reason = f"files have changed since the sweep began, or are others here: {', '.join(other)}"
        return failure(task, "error", reason, time.perf_counter() - begun)
    options = solve_options(point.options, cancel=cancel)
    start = _fitting(model, task.start)
    if start is None:
        found = solve(model, options)
    else:
        found = solve(model, options, start.decisions, start.cuts)
    return _answer(task.key, found, time.perf_counter() - begun)


def _fitting(model: Stages, start: Answer | None) -> Answer | None:
    """Another point's answer, if its decisions are decisions of this one, too."""
    if start is None or not start.decisions:
        return None
    try:
        given_decisions(model.problem, start.decisions)
    except DiagnosticError:
        return None
    return start


def _answer(key: str, run: Run, seconds: float) -> Answer:
    blocks = [b for b in run.blocks if b.kind == "decision"]
    values: dict[str, Any] = {
        b.name: {
            tuple(map(label_text, labels)): float(x)
            for labels, x in zip(b.labels(), b.values.ravel().tolist(), strict=True)
        }
        for b in blocks
    }
    return Answer(
        key=key,
        status=run.status,
        stopped=run.stopped,
        sense=run.sense,
        value=run.value,
        bound=run.bound,
        gap=run.gap,
        proof=run.proof,
        violation=None if run.violation is None else run.violation.relative,
        terms=run.terms,
        seconds=seconds,
        rounds=run.rounds,
        model=run.model,
        title=run.title,
        settings=run.settings,
        files=run.files,
        cuts=run.cuts,
        columns={b.name: b.columns for b in blocks},
        decisions=values,
    )
