r"""Definitions of columns as sums of products with positive coefficients.

In an epidemic :math:`E_{t+1} = (1 - \sigma) E_t + \beta S_t I_t (1 - s c_t)`. Put together from the rows
and products that the program has for it, a definition is

.. math::
    x = \sum_k c_k \prod_j x_j^{n_{kj}} \prod_f \Bigl(a_f + \sum_i b_{fi} x_i\Bigr) ,

with :math:`c_k > 0`, columns :math:`x_j` that are defined and proven positive, and factors that are positive
over the ranges of what is in them, mostly decisions. Without such factors this is a posynomial.

:Source: Rows that define a column, and the products in them, in the order in which columns depend on
    each other.
:Target: Terms; and ranges that follow from them, in which positive columns stay positive: interval
    arithmetic on :math:`\beta S I - \beta s\, c S I` alone does not know that.
:Exact: Yes.
:Reference: Boyd, Kim, Vandenberghe and Hassibi (2007), Optimization and Engineering 8:67-127.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.bounds import MARGIN
from allocc.compiler.programs.program import Program

#: Coefficients that differ by this share of their size are the same: they were rounded on the way.
SAME = 1e-12

#: Columns, some more than once, and what their product is multiplied by.
Polynomial = dict[tuple[int, ...], float]


@dataclass(frozen=True)
class Affine:
    """`constant + sum of slope * column`."""

    constant: float
    entries: tuple[tuple[int, float], ...]

    def range(self, low: FloatArray, high: FloatArray) -> tuple[float, float]:
        """Its least and its largest value where columns are between `low` and `high`."""
        ends = [(s * low[j], s * high[j]) for j, s in self.entries]
        return (
            self.constant + float(sum(min(e) for e in ends)),
            self.constant + float(sum(max(e) for e in ends)),
        )


@dataclass(frozen=True)
class Term:
    """A positive coefficient, powers of positive columns, and positive factors."""

    coefficient: float
    powers: tuple[tuple[int, int], ...]
    factors: tuple[Affine, ...]

    def range(self, low: FloatArray, high: FloatArray) -> tuple[float, float]:
        """Its least and its largest value where columns are between `low` and `high`."""
        least = most = self.coefficient
        for j, n in self.powers:
            ends = (low[j], high[j]) if n > 0 else (high[j], low[j])
            least, most = least * float(ends[0]) ** n, most * float(ends[1]) ** n
        for f in self.factors:
            bottom, top = f.range(low, high)
            least, most = least * bottom, most * top
        return least, most


def in_order(program: Program) -> tuple[int, ...]:
    """Defined columns and results of atoms, each after what it depends on; none where that is a circle."""
    assert program.defined is not None
    m, q = program.matrix, program.products
    before: dict[int, list[int]] = {}
    for r in np.flatnonzero(program.defined >= 0).tolist():
        j = int(program.defined[r])
        here = m.indices[m.indptr[r] : m.indptr[r + 1]].tolist()
        before[j] = [*before.get(j, ()), *(c for c in here if c != j)]
    made = np.where(q.is_ratio, q.left, q.result)
    first = np.where(q.is_ratio, q.result, q.left)
    pairs = [(made, first), (made, q.right)]
    pairs += [(f.result, f.argument) for f in program.functions]
    pairs += [(e.result[e.owner], e.argument) for e in program.extremes]
    for results, arguments in pairs:
        for w, a in zip(results.tolist(), arguments.tolist(), strict=True):
            before.setdefault(w, []).append(a)
    try:
        return tuple(j for j in TopologicalSorter(before).static_order() if j in before)
    except CycleError:
        return ()


class Reader:
    """Reads the definitions of a program within ranges, and shortens the ranges by them.

    `low` and `high` are its own. After `read` they hold what follows, and `found` the terms of every
    column that is defined as such a sum and is positive.
    """

    def __init__(self, program: Program, low: FloatArray, high: FloatArray) -> None:
        self.program, self.low, self.high = program, low.copy(), high.copy()
        assert program.defined is not None
        self.row_of = {int(j): r for r, j in enumerate(program.defined.tolist()) if j >= 0}
        self.parts: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {}
        q = program.products
        sides = (q.result.tolist(), q.left.tolist(), q.right.tolist(), q.is_ratio.tolist())
        for w, a, b, is_ratio in zip(*sides, strict=True):
            if is_ratio:
                self.parts[a] = ((w, 1), (b, -1))
            else:
                self.parts[w] = ((a, 1), (b, 1))
        self.found: dict[int, tuple[Term, ...]] = {}

    def read(self, order: tuple[int, ...]) -> Mapping[int, tuple[Term, ...]]:
        """The terms of each column that has such a definition; see `in_order`."""
        for j in order:
            if j not in self.row_of or self.low[j] == self.high[j]:
                continue
            terms = self._terms(j)
            if not terms:
                continue
            ends = [t.range(self.low, self.high) for t in terms]
            least, most = (sum(e[side] for e in ends) for side in (0, 1))
            self.low[j] = max(self.low[j], least * (1 - MARGIN))
            self.high[j] = min(self.high[j], most * (1 + MARGIN))
            if 0 < self.low[j] < self.high[j] < np.inf:
                self.found[j] = terms
        return self.found

    def _terms(self, j: int) -> tuple[Term, ...] | None:
        """The definition of a column as terms; None where it is no such sum."""
        p, m, r = self.program, self.program.matrix, self.row_of[j]
        if p.row_lower[r] != p.row_upper[r]:
            return None
        entries = slice(m.indptr[r], m.indptr[r + 1])
        here = dict(zip(m.indices[entries].tolist(), m.data[entries].tolist(), strict=True))
        own = here.pop(j)
        groups: dict[tuple[tuple[int, int], ...], Polynomial] = {}
        if p.row_lower[r]:
            groups[()] = {(): float(p.row_lower[r]) / own}
        for c, a in here.items():
            read = self._product(c, 1)
            if read is None:
                return None
            powers, others, scale = read
            if j in powers:
                return None
            group = groups.setdefault(tuple(sorted((x, n) for x, n in powers.items() if n)), {})
            key = tuple(sorted(others))
            group[key] = group.get(key, 0.0) - a * scale / own
        terms = [self._term(powers, group) for powers, group in groups.items()]
        return None if None in terms else tuple(t for t in terms if t is not None)

    def _product(self, j: int, n: int) -> tuple[dict[int, int], list[int], float] | None:
        """The n-th power of a column: powers of positive columns, other columns, and a number."""
        if self.low[j] == self.high[j]:
            return None if n < 0 and self.low[j] <= 0 else ({}, [], float(self.low[j]) ** n)
        if j in self.row_of or j not in self.parts:
            if self.low[j] > 0 and (j in self.row_of or n < 0):
                return {j: n}, [], 1.0
            return ({}, [j] * n, 1.0) if n > 0 else None
        powers: dict[int, int] = {}
        others: list[int] = []
        scale = 1.0
        for part, sign in self.parts[j]:
            read = self._product(part, sign * n)
            if read is None:
                return None
            for x, k in read[0].items():
                powers[x] = powers.get(x, 0) + k
            others += read[1]
            scale *= read[2]
        return powers, others, scale

    def _term(self, powers: tuple[tuple[int, int], ...], group: Polynomial) -> Term | None:
        factors = _factored({k: v for k, v in group.items() if v})
        if factors is None:
            return None
        coefficient, kept = 1.0, []
        for f in factors:
            if not f.range(self.low, self.high)[0] > 0:
                return None
            if f.entries:
                kept.append(f)
            else:
                coefficient *= f.constant
        return Term(coefficient, powers, tuple(kept))


def _factored(polynomial: Polynomial) -> list[Affine] | None:
    """A polynomial as a product of affine factors with one column each but for the last; None if not."""
    found: list[Affine] = []
    while any(len(k) > 1 for k in polynomial):
        split = next(_splits(polynomial), None)
        if split is None:
            return None
        found.append(split[0])
        polynomial = split[1]
    entries = tuple((k[0], v) for k, v in sorted(polynomial.items()) if k)
    return [*found, Affine(polynomial.get((), 0.0), entries)]


def _splits(polynomial: Polynomial) -> Iterator[tuple[Affine, Polynomial]]:
    """Ways to write a polynomial as an affine factor of one column times the rest."""
    for x in sorted({x for k in polynomial for x in k}):
        if any(k.count(x) > 1 for k in polynomial):
            continue
        rest = {k: v for k, v in polynomial.items() if x not in k}
        more = {tuple(y for y in k if y != x): v for k, v in polynomial.items() if x in k}
        if not rest:
            yield Affine(0.0, ((x, 1.0),)), more
        elif rest.keys() == more.keys():
            shares = [more[k] / rest[k] for k in rest]
            if max(shares) - min(shares) <= SAME * max(map(abs, shares)):
                yield Affine(1.0, ((x, shares[0]),)), rest
