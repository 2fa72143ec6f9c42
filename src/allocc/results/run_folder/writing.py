"""A result written as a run folder."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.certificate import certificate
from allocc.results.exact_proof import write_contents, write_files
from allocc.results.labelled import index_columns
from allocc.results.reports import report_data
from allocc.results.run import Run
from allocc.results.run_folder import FORMAT, LOOSENED, TABLES
from allocc.results.run_folder.json_values import clean, to_json
from allocc.results.run_folder.place import default_folder, write_folder
from allocc.results.run_folder.tidy import as_cell, long_rows, write_long, write_rows

#: The columns of history.csv.
_STEP = ("seconds", "bound", "value", "gap", "round", "phase")


def save(result: Run, folder: str | PathLike[str] | None = None) -> Path:
    """Write a result; the folder appears when it is complete. Never writes over anything."""
    target = default_folder(result.model) if folder is None else Path(folder)
    another = (lambda: default_folder(result.model)) if folder is None else None
    return write_folder(target, lambda part: _write_all(result, part), another)


def save_somewhere(result: Run) -> Path | None:
    """Write a result that could not be written where it belongs; None where no place is left."""
    try:
        return save(result, Path(tempfile.mkdtemp(prefix="allocc-")) / result.model)
    except (OSError, DiagnosticError):
        return None


def _write_all(result: Run, folder: Path) -> None:
    _text(folder / "result.json", to_json(result_data(result)))
    _text(folder / "certificate.json", to_json(certificate(result)))
    decisions = [b for b in result.blocks if b.kind == "decision"]
    if result.has_allocation:
        write_long(folder / "decisions.csv", decisions, kinds=False)
    for name, own in TABLES.items():
        found = [b for b in result.blocks if b.kind in own]
        if found:
            write_long(folder / name, found, kinds=True)
    if result.targets:
        _write_targets(folder / "targets.csv", result)
    write_files(result.inputs, folder)
    if result.exact_proof is not None:
        write_contents(result.exact_proof, folder)
    steps = ([as_cell(getattr(s, c)) for c in _STEP] for s in result.history)
    write_rows(folder / "history.csv", _STEP, steps)
    if result.loosening is not None and result.loosening.result is not None:
        (folder / LOOSENED).mkdir()
        _write_all(result.loosening.result, folder / LOOSENED)


def _write_targets(path: Path, result: Run) -> None:
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


def result_data(result: Run) -> dict[str, Any]:
    """Everything but the arrays, as plain data."""
    data = clean(result)
    terms = data.pop("objective")
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **data,
        "discretization": result.discretization,
        "terms": terms,
        "reports": report_data(result.blocks),
        "certificate": certificate(result),
    }
