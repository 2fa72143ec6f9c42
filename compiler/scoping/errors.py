"""Diagnostics of index sets: what they contain, and what is indexed by which of them. E4xxx.

The index of a statement, the subscripts of a name, the arrays that a function is given. What is
wrong with a value itself is in `algebra_errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from allocc.compiler.failures import Outside, counted, did_you_mean, listed
from allocc.dsl.diagnostics import Diagnostic
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


def label_nowhere(
    label: str, where: str, labels: Sequence[str], close: str | None, span: Span
) -> Diagnostic:
    """A label that is compared with cells of which none has it."""
    has = listed([f"'{x}'" for x in labels], 5)
    hint = f"did you mean '{close}'?" if close else f"it has {has}"
    return Diagnostic("W4010", f"nothing in {where} is '{label}'", span, hint)


def nothing_left(what: str, span: Span) -> Diagnostic:
    """A condition that holds for no member at all."""
    hint = "is a label spelt as in the data, and a number on its scale? a sum over nothing is 0"
    return Diagnostic("W4011", f"no member of {what} meets this condition", span, hint)


def nothing_matches(
    what: str, names: Sequence[str], inside: str, outside: str, span: Span
) -> Diagnostic:
    """Tuples of which none agrees with the names that are bound already."""
    noun = "name" if len(names) == 1 else "names"
    message = f"no tuple of {what} agrees with the {noun} {listed(names)} that it shares"
    hint = f"it has '{inside}' and the like there, and {names[0]} is '{outside}' and the like"
    return Diagnostic("W4012", message, span, hint)


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
    name: str,
    sets: Sequence[str],
    index: str,
    runs_over: str,
    wanted: str,
    span: Span,
    alike: tuple[str, str] | None = None,
) -> Outside:
    """A subscript that runs over another set than the declared one, as an exception to raise.

    `alike` are two labels, of the one set and the other, that only look alike.
    """
    hint = f"use an index over {wanted} here"
    if alike is not None:
        hint = (
            f"'{alike[0]}' of {runs_over} and '{alike[1]}' of {wanted} do not match: labels are"
            " matched as they are written"
        )
    diagnostic = Diagnostic(
        "E4027",
        f"'{name}' is indexed by [{', '.join(sets)}], but '{index}' runs over {runs_over}",
        span,
        hint,
    )
    return Outside([], span, diagnostic)


def repeated_member(label: str, span: Span) -> Diagnostic:
    """A label that a set literal lists twice."""
    return Diagnostic("E4028", f"'{label}' is in this set twice", span, "remove one of the two")


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


def total_without_time(times: int, span: Span) -> Diagnostic:
    """A total that runs over no time, or over time twice."""
    runs = "over no time here" if not times else f"over time {times} times here"
    return Diagnostic(
        "E2040",
        f"'total' is an amount over time, but it runs {runs}",
        span,
        "let one index run over periods, as in `total(p in period: x[p])`; "
        "what is no rate is added up with `sum`",
    )


def total_over_points(time: str, span: Span) -> Diagnostic:
    """A total over all points of time: there is a point more than there are steps."""
    return Diagnostic(
        "E2041",
        "'total' takes a rate for the length of a step, and no step begins at the last point",
        span,
        f"let the index run over periods, as in `total(p in period: x[p])`, or add `if {time} < end`",
    )
