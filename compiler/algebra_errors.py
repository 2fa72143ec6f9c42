"""Diagnostics of index sets and mathematics: E4xxx, W4xxx."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.compiler.failures import did_you_mean, listed
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


def not_indexed(name: str, span: Span) -> Diagnostic:
    """A subscript on something that has no index."""
    return Diagnostic("E4001", f"'{name}' has no index, but is given one", span)


def wrong_index_count(name: str, sets: Sequence[str], given: int, span: Span) -> Diagnostic:
    """Too few or too many subscripts."""
    noun = "index" if given == 1 else "indices"
    return Diagnostic(
        "E4002", f"'{name}' is indexed by [{', '.join(sets)}], but {given} {noun} are given", span
    )


def outside_set(
    name: str, set_name: str, labels: Sequence[str], span: Span, lag: bool
) -> Diagnostic:
    """A subscript that reaches outside of its set."""
    hint = (
        "say what is meant there with `else`, as in `x[t-1] else 0`, or filter: `if t > start`"
        if lag
        else None
    )
    return Diagnostic(
        "E4003",
        f"the index of '{name}' reaches outside of {set_name}: {listed(labels)}",
        span,
        hint,
    )


def unknown_label(label: str, set_name: str, span: Span, candidates: Sequence[str]) -> Diagnostic:
    """A label that a set does not have."""
    hint = did_you_mean(label, candidates)
    return Diagnostic("E4004", f"{set_name} has no member '{label}'", span, hint)


def free_index(where: str, names: Sequence[str], span: Span) -> Diagnostic:
    """A value that still depends on an index where one number is expected."""
    return Diagnostic(
        "E4005",
        f"{where} must be one number, but still depends on {listed(names)}",
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
    return Diagnostic(
        "E4009", f"{what} must be known before solving, but depends on '{name}'", span
    )


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
        "E4016",
        f"{what} has {size:,} entries; at most {most:,} are compiled",
        span,
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
        "E4025",
        f"index '{name}' is already bound here",
        span,
        "choose another name for one of them",
    )


def wrong_tuple(set_name: str, wanted: int, given: int, span: Span) -> Diagnostic:
    """A tuple of another length than the set's."""
    return Diagnostic(
        "E4026", f"a member of {set_name} has {wanted} parts, but {given} names are given", span
    )
