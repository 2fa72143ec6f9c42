"""Stochastic simulations on disk: what `allocc simulate --stochastic --run DIR` writes.

stochastic.json   everything in this folder but the tables
bands.csv         each compartment and member over time: without chance, mean, quantiles
courses.csv       a row a course: the objective and its terms
bands.svg         the picture, where Matplotlib is installed
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc.compiler.labels import label_text
from allocc.results.run_folder.json_values import clean, to_json
from allocc.results.run_folder.place import write_folder
from allocc.results.run_folder.reading import read_answer
from allocc.results.run_folder.tidy import as_cell, guarded, write_rows
from allocc.results.stochastic.courses import LEVELS, StochasticResult
from allocc.version import __version__

FILE = "stochastic.json"
#: The form of the file; a later one may have more.
FORMAT = "allocc stochastic 1"


def stochastic_data(found: StochasticResult) -> dict[str, Any]:
    """The result as JSON holds it, without members and single courses."""
    data: dict[str, Any] = clean(found)
    return {**data, "levels": list(LEVELS)}


def save(
    found: StochasticResult,
    folder: str | PathLike[str],
    picture: Callable[[StochasticResult], bytes | None],
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
        text = to_json({**made, **stochastic_data(found)}, indent=None)
        (part / FILE).write_text(text + "\n", encoding="utf-8")
        write_bands(found, part / "bands.csv")
        if found.outcomes:
            write_courses(found, part / "courses.csv")
        svg = picture(found)
        if svg is not None:
            (part / "bands.svg").write_bytes(svg)

    return write_folder(Path(folder), write)


def write_bands(found: StochasticResult, path: Path) -> None:
    """A row for each compartment, or member of one, at each point of time."""
    quantiles = [f"q{round(100 * x):02d}" for x in LEVELS]
    head = ["name", found.time, "without_chance", "mean", *quantiles]
    rows = (
        [
            guarded(b.name),
            label_text(t),
            as_cell(b.deterministic[k]),
            as_cell(b.mean[k]),
            *(as_cell(q[k]) for q in b.quantiles),
        ]
        for b in found.every_band()
        for k, t in enumerate(found.times)
    )
    write_rows(path, head, rows)


def write_courses(found: StochasticResult, path: Path) -> None:
    """A row for each course: the objective and its terms."""
    columns = [x.tolist() for x in found.outcomes.values()]
    rows = ([str(k), *map(as_cell, row)] for k, row in enumerate(zip(*columns, strict=True), 1))
    write_rows(path, ["course", *found.outcomes], rows)


def read(path: str | PathLike[str]) -> StochasticResult:
    """The result in a folder, without single courses; raises E7014 where there is none."""
    return read_answer(path, FILE, FORMAT, StochasticResult)
