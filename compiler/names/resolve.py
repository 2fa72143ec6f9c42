"""What each name in a tree means, from the text alone: no data are read, and no mistake stops it.

A name means the innermost thing of its name that is in sight: what an index or a function's head
binds, then what a statement declares, then what every model has. Indices are in sight of what they
stand before: an index list of its later entries and its condition, a statement's of the statement, a
call's of its body (language reference, §2.2). An `initial`, an `effect`, an `uncertain` or what a policy assigns,
without an index of its own, sees that of the compartment, flow, parameter or decision that it is about. In a tuple such as
`(a, b) in Link`, a name that is bound around it is mentioned, and picks the members that have it (§2.4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from typing import Any

from allocc.compiler.names.builtin import FUNCTIONS
from allocc.dsl import tree
from allocc.dsl.tree import Span
from allocc.dsl.words import PLACES

#: What an expression can mention.
Declaration = (
    tree.Table
    | tree.SetDeclaration
    | tree.Parameter
    | tree.Let
    | tree.Time
    | tree.Compartment
    | tree.Flow
    | tree.Decide
    | tree.Report
    | tree.Function
    | tree.Intervention
    | tree.Fit
    | tree.Scenario
)


@dataclass(frozen=True, eq=False, slots=True)
class Bound:
    """A name that an index binds to a member, or a function's head to an argument or its set."""

    name: tree.Identifier
    by: tree.Binder | tree.Formal


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A function or a place in time that every model has."""

    name: str


#: Every statement that has a name of its own.
Named = Declaration | tree.UnitDeclaration | tree.Limit | tree.Prefer | tree.Chance | tree.Policy
Meaning = Named | Bound | BuiltIn
Sight = Mapping[str, Bound]


@dataclass(frozen=True, eq=False, slots=True)
class Mention:
    """A name where it is used, in a statement; `meaning` is None where nothing in sight has it."""

    node: tree.Name | tree.Identifier | tree.UnitName
    meaning: Meaning | None
    within: tree.Statement


@dataclass(frozen=True, eq=False)
class Resolved:
    """The names of some statements: what is declared, what is bound where, and each mention."""

    #: What an expression can mention by its name; the first statement that declares it.
    names: Mapping[str, Declaration]
    declared: Sequence[Named]
    bound: Sequence[Bound]
    mentions: Sequence[Mention]
    #: The names that are bound within each stretch of text.
    sights: Sequence[tuple[Span, Sight]]

    @cached_property
    def _meanings(self) -> Mapping[int, Meaning | None]:
        heads = {id(x.name): x for x in (*self.declared, *self.bound)}
        return {**heads, **{id(m.node): m.meaning for m in self.mentions}}

    @cached_property
    def _mentions(self) -> Mapping[int, list[Mention]]:
        found: dict[int, list[Mention]] = {}
        for m in self.mentions:
            found.setdefault(id(m.meaning), []).append(m)
        return found

    def meaning(self, node: object) -> Meaning | None:
        """What a name in the tree means, be it used or declared there; None for other nodes."""
        return self._meanings.get(id(node))

    def mentions_of(self, meaning: Named | Bound) -> Sequence[Mention]:
        """All places where a declared or bound name is used."""
        return self._mentions.get(id(meaning), ())

    @cached_property
    def used(self) -> frozenset[str]:
        """The declared names that are mentioned anywhere, but in functions that nothing calls."""
        pending: list[Mention] = []
        inside: defaultdict[int, list[Mention]] = defaultdict(list)
        for m in self.mentions:
            function = isinstance(m.within, tree.Function)
            (inside[id(m.within)] if function else pending).append(m)
        found: set[str] = set()
        while pending:
            m = pending.pop()
            # That a policy or a fit says what a decision is does not make it count for anything.
            said = isinstance(m.within, tree.Policy | tree.Fit)
            if said and isinstance(m.meaning, tree.Decide):
                continue
            # Nor that a parameter is uncertain.
            if isinstance(m.within, tree.Uncertain) and m.node is m.within.name:
                continue
            if isinstance(m.meaning, Declaration) and m.node.name not in found:
                found.add(m.node.name)
                pending += inside[id(m.meaning)]
        return frozenset(found)

    def places(self, meaning: Named | Bound) -> list[Span]:
        """Where a name stands: where it is declared or bound, then each mention."""
        mentions = (m.node.span for m in self.mentions_of(meaning))
        return list(dict.fromkeys([meaning.name.span, *mentions]))

    def in_sight(self, source: tree.Source, offset: int) -> list[Bound]:
        """The names that are bound at a place, the innermost first."""
        here = [
            (span.stop - span.start, sight)
            for span, sight in self.sights
            if span.start <= offset <= span.stop and span.source == source
        ]
        here.sort(key=lambda entry: entry[0])
        return list(dict.fromkeys(b for _, sight in here for b in sight.values()))


def inside(statement: tree.Statement) -> tuple[tree.Statement, ...]:
    """The statements of a block."""
    if isinstance(statement, tree.Intervention):
        return statement.body
    return statement.limits if isinstance(statement, tree.Chance) else ()


def flat(statements: Iterable[tree.Statement]) -> Iterator[tree.Statement]:
    """Statements, each followed by those inside of it."""
    for statement in statements:
        yield statement
        yield from flat(inside(statement))


def resolve(statements: Sequence[tree.Statement]) -> Resolved:
    """What the names in statements mean; of two that declare one name, the first counts."""
    names: dict[str, Declaration] = {}
    units: dict[str, tree.UnitDeclaration] = {}
    for s in flat(statements):
        if isinstance(s, tree.UnitDeclaration):
            units.setdefault(s.name.name, s)
        elif isinstance(s, Declaration):
            names.setdefault(s.name.name, s)
    walk = _Walk(names, units)
    for s in statements:
        walk.over(s)
    declared = tuple(s for s in flat(statements) if isinstance(s, Named))
    bound, mentions, sights = tuple(walk.bound.values()), tuple(walk.mentions), tuple(walk.sights)
    return Resolved(names, declared, bound, mentions, sights)


#: What names nothing that is in sight.
_LEAVES = frozenset([str, int, float, type(None), Span, tree.Identifier, tree.Text])
#: Kinds of nodes that mention or bind something by themselves; all others only hold their parts.
_OWN = frozenset(
    [tree.UnitName, tree.Field, tree.SetLiteral, tree.Use, tree.Function, tree.Fit]
    + [tree.Estimate, tree.Observe]
    + [
        k
        for k in vars(tree).values()
        if is_dataclass(k)
        and hasattr(k, "__annotations__")
        and ("index" in k.__annotations__ or "scenario" in k.__annotations__)
    ]
)


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """The parts of a kind of node, but for its index and its place."""
    return tuple(f.name for f in fields(kind) if f.name not in ("index", "span"))


def _said(node: tree.Initial | tree.Effect | tree.Assignment | tree.Uncertain) -> Any:
    """What a statement says of what it is about."""
    if not isinstance(node, tree.Uncertain):
        return node.value
    # What a distribution is called stands where a function would, and is none.
    e = node.distribution
    return e.arguments if isinstance(e, tree.Call) else e


class _Walk:
    """Goes over a tree with what is in sight, and writes down what it finds."""

    def __init__(
        self, names: Mapping[str, Declaration], units: Mapping[str, tree.UnitDeclaration]
    ) -> None:
        self.names = names
        self.units = units
        self.sights: list[tuple[Span, Sight]] = []
        self.mentions: list[Mention] = []
        self.bound: dict[int, Bound] = {}

    def over(self, statement: tree.Statement) -> None:
        """Go over a statement and all that it is made of, in the order of the text."""
        self.within = statement
        stack: list[tuple[Any, Sight]] = [(statement, {})]
        while stack:
            node, sight = stack.pop()
            kind: Any = type(node)
            if kind is tuple:
                stack += [(n, sight) for n in reversed(node) if type(n) not in _LEAVES]
            elif kind is tree.Name:
                name = node.name
                self._mention(node, sight.get(name) or self._declared(name, PLACES))
            elif kind in _OWN:
                parts = self._parts(node, sight)
                stack += reversed([part for part in parts if type(part[0]) not in _LEAVES])
            else:
                below = [getattr(node, f) for f in reversed(_fields(kind))]
                stack += [(n, sight) for n in below if type(n) not in _LEAVES]

    def _parts(self, node: Any, sight: Sight) -> Iterator[tuple[Any, Sight]]:
        """The parts of a node of a kind in `_OWN`, each with what it sees; what it mentions is written down."""
        match node:
            case tree.UnitName(name=name):
                self._mention(node, self.units.get(name))
            case tree.Field(table=table):
                self._mention(table, self._declared(table.name))
            case tree.SetLiteral():
                pass  # bare names in it are labels
            case tree.Call(function=function):
                self._mention(function, self._declared(function.name, FUNCTIONS))
                yield from self._under(node, node.index, sight, (node.arguments, node.body))
            case tree.Use(names=names, arguments=arguments):
                for identifier in (*names, *(a.name for a in arguments)):
                    self._mention(identifier, self._declared(identifier.name))
                yield tuple(a.value for a in arguments), sight
            case tree.Function(formals=formals, value=value):
                yield value, self._seen(node, self._head(formals))
            case tree.Fit(body=body):
                for inner in body:
                    if isinstance(inner, tree.Time):
                        self._mention(inner.name, self._declared(inner.name.name))
                yield body, sight
            case tree.Estimate(name=name, interval=interval, guess=guess, prior=prior):
                self._mention(name, self._declared(name.name))
                # What a prior is called stands where a function would, and is none.
                yield interval, sight
                yield (guess, prior.arguments if isinstance(prior, tree.Call) else prior), sight
            case tree.Observe(value=value, data=data, weight=weight):
                # What an error is called stands where a function would, and is none.
                named = data.arguments if isinstance(data, tree.Call) else data
                rest = (value, named if node.operator == "~" else data, weight)
                yield from self._under(node, node.index, sight, rest)
            case tree.Chance(scenario=scenario):
                yield node.probability, sight
                yield from self._under(node, scenario, sight, (node.weight, node.limits))
            case (
                tree.Initial(name=name, index=index)
                | tree.Effect(name=name, index=index)
                | tree.Assignment(name=name, index=index)
                | tree.Uncertain(name=name, index=index)
            ):
                about = self._declared(name.name)
                self._mention(name, about)
                if index is None and isinstance(
                    about, tree.Compartment | tree.Flow | tree.Parameter | tree.Decide
                ):
                    binders = about.index.binders if about.index is not None else ()
                    own = {i.name: self._binding(i, b) for b in binders for i in b.names}
                    sight = self._seen(node, own)
                yield from self._under(node, index, sight, (_said(node),))
            case tree.Decide(after=after, index=index, interval=interval, unit=unit):
                yield from self._under(node, index, sight, (unit, interval))
                if after is not None:
                    self._mention(after, self._declared(after.name))
            case _:
                rest = tuple([getattr(node, f) for f in _fields(node.__class__)])
                yield from self._under(node, node.index, sight, rest)

    def _mention(
        self, node: tree.Name | tree.Identifier | tree.UnitName, meaning: Meaning | None
    ) -> None:
        self.mentions.append(Mention(node, meaning, self.within))

    def _declared(self, name: str, every: Container[str] = ()) -> Declaration | BuiltIn | None:
        return self.names.get(name) or (BuiltIn(name) if name in every else None)

    def _binding(self, name: tree.Identifier, by: tree.Binder | tree.Formal) -> Bound:
        """What an identifier binds: the same one whenever it is asked for."""
        return self.bound.setdefault(id(name), Bound(name, by))

    def _seen(self, node: Any, sight: Sight) -> Sight:
        if sight:
            self.sights.append((node.span, sight))
        return sight

    def _under(
        self, node: Any, index: tree.Index | None, sight: Sight, rest: tuple[Any, ...]
    ) -> Iterator[tuple[Any, Sight]]:
        """The parts of an index, and those of what it stands before."""
        if index is not None:
            for binder in index.binders:
                yield binder.set_expression, sight
                fresh = {}
                for name in binder.names:
                    outer = sight.get(name.name)
                    if len(binder.names) > 1 and outer and isinstance(outer.by, tree.Binder):
                        self._mention(name, outer)
                    else:
                        fresh[name.name] = self._binding(name, binder)
                sight = {**sight, **fresh}
            yield index.condition, self._seen(node, sight)
        yield rest, sight

    def _head(self, formals: Iterable[tree.Formal]) -> Sight:
        """What the head of a function binds; a set that stands there twice is the same."""
        found: dict[str, Bound] = {}
        for formal in formals:
            for name in formal.sets:
                if name.name in found:
                    self._mention(name, found[name.name])
                else:
                    found[name.name] = self._binding(name, formal)
        return {**found, **{f.name.name: self._binding(f.name, f) for f in formals}}
