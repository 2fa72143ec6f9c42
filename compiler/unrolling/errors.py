"""Diagnostics of the dynamics: what no step can be made of, and the safety of the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


def not_affine_dynamics(flow: str, span: Span, method: Span) -> Diagnostic:
    """The exponential step with flows that are not linear in the state."""
    return Diagnostic(
        "E5003",
        f"flow '{flow}' is not linear in the compartments, as `method exponential` needs",
        span,
        "use `method trapezoid` or `method euler`",
        notes=(Note("the method is chosen here", method),),
    )


def reads_ahead(flow: str, span: Span, time: str) -> Diagnostic:
    """A flow that needs a compartment which the flow itself makes."""
    return Diagnostic(
        "E5022",
        f"flow '{flow}' needs '{span.text}' at a time after the begin of the period that it acts in",
        span,
        f"a flow knows compartments at `{time}` and before: leave the time out, or write `[{time}-1]`;"
        " what a compartment is to become belongs into a `limit`",
    )


def unsafe_step(
    compartment: str,
    flows: Sequence[str],
    step: str,
    safe: str,
    decided: bool,
    unstable: bool,
    span: Span,
) -> Diagnostic:
    """A step so long that a compartment can become negative."""
    noun = "flow" if len(flows) == 1 else "flows"
    names = ", ".join(f"'{x}'" for x in flows)
    swings = ", and lets it swing ever wider" if unstable else ""
    notes: tuple[Note, ...] = ()
    if decided:
        notes = (Note("an effect acts on these flows, so decisions can make it worse"),)
    return Diagnostic(
        "W4002",
        f"a step of {step} can empty {compartment} below zero through {noun} {names}{swings}",
        span,
        f"the largest safe step is {safe}; or use `method trapezoid`",
        notes=notes,
    )


def no_number(
    text: str,
    inside: str,
    members: Mapping[str, str],
    inputs: Mapping[str, float],
    span: Span | None,
) -> Diagnostic:
    """A formula that has no value where it is simulated; `members` are labels by their set."""
    where = ", ".join(f"{name} = {label}" for name, label in members.items())
    reads = ", ".join(f"{name} = {value:.6g}" for name, value in inputs.items())
    return Diagnostic(
        "E5020",
        f"`{text}` in {inside} is no finite number when it is simulated"
        + (f", at {where}" if where else ""),
        span,
        "keep what goes in where the formula has a value: with a range, a limit, or `max(..., 0)`",
        notes=(Note(f"what goes in: {reads}"),) if reads else (),
    )


def no_next_value(
    after: str, before: str, value: float, where: str, method: str, span: Span
) -> Diagnostic:
    """A compartment whose step ends in no finite number although its flows have values."""
    implicit = method in ("trapezoid", "implicit")
    return Diagnostic(
        "E5021",
        f"the simulation has no finite value for {after}: "
        + (
            f"the equation of the implicit step from {where} has no solution that was found"
            if implicit
            else f"the step from {where} overflows"
        ),
        span,
        "take a shorter step"
        if implicit
        else "look for a rate that is too large, or a shorter step",
        notes=(Note(f"before the step, {before} = {value:.6g}"),),
    )
