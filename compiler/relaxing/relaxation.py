"""The linear relaxation of a program, over pieces that can be refined without rebuilding the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.local_ranges import LocalRanges, propagate
from allocc.compiler.programs.priced import PricedRows, priced_rows
from allocc.compiler.programs.program import Program, no_products
from allocc.compiler.programs.reformulation import Atoms, Facts, applied
from allocc.compiler.programs.scaling import Scaling, scale
from allocc.compiler.reformulations import exact_forms, mccormick, pieces, price, univariate
from allocc.compiler.reformulations.pieces import Pieces
from allocc.compiler.relaxing.plan import classify

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
    """A plan carried out: for each column that is cut, the pieces of its range, which may be refined.

    Integer columns are cut into ranges of whole values, continuous ones into intervals. With every
    piece of every integer column a single value, products with an integer factor are exact.
    """

    def __init__(self, program: Program) -> None:
        self.plan = classify(program)
        self.program = self.plan.program
        self.cuts: list[list[FloatArray]] = [[] for _ in program.functions]
        self.pieces: dict[int, Pieces] = dict(self.plan.turns)
        # Whether anything was cut off that is no better than what was had at the time.
        self.dropped = False
        #: Where ranges were cut, whatever was dropped since: see `whole_again`.
        self.marks: dict[int, set[float]] = {}
        for j, found in self.pieces.items():
            self._mark(j, found)
        self._local: dict[int, LocalRanges] = {}

    @cached_property
    def priced(self) -> PricedRows:
        """How columns with a price follow from the factors of products that are cut."""
        q = self.program.products
        cut = self.plan.partition >= 0
        sides = [side[cut] for side in (q.left, q.right, q.result)]
        return priced_rows(self.program, np.unique(np.concatenate(sides)))

    def with_tangents(self) -> Program:
        """The program with the tangents that were added so far as rows of it."""
        p = self.program
        build = Extension(p)
        for atoms, cuts in zip(p.functions, self.cuts, strict=True):
            sign = atoms.function.curvature(p.lower[atoms.argument], p.upper[atoms.argument])
            for points in cuts:
                univariate.tangents(build, atoms, np.arange(len(atoms)), points, sign)
        return build.finish(p.products, p.functions, p.extremes)

    # --- pieces ----------------------------------------------------------------------------

    def pieces_of(self, j: int) -> Pieces:
        """The pieces of a column's range."""
        p, here = self.program, slice(j, j + 1)
        found = self.pieces.get(j)
        if found is not None:
            return found
        return Pieces(p.lower[here], p.upper[here], bool(p.integer[j]))

    def _mark(self, j: int, found: Pieces) -> None:
        """Remember the ends of pieces: the first value of each, and what comes after its last one."""
        after = found.high + 1.0 if found.whole else found.high
        self.marks.setdefault(j, set()).update(found.low.tolist(), after.tolist())

    def whole_again(
        self, marks: Mapping[int, Collection[float]], cuts: Sequence[Sequence[FloatArray]]
    ) -> None:
        """Take pieces with ends at `marks`, over all of each range, and tangents where another has them."""
        for j, places in marks.items():
            low, high = float(self.program.lower[j]), float(self.program.upper[j])
            whole = bool(self.program.integer[j])
            inner = [x for x in sorted(places) if low < x < high or (whole and low < x == high)]
            first = np.array([low, *inner])
            last = np.append(first[1:] - (1.0 if whole else 0.0), high)
            self.pieces[j] = Pieces(first, last, whole)
            self._mark(j, self.pieces[j])
        self.cuts = [list(points) for points in cuts]

    def _told(self) -> dict[str, int]:
        """The integer columns that are cut, by their names; what is cut where a function bends is left out."""
        own = [j for j in self.plan.cut_columns if self.program.integer[j]]
        return {self.program.column_name(j): j for j in own if j not in self.plan.turns}

    def begin_at(self, cuts: Mapping[str, Collection[float]]) -> None:
        """Cut ranges where a like program ended, by the names of the columns; no value is left out."""
        marks = {j: cuts[name] for name, j in self._told().items() if name in cuts}
        self.whole_again(marks, self.cuts)

    def ends(self) -> dict[str, tuple[float, ...]]:
        """Where ranges are cut now: what another program's `begin_at` takes."""
        found = {}
        for name, j in self._told().items():
            if self._is_cut(j):
                parts = self.pieces_of(j)
                after = parts.high + 1.0 if parts.whole else parts.high
                found[name] = tuple(sorted({*parts.low.tolist(), *after.tolist()}))
        return found

    def shrink(self, lower: FloatArray, upper: FloatArray) -> None:
        """Continue within a smaller box; raises `Infeasible` when nothing is left in it."""
        lower, upper = self.plan.propagator.run(lower, upper, SHRINK_SWEEPS)
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
        for j in self.plan.factors.tolist():
            if self.program.integer[j]:
                self.pieces[j] = self.pieces_of(j).singles()
                self._mark(j, self.pieces[j])

    def values_left(self) -> float:
        """Values in the pieces of all integer factors; infinite where a factor is continuous."""
        return sum((self.pieces_of(j).values for j in self.plan.factors.tolist()), 0.0)

    def build_direct(self) -> Built:
        """The program with products and functions as they are; only abs, min and max are linear."""
        p = self.program
        facts = Facts(p.lower, p.upper, self.plan.down, self.plan.up)
        return Built(applied(p, exact_forms(), facts), p.columns, ())

    def split(self, j: int, at: float) -> bool:
        """Cut the piece that holds `at` there; False where it cannot be cut further."""
        before = self.pieces_of(j)
        total = float(self.program.upper[j] - self.program.lower[j])
        after = before.split(at, SHORTEST * total)
        if after is before:
            return False
        self.pieces[j] = after
        self._mark(j, after)
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
        for j in self.plan.cut_columns:
            if self._is_cut(j):
                mine = self.plan.products_of(j)
                mine = mine[~exact[mine]]
                if len(mine) or j in self.plan.curved:
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
        exact = self.plan.exact_products(low, high)
        cut = np.zeros(len(q), dtype=bool)
        curves: set[tuple[int, int]] = set()
        if not boxed:
            cuts, written = self._cuts(exact)
            cut[written] = True
            for one, plain in zip(cuts, pieces.disaggregate(build, cuts), strict=True):
                copy = price.write(build, plain, one, self.priced, low, high)
                for number, k in self.plan.curved.get(copy.variable, ()):
                    seen = np.array([c[k] for c in self.cuts[number]])
                    copy = univariate.over_pieces(build, p.functions[number], k, copy, seen)
                    curves.add((number, k))
                copies.append(copy)
        rest = np.flatnonzero(~cut)
        facts = Facts(low, high, self.plan.down, self.plan.up)
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
