"""Bounds by propagation: rows, products, functions and extremes, to a fixed point, whole arrays.

Every bound follows from the program itself; none is invented. A derived bound is moved outward by
`MARGIN` relative to its size, so that rounding cannot cut off a feasible point.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocc.compiler.program import Extremes, FloatArray, FunctionAtoms, IntArray, Program

#: Derived bounds are loosened by this much, relative to their size.
MARGIN = 1e-9
#: A bound is worth keeping when it is tighter by this much, relative to the range or its size.
PROGRESS = 1e-6
#: Propagation stops after this many sweeps over all rows.
MOST_SWEEPS = 400
#: Sweeps over very many coefficients end earlier: the bounds are then wider, and as true.
MOST_WORK, LEAST_SWEEPS = 100_000_000, 10


class Infeasible(Exception):
    """Propagation has shown that no point satisfies the program."""

    def __init__(self, column: int) -> None:
        super().__init__(f"column {column} has an empty range")
        self.column = column


class Propagator:
    """Keeps the sparsity of a program so that its bounds can be propagated again and again."""

    def __init__(self, program: Program) -> None:
        self.program = program
        m = program.matrix
        self.values: FloatArray = m.data
        self.columns: IntArray = m.indices.astype(np.int64)
        counts = np.diff(m.indptr)
        self.row_of: IntArray = np.repeat(np.arange(program.rows), counts)
        self.positive = self.values > 0
        self.ratios = _ratio_rows(program)

    # What overflows becomes infinite, and so says less than is true.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def run(
        self, lower: FloatArray, upper: FloatArray, sweeps: int = MOST_SWEEPS
    ) -> tuple[FloatArray, FloatArray]:
        """Tightened copies of the bounds; raises `Infeasible`."""
        lower, upper = lower.copy(), upper.copy()
        p = self.program
        sweeps = min(sweeps, max(LEAST_SWEEPS, MOST_WORK // max(1, len(self.values))))
        for _ in range(sweeps):
            before_lower, before_upper = lower.copy(), upper.copy()
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
            if crossed.any():
                scale = np.maximum(1.0, np.maximum(np.abs(lower), np.abs(upper)))
                wrong = crossed & (lower - upper > 1e-7 * scale)
                if wrong.any():
                    raise Infeasible(int(np.flatnonzero(wrong)[0]))
                middle = np.where(crossed, before_lower, lower)
                upper = np.where(crossed, np.maximum(before_lower, upper), upper)
                lower = np.where(crossed, np.minimum(middle, upper), lower)
            if not _progress(before_lower, before_upper, lower, upper):
                break
        return lower, upper

    def _rows(self, lower: FloatArray, upper: FloatArray) -> None:
        p = self.program
        if not len(self.values):
            return
        a, j, i = self.values, self.columns, self.row_of
        with np.errstate(invalid="ignore"):
            low = np.where(self.positive, a * lower[j], a * upper[j])
            high = np.where(self.positive, a * upper[j], a * lower[j])
        n = p.rows
        low_open, high_open = np.isinf(low), np.isinf(high)
        low_sum = np.bincount(i, np.where(low_open, 0.0, low), n)
        high_sum = np.bincount(i, np.where(high_open, 0.0, high), n)
        low_count = np.bincount(i, low_open, n)
        high_count = np.bincount(i, high_open, n)
        # What the other entries of the row add up to, at least and at most.
        with np.errstate(invalid="ignore"):
            rest_low = np.where(
                low_count[i] == low_open, low_sum[i] - np.where(low_open, 0.0, low), -np.inf
            )
            rest_high = np.where(
                high_count[i] == high_open, high_sum[i] - np.where(high_open, 0.0, high), np.inf
            )
            # Rounding grows with what is added up, not with what it adds up to.
            added = np.where(low_open, 0.0, np.abs(low)) + np.where(high_open, 0.0, np.abs(high))
            size = np.bincount(i, added, n)[i]
            size = np.where(np.isfinite(size), size, 0.0)
            most = p.row_upper[i] - rest_low
            least = p.row_lower[i] - rest_high
            slack = MARGIN * (np.abs(np.where(np.isfinite(most), most, 0.0)) + 1e-3 * size)
            slack2 = MARGIN * (np.abs(np.where(np.isfinite(least), least, 0.0)) + 1e-3 * size)
            most, least = most + slack, least - slack2
            new_upper = np.where(self.positive, most / a, least / a)
            new_lower = np.where(self.positive, least / a, most / a)
        new_upper = np.where(np.isnan(new_upper), np.inf, new_upper)
        new_lower = np.where(np.isnan(new_lower), -np.inf, new_lower)
        _take(lower, upper, j, new_lower, new_upper)

    def _products(self, lower: FloatArray, upper: FloatArray) -> None:
        q = self.program.products
        if not len(q):
            return
        w, a, b = q.result, q.left, q.right
        low, high = times(lower[a], upper[a], lower[b], upper[b])
        square = a == b
        low = np.where(square & (low < 0), 0.0, low)
        _take(lower, upper, w, *_outward(low, high))
        for x, y in ((a, b), (b, a)):
            low, high = divide(lower[w], upper[w], lower[y], upper[y])
            _take(lower, upper, x, *_outward(low, high))
        # A row k * x <= s with s = w * x and x > 0 says k <= w; see `_ratio_rows`.
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


def _progress(a: FloatArray, b: FloatArray, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether a sweep from `a .. b` to `lower .. upper` was worth another one."""
    newly = (np.isinf(a) & np.isfinite(lower)) | (np.isinf(b) & np.isfinite(upper))
    from_below = np.where(np.isfinite(a), lower, 0.0) - np.where(np.isfinite(a), a, 0.0)
    from_above = np.where(np.isfinite(b), b, 0.0) - np.where(np.isfinite(b), upper, 0.0)
    size = np.maximum(_finite_size(lower), _finite_size(upper))
    scale = np.minimum(1.0 + size, _width(a, b))
    gained = np.maximum(from_below, from_above)
    return bool(np.any(newly | (gained > PROGRESS * np.maximum(scale, 1e-12))))


def _width(low: FloatArray, high: FloatArray) -> FloatArray:
    both = np.isfinite(low) & np.isfinite(high)
    return np.where(both, np.where(both, high, 0.0) - np.where(both, low, 0.0), np.inf)


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
    """The range of a product of two ranges; nought times infinity is nought."""
    with np.errstate(invalid="ignore", over="ignore"):
        corners = np.stack([al * bl, al * bu, au * bl, au * bu])
    corners = np.where(np.isnan(corners), 0.0, corners)
    return corners.min(axis=0), corners.max(axis=0)


def divide(
    al: FloatArray, au: FloatArray, bl: FloatArray, bu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of a quotient; everything where the denominator's range contains nought."""
    # While a contradiction is being found, the ends of a range may stand the wrong way round.
    clear = (np.minimum(bl, bu) > 0) | (np.maximum(bl, bu) < 0)
    safe_l, safe_u = np.where(clear, bl, 1.0), np.where(clear, bu, 1.0)
    with np.errstate(over="ignore"):
        low, high = times(al, au, 1.0 / safe_u, 1.0 / safe_l)
    return np.where(clear, low, -np.inf), np.where(clear, high, np.inf)


def _functions(atoms: FunctionAtoms, lower: FloatArray, upper: FloatArray) -> None:
    x, w = atoms.argument, atoms.result
    low, high = function_range(atoms.kind, atoms.exponent, lower[x], upper[x])
    _take(lower, upper, w, *_outward(low, high))
    back = inverse_range(atoms.kind, atoms.exponent, lower[w], upper[w], lower[x])
    if back is not None:
        _take(lower, upper, x, *_outward(*back))


def function_range(
    kind: str, exponent: float, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range of a function atom over a range of its argument."""
    with np.errstate(all="ignore"):
        match kind:
            case "exp":
                return np.exp(low), np.exp(high)
            case "log":
                return _log(low, -np.inf), _log(high, -np.inf)
            case "sqrt":
                return np.sqrt(np.maximum(low, 0.0)), np.sqrt(np.maximum(high, 0.0))
            case "abs":
                most = np.maximum(np.abs(low), np.abs(high))
                inside = (low <= 0) & (high >= 0)
                return np.where(inside, 0.0, np.minimum(np.abs(low), np.abs(high))), most
            case "reciprocal":
                return divide(np.ones_like(low), np.ones_like(low), low, high)
            case _:
                return _power_range(2.0 if kind == "square" else exponent, low, high)


def _log(x: FloatArray, other: float) -> FloatArray:
    """log x, and something else where that has no value."""
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), other)


def _power_range(power: float, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The range of x^power; a fractional power has a value only where x is not negative."""
    whole = power == int(power)
    if whole and power >= 0:
        ends = np.stack([low**power, high**power])
        inside = (low < 0) & (high > 0)
        least = np.where(inside & (power % 2 == 0), 0.0, ends.min(axis=0))
        return least, ends.max(axis=0)
    if whole:
        below, above = _power_range(-power, low, high)
        least, most = divide(np.ones_like(low), np.ones_like(low), below, above)
        # An even power is positive, also on both sides of nought.
        return (1.0 / above if power % 2 == 0 else least), most
    low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    if power > 0:
        return low**power, high**power
    return np.where(high > 0, high**power, 0.0), low**power


def inverse_range(
    kind: str, exponent: float, low: FloatArray, high: FloatArray, argument_low: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """The range of the argument of a function atom over a range of its value."""
    with np.errstate(all="ignore"):
        match kind:
            case "exp":
                return _log(low, -np.inf), _log(high, np.inf)
            case "log":
                return np.exp(low), np.exp(high)
            case "sqrt":
                return np.maximum(low, 0.0) ** 2, np.maximum(high, 0.0) ** 2
            case "abs":
                return -np.maximum(high, 0.0), np.maximum(high, 0.0)
            case "reciprocal":
                return divide(np.ones_like(low), np.ones_like(low), low, high)
            case "square":
                root = np.sqrt(np.maximum(high, 0.0))
                inner = np.sqrt(np.maximum(low, 0.0))
                return np.where(argument_low >= 0, inner, -root), root
            case _:
                if exponent <= 0:
                    return None
                root = np.maximum(high, 0.0) ** (1 / exponent)
                inner = np.maximum(low, 0.0) ** (1 / exponent)
                positive = argument_low >= 0
                whole_even = exponent == int(exponent) and int(exponent) % 2 == 0
                if exponent == int(exponent) and not whole_even:
                    return (
                        np.sign(low) * np.abs(low) ** (1 / exponent),
                        np.sign(high) * np.abs(high) ** (1 / exponent),
                    )
                return np.where(positive, inner, -root if whole_even else 0.0), root


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


def _ratio_rows(
    program: Program,
) -> list[tuple[IntArray, IntArray, FloatArray, bool]]:
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
