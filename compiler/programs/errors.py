"""Diagnostics of programs: ranges that are missing, and numbers that no solver calculates with."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


def _place(span: Span | None) -> tuple[Span | None, tuple[Note, ...]]:
    """Where the model has what stands at a place, and that place itself where it is in another file."""
    if span is None or span.called is None:
        return span, ()
    return span.called, (Note("it stands here", span),)


def zero_denominator(text: str, low: str, high: str, span: Span | None) -> Diagnostic:
    """A ratio whose denominator can be zero, as far as ranges and limits say."""
    where, notes = _place(span)
    return Diagnostic(
        "E5002",
        f"`1 / {text}` needs a denominator other than zero, but it can lie in {low} .. {high}",
        where,
        "add a limit that keeps it away from 0; a limit `a / b <= c` needs none if b is never below 0",
        notes=notes,
    )


def outside_domain(text: str, needs: str, low: str, high: str, span: Span | None) -> Diagnostic:
    """A nonlinear function whose argument may leave its domain."""
    where, notes = _place(span)
    return Diagnostic(
        "E5002",
        f"`{text}` needs {needs}, but it can lie in {low} .. {high}",
        where,
        "declare or limit the range of what it depends on",
        notes=notes,
    )


def unbounded_factor(name: str, side: str, what: str, span: Span | None) -> Diagnostic:
    """A product of a quantity that nothing bounds."""
    where, notes = _place(span)
    return Diagnostic(
        "E5001",
        f"{what} needs a bound on '{name}', which has no {side} bound",
        where,
        f"declare its range, as in `decide {name} in 0 .. 100`, or add a limit that bounds it",
        notes=notes,
    )


def unbounded_row(row: str, columns: Sequence[str], span: Span | None) -> Diagnostic:
    """A limit of a chance block that could be violated without end."""
    names = ", ".join(f"'{x}'" for x in columns)
    return Diagnostic(
        "E5004",
        f"'{row}' may fail in some scenarios, which needs a bound on {names}",
        span,
        "declare a range of the decisions behind it, or add a limit outside of the chance block",
    )


def extreme_number(where: str, value: float, span: Span | None) -> Diagnostic:
    """A coefficient, a side or a cost that no solver can calculate with."""
    return Diagnostic(
        "E5010",
        f"{where} {value:.6g}, a number too large to be calculated with",
        span,
        "write the quantity in a larger unit, such as thousands, or look for a wrong number",
    )
