"""Expressions as sums of monomials, and every nonlinear monomial as a column of its own.

Definitions that an expression mentions are laid out when they are met, and their rows written later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler import failures
from allocc.compiler.algebra import errors as algebra_errors
from allocc.compiler.algebra.expression import (
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
)
from allocc.compiler.algebra.index import Axis, Coordinate, spread
from allocc.compiler.algebra.polynomial import (
    BlockPower,
    Monomial,
    compressed,
    flatten,
    free_of_sums,
    inverse,
    merge,
    renamed,
    scaled,
    times,
)
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.functions import BY_KIND
from allocc.compiler.labels import label_text
from allocc.compiler.lowering.atoms import AtomLayout
from allocc.compiler.lowering.distinct import unsigned
from allocc.compiler.origin import Origin
from allocc.compiler.programs.program import Role
from allocc.compiler.unrolling.problem import ChanceConstraint, Problem

#: A factor with more terms than this gets a column of its own instead of being multiplied out.
MOST_TERMS = 2


class Linearizer(AtomLayout):
    """Nodes to linear terms over columns; products, functions and extremes become atoms."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.placed: dict[Variable | ChanceConstraint, slice] = {}
        self.pending: list[Variable] = []
        # Keys of factors have ids of axes, which must not be given out again.
        self.kept: list[Axis] = []

    def place(self, variable: Variable, role: Role) -> int:
        """Lay out a variable's columns if it has none yet."""
        known = self.placed.get(variable)
        if known is not None:
            return int(known.start)
        lower: FloatArray | float = -np.inf
        upper: FloatArray | float = np.inf
        if variable.value is None:
            lower, upper = (end.ravel() for end in self.problem.ends(variable))
        start = self.new_columns(
            variable.name,
            variable.size,
            role,
            lower,
            upper,
            variable.integer,
            origin=variable.origin,
            unit=variable.unit,
            labels=variable.labels if variable.sets else None,
        )
        self.placed[variable] = slice(start, self.columns)
        if variable.value is not None:
            self.pending.append(variable)
        return start

    def drain(self) -> None:
        """Write the rows of the definitions that were met."""
        while self.pending:
            variable = self.pending.pop(0)
            assert variable.value is not None
            own = Monomial(
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
                variable.origin,
                self.placed[variable].start,
                variable.size,
            )

    def factor_of(self, variable: Variable, axes: tuple[Axis, ...]) -> BlockPower:
        """The whole of a variable over axes, one for each of its sets."""
        start = self.place(variable, "definition")
        coordinates = [
            Coordinate(s, (a,), np.arange(a.size)) for s, a in zip(variable.sets, axes, strict=True)
        ]
        node = Reference(variable, tuple(coordinates), axes)
        return BlockPower(node.key, axes, start + node.positions())

    def define(
        self,
        name: str,
        own: Monomial,
        terms: list[Monomial],
        axes: tuple[Axis, ...],
        labels: Any,
        origin: Origin | None,
        column: int,
        count: int,
    ) -> None:
        """Rows `own - terms = 0`, which define the columns from `column` on."""
        start = self.rows
        minus = [Monomial(-t.coefficient, t.axes, t.factors, t.scatter) for t in terms]
        self.write(f"{name}:is", [own, *minus], axes, 0.0, 0.0, "definition", labels, origin)
        self.defines.append((start, np.arange(column, column + count)))

    # --- expressions --------------------------------------------------------------------------

    def terms(self, node: Node) -> list[Monomial]:
        """The monomials of a node."""
        match node:
            case Data(axes=axes, values=values):
                return [Monomial(np.asarray(values, dtype=float), axes)] if values.any() else []
            case Reference():
                start = self.place(node.variable, "definition")
                factor = BlockPower(node.key, node.axes, start + node.positions())
                return [Monomial(np.asarray(1.0), (), (factor,))]
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
        terms: list[Monomial],
        over: tuple[Axis, ...],
        scatter: Mapping[Axis, IntArray],
    ) -> list[Monomial]:
        """Terms summed over axes; those that a term does not depend on are counted.

        The axis of a bare set is one in the whole model, and may be bound again further out, so
        that a sum puts an axis of its own in its place.
        """
        own = {a: Axis(a.set, a.size) for a in over if a in a.set.bare_axes}
        self.kept.extend(own.values())
        return [self.summed_one(t, over, scatter, own) for t in terms]

    def summed_one(
        self,
        term: Monomial,
        over: tuple[Axis, ...],
        scatter: Mapping[Axis, IntArray],
        own: Mapping[Axis, Axis],
    ) -> Monomial:
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
        return renamed(Monomial(coefficient, axes, term.factors, moved), own)

    def multiplicand(self, terms: list[Monomial], node: Node) -> list[Monomial]:
        """Terms that can be multiplied out, or one term for a column that stands for them."""
        varying = [t for t in terms if t.factors]
        if free_of_sums(terms, node.axes) and len(varying) <= MOST_TERMS:
            return terms
        return self.column(terms, node)

    def column(self, terms: list[Monomial], node: Node) -> list[Monomial]:
        """One term: a block of columns defined to be the sum of `terms` over the node's axes."""
        if len(terms) == 1 and free_of_sums(terms, node.axes) and not terms[0].factors:
            return terms
        if not terms:
            return terms
        axes = node.axes
        shape = tuple(a.size for a in axes)
        count = int(np.prod(shape, dtype=np.int64))
        name, labels = self.named(node)
        origin = Origin("expression", name, node.span)
        start = self.new_columns(f"({name})", count, "definition", origin=origin, labels=labels)
        flat = np.arange(start, start + count).reshape(shape)
        factor = BlockPower(("column", start), axes, flat)
        own = Monomial(np.asarray(1.0), (), (factor,))
        self.define(f"({name})", own, self.linear(terms, axes), axes, labels, origin, start, count)
        return [own]

    def named(self, node: Node) -> tuple[str, Callable[[int], tuple[Any, ...]]]:
        """What columns for a node are called: its words, and labels over its axes."""
        text = node.span.text if node.span is not None else "expression"
        name = " ".join(text.split())[:40]
        shape = tuple(a.size for a in node.axes)

        def labels(k: int) -> tuple[Any, ...]:
            where = np.unravel_index(k, shape) if shape else ()
            return tuple(
                label_text(x)
                for a, i in zip(node.axes, where, strict=True)
                for x in (a.set.label(int(i)) if len(a.set) == a.size else (int(i),))
            )

        return name, labels

    def quotient(self, left: Node, right: Node, axes: tuple[Axis, ...]) -> list[Monomial]:
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
            raise failures.Failed(algebra_errors.division_by_zero(right.span, ""))
        top = self.terms(left)
        if not free_of_sums(top, left.axes):
            top = self.column(top, left)
        divided = [times(t, inverse(bottom[0])) for t in top]
        still = [t for t in divided if any(f.exponent < 0 for f in t.factors)]
        if len(still) > MOST_TERMS:
            (single,) = self.column(top, left)
            divided = [times(single, inverse(bottom[0]))]
        return merge(divided, axes)

    def power(self, node: Power) -> list[Monomial]:
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
            raise failures.Failed(algebra_errors.division_by_zero(node.base.span, ""))
        (term,) = terms
        if not term.factors:
            return [Monomial(term.coefficient**node.exponent, term.axes)]
        (factor,) = term.factors
        raised = BlockPower(
            factor.key, factor.axes, factor.columns, factor.exponent * node.exponent
        )
        return [Monomial(term.coefficient**node.exponent, term.axes, (raised,))]

    def function(self, node: Apply) -> list[Monomial]:
        """f(argument) as an atom over the argument's columns."""
        if BY_KIND[node.function].even:
            argument = self.up_to_sign(node.argument)
        else:
            argument = self.as_columns(node.argument)
        result = self.atoms(node.function, 1.0, argument, node.span)
        return [Monomial(np.asarray(1.0), (), (result,))]

    def as_columns(self, node: Node) -> BlockPower:
        """A factor whose columns have the value of a node."""
        terms = self.terms(node)
        known = self.plain(terms, node)
        if known is not None:
            return known
        (term,) = self.column(terms, node)
        return term.factors[0]

    def plain(self, terms: list[Monomial], node: Node) -> BlockPower | None:
        """The factor that `terms` are, where they are columns as they stand, or data."""
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
            return BlockPower(
                ("column", start), node.axes, np.arange(start, start + count).reshape(shape)
            )
        return None

    def up_to_sign(self, node: Node) -> BlockPower:
        """A factor whose columns have the value of a node, or its opposite.

        x[i] - x[j] and x[j] - x[i] share a column: a sum over all pairs needs half as many.
        """
        terms = self.terms(node)
        known = self.plain(terms, node)
        if known is not None:
            return known
        linear = self.linear(terms, node.axes)
        shape = tuple(a.size for a in node.axes)
        level = np.zeros(int(np.prod(shape, dtype=np.int64)))
        matrix = sparse.csr_array((len(level), self.columns))
        for rows, values, columns in (flatten(t, node.axes) for t in linear):
            if columns:
                triples = sparse.coo_array((values, (rows, columns[0])), shape=matrix.shape)
                matrix = matrix + sparse.csr_array(triples)
            else:
                np.add.at(level, rows, values)
        found = unsigned(matrix, level)
        if len(found.first) == len(level):
            (term,) = self.column(linear, node)
            return term.factors[0]
        name, labels = self.named(node)
        origin = Origin("expression", name, node.span)
        start = self.new_columns(
            f"({name})",
            len(found.first),
            "definition",
            origin=origin,
            labels=lambda k: labels(int(found.first[k])),
        )
        self.define_rows(f"({name})", found.matrix, found.level, start, origin)
        return BlockPower(("column", start), node.axes, (start + found.place).reshape(shape))

    def fixed(self, node: Node, terms: list[Monomial]) -> int:
        """Columns fixed at data, for an argument that must be a column."""
        count = int(np.prod([a.size for a in node.axes], dtype=np.int64))
        values = np.zeros(count)
        for term in terms:
            rows, coefficients, _ = flatten(term, node.axes)
            np.add.at(values, rows, coefficients)
        return self.new_columns("constant", count, "auxiliary", values, values)

    # --- monomials ----------------------------------------------------------------------------

    def linear(self, terms: list[Monomial], own: tuple[Axis, ...]) -> list[Monomial]:
        """The same sum with a column in the place of every nonlinear monomial."""
        return [t if t.is_linear else self.linear_one(compressed(t, own)) for t in terms]

    def linear_one(self, term: Monomial) -> Monomial:
        """One monomial: its positive powers multiplied, and divided by the others."""
        top: BlockPower | None = None
        for factor in sorted(term.factors, key=lambda f: -f.exponent):
            if factor.exponent < 0:
                break
            part = self.raised(factor)
            top = part if top is None else self.product(top, part)
        for factor in term.factors:
            if factor.exponent < 0:
                part = self.raised(
                    BlockPower(factor.key, factor.axes, factor.columns, -factor.exponent)
                )
                top = self.ratio(top, part)
        assert top is not None
        return Monomial(term.coefficient, term.axes, (top,), term.scatter)

    # --- min and max --------------------------------------------------------------------------

    def extreme(self, node: Extreme) -> list[Monomial]:
        """Pointwise min or max."""
        axes = node.axes
        shape = tuple(a.size for a in axes)
        parts = [self.as_columns(p) for p in node.parts]
        columns = [np.broadcast_to(spread(f.columns, f.axes, axes), shape).ravel() for f in parts]
        count = columns[0].size
        owner = np.tile(np.arange(count), len(columns))
        return [self.extremes_block(node, owner, np.concatenate(columns), axes, count)]

    def extreme_reduce(self, node: Reduce) -> list[Monomial]:
        """min or max over axes."""
        body = self.as_columns(node.body)
        ones = Monomial(np.asarray(1.0), (), (body,))
        (term,) = self.summed([ones], node.over, node.scatter)
        rows, _, columns = flatten(term, node.axes)
        count = int(np.prod([a.size for a in node.axes], dtype=np.int64))
        if (np.bincount(rows, minlength=count) == 0).any():
            assert node.span is not None
            raise failures.Failed(algebra_errors.empty_reduction(node.operation, node.span))
        return [self.extremes_block(node, rows, columns[0], node.axes, count)]
