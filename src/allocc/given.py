"""Decisions from outside: mappings, pandas objects, CSV files and run folders become arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import AlloccError, Collector
from allocc.run_folder.tidy import unguarded

if TYPE_CHECKING:
    from allocc.compiler.expression import Variable
    from allocc.compiler.problem import Problem
    from allocc.compiler.program import FloatArray

Entry = tuple[tuple[str, ...], object]


def baseline_decisions(problem: Problem) -> dict[Variable, FloatArray]:
    """Every decision at its lower bound (at 0, or its upper bound, where it has none)."""
    from allocc.compiler.simulate import lowest

    return lowest(problem.decisions)


def given_decisions(problem: Problem, given: object) -> dict[Variable, FloatArray]:
    """Decisions from a mapping or a path; those that are not named stay at their lower bound.

    Raises `AlloccError` with everything that does not fit the model.
    """
    collector = Collector()
    values = baseline_decisions(problem)
    known = {v.name: v for v in problem.decisions}
    time = problem.model.time.name if problem.model.time is not None else None
    if isinstance(given, Mapping):
        for name, value in given.items():
            if name not in known:
                collector.add(mistakes.unknown_decision(str(name), known))
                continue
            filled = _filled(known[name], value, collector, time)
            if filled is not None:
                values[known[name]] = filled
    else:
        _read(Path(str(given)), known, values, collector, time)
    collector.raise_errors()
    return values


def _filled(
    variable: Variable, value: Any, collector: Collector, time: str | None
) -> FloatArray | None:
    """One decision's values as an array of its shape."""
    import numpy as np

    if isinstance(value, str):
        collector.add(mistakes.bad_decision(f"{variable.name} = '{value}' is not a number"))
        return None
    if isinstance(value, Mapping) or hasattr(value, "to_frame") or hasattr(value, "stack"):
        return _placed(variable, _entries(variable, value, time), collector)
    try:
        array = np.asarray(value, dtype=float)
        return np.broadcast_to(array, variable.shape).copy()
    except (TypeError, ValueError):
        shape = " x ".join(str(n) for n in variable.shape) or "a single number"
        collector.add(
            mistakes.bad_decision(
                f"the values for '{variable.name}' do not have its shape, {shape}"
            )
        )
        return None


def _entries(variable: Variable, value: Any, time: str | None) -> Iterator[Entry]:
    """Label texts and value of each entry of a mapping, Series or DataFrame."""
    if isinstance(value, Mapping):
        for label, x in value.items():
            yield _texts(label), x
        return
    if not hasattr(value, "columns"):
        order = _order(variable, list(value.index.names), time)
        for label, x in value.items():
            yield _reordered(_texts(label), order), x
        return
    rows, columns = list(value.index.names), list(value.columns.names)
    order = _order(variable, [*rows, *columns], time)
    if order is None and len(value) and len(value.columns):
        # Without names the labels themselves say which side is which.
        first = (*_texts(value.index[0]), *_texts(value.columns[0]))
        if _position(variable, first) is None:
            count = len(first)
            moved = [*range(len(rows), count), *range(len(rows))]
            order = moved if _position(variable, _reordered(first, moved)) is not None else None
    for row in value.index:
        for column in value.columns:
            yield _reordered((*_texts(row), *_texts(column)), order), value.at[row, column]


def _texts(label: Any) -> tuple[str, ...]:
    from allocc.compiler.program import label_text

    parts = label if isinstance(label, tuple) else (label,)
    return tuple(label_text(x) for x in parts)


def _columns(variable: Variable, given: Iterable[Any], time: str | None) -> list[str]:
    """The names of the index columns: periods as results name them, or by their own set."""
    from allocc.labelled import Block, label_columns

    assert variable.lower is not None
    found = []
    for name in (time, None):
        axes = tuple(label_columns(s, name) for s in variable.sets)
        found.append(list(Block(variable.name, "decision", axes, variable.lower).columns))
    known = {str(n) for n in given}
    return [a if a in known else b for a, b in zip(*found, strict=True)]


def _order(variable: Variable, names: list[Any], time: str | None) -> list[int] | None:
    """Where each index of the variable stands among named columns; None when names do not tell."""
    wanted = _columns(variable, names, time)
    if sorted(map(str, names)) != sorted(wanted):
        return None
    return [[str(n) for n in names].index(w) for w in wanted]


def _reordered(label: tuple[str, ...], order: list[int] | None) -> tuple[str, ...]:
    return label if order is None else tuple(label[k] for k in order)


def _position(variable: Variable, label: tuple[str, ...]) -> tuple[int, ...] | None:
    """Where a label is in the variable's array, None where it has no such label."""
    if len(label) != sum(s.arity for s in variable.sets):
        return None
    place = []
    for s in variable.sets:
        mine, label = label[: s.arity], label[s.arity :]
        found = s.positions.get(mine)
        if found is None:
            return None
        place.append(found)
    return tuple(place)


def _placed(
    variable: Variable,
    entries: Iterable[Entry],
    collector: Collector,
    file: str | None = None,
    lines: Mapping[tuple[str, ...], int] | None = None,
) -> FloatArray | None:
    import numpy as np

    values = np.full(variable.shape, np.nan)
    good = True
    for label, value in entries:
        line = lines.get(label) if lines is not None else None
        shown = f"{variable.name}[{', '.join(label)}]" if label else variable.name
        place = _position(variable, label)
        if place is None:
            indices = ", ".join(s.name for s in variable.sets)
            about = f"'{variable.name}' is indexed by [{indices}]" if indices else "it has no index"
            collector.add(mistakes.bad_decision(f"the model has no '{shown}'", about, file, line))
            good = False
            continue
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = float("nan")
        if not np.isfinite(number):
            collector.add(
                mistakes.bad_decision(f"{shown} = '{value}' is not a number", None, file, line)
            )
            good = False
            number = 0.0
        values[place] = number
    missing = np.argwhere(np.isnan(values))
    if good and len(missing):
        flat = int(np.ravel_multi_index(tuple(missing[0]), variable.shape)) if variable.sets else 0
        first = ", ".join(_texts(variable.labels(flat)))
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        collector.add(
            mistakes.bad_decision(
                f"'{variable.name}' has no value for {first}{more}",
                "give a value for every member, or leave the decision out",
                file,
            )
        )
        good = False
    return values if good else None


def _read(
    path: Path,
    known: dict[str, Variable],
    values: dict[Variable, FloatArray],
    collector: Collector,
    time: str | None,
) -> None:
    """Read the tidy CSV that a run folder has as `decisions.csv`."""
    file = path / "decisions.csv" if path.is_dir() else path
    shown = str(file)
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise AlloccError([mistakes.no_decisions(shown, "it is not UTF-8 text")]) from None
    except OSError as problem:
        reason = problem.strerror or str(problem)
        if path.is_dir() and not file.exists():
            raise AlloccError(
                [mistakes.no_decisions(str(path), "it has no decisions.csv")]
            ) from None
        reason = f"{reason[:1].lower()}{reason[1:]}"
        raise AlloccError([mistakes.no_decisions(shown, reason)]) from None
    try:
        _take_rows(csv.reader(io.StringIO(text, newline="")), shown, known, values, collector, time)
    except csv.Error as problem:
        raise AlloccError([mistakes.no_decisions(shown, str(problem))]) from None


def _take_rows(
    rows: Any,
    shown: str,
    known: dict[str, Variable],
    values: dict[Variable, FloatArray],
    collector: Collector,
    time: str | None,
) -> None:
    """The values in the rows of a `csv.reader`."""
    header = [h.strip() for h in next(rows, [])]
    if "name" not in header or "value" not in header:
        raise AlloccError([mistakes.no_decisions(shown, "it lacks a column 'name' or 'value'")])
    entries: dict[str, list[Entry]] = {}
    places: dict[str, dict[tuple[str, ...], int]] = {}
    reported: set[str] = set()
    for cells in rows:
        if not any(c.strip() for c in cells):
            continue
        row = {h: c.strip() for h, c in zip(header, cells, strict=False)}
        name = row.get("name", "")
        if name not in known:
            if name not in reported:
                reported.add(name)
                collector.add(mistakes.unknown_decision(name, known, shown, rows.line_num))
            continue
        label = tuple(unguarded(row.get(c, "")) for c in _file_columns(known[name], header, time))
        entries.setdefault(name, []).append((label, row.get("value", "")))
        places.setdefault(name, {})[label] = rows.line_num
    for name, found in entries.items():
        filled = _placed(known[name], found, collector, shown, places[name])
        if filled is not None:
            values[known[name]] = filled


def _file_columns(variable: Variable, header: list[str], time: str | None) -> list[str]:
    return [c for c in _columns(variable, header, time) if c in header]
