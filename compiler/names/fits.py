"""What the parts of a `fit` may name, from the text alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allocc.compiler.names import errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.walk import nodes

#: What an observation may be off by, after `~`: what is observed, then what else the error is told.
ERRORS = {
    "normal": ("DATA", "DEVIATION"),
    "lognormal": ("DATA", "DEVIATION"),
    "poisson": ("DATA",),
    "negative_binomial": ("DATA", "DISPERSION"),
}
#: What an estimate is known to be beforehand, after `~`, and what each kind is told.
PRIORS = {
    "normal": ("MEAN", "DEVIATION"),
    "lognormal": ("MEDIAN", "DEVIATION"),
    "uniform": ("LOW", "HIGH"),
}


def observed_data(part: tree.Observe) -> tree.Expression | None:
    """What was observed; None where the right side of `~` says nothing of the kind."""
    if part.operator == "=":
        return part.data
    error = _one_of(ERRORS, part.data)
    return None if error is None else error.arguments[0]


def prior_of(part: tree.Estimate) -> tree.Call | None:
    """The prior of an estimate, where it has one that is one."""
    return None if part.prior is None else _one_of(PRIORS, part.prior)


def _one_of(kinds: Mapping[str, tuple[str, ...]], e: tree.Expression) -> tree.Call | None:
    """What stands behind a `~`, where it is one of the kinds and has what it needs."""
    if isinstance(e, tree.Call) and e.index is None:
        wanted = kinds.get(e.function.name)
        if wanted is not None and len(e.arguments) == len(wanted):
            return e
    return None


def acting_effects(fit: tree.Fit, declared: Declarations) -> list[tree.Effect]:
    """The effects that act during a fit: those that hold a decision of which the fit says what it was.

    They may hold it through a `let` or a function.
    """
    past = {p.name.name for p in fit.body if isinstance(p, tree.Assignment)}
    return [e for e in declared.effects if past & _decisions_in(e, declared)] if past else []


def _decisions_in(effect: tree.Effect, declared: Declarations) -> set[str]:
    """The decisions that an effect depends on."""
    found: set[str] = set()
    pending: list[tree.Effect | tree.Let | tree.Function] = [effect]
    seen: set[int] = set()
    while pending:
        for node in nodes(pending.pop()):
            meaning = declared.resolved.meaning(node)
            if isinstance(meaning, tree.Decide):
                found.add(meaning.name.name)
            elif isinstance(meaning, tree.Let | tree.Function) and id(meaning) not in seen:
                seen.add(id(meaning))
                pending.append(meaning)
    return found


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
                mend = _bind_it(m.node, fit, declared)
                yield errors.unknown_name(m.node.name, m.node.span, declared.names, hint=mend)
        for kind, what in ((tree.Estimate, "estimate"), (tree.Observe, "observe")):
            if not any(isinstance(part, kind) for part in fit.body):
                yield errors.fit_without(fit.name.name, what, fit.name.span)
        yield from _repeated(fit)
        yield from _priors_of_squares(fit)
        for part in fit.body:
            yield from _part(part, declared)


def _bind_it(
    name: tree.Name | tree.Identifier | tree.UnitName, fit: tree.Fit, declared: Declarations
) -> str | None:
    """The mend where `decided open[c] = ...` was written for `decided open[c in County] = ...`."""
    for part in fit.body:
        decide = declared.names.get(part.name.name) if isinstance(part, tree.Assignment) else None
        if not isinstance(decide, tree.Decide) or decide.index is None:
            continue
        assert isinstance(part, tree.Assignment)
        given = part.index.binders if part.index is not None else ()
        for mine, own in zip(given, decide.index.binders, strict=False):
            if mine.set_expression is name:
                return f"write `{name.name} in {own.set_expression.span.text}`"
    return None


def _priors_of_squares(fit: tree.Fit) -> Iterator[Diagnostic]:
    """A prior beside plain squares."""
    plain = any(isinstance(p, tree.Observe) and p.operator == "=" for p in fit.body)
    for part in fit.body:
        if plain and isinstance(part, tree.Estimate) and part.prior is not None:
            yield errors.prior_of_squares(part.name.name, part.prior.span)
            return


def _repeated(fit: tree.Fit) -> Iterator[Diagnostic]:
    """What stands twice in a fit."""
    first: dict[tuple[type, str], tree.FitPart] = {}
    for part in fit.body:
        if isinstance(part, tree.Observe):
            continue
        name = part.name.name
        known = first.setdefault((type(part), name), part)
        if known is not part:
            word = {
                tree.Time: "`time`",
                tree.Initial: "initial value of",
                tree.Assignment: "`decided` of",
                tree.Estimate: "estimate of",
            }
            what = word[type(part)] + ("" if isinstance(part, tree.Time) else f" '{name}'")
            yield errors.repeated_statement(f"{what} in this fit", part.span, known.span)


def _part(part: tree.FitPart, declared: Declarations) -> Iterator[Diagnostic]:
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
        case tree.Assignment(name=name):
            yield from _named(name, tree.Decide, "a decision", declared)
        case tree.Estimate(name=name):
            yield from _named(name, tree.Parameter, "a parameter", declared)
            found = declared.names.get(name.name)
            if isinstance(found, tree.Parameter) and found.kind != "continuous":
                wanted = "a parameter that may be any number"
                yield errors.wrong_kind(name.name, f"an {found.kind} one", wanted, name.span)
            if part.prior is not None and prior_of(part) is None:
                yield errors.unknown_prior(part.prior.span.text, _shown(PRIORS), part.prior.span)
        case tree.Observe(operator="~") if observed_data(part) is None:
            span = part.data.span
            yield errors.unknown_error_kind(span.text, _shown(ERRORS), span)


def _shown(kinds: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f"{word}({', '.join(given)})" for word, given in kinds.items()]


def _named(
    name: tree.Identifier, kind: type, wanted: str, declared: Declarations
) -> Iterator[Diagnostic]:
    """What is wrong where a name means something of another kind."""
    found = declared.names.get(name.name)
    if found is not None and not isinstance(found, kind):
        yield errors.wrong_kind(name.name, describe(found), wanted, name.span)
