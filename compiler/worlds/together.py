"""The problems of many worlds as one problem: decisions are shared, the rest is over worlds where it differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Data, Ends, Node, Variable, children
from allocc.compiler.algebra.index import Axis, IndexSet, spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.evaluating.values import deep_recursion
from allocc.compiler.unrolling.problem import (
    Constraint,
    FlowValue,
    Labels,
    ObjectiveTerm,
    Problem,
    Update,
)
from allocc.compiler.worlds import errors
from allocc.compiler.worlds.stacking import Key, OtherShape, Stacking, key_of
from allocc.dsl.diagnostics import DiagnosticError


@dataclass(frozen=True, eq=False)
class Together:
    """One problem for all worlds. Terms that differ between worlds are over `axis`, the worlds."""

    problem: Problem
    axis: Axis


def together(
    problems: Sequence[Problem], worlds: IndexSet, after: Collection[str] = ()
) -> Together:
    """One problem of many worlds; decisions in `after` may differ between them, all others are shared.

    A shared decision keeps to its range in every world, and limits hold in every world. The terms of the
    objective are not yet weighed: where they differ, they have the axis of worlds free.

    Raises `DiagnosticError` where worlds have other members or another time (E5040), a decision has no range in
    common (E5041), or a chance block depends on them (E5042).
    """
    tables = [_table(p) for p in problems]
    varying: set[Key] = {("decision", name) for name in after}
    with deep_recursion():
        while True:
            stack = Stacking(worlds, tables, varying)
            before = len([k for k in varying if k[0] == "state"])
            try:
                found = _Assembly(problems, stack).problem()
            except OtherShape as other:
                raise DiagnosticError([errors.other_members(other.first, other.other)]) from None
            except failures.Failed as failed:
                raise DiagnosticError(failed.diagnostics) from None
            if len([k for k in varying if k[0] == "state"]) == before:
                return Together(found, stack.axis)


def _table(problem: Problem) -> dict[Key, Variable]:
    """Every variable of a problem by what it is called."""
    found: dict[Key, Variable] = {key_of(v): v for v in problem.variables}
    seen: set[int] = set()
    stack: list[Node] = [n for n in _roots(problem) if n is not None]
    for flow in (*problem.flows, *problem.flows_ahead):
        if flow.variable is not None:
            found[key_of(flow.variable)] = flow.variable
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        stack.extend(children(node))
        variable = getattr(node, "variable", None)
        if isinstance(variable, Variable):
            found.setdefault(key_of(variable), variable)
            assert found[key_of(variable)] is variable, variable.name
            if variable.value is not None:
                stack.append(variable.value)
    return found


def _roots(problem: Problem) -> Iterable[Node | None]:
    for flow in (*problem.flows, *problem.flows_ahead):
        yield flow.node
    for update in problem.updates:
        yield from (update.rate, update.ahead, update.next_value)
    for c in problem.constraints:
        yield c.body
    for block in problem.chances:
        yield from (limit.constraint.body for limit in block.limits)
    for term in problem.terms:
        yield term.node


class _Assembly:
    def __init__(self, problems: Sequence[Problem], stack: Stacking) -> None:
        self.problems, self.stack = problems, stack
        self.first = problems[0]

    def problem(self) -> Problem:
        """The problem of all worlds; compartments that turn out to differ are added to `varying`."""
        first, stack = self.first, self.stack
        self._same_time()
        if first.period is not None:
            stack.match([(p.period,) for p in self.problems if p.period is not None])
        starts: dict[Variable, FloatArray] = {}
        ranges: dict[Variable, Ends] = {}
        for k, v in enumerate(first.states):
            own = [p.states[k] for p in self.problems]
            begin = [p.starts[s] for p, s in zip(self.problems, own, strict=True)]
            ends = [p.ends(s) for p, s in zip(self.problems, own, strict=True)]
            if not all(np.array_equal(b, begin[0]) for b in begin):
                stack.varying.add(key_of(v))
            one = stack.variable(key_of(v))
            lifted = one is not v
            starts[one] = np.stack(begin) if lifted else begin[0]
            low, high = ([e[i] for e in ends] for i in (0, 1))
            ranges[one] = (np.stack(low), np.stack(high)) if lifted else (low[0], high[0])
        decisions = [self._decision(k, ranges) for k in range(len(first.decisions))]
        flows = self._flows([p.flows for p in self.problems])
        ahead = self._flows([p.flows_ahead for p in self.problems])
        updates = [
            self._update([p.updates[k] for p in self.problems]) for k in range(len(first.updates))
        ]
        constraints = self._constraints()
        terms = self._terms()
        compartments = {
            name: replace(c, variable=stack.variable(key_of(c.variable)))
            for name, c in first.model.compartments.items()
        }
        for block in first.chances:
            self._unchanged_chance(block.name)
        return replace(
            first,
            model=replace(first.model, decisions=decisions, compartments=compartments),
            decisions=decisions,
            states=[stack.variable(key_of(v)) for v in first.states],
            flows=flows,
            flows_ahead=ahead,
            updates=updates,
            constraints=constraints,
            terms=terms,
            starts=starts,
            ranges=ranges,
        )

    def _same_time(self) -> None:
        times = [p.model.time for p in self.problems]
        first = times[0]
        for t in times[1:]:
            if first is None or t is None:
                continue
            if (t.count, t.step, t.points.components) != (
                first.count,
                first.step,
                first.points.components,
            ):
                raise failures.Failed(errors.other_time(first.statement.span))

    def _decision(self, k: int, ranges: dict[Variable, Ends]) -> Variable:
        own = [p.decisions[k] for p in self.problems]
        sizes = {v.shape for v in own}
        if len(sizes) > 1:
            raise failures.Failed(errors.other_decision(own[0].name, own[0].span))
        one = self.stack.variable(key_of(own[0]))
        if one is own[0]:
            lower = np.max([v.ends[0] for v in own], axis=0)
            upper = np.min([v.ends[1] for v in own], axis=0)
            if (lower > upper).any():
                raise failures.Failed(errors.no_common_range(one.name, one.span))
            ranges[one] = (lower, upper)
        return one

    def _flows(self, flows: Sequence[Sequence[FlowValue]]) -> list[FlowValue]:
        found = []
        for group in zip(*flows, strict=True):
            axes = self.stack.match([f.axes for f in group])
            named = next((f.variable for f in group if f.variable is not None), None)
            node = self.stack([f.node for f in group])
            variable = None if named is None else self.stack.variable(key_of(named))
            lifted = variable is not None and self.stack.axis in variable.axes
            if lifted or self.stack.axis in node.axes:
                axes = (self.stack.axis, *axes)
            found.append(replace(group[0], axes=axes, node=node, variable=variable))
        return found

    def _update(self, group: Sequence[Update]) -> Update:
        first, stack = group[0], self.stack
        axes = stack.match([u.axes for u in group])

        def one(nodes: list[Node | None]) -> Node | None:
            known = [n for n in nodes if n is not None]
            return stack(known) if len(known) == len(nodes) else None

        rate = one([u.rate for u in group])
        ahead = one([u.ahead for u in group])
        following = one([u.next_value for u in group])
        assert rate is not None
        if any(n is not None and stack.axis in n.axes for n in (rate, ahead, following)):
            stack.varying.add(key_of(first.variable))
        variable = stack.variable(key_of(first.variable))
        symbol = replace(first.compartment, variable=variable)
        if variable is not first.variable:
            axes = (stack.axis, *axes)
        return Update(symbol, axes, rate, ahead, following, first.share)

    def _constraints(self) -> list[Constraint]:
        groups: dict[tuple[Any, ...], dict[int, Constraint]] = {}
        for w, problem in enumerate(self.problems):
            count: Counter[tuple[Any, ...]] = Counter()
            for c in problem.constraints:
                key = (c.name, None if c.written is None else c.written.place)
                groups.setdefault((*key, count[key]), {})[w] = c
                count[key] += 1
        return [self._constraint(found) for found in groups.values()]

    def _constraint(self, found: dict[int, Constraint]) -> Constraint:
        """A limit in all worlds; one that data alone decide in some is not asked for there."""
        stack, worlds = self.stack, tuple(found)
        group = list(found.values())
        first = group[0]
        axes = stack.match([c.axes for c in group])
        body = stack([c.body for c in group], worlds)
        lower = stack([c.lower for c in group], worlds)
        upper = stack([c.upper for c in group], worlds)
        assert isinstance(lower, Data) and isinstance(upper, Data)
        if not any(stack.axis in n.axes for n in (body, lower, upper)):
            kept = self._alternatives(group, worlds)
            return replace(first, axes=axes, body=body, lower=lower, upper=upper, alternatives=kept)
        if len(worlds) < len(stack.worlds):
            lower, upper = (
                self._open(d, worlds, x) for d, x in ((lower, -np.inf), (upper, np.inf))
            )
        return replace(
            first,
            axes=(stack.axis, *axes),
            body=body,
            lower=lower,
            upper=upper,
            alternatives=self._alternatives(group, worlds),
            labels=_labels(stack.worlds, first.labels, first.count),
        )

    def _alternatives(
        self, group: Sequence[Constraint], worlds: tuple[int, ...]
    ) -> tuple[tuple[Node, ...], ...]:
        """The alternatives of a limit; none where they are not of one form."""
        if len({tuple(map(len, c.alternatives)) for c in group}) > 1:
            return ()
        return tuple(
            tuple(self.stack(nodes, worlds) for nodes in zip(*parts, strict=True))
            for parts in zip(*(c.alternatives for c in group), strict=True)
        )

    def _open(self, end: Data, worlds: tuple[int, ...], value: float) -> Data:
        axes = (self.stack.axis, *(a for a in end.axes if a is not self.stack.axis))
        values = spread(end.values, end.axes, axes)
        full = np.array(np.broadcast_to(values, (len(self.stack.worlds), *values.shape[1:])))
        full[[w for w in self.stack.all if w not in worlds]] = value
        return Data(axes, full, end.span)

    def _terms(self) -> list[ObjectiveTerm]:
        return [
            replace(group[0], node=self.stack([t.node for t in group]))
            for group in zip(*(p.terms for p in self.problems), strict=True)
        ]

    def _unchanged_chance(self, name: str) -> None:
        """Raise where a chance block depends on the world."""
        blocks = [next(b for b in p.chances if b.name == name) for p in self.problems]
        first = blocks[0]
        for group in zip(*(b.limits for b in blocks), strict=True):
            self.stack.match([x.constraint.axes for x in group])
            nodes = [self.stack([x.constraint.body for x in group])]
            nodes += [
                self.stack([getattr(x.constraint, e) for x in group]) for e in ("lower", "upper")
            ]
            if any(self.stack.axis in n.axes for n in nodes):
                raise failures.Failed(errors.chance_over_worlds(name, first.span))
        for b in blocks[1:]:
            if b.probability != first.probability or not np.array_equal(b.weights, first.weights):
                raise failures.Failed(errors.chance_over_worlds(name, first.span))


def _labels(worlds: IndexSet, own: Labels, count: int) -> Labels:
    return lambda k: (*worlds.label(k // count), *own(k % count))
