"""A result written as a run folder."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc.dsl.diagnostics import AlloccError
from allocc.results.labelled import index_columns
from allocc.results.reports import report_data
from allocc.results.result import deviation_data, violation_data
from allocc.results.run_folder import FORMAT, LOOSENED, TABLES
from allocc.results.run_folder.place import default_folder, write_folder
from allocc.results.run_folder.plain import to_json
from allocc.results.run_folder.tidy import as_cell, long_rows, write_long, write_rows

if TYPE_CHECKING:
    from allocc.questions.conflict.escape import Escape
    from allocc.questions.conflict.explanation import Conflict
    from allocc.questions.conflict.loosen import Loosening
    from allocc.results.result import Result

#: The columns of history.csv.
_STEP = ("seconds", "bound", "value", "gap", "round", "phase")


def save(result: Result, folder: str | PathLike[str] | None = None) -> Path:
    """Write a result; the folder appears when it is complete. Never writes over anything."""
    target = default_folder(result.model) if folder is None else Path(folder)
    another = (lambda: default_folder(result.model)) if folder is None else None
    return write_folder(target, lambda part: _write_all(result, part), another)


def save_somewhere(result: Result) -> Path | None:
    """Write a result that could not be written where it belongs; None where no place is left."""
    try:
        return save(result, Path(tempfile.mkdtemp(prefix="allocc-")) / result.model)
    except (OSError, AlloccError):
        return None


def _write_all(result: Result, folder: Path) -> None:
    _text(folder / "result.json", to_json(result_data(result)))
    _text(folder / "certificate.json", to_json(result.certificate))
    decisions = [b for b in result.blocks if b.kind == "decision"]
    if result.has_allocation:
        write_long(folder / "decisions.csv", decisions, kinds=False)
    for name, own in TABLES.items():
        found = [b for b in result.blocks if b.kind in own]
        if found:
            write_long(folder / name, found, kinds=True)
    if result.targets:
        _write_targets(folder / "targets.csv", result)
    steps = ([as_cell(getattr(s, c)) for c in _STEP] for s in result.history)
    write_rows(folder / "history.csv", _STEP, steps)
    if result.loosening is not None and result.loosening.result is not None:
        (folder / LOOSENED).mkdir()
        _write_all(result.loosening.result, folder / LOOSENED)


def _write_targets(path: Path, result: Result) -> None:
    """The targets' values, row by row as their decision's without time."""
    blocks = {b.name: b.without_time() for b in result.blocks if b.kind == "decision"}
    of = [replace(blocks[t.decision], values=t.values) for t in result.targets]
    columns = index_columns(of)
    rows = (
        [target.statement, *row]
        for target, block in zip(result.targets, of, strict=True)
        for row in long_rows([block], columns, kinds=False)
    )
    write_rows(path, ["statement", "name", *columns, "value"], rows)


def _text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")


def result_data(result: Result) -> dict[str, Any]:
    """Everything but the arrays, as plain data."""
    return {
        "format": FORMAT,
        "model": result.model,
        "title": result.title,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": result.status,
        "stopped": result.stopped,
        "sense": result.sense,
        "value": result.value,
        "bound": result.bound,
        "proof": result.proof,
        "gap": result.gap,
        "violation": violation_data(result.violation),
        "gap_measure": result.gap_measure,
        "discretization": result.discretization,
        "discretization_parts": deviation_data(result.discretization_parts),
        "baseline_value": result.baseline_value,
        "solver": result.solver,
        "method": result.method,
        "seconds": result.seconds,
        "rounds": result.rounds,
        "message": result.message,
        "explanation": result.explanation,
        "notes": list(result.notes),
        "conflict": _plain(result.conflict),
        "loosening": _plain(result.loosening),
        "escape": _plain(result.escape),
        "loosened": list(result.loosened),
        "time_unit": result.time_unit,
        "terms": [
            {
                "name": t.name,
                "description": t.description,
                "penalty": t.penalty,
                "value": t.value,
            }
            for t in result.objective
        ],
        "targets": [
            {
                "decision": t.decision,
                "statement": t.statement,
                "description": t.description,
                "distance": t.distance,
            }
            for t in result.targets
        ],
        "reports": report_data(result.blocks),
        "certificate": result.certificate,
        "options": result.options,
        "settings": result.settings,
        "versions": result.versions,
        "files": result.files,
        "blocks": [
            {
                "name": b.name,
                "kind": b.kind,
                "description": b.description,
                "unit": b.unit,
                "integer": b.integer,
                "binary": b.binary,
                "amount": None if b.amount is None else asdict(b.amount),
                "axes": [asdict(a) for a in b.axes],
            }
            for b in result.blocks
        ],
    }


def _plain(found: Conflict | Loosening | Escape | None) -> dict[str, Any] | None:
    """A finding as plain data; the result of a loosened model is a folder of its own."""
    if found is None:
        return None
    return {
        f.name: [asdict(x) for x in value] if _is_data(value) else value
        for f in fields(found)
        if f.name != "result"
        for value in [getattr(found, f.name)]
    }


def _is_data(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and is_dataclass(value[0])
