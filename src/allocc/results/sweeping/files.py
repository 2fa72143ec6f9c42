"""Sweeps on disk: what `allocc sweep -o DIR` writes.

points/      a JSON and a CSV file for each point that is solved: see `store`
sweep.csv    a row a point: labels, status, value, bound, gap, terms, seconds, what went wrong
sweep.json   the same, with settings and hashes of files
sweep.svg    the picture, where Matplotlib is installed
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.run_folder.json_values import clean, to_json
from allocc.results.run_folder.tidy import as_cell, guarded, write_rows
from allocc.results.sweeping.swept import SweepResult
from allocc.version import __version__
from allocc.whole import write_whole

FILE = "sweep.json"
POINTS = "points"
#: The form of the file; a later one may have more.
FORMAT = "allocc sweep 1"


def check_folder(folder: Path) -> None:
    """Raise E7255 where a folder holds something that is no sweep, E7008 where it cannot be looked at."""
    try:
        if folder.exists() and not folder.is_dir():
            raise DiagnosticError([mistakes.not_a_sweep(str(folder))])
        if folder.is_dir() and any(folder.iterdir()) and not (folder / POINTS).is_dir():
            raise DiagnosticError([mistakes.not_a_sweep(str(folder))])
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DiagnosticError([mistakes.cannot_write("the sweep", str(folder), reason)]) from None


def write_sweep(
    found: SweepResult, folder: Path, picture: Callable[[SweepResult], bytes | None]
) -> None:
    """Write the tables and the picture, over those of an earlier run; raises E7008."""
    write_whole(folder / "sweep.csv", lambda part: write_csv(found, part), "the sweep")
    text = to_json(sweep_data(found)) + "\n"
    write_whole(folder / FILE, lambda part: _text(part, text), "the sweep")
    svg = picture(found)
    if svg is not None:
        write_whole(folder / "sweep.svg", lambda part: _bytes(part, svg), "the sweep")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def write_csv(found: SweepResult, path: Path) -> None:
    """A row a point; raises `OSError`."""
    rows = [[_cell(x) for x in row] for row in found.rows()]
    write_rows(path, [guarded(h) for h in found.head()], rows)


def _cell(value: Any) -> str:
    return guarded(value) if isinstance(value, str) else as_cell(value)


def sweep_data(found: SweepResult) -> dict[str, Any]:
    """A sweep as JSON holds it."""
    return {
        "format": FORMAT,
        "allocc": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": found.model,
        "title": found.title,
        "sense": found.sense,
        "axes": list(found.axes),
        "interrupted": found.interrupted,
        "left": found.left,
        "failed": len(found.failed),
        "solved": found.solved,
        "seconds": found.seconds,
        "points": [
            {
                "label": dict(p.label),
                "path": p.path,
                "data": p.data,
                "options": clean(dict(p.options)),
                **({"status": "left"} if a is None else clean(a)),
            }
            for p, a in zip(found.points, found.answers, strict=True)
        ],
    }
