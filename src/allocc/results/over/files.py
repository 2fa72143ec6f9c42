"""Answers about draws on disk.

over.json       everything that is no array: what was decided, what is proven, limits, terms, each draw
decisions.csv   the decisions that are shared, as `allocc simulate --decisions` reads them
after.csv       those that answer to the draw, where there are any
draws.csv       a row a draw: what is drawn, the value, each term, what is broken, regret
bands.csv       compartments and reports: mean and levels over the draws
inputs/         the model and its tables
*.svg           the pictures, where Matplotlib is installed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from allocc.results.exact_proof import write_files
from allocc.results.labelled import index_columns
from allocc.results.over.found import LEVELS, OverDraws
from allocc.results.run_folder.json_values import clean, to_json
from allocc.results.run_folder.place import write_folder
from allocc.results.run_folder.tidy import as_cell, guarded, long_rows, write_long, write_rows
from allocc.version import __version__

FILE = "over.json"
#: The form of the file; a later one may have more.
FORMAT = "allocc over 1"


def over_data(found: OverDraws) -> dict[str, Any]:
    """An answer as JSON holds it."""
    data: dict[str, Any] = clean(found)
    more = {"mean": found.mean, "worst": found.worst, "every_limit_holds": found.kept}
    return {**data, **(more if found.draws else {})}


def save(
    found: OverDraws,
    folder: str | PathLike[str],
    pictures: Callable[[OverDraws], Mapping[str, bytes]],
) -> Path:
    """Write an answer into a new folder, which appears when it is complete.

    `pictures` makes its SVG files, if there is something to draw with. Raises `DiagnosticError` E7007
    for a folder that holds something, E7008 where it cannot be written.
    """

    def write(part: Path) -> None:
        made = {
            "format": FORMAT,
            "allocc": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (part / FILE).write_text(to_json({**made, **over_data(found)}) + "\n", encoding="utf-8")
        write_files(found.inputs, part)
        if not found.draws:
            return
        shared = [b for b in found.decisions if b.name not in found.after]
        write_long(part / "decisions.csv", shared, kinds=False)
        if len(shared) < len(found.decisions):
            later = [b for b in found.decisions if b.name in found.after]
            write_long(part / "after.csv", later, kinds=False)
        write_draws(found, part / "draws.csv")
        if found.bands:
            _write_bands(found, part / "bands.csv")
        for name, svg in pictures(found).items():
            (part / f"{name}.svg").write_bytes(svg)

    return write_folder(Path(folder), write, what="the answer")


def write_draws(found: OverDraws, path: Path) -> None:
    """A row a draw."""
    drawn = list(dict.fromkeys(n for d in found.draws for n in d.settings))
    terms = [t.name for t in found.terms]
    ends = ["best_bound", "best_value", "regret_least", "regret_most"]
    head = ["draw", "weight", *drawn, "value", *terms, "violation", "broken"]
    known = any(d.best is not None for d in found.draws)
    rows = []
    for d in found.draws:
        row: list[Any] = [guarded(d.name), d.weight, *(d.settings.get(n) for n in drawn), d.value]
        row += [d.terms[t] for t in terms] + [d.violation, " ".join(d.broken)]
        if known:
            row += [*(d.best or (None, None)), *(d.regret or (None, None))]
        rows.append([x if isinstance(x, str) else as_cell(x) for x in row])
    write_rows(path, head + ends * known, rows)


def _write_bands(found: OverDraws, path: Path) -> None:
    blocks = [b.block for b in found.bands]
    columns = index_columns(blocks)
    head = ["kind", "name", *columns, "mean", *(f"{level:.0%}" for level in LEVELS)]
    rows = []
    for band in found.bands:
        levels = band.levels.reshape(len(LEVELS), -1)
        for k, row in enumerate(long_rows([band.block], columns, kinds=False)):
            rows.append([band.block.kind, *row, *(as_cell(float(x)) for x in levels[:, k])])
    write_rows(path, head, rows)
