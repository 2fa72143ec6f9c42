"""Which parameters stand for themselves in a model's equations, and which are made of others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.evaluating.aligned import bare_column
from allocc.compiler.origin import Origin
from allocc.compiler.scoping.context import Opened
from allocc.compiler.scoping.model import BoundModel, ParameterSymbol
from allocc.compiler.units.as_written import shown
from allocc.dsl import tree
from allocc.dsl.walk import nodes


def opened(model: BoundModel) -> Opened:
    """The parameters of a model that are given, as variables; and what is made of them.

    A parameter that is calculated from others, and not set from outside, is read as it is written. One
    of words is none; nor is an array of zeros and ones, which says who belongs where.
    """
    numbers = {n for n, p in model.parameters.items() if _is_number(p)}
    expressed = _made_of(numbers, _calculated(model), _mentioned(model))
    given = numbers - expressed
    return Opened({n: _variable(model, model.parameters[n]) for n in sorted(given)}, expressed)


def _is_number(symbol: ParameterSymbol) -> bool:
    values = symbol.values
    if values.dtype.kind not in "fiu":
        return False
    return values.ndim == 0 or not bool(np.isin(values, (0, 1)).all())


def _calculated(model: BoundModel) -> set[str]:
    """The parameters and named expressions that are written out where what is in them is open."""
    set_outside = {name.partition("[")[0] for name in model.settings}
    found = set(model.lets)
    for name, symbol in model.parameters.items():
        value = symbol.statement.value
        if value is not None and bare_column(value) is None and name not in set_outside:
            found.add(name)
    return found


def _mentioned(model: BoundModel) -> Mapping[str, set[str]]:
    """The declared names that the value of each parameter, named expression and function mentions."""
    resolved = model.declared.resolved
    found: dict[str, set[str]] = {}
    for name, statement in model.declared.names.items():
        if isinstance(statement, tree.Parameter | tree.Let | tree.Function):
            meanings = (resolved.meaning(n) for n in nodes(statement.value))
            declared = (
                m for m in meanings if isinstance(m, tree.Parameter | tree.Let | tree.Function)
            )
            found[name] = {m.name.name for m in declared}
    return found


def _made_of(
    numbers: set[str], calculated: set[str], mentioned: Mapping[str, set[str]]
) -> frozenset[str]:
    """Those that mention a number, directly or through others."""
    reached = dict.fromkeys(mentioned, False)
    changed = True
    while changed:
        changed = False
        for name, others in mentioned.items():
            if not reached[name] and any(o in numbers or reached.get(o, False) for o in others):
                reached[name] = changed = True
    return frozenset(n for n in calculated if reached.get(n, False))


def _variable(model: BoundModel, symbol: ParameterSymbol) -> Variable:
    statement = symbol.statement
    time = model.time.statement if model.time is not None else None
    return Variable(
        statement.name.name,
        "parameter",
        symbol.sets,
        unit=shown(statement.unit, time.unit if time is not None else None),
        description=statement.description or "",
        origin=Origin("param", statement.name.name, statement.span),
    )
