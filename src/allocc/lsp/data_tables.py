"""Tables on disk, as far as hover, completion and definitions need them."""

from __future__ import annotations

import csv
from pathlib import Path

from allocc.dsl import tree

#: So many rows of a table are looked at.
MOST_ROWS = 1000


def table_file(table: tree.Table, data: Path | None) -> Path | None:
    """The file of a table, None where it is not there."""
    if data is None:
        return None
    try:
        file = data / table.file.value
        return file if file.is_file() else None
    except (OSError, ValueError):
        return None


def rows(file: Path) -> list[list[str]]:
    """The first rows of a table, the header among them; nothing where it cannot be read."""
    found: list[list[str]] = []
    try:
        with file.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
            for row in csv.reader(lines, skipinitialspace=True):
                if any(cell.strip() for cell in row):
                    found.append([cell.strip() for cell in row])
                if len(found) > MOST_ROWS:
                    break
    except (OSError, csv.Error):
        return found
    return found


def header(table: tree.Table, data: Path | None) -> list[str]:
    """The columns of a table."""
    file = table_file(table, data)
    return next(iter(rows(file)), []) if file is not None else []


def column_place(file: Path, column: str) -> tuple[int, int]:
    """Where a column's name stands in the first line of its file."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            first = lines.readline().rstrip("\r\n")
    except OSError:
        return 0, 0
    start = 0
    for cell in first.split(","):
        if cell.strip().strip('"') == column:
            start += len(cell) - len(cell.lstrip(' "'))
            return start, start + len(column)
        start += len(cell) + 1
    return 0, len(first)
