"""What the evaluator asks of a model's declared names: which table, which set, which function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from numpy.typing import NDArray

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.data.tables import DataTable
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.compiler.scoping.model import BoundModel, Horizon, ParameterSymbol
from allocc.compiler.scoping.usage import Usage
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic

P = ParamSpec("P")
T = TypeVar("T")


class Symbols(ABC):
    """A model's declared names, as they are read by one stage.

    `settings` are the values that are set from outside. What the stage reads is noted in `usage`, and
    what it has to tell goes to `collector`.
    """

    def __init__(
        self,
        declared: Declarations,
        settings: Mapping[str, Any],
        usage: Usage,
        collector: Collector,
    ) -> None:
        self.declared = declared
        self.settings = settings
        self.usage = usage
        self.collector = collector
        self._unknown_names: set[str] = set()

    @abstractmethod
    def resolve(self, name: str) -> Any:
        """The symbol of a declared name; raises `Failed` the first time, `Poisoned` afterwards."""

    def attempt(self, action: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
        """Call a function; report what fails, say nothing where a cause is reported already."""
        try:
            return action(*arguments, **named)
        except failures.Failed as failed:
            for diagnostic in failed.diagnostics:
                self.collector.add(diagnostic)
        except failures.Poisoned:
            pass
        except RecursionError:
            self.collector.add(algebra_errors.nested_too_deep("the model", None))
        return None

    def unknown(self, name: str, diagnostic: Diagnostic) -> Exception:
        """The error for a name that nothing declares, the first time; later it is known."""
        if name in self._unknown_names or name in self.declared.broken:
            return failures.Poisoned(name)
        self._unknown_names.add(name)
        return failures.Failed(diagnostic)

    def warn(self, diagnostic: Diagnostic) -> None:
        """Keep a warning, unless one is told already of a part of the same place."""
        place, told = diagnostic.span, self.collector.diagnostics
        parts = [d.span for d in told if d.code == "W4010" and d.span is not None]
        if place is not None and any(place.covers(part) for part in parts):
            return
        self.collector.add(diagnostic)

    def parameter_values(self, name: str) -> NDArray[Any] | None:
        """All values of a parameter, or None where a name declares no parameter."""
        if not isinstance(self.declared.names.get(name), tree.Parameter):
            return None
        symbol: ParameterSymbol = self.resolve(name)
        return symbol.values

    @property
    def time_name(self) -> str | None:
        """The time's name."""
        return self.declared.time_name

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods."""
        if self.time_name is None:
            return None
        time: Horizon = self.resolve(self.time_name)
        return time.points, time.periods

    def declares(self, name: str) -> bool:
        """Whether the model declares a name, even if wrongly."""
        return name in self.declared.names or name in self.declared.broken

    def kind(self, name: str) -> str | None:
        """What kind of thing a name declares, in words, or None."""
        statement = self.declared.names.get(name)
        return describe(statement) if statement is not None else None

    def function(self, name: str) -> tree.Function | None:
        """A declared function."""
        if name in self.declared.broken:
            raise failures.Poisoned(name)
        found = self.declared.names.get(name)
        return found if isinstance(found, tree.Function) else None

    def function_names(self) -> list[str]:
        """The declared functions."""
        return list(self.declared.every(tree.Function))

    def table(self, identifier: tree.Identifier) -> DataTable:
        """A declared table."""
        if identifier.name in self.declared.broken:
            raise failures.Poisoned(identifier.name)
        statement = self.declared.names.get(identifier.name)
        if statement is None:
            tables = self.declared.every(tree.Table)
            hint = f'declare it: `table {identifier.name} from "FILE.csv" key COLUMN`'
            raise self.unknown(
                identifier.name,
                names_errors.unknown_name(identifier.name, identifier.span, tables, "table", hint),
            )
        if not isinstance(statement, tree.Table):
            raise failures.Failed(
                names_errors.wrong_kind(
                    identifier.name, describe(statement), "a table", identifier.span
                )
            )
        found: DataTable = self.resolve(identifier.name)
        return found

    def set_named(self, name: tree.Name) -> IndexSet | None:
        """A declared set, or the time's points or periods."""
        if name.name in self.declared.broken:
            raise failures.Poisoned(name.name)
        statement = self.declared.names.get(name.name)
        if statement is None:
            if name.name == "period":
                if self.declared.time_name is None:
                    raise self.unknown("period", names_errors.no_time("period", name.span))
                time: Horizon = self.resolve(self.declared.time_name)
                return time.periods
            every = self.declared.names.items()
            sets = [n for n, s in every if isinstance(s, tree.SetDeclaration | tree.Time)]
            sets += ["period"] * (self.declared.time_name is not None)
            hint = f"declare it: `set {name.name} = ...`"
            raise self.unknown(
                name.name, names_errors.unknown_name(name.name, name.span, sets, "set", hint)
            )
        found: IndexSet | None = None
        if isinstance(statement, tree.Time):
            found = self.resolve(name.name).points
        elif isinstance(statement, tree.SetDeclaration):
            found = self.resolve(name.name)
        return found


class ModelSymbols(Symbols):
    """The names of a bound model; what has been read so far is gone on with in a copy."""

    def __init__(self, model: BoundModel, collector: Collector) -> None:
        super().__init__(model.declared, model.settings, model.usage.copy(), collector)
        self._symbols = model.symbols

    def resolve(self, name: str) -> Any:
        """The symbol of a declared name."""
        return self._symbols[name]
