"""The diagnostics of reading a fit against data: E7203 to E7209, E7218 and E7219."""

from __future__ import annotations

from allocc.compiler.failures import counted
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span


def nothing_observed(what: str, first: str, last: str, span: Span) -> Diagnostic:
    """An observation of which no row holds a number at any point of time."""
    return Diagnostic(
        "E7203",
        f"nothing is observed of {what}: no row from {first} to {last} has all that it needs",
        span,
        "the rows of a table are found by their key at the points of the fit's time: see that the "
        "years lie within `time`, at its steps, and that their cells are not all blank",
    )


def more_unknowns(unknowns: int, numbers: int, span: Span) -> Diagnostic:
    """Fewer numbers than estimates."""
    return Diagnostic(
        "E7204",
        f"{counted(unknowns, 'number')} to be estimated from {numbers} that "
        f"{'was' if numbers == 1 else 'were'} observed",
        span,
        "observe more, or keep some of the estimates at what they are known to be",
    )


def mixed_errors(name: str, span: Span) -> Diagnostic:
    """Plain squares beside a distribution: nothing says what one is worth in the other."""
    return Diagnostic(
        "E7209",
        f"'{name}' is fitted by plain squares, and others by how likely they are: they do not add up",
        span,
        "say for each how it may miss, as `observe X ~ normal(DATA, DEVIATION)`",
    )


def empty_range(name: str, span: Span) -> Diagnostic:
    """A range in which nothing can be sought."""
    return Diagnostic(
        "E7205", f"the range of '{name}' is empty: its lower end lies above its upper one", span
    )


def guess_outside(name: str, span: Span) -> Diagnostic:
    """A first guess that is not in its range."""
    return Diagnostic(
        "E7206", f"the first guess of '{name}' lies outside of its range", span, "begin within it"
    )


def bad_prior(name: str, what: str, span: Span) -> Diagnostic:
    """A prior that is no distribution."""
    return Diagnostic("E7218", f"the prior of '{name}' is no distribution: {what}", span)


def prior_outside(name: str, span: Span) -> Diagnostic:
    """A prior under which nothing of the range can be."""
    return Diagnostic(
        "E7219",
        f"the prior of '{name}' leaves nothing of its range",
        span,
        "let range and prior have something in common",
    )


def bad_weight(what: str, span: Span) -> Diagnostic:
    """A weight, deviation or dispersion that is not above 0."""
    return Diagnostic("E7207", f"{what} must be a number above 0 wherever something is seen", span)


def impossible_count(kind: str, value: str, span: Span, at: str) -> Diagnostic:
    """Data that the kind of error cannot give."""
    wanted = {
        "lognormal": "a value above 0",
        "poisson": "a count: a whole number of 0 or more",
        "negative_binomial": "a count: a whole number of 0 or more",
    }[kind]
    return Diagnostic("E7208", f"{value} was observed{at}, but what is {kind} is {wanted}", span)
