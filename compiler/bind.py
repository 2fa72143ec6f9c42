"""Binding: a tree and its data become a `Model`. Names are resolved on demand, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from allocc.compiler import assignment, errors, units
from allocc.compiler.evaluator import Evaluator
from allocc.compiler.expression import (
    Data,
    Node,
    Reduce,
    Reference,
    Variable,
    add,
    children,
    is_affine,
    multiply,
)
from allocc.compiler.index import Axis, Coordinate, IndexSet, join_axes
from allocc.compiler.library import expand_uses
from allocc.compiler.model import (
    CompartmentSymbol,
    FlowSymbol,
    LetSymbol,
    Model,
    ParameterSymbol,
    Time,
    enter,
)
from allocc.compiler.scope import Now, Scope
from allocc.compiler.spaces import Space, bind_index
from allocc.compiler.structure import BUILTIN, Declarations, declare
from allocc.compiler.tables import Table, read_table
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.tree import Span

T = TypeVar("T")


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
    statements = expand_uses(file, path, collector)
    declarations = declare(statements, collector)
    binder = Binder(declarations, data, dict(settings or {}), collector)
    return binder.bind(file, path)


class Binder:
    """Resolves the names of one model; the evaluator asks it for them."""

    def __init__(
        self,
        declarations: Declarations,
        data: Path,
        settings: dict[str, Any],
        collector: Collector,
    ) -> None:
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

    # --- the whole model ------------------------------------------------------------------

    def bind(self, file: tree.File, path: Path | None) -> Model:
        """Resolve every declaration, collecting the mistakes of all of them."""
        d = self.declared
        for name in self.settings:
            base = name.split("[", 1)[0]
            if base not in d.parameters:
                self.collector.add(errors.unknown_setting(base, d.parameters))
        for name in d.names:
            self.attempt(lambda name=name: self.resolve(name))  # type: ignore[misc]
        for initial in d.initials.values():
            self.attempt(lambda initial=initial: self._initial(initial))  # type: ignore[misc]
        for name, statement in d.compartments.items():
            if name not in d.initials and name not in self._poisoned:
                self.collector.add(errors.no_initial(name, statement.name.span))
        for effect in d.effects:
            self.attempt(lambda effect=effect: self._effect(effect))  # type: ignore[misc]
        self.collector.raise_errors()
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
            objective=d.objective,
            sets={n: get[n] for n in d.sets},
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
        return None

    def resolve(self, name: str) -> Any:
        """The symbol of a declared name; raises `Failed` the first time, `Poisoned` afterwards."""
        if name in self._resolved:
            return self._resolved[name]
        if name in self._poisoned:
            raise errors.Poisoned(name)
        statement = self.declared.names[name]
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
                space, sets = self.space(statement.index)
                return FlowSymbol(statement, space, sets)
            case tree.Decide():
                return self._decide(statement)
            case _:
                return statement

    def space(
        self, index: tree.Index | None, scope: Scope | None = None
    ) -> tuple[Space, tuple[IndexSet, ...]]:
        """Bind a declared index."""
        space = bind_index(index, scope or Scope(), self.evaluator, self.time_name)
        return space, space.sets()

    # --- declarations ---------------------------------------------------------------------

    def _table(self, statement: tree.Table) -> Table:
        shown = statement.file.value
        folder = self.folder.resolve()
        path = (folder / shown).resolve()
        if not path.is_relative_to(folder):
            raise errors.Failed(errors.file_outside(shown, statement.file.span))
        return read_table(statement.name.name, path, shown, statement.keys, statement.file.span)

    def _set(self, statement: tree.SetDeclaration) -> IndexSet:
        found = self.evaluator.index_set(statement.value, Scope())
        if not len(found):
            raise errors.Failed(errors.empty_set(statement.name.name, statement.span))
        if not isinstance(statement.value, tree.Name):
            found.name = statement.name.name
            if found.arity == 1:
                found.component_names = (statement.name.name,)
        return found

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
        space, sets = self.space(statement.index)
        sets = (*sets, self.time.points)
        name = statement.name.name
        variable = Variable(
            name,
            "state",
            sets,
            unit=units.text(statement.unit),
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
        kind = self.declared.names.get(name)
        wanted = "a flow" if statement.operator == "+=" else "a parameter"
        if kind is None:
            pool = self.declared.flows if statement.operator == "+=" else self.declared.parameters
            raise errors.Failed(errors.unknown_name(name, statement.name.span, pool))
        right = tree.Flow if statement.operator == "+=" else tree.Parameter
        if not isinstance(kind, right):
            other = "*=" if statement.operator == "+=" else "+="
            hint = f"`{other}` acts on {'a parameter' if other == '*=' else 'a flow'}"
            raise errors.Failed(
                errors.wrong_kind(name, describe(kind), wanted, statement.name.span, hint)
            )
        self.used.add(name)
        symbol = self.resolve(name)
        if len(statement.index.binders if statement.index else ()) not in (0, len(symbol.sets)):
            sets = [s.name for s in symbol.sets]
            count = len(statement.index.binders) if statement.index else 0
            raise errors.Failed(errors.wrong_index_count(name, sets, count, statement.name.span))
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
            unit=units.text(statement.unit),
            description=statement.description or "",
            span=statement.span,
            statement=f"let {name}",
            axes=space.axes,
            value=node,
            time_axis=next((k for k, s in enumerate(sets) if s.kind == "time"), None),
        )
        return LetSymbol(statement, space, sets, "definition", variable=variable)

    # --- what the evaluator asks -----------------------------------------------------------

    @property
    def time_name(self) -> str | None:
        """The time's name."""
        return self.declared.time_name

    def time_sets(self) -> tuple[IndexSet, IndexSet] | None:
        """The time's points and periods."""
        name = self.declared.time_name
        if name is None:
            return None
        time: Time = self.resolve(name)
        return time.points, time.periods

    def function(self, name: str) -> tree.Function | None:
        """A declared function."""
        self.used.add(name)
        found = self.declared.names.get(name)
        return found if isinstance(found, tree.Function) else None

    def function_names(self) -> list[str]:
        """The declared functions."""
        return [n for n, s in self.declared.names.items() if isinstance(s, tree.Function)]

    def table(self, identifier: tree.Identifier) -> Table:
        """A declared table."""
        statement = self.declared.names.get(identifier.name)
        if statement is None:
            tables = [n for n, s in self.declared.names.items() if isinstance(s, tree.Table)]
            raise errors.Failed(errors.unknown_name(identifier.name, identifier.span, tables))
        if not isinstance(statement, tree.Table):
            raise errors.Failed(
                errors.wrong_kind(identifier.name, describe(statement), "a table", identifier.span)
            )
        self.used.add(identifier.name)
        found: Table = self.resolve(identifier.name)
        return found

    def set_named(self, name: tree.Name) -> IndexSet | None:
        """A declared set, or the time's points or periods."""
        if name.name == "period" and self.time_sets() is not None:
            return self.time_sets()[1]  # type: ignore[index]
        statement = self.declared.names.get(name.name)
        if statement is None:
            sets = [
                n
                for n, s in self.declared.names.items()
                if isinstance(s, tree.SetDeclaration | tree.Time)
            ]
            raise errors.Failed(errors.unknown_name(name.name, name.span, sets))
        self.used.add(name.name)
        if isinstance(statement, tree.Time):
            return self.time_sets()[0]  # type: ignore[index]
        if isinstance(statement, tree.SetDeclaration):
            found: IndexSet = self.resolve(name.name)
            return found
        return None

    def value(
        self, name: tree.Name, scope: Scope, indices: Sequence[tree.Expression] | None
    ) -> Node:
        """The value of a declared name, subscripted or bare."""
        statement = self.declared.names.get(name.name)
        if statement is None:
            if name.name in ("start", "end", "period") and self.time_name is not None:
                raise errors.Failed(
                    errors.wrong_kind(
                        name.name,
                        "a place in time",
                        "a number",
                        name.span,
                        f"compare it with `{self.time_name}`, or use it as an index",
                    )
                )
            pool = [*self.declared.names, *scope.locals, *BUILTIN]
            raise errors.Failed(errors.unknown_name(name.name, name.span, pool))
        self.used.add(name.name)
        if isinstance(statement, tree.Time):
            if scope.now is not None:
                return self.evaluator._labels(scope.now.point, name.span)
            raise errors.Failed(
                errors.wrong_kind(
                    name.name,
                    "the time",
                    "a number",
                    name.span,
                    f"bind it, as in `sum({name.name}: ...)`",
                )
            )
        symbol = self.resolve(name.name)
        match symbol:
            case ParameterSymbol():
                return self._parameter_value(symbol, name, scope, indices)
            case LetSymbol():
                return self._let_value(symbol, name, scope, indices)
            case Variable():
                return self._variable_value(symbol, name, scope, indices)
            case CompartmentSymbol(variable=variable):
                return self._variable_value(variable, name, scope, indices)
            case FlowSymbol():
                return self._flow_value(symbol, name, scope, indices)
            case _:
                raise errors.Failed(
                    errors.wrong_kind(name.name, describe(statement), "a value", name.span)
                )

    def _pick(
        self,
        name: tree.Name,
        sets: tuple[IndexSet, ...],
        indices: Sequence[tree.Expression] | None,
        scope: Scope,
    ) -> tuple[list[Coordinate], Any, tuple[Axis, ...], Node | None]:
        if indices is None:
            return self.evaluator.fill(sets, [None] * len(sets), scope), None, (), None
        if not sets:
            raise errors.Failed(errors.not_indexed(name.name, name.span))
        span = name.span
        last = [i for i in indices if hasattr(i, "span")]
        if last:
            span = Span(span.source, span.start, min(last[-1].span.stop + 1, len(span.source.text)))
        return self.evaluator.pick(name.name, sets, indices, scope, span)

    def _parameter_value(
        self,
        symbol: ParameterSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
    ) -> Node:
        now = scope.now
        total = sum(s.arity for s in symbol.sets)
        if symbol.effects and indices is not None and len(indices) == total + 1:
            now = self._now_at(indices[-1], scope)
            indices = indices[:-1] or None
        found, mask, axes, fallback = self._pick(name, symbol.sets, indices, scope)
        if symbol.sets:
            value: Node = self.evaluator.gather(symbol.values, symbol.sets, found, name.span)
        else:
            value = Data((), symbol.values, name.span)
        if symbol.effects and now is None and self._active_dynamics:
            raise errors.Failed(errors.needs_time(name.name, name.span))
        if symbol.effects and now is not None:
            for effect in symbol.effects:
                value = multiply(self._effect_value(effect, symbol.space, found, scope, now), value)
        return self.evaluator.masked(value, mask, axes, fallback)

    #: Set while objectives and limits are compiled: there a scaled parameter needs its time.
    _active_dynamics = False

    def _effect_value(
        self,
        effect: tree.Effect,
        space: Space,
        coordinates: Sequence[Coordinate],
        scope: Scope,
        now: Now,
    ) -> Node:
        own, _ = self.space(effect.index)
        if effect.index is None:
            inner = enter(space, tuple(coordinates), Scope(depth=scope.depth), now)
        else:
            inner = enter(own, tuple(coordinates), Scope(depth=scope.depth), now)
        return self.evaluator.number(effect.value, self._with_time(inner, now))

    def _with_time(self, scope: Scope, now: Now) -> Scope:
        assert self.time_name is not None
        if self.time_name in scope.locals:
            return scope
        return scope.with_names({self.time_name: now.point})

    def _now_at(self, e: tree.Expression, scope: Scope) -> Now:
        times = self.time_sets()
        if times is None:
            raise errors.Failed(errors.not_indexed(e.span.text, e.span))
        point = self.evaluator.coordinate(e, times[0], scope)
        return Now(point, point.into(times[1]))

    def _let_value(
        self,
        symbol: LetSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
    ) -> Node:
        now = scope.now
        if symbol.mode == "implicit":
            total = sum(s.arity for s in symbol.sets)
            if indices is not None and len(indices) == total + 1:
                now = self._now_at(indices[-1], scope)
                if now.point.outside:
                    raise errors.Failed(
                        errors.outside_set(
                            name.name, now.point.set.name, ["?"], name.span, lag=True
                        )
                    )
                indices = indices[:-1] or None
            if now is None:
                raise errors.Failed(errors.needs_time(name.name, name.span))
        found, mask, axes, fallback = self._pick(name, symbol.sets, indices, scope)
        value: Node
        if symbol.mode == "data":
            assert symbol.values is not None
            value = (
                self.evaluator.gather(symbol.values, symbol.sets, found, name.span)
                if symbol.sets
                else Data((), symbol.values, name.span)
            )
        elif symbol.mode == "definition":
            assert symbol.variable is not None
            value = reference(symbol.variable, found, name.span)
        else:
            inner = enter(symbol.space, tuple(found), Scope(depth=scope.depth), now)
            if now is not None:
                inner = self._with_time(inner, now)
            value = self.evaluator.number(symbol.statement.value, inner)
        return self.evaluator.masked(value, mask, axes, fallback)

    def _variable_value(
        self,
        variable: Variable,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
    ) -> Node:
        if variable.kind == "state" or variable.time_axis is not None:
            given = sum(1 for i in indices or () if hasattr(i, "span"))
            total = sum(s.arity for s in variable.sets)
            if scope.now is not None and 0 < given == total - 1:
                # All indices but the time: the current time is meant.
                assert indices is not None and self.time_name is not None
                place = sum(s.arity for s in variable.sets[: variable.time_axis])
                here = tree.Name(self.time_name, name.span)
                indices = (*indices[:place], here, *indices[place:])
                scope = scope.with_names({self.time_name: scope.now.point})
            elif (
                variable.kind == "state"
                and scope.now is None
                and not scope.anonymous.fresh
                and given == total - 1
            ):
                raise errors.Failed(errors.needs_time(name.name, name.span))
        found, mask, axes, fallback = self._pick(name, variable.sets, indices, scope)
        value = reference(variable, found, name.span)
        return self.evaluator.masked(value, mask, axes, fallback)

    def _flow_value(
        self,
        symbol: FlowSymbol,
        name: tree.Name,
        scope: Scope,
        indices: Sequence[tree.Expression] | None,
    ) -> Node:
        assert self.time is not None
        sets = (*symbol.sets, self.time.periods)
        found, mask, axes, fallback = self._pick(name, sets, indices, scope)
        point = found[-1].into(self.time.points)
        value = self.flow_node(symbol, tuple(found[:-1]), Now(point, found[-1]))
        return self.evaluator.masked(value, mask, axes, fallback)

    def flow_node(self, symbol: FlowSymbol, coordinates: tuple[Coordinate, ...], now: Now) -> Node:
        """A flow's amount per unit of time at coordinates, with all effects on it."""
        inner = self._with_time(enter(symbol.space, coordinates, Scope(), now), now)
        total = self.evaluator.number(symbol.statement.value, inner)
        for effect in symbol.effects:
            total = add(total, self._effect_value(effect, symbol.space, coordinates, Scope(), now))
        return total


def reference(variable: Variable, coordinates: Sequence[Coordinate], span: Span) -> Reference:
    """A variable at coordinates."""
    axes = join_axes(*(c.axes for c in coordinates))
    return Reference(variable, tuple(coordinates), axes, span)


def is_small(node: Node) -> bool:
    """Whether an affine expression is short enough to stand wherever it is used."""
    if not is_affine(node):
        return False
    count = 0
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, Reduce):
            return False
        count += isinstance(n, Reference)
        stack.extend(children(n))
    return count <= 2


_KINDS = {
    tree.Table: "a table",
    tree.SetDeclaration: "a set",
    tree.Parameter: "a parameter",
    tree.Let: "a let",
    tree.Time: "the time",
    tree.Compartment: "a compartment",
    tree.Flow: "a flow",
    tree.Decide: "a decision",
    tree.Function: "a function",
    tree.Intervention: "an intervention",
    tree.UnitDeclaration: "a unit",
}


def describe(statement: object) -> str:
    """What kind of thing a statement declares, in words."""
    return _KINDS.get(type(statement), "something else")  # type: ignore[call-overload,no-any-return]
