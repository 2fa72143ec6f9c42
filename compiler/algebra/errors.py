"""Diagnostics of values and rules: of the wrong kind, undefined or senseless. E4xxx, W4xxx.

What is wrong with an index is in `allocc.compiler.scoping.errors`.
"""

from __future__ import annotations

from allocc.compiler.failures import plain_numbers
from allocc.dsl.diagnostics import DataPlace, Diagnostic
from allocc.dsl.tree import Span


def empty_reduction(name: str, span: Span) -> Diagnostic:
    """A smallest, largest or mean value of nothing."""
    return Diagnostic(
        "E4008",
        f"this {name} runs over nothing, so it has no value",
        span,
        "check the filter, or guard it with `if ... then ... else`",
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
    """A data division by zero."""
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
        "an index or a set is settled before: use a binary decision, or `limit ... if CONDITION`",
    )


def no_edge(span: Span, turned: bool) -> Diagnostic:
    """A strict comparison of numbers that need not be whole, in a limit."""
    text = span.text
    if turned:
        message = f"where `{text}` does not hold has no edge: its sides need not be whole numbers"
        hint = "write `>` or `<` for what a limit depends on, as in `... if money > 0`"
    else:
        message = f"`{text}` has no edge: its sides need not be whole numbers"
        hint = "write `<=` or `>=`"
    return Diagnostic("E4037", message, span, hint)


def no_truth(span: Span) -> Diagnostic:
    """A condition on decisions that is used as a number, of numbers that need not be whole."""
    return Diagnostic(
        "E4038",
        f"whether `{span.text}` holds cannot be counted: its sides need not be whole numbers",
        span,
        "compare whole numbers, or decide it by a binary decision and limits: "
        "`limit when: CONDITION if switch >= 1`",
    )


def negative_initial(name: str, value: str, span: Span, data: DataPlace | None) -> Diagnostic:
    """A compartment that starts below zero."""
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


def condition_as_number(text: str, span: Span) -> Diagnostic:
    """A condition used in arithmetic."""
    return Diagnostic(
        "E4029",
        f"`{text}` is a condition, not a number",
        span,
        f"write `if {text} then 1 else 0`",
    )


def nested_too_deep(what: str, span: Span | None) -> Diagnostic:
    """Definitions that stand in each other beyond what can be expanded."""
    return Diagnostic(
        "E4034",
        f"{what} is built from too many definitions inside of each other",
        span,
        "compute a part of it in the data, or with fewer steps",
    )


def expression_too_large(what: str, most: int, span: Span | None) -> Diagnostic:
    """An expression that has too many parts once all that it names is written out."""
    return Diagnostic(
        "E4060",
        f"{what} has more than {most:,} parts once it is written out",
        span,
        "name what stands in it more than once with a `let`, and use the name",
    )


def bad_chance(name: str, reason: str, span: Span, hint: str | None = None) -> Diagnostic:
    """A chance block whose probability or weights are none."""
    return Diagnostic(
        "E4035",
        f"chance block '{name}': {reason}",
        span,
        hint or "weights are probabilities of scenarios: not negative, and 1 together",
    )


def only_in_reports(name: str, decided: str, span: Span) -> Diagnostic:
    """A function of data given something that is decided."""
    return Diagnostic(
        "E4036",
        f"`{name}` cannot be optimized, but depends here on '{decided}'",
        span,
        f"use it on data, or in a `report`, where '{decided}' is known",
    )


def bad_distribution(member: str, what: str, value: str, reason: str, span: Span) -> Diagnostic:
    """A number that makes no distribution."""
    return Diagnostic("E4045", f"{what} of '{member}' {reason}, and is {value}", span)


def nothing_in_range(member: str, ends: tuple[float, float], span: Span) -> Diagnostic:
    """A distribution and a range that have nothing in common."""
    low, high = ("" if abs(x) == float("inf") else f"{x:.12g}" for x in ends)
    interval = f"{low} .. {high}".strip()
    return Diagnostic(
        "E4046",
        f"no value of this distribution of '{member}' lies in its range {interval}",
        span,
        "a distribution is cut to the parameter's range: change one of the two",
    )


def too_large(what: str, size: int, most: int, span: Span | None) -> Diagnostic:
    """An index space that would not fit into memory."""
    return Diagnostic(
        "E4016",
        f"{what} has {_many(size)} entries; at most {most:,} are compiled",
        span,
        "filter the index, or use the tuples of a table as the index set",
    )


def _many(size: int) -> str:
    return f"{size:,}" if size < 10**15 else f"about 10^{len(str(size)) - 1}"
