"""What the parts of a `fit` may name, from the text alone."""

from __future__ import annotations

from collections.abc import Iterator

from allocc.compiler.names import errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic

#: What an observation may be off by, after `~`: what is observed, then what else the error is told.
ERRORS = {
    "normal": ("DATA", "DEVIATION"),
    "lognormal": ("DATA", "DEVIATION"),
    "poisson": ("DATA",),
    "negative_binomial": ("DATA", "DISPERSION"),
}


def observed_data(part: tree.Observe) -> tree.Expression | None:
    """What was observed; None where the right side of `~` says nothing of the kind."""
    if part.operator == "=":
        return part.data
    error = _error(part)
    return None if error is None else error.arguments[0]


def _error(part: tree.Observe) -> tree.Call | None:
    """The kind of error after a `~`, where it is one and has what it needs."""
    e = part.data
    if isinstance(e, tree.Call) and e.index is None:
        wanted = ERRORS.get(e.function.name)
        if wanted is not None and len(e.arguments) == len(wanted):
            return e
    return None


def counted_flow(part: tree.Observe, declared: Declarations) -> str | None:
    """The flow that an observation counts over a period, if it is of a flow."""
    e = part.value
    base = e.base if isinstance(e, tree.Subscript) else e
    if isinstance(base, tree.Name) and isinstance(declared.names.get(base.name), tree.Flow):
        return base.name
    return None


def check_fits(declared: Declarations) -> Iterator[Diagnostic]:
    """Every mistake in the fits of a model that can be seen without data."""
    known = declared.names.keys() | declared.broken
    for fit in declared.every(tree.Fit).values():
        times = [p.name for p in fit.body if isinstance(p, tree.Time)]
        for m in declared.resolved.mentions:
            unread = m.within is fit and m.meaning is None and not isinstance(m.node, tree.UnitName)
            if unread and m.node.name not in known and m.node not in times:
                yield errors.unknown_name(m.node.name, m.node.span, declared.names)
        for kind, what in ((tree.Estimate, "estimate"), (tree.Observe, "observe")):
            if not any(isinstance(part, kind) for part in fit.body):
                yield errors.fit_without(fit.name.name, what, fit.name.span)
        yield from _repeated(fit)
        for part in fit.body:
            yield from _part(part, declared)


def _repeated(fit: tree.Fit) -> Iterator[Diagnostic]:
    """What stands twice in a fit."""
    first: dict[tuple[type, str], tree.Time | tree.Initial | tree.Estimate] = {}
    for part in fit.body:
        if isinstance(part, tree.Observe):
            continue
        name = part.name.name
        known = first.setdefault((type(part), name), part)
        if known is not part:
            word = {
                tree.Time: "`time`",
                tree.Initial: "initial value of",
                tree.Estimate: "estimate of",
            }
            what = word[type(part)] + ("" if isinstance(part, tree.Time) else f" '{name}'")
            yield errors.repeated_statement(f"{what} in this fit", part.span, known.span)


def _part(
    part: tree.Time | tree.Initial | tree.Estimate | tree.Observe, declared: Declarations
) -> Iterator[Diagnostic]:
    """What is wrong with the names of one part."""
    match part:
        case tree.Time(name=name):
            if name.name not in declared.names:
                yield errors.fit_time(name.name, declared.time_name, name.span)
            yield from _named(name, tree.Time, "the model's time", declared)
            if part.method is not None and part.method.name != "euler":
                yield errors.fit_method(part.method.name, part.method.span)
        case tree.Initial(name=name):
            yield from _named(name, tree.Compartment, "a compartment", declared)
        case tree.Estimate(name=name):
            yield from _named(name, tree.Parameter, "a parameter", declared)
            found = declared.names.get(name.name)
            if isinstance(found, tree.Parameter) and found.kind != "continuous":
                wanted = "a parameter that may be any number"
                yield errors.wrong_kind(name.name, f"an {found.kind} one", wanted, name.span)
        case tree.Observe(operator="~") if _error(part) is None:
            kinds = [f"{word}({', '.join(given)})" for word, given in ERRORS.items()]
            yield errors.unknown_error_kind(part.data.span.text, kinds, part.data.span)


def _named(
    name: tree.Identifier, kind: type, wanted: str, declared: Declarations
) -> Iterator[Diagnostic]:
    """What is wrong where a name means something of another kind."""
    found = declared.names.get(name.name)
    if found is not None and not isinstance(found, kind):
        yield errors.wrong_kind(name.name, describe(found), wanted, name.span)
