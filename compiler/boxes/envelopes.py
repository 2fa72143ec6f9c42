r"""The linear relaxation of a program within any box of its columns, with rows that stay in their places.

Each product w = a b has the four rows of its envelope, and six more for where its factors rise together: in an
epidemic the susceptible and the infectious do, since both are fewer where more were vaccinated. With
:math:`y = b - m a` in a range :math:`[t_1, t_2]`, a band along the diagonal of the box,

.. math::
    w = m a^2 + a y \\ge m (2 p a - p^2) + (\\text{envelope of } a\\, y) ,

whose first part is exact at p, and whose second is as far off as the band is wide. Each function has tangents
at its ends and in the middle, and a secant. Only their coefficients change with the box, so that a basis of one box serves in another. All is in the
units of solvers, as `allocc.compiler.programs.scaling` measures the columns by their ranges at the start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import FunctionAtoms, Program, ProgramBlock, no_products
from allocc.compiler.programs.scaling import scale

#: Where in the range of its argument a function has tangents.
SHARES = (0.0, 0.5, 1.0)
#: Where in the range of its left factor a product has tangents of the square.
PLACES = (0.2, 0.5, 0.8)
#: Rows of a product.
ROWS = 4 + 2 * len(PLACES)
#: Lines steeper than this, both sides measured by their ranges, say little and hurt solvers.
STEEPEST = 1e8
#: A row of a product with a larger coefficient is left out: solvers refuse such numbers. Its columns have ranges.
LARGEST = 1e12
#: A function's lines are moved outward by this part of their sizes, for rounding.
OUTWARD = 1e-12


@dataclass(frozen=True, eq=False)
class Bands:
    """For each product, in the units of solvers: right - slope * left is in `lower .. upper`.

    A slope of 0 says nothing.
    """

    slope: FloatArray
    lower: FloatArray
    upper: FloatArray

    def narrower(self, other: Bands | None) -> Bands:
        """For each product the narrower of two bands; one that says nothing is as wide as can be."""
        if other is None or other is self:
            return self
        own, theirs = (
            np.where(
                b.slope > 0, (b.upper - b.lower) / np.where(b.slope > 0, 1.0 + b.slope, 1.0), np.inf
            )
            for b in (self, other)
        )
        mine = own <= theirs
        sides = ((self.slope, other.slope), (self.lower, other.lower), (self.upper, other.upper))
        return Bands(*(np.where(mine, a, b) for a, b in sides))

    def within(self, k: IntArray, slope: FloatArray, lower: FloatArray, upper: FloatArray) -> Bands:
        """The bands with others in the place of some."""
        parts = []
        for old, new in ((self.slope, slope), (self.lower, lower), (self.upper, upper)):
            part = old.copy()
            part[k] = new
            parts.append(part)
        return Bands(*parts)


class Envelopes:
    """Linear programs over boxes; `program` has ranges at the start, products and smooth functions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        # Lines of functions are scaled here: their columns need not stay as they are.
        scaled, self.scaling = scale(replace(program, functions=()), propagate=False)
        sign = 1.0 if program.sense == "minimize" else -1.0
        self.base = replace(
            scaled,
            sense="minimize",
            objective=sign * scaled.objective,
            offset=0.0,
            integer=np.zeros(program.columns, dtype=bool),
            products=no_products(),
            functions=(),
            defined=None,
            row_blocks=(ProgramBlock("row", 0, 0, "auxiliary"),),
        )
        q = scaled.products
        self.left, self.right, self.result, self.factor = q.left, q.right, q.result, q.factors
        self.functions = program.functions
        #: Of each product, and then of each function: what it is made of, twice the argument, and what it is.
        curved = [f.argument for f in self.functions]
        self.first = np.concatenate([self.left, *curved])
        self.second = np.concatenate([self.right, *curved])
        self.results = np.concatenate([self.result, *(f.result for f in self.functions)])
        self.slot, self.indices, self.indptr = self._structure()

    @property
    def rows(self) -> int:
        """The rows of the program itself, which stand before the envelopes."""
        return self.base.rows

    @property
    def arguments(self) -> IntArray:
        """The columns whose ranges the relaxation depends on."""
        return np.unique(np.concatenate([self.first, self.second]))

    def no_bands(self) -> Bands:
        """Nothing is known of the factors together."""
        none = np.zeros(len(self.result))
        return Bands(none, none, none)

    def over(self, lower: FloatArray, upper: FloatArray, bands: Bands | None = None) -> Program:
        """The relaxation over a box, in the units of solvers."""
        size = self.scaling.columns
        inner, outer = lower / size, upper / size
        values, low, high = self._products(inner, outer)
        more = self._bands(inner, outer, bands or self.no_bands())
        values, low, high = values + more[0], low + more[1], high + more[2]
        for atoms in self.functions:
            more = self._curve(atoms, lower, upper)
            values, low, high = values + more[0], low + more[1], high + more[2]
        base, m = self.base, self.base.matrix
        entries = np.bincount(self.slot, np.concatenate([m.data, *values]), len(self.indices))
        matrix = sparse.csr_array(
            (entries, self.indices, self.indptr), shape=(len(self.indptr) - 1, base.columns)
        )
        return replace(
            base,
            lower=inner,
            upper=outer,
            matrix=matrix,
            row_lower=np.concatenate([base.row_lower, *low]),
            row_upper=np.concatenate([base.row_upper, *high]),
        )

    def violations(self, point: FloatArray) -> FloatArray:
        """By how much a point, in its own units, is off each product, and then each function, scaled."""
        size = self.scaling.columns
        x = point / size
        found = [np.abs(x[self.result] - self.factor * x[self.left] * x[self.right])]
        with np.errstate(all="ignore"):
            for f in self.functions:
                if f.tangents_only:
                    found.append(np.zeros(len(f)))
                    continue
                off = np.abs(point[f.result] - f.function.value(point[f.argument]))
                found.append(np.nan_to_num(off / size[f.result], nan=0.0))
        return np.concatenate(found)

    def weights(self, duals: FloatArray) -> FloatArray:
        """The largest dual value of the rows of each product, and then of each function."""
        y = np.abs(duals[self.rows :])
        k = len(self.result)
        start = ROWS * k
        found = [y[:start].reshape(ROWS, k).max(axis=0) if k else np.zeros(0)]
        for f in self.functions:
            rows = len(SHARES) + 1
            part = y[start : start + rows * len(f)].reshape(rows, len(f))
            found.append(part.max(axis=0) if len(f) else np.zeros(0))
            start += rows * len(f)
        return np.concatenate(found)

    # ---- rows ----

    def _structure(self) -> tuple[IntArray, IntArray, IntArray]:
        """Where each entry goes, the columns of all of them, and where each row ends.

        Columns stand in order and once in each row: nobody has to sort what all programs share.
        """
        m = self.base.matrix
        columns = [m.indices]
        counts = [np.diff(m.indptr)]
        three = np.stack([self.result, self.left, self.right], axis=1).ravel()
        columns += [three] * ROWS
        counts += [np.full(ROWS * len(self.result), 3)]
        for f in self.functions:
            two = np.stack([f.result, f.argument], axis=1).ravel()
            columns += [two] * (len(SHARES) + 1)
            counts.append(np.full((len(SHARES) + 1) * len(f), 2))
        lengths = np.concatenate(counts)
        row = np.repeat(np.arange(len(lengths)), lengths)
        width = self.base.columns
        places, slot = np.unique(row * width + np.concatenate(columns), return_inverse=True)
        ends = np.cumsum(np.bincount(places // width, minlength=len(lengths)))
        found = slot, places % width, np.concatenate([[0], ends])
        for part in found:
            part.flags.writeable = False
        return found

    def _products(
        self, lower: FloatArray, upper: FloatArray
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """Entries and sides of w - f q a - f p b >= (or <=) -f p q, p an end of a's range, q of b's."""
        a, b, f = self.left, self.right, self.factor
        al, au, bl, bu = lower[a], upper[a], lower[b], upper[b]
        values: list[FloatArray] = []
        low: list[FloatArray] = []
        high: list[FloatArray] = []
        for p, q, below in ((al, bl, True), (au, bu, True), (au, bl, False), (al, bu, False)):
            known = (np.abs(f * p) <= LARGEST) & (np.abs(f * q) <= LARGEST)
            p, q = np.where(known, p, 0.0), np.where(known, q, 0.0)
            values.append(np.stack([np.where(known, 1.0, 0.0), -f * q, -f * p], axis=1).ravel())
            level = -f * p * q
            low.append(np.where(known & below, level, -np.inf))
            high.append(np.where(known & (not below), level, np.inf))
        return values, low, high

    def _bands(
        self, lower: FloatArray, upper: FloatArray, bands: Bands
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """Entries and sides of w >= f (m (2 p a - p^2) + e y + t a - e t), e an end of a, t one of y."""
        a, b, f, m = self.left, self.right, self.factor, bands.slope
        al, au = lower[a], upper[a]
        # The box may say more of y than the band does.
        t_low = np.maximum(bands.lower, lower[b] - m * au)
        t_high = np.minimum(bands.upper, upper[b] - m * al)
        used = (m > 0) & (au > al) & np.isfinite(t_low) & np.isfinite(t_high)
        values: list[FloatArray] = []
        low: list[FloatArray] = []
        high: list[FloatArray] = []
        for share in PLACES:
            p = al + share * (au - al)
            for e, t in ((al, t_low), (au, t_high)):
                of_a, of_b = f * (m * (2.0 * p - e) + t), f * e
                level = -f * (m * p * p + e * t)
                size = OUTWARD * f * (np.abs(m * p * p) + np.abs(e * t))
                entries = [np.ones(len(a)), -of_a, -of_b]
                fit = used & (np.abs(of_a) <= LARGEST) & (np.abs(of_b) <= LARGEST)
                values.append(np.stack([np.where(fit, x, 0.0) for x in entries], axis=1).ravel())
                low.append(np.where(fit, level - size, -np.inf))
                high.append(np.full(len(a), np.inf))
        return values, low, high

    def _curve(
        self, atoms: FunctionAtoms, lower: FloatArray, upper: FloatArray
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """Tangents and a secant over the range of each argument."""
        f = atoms.function
        al, au = lower[atoms.argument], upper[atoms.argument]
        sign = f.curvature(al, au)
        values: list[FloatArray] = []
        low: list[FloatArray] = []
        high: list[FloatArray] = []
        with np.errstate(all="ignore"):
            for share in SHARES:
                at = al + share * (au - al)
                self._line(values, low, high, atoms, at, f.value(at), f.slope(at), sign > 0, sign)
            fl, fu = f.value(al), f.value(au)
            rate = np.where(au > al, (fu - fl) / np.where(au > al, au - al, 1.0), 0.0)
            self._line(values, low, high, atoms, al, fl, rate, sign < 0, sign)
        return values, low, high

    def _line(
        self,
        values: list[FloatArray],
        low: list[FloatArray],
        high: list[FloatArray],
        atoms: FunctionAtoms,
        at: FloatArray,
        value: FloatArray,
        rate: FloatArray,
        below: BoolArray,
        sign: IntArray,
    ) -> None:
        """w >= (or <=) value + rate (x - at), scaled; free where there is no such line."""
        columns = self.scaling.columns
        sx, sw = columns[atoms.argument], columns[atoms.result]
        slope, level = rate * sx / sw, (value - rate * at) / sw
        room = OUTWARD * (np.abs(value) + np.abs(rate * at)) / sw
        good = np.isfinite(slope) & np.isfinite(level) & (np.abs(slope) <= STEEPEST) & (sign != 0)
        slope = np.where(good, slope, 0.0)
        values.append(np.stack([np.where(good, 1.0, 0.0), -slope], axis=1).ravel())
        low.append(np.where(good & below, level - room, -np.inf))
        high.append(np.where(good & ~below, level + room, np.inf))
