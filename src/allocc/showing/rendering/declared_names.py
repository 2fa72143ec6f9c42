"""What a model declares, as far as notation needs it: which name runs over which sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from allocc.compiler.names.library import expand_uses
from allocc.compiler.names.resolve import Declaration, resolve
from allocc.dsl import tree
from allocc.dsl.diagnostics import Collector
from allocc.dsl.words import TOTAL

PERIOD = "period"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class DeclaredIndex:
    """One entry of an index: the letters that stand for a member, and the set they run over."""

    letters: tuple[str, ...]
    members: tree.Expression
    key: str


@dataclass(frozen=True, slots=True)
class Acting:
    """An effect, and the intervention that it belongs to."""

    effect: tree.Effect
    intervention: tree.Intervention | None


@dataclass(frozen=True, eq=False)
class Declared:
    """The statements of a model, with those that it uses, as formulas and pictures ask for them."""

    title: str
    name: str
    statements: tuple[tree.Statement, ...]

    def every(self, kind: type[S]) -> list[S]:
        """The statements of a kind, also those in interventions, in the order of the file."""
        return [s for s, _ in self._placed if isinstance(s, kind)]

    def one(self, kind: type[S]) -> S | None:
        """The first statement of a kind, None where there is none."""
        return next(iter(self.every(kind)), None)

    @cached_property
    def _placed(self) -> list[tuple[tree.Statement, tree.Intervention | None]]:
        """Every statement with the intervention that it stands in."""
        found: list[tuple[tree.Statement, tree.Intervention | None]] = []
        for s in self.statements:
            found.append((s, None))
            if isinstance(s, tree.Intervention):
                found += [(x, s) for x in s.body]
        return found

    @cached_property
    def names(self) -> Mapping[str, Declaration]:
        """What a name outside of an index means."""
        return resolve(self.statements).names

    @cached_property
    def axes(self) -> dict[str, tuple[DeclaredIndex, ...]]:
        """What each declared name runs over."""
        found = {n: getattr(s, "index", None) for n, s in self.names.items()}
        return {n: axes(index, self.clock) for n, index in found.items()}

    @cached_property
    def effects(self) -> list[Acting]:
        """All effects."""
        return [Acting(s, block) for s, block in self._placed if isinstance(s, tree.Effect)]

    @cached_property
    def time(self) -> tree.Time | None:
        """The horizon."""
        return self.one(tree.Time)

    @property
    def clock(self) -> str:
        """The name of the time."""
        return self.time.name.name if self.time is not None else "t"

    def adds_up(self, call: tree.Call) -> bool:
        """Whether a call is the built-in amount over time, and no function of the model."""
        own = self.names.get(TOTAL)
        return call.function.name == TOTAL and not isinstance(own, tree.Function)

    def scaled(self, name: str) -> list[Acting]:
        """The effects that multiply a parameter."""
        return [a for a in self.effects if a.effect.name.name == name and a.effect.operator == "*="]

    def added(self, name: str) -> list[Acting]:
        """The effects that add to a flow."""
        return [a for a in self.effects if a.effect.name.name == name and a.effect.operator == "+="]

    def changes(self, name: str) -> bool:
        """Whether a name has one value for each point in time without saying so in its index."""
        timed = isinstance(self.names.get(name), tree.Compartment | tree.Flow)
        return timed or bool(self.scaled(name))


def declared(file: tree.File, path: Path | None) -> Declared:
    """The declarations of a file; raises `DiagnosticError` where a file that it uses cannot be had."""
    collector = Collector()
    found, _ = expand_uses(file, path, collector)
    collector.raise_errors()
    header = next((s for s, _ in found if isinstance(s, tree.ModelHeader)), None)
    stem = path.stem if path is not None else "model"
    name = header.name.name if header is not None else stem
    title = (header.title if header is not None else None) or name
    return Declared(title, name, tuple(s for s, _ in found))


def axes(
    index: tree.Index | None, clock: str, taken: Sequence[str] = ()
) -> tuple[DeclaredIndex, ...]:
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
        found.append(DeclaredIndex(letters, members, key))
    return tuple(found)


def _letter(key: str, clock: str, used: set[str]) -> str:
    """A letter for a member of a set: its first, or the next one that is free."""
    if key == clock:
        return clock
    first = key[:1].lower() if key[:1].isalpha() else "i"
    order = "abcdefghijklmnopqrstuvwxyz"
    at = order.find(first)
    return next((x for x in order[at:] + order[:at] if x not in used and x != clock), first)
