"""What a model declares, as far as notation needs it: which name runs over which sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allocc.compiler.names.library import expand_uses
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.words import TOTAL

PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Axis:
    """One entry of an index: the letters that stand for a member, and the set they run over."""

    letters: tuple[str, ...]
    members: tree.Expression
    key: str


@dataclass(frozen=True, slots=True)
class Acting:
    """An effect, and the intervention that it belongs to."""

    effect: tree.Effect
    intervention: tree.Intervention | None


@dataclass
class Declared:
    """The statements of a model by kind, in the order of the file, with what it uses."""

    title: str
    name: str
    statements: list[tree.Statement]
    tables: dict[str, tree.Table] = field(default_factory=dict)
    sets: list[tree.SetDeclaration] = field(default_factory=list)
    parameters: list[tree.Parameter] = field(default_factory=list)
    lets: list[tree.Let] = field(default_factory=list)
    reports: list[tree.Report] = field(default_factory=list)
    functions: list[tree.Function] = field(default_factory=list)
    compartments: list[tree.Compartment] = field(default_factory=list)
    initials: dict[str, tree.Initial] = field(default_factory=dict)
    flows: list[tree.Flow] = field(default_factory=list)
    decisions: list[tree.Decide] = field(default_factory=list)
    interventions: list[tree.Intervention] = field(default_factory=list)
    effects: list[Acting] = field(default_factory=list)
    limits: list[tree.Limit] = field(default_factory=list)
    prefers: list[tree.Prefer] = field(default_factory=list)
    chances: list[tree.Chance] = field(default_factory=list)
    objective: tree.Objective | None = None
    time: tree.Time | None = None
    axes: dict[str, tuple[Axis, ...]] = field(default_factory=dict)

    @property
    def clock(self) -> str:
        """The name of the time."""
        return self.time.name.name if self.time is not None else "t"

    def adds_up(self, call: tree.Call) -> bool:
        """Whether a call is the built-in amount over time, and no function of the model."""
        own = (f.name.name for f in self.functions)
        return call.function.name == TOTAL and TOTAL not in own

    def scaled(self, name: str) -> list[Acting]:
        """The effects that multiply a parameter."""
        return [a for a in self.effects if a.effect.name.name == name and a.effect.operator == "*="]

    def added(self, name: str) -> list[Acting]:
        """The effects that add to a flow."""
        return [a for a in self.effects if a.effect.name.name == name and a.effect.operator == "+="]

    def changes(self, name: str) -> bool:
        """Whether a name has one value for each point in time without saying so in its index."""
        states = {c.name.name for c in self.compartments}
        flows = {f.name.name for f in self.flows}
        return name in states or name in flows or bool(self.scaled(name))


def declared(file: tree.File, path: Path | None) -> Declared:
    """The declarations of a file; raises `AlloccError` where a file that it uses cannot be had."""
    collector = Collector()
    found, _ = expand_uses(file, path, collector)
    collector.raise_errors()
    header = next((s for s, _ in found if isinstance(s, tree.ModelHeader)), None)
    stem = path.stem if path is not None else "model"
    name = header.name.name if header is not None else stem
    title = (header.title if header is not None else None) or name
    d = Declared(title, name, [s for s, _ in found])
    _sort(d, d.statements, None)
    for statement in _indexed(d.statements):
        d.axes[statement.name.name] = axes(statement.index, d.clock)
    return d


def _sort(
    d: Declared, statements: Iterable[tree.Statement], inside: tree.Intervention | None
) -> None:
    for statement in statements:
        match statement:
            case tree.Table():
                d.tables[statement.name.name] = statement
            case tree.SetDeclaration():
                d.sets.append(statement)
            case tree.Parameter():
                d.parameters.append(statement)
            case tree.Let():
                d.lets.append(statement)
            case tree.Report():
                d.reports.append(statement)
            case tree.Function():
                d.functions.append(statement)
            case tree.Compartment():
                d.compartments.append(statement)
            case tree.Initial():
                d.initials[statement.name.name] = statement
            case tree.Flow():
                d.flows.append(statement)
            case tree.Decide():
                d.decisions.append(statement)
            case tree.Effect():
                d.effects.append(Acting(statement, inside))
            case tree.Limit():
                d.limits.append(statement)
            case tree.Prefer():
                d.prefers.append(statement)
            case tree.Chance():
                d.chances.append(statement)
            case tree.Objective():
                d.objective = statement
            case tree.Time():
                d.time = statement
            case tree.Intervention():
                d.interventions.append(statement)
                _sort(d, statement.body, statement)


_Indexed = tree.Parameter | tree.Let | tree.Report | tree.Compartment | tree.Flow | tree.Decide


def _indexed(statements: Iterable[tree.Statement]) -> Iterable[_Indexed]:
    for statement in statements:
        if isinstance(statement, tree.Intervention):
            yield from _indexed(statement.body)
        elif isinstance(statement, _Indexed):
            yield statement


def axes(index: tree.Index | None, clock: str, taken: Sequence[str] = ()) -> tuple[Axis, ...]:
    """The entries of an index; one without letters gets one, after its set."""
    if index is None:
        return ()
    used = {*taken, *(i.name for b in index.binders for i in b.names)}
    found = []
    for binder in index.binders:
        members = binder.set_expression
        key = members.name if isinstance(members, tree.Name) else members.span.text
        letters = tuple(i.name for i in binder.names) or (_letter(key, clock, used),)
        used.update(letters)
        found.append(Axis(letters, members, key))
    return tuple(found)


def _letter(key: str, clock: str, used: set[str]) -> str:
    """A letter for a member of a set: its first, or the next one that is free."""
    if key == clock:
        return clock
    first = key[:1].lower() if key[:1].isalpha() else "i"
    order = "abcdefghijklmnopqrstuvwxyz"
    at = order.find(first)
    return next((x for x in order[at:] + order[:at] if x not in used and x != clock), first)
