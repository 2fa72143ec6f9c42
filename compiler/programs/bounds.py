"""Bounds by propagation: rows, products, functions and extremes, to a fixed point, whole arrays.

Every bound follows from the program itself; none is invented. A derived bound is moved outward by
`MARGIN` relative to its size, so that rounding cannot cut off a feasible point.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program

#: Derived bounds are loosened by this much, relative to their size.
MARGIN = 1e-9
#: The unit of rounding of a double precision number.
UNIT = 2.0**-53
#: A bound is worth keeping when it is tighter by this much, relative to the range or its size.
PROGRESS = 1e-6
#: A range that is shorter than this part of what it was is a value: more sweeps only move rounding.
DUST = 1e-12
#: Two ends of a range may cross by this much of its size and mean one value: data are rounded.
CROSSED = 1e-7
#: Propagation stops after this many sweeps over all rows.
MOST_SWEEPS = 400
#: Sweeps over very many coefficients end earlier: the bounds are then wider, and as true.
MOST_WORK, LEAST_SWEEPS = 100_000_000, 10

#: Whoever only wants to know more of a program lets it be beyond this many coefficients.
MOST_PROPAGATED = 200_000

#: Columns, the columns that divide them, bounds of the ratios, and whether these are lower ones.
Ratios = list[tuple[IntArray, IntArray, FloatArray, bool]]


class Infeasible(Exception):
    """Propagation has shown that no point satisfies the program."""

    def __init__(self, column: int) -> None:
        super().__init__(f"column {column} has an empty range")
        self.column = column


class Propagator:
    """Keeps the sparsity of a program so that its bounds can be propagated again and again."""

    def __init__(self, program: Program, ratios: Ratios | None = None) -> None:
        self.program = program
        m = program.matrix
        n = program.columns
        used = m.data != 0
        a: FloatArray = m.data[used]
        self.values = a
        self.columns: IntArray = m.indices.astype(np.int64)[used]
        self.row_of: IntArray = np.repeat(np.arange(program.rows), np.diff(m.indptr))[used]
        # Where each entry's least and most stand, in the lower bounds followed by the upper ones.
        self.positive = a > 0
        self.least = self.columns + np.where(self.positive, 0, n)
        self.most = self.columns + np.where(self.positive, n, 0)
        self.row_lower, self.row_upper = (
            program.row_lower[self.row_of],
            program.row_upper[self.row_of],
        )
        q = program.products
        self.square = q.left == q.right
        self.counts = np.bincount(self.row_of, minlength=program.rows)
        # Each product says something of both of its factors.
        self.quotients = (
            np.concatenate([q.result, q.result]),
            np.concatenate([q.left, q.right]),
            np.concatenate([q.right, q.left]),
        )
        self.ratios = ratio_rows(program) if ratios is None else ratios

    def run(
        self, lower: FloatArray, upper: FloatArray, sweeps: int = MOST_SWEEPS
    ) -> tuple[FloatArray, FloatArray]:
        """Tightened copies of the bounds; raises `Infeasible`."""
        sweeps = min(sweeps, max(LEAST_SWEEPS, MOST_WORK // max(1, len(self.values))))
        dust = _dust(lower, upper)
        for _ in range(sweeps):
            before = lower, upper
            lower, upper, wrong = self._sweep(lower, upper)
            if wrong.any():
                raise Infeasible(int(np.flatnonzero(wrong)[0]))
            if not _progress(*before, lower, upper, dust).any():
                break
        return lower, upper

    def run_parts(
        self, lower: FloatArray, upper: FloatArray, part: IntArray, sweeps: int
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Bounds of a program that is several side by side, each run as if it were alone.

        `part` numbers the program of each column, from 0. Also returns which parts are feasible;
        the bounds of the others mean nothing.
        """
        count = int(part[-1]) + 1 if len(part) else 0
        feasible, ended = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
        dust = _dust(lower, upper)
        for _ in range(sweeps):
            before_lower, before_upper = lower, upper
            lower, upper, wrong = self._sweep(lower, upper)
            feasible[part[wrong]] = False
            progress = np.zeros(count, dtype=bool)
            worth = _progress(before_lower, before_upper, lower, upper, dust)
            progress[part[worth]] = True
            held = ended[part]
            lower = np.where(held, before_lower, lower)
            upper = np.where(held, before_upper, upper)
            ended |= ~feasible | ~progress
            if ended.all():
                break
        return lower, upper, feasible

    def _sweep(
        self, lower: FloatArray, upper: FloatArray
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """New bounds after every row and atom was used once, and where they contradict."""
        before_lower, before_upper = lower, upper
        lower, upper = lower.copy(), upper.copy()
        p = self.program
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self._rows(lower, upper)
            self._products(lower, upper)
            for atoms in p.functions:
                _functions(atoms, lower, upper)
            for e in p.extremes:
                _extremes(e, lower, upper)
        whole = p.integer
        lower[whole] = np.ceil(lower[whole] - 1e-6)
        upper[whole] = np.floor(upper[whole] + 1e-6)
        # Rounding may cross two bounds that mean one value; more than that is a contradiction.
        crossed = lower > upper
        if not crossed.any():
            return lower, upper, crossed
        scale = np.maximum(_finite_size(lower), _finite_size(upper))
        scale = np.maximum(
            scale, np.maximum(_finite_size(before_lower), _finite_size(before_upper))
        )
        with np.errstate(invalid="ignore"):
            wrong = crossed & (lower - upper > CROSSED * scale)
        middle = np.where(crossed, before_lower, lower)
        upper = np.where(crossed, np.maximum(before_lower, upper), upper)
        lower = np.where(crossed, np.minimum(middle, upper), lower)
        return lower, upper, wrong

    def _rows(self, lower: FloatArray, upper: FloatArray) -> None:
        if not len(self.values):
            return
        a, i, n = self.values, self.row_of, self.program.rows
        ends = np.concatenate([lower, upper])
        low, high = a * ends[self.least], a * ends[self.most]
        size = np.zeros(n)

        def rest(part: FloatArray, endless: float) -> tuple[FloatArray, BoolArray]:
            """What the other entries of the row add up to, and where all of them are zero."""
            nonlocal size
            some = part != 0
            alone = np.bincount(i, some, n)[i] == some
            is_open = np.isinf(part)
            if not is_open.any():
                size = size + np.bincount(i, np.abs(part), n)
                return np.where(alone, 0.0, np.bincount(i, part, n)[i] - part), alone
            closed = np.where(is_open, 0.0, part)
            size = size + np.bincount(i, np.abs(closed), n)
            known = np.bincount(i, is_open, n)[i] == is_open
            added = np.bincount(i, closed, n)[i] - closed
            return np.where(alone, 0.0, np.where(known, added, endless)), alone

        (below, exact_most), (above, exact_least) = rest(low, -np.inf), rest(high, np.inf)
        most, least = self.row_upper - below, self.row_lower - above
        # Rounding grows with what is added up, not with what it adds up to; of nothing there is none.
        rounding = (np.maximum(1e-3, 2.0 * UNIT / MARGIN * self.counts) * size)[i]
        most = most + MARGIN * (np.abs(most) + np.where(exact_most, 0.0, rounding))
        least = least - MARGIN * (np.abs(least) + np.where(exact_least, 0.0, rounding))
        new_upper = np.where(self.positive, most, least) / a
        new_lower = np.where(self.positive, least, most) / a
        _take(lower, upper, self.columns, new_lower, new_upper)

    def _products(self, lower: FloatArray, upper: FloatArray) -> None:
        q = self.program.products
        if not len(q):
            return
        w, a, b = q.result, q.left, q.right
        low, high = times(lower[a], upper[a], lower[b], upper[b])
        if self.square.any():
            low = np.where(self.square & (low < 0), 0.0, low)
        _take(lower, upper, w, *_outward(low, high))
        w, x, y = self.quotients
        low, high = divide(lower[w], upper[w], lower[y], upper[y])
        _take(lower, upper, x, *_outward(low, high))
        # A row k * x <= s with s = w * x and x > 0 says k <= w; see `ratio_rows`.
        for column, other, bound, is_lower in self.ratios:
            good = lower[other] > 0
            low, high = _outward(bound[good], bound[good])
            if is_lower:
                np.maximum.at(lower, column[good], low)
            else:
                np.minimum.at(upper, column[good], high)


def tighten(program: Program) -> Program:
    """The program with propagated bounds; raises `Infeasible`."""
    lower, upper = Propagator(program).run(program.lower, program.upper)
    return replace(program, lower=lower, upper=upper)


def _dust(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """What is nothing beside the ranges that propagation began with."""
    with np.errstate(invalid="ignore"):
        return DUST * _finite_size(upper - lower)


def _progress(
    a: FloatArray, b: FloatArray, lower: FloatArray, upper: FloatArray, dust: FloatArray
) -> BoolArray:
    """The columns for which a sweep from `a .. b` to `lower .. upper` was worth another one."""
    # An end that was open and is not any more has gained without end; NaN where it is open still.
    with np.errstate(invalid="ignore"):
        gained = np.fmax(lower - a, b - upper)
        if not np.any(gained > 0):
            return np.zeros(len(a), dtype=bool)
        size = np.maximum(_finite_size(lower), _finite_size(upper))
        scale = np.minimum(size, b - a)
        return np.asarray(gained > np.maximum(PROGRESS * scale, dust))


def _finite_size(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), np.abs(values), 0.0)


def _take(
    lower: FloatArray, upper: FloatArray, columns: IntArray, low: FloatArray, high: FloatArray
) -> None:
    np.maximum.at(lower, columns, low)
    np.minimum.at(upper, columns, high)


def _outward(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    with np.errstate(invalid="ignore"):
        return (
            np.where(np.isfinite(low), low - MARGIN * np.abs(low), low),
            np.where(np.isfinite(high), high + MARGIN * np.abs(high), high),
        )


def times(
    al: FloatArray, au: FloatArray, bl: FloatArray, bu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of a product of two ranges; zero times infinity is zero."""
    with np.errstate(invalid="ignore", over="ignore"):
        corners = [al * bl, al * bu, au * bl, au * bu]
        low, high = reduce(np.minimum, corners), reduce(np.maximum, corners)
    if np.isnan(low).any():
        corners = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]
        low, high = reduce(np.minimum, corners), reduce(np.maximum, corners)
    return low, high


def divide(
    al: FloatArray, au: FloatArray, bl: FloatArray, bu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of a quotient; everything where the denominator's range contains zero."""
    # While a contradiction is being found, the ends of a range may stand the wrong way round.
    clear = (np.minimum(bl, bu) > 0) | (np.maximum(bl, bu) < 0)
    safe_l, safe_u = np.where(clear, bl, 1.0), np.where(clear, bu, 1.0)
    with np.errstate(over="ignore"):
        low, high = times(al, au, 1.0 / safe_u, 1.0 / safe_l)
    return np.where(clear, low, -np.inf), np.where(clear, high, np.inf)


def _functions(atoms: FunctionAtoms, lower: FloatArray, upper: FloatArray) -> None:
    x, w, f = atoms.argument, atoms.result, atoms.function
    _take(lower, upper, w, *_outward(*f.image(lower[x], upper[x])))
    if f.preimage is not None:
        _take(lower, upper, x, *_outward(*f.preimage(lower[w], upper[w], lower[x])))


def _extremes(e: Extremes, lower: FloatArray, upper: FloatArray) -> None:
    ufunc = np.maximum if e.sense == "max" else np.minimum
    empty = -np.inf if e.sense == "max" else np.inf
    low, high = np.full(len(e), empty), np.full(len(e), empty)
    ufunc.at(low, e.owner, lower[e.argument])
    ufunc.at(high, e.owner, upper[e.argument])
    _take(lower, upper, e.result, low, high)
    w = e.result[e.owner]
    if e.sense == "max":
        np.minimum.at(upper, e.argument, upper[w])
    else:
        np.maximum.at(lower, e.argument, lower[w])


def ratio_rows(program: Program) -> Ratios:
    """Bounds that rows of two columns put on a ratio.

    For s = w * x with x > 0, a row  p s + q x >= 0  with p > 0 says  w >= -q / p, since dividing by
    x changes nothing; likewise for <=. Plain propagation sees only the ends of both ranges.
    """
    q = program.products
    m = program.matrix
    if not len(q) or not m.nnz:
        return []
    counts = np.diff(m.indptr)
    two = np.flatnonzero(counts == 2)
    if not len(two):
        return []
    first = m.indptr[two]
    columns = np.stack([m.indices[first], m.indices[first + 1]]).astype(np.int64)
    values = np.stack([m.data[first], m.data[first + 1]])
    pairs: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}
    for k in range(len(two)):
        i = int(two[k])
        for s, x in ((0, 1), (1, 0)):
            pairs.setdefault((int(columns[s, k]), int(columns[x, k])), []).append(
                (values[s, k], values[x, k], program.row_lower[i], program.row_upper[i])
            )
    found: dict[bool, list[tuple[int, int, float]]] = {True: [], False: []}
    for s, left, right in zip(q.result.tolist(), q.left.tolist(), q.right.tolist(), strict=True):
        for w, x in ((left, right), (right, left)):
            for p, r, low, high in pairs.get((s, x), ()):
                if low == 0.0:
                    found[p > 0].append((w, x, -r / p))
                if high == 0.0:
                    found[p < 0].append((w, x, -r / p))
    result = []
    for is_lower, entries in found.items():
        if entries:
            w_array = np.array([e[0] for e in entries])
            x_array = np.array([e[1] for e in entries])
            result.append((w_array, x_array, np.array([e[2] for e in entries]), is_lower))
    return result
