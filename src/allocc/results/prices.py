"""The prices of a model's limits as data.

A price is the change of the objective for one more unit of a limit's side, at one allocation;
`allocc.questions.prices.pricing` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocc.compiler.labels import named

Side = Literal["right side", "left side"]


@dataclass(frozen=True, slots=True)
class Price:
    """One row of a limit: the change of the objective for one more unit of its side."""

    limit: str
    labels: tuple[str, ...]
    #: The labels without those of time: rows that differ in time alone share them.
    group: tuple[str, ...]
    price: float
    binding: bool
    unit: str = ""
    side: Side = "right side"
    description: str = ""
    #: Whether only fixed whole numbers are in the row, which has no local price then.
    whole: bool = False

    @property
    def name(self) -> str:
        """The limit and its index, as `grant_limit[2017.25]`."""
        return named(self.limit, self.labels)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a limit that differ in time alone; `price` is for one more unit in each."""

    rows: tuple[Price, ...]
    price: float

    @property
    def name(self) -> str:
        """The limit with the index that is not time."""
        first = self.rows[0]
        return first.name if len(self.rows) == 1 else named(first.limit, first.group)

    @property
    def whole(self) -> bool:
        """Whether none of the rows has a local price, since only whole numbers are in them."""
        return all(r.whole for r in self.rows)

    @property
    def binding(self) -> int:
        """How many of the rows hold with equality."""
        return sum(r.binding for r in self.rows)


@dataclass(frozen=True)
class Prices:
    """The prices of all limits at an allocation; `rows` is empty where none can be given."""

    sense: str
    status: Literal["priced", "infeasible", "failed"]
    rows: tuple[Price, ...]
    #: Whether nothing but integers was fixed; False where tangents stand for products.
    exact: bool
    #: Whether any decision is an integer, and so fixed.
    integers: bool
    value: float | None = None
    notes: tuple[str, ...] = ()

    def groups(self) -> list[Group]:
        """Rows taken together over time, the binding ones and the largest prices first."""
        found: dict[tuple[str, tuple[str, ...], str], list[Price]] = {}
        for row in self.rows:
            found.setdefault((row.limit, row.group, row.side), []).append(row)
        made = [Group(tuple(rows), sum(r.price for r in rows)) for rows in found.values()]
        return sorted(made, key=lambda g: (g.binding == 0, -abs(g.price)))

    def single(self) -> list[Group]:
        """Every row by itself, in the same order."""
        made = [Group((row,), row.price) for row in self.rows]
        return sorted(made, key=lambda g: (g.binding == 0, -abs(g.price)))
