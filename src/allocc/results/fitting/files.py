"""Fits on disk: what `allocc fit -o DIR` writes, and what `--fitted` and `allocc plot` read.

fitted.json     the estimates, how sure they are, and from which files they come
residuals.csv   every number that was observed, beside what the fit has in its place
draws.csv       a row each, where draws were asked for
fit.svg         the picture, where Matplotlib is installed
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.fitting.found import FitResult
from allocc.results.run_folder.json_values import clean, read_as, to_json
from allocc.results.run_folder.place import write_folder
from allocc.version import __version__

FILE = "fitted.json"
#: The form of the file; a later one may have more.
FORMAT = "allocc fit 1"


def fit_data(found: FitResult) -> dict[str, Any]:
    """A fit as JSON holds it: the estimates by their names, the draws apart."""
    data: dict[str, Any] = clean(found)
    data["estimates"] = {
        e.name: entry for e, entry in zip(found.estimates, data["estimates"], strict=True)
    }
    return data


def save(
    found: FitResult, folder: str | PathLike[str], picture: Callable[[FitResult], bytes | None]
) -> Path:
    """Write a fit into a new folder, which appears when it is complete.

    `picture` makes its SVG file, if there is something to draw with. Raises `DiagnosticError` E7007
    for a folder that holds something, E7008 where it cannot be written.
    """

    def write(part: Path) -> None:
        made = {
            "format": FORMAT,
            "allocc": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (part / FILE).write_text(to_json({**made, **fit_data(found)}) + "\n", encoding="utf-8")
        write_residuals(found, part / "residuals.csv")
        if found.draws:
            write_draws(found, part / "draws.csv")
        svg = picture(found)
        if svg is not None:
            (part / "fit.svg").write_bytes(svg)

    return write_folder(Path(folder), write, what="the fit")


def write_residuals(found: FitResult, path: Path) -> None:
    """A row for each number that was observed: data less model is the residual."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["observation", found.time, "observed", "fitted", "residual"])
        for c in found.courses:
            for t, y, x in c.seen():
                writer.writerow([c.name, t, y, x, y - x])


def write_draws(found: FitResult, path: Path) -> None:
    """A row a draw, with a column for each estimate."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["draw", *(e.name for e in found.estimates)])
        writer.writerows([k, *row] for k, row in enumerate(found.draws, 1))


def read(path: str | PathLike[str]) -> FitResult:
    """The fit in a file, or in a folder that has it; raises E7214 where there is none."""
    place = Path(path)
    file = place / FILE if place.is_dir() else place
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"its format is not '{FORMAT}'")
        found: FitResult = read_as(
            FitResult, {**data, "estimates": list(data["estimates"].values())}
        )
        return found
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
    except (UnicodeDecodeError, json.JSONDecodeError):
        reason = "it is no JSON"
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        reason = str(problem) if isinstance(problem, ValueError) else "it is damaged"
    raise DiagnosticError([mistakes.not_fitted(str(file), reason)])
