"""Atoms: a column for each product, ratio, function, minimum or maximum of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocc.compiler.algebra.expression import Extreme, Reduce
from allocc.compiler.algebra.index import Axis, join_axes, spread
from allocc.compiler.algebra.polynomial import BlockPower, Monomial
from allocc.compiler.arrays import IntArray
from allocc.compiler.functions import function
from allocc.compiler.lowering.layout import Layout
from allocc.compiler.origin import Origin
from allocc.compiler.programs.program import Extremes, FunctionAtoms
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.tree import Span


class AtomLayout(Layout):
    """Adds atoms to a layout, each only once however often it is met."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.known: dict[object, tuple[IntArray, IntArray]] = {}

    def atoms(
        self, kind: str, exponent: float, argument: BlockPower, span: Span | None
    ) -> BlockPower:
        """Columns for f(argument), one for each distinct argument."""
        distinct, inverse_positions = np.unique(argument.columns, return_inverse=True)
        key = (kind, exponent, distinct.tobytes())
        if key not in self.known:
            names = self.snapshot(distinct)
            text = function(kind, exponent).name
            origin = Origin("expression", text, span)
            start = self.new_columns(text, len(distinct), "auxiliary", origin=origin, labels=names)
            result = np.arange(start, start + len(distinct))
            if len(result):  # over an empty set there is none
                self.functions.append(FunctionAtoms(kind, result, distinct, exponent, span))
            self.known[key] = (result, distinct)
        result, _ = self.known[key]
        columns = result[inverse_positions].reshape(argument.columns.shape)
        return BlockPower((kind, exponent, argument.key), argument.axes, columns)

    def snapshot(self, *groups: IntArray) -> Any:
        """Labels for atoms: the names of the columns that they are made of."""

        def labels(k: int) -> tuple[Any, ...]:
            return tuple(self.column_name(int(g[k])) for g in groups)

        return labels

    def raised(self, factor: BlockPower) -> BlockPower:
        """A factor to its (positive) power, as columns."""
        base = BlockPower(factor.key, factor.axes, factor.columns)
        if factor.exponent == 1.0:
            return base
        if factor.exponent == 2.0:
            return self.atoms("square", 2.0, base, None)
        return self.atoms("power", factor.exponent, base, None)

    def product(self, a: BlockPower, b: BlockPower) -> BlockPower:
        """Columns for a * b, one for each distinct pair."""
        axes, left, right = self.paired(a, b)
        swap = left > right
        left, right = np.where(swap, right, left), np.where(swap, left, right)
        return self.pairs("product", axes, left, right, (a.key, b.key))

    def ratio(self, top: BlockPower | None, bottom: BlockPower) -> BlockPower:
        """Columns w with w * bottom = top."""
        if top is None:
            return self.atoms("reciprocal", -1.0, bottom, None)
        axes, left, right = self.paired(top, bottom)
        return self.pairs("ratio", axes, left, right, (top.key, bottom.key))

    def paired(self, a: BlockPower, b: BlockPower) -> tuple[tuple[Axis, ...], IntArray, IntArray]:
        """The columns of two factors side by side over the axes of both."""
        axes = join_axes(a.axes, b.axes)
        shape = tuple(x.size for x in axes)
        left = np.broadcast_to(spread(a.columns, a.axes, axes), shape)
        right = np.broadcast_to(spread(b.columns, b.axes, axes), shape)
        return axes, left, right

    def pairs(
        self, kind: str, axes: tuple[Axis, ...], left: IntArray, right: IntArray, key: Any
    ) -> BlockPower:
        """Columns for a product or a ratio, one for each distinct pair."""
        code = left.ravel().astype(np.int64) * (1 << 31) + right.ravel()
        distinct, back = np.unique(code, return_inverse=True)
        a, b = distinct >> 31, distinct & ((1 << 31) - 1)
        seen = (kind, distinct.tobytes())
        if seen not in self.known:
            start = self.new_columns(kind, len(distinct), "auxiliary", labels=self.snapshot(a, b))
            result = np.arange(start, start + len(distinct))
            if len(result):
                is_ratio = kind == "ratio"
                top, made = (a, result) if is_ratio else (result, a)
                self.products.append((top, made, b, np.full(len(result), is_ratio)))
            self.known[seen] = (result, distinct)
        result, _ = self.known[seen]
        return BlockPower((kind, key), axes, result[back].reshape(left.shape))

    def extremes_block(
        self, node: Extreme | Reduce, owner: IntArray, argument: IntArray, axes: Any, count: int
    ) -> Monomial:
        """A term for min or max atoms: the k-th of the arguments with owner k."""
        sense = node.sense if isinstance(node, Extreme) else node.operation
        origin = Origin("expression", sense, node.span)
        start = self.new_columns(sense, count, "auxiliary", origin=origin)
        result = np.arange(start, start + count)
        if count:
            self.extremes.append(Extremes(sense, result, owner, argument, node.span))  # type: ignore[arg-type]
        shape = tuple(a.size for a in axes)
        return Monomial(
            np.asarray(1.0), (), (BlockPower((sense, start), axes, result.reshape(shape)),)
        )
