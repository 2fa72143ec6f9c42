"""Diagnostics of data files and settings: E3xxx, W3xxx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.compiler.failures import did_you_mean, listed
from allocc.dsl.diagnostics import DataPlace, Diagnostic
from allocc.dsl.tree import Span


def missing_file(shown: str, folder: str, others: Sequence[str], span: Span) -> Diagnostic:
    """A table's file that is not in the data folder."""
    hint = did_you_mean(shown, others)
    if hint is None:
        has = f"it has {listed(others)}" if others else "it has no .csv file"
        hint = f"{has}; name the folder with --data DIR"
    return Diagnostic(
        "E3001", f"there is no file '{shown}' in the data folder '{folder}'", span, hint
    )


def unreadable_file(shown: str, reason: str, span: Span) -> Diagnostic:
    """A file that the system does not let us read."""
    return Diagnostic("E3002", f"'{shown}' cannot be read: {reason}", span)


def file_too_large(shown: str, size: int, most: int, span: Span) -> Diagnostic:
    """A file beyond the size that is read."""
    return Diagnostic(
        "E3003", f"'{shown}' has {size:,} bytes; at most {most:,} bytes are read", span
    )


def not_utf8(shown: str, line: int, span: Span) -> Diagnostic:
    """A file that is not text."""
    return Diagnostic(
        "E3004",
        f"'{shown}' is not UTF-8 text",
        span,
        "save it as 'CSV UTF-8'",
        data=DataPlace(shown, line),
    )


def bad_csv(shown: str, line: int, reason: str) -> Diagnostic:
    """A quoting mistake in a CSV file."""
    return Diagnostic(
        "E3005",
        f"this line is not valid CSV: {reason}",
        data=DataPlace(shown, line),
        hint="look for a quotation mark that is not closed",
    )


def empty_table(shown: str, span: Span) -> Diagnostic:
    """A table without a row."""
    return Diagnostic("E3006", f"'{shown}' has no rows of data", span, data=DataPlace(shown))


def wrong_separator(shown: str) -> Diagnostic:
    """A file separated by semicolons."""
    return Diagnostic(
        "E3007",
        "the cells are separated by ';', not by ','",
        data=DataPlace(shown, 1),
        hint="save the file with commas between the cells",
    )


def ragged_row(shown: str, line: int, cells: int, columns: int) -> Diagnostic:
    """A row with too many or too few cells."""
    return Diagnostic(
        "E3008",
        f"this row has {cells} cells, the header has {columns}",
        data=DataPlace(shown, line),
        hint="a number with a comma in it needs quotation marks" if cells > columns else None,
    )


def repeated_column(shown: str, column: str) -> Diagnostic:
    """Two columns of one name."""
    return Diagnostic(
        "E3009", f"column '{column}' stands twice in the header", data=DataPlace(shown, 1, column)
    )


def unknown_column(
    table: str, shown: str, column: str, span: Span, columns: Sequence[str]
) -> Diagnostic:
    """A column that the file does not have."""
    hint = did_you_mean(column, columns) or f"it has {listed(columns, 20)}"
    return Diagnostic(
        "E3010", f"table '{table}' has no column '{column}'", span, hint, data=DataPlace(shown, 1)
    )


def cell_not_a_number(shown: str, line: int, column: str, text: str) -> Diagnostic:
    """A cell with words where a number is needed."""
    hint = None
    if any(x in text for x in ",%$ ") and any(x.isdigit() for x in text):
        hint = "write the bare number, without thousands separators, percent or currency signs"
    return Diagnostic(
        "E3011", f"'{text}' is not a number", data=DataPlace(shown, line, column), hint=hint
    )


def blank_label(shown: str, line: int, column: str) -> Diagnostic:
    """A blank cell in a key column."""
    return Diagnostic(
        "E3012", "a label is missing: the cell is blank", data=DataPlace(shown, line, column)
    )


def repeated_key(
    shown: str, line: int, columns: Sequence[str], key: Sequence[str], first: int
) -> Diagnostic:
    """Two rows of one key."""
    return Diagnostic(
        "E3013",
        f"the key {', '.join(repr(k) for k in key)} stands twice; the first is on row {first}",
        data=DataPlace(shown, line, ", ".join(columns)),
        hint="remove one of the rows, or name more key columns",
    )


def missing_rows(
    shown: str, column: str, what: str, labels: Sequence[str], span: Span
) -> Diagnostic:
    """Members of a set for which the table has no row."""
    noun = "row" if len(labels) == 1 else "rows"
    return Diagnostic(
        "E3014",
        f"the table has no {noun} for {what} {listed(labels)}",
        span,
        "add the missing rows, or give a value for them with `else`",
        data=DataPlace(shown, None, column),
    )


def blank_cell(shown: str, line: int, column: str, span: Span) -> Diagnostic:
    """A blank cell whose value is used."""
    return Diagnostic(
        "E3015",
        "the cell is blank, and its value is needed",
        span,
        "fill it in, or give a value for blank cells with `else`",
        data=DataPlace(shown, line, column),
    )


def out_of_range(
    name: str, value: str, interval: str, span: Span, data: DataPlace | None
) -> Diagnostic:
    """A parameter's value outside of its declared range."""
    return Diagnostic(
        "E3016", f"{name} = {value} is outside of its range {interval}", span, data=data
    )


def no_value(name: str, span: Span) -> Diagnostic:
    """A parameter that nothing gives a value to."""
    return Diagnostic(
        "E3017",
        f"parameter '{name}' has no value",
        span,
        f"give it one with --set {name}=VALUE, or write `= ...` in the model",
    )


def unknown_setting(name: str, candidates: Iterable[str]) -> Diagnostic:
    """A `--set` of a name that is not a parameter."""
    return Diagnostic(
        "E3018",
        f"--set {name}: the model has no parameter '{name}'",
        hint=did_you_mean(name, candidates) or f"it has {listed(sorted(candidates), 20)}",
    )


def bad_setting(name: str, reason: str, hint: str | None = None) -> Diagnostic:
    """A `--set` whose value does not fit."""
    return Diagnostic("E3019", f"--set {name}: {reason}", hint=hint)


def many_rows(shown: str, rows: int, span: Span) -> Diagnostic:
    """A table without a key that has more than one row, read as one value."""
    return Diagnostic(
        "E3020",
        f"'{shown}' has {rows} rows and no key, so that a column of it is not one value",
        span,
        'name the key columns in the `table` statement: table NAME from "FILE" key COLUMN',
    )


def file_outside(shown: str, span: Span) -> Diagnostic:
    """A table file outside of the model's and the data folder."""
    return Diagnostic(
        "E3021",
        f"'{shown}' lies outside of the data folder",
        span,
        "name a file in the data folder; choose the folder with --data DIR",
    )


def unused_rows(shown: str, set_name: str, labels: Sequence[str], span: Span) -> Diagnostic:
    """Rows of a table that no member of the declared sets uses."""
    return Diagnostic(
        "W3001",
        f"rows of '{shown}' are not used, since {set_name} does not have {listed(labels)}",
        span,
    )
