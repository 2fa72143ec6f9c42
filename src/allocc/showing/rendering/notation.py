"""Indices and symbols of a model, as all its sections write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from allocc.dsl import tree
from allocc.showing.rendering.declared_names import PERIOD, Declared, DeclaredIndex, axes
from allocc.showing.rendering.formulas import PERIODS, Formulas, FormulaScope
from allocc.showing.rendering.letters import letter, symbol


class Notation:
    """Letters, scopes and quantifiers."""

    def __init__(self, d: Declared, values: Mapping[str, float]) -> None:
        self.d = d
        self.values = values
        self.formulas = Formulas(d)
        self.clock = letter(d.clock)[0]
        self.periods = PERIODS if d.time is not None else ""

    def _over(self, found: Sequence[DeclaredIndex], now: bool = False) -> FormulaScope:
        scope = FormulaScope().over(found)
        keys = {axis.key for axis in found}
        here = now or self.d.clock in keys or PERIOD in keys
        moment = next((scope.members[k][0] for k in (self.d.clock, PERIOD) if k in keys), None)
        return replace(scope, now=moment or self.clock) if here else scope

    def _symbol(self, name: str, now: bool = False) -> str:
        """A declared name with its own letters."""
        found = self.d.axes.get(name, ())
        indices = [letter(n)[0] for axis in found for n in axis.letters]
        return symbol(name, [*indices, *([self.clock] if now else [])])

    def _forall(
        self, found: Sequence[DeclaredIndex], index: tree.Index | None = None, time: str = ""
    ) -> str:
        members = [self.formulas.member(axis, FormulaScope()) for axis in found]
        if time:
            members.append(rf"{self.clock} \in {time}")
        if not members:
            return ""
        text = r"\forall\, " + ",\\ ".join(members)
        if index is not None and index.condition is not None:
            scope = self._over(found)
            text += rf" : {self.formulas.text(index.condition, scope)}"
        return text

    def _rule(
        self, statement: tree.Limit | tree.Prefer
    ) -> tuple[list[DeclaredIndex], FormulaScope, str]:
        found = [*axes(statement.index, self.d.clock)]
        return found, self._over(found), self._forall(found, statement.index)

    def _source(self, node: tree.Expression) -> str | None:
        """The column of a table in words, None for any other expression."""
        if isinstance(node, tree.Subscript) and isinstance(node.base, tree.Field):
            key = ", ".join(i.span.text.strip('"') for i in node.indices)
            column = self._source(node.base)
            return f"{column}, row {key}" if column else None
        if isinstance(node, tree.Fallback):
            column = self._source(node.subscript)
            return f"{column}, else {node.otherwise.span.text}" if column else None
        table = self.d.names.get(node.table.name) if isinstance(node, tree.Field) else None
        if not isinstance(node, tree.Field) or not isinstance(table, tree.Table):
            return None
        column = node.column.name
        what = "keys" if column == "key" else f"column {column}"
        return f"{what} of {table.file.value}"


def unit_text(unit: tree.Unit | None) -> str:
    """A unit as it is written."""
    return "".join(unit.span.text.split()) if unit is not None else ""
