"""Binding: a tree and its data become a `BoundModel`, with every independent mistake reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from allocc.compiler import failures
from allocc.compiler.algebra.index import same_sets
from allocc.compiler.arrays import FloatArray
from allocc.compiler.binding import assignment
from allocc.compiler.binding.policies import policy
from allocc.compiler.binding.resolution import Resolver
from allocc.compiler.binding.uncertainty import scenario, uncertain
from allocc.compiler.data import errors as data_errors
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.names import errors as names_errors
from allocc.compiler.names.fits import check_fits
from allocc.compiler.names.library import expand_uses
from allocc.compiler.names.structure import Declarations, declare, describe, first_span, recursions
from allocc.compiler.names.uncertainty import check_uncertainty
from allocc.compiler.scoping import errors as scoping_errors
from allocc.compiler.scoping.model import BoundModel, CompartmentSymbol
from allocc.compiler.units.unit_check import check_units
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector


def bind(
    file: tree.File,
    data: Path,
    settings: Mapping[str, Any] | None = None,
    path: Path | None = None,
) -> BoundModel:
    """Bind a parsed file to the data folder and to the values that are set from outside.

    Raises `DiagnosticError` with every independent mistake. Warnings are kept in `BoundModel.diagnostics`.
    """
    collector = Collector()
    statements, lost = expand_uses(file, path, collector)
    declarations = declare(statements, collector, lost)
    binder = ModelBinder(declarations, data, dict(settings or {}), collector)
    with deep_recursion():
        return binder.bind(file, path)


class ModelBinder(Resolver):
    """Binds one model."""

    def __init__(
        self, declared: Declarations, data: Path, settings: dict[str, Any], collector: Collector
    ) -> None:
        super().__init__(declared, data, settings, collector)
        self._initials: dict[str, FloatArray] = {}

    def bind(self, file: tree.File, path: Path | None) -> BoundModel:
        """Resolve every declaration, collecting the mistakes of all of them."""
        d = self.declared
        for name in self.settings:
            self.attempt(self._check_setting, name)
        # A model that decides nothing may be there to be simulated only.
        undecided = d.objective is None and not d.every(tree.Decide)
        if not undecided and (d.objective is None or not d.objective.terms):
            span = d.objective.span if d.objective is not None else first_span(file)
            what = "terms in its objective" if d.objective is not None else "objective"
            why = "say what is best: `minimize { cost : EXPRESSION }`"
            self.collector.add(names_errors.missing_statement(what, why, span))
        for circle in recursions(d):
            self._poisoned.update(circle)
            self.collector.add(names_errors.circular(circle, d.names[circle[0]].name.span))
        for name in d.names:
            if name not in d.only_in_fits:
                self.attempt(self.resolve, name)
        for initial in d.initials.values():
            self.attempt(self._initial, initial)
        for name, statement in d.compartments.items():
            if name not in d.initials and name not in self._poisoned | d.broken:
                self.collector.add(names_errors.no_initial(name, statement.name.span))
        policies = [policy(statement, self) for statement in d.policies]
        distributed = [self.attempt(uncertain, statement, self) for statement in d.uncertain]
        for effect in d.effects:
            self.attempt(self._effect, effect)
        for diagnostic in (*check_fits(d), *check_uncertainty(d)):
            self.collector.add(diagnostic)
        found_units = self.attempt(check_units, d, self.collector)
        self.collector.raise_errors()
        assert found_units is not None
        get = dict(self._resolved)
        for name, values in self._initials.items():
            get[name] = replace(get[name], initial=values)
        return BoundModel(
            name=d.header.name.name if d.header else (path.stem if path else "model"),
            title=(d.header.title if d.header else None) or "",
            path=path,
            tree=file,
            time=self.time,
            decisions=[get[n] for n in d.every(tree.Decide)],
            compartments={n: get[n] for n in d.compartments},
            flows={n: get[n] for n in d.every(tree.Flow)},
            parameters={n: get[n] for n in d.every(tree.Parameter)},
            lets={n: get[n] for n in d.every(tree.Let)},
            limits=d.limits,
            prefers=d.prefers,
            chances=d.chances,
            reports=[get[n] for n in d.every(tree.Report)],
            policies=policies,
            uncertain=[u for u in distributed if u is not None],
            scenario=None if d.scenario is None else scenario(d.scenario),
            objective=d.objective,
            sets={n: get[n] for n in d.every(tree.SetDeclaration)},
            units=found_units,
            declared=d,
            symbols=get,
            settings=self.settings,
            usage=self.usage,
            expanded=self.evaluator.expanded,
            diagnostics=tuple(self.collector.diagnostics),
        )

    def _check_setting(self, name: str) -> None:
        base, bracket, rest = name.partition("[")
        if base not in self.declared.every(tree.Parameter):
            statement = self.declared.names.get(base)
            is_a = describe(statement) if statement is not None else None
            raise failures.Failed(
                data_errors.unknown_setting(base, is_a, self.declared.every(tree.Parameter))
            )
        if bracket and (not rest.endswith("]") or rest == "]"):
            reason = "the closing bracket or the label is missing"
            raise failures.Failed(
                data_errors.bad_setting(name, reason, f"write --set {base}[LABEL]=VALUE")
            )

    def _initial(self, statement: tree.Initial) -> None:
        name = statement.name.name
        symbol = self.resolve(name)
        assert isinstance(symbol, CompartmentSymbol)
        self._initials[name] = assignment.initial_values(statement, symbol, self.evaluator)

    def _effect(self, statement: tree.Effect) -> None:
        name = statement.name.name
        if name in self.declared.broken:
            raise failures.Poisoned(name)
        adds = statement.operator == "+="
        kind = self.declared.names.get(name)
        if kind is None:
            pool = self.declared.every(tree.Flow) if adds else self.declared.every(tree.Parameter)
            what = "flow" if adds else "parameter"
            raise self.unknown(
                name, names_errors.unknown_name(name, statement.name.span, pool, what)
            )
        if not isinstance(kind, tree.Flow if adds else tree.Parameter):
            hint = "an effect acts on a flow with `+=`, or on a parameter with `*=`"
            wanted = "a flow" if adds else "a parameter"
            raise failures.Failed(
                names_errors.wrong_kind(name, describe(kind), wanted, statement.name.span, hint)
            )
        symbol = self.resolve(name)
        self.need_time("effect", statement.span)
        if statement.index is not None:
            _, given = self.evaluator.space(statement.index)
            if not same_sets(symbol.sets, given):
                names = [s.name for s in given]
                wanted_names = [s.name for s in symbol.sets]
                span = statement.index.span
                raise failures.Failed(scoping_errors.effect_index(name, wanted_names, names, span))
