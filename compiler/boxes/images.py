r"""Ranges of definitions, each taken as a whole and in the order in which they depend on each other.

Row by row, the susceptible after a step, :math:`S - \beta S L - v`, range over
:math:`S_u - \beta S_l L_l - v_l`: as if many and few of them were there at once. As a polynomial of what it
is made of, :math:`S (1 - \beta L) - v`, it grows with S wherever :math:`\beta L \le 1` in the whole box,
falls with L and v, and its largest value is :math:`S_u (1 - \beta L_l) - v_l`. So each defined column is
written as a polynomial of stated columns; where the range of a derivative has one sign, the column is
put at the end that this tells; the rest is interval arithmetic. A point has a range without width.

:Reference: Moore (1966), Interval Analysis, chapter 6, for the test of monotonicity; Coogan and Arcak (2015),
    HSCC, for mixed-monotone steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import Infeasible, divide, times
from allocc.compiler.programs.program import FunctionAtoms, Products, Program

#: A definition with more terms, or with more factors in one, is taken by its parts.
MOST_TERMS, MOST_FACTORS = 64, 4
#: An image is moved outward by this part of the sizes of its terms, far more than rounding.
OUTWARD = 1e-12
#: Ends may cross by this much of their size and mean one value.
CROSSED = 1e-9

#: Columns that are multiplied, in order, with their coefficient.
Polynomial = dict[tuple[int, ...], float]
Step = Callable[[FloatArray, FloatArray], None]


class Images:
    """The definitions of a program in levels, each of which depends on those before it alone."""

    def __init__(self, program: Program, stated: BoolArray) -> None:
        """`stated` are the columns that no definition looks through: decisions and states."""
        self.columns = program.columns
        polynomials = _polynomials(program, stated)
        q = program.products
        ratios = q.taken(np.flatnonzero(q.is_ratio))
        uses: dict[int, tuple[int, ...]] = {
            j: tuple({c for term in terms for c in term}) for j, terms in polynomials.items()
        }
        for w, x, b, _ in ratios.entries():
            uses[x] = (w, b)
        for atoms in program.functions:
            for w, x in zip(atoms.result.tolist(), atoms.argument.tolist(), strict=True):
                uses[w] = (x,)
        depth = _depths(uses)
        self.steps: list[Step] = []
        for d in range(1, max(depth.values(), default=0) + 1):
            here = {j for j, at in depth.items() if at == d}
            mine = {j: polynomials[j] for j in sorted(here) if j in polynomials}
            if mine:
                self.steps.append(_Level.of(mine, self.columns))
            if len(ratios):
                some = np.flatnonzero(np.isin(ratios.left, list(here)))
                if len(some):
                    self.steps.append(_quotients(ratios.taken(some)))
            for atoms in program.functions:
                some = np.flatnonzero(np.isin(atoms.result, list(here)))
                if len(some):
                    self.steps.append(_curves(atoms, some))

    def run(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shorter ranges that hold the same points; raises `Infeasible` where there are none."""
        # Behind the columns stands one that is 1, for terms with fewer factors.
        low, high = np.append(lower, 1.0), np.append(upper, 1.0)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for step in self.steps:
                step(low, high)
        low, high = low[:-1], high[:-1]
        crossed = low > high
        if crossed.any():
            size = np.maximum(np.abs(low), np.abs(high))
            wrong = crossed & (low - high > CROSSED * size)
            if wrong.any():
                raise Infeasible(int(np.flatnonzero(wrong)[0]))
            low, high = np.where(crossed, high, low), np.where(crossed, low, high)
        return low, high


@dataclass(frozen=True, eq=False)
class _Level:
    """Polynomials side by side: their terms, and the terms of their derivatives.

    `factors` has the columns of each term, `pairs` for each of them the number of the pair of polynomial
    and column; the terms of the derivative of pair p are those with `of_pair` p.
    """

    targets: IntArray
    target: IntArray
    coefficient: FloatArray
    factors: IntArray
    pairs: IntArray
    count: int
    of_pair: IntArray
    slope: FloatArray
    rest: IntArray

    @classmethod
    def of(cls, polynomials: Mapping[int, Polynomial], columns: int) -> _Level:
        width = max((len(t) for terms in polynomials.values() for t in terms), default=1) or 1
        target, coefficient, factors, pairs = [], [], [], []
        of_pair, slope, rest = [], [], []
        numbers: dict[tuple[int, int], int] = {}
        for k, terms in enumerate(polynomials.values()):
            for term, a in terms.items():
                target.append(k)
                coefficient.append(a)
                factors.append([*term, *[columns] * (width - len(term))])
                mine = [numbers.setdefault((k, c), len(numbers)) for c in term]
                pairs.append([*mine, *[-1] * (width - len(term))])
                for at, pair in enumerate(mine):
                    of_pair.append(pair)
                    slope.append(a)
                    left = [*term[:at], *term[at + 1 :]]
                    rest.append([*left, *[columns] * (width - 1 - len(left))])
        return cls(
            np.array(list(polynomials), dtype=np.int64),
            np.array(target, dtype=np.int64),
            np.array(coefficient, dtype=float),
            np.array(factors, dtype=np.int64).reshape(-1, width),
            np.array(pairs, dtype=np.int64).reshape(-1, width),
            len(numbers),
            np.array(of_pair, dtype=np.int64),
            np.array(slope, dtype=float),
            np.array(rest, dtype=np.int64).reshape(len(of_pair), width - 1),
        )

    def __call__(self, lower: FloatArray, upper: FloatArray) -> None:
        low, high = self.slope, self.slope
        for column in self.rest.T:
            low, high = times(low, high, lower[column], upper[column])
        # The pair of the column that is 1 is the last one, of which nothing is known.
        rises = np.append(np.bincount(self.of_pair, low, self.count) >= 0, False)
        falls = np.append(np.bincount(self.of_pair, high, self.count) <= 0, False)
        falls &= ~rises
        least, _ = self._sum(lower, upper, rises, falls)
        _, most = self._sum(lower, upper, falls, rises)
        j = self.targets
        lower[j] = np.fmax(lower[j], least)
        upper[j] = np.fmin(upper[j], most)

    def _sum(
        self, lower: FloatArray, upper: FloatArray, down: BoolArray, up: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        """The range of each polynomial with the columns of pairs `down` and `up` at these ends."""
        low, high = self.coefficient, self.coefficient
        for column, pair in zip(self.factors.T, self.pairs.T, strict=True):
            a, b = lower[column], upper[column]
            low, high = times(low, high, np.where(up[pair], b, a), np.where(down[pair], a, b))
        n = len(self.targets)
        size = OUTWARD * np.bincount(self.target, np.maximum(np.abs(low), np.abs(high)), n)
        return np.bincount(self.target, low, n) - size, np.bincount(self.target, high, n) + size


def _quotients(ratios: Products) -> Step:
    def take(lower: FloatArray, upper: FloatArray) -> None:
        w, x, b = ratios.result, ratios.left, ratios.right
        low, high = divide(lower[w], upper[w], lower[b], upper[b])
        lower[x] = np.fmax(lower[x], low - OUTWARD * np.abs(low))
        upper[x] = np.fmin(upper[x], high + OUTWARD * np.abs(high))

    return take


def _curves(atoms: FunctionAtoms, some: IntArray) -> Step:
    w, x, image = atoms.result[some], atoms.argument[some], atoms.function.image

    def take(lower: FloatArray, upper: FloatArray) -> None:
        low, high = image(lower[x], upper[x])
        lower[w] = np.fmax(lower[w], low - OUTWARD * np.abs(low))
        upper[w] = np.fmin(upper[w], high + OUTWARD * np.abs(high))

    return take


def _polynomials(program: Program, stated: BoolArray) -> dict[int, Polynomial]:
    """Every column that a row or a product defines, as a polynomial of stated columns and atoms."""
    p, m, q = program, program.matrix, program.products
    product = {w: (a, b) for (w, a, b, _), r in zip(q.entries(), q.is_ratio, strict=True) if not r}
    defined = [] if p.defined is None else p.defined.tolist()
    row = {j: i for i, j in enumerate(defined) if j >= 0}
    inner = set(product) | {j for j in row if not stated[j]}
    known: dict[int, Polynomial] = {}

    def through(j: int) -> Polynomial:
        return written(j) if j in inner else {(j,): 1.0}

    def written(j: int) -> Polynomial:
        if j not in known:
            known[j] = {(j,): 1.0}  # a circle of definitions looks through nothing
            known[j] = (
                _short(_product(through, *product[j]), product[j]) if j in product else row_of(j)
            )
        return known[j]

    def row_of(j: int) -> Polynomial:
        i = row[j]
        entries = slice(m.indptr[i], m.indptr[i + 1])
        columns, values = m.indices[entries].tolist(), m.data[entries].tolist()
        if j not in columns or p.row_lower[i] != p.row_upper[i]:
            return {(j,): 1.0}
        own = values[columns.index(j)]
        plain: Polynomial = {(): p.row_lower[i] / own} if p.row_lower[i] != 0 else {}
        found = dict(plain)
        for c, a in zip(columns, values, strict=True):
            if c != j:
                plain[(c,)] = plain.get((c,), 0.0) - a / own
                for term, b in through(c).items():
                    found[term] = found.get(term, 0.0) - a / own * b
        return found if len(found) <= MOST_TERMS else plain

    made = {}
    for j in [*row, *product]:
        if p.lower[j] < p.upper[j]:
            found = written(j)
            if found != {(j,): 1.0}:
                made[j] = {t: a for t, a in found.items() if a != 0}
    return made


def _product(through: Callable[[int], Polynomial], a: int, b: int) -> Polynomial:
    found: Polynomial = {}
    for left, x in through(a).items():
        for right, y in through(b).items():
            term = tuple(sorted(left + right))
            found[term] = found.get(term, 0.0) + x * y
    return found


def _short(found: Polynomial, pair: tuple[int, int]) -> Polynomial:
    """A product multiplied out, or the two columns where that is long."""
    if len(found) <= MOST_TERMS and max(map(len, found), default=0) <= MOST_FACTORS:
        return found
    a, b = sorted(pair)
    return {(a, b): 1.0}


def _depths(uses: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """How many definitions stand before each; those in a circle are left out."""
    depth: dict[int, int] = {}
    waiting = {j: sum(c in uses for c in cs) for j, cs in uses.items()}
    users: dict[int, list[int]] = {}
    for j, cs in uses.items():
        for c in cs:
            users.setdefault(c, []).append(j)
    ready = [j for j, n in waiting.items() if n == 0]
    for j in ready:
        depth[j] = 1
    while ready:
        j = ready.pop()
        for k in users.get(j, ()):
            waiting[k] -= 1
            depth[k] = max(depth.get(k, 0), depth[j] + 1)
            if waiting[k] == 0:
                ready.append(k)
    return {j: d for j, d in depth.items() if waiting[j] == 0}
