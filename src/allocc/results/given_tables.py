"""Decisions in the form of `decisions.csv`: a file, or a DataFrame, with a row for each value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import Collector, DiagnosticError
from allocc.results.run_folder.tidy import unguarded

if TYPE_CHECKING:
    from allocc.compiler.algebra.expression import Variable


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: its label texts, and the line of the file or the row of the frame it stands in."""

    label: tuple[str, ...]
    value: object
    line: int | None = None


@dataclass(frozen=True, slots=True)
class GivenTable:
    """A table: its header, and the cells of each row with its number."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Any, ...]], ...]
    #: How messages name the table, and its file where it is one.
    what: str
    file: str | None = None


def file_rows(given: str | PathLike[str]) -> GivenTable:
    """The rows of a run folder's `decisions.csv`, or of a file like it; raises E7009."""
    path = Path(fspath(given))
    file, shown = path, str(path)
    try:
        if path.is_dir():
            file = path / "decisions.csv"
            if not file.exists():
                raise DiagnosticError([mistakes.no_decisions(shown, "it has no decisions.csv")])
            shown = str(file)
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise DiagnosticError([mistakes.no_decisions(shown, "it is not UTF-8 text")]) from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        reason = f"{reason[:1].lower()}{reason[1:]}"
        raise DiagnosticError([mistakes.no_decisions(shown[:200], reason)]) from None
    try:
        reader = csv.reader(io.StringIO(text, newline=""))
        header = tuple(h.strip() for h in next(reader, []))
        rows = tuple(
            (reader.line_num, tuple(c.strip() for c in cells))
            for cells in reader
            if any(c.strip() for c in cells)
        )
    except csv.Error as problem:
        raise DiagnosticError([mistakes.no_decisions(shown, str(problem))]) from None
    return GivenTable(header, rows, "the file", shown)


def frame_rows(frame: Any) -> GivenTable:
    """The rows of a DataFrame; what its index names are columns, too."""
    named = any(n is not None for n in frame.index.names)
    table = frame.reset_index() if named else frame
    header = tuple(str(c).strip() for c in table.columns)
    rows = table.itertuples(index=False, name=None)
    return GivenTable(header, tuple(enumerate(rows, start=1)), "the DataFrame")


def entries_by_name(
    table: GivenTable, known: dict[str, Variable], collector: Collector, time: str | None
) -> dict[str, list[Entry]]:
    """The entries of each decision in a table; what is wrong goes to the collector."""
    _refuse_repeats(table, known, time)
    names, amounts = (place_of(table.header, x) for x in ("name", "value"))
    if names is None or amounts is None:
        if table.file is None:
            raise DiagnosticError([mistakes.no_form_of_decisions(_about(table))])
        reason = "it lacks a column 'name' or 'value'"
        raise DiagnosticError([mistakes.no_decisions(table.file, reason)])
    found: dict[str, list[Entry]] = {}
    places: dict[str, list[int]] = {}
    wrong: set[str] = set()
    for line, cells in table.rows:
        name = _cell(cells, names)
        if name in wrong:
            continue
        if name not in known:
            wrong.add(name)
            collector.add(mistakes.unknown_decision(name, known, table.file, line))
            continue
        if name not in places:
            wanted = index_columns(known[name], table.header, time)
            at = {c: place_of(table.header, c) for c in wanted}
            missing = [c for c, k in at.items() if k is None]
            if missing:
                wrong.add(name)
                collector.add(
                    mistakes.no_index_column(name, missing, table.header, table.what, table.file)
                )
                continue
            places[name] = [k for c in wanted if (k := at[c]) is not None]
        label = tuple(_cell(cells, k) for k in places[name])
        value = cells[amounts] if amounts < len(cells) else ""
        found.setdefault(name, []).append(Entry(label, value, line))
    return found


def place_of(header: Sequence[str], name: str) -> int | None:
    """Where a name stands: as it is written, else the only one that differs in capitals alone.

    A set `T` may well stand beside a time `t`.
    """
    exact = [k for k, column in enumerate(header) if column == name]
    alike = [k for k, column in enumerate(header) if column.casefold() == name.casefold()]
    found = exact or alike
    return found[0] if len(found) == 1 else None


def index_columns(variable: Variable, header: Sequence[str], time: str | None) -> list[str]:
    """The names of the index columns: periods as results name them, or by their own set."""
    from allocc.results.labelled import Block, label_columns

    found = []
    for name in (time, None):
        axes = tuple(label_columns(s, name) for s in variable.sets)
        found.append(list(Block(variable.name, "decision", axes, variable.ends[0]).columns))
    return [
        b if place_of(header, b) is not None and place_of(header, a) is None else a
        for a, b in zip(*found, strict=True)
    ]


def _refuse_repeats(table: GivenTable, known: Mapping[str, Variable], time: str | None) -> None:
    """Raise for a column that stands twice; in other capitals only where the model has both names."""
    own = {"name", "value", time} | {s.name for v in known.values() for s in v.sets}
    for k, name in enumerate(table.header):
        alike = [other for other in table.header[:k] if other.casefold() == name.casefold()]
        if name and (name in alike or (alike and not {name, *alike} <= own)):
            reason = f"{table.what} has the column '{name}' twice"
            raise DiagnosticError([mistakes.no_decisions(table.file or table.what, reason)])


def _cell(cells: Sequence[Any], place: int) -> str:
    from allocc.compiler.labels import label_text

    return unguarded(label_text(cells[place]).strip()) if place < len(cells) else ""


def _about(table: GivenTable) -> str:
    shown = ", ".join(f"'{c}'" for c in table.header[:8]) or "no column"
    return f"a DataFrame with the columns {shown}"
