"""Names resolved on demand, in any order: each becomes what its statement declares.

A name is resolved when an expression first asks for it, or in its turn; what it needs is resolved
on the way, and names that need each other are found out by that. What fails is reported once and is
poisoned from then on, so that one mistake has one message. The evaluator's questions about names
(which table, which set, which function) are answered here; the value of a name in an expression is
in `values.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data, Variable, VariableKind
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.binding import assignment
from allocc.compiler.binding.horizon import make_time
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import Table, read_table
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.values import Values, is_small
from allocc.compiler.failures import NeedsTime
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import (
    CompartmentSymbol,
    FlowSymbol,
    LetSymbol,
    ParameterSymbol,
    ReportSymbol,
    Time,
)
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.units.written import shown
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic
from allocc.dsl.tree import Span

#: Definitions that need each other in a chain longer than this are refused.
DEEPEST = 150


class Resolver(Values):
    """The part of a binder that makes of each declared name what it means."""

    def __init__(
        self,
        declarations: Declarations,
        data: Path,
        settings: dict[str, Any],
        collector: Collector,
    ) -> None:
        super().__init__()
        self.declared = declarations
        self.folder = data
        self.settings = settings
        self.collector = collector
        self.evaluator = Evaluator(self)
        self.time: Time | None = None
        self.used: set[str] = set()
        #: Tables and sets for which unused rows have been warned of.
        self.partly_used: set[tuple[str, str]] = set()
        self._resolved: dict[str, Any] = {}
        self._poisoned: set[str] = set()
        self._active: list[str] = []
        self._reported: set[str] = set()

    def resolve(self, name: str) -> Any:
        """The symbol of a declared name; raises `Failed` the first time, `Poisoned` afterwards."""
        if name in self._resolved:
            return self._resolved[name]
        if name in self._poisoned:
            raise failures.Poisoned(name)
        statement = self.declared.names[name]
        if len(self._active) > DEEPEST:
            span = statement.name.span
            raise self._once("depth", algebra_errors.nested_too_deep(f"'{name}'", span))
        if name in self._active:
            cycle = self._active[self._active.index(name) :]
            self._poisoned.update(cycle)
            raise failures.Failed(names_errors.circular(cycle, statement.name.span))
        self._active.append(name)
        try:
            symbol = self._made(statement)
        except (failures.Failed, failures.Poisoned):
            self._poisoned.add(name)
            raise
        finally:
            self._active.pop()
        self._resolved[name] = symbol
        return symbol

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

    def _once(self, what: str, diagnostic: Diagnostic) -> Exception:
        """The error for a mistake behind many names, the first time; later it is known."""
        if what in self._reported:
            return failures.Poisoned(what)
        self._reported.add(what)
        return failures.Failed(diagnostic)

    def _made(self, statement: Any) -> Any:
        """What a statement declares: a symbol, a set or a table, else the statement itself."""
        match statement:
            case tree.Table():
                return self._table(statement)
            case tree.SetDeclaration():
                return self._set(statement)
            case tree.Parameter():
                return self._parameter(statement)
            case tree.Let():
                return self._let(statement)
            case tree.Time():
                self.time = make_time(statement, self.evaluator)
                return self.time
            case tree.Compartment():
                return self._compartment(statement)
            case tree.Flow():
                return self._flow(statement)
            case tree.Decide():
                return assignment.make_decision(statement, *self.space(statement.index), self)
            case tree.Report():
                return ReportSymbol(statement, *self.space(statement.index))
            case _:
                return statement

    def _table(self, statement: tree.Table) -> Table:
        written, span = statement.file.value, statement.file.span
        try:
            folder = self.folder.resolve()
            path = (folder / written).resolve()
            if not folder.is_dir():
                is_file = folder.exists()
                missing = data_errors.missing_folder(str(self.folder), is_file, span)
                raise self._once("data folder", missing)
        except (OSError, ValueError, RuntimeError):
            reason = "this is not the name of a file"
            raise failures.Failed(data_errors.unreadable_file(written, reason, span)) from None
        if not path.is_relative_to(folder):
            raise failures.Failed(data_errors.file_outside(written, span))
        name, keys = statement.name.name, statement.keys
        return read_table(name, path, str(self.folder), written, keys, span)

    def _set(self, statement: tree.SetDeclaration) -> IndexSet:
        found = self.evaluator.index_set(statement.value, Scope())
        name = statement.name.name
        if not len(found) and isinstance(statement.value, tree.SetLiteral | tree.Range):
            raise failures.Failed(scoping_errors.empty_set(name, statement.name.span))
        if isinstance(statement.value, tree.SetFilter):
            # A filter that keeps everything gives back the set that it filters.
            found = IndexSet(found.name, found.components, found.kind, found.component_names)
        if not isinstance(statement.value, tree.Name):
            found.name = name
            if found.arity == 1:
                found.component_names = (name,)
        return found

    def _flow(self, statement: tree.Flow) -> FlowSymbol:
        for side in (statement.origin, statement.target):
            if side is not None:
                self._check_side(side)
        if statement.target is not None and statement.origin == statement.target:
            span = statement.target.span
            raise failures.Failed(
                algebra_errors.same_compartment(statement.name.name, span.text, span)
            )
        self.need_time("flow", statement.span)
        self._without_time("flow", statement)
        space, sets = self.space(statement.index)
        return FlowSymbol(statement, space, sets)

    def _check_side(self, side: tree.Name | tree.Subscript) -> None:
        """Raise where a flow leaves or enters what is no compartment."""
        base = side if isinstance(side, tree.Name) else side.base
        assert isinstance(base, tree.Name)
        if base.name in self.declared.broken:
            raise failures.Poisoned(base.name)
        compartments = self.declared.compartments
        if base.name in compartments:
            return
        other = self.declared.names.get(base.name)
        if other is not None:
            raise failures.Failed(
                names_errors.wrong_kind(base.name, describe(other), "a compartment", base.span)
            )
        hint = f"declare it: `compartment {base.name}`"
        raise self.unknown(
            base.name,
            names_errors.unknown_name(base.name, base.span, compartments, "compartment", hint),
        )

    def _without_time(self, word: str, statement: tree.Flow | tree.Compartment) -> None:
        """Raise where a statement that changes with time anyway is indexed by time."""
        for binder in statement.index.binders if statement.index is not None else ():
            e = binder.set_expression
            if isinstance(e, tree.Name) and e.name in (self.time_name, "period"):
                where = f"in the index of a {word}"
                hint = f"leave it out: a {word} changes with time anyway"
                raise failures.Failed(
                    names_errors.misplaced_statement(e.name, where, binder.span, hint)
                )

    def _parameter(self, statement: tree.Parameter) -> ParameterSymbol:
        space, sets = self.space(statement.index)
        values = assignment.parameter_values(statement, space, sets, self)
        return ParameterSymbol(statement, space, sets, values)

    def _compartment(self, statement: tree.Compartment) -> CompartmentSymbol:
        time = self.need_time("compartment", statement.span)
        self._without_time("compartment", statement)
        space, sets = self.space(statement.index)
        variable = self.variable(statement, "compartment", "state", (*sets, time.points))
        # The index itself may run over some points of the time; the compartment's own come last.
        variable.time_axis = len(sets)
        variable.lower = np.zeros(variable.shape)
        variable.upper = np.full(variable.shape, np.inf)
        return CompartmentSymbol(statement, space, variable)

    def need_time(self, word: str, span: Span) -> Time:
        """The model's time; raises where it has none, which the statement `word` needs."""
        if self.time is None:
            if self.time_name is None:
                raise self._once("time", names_errors.no_time(word, span))
            self.resolve(self.time_name)
        assert self.time is not None
        return self.time

    def _let(self, statement: tree.Let) -> LetSymbol:
        space, sets = self.space(statement.index)
        try:
            node = assignment.assign(statement.name.name, statement.value, space, sets, self)
        except NeedsTime:
            if self.time is not None:
                return LetSymbol(statement, space, sets, "implicit")
            raise
        if isinstance(node, Data):
            values = assignment.full(node, space)
            return LetSymbol(statement, space, sets, "data", values)
        if is_small(node):
            return LetSymbol(statement, space, sets, "inline")
        variable = self.variable(statement, "let", "definition", sets)
        variable.axes, variable.value = space.axes, node
        return LetSymbol(statement, space, sets, "definition", variable=variable)

    def variable(
        self,
        statement: tree.Compartment | tree.Let | tree.Decide,
        word: str,
        kind: VariableKind,
        sets: tuple[IndexSet, ...],
    ) -> Variable:
        """The block of unknowns that a statement, which begins with `word`, declares over `sets`."""
        name = statement.name.name
        return Variable(
            name,
            kind,
            sets,
            unit=self.unit_text(statement.unit),
            description=statement.description or "",
            span=statement.span,
            statement=f"{word} {name}",
            time_axis=next((k for k, s in enumerate(sets) if s.kind == "time"), None),
        )

    def unit_text(self, unit: tree.Unit | None) -> str:
        """A unit as reports show it; `time_unit` is the unit of the model's time."""
        time = self.declared.names.get(self.time_name or "")
        return shown(unit, time.unit if isinstance(time, tree.Time) else None)

    # --- what the evaluator asks -----------------------------------------------------------

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods."""
        name = self.declared.time_name
        if name is None or name in self._active:
            return None
        time: Time = self.resolve(name)
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
        self.used.add(name)
        if name in self._poisoned or name in self.declared.broken:
            raise failures.Poisoned(name)
        found = self.declared.names.get(name)
        return found if isinstance(found, tree.Function) else None

    def function_names(self) -> list[str]:
        """The declared functions."""
        return [n for n, s in self.declared.names.items() if isinstance(s, tree.Function)]

    def table(self, identifier: tree.Identifier) -> Table:
        """A declared table."""
        if identifier.name in self.declared.broken:
            raise failures.Poisoned(identifier.name)
        statement = self.declared.names.get(identifier.name)
        if statement is None:
            tables = [n for n, s in self.declared.names.items() if isinstance(s, tree.Table)]
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
        self.used.add(identifier.name)
        found: Table = self.resolve(identifier.name)
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
                time: Time = self.resolve(self.declared.time_name)
                return time.periods
            sets = [
                n
                for n, s in self.declared.names.items()
                if isinstance(s, tree.SetDeclaration | tree.Time)
            ] + ["period"] * (self.declared.time_name is not None)
            hint = f"declare it: `set {name.name} = ...`"
            raise self.unknown(
                name.name, names_errors.unknown_name(name.name, name.span, sets, "set", hint)
            )
        self.used.add(name.name)
        found: IndexSet | None = None
        if isinstance(statement, tree.Time):
            found = self.resolve(name.name).points
        elif isinstance(statement, tree.SetDeclaration):
            found = self.resolve(name.name)
        return found
