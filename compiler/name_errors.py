"""Diagnostics of names and of the structure of a model: E2xxx, W2xxx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.compiler.failures import did_you_mean, listed
from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


def unknown_name(name: str, span: Span, candidates: Iterable[str]) -> Diagnostic:
    """A name that nothing declares."""
    return Diagnostic("E2001", f"unknown name '{name}'", span, did_you_mean(name, candidates))


def repeated_name(name: str, span: Span, first: Span) -> Diagnostic:
    """A name declared twice."""
    return Diagnostic(
        "E2002",
        f"'{name}' is declared twice",
        span,
        "give one of the two another name",
        notes=(Note("first declared here", first),),
    )


def wrong_kind(
    name: str, is_a: str, wanted: str, span: Span, hint: str | None = None
) -> Diagnostic:
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
    hint = did_you_mean(file, shipped) or f"the library has {listed(shipped, 12)}"
    return Diagnostic(
        "E2012", f"there is no file '{file}' beside the model or in the library", span, hint
    )


def not_in_library(name: str, file: str, span: Span, candidates: Sequence[str]) -> Diagnostic:
    """A `use` of a name that the file does not declare."""
    hint = did_you_mean(name, candidates) or f"it declares {listed(candidates, 12)}"
    return Diagnostic("E2013", f"'{file}' does not declare '{name}'", span, hint)


def unused_name(kind: str, name: str, span: Span) -> Diagnostic:
    """Something declared that nothing uses."""
    return Diagnostic("W2001", f"{kind} '{name}' is never used", span)
