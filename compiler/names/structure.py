"""The declarations of a model, sorted by kind, before anything is resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from allocc.compiler.names import errors
from allocc.compiler.names.builtin import BUILTIN
from allocc.compiler.names.resolve import Resolved, resolve
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.tree import Span
from allocc.dsl.walk import nodes

S = TypeVar("S")


@dataclass
class Declarations:
    """What a model declares. `names` holds everything that an expression can mention."""

    statements: Sequence[tree.Statement] = ()
    header: tree.ModelHeader | None = None
    names: dict[str, Any] = field(default_factory=dict)
    compartments: dict[str, tree.Compartment] = field(default_factory=dict)
    initials: dict[str, tree.Initial] = field(default_factory=dict)
    effects: list[tree.Effect] = field(default_factory=list)
    limits: list[tree.Limit] = field(default_factory=list)
    prefers: list[tree.Prefer] = field(default_factory=list)
    chances: list[tree.Chance] = field(default_factory=list)
    policies: list[tree.Policy] = field(default_factory=list)
    uncertain: list[tree.Uncertain] = field(default_factory=list)
    scenario: tree.Scenario | None = None
    objective: tree.Objective | None = None
    units: dict[str, tree.UnitDeclaration] = field(default_factory=dict)
    time_name: str | None = None
    library: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def every(self, kind: type[S]) -> dict[str, S]:
        """The declarations of a kind by their names, in the order of the file."""
        return {n: s for n, s in self.names.items() if isinstance(s, kind)}

    @cached_property
    def only_in_fits(self) -> frozenset[str]:
        """The tables that nothing but fits mentions: they are read when a fit is asked for."""
        within: dict[str, list[bool]] = {}
        for m in self.resolved.mentions:
            if isinstance(m.meaning, tree.Table):
                within.setdefault(m.node.name, []).append(isinstance(m.within, tree.Fit))
        return frozenset(name for name, fits in within.items() if all(fits))

    @cached_property
    def resolved(self) -> Resolved:
        """What every name in the statements means."""
        return resolve(self.statements)


def declare(
    statements: Iterable[tuple[Any, bool]], collector: Collector, lost: Iterable[str] = ()
) -> Declarations:
    """Sort statements; each comes with whether it is a library's (then it may stay unused).

    `lost` are names that something else should have declared, whose mistake is already reported.
    """
    statements = list(statements)
    d = Declarations([s for s, _ in statements], broken=set(lost))
    rules: dict[str, Any] = {}
    pending: list[tree.Initial] = []

    def name(statement: Any, library: bool) -> bool:
        identifier = statement.name
        if identifier.name in BUILTIN:
            collector.add(errors.reserved_name(identifier.name, identifier.span))
            d.broken.add(identifier.name)
            return False
        if identifier.name in d.names:
            first = d.names[identifier.name].name.span
            collector.add(errors.repeated_name(identifier.name, identifier.span, first))
            d.broken.add(identifier.name)
            return False
        d.names[identifier.name] = statement
        if library:
            d.library.add(identifier.name)
        return True

    def rule(statement: Any) -> None:
        identifier = statement.name
        if identifier.name in rules:
            collector.add(
                errors.repeated_name(identifier.name, identifier.span, rules[identifier.name])
            )
        rules[identifier.name] = identifier.span

    def one(statement: Any, library: bool) -> None:
        match statement:
            case tree.ModelHeader():
                if d.header is not None:
                    collector.add(
                        errors.repeated_statement("`model`", statement.span, d.header.span)
                    )
                d.header = d.header or statement
            case tree.UnitDeclaration():
                first = d.units.setdefault(statement.name.name, statement)
                if first != statement:
                    here, there = statement.name.span, first.name.span
                    collector.add(errors.repeated_name(statement.name.name, here, there))
            case tree.Time():
                if d.time_name is not None:
                    first = d.names[d.time_name].span
                    collector.add(errors.repeated_statement("`time`", statement.span, first))
                elif name(statement, library):
                    d.time_name = statement.name.name
            case tree.Compartment():
                if name(statement, library):
                    d.compartments[statement.name.name] = statement
            case tree.Initial():
                pending.append(statement)
            case tree.Effect():
                d.effects.append(statement)
            case tree.Limit():
                rule(statement)
                d.limits.append(statement)
            case tree.Prefer():
                rule(statement)
                d.prefers.append(statement)
            case tree.Chance():
                rule(statement)
                d.chances.append(statement)
            case tree.Policy():
                rule(statement)
                d.policies.append(statement)
            case tree.Uncertain():
                d.uncertain.append(statement)
            case tree.Scenario():
                if d.scenario is not None:
                    here, there = statement.span, d.scenario.span
                    collector.add(errors.repeated_statement("`scenario`", here, there))
                elif name(statement, library):
                    d.scenario = statement
            case tree.Objective():
                if d.objective is not None:
                    collector.add(
                        errors.repeated_statement("objective", statement.span, d.objective.span)
                    )
                d.objective = d.objective or statement
            case tree.Intervention():
                name(statement, True)
                for inner in statement.body:
                    one(inner, library)
            case _:
                name(statement, library)

    for statement, library in statements:
        one(statement, library)
    for initial in pending:
        key = initial.name.name
        if key in d.broken:
            continue
        if key not in d.compartments:
            if key in d.names:
                collector.add(
                    errors.wrong_kind(
                        key, describe(d.names[key]), "a compartment", initial.name.span
                    )
                )
            else:
                pool = list(d.compartments)
                hint = f"declare it: `compartment {key}`"
                collector.add(
                    errors.unknown_name(key, initial.name.span, pool, "compartment", hint)
                )
        elif key in d.initials:
            collector.add(
                errors.repeated_statement(
                    f"initial value of '{key}'", initial.span, d.initials[key].span
                )
            )
        else:
            d.initials[key] = initial
    if d.objective is not None:
        terms: dict[str, Any] = {}
        for term in d.objective.terms:
            if term.name.name in terms:
                collector.add(
                    errors.repeated_name(term.name.name, term.name.span, terms[term.name.name])
                )
            terms[term.name.name] = term.name.span
    return d


_KINDS = {
    tree.Table: "a table",
    tree.SetDeclaration: "a set",
    tree.Parameter: "a parameter",
    tree.Let: "a let",
    tree.Time: "the time",
    tree.Compartment: "a compartment",
    tree.Flow: "a flow",
    tree.Decide: "a decision",
    tree.Report: "a report",
    tree.Function: "a function",
    tree.Intervention: "an intervention",
    tree.Fit: "a fit",
    tree.Scenario: "a scenario",
    tree.UnitDeclaration: "a unit",
}


def describe(statement: object) -> str:
    """What kind of thing a statement declares, in words."""
    return _KINDS.get(type(statement), "something else")


def recursions(d: Declarations) -> list[list[str]]:
    """Functions that call themselves, directly or through others: one list a circle."""
    functions = d.every(tree.Function)
    called = {n: [c for c in calls(s.value) if c in functions] for n, s in functions.items()}
    circles: list[list[str]] = []
    done: set[str] = set()
    for start in functions:
        path = [start]
        trail = [iter(called[start])] if start not in done else []
        while trail:
            following = next(trail[-1], None)
            if following is None:
                done.add(path.pop())
                trail.pop()
            elif following in path:
                circles.append(path[path.index(following) :])
                done.update(path)
            elif following not in done:
                path.append(following)
                trail.append(iter(called[following]))
    return circles


def calls(node: Any) -> list[str]:
    """Names of the functions that an expression calls, in order of appearance."""
    return list({n.function.name: None for n in nodes(node) if isinstance(n, tree.Call)})


def side_name(side: tree.Name | tree.Subscript | None) -> str | None:
    """The compartment at a flow's end, None for the outside."""
    if side is None:
        return None
    base = side if isinstance(side, tree.Name) else side.base
    return base.name if isinstance(base, tree.Name) else None


def first_span(file: tree.File) -> Span | None:
    """The model's header, or else the first statement, to show where something is missing."""
    for statement in file.statements:
        if isinstance(statement, tree.ModelHeader):
            return statement.name.span
    for statement in file.statements:
        if not isinstance(statement, tree.Use | tree.Objective):
            return statement.name.span
    return None
