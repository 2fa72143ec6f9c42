"""Tidy CSV files: one row a number, labels guarded against spreadsheets that run formulas."""

from __future__ import annotations

import contextlib
import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from allocc.results.labelled import Block, index_columns

#: How a cell begins that spreadsheets take for a formula; with what guards it.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")


def write_long(target: Path, blocks: Sequence[Block], kinds: bool) -> None:
    """A tidy CSV of blocks; with `kinds`, also their kind and their baseline."""
    columns = index_columns(blocks)
    head = ["kind"] * kinds + ["name", *columns, "value"] + ["baseline"] * kinds
    write_rows(target, head, long_rows(blocks, columns, kinds))


def long_rows(blocks: Iterable[Block], columns: Sequence[str], kinds: bool) -> Iterator[list[Any]]:
    """The rows of `write_long`, below a head with the index columns `columns`."""
    for block in blocks:
        own = [columns.index(c) for c in block.columns]
        values = block.values.ravel().tolist()
        size = len(values)
        base = [None] * size if block.baseline is None else block.baseline.ravel().tolist()
        for labels, value, other in zip(block.labels(), values, base, strict=True):
            cells: list[Any] = [""] * len(columns)
            for place, label in zip(own, labels, strict=True):
                cells[place] = _label(label)
            row = [block.name, *cells, as_cell(value)]
            yield [block.kind, *row, as_cell(other)] if kinds else row


def _label(label: object) -> str:
    from allocc.compiler.labels import label_text

    return guarded(label_text(label))


def guarded(label: str) -> str:
    """A label as it stands in a file: one that a spreadsheet would run as a formula gets a `'`."""
    formula = _FORMULA.match(label) and not _NUMBER.match(label)
    return f"'{label}" if formula else label


def unguarded(cell: str) -> str:
    """The label that a cell stands for, with or without its guard."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def as_cell(value: object) -> str:
    """A number in the shortest text that reads back the same; blank where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def write_rows(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A CSV file of a head and rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file by the names in its head."""
    with contextlib.closing(path.open(encoding="utf-8", newline="")) as file:
        yield from csv.DictReader(file)
