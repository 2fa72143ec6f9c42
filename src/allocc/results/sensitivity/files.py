"""Sensitivities on disk: what `allocc sensitivity -o DIR` writes.

sensitivity.json   everything but the single points of all parameters together
points.csv         a row for each parameter and value: the answer there
together.csv       a row for each point of all parameters together, where they were asked for
tornado.svg        the picture, where Matplotlib is installed
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc.results.run_folder.json_values import clean, to_json
from allocc.results.run_folder.place import write_folder
from allocc.results.run_folder.reading import read_answer
from allocc.results.run_folder.tidy import as_cell, guarded, write_rows
from allocc.results.sensitivity.found import SensitivityResult
from allocc.version import __version__

FILE = "sensitivity.json"
#: The form of the file; a later one may have more.
FORMAT = "allocc sensitivity 1"


def sensitivity_data(found: SensitivityResult) -> dict[str, Any]:
    """The result as JSON holds it."""
    data: dict[str, Any] = clean(found)
    for v, entry in zip(found.varied, data["varied"], strict=True):
        entry["swing"] = clean(v.swing)
    return data


def save(
    found: SensitivityResult,
    folder: str | PathLike[str],
    picture: Callable[[SensitivityResult], bytes | None],
) -> Path:
    """Write a result into a new folder, which appears when it is complete.

    Raises `DiagnosticError` E7007 for a folder that holds something, E7008 where it cannot be written.
    """

    def write(part: Path) -> None:
        made = {
            "format": FORMAT,
            "allocc": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (part / FILE).write_text(to_json({**made, **sensitivity_data(found)}) + "\n", "utf-8")
        write_points(found, part / "points.csv")
        if found.together is not None and found.together.points is not None:
            write_together(found, part / "together.csv")
        svg = picture(found)
        if svg is not None:
            (part / "tornado.svg").write_bytes(svg)

    return write_folder(Path(folder), write, what="the sensitivities")


def write_points(found: SensitivityResult, path: Path) -> None:
    """A row for each parameter and value."""
    terms = list(dict.fromkeys(t for v in found.varied for p in v.points for t in p.terms))
    head = ["parameter", "at", "status", "value", "bound", "gap", "violation", "broken"]
    rows = (
        [
            guarded(v.name),
            as_cell(p.at),
            p.status,
            *map(as_cell, (p.value, p.bound, p.gap, p.violation)),
            guarded(p.broken),
            *(as_cell(p.terms.get(t)) for t in terms),
        ]
        for v in found.varied
        for p in v.points
    )
    write_rows(path, [*head, *(f"term {t}" for t in terms)], rows)


def write_together(found: SensitivityResult, path: Path) -> None:
    """A row for each point of all parameters together."""
    together = found.together
    assert together is not None and together.points is not None and together.values is not None
    rows = (
        [*map(as_cell, place), as_cell(value)]
        for place, value in zip(together.points.tolist(), together.values.tolist(), strict=True)
    )
    write_rows(path, [*(guarded(v.name) for v in found.varied), "value"], rows)


def read(path: str | PathLike[str]) -> SensitivityResult:
    """The result in a folder, without single points of all together; raises E7014 where there is none."""
    return read_answer(path, FILE, FORMAT, SensitivityResult)
