"""The face that reformulations of atoms share: what they take, and the rows that they write for it.

A module of `allocc.compiler.reformulations` that turns products, functions, minima or maxima into rows
has a `REFORMULATION`. It adds columns behind those that are there, so that a point of what it makes
begins with a point of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Products, Program, no_products


@dataclass(frozen=True)
class Facts:
    """What is known of each column: its range, and whether lowering or raising it does no harm."""

    lower: FloatArray
    upper: FloatArray
    down: BoolArray
    up: BoolArray

    @classmethod
    def of(cls, program: Program) -> Facts:
        """What the program itself says."""
        return cls(program.lower, program.upper, *monotone_directions(program, atoms_only=True))


@dataclass(frozen=True)
class Atoms:
    """Some of the products, functions, minima and maxima of a program."""

    products: Products = field(default_factory=no_products)
    functions: tuple[FunctionAtoms, ...] = ()
    extremes: tuple[Extremes, ...] = ()

    def __bool__(self) -> bool:
        return bool(len(self.products) or self.functions or self.extremes)


@dataclass(frozen=True)
class Reformulation:
    """How one kind of atom becomes rows.

    `takes` gives the atoms of a program that it can write, of each kind all or none; `write` adds the
    columns and rows for them, and raises `DiagnosticError` where a range that is needed is open. `exact` is
    whether they say all that the atoms say, where no direction is harmless.
    """

    name: str
    exact: bool
    takes: Callable[[Program], Atoms]
    write: Callable[[Extension, Atoms, Facts], None]

    def accepts(self, program: Program) -> bool:
        """Whether a program has any of its atoms."""
        return bool(self.takes(program))

    def apply(self, program: Program, facts: Facts | None = None) -> Program:
        """The program with rows in place of these atoms; the others stay."""
        return applied(program, [self], facts or Facts.of(program))


def applied(program: Program, chosen: Iterable[Reformulation], facts: Facts) -> Program:
    """The program with rows in place of the atoms that each of `chosen` takes."""
    build = Extension(program)
    products, functions, extremes = program.products, program.functions, program.extremes
    for reformulation in chosen:
        mine = reformulation.takes(program)
        reformulation.write(build, mine, facts)
        products = no_products() if len(mine.products) else products
        functions = tuple(f for f in functions if all(f is not g for g in mine.functions))
        extremes = () if mine.extremes else extremes
    return build.finish(products, functions, extremes)
