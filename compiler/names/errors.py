"""Diagnostics of names and of the structure of a model: E2xxx, W2xxx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocc.compiler.failures import counted, did_you_mean, listed
from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span


def unknown_name(
    name: str,
    span: Span,
    candidates: Iterable[str],
    what: str = "name",
    hint: str | None = None,
) -> Diagnostic:
    """A name that nothing declares; `what` says what kind of name is meant."""
    mend = did_you_mean(name, candidates) or hint
    return Diagnostic("E2001", f"unknown {what} '{name}'", span, mend)


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
    hint = "remove one of the uses, so that each name needs only names that are known before it"
    if len(names) == 1:
        return Diagnostic("E2004", f"'{names[0]}' is defined by itself", span, hint)
    chain = " -> ".join([*names, names[0]])
    return Diagnostic("E2004", f"these names are defined by each other: {chain}", span, hint)


def missing_statement(what: str, why: str, span: Span | None) -> Diagnostic:
    """A statement without which the model says nothing."""
    return Diagnostic("E2005", f"the model has no {what}", span, why)


def repeated_statement(what: str, span: Span, first: Span) -> Diagnostic:
    """A second `time`, objective, `initial` or `model`."""
    return Diagnostic(
        "E2006",
        f"there is more than one {what}",
        span,
        "remove one of the two",
        notes=(Note("the first is here", first),),
    )


def fit_without(name: str, what: str, span: Span) -> Diagnostic:
    """A fit that estimates or observes nothing."""
    mends = {
        "estimate": "say what is unknown: `estimate PARAMETER in 0 .. from GUESS`",
        "observe": "say what the data are of: `observe COMPARTMENT = table.column`",
    }
    return Diagnostic("E7200", f"fit '{name}' has no `{what}`", span, mends[what])


def fit_time(name: str, time: str | None, span: Span) -> Diagnostic:
    """A fit's time by another name than the model's."""
    mend = f"write `time {time} = ...`" if time else "declare the model's: `time t = 0 .. 10`"
    hint = f"a fit has the model's time, over its own years: {mend}"
    return Diagnostic("E2001", f"unknown time '{name}'", span, hint)


def fit_method(method: str, span: Span) -> Diagnostic:
    """A method that fits do not go by."""
    message = f"a fit goes by continuous time, or by steps of euler, not by '{method}'"
    return Diagnostic("E7201", message, span, "leave `method` out for continuous time")


def unknown_error_kind(written: str, kinds: Sequence[str], span: Span) -> Diagnostic:
    """What stands behind `~` is no kind of error."""
    hint = f"write one of {listed(kinds)}; or `=` for least squares"
    return Diagnostic("E7202", f"'{written}' is no kind of error", span, hint)


def prior_of_squares(name: str, span: Span) -> Diagnostic:
    """A prior in a fit by plain squares: nothing says what a square is worth in it."""
    return Diagnostic(
        "E7216",
        f"'{name}' has a prior, but the fit is by plain squares: nothing says how much the data weigh "
        "against it",
        span,
        "say of every observation how it may miss, as `observe X ~ normal(DATA, DEVIATION)`",
    )


def unknown_prior(written: str, kinds: Sequence[str], span: Span) -> Diagnostic:
    """What stands behind the `~` of an estimate is no prior."""
    return Diagnostic("E7217", f"'{written}' is no prior", span, f"write one of {listed(kinds)}")


def unknown_distribution(written: str, kinds: Sequence[str], span: Span) -> Diagnostic:
    """What stands behind the `~` of an `uncertain` is no distribution."""
    return Diagnostic(
        "E2018", f"'{written}' is no distribution", span, f"write one of {listed(kinds)}"
    )


def unknown_measure(written: str, span: Span) -> Diagnostic:
    """What the worlds of a scenario cannot be weighed by."""
    hint = "write mean, worst, regret, or `cvar 90%` for the mean of the worst tenth"
    return Diagnostic("E2019", f"'{written}' is nothing that worlds are weighed by", span, hint)


def nothing_uncertain(name: str, span: Span) -> Diagnostic:
    """A scenario that draws, in a model in which nothing is uncertain."""
    return Diagnostic(
        "E2020",
        f"there is nothing to draw for scenario '{name}': no parameter is `uncertain`",
        span,
        "say how a parameter is distributed: `uncertain PARAMETER ~ normal(MEAN, SD)`; "
        'or take worlds from a file: `from "draws.csv"`',
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
    return Diagnostic(
        "E2010", f"'{name}' takes {wanted}, but {counted(given, 'argument')} given", span
    )


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
    near = did_you_mean(name, candidates) if len(name) > 2 else None
    hint = near or (
        f"it declares {listed(candidates, 20)}" if candidates else "it declares nothing"
    )
    return Diagnostic("E2013", f"'{file}' does not declare '{name}'", span, hint)


def unused_name(kind: str, name: str, span: Span) -> Diagnostic:
    """Something declared that nothing uses."""
    return Diagnostic(
        "W2001", f"{kind} '{name}' is never used", span, "use it, or remove the statement"
    )


def unknown_function(
    name: str, span: Span, candidates: Sequence[str], file: str | None
) -> Diagnostic:
    """A call of a function that nothing declares; `file` is the library's file that has it."""
    if file is not None:
        hint: str | None = f'it is in the library: add `use {name} from "{file}"`'
    else:
        near = did_you_mean(name, candidates) if len(name) > 3 else None
        hint = near or f"there are {listed(candidates, 20)}; or declare it with `function`"
    return Diagnostic("E2014", f"unknown function '{name}'", span, hint)


def unknown_argument(name: str, file: str, span: Span, candidates: Sequence[str]) -> Diagnostic:
    """An argument of a `use` that is no parameter of what is used."""
    hint = did_you_mean(name, candidates) or (
        f"it has {listed(candidates, 20)}" if candidates else "what is used has no parameter"
    )
    return Diagnostic("E2015", f"'{file}' has no parameter '{name}' to bind here", span, hint)


def argument_too_late(name: str, file: str, span: Span) -> Diagnostic:
    """An argument of a `use` for a name that an earlier `use` of the file has brought already."""
    return Diagnostic(
        "E2017",
        f"an earlier `use` of '{file}' has already brought '{name}', with another value",
        span,
        f"a name has one value in a model: give '{name}' where it is first brought, or copy the "
        "file under another name to have it twice",
    )


def circular_use(file: str, span: Span) -> Diagnostic:
    """A file that uses itself, directly or through others."""
    return Diagnostic("E2016", f"'{file}' uses itself", span, "remove one of the `use` statements")
