"""A pass: one step from a program to another that holds the same decisions, and the way back.

A pass keeps the columns that it is given, in their places, and may add others behind them. So a point
of what it makes begins with a point of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allocc.compiler.programs.program import Program

#: What a chain of passes is for: `stated` changes nothing that a limit says; the others are methods of
#: solving, of which `auto` is decided later, between `exact` and `refine`.
METHODS = ("stated", "direct", "exact", "refine", "auto")
#: Those that solve.
SOLVING = frozenset(METHODS) - {"stated"}


@dataclass(frozen=True)
class Size:
    """How large a program is: columns, rows, coefficients, products, entries of functions."""

    columns: int
    rows: int
    coefficients: int
    products: int
    functions: int

    @classmethod
    def of(cls, program: Program) -> Size:
        """The size of a program."""
        return cls(
            program.columns,
            program.rows,
            int(program.matrix.nnz),
            len(program.products),
            sum(len(f) for f in program.functions),
        )


@dataclass(frozen=True)
class Pass:
    """One step of a chain.

    Columns and rows of the program before keep their places; new ones stand behind them. What a row says
    may change, and it may say nothing any more, except where the pass serves `stated`.

    `accepts` is quick, and may be wrong in saying yes: `apply` returns the very program that it was given
    where there is nothing to do. `why` says in a sentence what it does and why, `note` what the user of
    a solve reads; `methods` are those that it serves, `after` the passes that come before it. `exact`
    is whether both programs hold the same decisions with the same values.
    """

    name: str
    why: str
    accepts: Callable[[Program], bool]
    apply: Callable[[Program], Program]
    methods: frozenset[str] = SOLVING
    after: tuple[str, ...] = ()
    exact: bool = True
    note: str = ""
