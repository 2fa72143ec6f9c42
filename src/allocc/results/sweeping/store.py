"""A folder of answers, two files each, named by their keys.

KEY.json   the answer
KEY.csv    its decisions, as `allocc simulate` reads them

Both appear whole, the JSON last: what is there is finished, whoever was killed. Several processes, on several
machines, may write into one folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.run_folder.json_values import clean, read_as, to_json
from allocc.results.run_folder.made_with import POINT_FORMAT
from allocc.results.run_folder.tidy import as_cell, guarded, read_rows, unguarded, write_rows
from allocc.results.sweeping.points import Answer
from allocc.whole import write_whole


def make_store(store: Path) -> None:
    """The folder, if it is not there yet; raises E7008."""
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DiagnosticError([mistakes.cannot_write("the answers", str(store), reason)]) from None


def keep(store: Path, answer: Answer) -> None:
    """Write an answer; raises E7008 where the system does not let us."""

    def write(part: Path) -> None:
        if answer.decisions:
            write_decisions(answer, part.with_suffix(".csv"))
        data = {"format": POINT_FORMAT, **clean(answer)}
        part.write_text(to_json(data, indent=None) + "\n", encoding="utf-8")

    write_whole(store / f"{answer.key}.json", write, "an answer")


def kept(store: Path, key: str) -> Answer | None:
    """The answer of a key; None where there is none that can be read."""
    path = store / f"{key}.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != POINT_FORMAT or data["key"] != key:
            return None
        columns = read_as(dict[str, tuple[str, ...]], data["columns"])
        return _answer(data, read_decisions(path.with_suffix(".csv"), columns))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Not there, or not written by this version: it is found anew.
        return None


def _answer(data: dict[str, Any], decisions: dict[str, dict[tuple[str, ...], float]]) -> Answer:
    found: Answer = read_as(Answer, data, decisions=decisions)
    return found


def write_decisions(answer: Answer, path: Path) -> None:
    """The decisions as a tidy table, in the form of a run folder's `decisions.csv`."""
    head = list(dict.fromkeys(c for columns in answer.columns.values() for c in columns))
    rows = []
    for name, values in answer.decisions.items():
        own = [head.index(c) for c in answer.columns[name]]
        for labels, value in values.items():
            cells = [""] * len(head)
            for place, label in zip(own, labels, strict=True):
                cells[place] = guarded(label)
            rows.append([name, *cells, as_cell(value)])
    write_rows(path, ["name", *head, "value"], rows)


def read_decisions(
    path: Path, columns: dict[str, tuple[str, ...]]
) -> dict[str, dict[tuple[str, ...], float]]:
    """The decisions that `write_decisions` wrote; none where an answer has none."""
    found: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in columns}
    if columns:
        for row in read_rows(path):
            labels = tuple(unguarded(row[c]) for c in columns[row["name"]])
            found[row["name"]][labels] = float(row["value"])
    return found
