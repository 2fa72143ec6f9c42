"""Draws of parameters: from a table, a fit, or a DataFrame, with their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allocc.asked import as_path
from allocc.compiler import failures
from allocc.compiler.arrays import FloatArray
from allocc.compiler.data.tables import DataTable, number, read_table
from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.tree import Source, Span
from allocc.questions.over import errors
from allocc.results.fitting.found import FitResult

if TYPE_CHECKING:
    from allocc.compiler.scoping.model import BoundModel

#: The columns that are no parameters: what a draw is called, and how much it counts.
NAME, WEIGHT = "draw", "weight"


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws: what each is called, its weight (they add up to 1), and what it sets."""

    source: str
    names: tuple[str, ...]
    weights: FloatArray
    settings: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The parameters, and members of parameters, that are drawn."""
        return tuple(dict.fromkeys(n for s in self.settings for n in s))

    def mean(self) -> Mapping[str, float]:
        """The mean of each number that is drawn."""
        return {n: float(self.weights @ [s[n] for s in self.settings]) for n in self.drawn}


def read_draws(given: object, model: BoundModel, weight: str = WEIGHT) -> Draws:
    """The draws in a CSV file, a DataFrame, a sequence of mappings, or a fit.

    Columns are parameters, as `zeta` or `beta[north]`; `draw` names a draw and `weight` weighs it, both may be left
    out. Raises `DiagnosticError` E7280 to E7283.
    """
    if isinstance(given, Draws):
        return given
    if isinstance(given, FitResult):
        source = f"the fit '{given.fit}'"
        names = [e.name for e in given.estimates]
        rows = [dict(zip(names, row, strict=True)) for row in given.draws]
        if not rows:
            raise DiagnosticError([errors.no_draws(source, "it was made without draws")])
        return _made(source, rows, model, weight)
    if isinstance(given, (str, PathLike)):
        return _file(as_path(given, "the draws"), model, weight)
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return _made("the table", given.to_dict("records"), model, weight)
    if isinstance(given, Sequence) and all(isinstance(row, Mapping) for row in given):
        return _made("the list", given, model, weight)
    reason = f"an object of type {type(given).__name__} has none"
    raise DiagnosticError([errors.no_draws("what is given", reason)])


def _file(path: Path, model: BoundModel, weight: str) -> Draws:
    shown = str(path)
    place = path / "draws.csv" if path.is_dir() else path
    try:
        table = read_table(
            "draws", place, str(place.parent), shown, [], Span(Source(shown, ""), 0, 0)
        )
    except failures.Failed as failed:
        raise DiagnosticError([replace(d, span=None) for d in failed.diagnostics]) from None
    return draws_of(table, model, weight)


def draws_of(table: DataTable, model: BoundModel, weight: str = WEIGHT) -> Draws:
    """The draws in the rows of a table; raises `DiagnosticError` E7280 to E7283."""
    columns = {c: table.texts(c) for c in table.header}
    rows: list[dict[str, Any]] = [
        {c: texts[i] for c, texts in columns.items()} for i in range(len(table.rows))
    ]
    return _made(table.file, rows, model, weight, table.first_line)


def _made(
    source: str,
    rows: Sequence[Mapping[str, Any]],
    model: BoundModel,
    weight: str,
    lines: Sequence[int] | None = None,
) -> Draws:
    if not rows:
        raise DiagnosticError([errors.no_draws(source, "it has no row")])
    wrong = []
    columns = list(dict.fromkeys(c for row in rows for c in row))
    said = None if model.scenario is None else model.scenario.statement.weight
    if said is not None and said.name in columns and weight not in columns:
        weight = said.name
    drawn = [c for c in columns if c not in (NAME, weight)]
    for column in drawn:
        if str(column).split("[", 1)[0] not in model.parameters:
            wrong.append(errors.unknown_drawn(source, str(column), model.parameters))
    if not drawn:
        wrong.append(errors.no_draws(source, "no column is a parameter"))
    numbers: dict[str, list[float]] = {}
    for column in columns:
        if column == NAME:
            continue
        numbers[column] = [_number(row.get(column)) for row in rows]
        bad = next((k for k, x in enumerate(numbers[column]) if math.isnan(x)), None)
        if bad is not None and not wrong:
            text = str(rows[bad].get(column, ""))
            line = None if lines is None else lines[bad]
            wrong.append(errors.no_number(source, line, str(column), text))
    if wrong:
        raise DiagnosticError(wrong)
    names = tuple(str(row.get(NAME, k)) for k, row in enumerate(rows, 1))
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise DiagnosticError([errors.no_draws(source, f"two rows are called '{twice}'")])
    weights, notes = _weights(source, numbers.get(weight), len(rows))
    settings = tuple({c: numbers[c][k] for c in drawn} for k in range(len(rows)))
    return Draws(source, names, weights, settings, notes)


def _weights(
    source: str, given: Sequence[float] | None, count: int
) -> tuple[FloatArray, tuple[str, ...]]:
    if given is None:
        return np.full(count, 1.0 / count), ()
    found = np.array(given)
    if (found < 0).any():
        raise DiagnosticError([errors.bad_weights(source, "are negative somewhere")])
    total = float(found.sum())
    if total <= 0:
        raise DiagnosticError([errors.bad_weights(source, "are all 0")])
    notes = (
        ()
        if abs(total - 1) < 1e-6
        else (f"the weights add up to {total:g}: each is divided by that",)
    )
    return found / total, notes


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(number(value.strip()))
    try:
        found = float(value)
    except (TypeError, ValueError):
        return math.nan
    return found if math.isfinite(found) else math.nan
