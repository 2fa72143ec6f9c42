"""CSV tables: read with the standard library, checked cell by cell, labelled by their keys."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler import failures
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.arrays import FloatArray
from allocc.compiler.data import errors as data_errors
from allocc.compiler.labels import label_text
from allocc.dsl.tree import Span

#: A table file larger than this is refused before it is read.
LARGEST_FILE = 1_000_000_000

#: Without leading zeros, and with one way to write zero.
_WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")

#: Rows that spreadsheets end with.
_TOTAL = re.compile(r"(grand |sub)?totals?\Z|sum\Z|all\Z|overall\Z", re.IGNORECASE)

#: What a file seems to be, by its first bytes.
_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"%PDF": "a PDF document",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
    b'{"': "JSON",
    b"version https://git-lfs": "a pointer of Git LFS to the file",
}


@dataclass(frozen=True, eq=False)
class DataTable:
    """A rectangle of text cells; `keys` name the columns that label its rows.

    `first_line[i]` is the line of the file on which row i begins, for messages. `named` are the
    columns that a `set` is declared as, each with the set's name: the first names the labels.
    """

    name: str
    file: str
    header: tuple[str, ...]
    rows: list[list[str]]
    keys: tuple[str, ...]
    span: Span
    first_line: Sequence[int]
    named: tuple[tuple[str, str], ...] = ()
    _numbers: dict[str, FloatArray] = field(init=False, default_factory=dict)
    _sets: dict[tuple[str, ...], IndexSet] = field(init=False, default_factory=dict)

    def texts(self, column: str) -> list[str]:
        """The cells of a column."""
        place = self.header.index(column)
        return [row[place] for row in self.rows]

    def numbers(self, column: str) -> FloatArray:
        """A column as numbers: NaN where a cell is blank or holds anything else."""
        found = self._numbers.get(column)
        if found is None:
            found = np.array([number(x) for x in self.texts(column)], dtype=float)
            self._numbers[column] = found
        return found

    def words(self, column: str, rows: NDArray[Any]) -> list[int]:
        """Those of the rows whose cell holds something that is not a number, in file order."""
        texts = self.texts(column)
        asked = np.unique(rows)
        return [int(i) for i in asked[np.isnan(self.numbers(column)[asked])] if texts[i]]

    def total_row(self, column: str) -> int | None:
        """The row that is called a total and holds, in a column of numbers, the sum of the others."""
        if len(self.keys) != 1 or len(self.rows) < 3:
            return None
        for i, label in enumerate(self.texts(self.keys[0])):
            if _TOTAL.match(label):
                values = self.numbers(column)
                rest = float(np.nansum(np.delete(values, i)))
                if rest and np.isclose(rest, values[i], rtol=1e-6, atol=0.0):
                    return i
        return None

    def label_set(self, columns: tuple[str, ...]) -> IndexSet:
        """The distinct labels (or tuples) of columns, in order of first appearance."""
        found = self._sets.get(columns)
        if found is None:
            cells = [self.texts(c) for c in columns]
            for column, texts in zip(columns, cells, strict=True):
                for i, text in enumerate(texts):
                    if not text:
                        raise failures.Failed(
                            data_errors.blank_label(self.file, self.first_line[i], column)
                        )
            distinct = list(dict.fromkeys(zip(*cells, strict=True)))
            parts = [as_labels([row[k] for row in distinct]) for k in range(len(columns))]
            whole = len(columns) == 1 and all(isinstance(x, int) for x in parts[0])
            plain = columns[0] if len(columns) == 1 else self.name
            name = next((n for c, n in self.named if self._means(c, columns)), plain)
            own = (name,) if len(columns) == 1 else columns
            made = IndexSet(name, parts, "integer" if whole else "label", own)
            found = self._sets.setdefault(columns, made)
        return found

    def _means(self, column: str, columns: tuple[str, ...]) -> bool:
        """Whether a column, or `key`, is written for these columns."""
        is_key = column == "key" and "key" not in self.header
        return columns == (self.keys if is_key else (column,))

    @property
    def key_set(self) -> IndexSet:
        """The labels of the rows; a repeated key is an error that names both rows."""
        found = self._sets.get(self.keys)
        if found is None or len(found) != len(self.rows):
            found = self.label_set(self.keys)
            if len(found) != len(self.rows):
                seen: dict[tuple[str, ...], int] = {}
                cells = [self.texts(c) for c in self.keys]
                for i, key in enumerate(zip(*cells, strict=True)):
                    if key in seen:
                        first, again = self.first_line[seen[key]], self.first_line[i]
                        raise failures.Failed(
                            data_errors.repeated_key(self.file, again, self.keys, key, first)
                        )
                    seen[key] = i
        return found


def number(text: str) -> float:
    """The number that a cell holds, NaN where it holds none."""
    value = float(text) if _NUMBER.match(text) else np.nan
    return value if np.isfinite(value) else np.nan


def as_labels(texts: Sequence[str]) -> list[Any]:
    """Labels as numbers when every text is one, written as `label_text` writes it; else as words.

    A code with leading zeros is a word, and so is `0.70`: as a number it would be shown as another
    label than the file has.
    """
    if texts and all(_WHOLE.match(x) for x in texts):
        return [int(x) for x in texts]
    if texts and all(_WHOLE.match(x) or _is_plain_decimal(x) for x in texts):
        return [int(x) if _WHOLE.match(x) else float(x) for x in texts]
    return list(texts)


def _is_plain_decimal(text: str) -> bool:
    return _NUMBER.match(text) is not None and label_text(float(text)) == text


def file_in(folder: Path, written: str, span: Span) -> Path:
    """The file of a data folder that a model names; raises `Failed` where it leads out of it, E3021."""
    try:
        home = folder.resolve()
        path = (home / written).resolve()
    except (OSError, ValueError, RuntimeError):
        reason = "this is not the name of a file"
        raise failures.Failed(data_errors.unreadable_file(written, reason, span)) from None
    if not path.is_relative_to(home):
        raise failures.Failed(data_errors.file_outside(written, span))
    return path


def read_table(
    name: str,
    path: Path,
    folder: str,
    shown: str,
    keys: Sequence[Any],
    span: Span,
    named: tuple[tuple[str, str], ...] = (),
) -> DataTable:
    """Read a CSV file; raises `errors.Failed` with everything that is wrong with its shape.

    `keys` are identifiers of the tree; `folder` and `shown` name the file in messages, `named` is as in
    `DataTable`.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise failures.Failed(data_errors.unreadable_file(shown, "it is a folder", span))
        if not path.is_file():
            # A pipe would be waited for, and a device need not end.
            raise failures.Failed(
                data_errors.unreadable_file(shown, "it is no ordinary file", span)
            )
        if size > LARGEST_FILE:
            raise failures.Failed(data_errors.file_too_large(shown, size, LARGEST_FILE, span))
        raw = path.read_bytes()
    except FileNotFoundError:
        others = sorted(p.name for p in path.parent.glob("*.csv")) if path.parent.is_dir() else []
        raise failures.Failed(data_errors.missing_file(shown, folder, others, span)) from None
    except OSError as problem:
        reason = problem.strerror or str(problem)
        reason = reason[:1].lower() + reason[1:]
        raise failures.Failed(data_errors.unreadable_file(shown, reason, span)) from None
    for signature, looks_like in _SIGNATURES.items():
        if raw[:24].lower().startswith(signature.lower()):
            raise failures.Failed(data_errors.not_utf8(shown, None, span, looks_like))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise failures.Failed(data_errors.not_utf8(shown, line, span)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise failures.Failed(data_errors.not_utf8(shown, line, span))
    return replace(_parse(name, text, shown, keys, span), named=named)


def _parse(name: str, text: str, shown: str, keys: Sequence[Any], span: Span) -> DataTable:
    reader = csv.reader(io.StringIO(text, newline=None), skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    header: tuple[str, ...] | None = None
    problems = []
    ragged: list[tuple[int, int]] = []
    line = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                if header is None:
                    header = tuple(cells)
                elif len(cells) != len(header):
                    ragged.append((line, len(cells)))
                else:
                    rows.append(cells)
                    lines.append(line)
            line = reader.line_num + 1
    except csv.Error as problem:
        raise failures.Failed(data_errors.bad_csv(shown, line, str(problem))) from None
    if header is None:
        raise failures.Failed(data_errors.empty_table(shown, span, header=False))
    if not ragged:
        header, rows = _without_blank_columns(header, rows)
    if len(header) == 1:
        for separator, words in ((";", "';'"), ("\t", "tabs"), ("|", "'|'")):
            if separator in header[0]:
                raise failures.Failed(data_errors.wrong_separator(shown, words))
    for column, times in Counter(header).items():
        if times > 1:
            problems.append(data_errors.repeated_column(shown, column))
    if ragged:
        first, count = ragged[0]
        more = len(ragged) - 1
        raise failures.Failed(data_errors.ragged_row(shown, first, count, len(header), more))
    for key in keys:
        if key.name not in header:
            problems.append(data_errors.unknown_column(name, shown, key.name, key.span, header))
    if problems:
        raise failures.Failed(*problems[:5])
    if not rows:
        raise failures.Failed(data_errors.empty_table(shown, span, header=True))
    return DataTable(name, shown, header, rows, tuple(k.name for k in keys), span, lines)


def _without_blank_columns(
    header: tuple[str, ...], rows: list[list[str]]
) -> tuple[tuple[str, ...], list[list[str]]]:
    """The columns that have a name or a cell: spreadsheets write the others beside a table."""
    kept = [k for k, name in enumerate(header) if name or any(row[k] for row in rows)]
    if len(kept) == len(header):
        return header, rows
    return tuple(header[k] for k in kept), [[row[k] for k in kept] for row in rows]
