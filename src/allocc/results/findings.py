"""What is found out about a model without an allocation, or without a best one: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocc.compiler.labels import named

Kind = Literal["limit", "chance", "initial", "range", "nonnegative"]
Status = Literal["irreducible", "reduced", "contradicted"]
LooseningStatus = Literal["cheapest", "proposed", "impossible", "unknown"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a parameter and where it comes from.

    `file` and `row` are a table and its line, with its `column`; or the model file and the line of the
    statement, without a column. Both are empty where the value was set from outside.
    """

    name: str
    value: float
    unit: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the things that cannot hold together.

    `about` says what is asked for, in words. `off` is by how much it is broken at least where all the
    others hold, if that is proven. `left` and `right` are the values of both sides then: the side that
    holds data only (`fixed` names it) and what the other one is at least or at most; or what they are
    in some allocation that keeps the others. `needed` says that the others were seen to hold without it.
    """

    kind: Kind
    name: str
    labels: tuple[str, ...]
    about: str
    file: str
    line: int
    source: str
    description: str = ""
    operator: str = ""
    left: float | None = None
    right: float | None = None
    fixed: Literal["left", "right", ""] = ""
    off: float | None = None
    unit: str = ""
    needed: bool = False
    cells: tuple[Cell, ...] = ()

    @property
    def named(self) -> str:
        """The name with its index, as `viable[44001,2017]`."""
        return named(self.name, self.labels)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many members of a conflict come from one statement."""

    kind: Kind
    name: str
    count: int


@dataclass(frozen=True)
class Conflict:
    """Members of a model that cannot hold together, and what is proven about it.

    There are `count` of them among `of` that were looked at; where there are too many to tell, `members`
    has the first of each statement only. `statements` says how many come from which.

    `status` is "irreducible" where each member was left out once and the others then held, "reduced"
    where that is not proven of all, and "contradicted" where an allocation was found after all.
    `held` are statements that could not be switched off, and `widened` ranges that were made wider
    instead. `whole_numbers` says whether the members could hold if fractions were allowed. `formula` says
    which formula has no value where nothing else is to blame.
    """

    status: Status
    members: tuple[Member, ...]
    statements: tuple[Counted, ...]
    count: int
    needed: int
    seconds: float
    budget: float
    checks: int
    solver: str
    of: int = 0
    held: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    whole_numbers: bool | None = None
    formula: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything is known that need not be left out."""
        return self.status == "irreducible" or self.count < self.of


@dataclass(frozen=True, slots=True)
class Loosened:
    """One row of a limit, or end of a range, that is loosened by `amount` in its own unit.

    `share` is that amount in parts of the row's size, which is what it costs. `before` and `after` are
    the values of the side that holds data only, where one does; `side` names it.
    """

    kind: Literal["limit", "range"]
    name: str
    labels: tuple[str, ...]
    file: str
    line: int
    source: str
    amount: float
    share: float
    unit: str = ""
    side: str = ""
    before: float | None = None
    after: float | None = None
    description: str = ""

    @property
    def named(self) -> str:
        """The name with its index."""
        return named(self.name, self.labels)


@dataclass(frozen=True, slots=True)
class Escaping:
    """A decision that goes away without end; `rate` is by how much, where the fastest moves by 1."""

    name: str
    labels: tuple[str, ...]
    rate: float
    file: str
    line: int
    source: str
    unit: str = ""
    description: str = ""

    @property
    def named(self) -> str:
        """The name with its index."""
        return named(self.name, self.labels)


@dataclass(frozen=True, slots=True)
class Improved:
    """A term of the objective, and by how much it changes where the fastest decision moves by 1."""

    name: str
    rate: float
    description: str = ""


@dataclass(frozen=True)
class Escape:
    """Why an objective has no bound. `decisions` is empty where no ray was found.

    `shown` says that the way was walked by simulation: every limit holds far out, and the objective
    gets better all the way.
    """

    decisions: tuple[Escaping, ...]
    terms: tuple[Improved, ...]
    shown: bool
    seconds: float
