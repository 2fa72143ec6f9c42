"""From `Problem` to `Program`: every statement as sparse rows, every nonlinear monomial an atom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler import failures
from allocc.compiler.algebra.expression import Node, Reference, add, constant, multiply, negate
from allocc.compiler.algebra.index import Coordinate, spread
from allocc.compiler.algebra.polynomial import flatten
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.lowering.linearize import Linearizer
from allocc.compiler.lowering.lowered import Lowered, Places
from allocc.compiler.origin import Origin
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.magnitudes import refuse_no_amounts
from allocc.compiler.programs.program import IndicatorRows, Program, ProgramBlock
from allocc.compiler.reformulations import chance, ratios
from allocc.compiler.unrolling.problem import ChanceConstraint, Constraint, Problem, Update
from allocc.dsl.diagnostics import DiagnosticError

#: For each row, the binaries that must be 1 for it to hold.
Binaries = tuple[IntArray, ...]


def lower(problem: Problem, clear_ratios: bool = True) -> Lowered:
    """Write a problem as a program; products and functions stay atoms, rows on a condition stay that.

    With `clear_ratios` limits on ratios are multiplied out where the sign of the denominator is proven by
    the rest of the problem. Without it every row keeps the unit of its limit, and rests on no other.

    Raises `DiagnosticError` where a value does not exist: a quotient by zero, a largest of nothing,
    or where a number is too large for any solver.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            lowered = _Lowering(problem, clear_ratios).run()
    except failures.Failed as failed:
        raise DiagnosticError(list(failed.diagnostics)) from None
    refuse_no_amounts(lowered.program)
    return lowered


def ratio_limit(c: Constraint, problem: Problem) -> ratios.RatioLimit | None:
    """A limit as one on a ratio that can be multiplied out; rows without a side do not matter."""
    if not np.isneginf(c.lower.values).all():
        return None
    sides = c.upper.values
    if sides[np.isfinite(sides)].any():
        return None
    return ratios.recognize(c.body, problem.is_binary)


class _Lowering(Linearizer):
    def __init__(self, problem: Problem, clear_ratios: bool) -> None:
        super().__init__(problem)
        self.clear_ratios = clear_ratios
        self.conditional: list[IndicatorRows] = []
        self.deferred: list[tuple[Constraint, ratios.RatioLimit, Binaries]] = []
        self.written: dict[Constraint | ChanceConstraint | Update, slice] = {}

    def run(self) -> Lowered:
        p = self.problem
        for variable in p.variables:
            self.place(variable, "stated")
        for update in p.updates:
            self.dynamics(update)
            self.drain()
        for c in p.constraints:
            self.limit(c, ())
        for block in p.chances:
            self.chance(block)
        self.ratio_limits()
        objective, offset = self.objective()
        self.drain()
        program = replace(self.assemble(objective, offset), conditional=tuple(self.conditional))
        return Lowered(program, Places(self.placed, self.written))

    def limit(self, c: Constraint, binaries: Binaries) -> None:
        """Rows of a limit, which hold where each of `binaries` is 1.

        A limit on a ratio waits until all others are written, from which its denominator's sign
        may follow.
        """
        found = ratio_limit(c, self.problem) if self.clear_ratios else None
        if found is not None:
            self.deferred.append((c, found, binaries))
        else:
            self.stated(c, c.body, binaries)

    def stated(self, c: Constraint, body: Node, binaries: Binaries) -> None:
        """Rows of a limit with its own body, or one that says the same."""
        terms = self.linear(self.terms(body), c.axes)
        low, high = (
            np.broadcast_to(spread(d.values, d.axes, c.axes), c.shape).ravel()
            for d in (c.lower, c.upper)
        )
        start = self.rows
        origin = Origin("limit", c.name, c.span)
        self.write(c.name, terms, c.axes, low, high, "stated", c.labels, origin)
        self.written[c] = slice(start, self.rows)
        if binaries:
            # What defines the parts of the limit holds in any case.
            self.conditional.append(IndicatorRows(start, c.count, binaries, c.span))
        self.drain()

    def ratio_limits(self) -> None:
        """Limits on ratios, multiplied out where the sign of the denominator is proven."""
        if not self.deferred:
            return
        bottoms = []
        for c, ratio, _ in self.deferred:
            bottoms.append([flatten(t, c.axes) for t in self.terms(ratio.bottom)])
            self.drain()
        program = replace(self.assemble([]), conditional=tuple(self.conditional))
        free = chance.without(program)
        try:
            bounds = Propagator(free).run(free.lower, free.upper)
        except Infeasible:
            bounds = (free.lower, free.upper)
        for (c, ratio, binaries), bottom in zip(self.deferred, bottoms, strict=True):
            sign = self.proven_sign(c, bottom, binaries, program, bounds)
            if sign == 0:
                self.stated(c, c.body, binaries)
                continue
            if ratio.switch is not None:
                start = self.place(ratio.switch.variable, "definition")
                positions = start + spread(ratio.switch.positions(), ratio.switch.axes, c.axes)
                binaries = (*binaries, np.broadcast_to(positions, c.shape).ravel())
            self.stated(c, ratio.cleared(sign > 0), binaries)

    def proven_sign(
        self,
        c: Constraint,
        bottom: list[tuple[IntArray, FloatArray, list[IntArray]]],
        binaries: Binaries,
        program: Program,
        bounds: tuple[FloatArray, FloatArray],
    ) -> int:
        """1 where no denominator of a limit can be negative, -1 where all are, else 0."""
        count = c.count
        level = np.zeros(count)
        triples = []
        for rows, values, columns in bottom:
            if columns:
                triples.append((values, (rows, columns[0])))
            else:
                np.add.at(level, rows, values)
        shape = (count, program.columns)
        matrix = sparse.csr_array(shape)
        for values, place in triples:
            matrix = matrix + sparse.csr_array(sparse.coo_array((values, place), shape=shape))
        lower, upper = bounds
        for sign in (1, -1):
            # The most of -sign * (bottom without its constant), which must stay below the constant.
            flipped = sparse.csr_array(-sign * matrix)
            flipped.eliminate_zeros()
            row_of = np.repeat(np.arange(count), np.diff(flipped.indptr))
            ends = np.where(flipped.data > 0, upper[flipped.indices], lower[flipped.indices])
            most = np.bincount(row_of, flipped.data * ends, count)
            # A denominator that may be zero is read as one above it; see `ratios`.
            apart = most <= level if sign > 0 else most < -level
            open_rows = np.flatnonzero(~apart)
            if not len(open_rows):
                return sign
            guards = self.guards(program, binaries[0] if binaries else None)
            for i, (entries, weights) in enumerate(ratios.rows_of(flipped[open_rows])):
                row = int(open_rows[i])
                known = guards.get(int(binaries[0][row]) if binaries else -1, {})
                slack = 1e-12 * max(1.0, abs(float(level[row])))
                best = min(
                    ratios.most(entries, weights, guards.get(-1, {})),
                    ratios.most(entries, weights, known),
                )
                if not entries or best > sign * level[row] + sign * slack:
                    break
            else:
                return sign
        return 0

    def guards(self, program: Program, binaries: IntArray | None) -> dict[int, ratios.Guards]:
        """Stated rows `a'x <= end` by their columns, for each binary that they depend on (or -1)."""
        condition = np.full(program.rows, -1, dtype=np.int64)
        usable = np.isfinite(program.row_upper)
        for block in self.conditional:
            if block.start >= program.rows:
                continue
            condition[block.rows] = block.binaries[0]
            if len(block.binaries) > 1:
                usable[block.rows] = False
        wanted = condition == -1
        if binaries is not None:
            wanted |= np.isin(condition, binaries)
        chosen = np.flatnonzero(usable & wanted)
        found: dict[int, ratios.Guards] = {}
        for i, (columns, values) in zip(
            chosen.tolist(), ratios.rows_of(program.matrix[chosen]), strict=True
        ):
            if columns:
                group = found.setdefault(int(condition[i]), {})
                group.setdefault(columns, []).append((values, float(program.row_upper[i])))
        return found

    def chance(self, block: ChanceConstraint) -> None:
        """A binary for each scenario, the rows that hold where it is 1, and what they must weigh."""
        name, count = block.name, len(block.weights)
        origin = Origin("chance", name, block.span)
        kept = self.new_columns(
            f"{name}:kept",
            count,
            "auxiliary",
            0.0,
            1.0,
            integer=True,
            origin=origin,
            labels=block.labels,
        )
        self.placed[block] = slice(kept, self.columns)
        for limit in block.limits:
            self.limit(limit.constraint, (kept + limit.scenario,))
        weights, least = block.weights, block.probability - chance.TOLERANCE
        if np.ptp(weights) <= chance.TOLERANCE / count:
            # Scenarios of one weight are counted, so that no tolerance of a solver matters.
            weights, least = np.ones(count), float(np.ceil(least / weights.mean()))
        columns = np.arange(kept, kept + count)
        self.sparse.add(1, [], [(np.zeros(count, dtype=np.int64), columns, weights)])
        self.row_lower.append(np.array([least]))
        self.row_upper.append(np.array([np.inf]))
        self.row_blocks.append(ProgramBlock(name, self.rows, 1, "stated", origin))
        self.written[block] = slice(self.rows, self.rows + 1)
        self.rows += 1

    def dynamics(self, update: Update) -> None:
        """Rows X[i, k+1] = X[i, k] + step * rate (see `Update` for the other schemes)."""
        time = self.problem.model.time
        assert time is not None
        variable = update.variable
        axes = update.axes
        period = axes[-1]
        sets = variable.sets
        own = [Coordinate(s, (a,), np.arange(a.size)) for s, a in zip(sets, axes, strict=False)]
        now = Coordinate(time.points, (period,), np.arange(time.count))
        following = Coordinate(time.points, (period,), np.arange(1, time.count + 1))
        here = Reference(variable, (*own[:-1], now), axes)
        there = Reference(variable, (*own[:-1], following), axes)
        if update.next_value is not None:
            right = update.next_value
        else:
            change = multiply(constant(time.step), update.rate)
            if update.ahead is not None:
                begin, end = ((1.0 - update.share) * time.step, update.share * time.step)
                change = multiply(constant(end), update.ahead)
                if begin:
                    change = add(multiply(constant(begin), update.rate), change)
            right = add(here, change)
        terms = self.linear(self.terms(add(there, negate(right))), axes)
        name = variable.name

        def labels(k: int) -> tuple[Any, ...]:
            where = np.unravel_index(k, tuple(a.size for a in axes))
            found = [x for s, i in zip(sets, where, strict=True) for x in s.label(int(i))]
            return (*found[:-1], time.points.label(int(where[-1]) + 1)[0])

        start = self.rows
        if update.ahead is None:
            self.defines.append(
                (start, (self.place(variable, "stated") + there.positions()).ravel())
            )
        self.write(
            f"{name}:step",
            terms,
            axes,
            0.0,
            0.0,
            "definition",
            labels,
            variable.origin,
        )
        self.written[update] = slice(start, self.rows)

    def objective(self) -> tuple[list[tuple[IntArray, FloatArray]], float]:
        """Columns with their coefficients, and the constant."""
        found = []
        offset = 0.0
        for objective_term in self.problem.terms:
            for term in self.linear(self.terms(objective_term.node), ()):
                _, values, columns = flatten(term, ())
                if columns:
                    found.append((columns[0], values))
                else:
                    offset += float(values.sum())
        return found, offset
