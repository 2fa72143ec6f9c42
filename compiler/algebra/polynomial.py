"""Sums of monomials over blocks: the form in which expressions are multiplied and cancelled.

A `Monomial` is one array of coefficients times powers of columns, over its own axes. Axes of a term
that its node does not have are summed over; `scatter` sends an outer axis to positions along such
an axis. Nothing is expanded to scalars before the rows are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import Data
from allocc.compiler.algebra.index import Axis, join_axes, refuse_large, spread
from allocc.compiler.arrays import FloatArray, IntArray

Scatter = Mapping[Axis, tuple[Axis, IntArray]]


@dataclass(frozen=True, eq=False)
class BlockPower:
    """Columns raised to a power. `columns` broadcasts over `axes`; equal keys are equal columns."""

    key: tuple[object, ...]
    axes: tuple[Axis, ...]
    columns: IntArray
    exponent: float = 1.0


@dataclass(frozen=True, eq=False)
class Monomial:
    """coefficient * product of factors, summed over the axes that its node does not have."""

    coefficient: FloatArray
    axes: tuple[Axis, ...]
    factors: tuple[BlockPower, ...] = ()
    scatter: Scatter = field(default_factory=dict)

    @property
    def all_axes(self) -> tuple[Axis, ...]:
        """Axes of the coefficient and of the factors."""
        return join_axes(self.axes, *(f.axes for f in self.factors))

    @property
    def is_linear(self) -> bool:
        """Whether it is a constant or one column to the first power."""
        return not self.factors or (len(self.factors) == 1 and self.factors[0].exponent == 1.0)

    @property
    def key(self) -> tuple[object, ...]:
        """Terms of one key can be added by adding their coefficients."""
        powers = frozenset((f.key, f.exponent) for f in self.factors)
        moved = frozenset((id(a), id(p), x.tobytes()) for a, (p, x) in self.scatter.items())
        return powers, moved


def merge(terms: Sequence[Monomial], own: tuple[Axis, ...]) -> list[Monomial]:
    """Add the coefficients of terms that have the same factors; `own` are the node's axes."""
    groups: dict[tuple[object, ...], list[Monomial]] = {}
    for term in terms:
        summed = frozenset(id(a) for a in term.all_axes if a not in own)
        groups.setdefault((*term.key, summed), []).append(term)
    merged = []
    for group in groups.values():
        first = group[0]
        if len(group) > 1:
            # A summed axis must be counted once in every term before the coefficients are added.
            axes = join_axes(*(t.axes for t in group))
            total: Any = spread(first.coefficient, first.axes, axes)
            for term in group[1:]:
                total = total + spread(term.coefficient, term.axes, axes)
            first = replace(first, coefficient=np.asarray(total), axes=axes)
        if first.coefficient.any():
            merged.append(first)
    return merged


def scaled(term: Monomial, data: Data) -> Monomial:
    """A term times data; data along a scattered axis is taken where the scatter points."""
    values, axes = data.values, data.axes
    for outer, (pair, positions) in term.scatter.items():
        if outer in axes:
            place = axes.index(outer)
            values = np.take(values, positions, axis=place)
            axes = axes[:place] + (pair,) + axes[place + 1 :]
            if axes.count(pair) == 2:
                first = axes.index(pair)
                second = axes.index(pair, first + 1)
                values = np.moveaxis(np.diagonal(values, axis1=first, axis2=second), -1, first)
                axes = axes[:second] + axes[second + 1 :]
    joined = join_axes(term.axes, axes)
    refuse_large(joined, None)
    product = spread(term.coefficient, term.axes, joined) * spread(values, axes, joined)
    return replace(term, coefficient=product, axes=joined)


def times(a: Monomial, b: Monomial) -> Monomial:
    """The product of two terms without summed axes; powers of the same columns are added."""
    axes = join_axes(a.axes, b.axes)
    refuse_large(axes, None)
    coefficient = spread(a.coefficient, a.axes, axes) * spread(b.coefficient, b.axes, axes)
    powers: dict[tuple[object, ...], BlockPower] = {}
    for factor in (*a.factors, *b.factors):
        known = powers.get(factor.key)
        exponent = factor.exponent + (known.exponent if known else 0.0)
        powers[factor.key] = replace(factor, exponent=exponent)
    factors = tuple(f for f in powers.values() if f.exponent != 0.0)
    return Monomial(coefficient, axes, factors)


def inverse(term: Monomial) -> Monomial:
    """1 / term, for a term that is a single monomial with coefficients other than zero."""
    factors = tuple(replace(f, exponent=-f.exponent) for f in term.factors)
    return Monomial(1.0 / term.coefficient, term.axes, factors)


def renamed(term: Monomial, own: Mapping[Axis, Axis]) -> Monomial:
    """The term over other axes; its factors are then different ones."""
    if not own or own.keys().isdisjoint(
        join_axes(term.all_axes, *((p,) for p, _ in term.scatter.values()))
    ):
        return term

    def new(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        return tuple(own.get(a, a) for a in axes)

    factors = tuple(
        f
        if own.keys().isdisjoint(f.axes)
        else replace(f, key=(f.key, *(id(a) for a in new(f.axes))), axes=new(f.axes))
        for f in term.factors
    )
    scatter = {outer: (own.get(p, p), x) for outer, (p, x) in term.scatter.items()}
    return Monomial(term.coefficient, new(term.axes), factors, scatter)


def compressed(term: Monomial, own: tuple[Axis, ...]) -> Monomial:
    """The term without the points where its coefficient is zero.

    The points that are left lie along one new axis, scattered to the axes they came from.
    """
    axes = term.all_axes
    refuse_large(axes, None)
    full = np.broadcast_to(spread(term.coefficient, term.axes, axes), tuple(a.size for a in axes))
    if not axes or np.all(full):
        return term
    where = np.nonzero(full)
    pair = Axis(axes[0].set, len(where[0]))
    factors = []
    for f in term.factors:
        columns = np.broadcast_to(spread(f.columns, f.axes, axes), full.shape)[where]
        factors.append(BlockPower((f.key, id(pair)), (pair,), columns, f.exponent))
    position = dict(zip(axes, where, strict=True))
    scatter: dict[Axis, tuple[Axis, IntArray]] = {
        a: (pair, np.asarray(p)) for a, p in position.items() if a in own
    }
    for outer, (old, moved) in term.scatter.items():
        scatter[outer] = (pair, moved[position[old]])
    return Monomial(full[where], (pair,), tuple(factors), scatter)


def free_of_sums(terms: Sequence[Monomial], own: tuple[Axis, ...]) -> bool:
    """Whether no term is summed over an axis of its own."""
    return all(not t.scatter and set(t.all_axes) <= set(own) for t in terms)


def flatten(term: Monomial, own: tuple[Axis, ...]) -> tuple[IntArray, FloatArray, list[IntArray]]:
    """Rows (flat positions over `own`), coefficients and the columns of each factor, as vectors."""
    axes = list(term.all_axes)
    strides = np.ones(len(own), dtype=np.int64)
    for k in range(len(own) - 2, -1, -1):
        strides[k] = strides[k + 1] * own[k + 1].size
    for axis in own:
        if axis not in axes and axis not in term.scatter:
            axes.append(axis)
    for pair, _ in term.scatter.values():
        if pair not in axes:
            axes.append(pair)
    target = tuple(axes)
    refuse_large(target, None)
    shape = tuple(a.size for a in target)
    rows: Any = np.zeros((1,) * len(target), dtype=np.int64)
    for axis, stride in zip(own, strides, strict=True):
        if axis in term.scatter:
            pair, positions = term.scatter[axis]
            rows = rows + spread(positions * stride, (pair,), target)
        else:
            rows = rows + spread(np.arange(axis.size) * stride, (axis,), target)
    values = np.broadcast_to(spread(term.coefficient, term.axes, target), shape).ravel()
    columns = [
        np.broadcast_to(spread(f.columns, f.axes, target), shape).ravel() for f in term.factors
    ]
    return np.broadcast_to(rows, shape).ravel(), values, columns
