"""Names resolved on demand, in any order: each becomes what its statement declares.

A name is resolved when an expression first asks for it, or in its turn; what it needs is resolved
on the way, and names that need each other are found out by that. What fails is reported once and is
poisoned from then on, so that one mistake has one message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import Data
from allocc.compiler.algebra.index import IndexSet
from allocc.compiler.binding import assignment
from allocc.compiler.binding.horizon import make_time
from allocc.compiler.data import errors as data_errors
from allocc.compiler.data.tables import DataTable, file_in, read_table
from allocc.compiler.evaluating.aligned import assign, full
from allocc.compiler.evaluating.evaluator import Evaluator
from allocc.compiler.evaluating.values import is_small
from allocc.compiler.failures import NeedsTime
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.structure import Declarations, describe
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.context import Context
from allocc.compiler.scoping.model import (
    CompartmentSymbol,
    FlowSymbol,
    Horizon,
    LetSymbol,
    ParameterSymbol,
    ReportSymbol,
)
from allocc.compiler.scoping.scope import Scope
from allocc.compiler.scoping.symbols import Symbols
from allocc.compiler.scoping.usage import Usage
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector, Diagnostic
from allocc.dsl.tree import Span

#: Definitions that need each other in a chain longer than this are refused.
DEEPEST = 150


class Resolver(Symbols):
    """The part of a binder that makes of each declared name what it means."""

    def __init__(
        self,
        declarations: Declarations,
        data: Path,
        settings: dict[str, Any],
        collector: Collector,
    ) -> None:
        super().__init__(declarations, settings, Usage(), collector)
        self.folder = data
        # What is data before anything is decided is so before interventions, too.
        self.evaluator = Evaluator(self, Context(effects=False))
        self.time: Horizon | None = None
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

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods; None while they are being found out."""
        return None if self.time_name in self._active else super().time_sets()

    def function(self, name: str) -> tree.Function | None:
        """A declared function."""
        if name in self._poisoned:
            raise failures.Poisoned(name)
        return super().function(name)

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
                return assignment.make_decision(
                    statement, *self.evaluator.space(statement.index), self.evaluator
                )
            case tree.Report():
                return ReportSymbol(statement, *self.evaluator.space(statement.index))
            case _:
                return statement

    def _table(self, statement: tree.Table) -> DataTable:
        written, span = statement.file.value, statement.file.span
        path = file_in(self.folder, written, span)
        if not self.folder.is_dir():
            missing = data_errors.missing_folder(str(self.folder), self.folder.exists(), span)
            raise self._once("data folder", missing)
        name, keys = statement.name.name, statement.keys
        return read_table(name, path, str(self.folder), written, keys, span, self._sets_of(name))

    def _sets_of(self, table: str) -> tuple[tuple[str, str], ...]:
        """The sets that are declared as columns of a table: the column and the name of each."""
        return tuple(
            (s.value.column.name, name)
            for name, s in self.declared.every(tree.SetDeclaration).items()
            if isinstance(s.value, tree.Field) and s.value.table.name == table
        )

    def _set(self, statement: tree.SetDeclaration) -> IndexSet:
        found = self.evaluator.index_set(statement.value, Scope())
        name = statement.name.name
        if not len(found) and isinstance(statement.value, tree.SetLiteral | tree.Range):
            raise failures.Failed(scoping_errors.empty_set(name, statement.name.span))
        if isinstance(statement.value, tree.Name):
            return found
        # A filter that keeps everything gives back the set that it filters.
        return found.alias(name) if isinstance(statement.value, tree.Field) else found.named(name)

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
        space, sets = self.evaluator.space(statement.index)
        return FlowSymbol(statement, space, sets, self._effects(statement, "+="))

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
        space, sets = self.evaluator.space(statement.index)
        values = assignment.parameter_values(statement, space, sets, self.evaluator)
        return ParameterSymbol(statement, space, sets, values, self._effects(statement, "*="))

    def _effects(
        self, statement: tree.Flow | tree.Parameter, operator: str
    ) -> tuple[tree.Effect, ...]:
        """The effects that act on a flow or a parameter."""
        name = statement.name.name
        every = self.declared.effects
        return tuple(e for e in every if e.name.name == name and e.operator == operator)

    def _compartment(self, statement: tree.Compartment) -> CompartmentSymbol:
        time = self.need_time("compartment", statement.span)
        self._without_time("compartment", statement)
        space, sets = self.evaluator.space(statement.index)
        shape = tuple(len(x) for x in (*sets, time.points))
        variable = assignment.make_variable(
            statement,
            "state",
            (*sets, time.points),
            self.declared,
            lower=np.zeros(shape),
            upper=np.full(shape, np.inf),
            # The index itself may run over some points of the time; the compartment's own come last.
            time_axis=len(sets),
        )
        return CompartmentSymbol(statement, space, variable)

    def need_time(self, word: str, span: Span) -> Horizon:
        """The model's time; raises where it has none, which the statement `word` needs."""
        if self.time is None:
            if self.time_name is None:
                raise self._once("time", names_errors.no_time(word, span))
            self.resolve(self.time_name)
        assert self.time is not None
        return self.time

    def _let(self, statement: tree.Let) -> LetSymbol:
        space, sets = self.evaluator.space(statement.index)
        # A parameter that interventions act on is no data: it has a value at each time.
        evaluator = self.evaluator.within(effects=True, time_required=True)
        try:
            node = assign(statement.name.name, statement.value, space, sets, evaluator)
        except NeedsTime:
            if self.time_name is None or self.time_name in self._active:
                raise
            self.resolve(self.time_name)
            return LetSymbol(statement, space, sets, "implicit")
        if isinstance(node, Data):
            return LetSymbol(statement, space, sets, "data", full(node, space))
        if is_small(node):
            return LetSymbol(statement, space, sets, "inline")
        variable = assignment.make_variable(
            statement, "definition", sets, self.declared, axes=space.axes, value=node
        )
        return LetSymbol(statement, space, sets, "definition", variable=variable)
