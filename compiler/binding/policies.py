"""Policies: what each decision is by a rule, computed from data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Variable, variables
from allocc.compiler.algebra.index import IndexSet, same_sets
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding.resolution import Resolver
from allocc.compiler.evaluating.aligned import assign, full
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.structure import describe
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import PolicySymbol
from allocc.dsl import tree
from allocc.dsl.words import PLACES


def policy(statement: tree.Policy, binder: Resolver) -> PolicySymbol:
    """The values of a policy's decisions, over their sets; mistakes of each go to the collector."""
    values: dict[Variable, FloatArray] = {}
    first: dict[str, tree.Assignment] = {}
    for assignment in statement.assignments:
        name = assignment.name.name
        if name in first:
            what = f"`{name} = ...` in policy '{statement.name.name}'"
            here, there = assignment.name.span, first[name].name.span
            binder.collector.add(names_errors.repeated_statement(what, here, there))
            continue
        first[name] = assignment
        by = f"policy '{statement.name.name}'"
        found = binder.attempt(assigned, assignment, f"value by {by}", f"what {by} says", binder)
        if found is not None:
            values[found[0]] = found[1]
    return PolicySymbol(statement, values)


def assigned(
    statement: tree.Assignment, what: str, known: str, binder: Resolver
) -> tuple[Variable, FloatArray]:
    """A decision and the values that it is given; raises `failures.Failed`.

    `what` they are is said where one is missing, and what is `known` where they are no data.
    """
    name = statement.name.name
    decide = _decision(statement, binder)
    variable: Variable = binder.resolve(name)
    space, sets = binder.evaluator.space(decide.index)
    if statement.index is not None:
        _check_bound(statement.index, sets, binder)
        space, given = binder.evaluator.space(statement.index)
        if not same_sets(sets, given):
            names = [s.name for s in given]
            span = statement.index.span
            raise failures.Failed(
                scoping_errors.index_mismatch(name, [s.name for s in sets], names, span)
            )
    node = assign(name, statement.value, space, sets, binder.evaluator, what, numeric=True)
    if not isinstance(node, Data):
        span = statement.value.span
        said = f"{known} of '{name}'"
        raise failures.Failed(algebra_errors.needs_data(said, variables(node)[0].name, span))
    return variable, np.asarray(full(node, space), dtype=float)


def _check_bound(index: tree.Index, sets: Sequence[IndexSet], binder: Resolver) -> None:
    """Raise where `open[c] = ...` was written for `open[c in County] = ...`."""
    for k, entry in enumerate(index.binders):
        name = entry.set_expression
        if entry.names or not isinstance(name, tree.Name):
            continue
        if name.name not in binder.declared.names and name.name not in PLACES and k < len(sets):
            hint = f"write `{name.name} in {sets[k].name}`"
            raise binder.unknown(
                name.name, names_errors.unknown_name(name.name, name.span, (), "index", hint)
            )


def _decision(statement: tree.Assignment, binder: Resolver) -> tree.Decide:
    """The decision that is assigned; raises where the name means something else."""
    name, span = statement.name.name, statement.name.span
    if name in binder.declared.broken:
        raise failures.Poisoned(name)
    found = binder.declared.names.get(name)
    if isinstance(found, tree.Decide):
        return found
    if found is not None:
        hint = "a policy says what decisions are: `DECISION = EXPRESSION`"
        raise failures.Failed(
            names_errors.wrong_kind(name, describe(found), "a decision", span, hint)
        )
    pool = binder.declared.every(tree.Decide)
    raise binder.unknown(name, names_errors.unknown_name(name, span, pool, "decision"))
