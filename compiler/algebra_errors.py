"""Diagnostics of index sets and mathematics: E4xxx, W4xxx."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.compiler.data_errors import plain_numbers
from allocc.compiler.failures import Outside, counted, did_you_mean, listed
from allocc.dsl.diagnostics import DataPlace, Diagnostic
from allocc.dsl.tree import Span


def not_indexed(name: str, span: Span) -> Diagnostic:
    """A subscript on something that has no index."""
    return Diagnostic(
        "E4001",
        f"'{name}' has no index, but is given one",
        span,
        f"write `{name}` alone, or declare it with an index, as in `{name}[SET]`",
    )


def wrong_index_count(name: str, sets: Sequence[str], given: int, span: Span) -> Diagnostic:
    """Too few or too many subscripts."""
    has = f"is indexed by [{', '.join(sets)}]" if sets else "has no index"
    return Diagnostic(
        "E4002", f"'{name}' {has}, but {counted(given, 'index', 'indices')} given", span
    )


def outside_set(
    text: str,
    set_name: str,
    labels: Sequence[str],
    span: Span,
    hint: str | None = None,
    where: str = "",
) -> Outside:
    """A subscript that reaches outside of its set, as an exception to raise."""
    message = f"`{text}` reaches outside of {set_name}"
    if where:
        message += f" where {where}"
    elif labels:
        message += f", which has no member {listed(labels)}"
    return Outside(labels, span, Diagnostic("E4003", message, span, hint))


def unknown_label(
    label: str,
    set_name: str,
    span: Span,
    candidates: Sequence[str],
    ordered: bool = False,
) -> Diagnostic:
    """A label that a set does not have; of an ordered set the ends are shown."""
    if ordered and candidates:
        hint: str | None = f"{set_name} runs from {candidates[0]} to {candidates[-1]}"
    else:
        hint = did_you_mean(label, candidates) or f"it has {listed(candidates, 12)}"
    return Diagnostic("E4004", f"{set_name} has no member '{label}'", span, hint)


def free_index(
    where: str,
    names: Sequence[str],
    span: Span,
    time: str | None = None,
    declare: str = "",
    forgotten: tuple[str, str] | None = None,
) -> Diagnostic:
    """A value that still depends on an index where one number is expected.

    `declare` begins the statement that could be given the index, as in `limit cap`. `forgotten` is
    a name without its index, and with it, where that index is bound already.
    """
    name = names[0]
    letter = name[0].lower() if name[0].isalpha() else "i"
    binder = name if name == time else f"{letter} in {name}"
    hint = f"sum over it, as in `sum({binder}: ...)`"
    if declare:
        hint += f", or index the statement: `{declare}[{binder}]`"
    if forgotten is not None:
        hint = f"`{forgotten[0]}` lacks an index: write `{forgotten[1]}`"
    every = list(dict.fromkeys(names))
    return Diagnostic(
        "E4005",
        f"{where} must be one number, but there is one for each {listed(every)}",
        span,
        hint,
    )


def needs_time(name: str, span: Span, time: str, given: Sequence[str] = ()) -> Diagnostic:
    """A state without a time outside of a flow; `given` are the indices that it has."""
    now, first, last = (f"{name}[{', '.join([*given, x])}]" for x in (time, "start", "end"))
    return Diagnostic(
        "E4006",
        f"'{name}' changes with time: say when",
        span,
        f"write `{now}`, `{first}` or `{last}`, or `sum({time}: {now})`",
    )


def not_a_set(span: Span, text: str, is_a: str | None = None) -> Diagnostic:
    """An expression where a set is expected."""
    is_ = f"is {is_a}, not a set" if is_a else "is not a set"
    return Diagnostic(
        "E4007", f"`{text}` {is_}", span, "a set is a declared `set`, a range `1 .. 5` or `{a, b}`"
    )


def empty_set(name: str, span: Span) -> Diagnostic:
    """A set without members."""
    return Diagnostic(
        "E4008", f"set '{name}' is empty", span, "a set needs at least one member: check its filter"
    )


def needs_data(what: str, name: str, span: Span) -> Diagnostic:
    """A decision where only data can stand."""
    return Diagnostic(
        "E4009",
        f"{what} must be known before solving, but depends on '{name}'",
        span,
        "only parameters, sets and numbers can stand here",
    )


def not_a_number(text: str, span: Span, value: str | None = None) -> Diagnostic:
    """A label used in arithmetic; `value` is the first of the words it stands for."""
    bare = text.strip('"')
    stands = f" (it stands for '{value}')" if value is not None and value != bare else ""
    plain = plain_numbers(value) if value is not None else []
    hint = "labels can be compared with == and !=, and used as an index"
    if plain:
        hint = f"a cell such as '{value}' is a word: write {' or '.join(plain)}"
    return Diagnostic("E4010", f"`{text}` is a label, not a number{stands}", span, hint)


def division_by_zero(span: Span, where: str) -> Diagnostic:
    """A data division by nought."""
    return Diagnostic(
        "E4011",
        f"division by zero{where}",
        span,
        "guard it: `if x > 0 then 1 / x else 0`",
    )


def undefined_function(text: str, reason: str, span: Span, where: str) -> Diagnostic:
    """log of a negative number and the like."""
    return Diagnostic(
        "E4012",
        f"`{text}` has no value{where}: {reason}",
        span,
        "check the data, or guard it with `if ... then ... else`",
    )


def not_a_relation(span: Span) -> Diagnostic:
    """A limit that does not compare."""
    return Diagnostic("E4013", "a limit compares two sides with <=, >= or ==", span)


def strict_relation(span: Span, operator: str) -> Diagnostic:
    """A limit with < or >."""
    if operator == "!=":
        return Diagnostic(
            "E4014",
            "a limit cannot forbid a single value: `!=`",
            span,
            "write <=, >= or ==; a choice between two ranges needs a binary decision",
        )
    return Diagnostic(
        "E4014",
        f"a limit cannot be strict: `{operator}`",
        span,
        f"write `{operator}=`; for whole numbers, `x < 5` is `x <= 4`",
    )


def limit_without_decision(name: str, span: Span, holds: bool, where: str = "") -> Diagnostic:
    """A limit on data alone: it always holds, or (an error) it cannot hold."""
    if holds:
        return Diagnostic(
            "W4001",
            f"limit '{name}' contains no decision and always holds",
            span,
            "remove it, or check that it mentions what it should limit",
        )
    return Diagnostic(
        "E4015",
        f"limit '{name}' contains no decision and does not hold{where}",
        span,
        "no decision can mend it: check the data",
    )


def _many(size: int) -> str:
    return f"{size:,}" if size < 10**15 else f"about 10^{len(str(size)) - 1}"


def too_large(what: str, size: int, most: int, span: Span | None) -> Diagnostic:
    """An index space that would not fit into memory."""
    return Diagnostic(
        "E4016",
        f"{what} has {_many(size)} entries; at most {most:,} are compiled",
        span,
        "filter the index, or use the tuples of a table as the index set",
    )


def bad_time(reason: str, span: Span, hint: str | None = None) -> Diagnostic:
    """A horizon that cannot be stepped through."""
    return Diagnostic("E4017", reason, span, hint)


def bad_bounds(
    name: str, low: str, high: str, span: Span, label: str, kind: str = "continuous"
) -> Diagnostic:
    """A decision whose range holds no value."""
    if kind == "binary":
        reason = f"it is 0 or 1, and neither lies in its range {low} .. {high}"
    elif kind == "integer" and float(low) <= float(high):
        reason = f"no whole number lies in its range {low} .. {high}"
    else:
        reason = f"its range {low} .. {high} is empty"
    return Diagnostic("E4018", f"'{name}{label}' has no possible value: {reason}", span)


def negative_penalty(name: str, value: str, span: Span) -> Diagnostic:
    """A soft limit that pays for being broken."""
    return Diagnostic(
        "E4019",
        f"the penalty of '{name}' is {value}, but must not be negative",
        span,
        "a penalty is what an excess costs, also under `maximize`",
    )


def decision_condition(name: str, span: Span) -> Diagnostic:
    """A condition that depends on a decision."""
    return Diagnostic(
        "E4020",
        f"a condition cannot depend on '{name}', which is decided by the optimizer",
        span,
        "use a binary decision and a limit instead",
    )


def only_in_reports(name: str, decided: str, span: Span) -> Diagnostic:
    """A function of data given something that is decided."""
    return Diagnostic(
        "E4036",
        f"`{name}` cannot be optimized, but depends here on '{decided}'",
        span,
        f"use it on data, or in a `report`, where '{decided}' is known",
    )


def negative_initial(name: str, value: str, span: Span, data: DataPlace | None) -> Diagnostic:
    """A compartment that starts below nought."""
    return Diagnostic(
        "E4021", f"{name} starts at {value}; a compartment is never negative", span, data=data
    )


def same_compartment(name: str, compartment: str, span: Span) -> Diagnostic:
    """A flow that enters where it leaves."""
    return Diagnostic(
        "E4022",
        f"flow '{name}' leaves and enters the same compartment, '{compartment}'",
        span,
        "name another compartment on one side, or leave one side out",
    )


def index_mismatch(
    name: str,
    wanted: Sequence[str],
    given: Sequence[str],
    span: Span,
    what: str = "value",
    forgotten: tuple[str, str] | None = None,
) -> Diagnostic:
    """A value over other sets than those of the statement that it belongs to.

    `forgotten` is a name in it without its index, and with it.
    """
    has = f"is indexed by [{', '.join(wanted)}]" if wanted else "has no index"
    missing = [x for x in dict.fromkeys(given) if x not in wanted]
    if forgotten is not None:
        message = f"each {what} of '{name}' must be one number, but there is one for each "
        hint = f"`{forgotten[0]}` lacks an index: write `{forgotten[1]}`"
        return Diagnostic("E4023", message + listed(list(dict.fromkeys(given))), span, hint)
    if wanted and missing:
        hint = f"use an index over {listed(wanted)} here, or sum over {listed(missing)}"
    elif missing:
        hint = f"declare it with one, as in `{name}[{', '.join(missing)}]`, or sum"
    else:
        hint = "bind the indices by name, as in `param x[c in County] = table.column[c]`"
    return Diagnostic(
        "E4023", f"'{name}' {has}, but its {what} is indexed by [{', '.join(given)}]", span, hint
    )


def unsupported_power(name: str | None, span: Span) -> Diagnostic:
    """An exponent that depends on a decision, or differs and is not always whole."""
    if name is None:
        return Diagnostic(
            "E4024",
            "the exponents of a decision that differ between indices must be 0, 1, 2, ...",
            span,
            "write the power as exp(y * log(x)), or list the cases with `if`",
        )
    return Diagnostic(
        "E4024",
        f"the exponent of a decision must be known, but it depends on '{name}'",
        span,
        "write the power as exp(y * log(x)), or list the cases with `if`",
    )


def shadowed_index(name: str, span: Span) -> Diagnostic:
    """An index name that is bound already."""
    return Diagnostic(
        "E4025",
        f"index '{name}' is already bound here",
        span,
        "choose another name for one of them",
    )


def wrong_tuple(set_name: str, wanted: int, given: int, span: Span) -> Diagnostic:
    """A tuple of another length than the set's."""
    letters = ", ".join("abcdefghijklmnop"[:wanted])
    hint = f"write `({letters}) in {set_name}`" if wanted > 1 else f"write `i in {set_name}`"
    noun = "part" if wanted == 1 else "parts"
    return Diagnostic(
        "E4026",
        f"a member of {set_name} has {wanted} {noun}, but {counted(given, 'name')} given",
        span,
        hint,
    )


def wrong_index_set(
    name: str, sets: Sequence[str], index: str, runs_over: str, wanted: str, span: Span
) -> Outside:
    """A subscript that runs over another set than the declared one, as an exception to raise."""
    diagnostic = Diagnostic(
        "E4027",
        f"'{name}' is indexed by [{', '.join(sets)}], but '{index}' runs over {runs_over}",
        span,
        f"use an index over {wanted} here",
    )
    return Outside([], span, diagnostic)


def empty_reduction(name: str, span: Span) -> Diagnostic:
    """A smallest, largest or mean value of nothing."""
    return Diagnostic(
        "E4008",
        f"this {name} runs over nothing, so it has no value",
        span,
        "check the filter, or guard it with `if ... then ... else`",
    )


def condition_as_number(text: str, span: Span) -> Diagnostic:
    """A condition used in arithmetic."""
    return Diagnostic(
        "E4029",
        f"`{text}` is a condition, not a number",
        span,
        f"write `if {text} then 1 else 0`",
    )


def flow_index(
    flow: str, sets: Sequence[str], compartment: str, wanted: Sequence[str], span: Span
) -> Diagnostic:
    """A flow over other sets than the compartment that it leaves or enters."""
    mine = f"over [{', '.join(sets)}]" if sets else "without an index"
    theirs = f"over [{', '.join(wanted)}]" if wanted else "without an index"
    return Diagnostic(
        "E4030",
        f"flow '{flow}' is declared {mine}, but compartment '{compartment}' {theirs}",
        span,
        f"index both alike, or say which part is meant, as in `{compartment}[LABEL]`",
    )


def effect_index(name: str, wanted: Sequence[str], given: Sequence[str], span: Span) -> Diagnostic:
    """An effect over other sets than what it acts on."""
    has = f"is indexed by [{', '.join(wanted)}]" if wanted else "has no index"
    mine = f"over [{', '.join(given)}]" if given else "without an index"
    return Diagnostic(
        "E4031",
        f"'{name}' {has}, but this effect on it is declared {mine}",
        span,
        "index both alike; for a part of them, let the value be `if ... then ... else 0`",
    )


def different_sets(function: str, formal: str, first: str, second: str, span: Span) -> Diagnostic:
    """Arrays over different sets given to a function that runs over both at once."""
    return Diagnostic(
        "E4032",
        f"'{function}' needs arrays over one set, but '{formal}' runs over {second}, not {first}",
        span,
        "give it arrays that are declared over the same set",
    )


def array_wanted(
    function: str, formal: str, text: str, sets: int, given: int, span: Span
) -> Diagnostic:
    """An argument without the indices that a function runs over."""
    has = "is a single number" if not given else f"has {given}"
    noun = "index" if sets == 1 else "indices"
    return Diagnostic(
        "E4033",
        f"'{function}' needs an array with {sets} {noun} for '{formal}', but `{text}` {has}",
        span,
        "name something that is declared over a set, without its subscript",
    )


def repeated_member(label: str, span: Span) -> Diagnostic:
    """A label that a set literal lists twice."""
    return Diagnostic("E4028", f"'{label}' is in this set twice", span, "remove one of the two")


def nested_too_deep(what: str, span: Span | None) -> Diagnostic:
    """Definitions that stand in each other beyond what can be expanded."""
    return Diagnostic(
        "E4034",
        f"{what} is built from too many definitions inside of each other",
        span,
        "compute a part of it in the data, or with fewer steps",
    )


def bad_chance(name: str, reason: str, span: Span, hint: str | None = None) -> Diagnostic:
    """A chance block whose probability or weights are none."""
    return Diagnostic(
        "E4035",
        f"chance block '{name}': {reason}",
        span,
        hint or "weights are probabilities of scenarios: not negative, and 1 together",
    )
