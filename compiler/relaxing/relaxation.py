"""The linear relaxation of a program, over pieces that can be refined without rebuilding the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.bounds_needed import check_bounds
from allocc.compiler.programs.direction import harmless
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.local_ranges import LocalRanges, propagate
from allocc.compiler.programs.priced import PricedRows, priced_rows
from allocc.compiler.programs.program import Program, no_products
from allocc.compiler.programs.reformulation import Atoms, Facts, applied
from allocc.compiler.programs.scaling import Scaling, scale
from allocc.compiler.reformulations import exact_forms, mccormick, pieces, price, univariate
from allocc.compiler.reformulations.pieces import Pieces

#: A piece of a continuous range is not cut below this share of it.
SHORTEST = 1e-7
#: A smaller box is propagated for so many sweeps: most of what it says is said by then.
SHRINK_SWEEPS = 5


@dataclass(frozen=True)
class Built:
    """A linear program and how points move between it and the program it relaxes."""

    program: Program
    base_columns: int
    copies: tuple[pieces.PieceColumns, ...]

    @cached_property
    def scaled(self) -> tuple[Program, Scaling]:
        """The program as solvers get it."""
        return scale(self.program)

    def lower_point(self, point: FloatArray) -> FloatArray:
        """The point of the original program."""
        return point[: self.base_columns]

    def lift_point(self, point: FloatArray) -> FloatArray:
        """A start for the solver from a point of the original program; NaN where it must choose."""
        full = np.full(self.program.columns, np.nan)
        full[: self.base_columns] = point
        for copy in self.copies:
            copy.lift(full)
        return full


class Relaxation:
    """A tightened program with, for each partitioned column, the pieces of its range.

    Integer columns are cut into ranges of whole values, continuous ones into intervals. With every
    piece of every integer column a single value, products with an integer factor are exact.
    """

    # What overflows is infinite, and is found where bounds and coefficients are checked.
    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, program: Program) -> None:
        self.down, self.up = harmless(program, atoms_only=True)
        self.original = program
        lower, upper = program.lower, program.upper
        if self._needs_bounds():
            lower, upper = self.propagator.run(lower, upper)
        self.program = replace(program, lower=lower, upper=upper)
        self.cuts: list[list[FloatArray]] = [[] for _ in program.functions]
        self.pieces: dict[int, Pieces] = {}
        # Whether anything was cut off that is no better than what was had at the time.
        self.dropped = False
        self._local: dict[int, LocalRanges] = {}
        check_bounds(self.program)
        self.partition = self._choose_partition()
        self.curved = self._choose_curves()

    @cached_property
    def propagator(self) -> Propagator:
        """Propagation over the program's own rows and atoms."""
        return Propagator(self.original)

    @cached_property
    def priced(self) -> PricedRows:
        """How columns with a price follow from the factors of products that are cut."""
        q = self.program.products
        cut = self.partition >= 0
        sides = [side[cut] for side in (q.left, q.right, q.result)]
        return priced_rows(self.program, np.unique(np.concatenate(sides)))

    def _needs_bounds(self) -> bool:
        """Whether any reformulation needs derived bounds; a linear program is left as it is."""
        p = self.original
        if len(p.products) or any(f.function.smooth for f in p.functions):
            return True
        free = {"max": self.down, "min": self.up}
        return any(not self.down[f.result].all() for f in p.functions) or any(
            not free[e.sense][e.result].all() for e in p.extremes
        )

    # --- what has to be partitioned --------------------------------------------------------

    def exact_products(self, lower: FloatArray, upper: FloatArray) -> BoolArray:
        """Products whose envelope is exact: a factor is fixed, or binary."""
        q = self.program.products
        fixed = lower == upper
        with np.errstate(over="ignore", invalid="ignore"):
            binary = self.program.integer & (upper - lower <= 1)
        simple: BoolArray = fixed | binary
        return np.asarray(simple[q.left] | simple[q.right])

    def _choose_partition(self) -> IntArray:
        """For each product, the column whose range is cut for it; -1 where none has to be."""
        p, q = self.program, self.program.products
        chosen = np.full(len(q), -1, dtype=np.int64)
        exact = self.exact_products(p.lower, p.upper)
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

    def _choose_curves(self) -> dict[int, list[tuple[int, int]]]:
        """Columns that are cut because a function of them is; with (block, place) of each atom."""
        p = self.program
        found: dict[int, list[tuple[int, int]]] = {}
        for number, atoms in enumerate(p.functions):
            if not atoms.function.smooth:
                continue
            low, high = p.lower[atoms.argument], p.upper[atoms.argument]
            sign = atoms.function.curvature(low, high)
            hard = univariate.needs_secant(atoms, sign, self.down, self.up) | (sign == 0)
            for k in np.flatnonzero(hard & (low < high)).tolist():
                j = int(atoms.argument[k])
                found.setdefault(j, []).append((number, k))
                turn = atoms.function.turn
                if turn is not None and low[k] < turn < high[k] and not p.integer[j]:
                    # There is a piece for each side of the point where the curve turns.
                    ends = np.array([low[k], turn]), np.array([turn, high[k]])
                    self.pieces[j] = Pieces(*ends, whole=False)
        return found

    @cached_property
    def cut_columns(self) -> list[int]:
        """Columns whose ranges are cut into pieces when they are refined."""
        return sorted({*self._products_of, *self.curved})

    @cached_property
    def _products_of(self) -> dict[int, IntArray]:
        """The products for which each column is cut."""
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

    # --- pieces ----------------------------------------------------------------------------

    def pieces_of(self, j: int) -> Pieces:
        """The pieces of a column's range."""
        p, here = self.program, slice(j, j + 1)
        found = self.pieces.get(j)
        if found is not None:
            return found
        return Pieces(p.lower[here], p.upper[here], bool(p.integer[j]))

    def shrink(self, lower: FloatArray, upper: FloatArray) -> None:
        """Continue within a smaller box; raises `Infeasible` when nothing is left in it."""
        lower, upper = self.propagator.run(lower, upper, SHRINK_SWEEPS)
        self.program = replace(self.program, lower=lower, upper=upper)
        for local in self._local.values():
            local.update(self.program)
        for j, found in self.pieces.items():
            self.pieces[j] = found.within(lower[j], upper[j])
            if not len(self.pieces[j]):
                raise Infeasible(j)

    def keep_pieces(self, j: int, low: FloatArray, high: FloatArray) -> None:
        """Drop the other pieces of a column: nothing better than what is had lies in them."""
        self.dropped = True
        self.pieces[j] = Pieces(low, high, bool(self.program.integer[j]))

    def make_exact(self) -> None:
        """Cut the remaining pieces of every integer factor into single values."""
        for j in np.unique(self.partition[self.partition >= 0]).tolist():
            if self.program.integer[j]:
                self.pieces[j] = self.pieces_of(j).singles()

    def values_left(self) -> float:
        """Values in the pieces of all integer factors; infinite where a factor is continuous."""
        columns = np.unique(self.partition[self.partition >= 0]).tolist()
        return sum((self.pieces_of(j).values for j in columns), 0.0)

    def build_direct(self) -> Built:
        """The program with products and functions as they are; only abs, min and max are linear."""
        p = self.program
        facts = Facts(p.lower, p.upper, self.down, self.up)
        return Built(applied(p, exact_forms(), facts), p.columns, ())

    def split(self, j: int, at: float) -> bool:
        """Cut the piece that holds `at` there; False where it cannot be cut further."""
        before = self.pieces_of(j)
        total = float(self.program.upper[j] - self.program.lower[j])
        after = before.split(at, SHORTEST * total)
        if after is before:
            return False
        self.pieces[j] = after
        return True

    def _is_cut(self, j: int) -> bool:
        """Whether the pieces of a column say more than its range."""
        return not self.pieces_of(j).is_range(self.program.lower[j], self.program.upper[j])

    def _cuts(self, exact: BoolArray) -> tuple[list[pieces.Cut], IntArray]:
        """The columns that are written over pieces, with their feasible pieces, and the products.

        Raises `Infeasible` where a column has none.
        """
        q = self.program.products
        found = []
        for j in self.cut_columns:
            if self._is_cut(j):
                mine = self.products_of(j)
                mine = mine[~exact[mine]]
                if len(mine) or j in self.curved:
                    if j not in self._local:
                        self._local[j] = LocalRanges(self.program, j)
                    parts = self.pieces_of(j)
                    found.append((j, mine, self._local[j], parts.low, parts.high))
        propagate([(near, low, high) for _, _, near, low, high in found])
        cuts = []
        for j, mine, near, low, high in found:
            kept = near.feasible(low, high)
            if not any(kept):
                raise Infeasible(j)
            low, high = low[kept], high[kept]
            result = q.result[mine]
            other = np.where(q.left[mine] == j, q.right[mine], q.left[mine])
            ranges = (near.ranges(columns, low, high) for columns in (other, result))
            cuts.append(pieces.Cut(j, low, high, result, other, *ranges))
        written = [mine for _, mine, *_ in found]
        return cuts, np.concatenate(written) if written else np.zeros(0, dtype=np.int64)

    # --- the linear program ----------------------------------------------------------------

    @np.errstate(over="ignore", invalid="ignore")
    def build(
        self,
        lower: FloatArray | None = None,
        upper: FloatArray | None = None,
        integral: bool = True,
    ) -> Built:
        """The linear relaxation with the pieces as they are, optionally within a smaller box.

        With `integral` False all columns are continuous: a bound that is cheap to refine.
        """
        p = self.program
        boxed = lower is not None or upper is not None
        low = p.lower if lower is None else lower
        high = p.upper if upper is None else upper
        base = replace(p, lower=low, upper=high) if boxed else p
        build = Extension(base)
        copies = []
        q = p.products
        exact = self.exact_products(low, high)
        cut = np.zeros(len(q), dtype=bool)
        curves: set[tuple[int, int]] = set()
        if not boxed:
            cuts, written = self._cuts(exact)
            cut[written] = True
            for one, plain in zip(cuts, pieces.disaggregate(build, cuts), strict=True):
                copy = price.write(build, plain, one, self.priced, low, high)
                for number, k in self.curved.get(copy.variable, ()):
                    seen = np.array([c[k] for c in self.cuts[number]])
                    copy = univariate.over_pieces(build, p.functions[number], k, copy, seen)
                    curves.add((number, k))
                copies.append(copy)
        rest = np.flatnonzero(~cut)
        facts = Facts(low, high, self.down, self.up)
        whole = q.taken(rest)
        mccormick.REFORMULATION.write(build, Atoms(whole), facts)
        for number, atoms in enumerate(p.functions):
            if atoms.function.smooth:
                left = [k for k in range(len(atoms)) if (number, k) not in curves]
                here = np.array(left, dtype=np.int64)
                univariate.write(build, atoms, facts, self.cuts[number], here)
        for form in exact_forms():
            form.write(build, form.takes(p), facts)
        program = build.finish(no_products())
        if not integral:
            program = replace(program, integer=np.zeros(program.columns, dtype=bool))
        return Built(program, p.columns, tuple(copies))
