"""Binding: a tree and its data become a `Model`. Names are resolved on demand, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from allocc.compiler import assignment, errors
from allocc.compiler.dimensions.check import check_units
from allocc.compiler.evaluator import Evaluator
from allocc.compiler.expression import (
    Data,
    Variable,
)
from allocc.compiler.index import IndexSet, same_sets
from allocc.compiler.library import expand_uses
from allocc.compiler.model import (
    CompartmentSymbol,
    FlowSymbol,
    LetSymbol,
    Model,
    ParameterSymbol,
    ReportSymbol,
    Time,
)
from allocc.compiler.program import FloatArray
from allocc.compiler.scope import Scope
from allocc.compiler.structure import Declarations, declare, describe, first_span, recursions
from allocc.compiler.symbols import Known
from allocc.compiler.tables import Table, read_table
from allocc.compiler.units import shown
from allocc.compiler.values import Values, deep_recursion, is_small
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.tree import Span

T = TypeVar("T")

#: Definitions that need each other in a chain longer than this are refused.
DEEPEST = 150


def bind(
    file: tree.File,
    data: Path,
    settings: Mapping[str, Any] | None = None,
    path: Path | None = None,
) -> Model:
    """Bind a parsed file to the data folder and to the values that are set from outside.

    Raises `AlloccError` with every independent mistake. Warnings are kept in `Model.diagnostics`.
    """
    collector = Collector()
    statements, lost = expand_uses(file, path, collector)
    declarations = declare(statements, collector)
    declarations.broken |= lost
    binder = Binder(declarations, data, dict(settings or {}), collector)
    with deep_recursion():
        return binder.bind(file, path)


class Binder(Values):
    """Resolves the names of one model; the evaluator asks it for them."""

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
        self._resolved: dict[str, Any] = {}
        self._poisoned: set[str] = set()
        self._active: list[str] = []
        self._folder_reported = False
        self._time_reported = False
        self._deep_reported = False
        self.partly_used: set[tuple[str, str]] = set()

    # --- the whole model ------------------------------------------------------------------

    def bind(self, file: tree.File, path: Path | None) -> Model:
        """Resolve every declaration, collecting the mistakes of all of them."""
        d = self.declared
        for name in self.settings:
            self.attempt(lambda name=name: self._check_setting(name))  # type: ignore[misc]
        # A model that decides nothing may be there to be simulated only.
        undecided = d.objective is None and not d.decisions
        if not undecided and (d.objective is None or not d.objective.terms):
            span = d.objective.span if d.objective is not None else first_span(file)
            what = "terms in its objective" if d.objective is not None else "objective"
            why = "say what is best: `minimize { cost : EXPRESSION }`"
            self.collector.add(errors.missing_statement(what, why, span))
        for circle in recursions(d):
            self._poisoned.update(circle)
            self.collector.add(errors.circular(circle, d.names[circle[0]].name.span))
        for name in d.names:
            self.attempt(lambda name=name: self.resolve(name))  # type: ignore[misc]
        for initial in d.initials.values():
            self.attempt(lambda initial=initial: self._initial(initial))  # type: ignore[misc]
        for name, statement in d.compartments.items():
            if name not in d.initials and name not in self._poisoned | d.broken:
                self.collector.add(errors.no_initial(name, statement.name.span))
        for effect in d.effects:
            self.attempt(lambda effect=effect: self._effect(effect))  # type: ignore[misc]
        found_units = self.attempt(lambda: check_units(d, self.collector))
        self.collector.raise_errors()
        assert found_units is not None
        get = self._resolved
        return Model(
            name=d.header.name.name if d.header else (path.stem if path else "model"),
            title=(d.header.title if d.header else None) or "",
            path=path,
            tree=file,
            time=self.time,
            decisions=[get[n] for n in d.decisions],
            compartments={n: get[n] for n in d.compartments},
            flows={n: get[n] for n in d.flows},
            parameters={n: get[n] for n in d.parameters},
            lets={n: get[n] for n in d.lets},
            limits=d.limits,
            prefers=d.prefers,
            chances=d.chances,
            reports=[get[n] for n in d.reports],
            objective=d.objective,
            sets={n: get[n] for n in d.sets},
            units=found_units,
            binder=self,
            diagnostics=list(self.collector.diagnostics),
        )

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Run an action; report what fails, say nothing where a cause is reported already."""
        try:
            return action()
        except errors.Failed as failed:
            for diagnostic in failed.diagnostics:
                self.collector.add(diagnostic)
        except errors.Poisoned:
            pass
        except RecursionError:
            self.collector.add(errors.nested_too_deep("the model", None))
        return None

    def _check_setting(self, name: str) -> None:
        base, bracket, rest = name.partition("[")
        if base not in self.declared.parameters:
            statement = self.declared.names.get(base)
            is_a = describe(statement) if statement is not None else None
            raise errors.Failed(errors.unknown_setting(base, is_a, self.declared.parameters))
        if bracket and (not rest.endswith("]") or rest == "]"):
            reason = "the closing bracket or the label is missing"
            raise errors.Failed(
                errors.bad_setting(name, reason, f"write --set {base}[LABEL]=VALUE")
            )

    def resolve(self, name: str) -> Any:
        """The symbol of a declared name; raises `Failed` the first time, `Poisoned` afterwards."""
        if name in self._resolved:
            return self._resolved[name]
        if name in self._poisoned:
            raise errors.Poisoned(name)
        statement = self.declared.names[name]
        if len(self._active) > DEEPEST:
            if self._deep_reported:
                raise errors.Poisoned(name)
            self._deep_reported = True
            raise errors.Failed(errors.nested_too_deep(f"'{name}'", statement.name.span))
        if name in self._active:
            cycle = self._active[self._active.index(name) :]
            self._poisoned.update(cycle)
            raise errors.Failed(errors.circular(cycle, statement.name.span))
        self._active.append(name)
        try:
            symbol = self._resolve(statement)
        except (errors.Failed, errors.Poisoned):
            self._poisoned.add(name)
            raise
        finally:
            self._active.pop()
        self._resolved[name] = symbol
        return symbol

    def _resolve(self, statement: Any) -> Any:
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
                return self._time(statement)
            case tree.Compartment():
                return self._compartment(statement)
            case tree.Flow():
                return self._flow(statement)
            case tree.Decide():
                return self._decide(statement)
            case tree.Report():
                return ReportSymbol(statement, *self.space(statement.index))
            case _:
                return statement

    # --- declarations ---------------------------------------------------------------------

    def _table(self, statement: tree.Table) -> Table:
        shown, span = statement.file.value, statement.file.span
        try:
            folder = self.folder.resolve()
            path = (folder / shown).resolve()
            if not folder.is_dir():
                raise self._no_folder(span)
        except (OSError, ValueError, RuntimeError):
            reason = "this is not the name of a file"
            raise errors.Failed(errors.unreadable_file(shown, reason, span)) from None
        if not path.is_relative_to(folder):
            raise errors.Failed(errors.file_outside(shown, span))
        return read_table(statement.name.name, path, str(self.folder), shown, statement.keys, span)

    def _no_folder(self, span: Span) -> Exception:
        """The error for a data folder that is not there; for further tables it is known."""
        if self._folder_reported:
            return errors.Poisoned("data folder")
        self._folder_reported = True
        is_file = self.folder.exists()
        return errors.Failed(errors.missing_folder(str(self.folder), is_file, span))

    def _set(self, statement: tree.SetDeclaration) -> IndexSet:
        found = self.evaluator.index_set(statement.value, Scope())
        name = statement.name.name
        if not len(found):
            raise errors.Failed(errors.empty_set(name, statement.name.span))
        if isinstance(statement.value, tree.SetFilter):
            # A filter that keeps everything gives back the set that it filters.
            found = IndexSet(found.name, found.components, found.kind, found.component_names)
        if not isinstance(statement.value, tree.Name):
            found.name = name
            if found.arity == 1:
                found.component_names = (name,)
        return found

    def _flow(self, statement: tree.Flow) -> FlowSymbol:
        compartments = self.declared.compartments
        for side in (statement.origin, statement.target):
            if side is None:
                continue
            base = side if isinstance(side, tree.Name) else side.base
            assert isinstance(base, tree.Name)
            if base.name in self.declared.broken:
                raise errors.Poisoned(base.name)
            if base.name in compartments:
                continue
            other = self.declared.names.get(base.name)
            if other is not None:
                raise errors.Failed(
                    errors.wrong_kind(base.name, describe(other), "a compartment", base.span)
                )
            hint = f"declare it: `compartment {base.name}`"
            raise self.unknown(
                base.name,
                errors.unknown_name(base.name, base.span, compartments, "compartment", hint),
            )
        if statement.origin is not None and statement.origin == statement.target:
            assert statement.target is not None
            text, span = statement.target.span.text, statement.target.span
            raise errors.Failed(errors.same_compartment(statement.name.name, text, span))
        if self.time is None:
            self._need_time("flow", statement.span)
        self._without_time("flow", statement)
        space, sets = self.space(statement.index)
        return FlowSymbol(statement, space, sets)

    def _without_time(self, word: str, statement: tree.Flow | tree.Compartment) -> None:
        """Raise where a statement that changes with time anyway is indexed by time."""
        for binder in statement.index.binders if statement.index is not None else ():
            e = binder.set_expression
            if isinstance(e, tree.Name) and e.name in (self.time_name, "period"):
                where = f"in the index of a {word}"
                hint = f"leave it out: a {word} changes with time anyway"
                raise errors.Failed(errors.misplaced_statement(e.name, where, binder.span, hint))

    def _time(self, statement: tree.Time) -> Time:
        self.time = assignment.make_time(statement, self.evaluator)
        return self.time

    def _parameter(self, statement: tree.Parameter) -> ParameterSymbol:
        space, sets = self.space(statement.index)
        values = assignment.parameter_values(statement, space, sets, self)
        return ParameterSymbol(statement, space, sets, values)

    def _compartment(self, statement: tree.Compartment) -> CompartmentSymbol:
        if self.time is None:
            self._need_time("compartment", statement.span)
        assert self.time is not None
        self._without_time("compartment", statement)
        space, sets = self.space(statement.index)
        sets = (*sets, self.time.points)
        name = statement.name.name
        variable = Variable(
            name,
            "state",
            sets,
            unit=self.unit_text(statement.unit),
            description=statement.description or "",
            span=statement.span,
            statement=f"compartment {name}",
            time_axis=len(sets) - 1,
        )
        variable.lower = np.zeros(variable.shape)
        variable.upper = np.full(variable.shape, np.inf)
        return CompartmentSymbol(statement, space, variable)

    def _need_time(self, word: str, span: Span) -> None:
        for name, statement in self.declared.names.items():
            if isinstance(statement, tree.Time):
                self.resolve(name)
                return
        if self._time_reported:
            raise errors.Poisoned("time")
        self._time_reported = True
        raise errors.Failed(errors.no_time(word, span))

    def _decide(self, statement: tree.Decide) -> Variable:
        return assignment.make_decision(statement, *self.space(statement.index), self)

    def _initial(self, statement: tree.Initial) -> None:
        self.used.add(statement.name.name)
        symbol = self.resolve(statement.name.name)
        assert isinstance(symbol, CompartmentSymbol)
        assignment.set_initial(statement, symbol, self)

    def _effect(self, statement: tree.Effect) -> None:
        name = statement.name.name
        if name in self.declared.broken:
            raise errors.Poisoned(name)
        adds = statement.operator == "+="
        kind = self.declared.names.get(name)
        if kind is None:
            pool = self.declared.flows if adds else self.declared.parameters
            what = "flow" if adds else "parameter"
            raise self.unknown(name, errors.unknown_name(name, statement.name.span, pool, what))
        if not isinstance(kind, tree.Flow if adds else tree.Parameter):
            hint = "an effect acts on a flow with `+=`, or on a parameter with `*=`"
            wanted = "a flow" if adds else "a parameter"
            raise errors.Failed(
                errors.wrong_kind(name, describe(kind), wanted, statement.name.span, hint)
            )
        self.used.add(name)
        symbol = self.resolve(name)
        if self.time is None:
            self._need_time("effect", statement.span)
        if statement.index is not None:
            _, given = self.space(statement.index)
            if not same_sets(symbol.sets, given):
                names = [s.name for s in given]
                wanted_names = [s.name for s in symbol.sets]
                span = statement.index.span
                raise errors.Failed(errors.effect_index(name, wanted_names, names, span))
        symbol.effects.append(statement)

    def _let(self, statement: tree.Let) -> LetSymbol:
        space, sets = self.space(statement.index)
        try:
            node = assignment.assign(statement.name.name, statement.value, space, sets, self)
        except errors.Failed as failed:
            if self.time is not None and all(x.code == "E4006" for x in failed.diagnostics):
                return LetSymbol(statement, space, sets, "implicit")
            raise
        if isinstance(node, Data):
            values = assignment.full(node, space)
            return LetSymbol(statement, space, sets, "data", values)
        if is_small(node):
            return LetSymbol(statement, space, sets, "inline")
        name = statement.name.name
        variable = Variable(
            name,
            "definition",
            sets,
            unit=self.unit_text(statement.unit),
            description=statement.description or "",
            span=statement.span,
            statement=f"let {name}",
            axes=space.axes,
            value=node,
            time_axis=next((k for k, s in enumerate(sets) if s.kind == "time"), None),
        )
        return LetSymbol(statement, space, sets, "definition", variable=variable)

    def unit_text(self, unit: tree.Unit | None) -> str:
        """A unit as reports show it; `time_unit` is the unit of the model's time."""
        time = self.declared.names.get(self.time_name or "")
        return shown(unit, time.unit if isinstance(time, tree.Time) else None)

    def report_values(self, symbol: ReportSymbol, known: Known) -> FloatArray:
        """A report over its whole index space, where everything is decided."""
        name = symbol.statement.name.name
        if name not in known.reports:
            value = symbol.statement.value
            with self._expanding(name):
                node = assignment.assign(name, value, symbol.space, symbol.sets, self, numeric=True)
            assert isinstance(node, Data)
            known.reports[name] = assignment.full(node, symbol.space).astype(float)
        return known.reports[name]

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
            raise errors.Poisoned(name)
        found = self.declared.names.get(name)
        return found if isinstance(found, tree.Function) else None

    def function_names(self) -> list[str]:
        """The declared functions."""
        return [n for n, s in self.declared.names.items() if isinstance(s, tree.Function)]

    def table(self, identifier: tree.Identifier) -> Table:
        """A declared table."""
        if identifier.name in self.declared.broken:
            raise errors.Poisoned(identifier.name)
        statement = self.declared.names.get(identifier.name)
        if statement is None:
            tables = [n for n, s in self.declared.names.items() if isinstance(s, tree.Table)]
            hint = f'declare it: `table {identifier.name} from "FILE.csv" key COLUMN`'
            raise self.unknown(
                identifier.name,
                errors.unknown_name(identifier.name, identifier.span, tables, "table", hint),
            )
        if not isinstance(statement, tree.Table):
            raise errors.Failed(
                errors.wrong_kind(identifier.name, describe(statement), "a table", identifier.span)
            )
        self.used.add(identifier.name)
        found: Table = self.resolve(identifier.name)
        return found

    def set_named(self, name: tree.Name) -> IndexSet | None:
        """A declared set, or the time's points or periods."""
        if name.name in self.declared.broken:
            raise errors.Poisoned(name.name)
        statement = self.declared.names.get(name.name)
        if statement is None:
            if name.name == "period":
                if self.declared.time_name is None:
                    raise self.unknown("period", errors.no_time("period", name.span))
                time: Time = self.resolve(self.declared.time_name)
                return time.periods
            sets = [
                n
                for n, s in self.declared.names.items()
                if isinstance(s, tree.SetDeclaration | tree.Time)
            ] + ["period"] * (self.declared.time_name is not None)
            hint = f"declare it: `set {name.name} = ...`"
            raise self.unknown(
                name.name, errors.unknown_name(name.name, name.span, sets, "set", hint)
            )
        self.used.add(name.name)
        found: Any = None
        if isinstance(statement, tree.Time):
            found = self.resolve(name.name).points
        elif isinstance(statement, tree.SetDeclaration):
            found = self.resolve(name.name)
        return found if isinstance(found, IndexSet) else None
