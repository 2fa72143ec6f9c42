"""What is declared and then never used: index names, arguments, units; and shares that are none."""

from __future__ import annotations

import re

import numpy as np

from allocc.compiler.evaluating.aligned import named_point
from allocc.compiler.lint import messages
from allocc.compiler.lint.subject import Subject
from allocc.compiler.names.resolve import Bound
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.tree import Span
from allocc.dsl.walk import nodes

#: A parameter whose description begins so is a part of something.
_SHARE = re.compile(r"\s*(?:the\s+)?(?:share|fraction|proportion|probability)\b", re.IGNORECASE)


def check_indices(subject: Subject) -> list[Diagnostic]:
    """Names bound in the index of a limit, a preference, a report or a sum, and then not used."""
    found = []
    for n in nodes(subject.model.tree.statements):
        match n:
            case tree.Limit(index=index) | tree.Prefer(index=index) | tree.Report(index=index):
                what, statement = f"'{n.name.name}'", True
            # A sum over a number counts the members.
            case tree.Call(index=index) if any(isinstance(x, tree.Name) for x in nodes(n.body)):
                what, statement = f"`{n.function.name}`", False
            case _:
                continue
        for binder in index.binders if index is not None else ():
            if binder.names and not any(_used(name, n.span, subject) for name in binder.names):
                text = binder.span.text
                found.append(messages.unused_index(text, what, statement, binder.span))
    return found


def _used(name: tree.Identifier, within: Span, subject: Subject) -> bool:
    """Whether what a name in an index means is used at a place, elsewhere than in the name itself."""
    meaning = subject.resolved.meaning(name)
    if not isinstance(meaning, Bound):
        return True  # an argument of a `use` that an earlier one has brought already
    others = (m.node for m in subject.resolved.mentions_of(meaning) if m.node is not name)
    return any(within.covers(n.span) for n in others)


def check_arguments(subject: Subject) -> list[Diagnostic]:
    """Arguments that a function does not use."""
    return [
        messages.unused_argument(bound.name.name, function.name.name, bound.name.span)
        for function in subject.statements
        if isinstance(function, tree.Function)
        for formal in function.formals
        if isinstance(bound := subject.resolved.meaning(formal.name), Bound)
        and not subject.resolved.mentions_of(bound)
    ]


def check_units(subject: Subject) -> list[Diagnostic]:
    """Units that are declared and stand nowhere."""
    used = {n.name for n in nodes(subject.model.tree.statements) if isinstance(n, tree.UnitName)}
    return [
        messages.unused_unit(s.name.name, s.name.span)
        for s in subject.statements
        if isinstance(s, tree.UnitDeclaration) and s.name.name not in used
    ]


def check_shares(subject: Subject) -> list[Diagnostic]:
    """Parameters that are said to be a share or a probability, and lie outside of 0 .. 1."""
    found = []
    for name, symbol in subject.model.parameters.items():
        statement, values = symbol.statement, symbol.values
        # What has a unit may be a share of money, say, in dollars.
        described = statement.unit is None and _SHARE.match(statement.description or "")
        if not described or not subject.own(statement.span) or values.dtype.kind not in "fi":
            continue
        outside = np.maximum(values - 1.0, -values)
        if not values.size or not outside.max() > 0:
            continue
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(outside)), values.shape))
        shown = named_point(name, symbol.sets, place)
        found.append(messages.no_share(shown, f"{float(values[place]):,.6g}", statement.name.span))
    return found
