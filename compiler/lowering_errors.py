"""Diagnostics of compiling a bound model: E5xxx and the safety of its step."""

from __future__ import annotations

from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


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
