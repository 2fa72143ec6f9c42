"""Diagnostics of `allocc check --pedantic`: W6xxx, one constructor a mistake.

What each code means is told in `codes.md` of the language.
"""

from __future__ import annotations

from collections.abc import Sequence

from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


def long_step(
    compartment: str, when: str, value: str, step: str, safe: str, span: Span
) -> Diagnostic:
    """A step that takes a compartment below zero, which a shorter one does not."""
    return Diagnostic(
        "W6001",
        f"with every decision at its lower end, steps of {step} take {compartment} "
        f"to {value} at {when}; Euler's steps of {safe} keep it above 0",
        span,
        "choose a shorter step, or `method exponential` where the flows are linear",
    )


def still_compartment(name: str, span: Span) -> Diagnostic:
    """A compartment without flows."""
    return Diagnostic(
        "W6002",
        f"compartment '{name}' never changes: no flow leads into it or out of it",
        span,
        "add the flow that is missing, or make it a `param`",
    )


def empty_compartment(name: str, span: Span) -> Diagnostic:
    """A compartment that starts at zero and gets nothing."""
    return Diagnostic(
        "W6003",
        f"compartment '{name}' stays at 0: it starts there, and no flow leads into it",
        span,
        "add the flow into it, or an initial value",
    )


def still_flow(name: str, span: Span) -> Diagnostic:
    """A flow that is zero, with no effect on it."""
    return Diagnostic(
        "W6004",
        f"flow '{name}' moves nothing: its amount is 0, and no effect adds to it",
        span,
        "check the numbers that it is made of, or remove it",
    )


def backward_flow(flow: str, when: str, amount: str, span: Span) -> Diagnostic:
    """A flow that is negative."""
    return Diagnostic(
        "W6005",
        f"with every decision at its lower end, flow {flow} is {amount} at {when}: "
        "it runs backwards",
        span,
        "check the signs, or turn the flow round",
    )


def idle_effect(name: str, operator: str, span: Span) -> Diagnostic:
    """An effect that adds zero or multiplies by one."""
    what = "adds 0" if operator == "+=" else "multiplies by 1"
    return Diagnostic(
        "W6006",
        f"this effect on '{name}' {what}, whatever is decided",
        span,
        "check the numbers that it is made of",
    )


def undecided_effect(name: str, operator: str, span: Span) -> Diagnostic:
    """An effect that holds no decision."""
    kind = "flow" if operator == "+=" else "parameter"
    return Diagnostic(
        "W6007",
        f"this effect on '{name}' holds no decision, so that it always acts",
        span,
        f"multiply it with the decision that it is an effect of, or write it into the {kind}",
    )


def idle_intervention(name: str, decisions: Sequence[str], span: Span) -> Diagnostic:
    """An intervention that the objective cannot feel."""
    names = ", ".join(f"'{d}'" for d in decisions)
    return Diagnostic(
        "W6008",
        f"intervention '{name}' cannot change the objective: nothing leads from {names} to it",
        span,
        "add an effect, or a term or a limit that holds its decisions or what they change",
    )


def idle_decision(name: str, span: Span) -> Diagnostic:
    """A decision that the objective cannot feel."""
    return Diagnostic(
        "W6008",
        f"decision '{name}' cannot change the objective: nothing leads from it to any term",
        span,
        "add an effect, or a term or a limit that holds it or what it changes",
    )


def never_binds(name: str, distance: str, where: str, span: Span) -> Diagnostic:
    """A limit that follows from everything else."""
    at = f" (at [{where}])" if where else ""
    message = (
        f"limit '{name}' can never bind: ranges and other limits keep its sides {distance} "
        f"or more apart{at}"
        if distance
        else f"limit '{name}' adds nothing: ranges and other limits imply it already"
    )
    return Diagnostic("W6009", message, span, "check its numbers and its direction, or remove it")


def never_holds(name: str, distance: str, where: str, span: Span) -> Diagnostic:
    """A limit that the ranges alone exclude."""
    at = f" at [{where}]" if where else ""
    return Diagnostic(
        "W6010",
        f"limit '{name}' can never hold: whatever is decided, it is broken by {distance} "
        f"or more{at}",
        span,
        "check its numbers and its direction; ranges and dynamics alone exclude it",
    )


def never_costs(name: str, span: Span) -> Diagnostic:
    """A preference that always holds."""
    return Diagnostic(
        "W6011",
        f"preference '{name}' never costs anything: the ranges and the limits imply it already",
        span,
        "check its numbers and its direction, or remove it",
    )


def far_penalties(
    small: tuple[str, str], large: tuple[str, str], factor: str, span: Span, first: Span
) -> Diagnostic:
    """Penalties of very different size."""
    return Diagnostic(
        "W6012",
        f"the penalties reach from {small[1]} ('{small[0]}') to {large[1]} ('{large[0]}'), "
        f"a factor of {factor}: further apart than solvers can weigh reliably",
        span,
        "bring them closer together, or make the stronger preference a limit",
        notes=(Note("the smallest one", first),) if first != span else (),
    )


def wide_row(
    statement: str, small: tuple[str, str], large: tuple[str, str], factor: str, span: Span
) -> Diagnostic:
    """Coefficients in one row that are too far apart."""
    return Diagnostic(
        "W6013",
        f"the coefficients of {statement} reach from {small[1]} ('{small[0]}') to {large[1]} "
        f"('{large[0]}'), a factor of {factor}: beside the largest, a solver may take "
        "the smallest for 0",
        span,
        "measure one of the two in a larger or a smaller unit",
    )


def leaky_switch(
    name: str, switch: str, factor: str, through: str, width: str, span: Span
) -> Diagnostic:
    """A yes-or-no whose factor is so large that a tolerance opens it."""
    return Diagnostic(
        "W6014",
        f"limit '{name}' multiplies the yes-or-no '{switch}' by {factor}: a solver takes 0.000001 "
        f"for a no, which lets {through} through, where all else ranges over {width}",
        span,
        f"a factor of {width} or less is enough to switch it off",
    )


def missed_target(target: float, low: float, high: float, span: Span) -> Diagnostic:
    """An equity target whose total no allocation has."""
    if high - low <= 1e-6 * max(1.0, abs(low)):
        can = f"always adds up to {high:,.6g}"
    else:
        can = (
            f"adds up to {low:,.6g} or more" if low > target else f"adds up to {high:,.6g} or less"
        )
    return Diagnostic(
        "W6015",
        f"this distance can never be 0: the target adds up to {target:,.6g}, "
        f"and what is compared with it {can}",
        span,
        "scale the target to the total that is allotted; shares add up to 1",
    )


def unused_index(text: str, where: str, statement: bool, span: Span) -> Diagnostic:
    """A bound name on which nothing depends."""
    repeats = "it says the same for every member" if statement else "it counts the same every time"
    return Diagnostic(
        "W6016",
        f"nothing in {where} depends on `{text}`: {repeats}",
        span,
        "use the name where it is missing, or leave it out",
    )


def unused_argument(name: str, function: str, span: Span) -> Diagnostic:
    """A function's argument that it does not use."""
    return Diagnostic(
        "W6017",
        f"function '{function}' does not use its argument '{name}'",
        span,
        "use it, or leave it out here and where the function is called",
    )


def unused_unit(name: str, span: Span) -> Diagnostic:
    """A unit that stands nowhere."""
    return Diagnostic("W6018", f"unit '{name}' is never used", span, "remove it, or use it")


def no_share(parameter: str, value: str, span: Span) -> Diagnostic:
    """A parameter that is called a share and is none."""
    return Diagnostic(
        "W6019",
        f"{parameter} is described as a part of something, but {value} does not lie in 0 .. 1",
        span,
        "divide it by the whole, or write percentages with their sign, as in 35%; "
        "`in 0 .. 1` states what makes sense",
    )
