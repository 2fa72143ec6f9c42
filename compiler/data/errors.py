"""Diagnostics of data files and settings: E3xxx, W3xxx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.compiler.failures import did_you_mean, listed, plain_numbers
from allocc.dsl.diagnostics import DataPlace, Diagnostic, nearest, nearest_file
from allocc.dsl.tree import Span


def _as_read(span: Span) -> str:
    """The words that read a column, together with all of their subscripts."""
    text, rest = span.text, span.source.text[span.stop :]
    if "[" in text or rest.startswith("["):
        text += rest[: rest.find("]") + 1] if not text.endswith("]") else ""
    return text


def missing_file(shown: str, folder: str, others: Sequence[str], span: Span) -> Diagnostic:
    """A table's file that is not in the data folder."""
    close = nearest_file(shown, others)
    hint = f"did you mean '{close}'?" if close else None
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
        "E3003",
        f"'{shown}' has {size:,} bytes; at most {most:,} bytes are read",
        span,
        "keep only the rows and columns that the model needs",
    )


def not_utf8(shown: str, line: int | None, span: Span, looks_like: str | None = None) -> Diagnostic:
    """A file that is not text; `looks_like` names what it seems to be."""
    what = f"is {looks_like}, not a CSV file" if looks_like else "is not text in UTF-8"
    hint = "save it from the spreadsheet as 'CSV UTF-8 (comma delimited)'"
    if looks_like and "Git LFS" in looks_like:
        hint = "fetch the file itself with `git lfs pull`"
    return Diagnostic(
        "E3004",
        f"'{shown}' {what}",
        span,
        hint,
        data=DataPlace(shown, line),
    )


def bad_csv(shown: str, line: int, reason: str) -> Diagnostic:
    """A quoting mistake in a CSV file; `reason` is what the reader says."""
    if "end of data" in reason:
        reason = "a quotation mark opens here and is never closed"
    elif "expected after" in reason:
        reason = "a quotation mark closes in the middle of a cell"
    return Diagnostic(
        "E3005",
        f"this row is not valid CSV: {reason}",
        data=DataPlace(shown, line),
        hint='a cell in quotation marks reads "like this"; one inside of it is written twice',
    )


def empty_table(shown: str, span: Span, header: bool) -> Diagnostic:
    """A table without a row, with or without a header."""
    what = "has a header, but no row of data" if header else "is empty"
    return Diagnostic(
        "E3006",
        f"'{shown}' {what}",
        span,
        "the first line names the columns, every further line is a row",
        data=DataPlace(shown),
    )


def wrong_separator(shown: str, separator: str) -> Diagnostic:
    """A file separated by semicolons or tabs."""
    return Diagnostic(
        "E3007",
        f"the cells are separated by {separator}, not by ','",
        data=DataPlace(shown, 1),
        hint="save the file with commas between the cells, and points in decimal numbers",
    )


def ragged_row(shown: str, line: int, cells: int, columns: int, more: int) -> Diagnostic:
    """A row with too many or too few cells; `more` rows are like it."""
    noun = "cell" if cells == 1 else "cells"
    others = f"; {more} more {'row does' if more == 1 else 'rows do'} not fit it" if more else ""
    return Diagnostic(
        "E3008",
        f"this row has {cells} {noun}, the header has {columns}{others}",
        data=DataPlace(shown, line),
        hint="write numbers without commas in them, and texts with a comma in quotation marks"
        if cells > columns
        else "a missing value still needs its comma",
    )


def repeated_column(shown: str, column: str) -> Diagnostic:
    """Two columns of one name."""
    what = f"column '{column}' stands twice in the header"
    return Diagnostic(
        "E3009",
        what if column else "two columns have no name in the header",
        data=DataPlace(shown, 1, column or None),
        hint="rename or remove one of them",
    )


def no_weights(
    scenario: str, shown: str, column: str, span: Span, columns: Sequence[str]
) -> Diagnostic:
    """The column with the weights of worlds that the file does not have."""
    return Diagnostic(
        "E3023",
        f"'{shown}' has no column '{column}' with the weights of scenario '{scenario}'",
        span,
        f"it has {listed(columns, 20)}; without `weight`, all worlds count alike",
        data=DataPlace(shown, 1),
    )


def unknown_column(
    table: str, shown: str, column: str, span: Span, columns: Sequence[str]
) -> Diagnostic:
    """A column that the file does not have."""
    near = nearest(column, columns)
    hint = f"it has {listed(columns, 20)}"
    if near:
        hint = f"did you mean '{near}'?"
        if not near.isidentifier():
            hint += f' It stands in quotes: `{table}."{near}"`'
    return Diagnostic(
        "E3010", f"table '{table}' has no column '{column}'", span, hint, data=DataPlace(shown, 1)
    )


def cell_not_a_number(
    shown: str, line: int, column: str, text: str, span: Span | None = None
) -> Diagnostic:
    """A cell with words where a number is needed."""
    hint = "write a plain number, as 1200 or 0.25"
    plain = plain_numbers(text)
    if plain and "%" in text:
        hint = f"write {' or '.join(plain)}, as a part of 1"
    elif plain:
        hint = f"write {' or '.join(plain)}"
    elif any(x in text for x in ",%$\u20ac\u00a3 ") and any(x.isdigit() for x in text):
        hint = "write the bare number, without thousands separators, percent or currency signs"
    elif text.strip("#.-/?*()").lower() in (
        "",
        "na",
        "n/a",
        "nan",
        "null",
        "none",
        "inf",
        "missing",
    ):
        hint = "fill it in; or leave the cell blank, and say what it then means with `else`"
    elif text.startswith(("<", "\u2264")) and plain_numbers(text[1:]):
        hint = "a count that is kept back is no number: choose one, or leave the cell blank, with `else`"
    return Diagnostic(
        "E3011", f"'{text}' is not a number", span, hint, data=DataPlace(shown, line, column)
    )


def blank_label(shown: str, line: int, column: str) -> Diagnostic:
    """A blank cell in a key column."""
    return Diagnostic(
        "E3012",
        "the label of this row is missing: its cell is blank",
        data=DataPlace(shown, line, column),
        hint="fill it in, or remove the row",
    )


def repeated_key(
    shown: str, line: int, columns: Sequence[str], key: Sequence[str], first: int
) -> Diagnostic:
    """Two rows of one key."""
    return Diagnostic(
        "E3013",
        f"two rows have the key '{', '.join(key)}'; the first is row {first}",
        data=DataPlace(shown, line, ", ".join(columns)),
        hint="remove one of the rows, or name more key columns in the `table` statement",
    )


def missing_rows(
    shown: str, table: str, what: str, labels: Sequence[str], span: Span, have: Sequence[str] = ()
) -> Diagnostic:
    """Labels for which a table has no row; `have` are the labels that it has."""
    noun = "row" if len(labels) == 1 else "rows"
    otherwise = f"with `else`, as in `{_as_read(span)} else 0`"
    hint = f"add the missing rows, or give a value for them {otherwise}"
    bare = {x.lstrip("0") for x in have}
    if any(x.lstrip("0") in bare for x in labels):
        hint = "the labels differ by leading zeros, which spreadsheets remove: keep them as text"
    elif len(labels) == 1:
        near = did_you_mean(labels[0], have) if not labels[0].isdigit() else None
        hint = near or f"add the row, or give a value for it {otherwise}"
    return Diagnostic(
        "E3014",
        f"table '{table}' has no {noun} for {what} {listed(labels)}",
        span,
        hint,
        data=DataPlace(shown),
    )


def blank_cell(shown: str, line: int, column: str, span: Span) -> Diagnostic:
    """A blank cell whose value is used."""
    return Diagnostic(
        "E3015",
        "the cell is blank, and its value is needed",
        span,
        f"fill it in, or give a value for blank cells with `else`, as in `{_as_read(span)} else 0`",
        data=DataPlace(shown, line, column),
    )


def out_of_range(
    name: str,
    value: str,
    interval: str,
    span: Span,
    data: DataPlace | None,
    setting: bool = False,
) -> Diagnostic:
    """A parameter's value outside of its declared range."""
    given = ", as given with --set," if setting else ""
    return Diagnostic(
        "E3016", f"{name} = {value}{given} is outside of its range {interval}", span, data=data
    )


def not_whole(
    name: str, value: str, binary: bool, span: Span, data: DataPlace | None, setting: bool = False
) -> Diagnostic:
    """A value of a parameter that is declared to be whole, or to be 0 or 1, and is not."""
    given = ", as given with --set," if setting else ""
    wanted = "neither 0 nor 1" if binary else "not a whole number"
    return Diagnostic("E3030", f"{name} = {value}{given} is {wanted}", span, data=data)


def no_value(name: str, span: Span) -> Diagnostic:
    """A parameter that nothing gives a value to."""
    return Diagnostic(
        "E3017",
        f"parameter '{name}' has no value",
        span,
        f"give it one with --set {name}=VALUE, or write `= ...` in the model",
    )


def unknown_setting(name: str, is_a: str | None, candidates: Iterable[str]) -> Diagnostic:
    """A `--set` of a name that is not a parameter; `is_a` says what it is instead."""
    pool = sorted(candidates)
    has = f"the parameters are {listed(pool, 20)}" if pool else "the model has no parameter"
    if is_a is not None:
        message = f"--set {name}: '{name}' is {is_a}, and only a parameter can be set"
        return Diagnostic("E3018", message, hint=has)
    message = f"--set {name}: the model has no parameter '{name}'"
    return Diagnostic("E3018", message, hint=did_you_mean(name, pool) or has)


def bad_setting(name: str, reason: str, hint: str | None = None) -> Diagnostic:
    """A `--set` whose value does not fit."""
    return Diagnostic("E3019", f"--set {name}: {reason}", hint=hint)


def ambiguous_labels(name: str, text: str, readings: Sequence[Sequence[str]]) -> Diagnostic:
    """Labels that hold commas, and that can be cut at them in several ways."""
    ways = [", ".join(f'"{x}"' for x in labels) for labels in readings[:2]]
    return Diagnostic(
        "E3040",
        f"--set {name}[{text}]: the commas in the labels can be read in several ways",
        hint="put labels in quotes: " + " or ".join(f"'{name}[{w}]=VALUE'" for w in ways),
    )


def many_rows(shown: str, table: str, rows: int, span: Span) -> Diagnostic:
    """A table without a key that has more than one row, read as one value."""
    return Diagnostic(
        "E3020",
        f"'{shown}' has {rows} rows, and table '{table}' has no key to tell them apart",
        span,
        f'name its key columns: `table {table} from "{shown}" key COLUMN`',
    )


def file_outside(shown: str, span: Span) -> Diagnostic:
    """A table file outside of the model's and the data folder."""
    return Diagnostic(
        "E3021",
        f"'{shown}' lies outside of the data folder",
        span,
        "name a file in the data folder; choose the folder with --data DIR",
    )


def unused_rows(
    shown: str, line: int, set_name: str | None, labels: Sequence[str], span: Span
) -> Diagnostic:
    """Rows of a table that no member of a set uses, or, without a set, that nothing reads."""
    noun = "a row" if len(labels) == 1 else f"{len(labels)} rows"
    verb = "is" if len(labels) == 1 else "are"
    why = f"since {set_name} does not have {listed(labels)}"
    hint = None
    if set_name is None:
        why = f"since nothing asks for {listed(labels)}"
        hint = "are the labels spelt as elsewhere? `else` stands in for each that is not found"
    return Diagnostic(
        "W3001",
        f"{noun} of '{shown}' {verb} not used, {why}",
        span,
        hint,
        data=DataPlace(shown, line),
    )


def total_row(shown: str, line: int, label: str, column: str, span: Span) -> Diagnostic:
    """A row that adds up the others, read as if it were one of them."""
    return Diagnostic(
        "W3002",
        f"'{label}' is the sum of the other rows in column '{column}', and is read like one of them",
        span,
        "take the row out of the file, or leave it out of the set with a filter",
        data=DataPlace(shown, line, column),
    )


def two_spellings(where: str, pair: tuple[str, str], span: Span) -> Diagnostic:
    """Two labels of one column that look alike, and are two things."""
    return Diagnostic(
        "W3011",
        f"{where} has both '{pair[0]}' and '{pair[1]}', which are two labels here",
        span,
        "if they mean the same, write it in one way",
    )


def other_spelling(
    places: tuple[str, str], pair: tuple[str, str], count: int, span: Span
) -> Diagnostic:
    """Labels that look alike in two places, and do not match."""
    more = f", and {count - 1} more like it" if count > 1 else ""
    return Diagnostic(
        "W3010",
        f"{places[0]} has '{pair[0]}' where {places[1]} has '{pair[1]}'{more}: they do not match",
        span,
        "labels are matched as they are written: write both in one way",
    )


def missing_folder(folder: str, is_file: bool, span: Span) -> Diagnostic:
    """A data folder that is not there, or is a file."""
    problem = "is a file, not a folder" if is_file else "does not exist"
    return Diagnostic(
        "E3022",
        f"the data folder '{folder}' {problem}",
        span,
        "name the folder that holds the tables with --data DIR",
    )


def curve_keys(table: str, keys: Sequence[str], given: int, span: Span) -> Diagnostic:
    """A curve that is not said by all keys of its table but the last."""
    if not keys:
        message = f"table '{table}' has no key, so that it holds no curve"
        hint = (
            f'name the column that values are looked up in: `table {table} from "FILE" key COLUMN`'
        )
    else:
        *first, last = keys
        what = f"{listed(first)}" if first else "nothing"
        message = f"a curve of '{table}' is chosen by {what}, but here by {given} values"
        hint = f"the last key, '{last}', is what the value is looked up in: {listed(first) or 'no index'} in brackets"
    return Diagnostic("E3024", message, span, hint)


def before_first(span: Span, where: str) -> Diagnostic:
    """A value below the first key of a table."""
    return Diagnostic(
        "E3025",
        f"`{span.text}` has no value{where}: it is before the first row",
        span,
        "add an earlier row to the table",
    )
