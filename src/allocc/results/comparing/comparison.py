"""`Comparison`: allocations side by side, each beside the first, in the words of their model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray

#: Numbers that are nearer to each other than this part of the larger one are the same: a solver's rounding.
SAME_WITHIN = 1e-6

SideKind = Literal["run", "baseline", "policy"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the allocations that are compared; `text` says what is known of it, as `proven optimal`."""

    name: str
    kind: SideKind
    text: str
    value: float | None
    bound: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One number on every side, None where a side does not have it."""

    name: str
    values: tuple[float | None, ...]
    unit: str = ""
    description: str = ""

    def difference(self, side: int) -> float | None:
        """A side less the first one; 0 where they differ by rounding only."""
        here, first = self.values[side], self.values[0]
        if here is None or first is None:
            return None
        return 0.0 if same(here, first) else here - first

    @property
    def differs(self) -> bool:
        """Whether not all sides have the same."""
        return any(_differ(x, self.values[0]) for x in self.values)


@dataclass(frozen=True, eq=False)
class Members:
    """A quantity member by member: `values` has a row a side and a column a member, NaN where there is none.

    `how` says what became of time, as `sum over t`. `total` is None where members exclude each other.
    """

    name: str
    columns: tuple[str, ...]
    members: tuple[tuple[Any, ...], ...]
    values: FloatArray
    total: Row | None
    unit: str = ""
    description: str = ""
    how: str = ""

    @property
    def spread(self) -> FloatArray:
        """How far each member differs between sides; 0 where it does by rounding only."""
        known = np.where(np.isnan(self.values), 0.0, self.values)
        apart: FloatArray = known.max(axis=0) - known.min(axis=0)
        return np.where(apart <= SAME_WITHIN * np.abs(known).max(axis=0), 0.0, apart)

    @property
    def differing(self) -> IntArray:
        """The positions of members that differ, those that differ most first."""
        apart = self.spread
        order = np.argsort(-apart, kind="stable")
        return order[apart[order] > 0]

    def row(self, position: int) -> Row:
        """One member on every side."""
        from allocc.compiler.labels import label_text, named

        labels = [label_text(x) for x in self.members[position]]
        values = tuple(None if math.isnan(x) else float(x) for x in self.values[:, position])
        return Row(named(self.name, labels), values, self.unit, self.description)


@dataclass(frozen=True, slots=True)
class Held:
    """A limit on one side: how many of its rows bind, and how many are broken.

    `where` has the labels of binding rows without those of time, and how many bind there.
    """

    binding: int
    broken: int
    where: tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit on every side, None where the side's model is not known or has no such limit."""

    name: str
    rows: int
    sides: tuple[Held | None, ...]
    description: str = ""

    def only(self, side: int) -> tuple[tuple[tuple[str, ...], int], ...]:
        """Where it binds on one side and on none of the others, and how often."""
        others = {w for k, h in enumerate(self.sides) if h and k != side for w, _ in h.where}
        held = self.sides[side]
        return () if held is None else tuple(x for x in held.where if x[0] not in others)


@dataclass(frozen=True, slots=True)
class Change:
    """What a term of the objective has more on a side than on the first; `good` where that is better."""

    term: str
    amount: float
    good: bool
    description: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Allocations side by side; every difference is to the first one.

    `terms` are those of the objective, and `value` their total. `decisions` and `ends` (compartments at
    the end of time) are in total; `members` has each decision member by member, and `by_group` what is
    over other sets besides, for each member of `group`, the set that most decisions are over. `limits` is
    empty where no model is known. `notes` say what is not the same, and what was left out.
    """

    title: str
    sense: str
    sides: tuple[Side, ...]
    value: Row
    terms: tuple[Row, ...]
    decisions: tuple[Row, ...]
    members: tuple[Members, ...]
    ends: tuple[Row, ...]
    reports: tuple[Row, ...]
    group: str | None
    by_group: tuple[Members, ...]
    limits: tuple[LimitRow, ...]
    notes: tuple[str, ...] = ()

    def why(self, side: int) -> tuple[Change, ...]:
        """The terms in which a side differs from the first, those that count most first.

        They add up to the difference in value.
        """
        found = []
        for row in self.terms:
            # A term that a side does not have adds nothing there.
            here, first = (row.values[k] or 0.0 for k in (side, 0))
            if not same(here, first):
                amount = here - first
                good = (amount < 0) == (self.sense == "minimize")
                found.append(Change(row.name, amount, good, row.description))
        return tuple(sorted(found, key=lambda c: -abs(c.amount)))


def same(x: float, y: float) -> bool:
    """Whether two numbers differ by no more than rounding."""
    return x == y or abs(x - y) <= SAME_WITHIN * max(abs(x), abs(y))


def _differ(x: float | None, y: float | None) -> bool:
    return x is not y and (x is None or y is None or not same(x, y))
