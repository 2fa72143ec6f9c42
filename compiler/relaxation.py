"""The linear relaxation of a program, over pieces that can be refined without rebuilding the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from allocc.compiler import errors
from allocc.compiler.bounds import Infeasible, Propagator
from allocc.compiler.direction import harmless
from allocc.compiler.extension import Extension
from allocc.compiler.program import (
    BoolArray,
    FloatArray,
    FunctionAtoms,
    IntArray,
    Products,
    Program,
    no_products,
)
from allocc.compiler.reformulations import absolute, extremes, mccormick, pieces, univariate
from allocc.dsl.diagnostics import AlloccError, Diagnostic


@dataclass(frozen=True)
class Built:
    """A linear program and how points move between it and the program it relaxes."""

    program: Program
    base_columns: int
    copies: tuple[pieces.PieceColumns, ...]

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
        self.pieces: dict[int, tuple[FloatArray, FloatArray]] = {}
        # Whether anything was cut off that is no better than what was had at the time.
        self.dropped = False
        self._local: dict[int, _LocalRanges] = {}
        self._check_bounds()
        self.partition = self._choose_partition()
        self.curved = self._choose_curves()

    @cached_property
    def propagator(self) -> Propagator:
        """Propagation over the program's own rows and atoms."""
        return Propagator(self.original)

    def _needs_bounds(self) -> bool:
        """Whether any reformulation needs derived bounds; a linear program is left as it is."""
        p = self.original
        if len(p.products) or any(f.kind != "abs" for f in p.functions):
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
            width = (p.upper - p.lower) / np.maximum(
                1e-9, np.maximum(np.abs(p.upper), np.abs(p.lower))
            )
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
            if atoms.kind == "abs":
                continue
            low, high = p.lower[atoms.argument], p.upper[atoms.argument]
            sign = univariate.curvature(atoms.kind, atoms.exponent, low, high)
            hard = univariate.needs_secant(atoms, sign, self.down, self.up) | (sign == 0)
            for k in np.flatnonzero(hard & (low < high)).tolist():
                j = int(atoms.argument[k])
                found.setdefault(j, []).append((number, k))
                if sign[k] == 0 and low[k] < 0 < high[k] and not p.integer[j]:
                    # Between its signs the curve turns: there is a piece for each.
                    self.pieces[j] = (np.array([low[k], 0.0]), np.array([0.0, high[k]]))
        return found

    @property
    def cut_columns(self) -> list[int]:
        """Columns whose ranges are cut into pieces when they are refined."""
        products = self.partition[self.partition >= 0]
        return sorted({*np.unique(products).tolist(), *self.curved})

    @property
    def has_continuous_cuts(self) -> bool:
        """Whether a continuous column has to be cut."""
        return any(not self.program.integer[j] for j in self.cut_columns)

    def _check_bounds(self) -> None:
        """Every factor that needs bounds has them; errors name what to bound."""
        p, q = self.program, self.program.products
        found: list[Diagnostic] = []
        # A quotient by what may be nought has no bounds: that is told once, by `_check_ratios`.
        newer, bottom = np.maximum(q.left, q.right), np.minimum(q.left, q.right)
        endless = newer[(q.result < newer) & (p.lower[bottom] <= 0) & (p.upper[bottom] >= 0)]
        for side in (q.left, q.right):
            other = q.right if side is q.left else q.left
            fixed = p.lower[other] == p.upper[other]
            for j in np.unique(
                side[~fixed & ~(np.isfinite(p.lower[side]) & np.isfinite(p.upper[side]))]
            ):
                if j not in endless:
                    found.append(self._unbounded(int(j), "a product"))
        for atoms in p.functions:
            if atoms.kind == "abs":
                continue
            for j in atoms.argument:
                if not (np.isfinite(p.lower[j]) and np.isfinite(p.upper[j])):
                    found.append(self._unbounded(int(j), f"{atoms.kind}(...)"))
            low, high = p.lower[atoms.argument], p.upper[atoms.argument]
            needs = {"log": low <= 0, "sqrt": low < 0, "reciprocal": (low <= 0) & (high >= 0)}
            bad = needs.get(atoms.kind, np.zeros(len(low), dtype=bool))
            if atoms.kind == "power" and (
                atoms.exponent != int(atoms.exponent) or atoms.exponent < 0
            ):
                bad = low < 0 if atoms.exponent > 0 else low <= 0
            for k in np.flatnonzero(bad)[:3]:
                name = p.column_name(int(atoms.argument[k]))
                wants = (
                    "an argument other than nought"
                    if atoms.kind == "reciprocal"
                    else "a positive argument"
                )
                found.append(
                    errors.outside_domain(
                        f"{atoms.kind} of {name}", wants, f"{low[k]:g}", f"{high[k]:g}", atoms.span
                    )
                )
        self._check_ratios(found)
        if found:
            raise AlloccError(found[:10])

    def _check_ratios(self, found: list[Diagnostic]) -> None:
        """A ratio's denominator must not reach nought."""
        p, q = self.program, self.program.products
        newer = np.maximum(q.left, q.right)
        ratio = np.flatnonzero(q.result < newer)
        for k in ratio:
            bottom = q.right[k] if q.left[k] == newer[k] else q.left[k]
            low, high = p.lower[bottom], p.upper[bottom]
            if low <= 0 <= high:
                name = p.column_name(int(bottom))
                block = next(b for b in p.column_blocks if b.start <= bottom < b.start + b.count)
                found.append(
                    errors.outside_domain(
                        f"1 / {name}",
                        "a denominator other than nought",
                        f"{low:g}",
                        f"{high:g}",
                        block.span,
                    )
                )

    def _unbounded(self, j: int, what: str) -> Diagnostic:
        p = self.program
        side = "upper" if np.isinf(p.upper[j]) else "lower"
        block = next(b for b in p.column_blocks if b.start <= j < b.start + b.count)
        return errors.unbounded_factor(p.column_name(j), side, what, block.span)

    # --- pieces ----------------------------------------------------------------------------

    def pieces_of(self, j: int) -> tuple[FloatArray, FloatArray]:
        """The pieces of a column's range."""
        p = self.program
        return self.pieces.get(j, (p.lower[j : j + 1], p.upper[j : j + 1]))

    def shrink(self, lower: FloatArray, upper: FloatArray) -> None:
        """Continue within a smaller box; raises `Infeasible` when nothing is left in it."""
        lower, upper = self.propagator.run(lower, upper)
        self.program = replace(self.program, lower=lower, upper=upper)
        for local in self._local.values():
            local.update(self.program)
        for j, (low, high) in list(self.pieces.items()):
            low, high = np.maximum(low, lower[j]), np.minimum(high, upper[j])
            kept = low <= high
            if not kept.any():
                raise Infeasible(j)
            self.pieces[j] = (low[kept], high[kept])

    def keep_pieces(self, j: int, low: FloatArray, high: FloatArray) -> None:
        """Drop the other pieces of a column: nothing better than what is had lies in them."""
        self.dropped = True
        self.pieces[j] = (low, high)

    def make_exact(self) -> None:
        """Cut the remaining pieces of every integer factor into single values."""
        for j in np.unique(self.partition[self.partition >= 0]).tolist():
            if self.program.integer[j]:
                low, high = self.pieces_of(j)
                values = np.concatenate(
                    [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
                )
                self.pieces[j] = (values, values.copy())

    def values_left(self) -> float:
        """Values in the pieces of all integer factors; infinite where a factor is continuous."""
        total = 0.0
        for j in np.unique(self.partition[self.partition >= 0]).tolist():
            if not self.program.integer[j]:
                return np.inf
            low, high = self.pieces_of(j)
            total += float(np.sum(high - low + 1))
        return total

    def build_direct(self, capabilities: Any) -> Built:
        """The program with products and functions as they are; only abs, min and max are linear."""
        p = self.program
        build = Extension(p)
        for atoms in p.functions:
            if atoms.kind == "abs":
                self._mixed_finite(atoms, p.lower, p.upper)
                absolute.write(build, atoms, p.lower, p.upper, self.down)
        for e in p.extremes:
            free = self.down if e.sense == "max" else self.up
            self._finite(e.argument[~free[e.result[e.owner]]], p.lower, p.upper)
            extremes.write(build, e, p.lower, p.upper, self.down, self.up)
        smooth = tuple(f for f in p.functions if f.kind != "abs")
        program = build.finish(p.products, smooth)
        return Built(program, p.columns, ())

    def split(self, j: int, at: float) -> bool:
        """Cut the piece that holds `at` there; False where it cannot be cut further."""
        low, high = self.pieces_of(j)
        k = int(np.argmin(np.maximum(low - at, at - high)))
        a, b = low[k], high[k]
        if self.program.integer[j]:
            v = round(at)
            v = min(max(v, a), b)
            if a == b:
                return False
            parts = [(a, v - 1), (v, v), (v + 1, b)]
        else:
            width = b - a
            total = self.program.upper[j] - self.program.lower[j]
            if width <= 1e-7 * max(total, 1e-12):
                return False
            v = min(max(at, a + 0.2 * width), b - 0.2 * width)
            parts = [(a, v), (v, b)]
        parts = [(x, y) for x, y in parts if x <= y]
        new_low = np.concatenate([low[:k], [x for x, _ in parts], low[k + 1 :]])
        new_high = np.concatenate([high[:k], [y for _, y in parts], high[k + 1 :]])
        self.pieces[j] = (new_low, new_high)
        return True

    def _is_cut(self, j: int) -> bool:
        """Whether the pieces of a column say more than its range."""
        low, high = self.pieces_of(j)
        whole = low[0] == self.program.lower[j] and high[0] == self.program.upper[j]
        return len(low) > 1 or not whole

    def piece_bounds(self, j: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Feasible pieces of a column and the bounds of its partners in each."""
        if j not in self._local:
            self._local[j] = _LocalRanges(self.program, j)
        local = self._local[j]
        low, high = self.pieces_of(j)
        kept_low, kept_high, lowers, uppers = [], [], [], []
        for a, b in zip(low.tolist(), high.tolist(), strict=True):
            found = local.ranges(a, b)
            if found is not None:
                kept_low.append(a)
                kept_high.append(b)
                lowers.append(found[0])
                uppers.append(found[1])
        return np.array(kept_low), np.array(kept_high), np.array(lowers), np.array(uppers)

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
            for j in self.cut_columns:
                if not self._is_cut(j):
                    continue
                mine = np.flatnonzero((self.partition == j) & ~exact)
                if not len(mine) and j not in self.curved:
                    continue
                a, b, pl, pu = self.piece_bounds(j)
                if not len(a):
                    raise Infeasible(j)
                other = np.where(q.left[mine] == j, q.right[mine], q.left[mine])
                copy = pieces.disaggregate(build, j, a, b, q.result[mine], other, pl, pu)
                cut[mine] = True
                for number, k in self.curved.get(j, ()):
                    seen = np.array([c[k] for c in self.cuts[number]])
                    copy = univariate.over_pieces(build, p.functions[number], k, copy, seen)
                    curves.add((number, k))
                copies.append(copy)
        rest = np.flatnonzero(~cut)
        below = ~self.up[q.result[rest]]
        above = ~self.down[q.result[rest]]
        mccormick.envelope(
            build, q.result[rest], q.left[rest], q.right[rest], low, high, below, above
        )
        for number, atoms in enumerate(p.functions):
            if atoms.kind == "abs":
                self._mixed_finite(atoms, low, high)
                absolute.write(build, atoms, low, high, self.down)
                continue
            self._function(build, number, low, high, curves)
        for e in p.extremes:
            free = self.down if e.sense == "max" else self.up
            self._finite(e.argument[~free[e.result[e.owner]]], low, high)
            extremes.write(build, e, low, high, self.down, self.up)
        program = build.finish(no_products())
        if not integral:
            program = replace(program, integer=np.zeros(program.columns, dtype=bool))
        return Built(program, p.columns, tuple(copies))

    def _mixed_finite(self, atoms: FunctionAtoms, low: FloatArray, high: FloatArray) -> None:
        """An absolute value needs bounds only where both signs are possible and it could float."""
        x = atoms.argument
        self._finite(x[~self.down[atoms.result] & (low[x] < 0) & (high[x] > 0)], low, high)

    def _finite(self, columns: IntArray, low: FloatArray, high: FloatArray) -> None:
        bad = columns[~(np.isfinite(low[columns]) & np.isfinite(high[columns]))]
        if len(bad):
            raise AlloccError(
                [self._unbounded(int(j), "min, max or abs") for j in np.unique(bad)[:5]]
            )

    def _function(
        self,
        build: Extension,
        number: int,
        low: FloatArray,
        high: FloatArray,
        done: set[tuple[int, int]],
    ) -> None:
        """Tangents and secants of the atoms that are not written over pieces."""
        atoms = self.program.functions[number]
        here = np.array([(number, k) not in done for k in range(len(atoms))])
        a, b = low[atoms.argument], high[atoms.argument]
        sign = univariate.curvature(atoms.kind, atoms.exponent, a, b)
        which = np.flatnonzero(here)
        # Shares towards both ends, so that a curve too steep at its end has a tangent nearby.
        near = [2.0**-n for n in range(3, 14, 2)] if atoms.kind != "square" else []
        shares = [0.0, *near, 0.25, 0.5, 0.75, *(1 - x for x in near), 1.0]
        for points in [
            *(a + x * (b - a) for x in shares),
            *(np.clip(c, a, b) for c in self.cuts[number]),
        ]:
            univariate.tangents(build, atoms, which, points[which], sign[which])
        which = np.flatnonzero(here & univariate.needs_secant(atoms, sign, self.down, self.up))
        univariate.secants(build, atoms, which, a[which], b[which], sign[which])

    def split_active(self, built: Built, point: FloatArray, tolerance: float) -> int:
        """Split every piece that a point of the relaxation uses and in which a product is wrong.

        `point` may be fractional in the pieces: a piece used with weight z stands at x_j / z.
        Returns the number of splits.
        """
        cut = {c.variable: c for c in built.copies}
        splits = 0
        for j in self.cut_columns:
            copy = cut.get(j)
            if copy is None:
                x = float(point[j])
                if self._error(j, x, point, None, 0) > tolerance:
                    splits += self.split(j, x)
                continue
            z = point[copy.binaries]
            for k in np.flatnonzero((copy.low < copy.high) & (z > 1e-6)).tolist():
                x = float(np.clip(point[copy.copies[0, k]] / z[k], copy.low[k], copy.high[k]))
                if self._error(j, x, point, copy, k) > tolerance:
                    splits += self.split(j, x)
        return splits

    def _error(
        self, j: int, x: float, point: FloatArray, copy: pieces.PieceColumns | None, k: int
    ) -> float:
        """The largest relative error of the products and curves of column j where it is x."""
        p, q = self.program, self.program.products
        index = {} if copy is None else {int(w): n for n, w in enumerate(copy.whole)}

        def value(column: int) -> float:
            if copy is None or column not in index or copy.copies[index[column], k] < 0:
                return float(point[column])
            return float(point[copy.copies[index[column], k]])

        weight = 1.0 if copy is None else max(float(point[copy.binaries[k]]), 1e-12)
        worst = 0.0
        for n in np.flatnonzero(self.partition == j).tolist():
            w = int(q.result[n])
            other = int(q.right[n] if q.left[n] == j else q.left[n])
            size = max(1e-9, abs(float(p.upper[w] - p.lower[w])))
            worst = max(worst, abs(value(w) - x * value(other)) / size)
        for number, n in self.curved.get(j, ()):
            atoms = p.functions[number]
            w = int(atoms.result[n])
            true = float(univariate.evaluate(atoms.kind, atoms.exponent, np.array([x]))[0])
            size = max(1e-9, abs(float(p.upper[w] - p.lower[w])))
            worst = max(worst, abs(value(w) - weight * true) / size)
        return worst

    def add_tangents(self, point: FloatArray, tolerance: float) -> int:
        """Remember where function atoms stand at a point: tangents are put there.

        Returns how many atoms the relaxation had on the tangents' side by more than `tolerance`,
        relative to their range.
        """
        p = self.program
        count = 0
        for number, atoms in enumerate(p.functions):
            if atoms.kind == "abs":
                continue
            x = point[atoms.argument]
            sign = univariate.curvature(
                atoms.kind, atoms.exponent, p.lower[atoms.argument], p.upper[atoms.argument]
            )
            true = univariate.evaluate(atoms.kind, atoms.exponent, x)
            size = np.maximum(1e-9, np.abs(p.upper[atoms.result] - p.lower[atoms.result]))
            short = sign * (true - point[atoms.result]) / size
            count += int(np.sum(short > tolerance))
            self.cuts[number].append(x.copy())
        return count


class _LocalRanges:
    """Ranges of a column's partners when it lies in a piece: propagation over the rows nearby."""

    def __init__(self, program: Program, j: int) -> None:
        self.full_lower, self.full_upper = program.lower, program.upper
        q = program.products
        mine = np.flatnonzero((q.left == j) | (q.right == j))
        near = {j, *q.result[mine].tolist(), *q.left[mine].tolist(), *q.right[mine].tolist()}
        m = program.matrix
        counts = np.diff(m.indptr)
        short = np.flatnonzero(counts <= 4)
        row_of = np.repeat(np.arange(program.rows), counts)
        outside = np.bincount(row_of, ~np.isin(m.indices, list(near)), program.rows)
        rows = short[(outside[short] == 0) & (counts[short] > 0)]
        columns = np.array(sorted(near))
        place = {c: k for k, c in enumerate(columns.tolist())}
        self.columns = columns
        self.mine = place[j]
        local = replace(
            program,
            objective=np.zeros(len(columns)),
            lower=program.lower[columns],
            upper=program.upper[columns],
            integer=program.integer[columns],
            matrix=m[rows][:, columns].tocsr(),
            row_lower=program.row_lower[rows],
            row_upper=program.row_upper[rows],
            products=Products(
                *(
                    np.array([place[c] for c in side[mine].tolist()], dtype=np.int64)
                    for side in (q.result, q.left, q.right)
                )
            ),
            functions=(),
            extremes=(),
            defined=None,
        )
        self.propagator = Propagator(local)
        self.local = local
        self.known: dict[tuple[float, float], tuple[FloatArray, FloatArray] | None] = {}

    def update(self, program: Program) -> None:
        """Take over tighter bounds; what is known is kept if none of them is nearby."""
        self.full_lower, self.full_upper = program.lower, program.upper
        lower, upper = program.lower[self.columns], program.upper[self.columns]
        if np.array_equal(lower, self.local.lower) and np.array_equal(upper, self.local.upper):
            return
        self.local = replace(self.local, lower=lower, upper=upper)
        self.known.clear()

    def ranges(self, low: float, high: float) -> tuple[FloatArray, FloatArray] | None:
        """Bounds of all columns of the program in a piece, None where the piece is empty."""
        key = (low, high)
        if key not in self.known:
            lower, upper = self.local.lower.copy(), self.local.upper.copy()
            lower[self.mine] = max(low, lower[self.mine])
            upper[self.mine] = min(high, upper[self.mine])
            try:
                self.known[key] = self.propagator.run(lower, upper, sweeps=10)
            except Infeasible:
                self.known[key] = None
        found = self.known[key]
        if found is None:
            return None
        full_lower, full_upper = self.full_lower.copy(), self.full_upper.copy()
        full_lower[self.columns], full_upper[self.columns] = found
        return full_lower, full_upper
