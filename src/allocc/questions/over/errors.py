"""Diagnostics of draws, E7280 and up."""

from __future__ import annotations

from collections.abc import Iterable

from allocc.compiler.failures import did_you_mean, listed
from allocc.dsl.diagnostics import DataPlace, Diagnostic


def no_draws(source: str, reason: str) -> Diagnostic:
    """Draws that cannot be read."""
    return Diagnostic(
        "E7280",
        f"no draws are in {source}: {reason}",
        hint="a row a draw, a column a parameter of the model, and perhaps the columns `draw` and "
        "`weight`; `allocc fit --draws 60 -o DIR` writes such a file",
    )


def unknown_drawn(source: str, column: str, parameters: Iterable[str]) -> Diagnostic:
    """A column that is no parameter."""
    known = list(parameters)
    near = did_you_mean(column.split("[", 1)[0], known)
    hint = near or f"the model has {listed(known, 12)}"
    return Diagnostic(
        "E7281",
        f"column '{column}' of {source} is no parameter of the model",
        hint=f"{hint}; a column that is to be left out has to go from the file",
    )


def no_number(source: str, line: int | None, column: str, text: str) -> Diagnostic:
    """A cell that holds no number."""
    what = f"'{text}', which is no number" if text else "a blank cell"
    data = None if line is None else DataPlace(source, line, column)
    return Diagnostic("E7282", f"column '{column}' has {what}", data=data)


def bad_weights(source: str, reason: str) -> Diagnostic:
    """Weights that are none."""
    return Diagnostic("E7283", f"the weights of the draws in {source} {reason}")


def bad_draw(name: str, first: Diagnostic) -> Diagnostic:
    """A draw that makes no model."""
    return Diagnostic(
        "E7284",
        f"draw {name} makes no model: {first.message} ({first.code})",
        first.span,
        first.hint,
        data=first.data,
    )


def bad_measure(text: object) -> Diagnostic:
    """What a decision over draws cannot be judged by."""
    return Diagnostic(
        "E7285",
        f"'{text}' is nothing that draws are weighed by",
        hint="mean, worst, regret, or `cvar 90%` for the mean of the worst tenth",
    )


def nothing_uncertain(model: str) -> Diagnostic:
    """Draws of a model that does not say what to draw from."""
    return Diagnostic(
        "E7287",
        f"there is nothing to draw in '{model}': no parameter is `uncertain`",
        hint="say how a parameter is distributed: `uncertain PARAMETER ~ normal(MEAN, SD)`",
    )


def no_worlds(model: str) -> Diagnostic:
    """A decision over worlds of a model that has none."""
    return Diagnostic(
        "E7288",
        f"there are no worlds to decide over: '{model}' has no `scenario`, and none are given",
        hint="give draws with --over FILE, or let what is `uncertain` be drawn with --draws 60",
    )


def one_way(option: str, other: str) -> Diagnostic:
    """Two options that ask for different worlds."""
    return Diagnostic(
        "E7289",
        f"{option} and {other} exclude each other: both say which worlds are decided over",
        hint="leave one of them out",
    )
