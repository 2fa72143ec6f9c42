"""What is declared and then never used: index names, arguments, units; and shares that are none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from allocc.compiler.evaluating.aligned import named_point
from allocc.compiler.lint import messages
from allocc.compiler.lint.subject import Subject
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.walk import nodes

#: A parameter whose description begins so is a part of something.
_SHARE = re.compile(r"\s*(?:the\s+)?(?:share|fraction|proportion|probability)\b", re.IGNORECASE)


def mentioned(node: Any) -> set[str]:
    """The names that a part of the tree mentions in expressions."""
    return {n.name for n in nodes(node) if isinstance(n, tree.Name)}


def check_indices(subject: Subject) -> list[Diagnostic]:
    """Names bound in the index of a limit, a preference, a report or a sum, and then not used."""
    found = []
    for statement in subject.statements:
        limits = statement.limits if isinstance(statement, tree.Chance) else (statement,)
        for limit in limits:
            if (
                isinstance(limit, tree.Limit | tree.Prefer | tree.Report)
                and limit.index is not None
            ):
                rest = _after_index(limit)
                what = f"'{limit.name.name}'"
                for binder in _unused(limit.index, rest):
                    found.append(messages.unused_index(binder.span.text, what, True, binder.span))
        # The statements of an intervention come by themselves.
        calls = () if isinstance(statement, tree.Intervention) else nodes(statement)
        for call in calls:
            if isinstance(call, tree.Call) and call.index is not None and mentioned(call.body):
                what = f"`{call.function.name}`"
                for binder in _unused(call.index, call.body):
                    found.append(messages.unused_index(binder.span.text, what, False, binder.span))
    return found


def _after_index(statement: tree.Limit | tree.Prefer | tree.Report) -> Any:
    """What an index is bound for."""
    match statement:
        case tree.Prefer():
            return statement.relation, statement.penalty
        case tree.Limit():
            return statement.relation
        case tree.Report():
            return statement.value


def _unused(index: tree.Index, rest: Any) -> list[tree.Binder]:
    """The entries of an index of which no name is mentioned in its filter, nor in what follows."""
    found = []
    for k, binder in enumerate(index.binders):
        later = [b.set_expression for b in index.binders[k + 1 :]]
        # A name that stands in a later tuple slices it.
        sliced = {i.name for b in index.binders[k + 1 :] for i in b.names}
        own = {i.name for i in binder.names}
        used = mentioned((*later, index.condition, rest)) | sliced
        if own and not own & used:
            found.append(binder)
    return found


def check_arguments(subject: Subject) -> list[Diagnostic]:
    """Arguments that a function does not use."""
    return [
        messages.unused_argument(formal.name.name, function.name.name, formal.name.span)
        for function in subject.statements
        if isinstance(function, tree.Function)
        for formal in function.formals
        if formal.name.name not in mentioned(function.value)
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
