"""Exact derivatives of what is simulated: how a program's columns move with the ones that are given.

The columns that `complete.Completer` determines satisfy x = G(x, g) for the given ones g, where each x is
read only by later ones. So I - dG/dx is lower triangular with ones on its diagonal, in the order of the
steps, and dx/dg = (I - dG/dx)^-1 dG/dg. Whether few rows are differentiated by many columns or many rows
by few, it is solved for the fewer: transposed (the adjoint), or as it is.

Of a minimum or maximum the argument that is the extreme counts: a one-sided derivative where two are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer


@dataclass(frozen=True, eq=False)
class Slopes:
    """The derivatives at one point; `given` are the columns that are differentiated by."""

    given: IntArray
    determined: IntArray
    #: I - dG/dx, factorized, and dG/dg.
    triangle: Any
    direct: sparse.csr_array

    def of(self, costs: FloatArray) -> FloatArray:
        """The gradient of `costs @ x` (costs of all columns), one entry for each given column."""
        adjoint = self.triangle.solve(costs[self.determined], trans="T")
        return np.asarray(costs[self.given] + self.direct.T @ adjoint)

    def of_rows(self, matrix: sparse.csr_array) -> FloatArray:
        """The Jacobian of `matrix @ x`, dense: a row for each of its rows, a column for each given."""
        m = sparse.csc_array(matrix)
        own, inner = m[:, self.given].toarray(), m[:, self.determined]
        if matrix.shape[0] <= len(self.given):
            adjoint = self.triangle.solve(inner.T.toarray(), trans="T")
            return np.asarray(own + (self.direct.T @ adjoint).T)
        return np.asarray(own + inner @ self.triangle.solve(self.direct.toarray()))


class Derivative:
    """Makes `Slopes`: the structure is found once, each point costs one sparse factorization."""

    def __init__(self, complete: Completer, given: IntArray) -> None:
        steps = complete.steps
        none = np.zeros(0, dtype=np.int64)
        self.steps = steps
        self.given = given
        self.determined: IntArray = np.concatenate([none, *(s.result for s in steps)])
        starts = np.cumsum([0, *(len(s.result) for s in steps)])
        pairs = [s.reads for s in steps]
        row = np.concatenate([none, *(a + at for (a, _), at in zip(pairs, starts, strict=False))])
        read = np.concatenate([none, *(b for _, b in pairs)])
        inner, outer = (np.full(complete.program.columns, -1) for _ in range(2))
        inner[self.determined] = np.arange(len(self.determined))
        outer[given] = np.arange(len(given))
        # What is neither given nor determined is a constant.
        self._inner, self._outer = (np.flatnonzero(place[read] >= 0) for place in (inner, outer))
        self._inner_at = row[self._inner], inner[read[self._inner]]
        self._outer_at = row[self._outer], outer[read[self._outer]]

    def at(self, point: FloatArray) -> Slopes | None:
        """The derivatives at a completed point; None where one of them is no finite number."""
        from scipy.sparse.linalg import splu

        n, k = len(self.determined), len(self.given)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slopes = np.concatenate([np.zeros(0), *(s.slopes(point) for s in self.steps)])
        if not np.isfinite(slopes).all():
            return None
        change = sparse.coo_array((slopes[self._inner], self._inner_at), shape=(n, n))
        direct = sparse.coo_array((slopes[self._outer], self._outer_at), shape=(n, k))
        # In the order of the steps it is triangular already: no pivot, and nothing is filled in.
        triangle = splu(
            sparse.csc_array(sparse.eye_array(n) - change),
            permc_spec="NATURAL",
            diag_pivot_thresh=0.0,
            options={"Equil": False},
        )
        return Slopes(self.given, self.determined, triangle, sparse.csr_array(direct))
