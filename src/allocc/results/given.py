"""Decisions from outside: mappings, pandas objects, results, files and run folders as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from allocc import mistakes
from allocc.dsl.diagnostics import Collector, DiagnosticError
from allocc.results.given_tables import (
    Entry,
    entries_by_name,
    file_rows,
    frame_rows,
    index_columns,
    place_of,
)

if TYPE_CHECKING:
    from allocc.compiler.algebra.expression import Variable
    from allocc.compiler.arrays import FloatArray
    from allocc.compiler.unrolling.problem import Problem

#: A value this near to a whole number is one.
WHOLE_WITHIN = 1e-6


@dataclass(frozen=True, eq=False)
class Given:
    """Values for every decision, and what is to be said about those that were not given."""

    values: dict[Variable, FloatArray]
    notes: tuple[str, ...] = ()


def baseline_decisions(problem: Problem) -> dict[Variable, FloatArray]:
    """Every decision at its lower bound (at 0, or its upper bound, where it has none)."""
    from allocc.compiler.unrolling.simulate import lowest

    return lowest(problem)


def given_decisions(problem: Problem, given: object, rest: object = None) -> Given:
    """Decisions in any form that `Model.simulate` takes.

    What is not given is as in `rest`, which has the same forms; else at its lower end. Raises
    `DiagnosticError` with everything that does not fit the model.
    """
    import numpy as np

    collector = Collector()
    time = problem.model.time.name if problem.model.time is not None else None
    found = _taken(given, {v.name: v for v in problem.decisions}, collector, time)
    collector.raise_errors()
    if rest is None:
        base, where = Given(baseline_decisions(problem)), "at their lower end"
        if any(_endless(v, found.get(v)) for v in problem.decisions):
            where += ", or at 0 where they have none"
    else:
        base, where = given_decisions(problem, rest), "as in the decisions for the rest"
    values = {}
    for v in problem.decisions:
        array = found.get(v)
        other = base.values[v]
        values[v] = other if array is None else np.where(np.isnan(array), other, array)
    return Given(values, (*_not_given(problem, found, where), *base.notes))


def _endless(variable: Variable, array: FloatArray | None) -> bool:
    """Whether a value that is not given has no lower end."""
    import numpy as np

    lost = np.isinf(variable.ends[0])
    return bool(lost.any() if array is None else (lost & np.isnan(array)).any())


def _not_given(
    problem: Problem, found: Mapping[Variable, FloatArray], where: str
) -> tuple[str, ...]:
    import numpy as np

    parts, total = [], 0
    for v in problem.decisions:
        count = int(np.isnan(found[v]).sum()) if v in found else v.size
        total += count
        if count:
            parts.append(f"{count} of {v.size} of {v.name}" if v.sets else v.name)
    if not parts:
        return ()
    noun = "decision" if total == 1 else "decisions"
    return (f"{total} {noun} not given: {where} ({', '.join(parts)})",)


def _taken(
    given: object, known: dict[str, Variable], collector: Collector, time: str | None
) -> dict[Variable, FloatArray]:
    """The arrays of the decisions that are given, with NaN where one of their values is not."""
    from allocc.results.run import Run

    if isinstance(given, Run):
        if not given.has_allocation:
            reason = f"a Result without an allocation (it is {given.status})"
            raise DiagnosticError([mistakes.no_form_of_decisions(reason)])
        given = {b.name: _block_entries(b) for b in given.blocks if b.kind == "decision"}
    found: dict[Variable, FloatArray] = {}
    if isinstance(given, Mapping):
        for key, value in given.items():
            if key not in known:
                collector.add(mistakes.unknown_decision(str(key), known))
                continue
            array = _filled(known[key], value, collector, time)
            if array is not None:
                found[known[key]] = array
        return found
    if isinstance(given, (str, PathLike)):
        table = file_rows(given)
    elif _is_frame(given):
        table = frame_rows(given)
    else:
        kind = "None" if given is None else f"an object of type {type(given).__name__}"
        raise DiagnosticError([mistakes.no_form_of_decisions(kind)])
    for name, entries in entries_by_name(table, known, collector, time).items():
        array = _placed(known[name], entries, collector, table.file)
        if array is not None:
            found[known[name]] = array
    return found


def _is_frame(value: object) -> bool:
    return all(hasattr(value, x) for x in ("columns", "index", "itertuples"))


def _block_entries(block: Any) -> dict[Any, float]:
    return dict(zip(block.labels(), block.values.ravel().tolist(), strict=True))


def _filled(
    variable: Variable, value: Any, collector: Collector, time: str | None
) -> FloatArray | None:
    """One decision's values as an array of its shape."""
    import numpy as np

    is_series = hasattr(value, "to_frame") and hasattr(value, "index")
    if isinstance(value, Mapping) or is_series or _is_frame(value):
        return _placed(variable, _entries(variable, value, time), collector)
    name = variable.name
    if value is None or isinstance(value, (str, bytes)):
        shown = "None" if value is None else repr(value)
        collector.add(mistakes.bad_decision(f"{name} = {shown} is not a number"))
        return None
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        kind = type(value).__name__
        what = f"the values for '{name}' are no numbers (an object of type {kind})"
        collector.add(mistakes.bad_decision(what))
        return None
    try:
        array = np.broadcast_to(array, variable.shape)
    except ValueError:
        shape = " x ".join(str(n) for n in variable.shape) or "a single number"
        had = " x ".join(str(n) for n in array.shape)
        what = f"the values for '{name}' have the shape {had}, but its shape is {shape}"
        collector.add(mistakes.bad_decision(what))
        return None
    labels = (variable.labels(i) for i in range(variable.size))
    flat = zip(labels, array.ravel().tolist(), strict=True)
    return _placed(variable, [Entry(_texts(x), y) for x, y in flat], collector)


def _entries(variable: Variable, value: Any, time: str | None) -> Iterator[Entry]:
    """Label texts and value of each entry of a mapping, Series or DataFrame."""
    if isinstance(value, Mapping):
        for label, x in value.items():
            yield Entry(_texts(label), x)
        return
    if not hasattr(value, "columns"):
        order = _order(variable, list(value.index.names), time)
        for label, x in value.items():
            yield Entry(_reordered(_texts(label), order), x)
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
    cells = value.itertuples(index=False, name=None)
    for row, values in zip(value.index, cells, strict=True):
        for column, x in zip(value.columns, values, strict=True):
            yield Entry(_reordered((*_texts(row), *_texts(column)), order), x)


def _texts(label: Any) -> tuple[str, ...]:
    from allocc.compiler.data.typed_values import label_texts

    return label_texts(label)


def _order(variable: Variable, names: list[Any], time: str | None) -> list[int] | None:
    """Where each index of the variable stands among named columns; None when names do not tell."""
    header = [str(n) for n in names]
    places = [place_of(header, w) for w in index_columns(variable, header, time)]
    found = [k for k in places if k is not None]
    return found if sorted(found) == list(range(len(header))) else None


def _reordered(label: tuple[str, ...], order: list[int] | None) -> tuple[str, ...]:
    return label if order is None else tuple(label[k] for k in order)


def _position(variable: Variable, label: tuple[str, ...]) -> tuple[int, ...] | None:
    """Where a label is in the variable's array, None where it has no such label."""
    from allocc.compiler.data.typed_values import label_position

    return label_position(variable.sets, label)


def _placed(
    variable: Variable,
    entries: Iterable[Entry],
    collector: Collector,
    file: str | None = None,
) -> FloatArray | None:
    """The array of a decision, NaN where no entry gives a value; None where one is wrong."""
    import numpy as np

    values = np.full(variable.shape, np.nan)
    before: dict[tuple[int, ...], int | None] = {}
    twice: list[tuple[str, list[int | None]]] = []
    good = True
    for entry in entries:
        shown = f"{variable.name}[{', '.join(entry.label)}]" if entry.label else variable.name
        # A file is named with its line below the message; a frame's row is told in it.
        where = f" (row {entry.line})" if entry.line is not None and file is None else ""
        place = _position(variable, entry.label)
        if place is None:
            hint = _label_hint(variable, entry.label)
            what = f"the model has no '{shown}'{where}"
            collector.add(mistakes.bad_decision(what, hint, file, entry.line))
            good = False
            continue
        if place in before:
            twice.append((shown, [before[place], entry.line]))
            continue
        before[place] = entry.line
        number, mend = _number(entry.value)
        if not np.isfinite(number):
            what = f"{shown} = {_shown(entry.value)} is not a number{where}"
            collector.add(mistakes.bad_decision(what, mend, file, entry.line))
            good = False
        elif variable.integer and abs(number - round(number)) > WHOLE_WITHIN:
            collector.add(mistakes.not_whole(shown, number, where, file, entry.line))
            good = False
        values[place] = number
    if twice:
        shown, lines = twice[0]
        collector.add(mistakes.given_twice(shown, lines, file, len(twice) - 1))
    return values if good and not twice else None


def _number(value: object) -> tuple[float, str | None]:
    """The number that a value stands for, NaN where it stands for none, and then the mend."""
    from allocc.compiler.data.typed_values import number_mend, written_number

    if isinstance(value, str):
        if not value.strip():
            return float("nan"), "write a number, or leave the row out"
        return written_number(value), number_mend(value)
    try:
        return float(value), "leave it out where nothing is decided"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan"), "give a plain number, as 1200 or 0.25"


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _label_hint(variable: Variable, label: tuple[str, ...]) -> str:
    """What a label that the model does not have was meant to be, or what it must look like."""
    from allocc.compiler.data.typed_values import label_mend

    if len(label) == sum(s.arity for s in variable.sets):
        rest = label
        for s in variable.sets:
            mine, rest = rest[: s.arity], rest[s.arity :]
            if mine not in s.positions:
                pools = s.texts
                for text, pool in zip(mine, pools, strict=True):
                    mend = None if text in pool else label_mend(text, pool)
                    if mend:
                        return mend
    if not variable.sets:
        return "it has no index"
    return f"'{variable.name}' is indexed by [{', '.join(s.name for s in variable.sets)}]"
