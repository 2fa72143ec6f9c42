"""A pass: one step from a program to another that holds the same decisions, and the way back.

A pass keeps the columns that it is given, in their places, and may add others behind them. So a point
of what it makes begins with a point of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program

#: What a chain of passes is for: `stated` changes nothing that a limit says; the others are methods of
#: solving, of which `auto` is decided later, between `exact` and `refine`.
METHODS = ("stated", "direct", "exact", "refine", "auto")


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

    `accepts` is quick, and may be wrong in saying yes: `apply` returns the very program that it was given
    where there is nothing to do. `why` says in a sentence what it does and why, `told` what the user of
    a solve is told; `methods` are those that it serves, `after` the passes that come before it. `exact`
    is whether both programs hold the same decisions with the same values.
    """

    name: str
    why: str
    accepts: Callable[[Program], bool]
    apply: Callable[[Program], Program]
    methods: frozenset[str] = frozenset(METHODS)
    after: tuple[str, ...] = ()
    exact: bool = True
    told: str = ""


@dataclass(frozen=True)
class Step:
    """What was done to a program: its name and why, the sizes before and after, and the way back.

    `invert` takes a point of the program after to the point of the program before.
    """

    name: str
    why: str
    before: Size
    after: Size
    invert: Callable[[FloatArray], FloatArray]
    told: str = ""


@dataclass(frozen=True)
class Chain:
    """A program, and the steps that led to it from the one that was lowered."""

    steps: tuple[Step, ...]
    program: Program

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps."""
        return tuple(s.name for s in self.steps)

    def invert(self, point: FloatArray) -> FloatArray:
        """The point of the first program, from one of the last."""
        for step in reversed(self.steps):
            point = step.invert(point)
        return point

    def then(
        self,
        name: str,
        why: str,
        made: Program,
        invert: Callable[[FloatArray], FloatArray] | None = None,
        told: str = "",
    ) -> Chain:
        """The chain with a step more; without `invert` the old columns are the first of the new ones."""
        count = self.program.columns
        back = invert if invert is not None else lambda point: point[:count]
        step = Step(name, why, Size.of(self.program), Size.of(made), back, told)
        return Chain((*self.steps, step), made)
