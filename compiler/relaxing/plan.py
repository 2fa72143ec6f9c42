"""Which reformulation serves what in a program: decided once, from its ranges and directions.

The plan says which columns are cut into pieces, for which products and functions, and what needs one side
only. A relaxation carries it out, the choice of a method reads it, and `explain` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import Propagator
from allocc.compiler.programs.bounds_needed import check_bounds
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.program import Program
from allocc.compiler.reformulations import univariate
from allocc.compiler.reformulations.pieces import Pieces


@dataclass(frozen=True, eq=False)
class Plan:
    """What is cut, and what needs one side only.

    `program` is `original` with the ranges that follow from all of it; `down` and `up` are the columns that may be lowered
    and raised without harm. `partition` has, for each product, the column whose range is cut for it, and
    -1 where none has to be; `curved` the columns that are cut because a function of them is, with block
    and place of each such atom; `turns` the pieces of columns at which a curve turns.
    """

    original: Program
    program: Program
    down: BoolArray
    up: BoolArray
    partition: IntArray
    curved: Mapping[int, tuple[tuple[int, int], ...]]
    turns: Mapping[int, Pieces]
    known: Propagator | None = None

    @cached_property
    def propagator(self) -> Propagator:
        """Propagation over the program's own rows and atoms."""
        return self.known if self.known is not None else Propagator(self.original)

    @cached_property
    def cut_columns(self) -> list[int]:
        """Columns whose ranges are cut into pieces when they are refined."""
        return sorted({*self._products_of, *self.curved})

    @cached_property
    def factors(self) -> IntArray:
        """Those that are cut for products."""
        return np.unique(self.partition[self.partition >= 0])

    @cached_property
    def _products_of(self) -> dict[int, IntArray]:
        order = np.argsort(self.partition, kind="stable")
        columns, first = np.unique(self.partition[order], return_index=True)
        groups = np.split(order, first)[1:]
        return {int(j): mine for j, mine in zip(columns, groups, strict=True) if j >= 0}

    def products_of(self, j: int) -> IntArray:
        """The products for which a column is cut."""
        return self._products_of.get(j, np.zeros(0, dtype=np.int64))

    @property
    def has_continuous_cuts(self) -> bool:
        """Whether a continuous column has to be cut."""
        return any(not self.program.integer[j] for j in self.cut_columns)

    @cached_property
    def multiplied(self) -> IntArray:
        """The continuous columns of products of which no factor is whole, or fixed."""
        p, q = self.program, self.program.products
        both = ~self.exact_products(p.lower, p.upper) & ~p.integer[q.left] & ~p.integer[q.right]
        return np.unique(np.concatenate([q.left[both], q.right[both]]))

    def exact_products(self, lower: FloatArray, upper: FloatArray) -> BoolArray:
        """Products whose envelope is exact within ranges; see `exact_products`."""
        return exact_products(self.program, lower, upper)


# What overflows is infinite, and is found where bounds and coefficients are checked.
@np.errstate(over="ignore", invalid="ignore")
def classify(program: Program) -> Plan:
    """The plan of a program.

    Raises `Infeasible` where ranges have nothing in common, `DiagnosticError` where something that is to be
    relaxed has no range.
    """
    down, up = monotone_directions(program, atoms_only=True)
    lower, upper = program.lower, program.upper
    known = Propagator(program) if _needs_bounds(program, down, up) else None
    if known is not None:
        lower, upper = known.run(lower, upper)
    tight = replace(program, lower=lower, upper=upper)
    check_bounds(tight)
    curves = _curves(tight, down, up)
    return Plan(program, tight, down, up, _partition(tight), *curves, known)


def exact_products(program: Program, lower: FloatArray, upper: FloatArray) -> BoolArray:
    """Products whose envelope is exact: a factor is fixed, or binary."""
    q = program.products
    fixed = lower == upper
    with np.errstate(over="ignore", invalid="ignore"):
        binary = program.integer & (upper - lower <= 1)
    simple: BoolArray = fixed | binary
    return np.asarray(simple[q.left] | simple[q.right])


def _needs_bounds(p: Program, down: BoolArray, up: BoolArray) -> bool:
    """Whether any reformulation needs derived bounds; a linear program is left as it is."""
    if len(p.products) or any(f.function.smooth for f in p.functions):
        return True
    free = {"max": down, "min": up}
    return any(not down[f.result].all() for f in p.functions) or any(
        not free[e.sense][e.result].all() for e in p.extremes
    )


def _partition(p: Program) -> IntArray:
    """For each product, the column whose range is cut for it; -1 where none has to be."""
    q = p.products
    chosen = np.full(len(q), -1, dtype=np.int64)
    exact = exact_products(p, p.lower, p.upper)
    for side in (q.left, q.right):
        take = (chosen < 0) & ~exact & p.integer[side]
        chosen[take] = side[take]
    # Between two continuous factors: the one that serves the most products.
    rest = np.flatnonzero((chosen < 0) & ~exact)
    if len(rest):
        use = np.bincount(np.concatenate([q.left[rest], q.right[rest]]), minlength=p.columns)
        # Columns without bounds are no factors; what is said of them does not matter.
        with np.errstate(invalid="ignore"):
            size = np.maximum(np.abs(p.upper), np.abs(p.lower))
            width = (p.upper - p.lower) / np.where(size > 0, size, 1.0)
        left, right = q.left[rest], q.right[rest]
        prefer_left = (use[left] > use[right]) | (
            (use[left] == use[right]) & (width[left] <= width[right])
        )
        chosen[rest] = np.where(prefer_left, left, right)
    return chosen


def _curves(
    p: Program, down: BoolArray, up: BoolArray
) -> tuple[dict[int, tuple[tuple[int, int], ...]], dict[int, Pieces]]:
    """Columns that are cut because a function of them is, and the pieces where one turns."""
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    turns: dict[int, Pieces] = {}
    for number, atoms in enumerate(p.functions):
        if not atoms.function.smooth or atoms.tangents_only:
            continue
        low, high = p.lower[atoms.argument], p.upper[atoms.argument]
        sign = atoms.function.curvature(low, high)
        hard = univariate.needs_secant(atoms, sign, down, up) | (sign == 0)
        for k in np.flatnonzero(hard & (low < high)).tolist():
            j = int(atoms.argument[k])
            found[j] = (*found.get(j, ()), (number, k))
            turn = atoms.function.turn
            if turn is not None and low[k] < turn < high[k] and not p.integer[j]:
                # There is a piece for each side of the point where the curve turns.
                ends = np.array([low[k], turn]), np.array([turn, high[k]])
                turns[j] = Pieces(*ends, whole=False)
    return found, turns
