"""The outline that an editor shows: statements, with those of blocks below them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from allocc.compiler.names.resolve import inside
from allocc.dsl import tree
from allocc.dsl.tree import Span
from allocc.lsp.outline import Outline

Kind = Literal["model", "table", "set", "data", "value", "function", "block", "rule", "time"]

_KINDS: dict[type, Kind] = {
    tree.ModelHeader: "model",
    tree.Table: "table",
    tree.SetDeclaration: "set",
    tree.UnitDeclaration: "data",
    tree.Parameter: "data",
    tree.Let: "value",
    tree.Time: "time",
    tree.Compartment: "value",
    tree.Flow: "function",
    tree.Decide: "value",
    tree.Report: "value",
    tree.Effect: "function",
    tree.Function: "function",
    tree.Intervention: "block",
    tree.Policy: "block",
    tree.Limit: "rule",
    tree.Prefer: "rule",
    tree.Chance: "block",
    tree.Fit: "block",
    tree.Uncertain: "data",
    tree.Scenario: "set",
    tree.Objective: "block",
    tree.Term: "value",
}


@dataclass
class Symbol:
    """An entry of the outline; `name_span` lies in `span`."""

    name: str
    detail: str
    kind: Kind
    span: Span
    name_span: Span
    children: list[Symbol] = field(default_factory=list)


def kind_of(statement: object) -> Kind:
    """What a statement is shown as."""
    return _KINDS.get(type(statement), "value")


def symbols(outline: Outline) -> list[Symbol]:
    """The outline of a file."""
    return [s for statement in outline.statements if (s := _symbol(statement)) is not None]


def _symbol(statement: tree.Statement | tree.Term) -> Symbol | None:
    if isinstance(statement, tree.Use | tree.Initial):
        return None
    if isinstance(statement, tree.Objective):
        word = Span(statement.span.source, statement.span.start, statement.span.start + 8)
        symbol = Symbol(statement.sense, "", "block", statement.span, word)
        symbol.children = [s for t in statement.terms if (s := _symbol(t)) is not None]
        return symbol
    detail = getattr(statement, "description", None) or getattr(statement, "title", None) or ""
    name = statement.name
    symbol = Symbol(name.name, detail, kind_of(statement), statement.span, name.span)
    if isinstance(statement, tree.Effect):
        symbol.name = f"{name.name} {statement.operator}"
    if not isinstance(statement, tree.Term):
        symbol.children = [s for x in inside(statement) if (s := _symbol(x)) is not None]
    return symbol
