"""Every diagnostic that the compiler makes: one constructor a mistake, with its stable code.

E2xxx names and structure, E3xxx data, E4xxx index sets and mathematics, E5xxx compilation,
Wxxxx warnings. What each code means is told in `codes.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.dsl.diagnostics import DataPlace, Diagnostic, Note, nearest
from allocc.dsl.tree import Span


class Failed(Exception):
    """Raised where a statement cannot be gone on with; carries what to report."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class Poisoned(Exception):
    """Raised where something needs a name whose own mistake is already reported."""


def _did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    found = nearest(name, candidates)
    return f"did you mean '{found}'?" if found else None


def _list(words: Sequence[object], most: int = 6) -> str:
    shown = ", ".join(str(w) for w in words[:most])
    return shown + (f", ... ({len(words)} in all)" if len(words) > most else "")


# --- E2: names and structure ---------------------------------------------------------------


def unknown_name(name: str, span: Span, candidates: Iterable[str]) -> Diagnostic:
    """A name that nothing declares."""
    return Diagnostic("E2001", f"unknown name '{name}'", span, _did_you_mean(name, candidates))


def repeated_name(name: str, span: Span, first: Span) -> Diagnostic:
    """A name declared twice."""
    return Diagnostic(
        "E2002",
        f"'{name}' is declared twice",
        span,
        "give one of the two another name",
        notes=(Note("first declared here", first),),
    )


def wrong_kind(name: str, is_a: str, wanted: str, span: Span, hint: str | None = None) -> Diagnostic:
    """A name of one kind where another kind is meant."""
    return Diagnostic("E2003", f"'{name}' is {is_a}, but {wanted} is expected here", span, hint)


def circular(names: Sequence[str], span: Span) -> Diagnostic:
    """A definition that needs itself."""
    if len(names) == 1:
        return Diagnostic("E2004", f"'{names[0]}' is defined by itself", span)
    return Diagnostic("E2004", f"these names are defined by each other: {', '.join(names)}", span)


def missing_statement(what: str, why: str, span: Span | None) -> Diagnostic:
    """A statement without which the model says nothing."""
    return Diagnostic("E2005", f"the model has no {what}", span, why)


def repeated_statement(what: str, span: Span, first: Span) -> Diagnostic:
    """A second `time`, objective, `initial` or `model`."""
    return Diagnostic(
        "E2006", f"there is more than one {what}", span, notes=(Note("the first is here", first),)
    )


def no_initial(name: str, span: Span) -> Diagnostic:
    """A compartment without a value at the first point."""
    return Diagnostic(
        "E2007",
        f"compartment '{name}' has no initial value",
        span,
        f"add `initial {name} = ...`",
    )


def misplaced_statement(word: str, where: str, span: Span, hint: str) -> Diagnostic:
    """A statement that cannot stand where it does."""
    return Diagnostic("E2008", f"`{word}` cannot stand {where}", span, hint)


def reserved_name(name: str, span: Span) -> Diagnostic:
    """A declaration of a built-in name."""
    return Diagnostic(
        "E2009", f"'{name}' is a built-in name and cannot be declared", span, "choose another name"
    )


def wrong_argument_count(name: str, wanted: str, given: int, span: Span) -> Diagnostic:
    """A function called with too few or too many arguments."""
    noun = "argument" if given == 1 else "arguments"
    return Diagnostic("E2010", f"'{name}' takes {wanted}, but {given} {noun} are given", span)


def no_time(word: str, span: Span) -> Diagnostic:
    """Dynamics in a model without time."""
    return Diagnostic(
        "E2011",
        f"`{word}` needs a time, and the model has none",
        span,
        "add `time t : year = 2020 .. 2025 step 1`",
    )


def missing_library(file: str, span: Span, shipped: Sequence[str]) -> Diagnostic:
    """A `use` of a file that is neither beside the model nor in the library."""
    hint = _did_you_mean(file, shipped) or f"the library has {_list(shipped, 12)}"
    return Diagnostic(
        "E2012", f"there is no file '{file}' beside the model or in the library", span, hint
    )


def not_in_library(name: str, file: str, span: Span, candidates: Sequence[str]) -> Diagnostic:
    """A `use` of a name that the file does not declare."""
    hint = _did_you_mean(name, candidates) or f"it declares {_list(candidates, 12)}"
    return Diagnostic("E2013", f"'{file}' does not declare '{name}'", span, hint)


def unused_name(kind: str, name: str, span: Span) -> Diagnostic:
    """Something declared that nothing uses."""
    return Diagnostic("W2001", f"{kind} '{name}' is never used", span)


# --- E3: data ------------------------------------------------------------------------------


def missing_file(shown: str, folder: str, others: Sequence[str], span: Span) -> Diagnostic:
    """A table's file that is not in the data folder."""
    hint = _did_you_mean(shown, others)
    if hint is None:
        has = f"it has {_list(others)}" if others else "it has no .csv file"
        hint = f"{has}; name the folder with --data DIR"
    return Diagnostic("E3001", f"there is no file '{shown}' in the data folder '{folder}'", span, hint)


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
        "E3005", f"this line is not valid CSV: {reason}", data=DataPlace(shown, line),
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
    hint = _did_you_mean(column, columns) or f"it has {_list(columns, 20)}"
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
        f"the table has no {noun} for {what} {_list(labels)}",
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
    return Diagnostic("E3016", f"{name} = {value} is outside of its range {interval}", span, data=data)


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
        hint=_did_you_mean(name, candidates) or f"it has {_list(sorted(candidates), 20)}",
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
        "name the key columns in the `table` statement: table NAME from \"FILE\" key COLUMN",
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
        f"rows of '{shown}' are not used, since {set_name} does not have {_list(labels)}",
        span,
    )


# --- E4: index sets and mathematics ----------------------------------------------------------


def not_indexed(name: str, span: Span) -> Diagnostic:
    """A subscript on something that has no index."""
    return Diagnostic("E4001", f"'{name}' has no index, but is given one", span)


def wrong_index_count(name: str, sets: Sequence[str], given: int, span: Span) -> Diagnostic:
    """Too few or too many subscripts."""
    noun = "index" if given == 1 else "indices"
    return Diagnostic(
        "E4002", f"'{name}' is indexed by [{', '.join(sets)}], but {given} {noun} are given", span
    )


def outside_set(name: str, set_name: str, labels: Sequence[str], span: Span, lag: bool) -> Diagnostic:
    """A subscript that reaches outside of its set."""
    hint = (
        "say what is meant there with `else`, as in `x[t-1] else 0`, or filter: `if t > start`"
        if lag
        else None
    )
    return Diagnostic(
        "E4003", f"the index of '{name}' reaches outside of {set_name}: {_list(labels)}", span, hint
    )


def unknown_label(label: str, set_name: str, span: Span, candidates: Sequence[str]) -> Diagnostic:
    """A label that a set does not have."""
    hint = _did_you_mean(label, candidates)
    return Diagnostic("E4004", f"{set_name} has no member '{label}'", span, hint)


def free_index(where: str, names: Sequence[str], span: Span) -> Diagnostic:
    """A value that still depends on an index where one number is expected."""
    return Diagnostic(
        "E4005",
        f"{where} must be one number, but still depends on {_list(names)}",
        span,
        f"sum over it, as in `sum(i in {names[0]}: ...)`, or index it",
    )


def needs_time(name: str, span: Span) -> Diagnostic:
    """A state without a time outside of a flow."""
    return Diagnostic(
        "E4006",
        f"'{name}' changes with time: say when",
        span,
        f"write {name}[t], {name}[start] or {name}[end], or sum(t: {name}[t])",
    )


def not_a_set(span: Span, text: str) -> Diagnostic:
    """An expression where a set is expected."""
    return Diagnostic("E4007", f"`{text}` is not a set", span)


def empty_set(name: str, span: Span) -> Diagnostic:
    """A set without members."""
    return Diagnostic("E4008", f"set '{name}' is empty", span)


def needs_data(what: str, name: str, span: Span) -> Diagnostic:
    """A decision where only data can stand."""
    return Diagnostic("E4009", f"{what} must be known before solving, but depends on '{name}'", span)


def not_a_number(text: str, span: Span) -> Diagnostic:
    """A label used in arithmetic."""
    return Diagnostic("E4010", f"`{text}` is a label, not a number", span)


def division_by_zero(span: Span, where: str) -> Diagnostic:
    """A data division by nought."""
    return Diagnostic(
        "E4011",
        f"division by zero{where}",
        span,
        "guard it: `if x > 0 then 1 / x else 0`",
    )


def undefined_function(name: str, value: str, span: Span, where: str) -> Diagnostic:
    """log of a negative number and the like."""
    return Diagnostic("E4012", f"{name}({value}) is not defined{where}", span)


def not_a_relation(span: Span) -> Diagnostic:
    """A limit that does not compare."""
    return Diagnostic("E4013", "a limit compares two sides with <=, >= or ==", span)


def strict_relation(span: Span, operator: str) -> Diagnostic:
    """A limit with < or >."""
    return Diagnostic(
        "E4014",
        f"a limit cannot be strict: `{operator}`",
        span,
        f"write `{operator}=`" if operator in "<>" else None,
    )


def limit_without_decision(name: str, span: Span, holds: bool) -> Diagnostic:
    """A limit on data alone that cannot hold."""
    state = "always holds" if holds else "never holds"
    return Diagnostic(
        "W4001" if holds else "E4015",
        f"limit '{name}' contains no decision and {state}",
        span,
    )


def too_large(what: str, size: int, most: int, span: Span | None) -> Diagnostic:
    """An index space that would not fit into memory."""
    return Diagnostic(
        "E4016", f"{what} has {size:,} entries; at most {most:,} are compiled", span,
        "filter the index, or use the tuples of a table as the index set",
    )


def bad_time(reason: str, span: Span, hint: str | None = None) -> Diagnostic:
    """A horizon that cannot be stepped through."""
    return Diagnostic("E4017", reason, span, hint)


def bad_bounds(name: str, low: str, high: str, span: Span, label: str) -> Diagnostic:
    """A decision whose lower bound is above its upper bound."""
    return Diagnostic(
        "E4018", f"{name}{label} has no possible value: its range is {low} .. {high}", span
    )


def negative_penalty(name: str, span: Span) -> Diagnostic:
    """A soft limit that pays for being broken."""
    return Diagnostic("E4019", f"the penalty of '{name}' must not be negative", span)


def decision_condition(name: str, span: Span) -> Diagnostic:
    """A condition that depends on a decision."""
    return Diagnostic(
        "E4020",
        f"a condition cannot depend on '{name}', which is decided by the optimizer",
        span,
        "use a binary decision and a limit instead",
    )


def negative_initial(name: str, value: str, span: Span) -> Diagnostic:
    """A compartment that starts below nought."""
    return Diagnostic("E4021", f"{name} starts at {value}; a compartment is never negative", span)


def same_compartment(name: str, span: Span) -> Diagnostic:
    """A flow that enters where it leaves."""
    return Diagnostic("E4022", f"flow '{name}' leaves and enters the same compartment", span)


def index_mismatch(name: str, wanted: str, given: str, span: Span) -> Diagnostic:
    """An array over other sets than the declared ones."""
    return Diagnostic(
        "E4023",
        f"'{name}' is indexed by {wanted}, but its value by {given}",
        span,
        "bind the index by name, as in `param x[c in County] = table.column[c]`",
    )


def unsupported_power(span: Span) -> Diagnostic:
    """An exponent that depends on a decision."""
    return Diagnostic("E4024", "an exponent must be a number known before solving", span)


def shadowed_index(name: str, span: Span) -> Diagnostic:
    """An index name that is bound already."""
    return Diagnostic(
        "E4025", f"index '{name}' is already bound here", span, "choose another name for one of them"
    )


def wrong_tuple(set_name: str, wanted: int, given: int, span: Span) -> Diagnostic:
    """A tuple of another length than the set's."""
    return Diagnostic(
        "E4026", f"a member of {set_name} has {wanted} parts, but {given} names are given", span
    )


def outside_domain(text: str, needs: str, low: str, high: str, span: Span | None) -> Diagnostic:
    """A nonlinear function or ratio whose argument may leave its domain."""
    return Diagnostic(
        "E5002",
        f"`{text}` needs {needs}, but it can lie in {low} .. {high}",
        span,
        "declare or limit the range of what it depends on",
    )


def unbounded_factor(name: str, side: str, what: str, span: Span | None) -> Diagnostic:
    """A product of a quantity that nothing bounds."""
    return Diagnostic(
        "E5001",
        f"{what} needs a bound on '{name}', which has no {side} bound",
        span,
        f"declare its range, as in `decide {name} in 0 .. 100`, or add a limit that bounds it",
    )


def not_affine_dynamics(span: Span) -> Diagnostic:
    """The exponential step with flows that are not linear in the state."""
    return Diagnostic(
        "E5003",
        "`method exponential` needs flows that are linear in the compartments with known rates",
        span,
        "use `method trapezoid` or `method euler`",
    )


def unsafe_step(flow: str, step: str, safe: str, compartment: str, span: Span) -> Diagnostic:
    """A step so long that a compartment can become negative."""
    return Diagnostic(
        "W4002",
        f"a step of {step} can empty '{compartment}' below zero through flow '{flow}'",
        span,
        f"the largest safe step is {safe}",
    )
