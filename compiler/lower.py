"""From `Problem` to `Program`: every statement as sparse rows, every nonlinear monomial an atom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler import errors
from allocc.compiler.bounds import Infeasible, Propagator
from allocc.compiler.expression import (
    Add,
    Apply,
    Data,
    Divide,
    Extreme,
    Multiply,
    Node,
    Power,
    Reduce,
    Reference,
    Variable,
    add,
    constant,
    multiply,
    negate,
)
from allocc.compiler.index import Axis, Coordinate, join_axes, spread
from allocc.compiler.magnitudes import refuse_extremes
from allocc.compiler.polynomial import (
    Factor,
    Term,
    compressed,
    flatten,
    free_of_sums,
    inverse,
    merge,
    renamed,
    scaled,
    times,
)
from allocc.compiler.problem import ChanceConstraint, Constraint, Problem, Update
from allocc.compiler.program import (
    Block,
    Extremes,
    FloatArray,
    FunctionAtoms,
    IntArray,
    Products,
    Program,
    Role,
    label_text,
)
from allocc.compiler.reformulations import chance, ratios
from allocc.compiler.rows import SparseRows
from allocc.dsl.diagnostics import AlloccError
from allocc.dsl.tree import Span

#: For each row, the binaries that must be 1 for it to hold.
Binaries = tuple[IntArray, ...]

#: A factor with more terms than this gets a column of its own instead of being multiplied out.
MOST_TERMS = 2


def lower(problem: Problem) -> Program:
    """Write a problem as a program; products and functions stay atoms.

    Raises `AlloccError` where a value does not exist: a quotient by nought, a largest of nothing,
    or where a number is too large for any solver.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            program = _Lowering(problem).run()
    except errors.Failed as failed:
        raise AlloccError(list(failed.diagnostics)) from None
    refuse_extremes(program)
    return program


class _Lowering:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.columns = 0
        self.rows = 0
        self.column_blocks: list[Block] = []
        self.row_blocks: list[Block] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.integer: list[Any] = []
        self.row_lower: list[FloatArray] = []
        self.row_upper: list[FloatArray] = []
        self.sparse = SparseRows()
        self.products: list[tuple[IntArray, IntArray, IntArray]] = []
        self.functions: list[FunctionAtoms] = []
        self.extremes: list[Extremes] = []
        self.defines: list[tuple[int, IntArray]] = []
        self.conditional: list[chance.Conditional] = []
        self.deferred: list[tuple[Constraint, ratios.RatioLimit, Binaries]] = []
        self.known: dict[object, tuple[IntArray, IntArray]] = {}
        self.offsets: dict[Variable, int] = {}
        self.pending: list[Variable] = []
        # Keys of factors have ids of axes, which must not be given out again.
        self.kept: list[Axis] = []

    # --- assembly ---------------------------------------------------------------------------

    def run(self) -> Program:
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
        program = self.assemble(objective, offset)
        return chance.write(program, self.conditional)

    def assemble(
        self, objective: list[tuple[IntArray, FloatArray]], offset: float = 0.0
    ) -> Program:
        """What has been laid out and written so far."""
        p = self.problem
        n = self.columns
        matrix = self.sparse.matrix(n)
        defined = np.full(self.rows, -1, dtype=np.int64)
        for row, columns in self.defines:
            defined[row : row + len(columns)] = columns
        costs = np.zeros(n)
        for columns, values in objective:
            np.add.at(costs, columns, values)
        products = [np.concatenate(x) for x in zip(*self.products, strict=True)] or [
            np.zeros(0, dtype=np.int64)
        ] * 3
        return Program(
            name=p.model.name,
            sense=p.sense,
            objective=costs,
            offset=offset,
            lower=np.concatenate(self.lower) if self.lower else np.zeros(0),
            upper=np.concatenate(self.upper) if self.upper else np.zeros(0),
            integer=np.concatenate(self.integer) if self.integer else np.zeros(0, dtype=bool),
            matrix=matrix,
            row_lower=np.concatenate(self.row_lower) if self.row_lower else np.zeros(0),
            row_upper=np.concatenate(self.row_upper) if self.row_upper else np.zeros(0),
            column_blocks=tuple(self.column_blocks),
            row_blocks=tuple(self.row_blocks),
            products=Products(*products),
            functions=tuple(self.functions),
            extremes=tuple(self.extremes),
            defined=defined,
        )

    def column_name(self, j: int) -> str:
        """The name of a column laid out so far."""
        for block in self.column_blocks:
            if block.start <= j < block.start + block.count:
                return block.name_of(j - block.start)
        raise IndexError(j)

    def new_columns(
        self,
        name: str,
        count: int,
        role: Role,
        lower: Any = -np.inf,
        upper: Any = np.inf,
        integer: bool = False,
        **about: Any,
    ) -> int:
        """Lay out a block of columns and return its first."""
        start = self.columns
        self.column_blocks.append(Block(name, start, count, role, **about))
        self.lower.append(np.broadcast_to(np.asarray(lower, dtype=float), count).copy())
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=float), count).copy())
        self.integer.append(np.full(count, integer))
        self.columns += count
        return start

    def place(self, variable: Variable, role: Role) -> int:
        """Lay out a variable's columns if it has none yet."""
        known = self.offsets.get(variable)
        if known is not None:
            return known
        lower = variable.lower.ravel() if variable.lower is not None else -np.inf
        upper = variable.upper.ravel() if variable.upper is not None else np.inf
        start = self.new_columns(
            variable.name,
            variable.size,
            role,
            lower,
            upper,
            variable.integer,
            statement=variable.statement,
            span=variable.span,
            unit=variable.unit,
            labels=variable.labels if variable.sets else None,
        )
        self.offsets[variable] = start
        variable.offset = start
        if variable.value is not None:
            self.pending.append(variable)
        return start

    def drain(self) -> None:
        """Write the rows of the definitions that were met."""
        while self.pending:
            variable = self.pending.pop(0)
            assert variable.value is not None
            own = Term(
                np.asarray(1.0),
                (),
                (self.factor_of(variable, variable.axes),),
            )
            terms = self.linear(self.terms(variable.value), variable.axes)
            self.define(
                variable.name,
                own,
                terms,
                variable.axes,
                variable.labels,
                variable.span,
                variable.statement,
                self.offsets[variable],
                variable.size,
            )

    def factor_of(self, variable: Variable, axes: tuple[Axis, ...]) -> Factor:
        """The whole of a variable over axes, one for each of its sets."""
        start = self.place(variable, "definition")
        coordinates = [
            Coordinate(s, (a,), np.arange(a.size)) for s, a in zip(variable.sets, axes, strict=True)
        ]
        node = Reference(variable, tuple(coordinates), axes)
        return Factor(node.key, axes, start + node.positions())

    def define(
        self,
        name: str,
        own: Term,
        terms: list[Term],
        axes: tuple[Axis, ...],
        labels: Any,
        span: Span | None,
        statement: str,
        column: int,
        count: int,
    ) -> None:
        """Rows `own - terms = 0`, which define the columns from `column` on."""
        start = self.rows
        minus = [Term(-t.coefficient, t.axes, t.factors, t.scatter) for t in terms]
        self.write(
            f"{name}:is", [own, *minus], axes, 0.0, 0.0, "definition", labels, span, statement
        )
        self.defines.append((start, np.arange(column, column + count)))

    def write(
        self,
        name: str,
        terms: list[Term],
        axes: tuple[Axis, ...],
        lower: Any,
        upper: Any,
        role: Role,
        labels: Any,
        span: Span | None,
        statement: str,
    ) -> None:
        """Rows `lower <= terms <= upper` over axes; the terms are linear."""
        count = int(np.prod([a.size for a in axes], dtype=np.int64))
        level = np.zeros(count)
        shape = tuple(a.size for a in axes)
        regular = []
        triples = []
        for term in terms:
            if not term.scatter and set(term.all_axes) <= set(axes):
                value = spread(term.coefficient, term.axes, axes)
                if not term.factors:
                    level += np.broadcast_to(value, shape).ravel()
                    continue
                (factor,) = term.factors
                column = np.broadcast_to(spread(factor.columns, factor.axes, axes), shape)
                one = value.size == 1
                entries = value.ravel() if one else np.broadcast_to(value, shape).ravel()
                regular.append((column.ravel(), entries))
                continue
            rows, values, columns = flatten(term, axes)
            if columns:
                triples.append((rows, columns[0], values))
            else:
                np.add.at(level, rows, values)
        self.sparse.add(count, regular, triples)
        self.row_lower.append(np.broadcast_to(lower, count) - level)
        self.row_upper.append(np.broadcast_to(upper, count) - level)
        self.row_blocks.append(Block(name, self.rows, count, role, statement, span, labels=labels))
        self.rows += count

    def constraint(
        self,
        name: str,
        axes: tuple[Axis, ...],
        body: Node,
        lower: Data,
        upper: Data,
        role: Role,
        labels: Any,
        span: Span,
    ) -> None:
        """Rows of a limit."""
        terms = self.linear(self.terms(body), axes)
        shape = tuple(a.size for a in axes)
        ends = [
            np.broadcast_to(spread(d.values, d.axes, axes), shape).ravel() for d in (lower, upper)
        ]
        self.write(name, terms, axes, ends[0], ends[1], role, labels, span, f"limit {name}")

    def limit(self, c: Constraint, binaries: Binaries, ratio: bool = True) -> None:
        """Rows of a limit, which hold where each of `binaries` is 1.

        A limit on a ratio waits until all others are written, from which its denominator's sign
        may follow.
        """
        if ratio and not c.lower.axes and np.isneginf(c.lower.values) and not c.upper.values.any():
            found = ratios.recognize(c.body)
            if found is not None:
                self.deferred.append((c, found, binaries))
                return
        self.constraint(c.name, c.axes, c.body, c.lower, c.upper, "stated", c.labels, c.span)
        if binaries:
            # The rows before it define what the limit is made of; they hold in any case.
            own = self.row_blocks[-1]
            self.conditional.append(chance.Conditional(own.start, own.count, binaries, c.span))
        self.drain()

    def ratio_limits(self) -> None:
        """Limits on ratios, multiplied out where the sign of the denominator is proven."""
        if not self.deferred:
            return
        bottoms = []
        for c, ratio, _ in self.deferred:
            bottoms.append([flatten(t, c.axes) for t in self.terms(ratio.bottom)])
            self.drain()
        program = self.assemble([])
        free = chance.without(program, self.conditional)
        try:
            bounds = Propagator(free).run(free.lower, free.upper)
        except Infeasible:
            bounds = (free.lower, free.upper)
        for (c, ratio, binaries), bottom in zip(self.deferred, bottoms, strict=True):
            sign = self.proven_sign(c, bottom, binaries, program, bounds)
            if sign == 0:
                self.limit(c, binaries, ratio=False)
                continue
            if ratio.switch is not None:
                start = self.place(ratio.switch.variable, "definition")
                positions = start + spread(ratio.switch.positions(), ratio.switch.axes, c.axes)
                shape = tuple(a.size for a in c.axes)
                binaries = (*binaries, np.broadcast_to(positions, shape).ravel())
            self.limit(replace(c, body=ratio.cleared(sign > 0)), binaries, ratio=False)

    def proven_sign(
        self,
        c: Constraint,
        bottom: list[tuple[IntArray, FloatArray, list[IntArray]]],
        binaries: Binaries,
        program: Program,
        bounds: tuple[FloatArray, FloatArray],
    ) -> int:
        """1 or -1 where a denominator has one sign in every row of a limit, else 0."""
        count = int(np.prod([a.size for a in c.axes], dtype=np.int64))
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
            open_rows = np.flatnonzero(~(most < sign * level))
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
                if not entries or best > sign * level[row] + slack:
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
        statement = f"chance {name}"
        kept = self.new_columns(
            f"{name}:kept",
            count,
            "auxiliary",
            0.0,
            1.0,
            integer=True,
            statement=statement,
            span=block.span,
            labels=block.labels,
        )
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
        self.row_blocks.append(Block(name, self.rows, 1, "stated", statement, block.span))
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
                half = constant(time.step / 2)
                change = add(multiply(half, update.rate), multiply(half, update.ahead))
            right = add(here, change)
        terms = self.linear(self.terms(add(there, negate(right))), axes)
        name = variable.name

        def labels(k: int) -> tuple[Any, ...]:
            where = np.unravel_index(k, tuple(a.size for a in axes))
            found = [x for s, i in zip(sets, where, strict=True) for x in s.label(int(i))]
            return (*found[:-1], time.points.label(int(where[-1]) + 1)[0])

        if update.ahead is None:
            self.defines.append(
                (self.rows, (self.place(variable, "stated") + there.positions()).ravel())
            )
        self.write(
            f"{name}:step",
            terms,
            axes,
            0.0,
            0.0,
            "definition",
            labels,
            variable.span,
            variable.statement,
        )

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

    # --- expressions --------------------------------------------------------------------------

    def terms(self, node: Node) -> list[Term]:
        """The monomials of a node."""
        match node:
            case Data(axes=axes, values=values):
                return [Term(np.asarray(values, dtype=float), axes)] if values.any() else []
            case Reference():
                start = self.place(node.variable, "definition")
                factor = Factor(node.key, node.axes, start + node.positions())
                return [Term(np.asarray(1.0), (), (factor,))]
            case Add(parts=parts, axes=axes):
                return merge([t for p in parts for t in self.terms(p)], axes)
            case Multiply(left=Data() as data, right=right, axes=axes):
                if not data.values.any():
                    return []
                return [scaled(t, data) for t in self.terms(right)]
            case Multiply(left=left, right=right, axes=axes):
                a = self.multiplicand(self.terms(left), left)
                b = self.multiplicand(self.terms(right), right)
                if len(a) > 1 and len(b) > 1:
                    a = self.column(a, left)
                    b = self.column(b, right)
                return merge([times(x, y) for x in a for y in b], axes)
            case Divide(left=left, right=right, axes=axes):
                return self.quotient(left, right, axes)
            case Power():
                return self.power(node)
            case Apply():
                return self.function(node)
            case Extreme():
                return self.extreme(node)
            case Reduce(operation="sum", body=body, over=over, axes=axes, scatter=scatter):
                return merge(self.summed(self.terms(body), over, scatter), axes)
            case Reduce():
                return self.extreme_reduce(node)

    def summed(
        self,
        terms: list[Term],
        over: tuple[Axis, ...],
        scatter: Mapping[Axis, IntArray],
    ) -> list[Term]:
        """Terms summed over axes; those that a term does not depend on are counted.

        The axis of a bare set is one in the whole model, and may be bound again further out, so
        that a sum puts an axis of its own in its place.
        """
        own = {a: Axis(a.set, a.size) for a in over if a in a.set.bare_axes}
        self.kept.extend(own.values())
        return [self.summed_one(t, over, scatter, own) for t in terms]

    def summed_one(
        self,
        term: Term,
        over: tuple[Axis, ...],
        scatter: Mapping[Axis, IntArray],
        own: Mapping[Axis, Axis],
    ) -> Term:
        """One term summed over axes; `own` are new axes for some of them."""
        coefficient, axes = term.coefficient, term.axes
        present = term.all_axes
        moved = dict(term.scatter)
        for axis in over:
            # Entries that an inner filter sends to this axis go on to where it is sent.
            inner = moved.pop(axis, None)
            if inner is not None:
                pair, place = inner
                moved |= {outer: (pair, taken[place]) for outer, taken in scatter.items()}
                continue
            if axis not in present:
                if not scatter:
                    coefficient = coefficient * axis.size
                    continue
                shape = (*coefficient.shape, axis.size)
                coefficient = np.broadcast_to(coefficient[..., None], shape)
                axes = (*axes, axis)
            moved |= {outer: (axis, taken) for outer, taken in scatter.items()}
        return renamed(Term(coefficient, axes, term.factors, moved), own)

    def multiplicand(self, terms: list[Term], node: Node) -> list[Term]:
        """Terms that can be multiplied out, or one term for a column that stands for them."""
        varying = [t for t in terms if t.factors]
        if free_of_sums(terms, node.axes) and len(varying) <= MOST_TERMS:
            return terms
        return self.column(terms, node)

    def column(self, terms: list[Term], node: Node) -> list[Term]:
        """One term: a block of columns defined to be the sum of `terms` over the node's axes."""
        if len(terms) == 1 and free_of_sums(terms, node.axes) and not terms[0].factors:
            return terms
        if not terms:
            return terms
        axes = node.axes
        sets = tuple(a.set for a in axes)
        text = node.span.text if node.span is not None else "expression"
        name = " ".join(text.split())[:40] if node.span is not None else "expression"
        shape = tuple(a.size for a in axes)
        count = int(np.prod(shape, dtype=np.int64))

        def labels(k: int) -> tuple[Any, ...]:
            where = np.unravel_index(k, shape) if shape else ()
            return tuple(
                label_text(x)
                for s, a, i in zip(sets, axes, where, strict=True)
                for x in (s.label(int(i)) if len(s) == a.size else (int(i),))
            )

        start = self.new_columns(
            f"({name})", count, "definition", statement=name, span=node.span, labels=labels
        )
        flat = np.arange(start, start + count).reshape(shape)
        factor = Factor(("column", start), axes, flat)
        own = Term(np.asarray(1.0), (), (factor,))
        self.define(
            f"({name})", own, self.linear(terms, axes), axes, labels, node.span, name, start, count
        )
        return [own]

    def quotient(self, left: Node, right: Node, axes: tuple[Axis, ...]) -> list[Term]:
        """left / right: a single monomial below is inverted, a sum gets a column first."""
        bottom = self.terms(right)
        if (
            len(bottom) != 1
            or not free_of_sums(bottom, right.axes)
            or not bottom[0].coefficient.all()
        ):
            bottom = self.column(bottom, right)
        if not bottom:
            assert right.span is not None
            raise errors.Failed(errors.division_by_zero(right.span, ""))
        top = self.terms(left)
        if not free_of_sums(top, left.axes):
            top = self.column(top, left)
        divided = [times(t, inverse(bottom[0])) for t in top]
        still = [t for t in divided if any(f.exponent < 0 for f in t.factors)]
        if len(still) > MOST_TERMS:
            (single,) = self.column(top, left)
            divided = [times(single, inverse(bottom[0]))]
        return merge(divided, axes)

    def power(self, node: Power) -> list[Term]:
        """base ^ exponent; the powers of a single column are multiplied where that is the same."""
        terms = self.terms(node.base)
        if not terms and node.exponent > 0:
            return []
        whole = node.exponent == int(node.exponent)
        single = (
            len(terms) == 1
            and free_of_sums(terms, node.base.axes)
            and len(terms[0].factors) == 1
            # (x^2)^0.5 is |x|, and (2 x)^0.5 has no part outside of the root.
            and (
                whole
                or (
                    terms[0].factors[0].exponent == 1.0
                    and bool((terms[0].coefficient == 1.0).all())
                )
            )
        )
        if not single:
            terms = self.column(terms, node.base)
        if not terms:
            assert node.base.span is not None
            raise errors.Failed(errors.division_by_zero(node.base.span, ""))
        (term,) = terms
        if not term.factors:
            return [Term(term.coefficient**node.exponent, term.axes)]
        (factor,) = term.factors
        raised = Factor(factor.key, factor.axes, factor.columns, factor.exponent * node.exponent)
        return [Term(term.coefficient**node.exponent, term.axes, (raised,))]

    def function(self, node: Apply) -> list[Term]:
        """f(argument) as an atom over the argument's columns."""
        argument = self.as_columns(node.argument)
        result = self.atoms(node.function, 1.0, argument, node.span)
        return [Term(np.asarray(1.0), (), (result,))]

    def as_columns(self, node: Node) -> Factor:
        """A factor whose columns have the value of a node."""
        terms = self.terms(node)
        if len(terms) == 1 and free_of_sums(terms, node.axes):
            term = terms[0]
            if (
                len(term.factors) == 1
                and term.factors[0].exponent == 1.0
                and (term.coefficient == 1).all()
            ):
                factor = term.factors[0]
                if set(node.axes) == set(factor.axes):
                    return factor
        if not terms or not any(t.factors for t in terms):
            start = self.fixed(node, terms)
            shape = tuple(a.size for a in node.axes)
            count = int(np.prod(shape, dtype=np.int64))
            return Factor(
                ("column", start), node.axes, np.arange(start, start + count).reshape(shape)
            )
        (term,) = self.column(terms, node)
        return term.factors[0]

    def fixed(self, node: Node, terms: list[Term]) -> int:
        """Columns fixed at data, for an argument that must be a column."""
        count = int(np.prod([a.size for a in node.axes], dtype=np.int64))
        values = np.zeros(count)
        for term in terms:
            rows, coefficients, _ = flatten(term, node.axes)
            np.add.at(values, rows, coefficients)
        return self.new_columns("constant", count, "auxiliary", values, values)

    def atoms(self, kind: Any, exponent: float, argument: Factor, span: Span | None) -> Factor:
        """Columns for f(argument), one for each distinct argument."""
        distinct, inverse_positions = np.unique(argument.columns, return_inverse=True)
        key = (kind, exponent, distinct.tobytes())
        if key not in self.known:
            names = self.snapshot(distinct)
            text = kind if kind != "power" else f"power {exponent:g}"
            start = self.new_columns(f"{text}", len(distinct), "auxiliary", span=span, labels=names)
            result = np.arange(start, start + len(distinct))
            self.functions.append(FunctionAtoms(kind, result, distinct, exponent, span))
            self.known[key] = (result, distinct)
        result, _ = self.known[key]
        columns = result[inverse_positions].reshape(argument.columns.shape)
        return Factor((kind, exponent, argument.key), argument.axes, columns)

    def snapshot(self, *groups: IntArray) -> Any:
        """Labels for atoms: the names of the columns that they are made of."""

        def labels(k: int) -> tuple[Any, ...]:
            return tuple(self.column_name(int(g[k])) for g in groups)

        return labels

    # --- monomials ----------------------------------------------------------------------------

    def linear(self, terms: list[Term], own: tuple[Axis, ...]) -> list[Term]:
        """The same sum with a column in the place of every nonlinear monomial."""
        return [t if t.is_linear else self.linear_one(compressed(t, own)) for t in terms]

    def linear_one(self, term: Term) -> Term:
        top: Factor | None = None
        for factor in sorted(term.factors, key=lambda f: -f.exponent):
            if factor.exponent < 0:
                break
            part = self.raised(factor)
            top = part if top is None else self.product(top, part)
        for factor in term.factors:
            if factor.exponent < 0:
                part = self.raised(
                    Factor(factor.key, factor.axes, factor.columns, -factor.exponent)
                )
                top = self.ratio(top, part)
        assert top is not None
        return Term(term.coefficient, term.axes, (top,), term.scatter)

    def raised(self, factor: Factor) -> Factor:
        """A factor to its (positive) power, as columns."""
        base = Factor(factor.key, factor.axes, factor.columns)
        if factor.exponent == 1.0:
            return base
        if factor.exponent == 2.0:
            return self.atoms("square", 2.0, base, None)
        return self.atoms("power", factor.exponent, base, None)

    def product(self, a: Factor, b: Factor) -> Factor:
        """Columns for a * b, one for each distinct pair."""
        axes, left, right = self.paired(a, b)
        swap = left > right
        left, right = np.where(swap, right, left), np.where(swap, left, right)
        return self.pairs("product", axes, left, right, (a.key, b.key))

    def ratio(self, top: Factor | None, bottom: Factor) -> Factor:
        """Columns w with w * bottom = top."""
        if top is None:
            return self.atoms("reciprocal", -1.0, bottom, None)
        axes, left, right = self.paired(top, bottom)
        return self.pairs("ratio", axes, left, right, (top.key, bottom.key))

    def paired(self, a: Factor, b: Factor) -> tuple[tuple[Axis, ...], IntArray, IntArray]:
        axes = join_axes(a.axes, b.axes)
        shape = tuple(x.size for x in axes)
        left = np.broadcast_to(spread(a.columns, a.axes, axes), shape)
        right = np.broadcast_to(spread(b.columns, b.axes, axes), shape)
        return axes, left, right

    def pairs(
        self, kind: str, axes: tuple[Axis, ...], left: IntArray, right: IntArray, key: Any
    ) -> Factor:
        code = left.ravel().astype(np.int64) * (1 << 31) + right.ravel()
        distinct, back = np.unique(code, return_inverse=True)
        a, b = distinct >> 31, distinct & ((1 << 31) - 1)
        seen = (kind, distinct.tobytes())
        if seen not in self.known:
            start = self.new_columns(kind, len(distinct), "auxiliary", labels=self.snapshot(a, b))
            result = np.arange(start, start + len(distinct))
            self.products.append((result, a, b) if kind == "product" else (a, result, b))
            self.known[seen] = (result, distinct)
        result, _ = self.known[seen]
        return Factor((kind, key), axes, result[back].reshape(left.shape))

    # --- min and max --------------------------------------------------------------------------

    def extreme(self, node: Extreme) -> list[Term]:
        """Pointwise min or max."""
        axes = node.axes
        shape = tuple(a.size for a in axes)
        parts = [self.as_columns(p) for p in node.parts]
        columns = [np.broadcast_to(spread(f.columns, f.axes, axes), shape).ravel() for f in parts]
        count = columns[0].size
        owner = np.tile(np.arange(count), len(columns))
        return [self.extremes_block(node, owner, np.concatenate(columns), axes, count)]

    def extreme_reduce(self, node: Reduce) -> list[Term]:
        """min or max over axes."""
        body = self.as_columns(node.body)
        ones = Term(np.asarray(1.0), (), (body,))
        (term,) = self.summed([ones], node.over, node.scatter)
        rows, _, columns = flatten(term, node.axes)
        count = int(np.prod([a.size for a in node.axes], dtype=np.int64))
        if (np.bincount(rows, minlength=count) == 0).any():
            assert node.span is not None
            raise errors.Failed(errors.empty_reduction(node.operation, node.span))
        return [self.extremes_block(node, rows, columns[0], node.axes, count)]

    def extremes_block(
        self, node: Extreme | Reduce, owner: IntArray, argument: IntArray, axes: Any, count: int
    ) -> Term:
        sense = node.sense if isinstance(node, Extreme) else node.operation
        start = self.new_columns(sense, count, "auxiliary", span=node.span)
        result = np.arange(start, start + count)
        self.extremes.append(Extremes(sense, result, owner, argument, node.span))  # type: ignore[arg-type]
        shape = tuple(a.size for a in axes)
        return Term(np.asarray(1.0), (), (Factor((sense, start), axes, result.reshape(shape)),))
