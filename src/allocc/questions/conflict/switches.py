"""What can be switched off in a model: its own limits, ranges and data.

Everything else is hard: flows, definitions, whole numbers, and every row that a reformulation adds.
The members of a model are numbered through, statement by statement: rows of limits first, then
chance blocks, initial values, ends of ranges, and compartments that are not negative. The earlier ones
are preferred in an explanation.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from allocc.compiler.algebra.expression import Data, Ends, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, Problem
from allocc.dsl import tree
from allocc.results.findings import Kind

Side = Literal["lower", "upper", "both"]

#: Lower and upper ends of some variables.
Ranges = dict[Variable, Ends]


@dataclass(frozen=True, eq=False)
class SwitchedStatement:
    """A statement, or one side of it, with `count` members from number `start` on.

    `places` has the flat position of each member among the rows of the limit or in the block of
    the variable. For a range, `free` is what the end becomes when it is switched off.
    """

    kind: Kind
    name: str
    start: int
    places: IntArray
    source: Constraint | ChanceConstraint | Variable
    side: Side = "both"
    free: float = np.inf

    @property
    def count(self) -> int:
        """Number of members."""
        return len(self.places)

    @property
    def members(self) -> IntArray:
        """The numbers of the members."""
        return np.arange(self.start, self.start + self.count)


class SwitchedStatements:
    """All members of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.all: list[SwitchedStatement] = []
        self.size = 0
        for c in problem.constraints:
            self._add("limit", c.name, np.arange(c.count), c)
        for block in problem.chances:
            self._add("chance", block.name, np.arange(1), block)
        for v in problem.states:
            self._add("initial", v.name, np.arange(v.size).reshape(v.shape)[..., 0].ravel(), v)
        for v in problem.decisions:
            self._range(v)
        for v in problem.states:
            self._add("nonnegative", v.name, np.arange(v.size), v, "lower", -np.inf)
        self._starts = np.array([s.start for s in self.all], dtype=np.int64)

    def _add(
        self,
        kind: Kind,
        name: str,
        places: IntArray,
        source: Constraint | ChanceConstraint | Variable,
        side: Side = "both",
        free: float = np.inf,
    ) -> None:
        if len(places):
            self.all.append(SwitchedStatement(kind, name, self.size, places, source, side, free))
            self.size += len(places)

    def _range(self, v: Variable) -> None:
        """The ends of a decision's range; that a binary is 0 or 1 is its kind, and hard."""
        lower, upper = self.problem.ends(v)
        declared = self.problem.model.declared.names.get(v.name)
        binary = isinstance(declared, tree.Decide) and declared.kind == "binary"
        low, high = (0.0, 1.0) if binary else (-np.inf, np.inf)
        self._add("range", v.name, np.flatnonzero(lower.ravel() > low), v, "lower", low)
        self._add("range", v.name, np.flatnonzero(upper.ravel() < high), v, "upper", high)

    def of(self, member: int) -> tuple[SwitchedStatement, int]:
        """The statement of a member, and its flat position in it."""
        s = self.all[int(np.searchsorted(self._starts, member, side="right")) - 1]
        return s, int(s.places[member - s.start])

    def limits(self) -> list[SwitchedStatement]:
        """The limits, in the order of the problem's constraints."""
        return [s for s in self.all if s.kind == "limit"]

    def ranges(
        self, kept: BoolArray, wide: Mapping[SwitchedStatement, FloatArray] | None = None
    ) -> Ranges:
        """The ends of every variable that has members, with only those that are kept.

        `wide` has other values than `free` for the ends that some statements lose.
        """
        found: Ranges = {}
        for s in self.all:
            v = s.source
            if isinstance(v, Variable) and v not in found:
                # What a compartment is declared with says nothing of its initial value.
                ends = v.ends if v.kind == "state" else self.problem.ends(v)
                found[v] = _copied(ends)
        for s in self.all:
            v = s.source
            if not isinstance(v, Variable) or s.kind == "initial":
                continue
            end = found[v][0 if s.side == "lower" else 1]
            off = ~kept[s.members]
            end.flat[s.places[off]] = s.free if wide is None or s not in wide else wide[s][off]
        for s in self.all:
            v = s.source
            if s.kind == "initial" and isinstance(v, Variable):
                here = s.places[kept[s.members]]
                for end in found[v]:
                    end.flat[here] = self.problem.ends(v)[0].flat[here]
        return found

    def emptied(self, members: BoolArray) -> SwitchedStatements:
        """The same statements of a problem in which some initial values are 0."""
        starts, ranges = dict(self.problem.starts), dict(self.problem.ranges)
        for s in self.all:
            v, off = s.source, members[s.members]
            if s.kind != "initial" or not off.any():
                continue
            assert isinstance(v, Variable)
            starts[v] = np.array(starts[v], dtype=float)
            starts[v].flat[np.flatnonzero(off)] = 0.0
            ranges[v] = _copied(ranges[v])
            for end in ranges[v]:
                end.flat[s.places[off]] = 0.0
        found = copy(self)
        found.problem = replace(self.problem, starts=starts, ranges=ranges)
        return found

    def restricted(
        self,
        kept: BoolArray,
        wide: Mapping[SwitchedStatement, FloatArray] | None = None,
        silent: bool = False,
    ) -> Problem:
        """The problem with only some of its members, and nothing to minimize.

        With `silent`, limits that are switched off stay as rows that say nothing.
        """
        constraints = []
        for s in self.limits():
            assert isinstance(s.source, Constraint)
            on = kept[s.members]
            if on.any() or silent:
                constraints.append(s.source if on.all() else masked(s.source, on))
        chances = [
            s.source for s in self.all if isinstance(s.source, ChanceConstraint) and kept[s.start]
        ]
        ranges = {**self.problem.ranges, **self.ranges(kept, wide)}
        return replace(
            self.problem, constraints=constraints, chances=chances, terms=[], ranges=ranges
        )


def _copied(ends: Ends) -> Ends:
    """Ends that can be written to, which a scalar's may not be."""
    return np.array(ends[0], dtype=float), np.array(ends[1], dtype=float)


def masked(c: Constraint, on: BoolArray) -> Constraint:
    """A limit of which only some rows say anything."""
    shape = c.shape

    def side(end: Data, free: float) -> Data:
        full = np.broadcast_to(spread(end.values, end.axes, c.axes), shape)
        return Data(c.axes, np.where(on.reshape(shape), full, free))

    lower = c.lower if np.isneginf(c.lower.values).all() else side(c.lower, -np.inf)
    return replace(c, lower=lower, upper=side(c.upper, np.inf))
