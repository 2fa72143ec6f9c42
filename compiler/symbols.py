"""What the evaluator asks of a model: its declared names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from allocc.compiler.expression import Node
from allocc.compiler.index import IndexSet
from allocc.compiler.scope import Scope
from allocc.compiler.tables import Table
from allocc.dsl import tree


class Symbols(Protocol):
    """What the evaluator needs of the model: its declared names."""

    time_name: str | None

    def value(
        self, name: tree.Name, scope: Scope, indices: Sequence[tree.Expression] | None
    ) -> Node:
        """The value of a declared name, subscripted or bare."""

    def set_named(self, name: tree.Name) -> IndexSet | None:
        """A declared set (or the time's points or periods), or None for another kind of name."""

    def table(self, identifier: tree.Identifier) -> Table:
        """A declared table."""

    def function(self, name: str) -> tree.Function | None:
        """A declared function."""

    def function_names(self) -> list[str]:
        """All functions there are, for near misses."""

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods."""
