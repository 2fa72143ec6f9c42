r"""Growth by a factor that a binary chooses, in logarithms.

In :math:`x_{t+1} = (a_t + b_t z_t)\, x_t` a binary decides between two factors, as lockdown and no
lockdown do. Products :math:`z_t x_t` have exact linear rows, but these need the range of :math:`x_t`,
which doubles every few steps, so that their relaxation soon says nothing. With :math:`x_1 > 0` and
positive factors the logarithms :math:`y_t = \log x_t` are linear in the decisions, whatever the range:

.. math::
    y_{t+1} = y_t + \log a_t + z_t \bigl(\log(a_t + b_t) - \log a_t\bigr), \qquad x_t = e^{y_t} .

The products and the rows that hold them are dropped. What the model says of :math:`x_t` itself is kept
by :math:`e^{y_t}`, which is convex: tangents are enough where :math:`x_t` may be lowered without harm
(see ``direction``), and only then, and only where the range is wide, the program is changed.

:Source: Definitions of a column as a multiple of another one, the factor chosen by a binary, from a
    positive start on.
:Target: Columns for logarithms, linear rows, ``x = exp(y)``.
:Exact: Yes: both programs hold the same decisions with the same values.
:Reference: :math:`\log (a x) = \log a + \log x`; the exponential is written as in ``univariate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import BoolArray
from allocc.compiler.programs.bounds import MARGIN
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.passes import Pass
from allocc.compiler.programs.program import FunctionAtoms, Program

#: Ranges whose ends differ by a smaller factor than this are left to the exact rows of products.
WIDE = 100.0
#: Definitions with more entries than this are no growth.
LONGEST = 4


@dataclass(frozen=True)
class GrowthStep:
    """`x[target] = (plain + x[binary] * more) x[source]`; without a binary it is -1, and more 0."""

    target: int
    source: int
    plain: float
    binary: int
    more: float
    rows: tuple[int, ...]
    dropped: tuple[int, ...]

    @property
    def factors(self) -> tuple[float, float]:
        """The factor where the binary is 0, and where it is 1."""
        return self.plain, self.plain + self.more


def chosen(program: Program) -> bool:
    """Whether a binary is multiplied where columns are defined."""
    q = program.products
    binary = _binary(program)
    return program.defined is not None and bool((binary[q.left] | binary[q.right]).any())


def in_logarithms(program: Program) -> Program:
    """The program with its growth in logarithms; itself where there is none, or nothing to gain."""
    found = list(_Reader(program).steps())
    # A flow that was put into another definition is no quantity by itself.
    inner = {c for s in found for c in s.dropped}
    steps = {s.target: s for s in found if s.target not in inner}
    low, high = _ranges(program, steps)
    # In the order in which they were reached, so that a source comes before what grows from it.
    grown = [steps[j] for j in low]
    if (
        not any(s.binary >= 0 for s in grown)
        or max(high[s.target] / low[s.target] for s in grown) < WIDE
    ):
        return program
    if not _whole_blocks(program, {s.target for s in grown}):
        return program
    made = _written(program, grown, low, high)
    down, _ = monotone_directions(made, atoms_only=True)
    return made if down[[s.target for s in grown]].all() else program


def _binary(program: Program) -> BoolArray:
    return np.asarray(program.integer & (program.lower == 0) & (program.upper == 1))


class _Reader:
    """Finds the steps of growth among the definitions of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        p = program
        assert p.defined is not None
        self.matrix = p.matrix
        self.row_of = {int(c): r for r, c in enumerate(p.defined.tolist()) if c >= 0}
        self.uses = np.bincount(p.matrix.indices, minlength=p.columns)
        q = p.products
        self.products = {
            w: (a, b)
            for w, a, b in zip(q.result.tolist(), q.left.tolist(), q.right.tolist(), strict=True)
        }
        places = [q.left, q.right, *(f.argument for f in p.functions)]
        places += [f.result for f in p.functions] + [e.argument for e in p.extremes]
        self.elsewhere = np.bincount(np.concatenate(places), minlength=p.columns)
        self.binary = _binary(p)

    def steps(self) -> Iterator[GrowthStep]:
        """Every definition that is a step of growth."""
        for target, row in self.row_of.items():
            found = self._step(target, row)
            if found is not None:
                yield found

    def _step(self, target: int, row: int) -> GrowthStep | None:
        read = self._terms(row, target)
        if read is None:
            return None
        terms, rows, dropped = read
        products = [c for c in terms if c in self.products]
        if len(products) > 1:
            return None
        if not products:
            if len(terms) != 1 or min(terms.values()) <= 0:
                return None
            ((source, plain),) = terms.items()
            return GrowthStep(target, source, plain, -1, 0.0, rows, dropped)
        (w,) = products
        a, b = self.products[w]
        binary, source = (a, b) if self.binary[a] else (b, a)
        plain, more = terms.get(source, 0.0), terms[w]
        if not self.binary[binary] or set(terms) != {source, w} or self.uses[w] != 1:
            return None
        if min(plain, plain + more) <= 0 or self.elsewhere[w] or self.program.objective[w]:
            return None
        return GrowthStep(target, source, plain, binary, more, rows, (*dropped, w))

    def _terms(
        self, row: int, target: int
    ) -> tuple[dict[int, float], tuple[int, ...], tuple[int, ...]] | None:
        """What a definition says of its column, with flows that are used nowhere else put in."""
        p, m = self.program, self.matrix
        terms: dict[int, float] = {}
        rows, dropped = [], []
        pending = [(row, target, 1.0)]
        while pending:
            r, own, weight = pending.pop()
            entries = slice(m.indptr[r], m.indptr[r + 1])
            columns, values = m.indices[entries].tolist(), m.data[entries].tolist()
            if len(columns) > LONGEST or p.row_lower[r] != 0 or p.row_upper[r] != 0:
                return None
            rows.append(r)
            scale = -weight / values[columns.index(own)]
            for c, a in zip(columns, values, strict=True):
                if c == own or a == 0:
                    continue
                inner = self.row_of.get(c)
                alone = self.uses[c] == 2 and not self.elsewhere[c] and not p.objective[c]
                if inner is not None and alone and inner != r and len(rows) + len(pending) < 3:
                    pending.append((inner, c, scale * a))
                    dropped.append(c)
                else:
                    terms[c] = terms.get(c, 0.0) + scale * a
        return {c: a for c, a in terms.items() if a != 0}, tuple(rows), tuple(dropped)


def _ranges(
    program: Program, steps: dict[int, GrowthStep]
) -> tuple[dict[int, float], dict[int, float]]:
    """Ranges of the columns that grow from a known positive start."""
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    after: dict[int, list[GrowthStep]] = {}
    for s in steps.values():
        after.setdefault(s.source, []).append(s)
    pending = [
        j
        for j in after
        if j not in steps and program.lower[j] == program.upper[j] and program.lower[j] > 0
    ]
    ends = {j: (float(program.lower[j]),) * 2 for j in pending}
    while pending:
        j = pending.pop()
        for s in after.get(j, ()):
            ends[s.target] = (ends[j][0] * min(s.factors), ends[j][1] * max(s.factors))
            if ends[s.target][0] > 0 and np.isfinite(ends[s.target][1]):
                low[s.target], high[s.target] = ends[s.target]
                pending.append(s.target)
    return low, high


def _whole_blocks(program: Program, targets: set[int]) -> bool:
    """Whether the columns fill their blocks, but for what is known from the start."""
    for block in program.column_blocks:
        span = range(block.start, block.start + block.count)
        mine = [j for j in span if j in targets]
        if mine and any(j not in targets and program.lower[j] != program.upper[j] for j in span):
            return False
    return True


def _written(
    program: Program, steps: list[GrowthStep], low: dict[int, float], high: dict[int, float]
) -> Program:
    p = program
    n = len(steps)
    target = np.array([s.target for s in steps])
    lower, upper = p.lower.copy(), p.upper.copy()
    bottom = np.array([low[s.target] for s in steps])
    top = np.array([high[s.target] for s in steps])
    lower[target] = np.maximum(lower[target], bottom * (1 - MARGIN))
    upper[target] = np.minimum(upper[target], top * (1 + MARGIN))
    gone = [r for s in steps for r in s.rows]
    # Products and flows that nothing holds any more.
    idle = np.array([c for s in steps for c in s.dropped], dtype=np.int64)
    lower[idle] = upper[idle] = 0.0
    keep = np.ones(p.rows)
    keep[gone] = 0.0
    matrix = sparse.csr_array(sparse.diags_array(keep) @ p.matrix)
    matrix.eliminate_zeros()
    assert p.defined is not None
    defined = p.defined.copy()
    defined[gone] = -1
    q = p.products
    stay = ~np.isin(q.result, idle)
    blocks = tuple(
        replace(b, role="definition")
        if np.any((target >= b.start) & (target < b.start + b.count))
        else b
        for b in p.column_blocks
    )
    base = replace(
        p, lower=lower, upper=upper, matrix=matrix, defined=defined, column_blocks=blocks
    )
    build = Extension(base)
    name = p.column_name
    logs = build.columns(
        "log",
        n,
        np.log(bottom) - MARGIN,
        np.log(top) + MARGIN,
        labels=lambda k: (name(int(target[k])),),
    )
    place = {s.target: int(c) for s, c in zip(steps, logs, strict=True)}
    # y' - y - z log((a + b) / a) = log a, with y a number at the start
    rows, columns, values, level = [], [], [], []
    for k, s in enumerate(steps):
        entries = [(place[s.target], 1.0)]
        ends = np.log(s.factors[0])
        if s.source in place:
            entries.append((place[s.source], -1.0))
        else:
            ends += np.log(p.lower[s.source])
        if s.binary >= 0:
            entries.append((s.binary, -(np.log(s.factors[1]) - np.log(s.factors[0]))))
        rows += [k] * len(entries)
        columns += [c for c, _ in entries]
        values += [a for _, a in entries]
        level.append(float(ends))
    sides = np.array(level)
    build.ragged("growth", np.array(rows), np.array(columns), np.array(values), sides, sides, n)
    atoms = FunctionAtoms("exp", target, logs)
    made = build.finish(q.taken(stay), (*p.functions, atoms), p.extremes)
    assert made.defined is not None
    return replace(made, defined=np.concatenate([made.defined[: p.rows], logs]))


PASS = Pass(
    "growth",
    "growth by a factor that a binary chooses, in logarithms: linear in the decisions, whatever the range",
    chosen,
    in_logarithms,
    methods=frozenset({"refine", "auto"}),
    after=("chance", "denominators"),
    note="growth by a factor that a binary chooses is written in logarithms",
)
