"""Diagnostics of draws that do not make worlds of one model."""

from __future__ import annotations

from allocc.compiler.algebra.index import Axis
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


def other_members(first: Axis, other: Axis) -> Diagnostic:
    """An index that has other members in another world."""
    return Diagnostic(
        "E5040",
        f"in some draws an index over '{first.set.name}' has {other.size} members, in others {first.size}",
        None,
        "what is drawn cannot decide which members there are: take it out of filters and sets",
    )


def other_time(span: Span) -> Diagnostic:
    """Worlds over another horizon."""
    return Diagnostic(
        "E5040",
        "the time is not the same in every draw",
        span,
        "what is drawn cannot stand in `time`",
    )


def other_decision(name: str, span: Span | None) -> Diagnostic:
    """A decision over other members in another world."""
    return Diagnostic(
        "E5040",
        f"decision '{name}' is not over the same members in every draw",
        span,
        "what is drawn cannot decide which members there are: take it out of filters and sets",
    )


def no_common_range(name: str, span: Span | None) -> Diagnostic:
    """A decision whose ranges in different worlds have nothing in common."""
    return Diagnostic(
        "E5041",
        f"no value of '{name}' lies in its range in every draw",
        span,
        "one allocation is made for all draws: widen the range, or take what is drawn out of it",
    )


def chance_over_worlds(name: str, span: Span) -> Diagnostic:
    """A chance block in which something is drawn."""
    return Diagnostic(
        "E5042",
        f"chance '{name}' depends on what is drawn",
        span,
        "a chance block has scenarios of its own, and one kind of them is known at a time: "
        "draw nothing that it reads, or write its limits as ordinary ones",
    )
