"""The declarations of a model, sorted by kind, before anything is resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from allocc.compiler import errors
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector

#: Names that every model has without declaring them.
BUILTIN = ("start", "end", "period", "sum", "mean", "min", "max", "abs", "exp", "log", "sqrt")


@dataclass
class Declarations:
    """What a model declares. `names` holds everything that an expression can mention."""

    header: tree.ModelHeader | None = None
    names: dict[str, Any] = field(default_factory=dict)
    sets: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    lets: list[str] = field(default_factory=list)
    compartments: dict[str, tree.Compartment] = field(default_factory=dict)
    flows: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    initials: dict[str, tree.Initial] = field(default_factory=dict)
    effects: list[tree.Effect] = field(default_factory=list)
    limits: list[tree.Limit] = field(default_factory=list)
    prefers: list[tree.Prefer] = field(default_factory=list)
    chances: list[tree.Chance] = field(default_factory=list)
    objective: tree.Objective | None = None
    units: dict[str, tree.UnitDeclaration] = field(default_factory=dict)
    time_name: str | None = None
    library: set[str] = field(default_factory=set)


def declare(statements: Iterable[tuple[Any, bool]], collector: Collector) -> Declarations:
    """Sort statements; each comes with whether it is a library's (then it may stay unused)."""
    d = Declarations()
    rules: dict[str, Any] = {}
    pending: list[tree.Initial] = []

    def name(statement: Any, library: bool) -> bool:
        identifier = statement.name
        if identifier.name in BUILTIN:
            collector.add(errors.reserved_name(identifier.name, identifier.span))
            return False
        if identifier.name in d.names:
            first = d.names[identifier.name].name.span
            collector.add(errors.repeated_name(identifier.name, identifier.span, first))
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

    def one(statement: Any, library: bool, inside: str | None) -> None:
        match statement:
            case tree.ModelHeader():
                if d.header is not None:
                    collector.add(
                        errors.repeated_statement("`model`", statement.span, d.header.span)
                    )
                d.header = d.header or statement
            case tree.Table() | tree.Function():
                name(statement, library)
            case tree.UnitDeclaration():
                d.units[statement.name.name] = statement
            case tree.SetDeclaration():
                if name(statement, library):
                    d.sets.append(statement.name.name)
            case tree.Parameter():
                if name(statement, library):
                    d.parameters.append(statement.name.name)
            case tree.Let():
                if name(statement, library):
                    d.lets.append(statement.name.name)
            case tree.Time():
                if d.time_name is not None:
                    first = d.names[d.time_name].span
                    collector.add(errors.repeated_statement("`time`", statement.span, first))
                elif name(statement, library):
                    d.time_name = statement.name.name
            case tree.Compartment():
                if name(statement, library):
                    d.compartments[statement.name.name] = statement
            case tree.Flow():
                if name(statement, library):
                    d.flows.append(statement.name.name)
            case tree.Decide():
                if name(statement, library):
                    d.decisions.append(statement.name.name)
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
            case tree.Objective():
                if d.objective is not None:
                    collector.add(
                        errors.repeated_statement("objective", statement.span, d.objective.span)
                    )
                d.objective = d.objective or statement
            case tree.Intervention():
                name(statement, True)
                for inner in statement.body:
                    one(inner, library, statement.name.name)

    for statement, library in statements:
        one(statement, library, None)
    for initial in pending:
        key = initial.name.name
        if key not in d.compartments:
            if key in d.names:
                collector.add(
                    errors.wrong_kind(key, "not a compartment", "a compartment", initial.name.span)
                )
            else:
                collector.add(errors.unknown_name(key, initial.name.span, d.compartments))
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
