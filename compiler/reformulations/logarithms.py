r"""Sums of products that grow, in logarithms, where these are convex.

In an epidemic :math:`E_{t+1} = (1 - \sigma) E_t + \beta\, S_t I_t\, (1 - s c_t)`, and more of :math:`E` and
:math:`I` is worse. An envelope of the products lets them be too small, the more so the wider their ranges
are. With :math:`e = \log E` and so on, and :math:`f_t = \log(1 - s c_t)`,

.. math::
    e_{t+1} = \log\bigl(\exp(\log(1 - \sigma) + e_t) + \exp(\log \beta + s_t + i_t + f_t)\bigr) ,

which is convex: tangents hold :math:`e_{t+1}` from below, whatever the range. They are written for
:math:`p_k = \exp(z_k - e_{t+1})` and :math:`\sum_k p_k \le 1`, with :math:`z_k` the logarithm of the k-th term. A
single term is linear, :math:`\log x = z`. The step back, :math:`E \ge \exp e`, has tangents as well.

Only what is multiplied without being such a sum itself, as :math:`S` and :math:`f`, needs the other side:
:math:`s \ge` the secant of the logarithm, which is good where the range is short. A factor that one binary
chooses is linear in it: :math:`f = c_t \log(1 - s)`.

**When.** Columns are taken that are defined as sums of products with positive coefficients, and are proven
positive (see ``posynomials``), where more of them is worse: by a limit from above or a cost, of them or of what
is made of them. It is done where decisions scale a term, as closures and events scale contacts; where what else is
multiplied has a range whose ends differ by a factor of at most 10; and where one of the columns has a range whose
ends differ by a factor of at least 4. Vaccinations take from :math:`S`, whose secant does not see them well:
there it was measured not to pay.

:Source: Rows that define columns, with products of two quantities that are not whole.
:Target: Columns for logarithms, ``log`` and ``exp`` of columns, linear rows. Nothing is taken away.
:Exact: Yes: both programs hold the same decisions with the same values; it is their relaxations that differ.
:Reference: Boyd, Kim, Vandenberghe and Hassibi (2007), Optimization and Engineering 8:67-127.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.programs.bounds import MARGIN, MOST_PROPAGATED, Infeasible, Propagator
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.passes import Pass
from allocc.compiler.programs.program import FunctionAtoms, Program
from allocc.compiler.reformulations.posynomials import Affine, Reader, Term, in_order

#: The ends of a range of what grows differ by this factor at least, or else envelopes do.
WIDE = 4.0
#: And those of what else is multiplied by this at most, or else its secant says too little.
SHORT = 10.0
#: Ranges are propagated and read again so many times.
ROUNDS = 3

#: A linear form: columns with their coefficients, and a number.
Form = tuple[list[tuple[int, float]], float]


@dataclass(frozen=True, eq=False)
class Growing:
    """What is written in logarithms: columns with their terms, and what else is multiplied there.

    `low` and `high` are the ranges of all columns that are known by then.
    """

    sums: Mapping[int, tuple[Term, ...]]
    others: tuple[int, ...]
    low: FloatArray
    high: FloatArray

    def widest(self, columns: Iterable[int]) -> float:
        """The largest factor between the ends of a range; 1 where there are no columns."""
        return max((float(self.high[j] / self.low[j]) for j in columns), default=1.0)


def multiplied(program: Program) -> bool:
    """Whether two quantities are multiplied that are not whole, in a program that is not too large."""
    q, whole = program.products, program.integer
    return (
        program.defined is not None
        and program.matrix.nnz <= MOST_PROPAGATED
        and bool((~whole[q.left] & ~whole[q.right]).any())
    )


def growing(program: Program) -> Growing | None:
    """What the rule takes of a program (see the module); None where that is nothing."""
    order = in_order(program)
    propagator = Propagator(program)
    try:
        low, high = propagator.run(program.lower, program.upper)
        for _ in range(ROUNDS):
            reader = Reader(program, low, high)
            sums = reader.read(order)
            low, high = propagator.run(reader.low, reader.high)
    except Infeasible:
        return None
    ratio = np.where(low > 0, high / np.where(low > 0, low, 1.0), np.inf)
    sums = _wanted(_closed(sums, ratio), _worse(program, order, sums, low))
    others = {j for ts in sums.values() for t in ts for j, _ in t.powers} - sums.keys()
    scaled = any(t.factors for ts in sums.values() for t in ts)
    if not scaled or max(ratio[j] for j in sums) < WIDE:
        return None
    return Growing(sums, tuple(sorted(others)), low, high)


def _closed(sums: Mapping[int, tuple[Term, ...]], ratio: FloatArray) -> dict[int, tuple[Term, ...]]:
    """Those of the sums in which everything else that is multiplied has a short range."""
    found = dict(sums)
    while True:
        out = [
            w
            for w, terms in found.items()
            if any(
                n > 0 and j not in found and ratio[j] > SHORT for t in terms for j, n in t.powers
            )
        ]
        if not out:
            return found
        for w in out:
            del found[w]


def _wanted(sums: dict[int, tuple[Term, ...]], worse: BoolArray) -> dict[int, tuple[Term, ...]]:
    """Those of the sums of which more is worse, and those that they are made of."""
    pending = [j for j in sums if worse[j]]
    found: dict[int, tuple[Term, ...]] = {}
    while pending:
        j = pending.pop()
        if j in sums and j not in found:
            found[j] = sums[j]
            pending += [x for t in sums[j] for x, n in t.powers if n > 0]
    return {j: found[j] for j in sorted(found)}


def _worse(
    program: Program,
    order: tuple[int, ...],
    sums: Mapping[int, tuple[Term, ...]],
    low: FloatArray,
) -> BoolArray:
    """The columns of which more is worse: by the objective, a limit, or what is defined by them."""
    p, m = program, program.matrix
    assert p.defined is not None
    cost = p.objective if p.sense == "minimize" else -p.objective
    more, less = cost > 0, cost < 0
    rows = np.repeat(np.arange(p.rows), np.diff(m.indptr))
    stated = p.defined[rows] < 0
    above = stated & np.where(
        m.data > 0, np.isfinite(p.row_upper[rows]), np.isfinite(p.row_lower[rows])
    )
    below = stated & np.where(
        m.data > 0, np.isfinite(p.row_lower[rows]), np.isfinite(p.row_upper[rows])
    )
    more[m.indices[above]] = True
    less[m.indices[below]] = True
    arguments: dict[int, list[tuple[int, float]]] = {}
    for r in np.flatnonzero(p.defined >= 0).tolist():
        here = slice(m.indptr[r], m.indptr[r + 1])
        columns, values = m.indices[here].tolist(), m.data[here].tolist()
        arguments[int(p.defined[r])] = [(c, -a) for c, a in zip(columns, values, strict=True)]
    pairs = [(f.result, f.argument, float(f.function.monotone)) for f in p.functions]
    pairs += [(e.result[e.owner], e.argument, 1.0) for e in p.extremes]
    for results, columns, sign in pairs:
        for w, c in zip(results.tolist(), columns.tolist(), strict=True):
            arguments.setdefault(w, []).append((c, sign))
    q = p.products
    for w, a, b, is_ratio in zip(q.result, q.left, q.right, q.is_ratio, strict=True):
        # Of a product with something that is never negative; of a ratio only its top is asked.
        for made, c, other in ((a, w, b),) if is_ratio else ((w, a, b), (w, b, a)):
            if low[other] >= 0:
                arguments.setdefault(int(made), []).append((int(c), 1.0))
    for w, terms in sums.items():
        arguments[w] = [(j, float(n)) for t in terms for j, n in t.powers]
    state = p.stated
    for w in reversed(order):
        for c, a in arguments.get(w, ()):
            # What is taken from a state is not asked: infections that leave fewer susceptible are
            # a gain or a loss later on, and small beside what they are themselves.
            if c != w and (a > 0 or (a < 0 and not state[w])):
                more[c] |= more[w] if a > 0 else less[w]
                less[c] |= less[w] if a > 0 else more[w]
    return np.asarray(more)


def in_logarithms(program: Program) -> Program:
    """The program with logarithms beside what grows; itself where the rule takes nothing."""
    found = growing(program)
    return program if found is None else _Writer(program, found).written()


class _Writer:
    """Adds the columns and rows for what was found."""

    def __init__(self, program: Program, found: Growing) -> None:
        self.program, self.found = program, found
        sums, others = np.array([*found.sums]), np.array(found.others, dtype=np.int64)
        mine = np.concatenate([sums, others])
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[mine], upper[mine] = found.low[mine], found.high[mine]
        self.build = Extension(replace(program, lower=lower, upper=upper))
        self.functions = [*program.functions]
        self.defined: dict[int, int] = {}
        logs = self._logarithms(sums, tangents_only=True), self._logarithms(others)
        #: Where the logarithm of each column stands.
        self.place = dict(zip(mine.tolist(), np.concatenate(logs).tolist(), strict=True))
        self._factors: dict[Affine, int] = {}
        self._write_factors()

    def _logarithms(self, columns: IntArray, tangents_only: bool = False) -> IntArray:
        if not len(columns):
            return columns
        name, low, high = self.program.column_name, self.found.low, self.found.high
        logs = self.build.columns(
            "log",
            len(columns),
            np.log(low[columns]) - MARGIN,
            np.log(high[columns]) + MARGIN,
            labels=lambda k: (name(int(columns[k])),),
        )
        self.functions.append(FunctionAtoms("log", logs, columns, tangents_only=tangents_only))
        return logs

    def _write_factors(self) -> None:
        """Columns for the factors that are not chosen by one binary, and for their logarithms."""
        terms = [t for ts in self.found.sums.values() for t in ts]
        factors = [*dict.fromkeys(f for t in terms for f in t.factors if not self._is_chosen(f))]
        if not factors:
            return
        ends = np.array([f.range(self.found.low, self.found.high) for f in factors]).T
        low, high = ends[0] * (1 - MARGIN), ends[1] * (1 + MARGIN)
        columns = self.build.columns("factor", len(factors), low, high)
        logs = self.build.columns(
            "log of factor", len(factors), np.log(low) - MARGIN, np.log(high) + MARGIN
        )
        forms = [
            ([(int(c), 1.0), *((j, -s) for j, s in f.entries)], f.constant)
            for f, c in zip(factors, columns, strict=True)
        ]
        self._rows("factor", forms, defines=columns)
        self.functions.append(FunctionAtoms("log", logs, columns))
        self._factors = dict(zip(factors, logs.tolist(), strict=True))

    def _is_chosen(self, factor: Affine) -> bool:
        """Whether one binary chooses between two values of a factor."""
        p = self.program
        return len(factor.entries) == 1 and all(
            p.integer[j] and p.lower[j] == 0 and p.upper[j] == 1 for j, _ in factor.entries
        )

    def _form(self, term: Term) -> Form:
        """The logarithm of a term."""
        entries = [(self.place[j], float(n)) for j, n in term.powers]
        level = float(np.log(term.coefficient))
        for f in term.factors:
            if f in self._factors:
                entries.append((self._factors[f], 1.0))
                continue
            ((binary, slope),) = f.entries
            at_zero, at_one = np.log(f.constant), np.log(f.constant + slope)
            entries.append((binary, float(at_one - at_zero)))
            level += float(at_zero)
        return entries, level

    def _rows(self, name: str, forms: list[Form], defines: IntArray | None = None) -> None:
        """Rows that say that linear forms are their numbers; `defines` are what they define."""
        if not forms:
            return
        rows = np.repeat(np.arange(len(forms)), [len(entries) for entries, _ in forms])
        columns, values = np.array([e for entries, _ in forms for e in entries]).T
        level = np.array([number for _, number in forms])
        if defines is not None:
            first = self.build.rows_count
            self.defined |= {first + k: int(c) for k, c in enumerate(defines)}
        self.build.ragged(name, rows, columns.astype(np.int64), values, level, level, len(forms))

    def written(self) -> Program:
        """The program with the rows of all sums."""
        alone: list[Form] = []
        shares: list[Form] = []
        owner: list[int] = []
        count = 0
        for j, terms in self.found.sums.items():
            # log x - z, for each term
            forms = [self._form(t) for t in terms]
            less = [([(self.place[j], 1.0), *((c, -a) for c, a in e)], z) for e, z in forms]
            if len(terms) == 1:
                alone += less
            else:
                shares += less
                owner += [count] * len(less)
                count += 1
        self._rows("log of product", alone)
        if shares:
            self._write_shares(shares, np.array(owner), count)
        p = self.program
        made = self.build.finish(p.products, tuple(self.functions), p.extremes)
        assert made.defined is not None
        defined = made.defined.copy()
        defined[[*self.defined]] = [*self.defined.values()]
        return replace(made, defined=defined)

    def _write_shares(self, forms: list[Form], owner: IntArray, count: int) -> None:
        """The terms of each sum, as shares of it, are 1 together at most."""
        logs = self.build.columns("log of share", len(forms), -np.inf, MARGIN)
        shares = self.build.columns("share", len(forms), 0.0, 1.0 + MARGIN)
        self._rows(
            "log of share",
            [([*e, (int(c), 1.0)], z) for (e, z), c in zip(forms, logs, strict=True)],
            defines=logs,
        )
        self.functions.append(FunctionAtoms("exp", shares, logs))
        self.build.ragged("shares", owner, shares, 1.0, -np.inf, 1.0 + MARGIN, count)


PASS = Pass(
    "logarithms",
    "logarithms beside sums of products that grow: convex, so that tangents hold them whatever their range",
    multiplied,
    in_logarithms,
    methods=frozenset({"refine", "auto"}),
    after=("chance", "denominators", "growth"),
    note="sums of products that grow have logarithms beside them, which are convex; see `allocc explain`",
)
