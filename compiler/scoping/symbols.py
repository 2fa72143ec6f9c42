"""What the evaluator asks of a model: its declared names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from allocc.compiler.algebra.expression import Node
from allocc.compiler.algebra.index import Coordinate, IndexSet
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.data.tables import Table
from allocc.compiler.scoping.model import LetSymbol, ParameterSymbol
from allocc.compiler.scoping.scope import Scope
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic


@dataclass(eq=False)
class Known:
    """Everything that is decided and simulated: what reports are evaluated with.

    `reports` keeps the values of those that are done. `undefined` collects what has no value there,
    as a division by nought: the entry of the report is then not a number.
    """

    evaluate: Evaluation
    reports: dict[str, FloatArray] = field(default_factory=dict)
    undefined: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Read:
    """What an expression has read: a parameter, a named expression or a table's column, and where.

    There is a coordinate for every set of a name; of a column, the one of its rows.
    """

    source: ParameterSymbol | LetSymbol | Table
    coordinates: Sequence[Coordinate]
    column: str = ""


class Symbols(Protocol):
    """What the evaluator needs of the model: its declared names."""

    #: Set while a report is evaluated; decisions and compartments are then data like any other.
    known: Known | None
    reads: list[Read] | None

    @property
    def time_name(self) -> str | None:
        """The time's name."""

    def value(
        self,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
        fallback: Node | None = None,
    ) -> Node:
        """The value of a declared name, subscripted or bare.

        `fallback` is what to take where a subscript lies outside of its set.
        """

    def unknown(self, name: str, diagnostic: Diagnostic) -> Exception:
        """The error for a name that nothing declares, the first time; later it is known."""

    def warn(self, diagnostic: Diagnostic) -> None:
        """Tell of something that may be meant otherwise."""

    def declares(self, name: str) -> bool:
        """Whether the model declares a name, even if wrongly."""

    def kind(self, name: str) -> str | None:
        """What kind of thing a name declares, in words, or None."""

    def parameter_values(self, name: str) -> NDArray[Any] | None:
        """All values of a parameter, or None where a name declares no parameter."""

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
