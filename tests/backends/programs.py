"""Programs from dense arrays, and known hard ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy import sparse

from allocc.compiler.programs.program import FunctionAtoms, Products, Program, ProgramBlock

INF = float("inf")


def program(
    objective: Sequence[float],
    rows: Any = (),
    row_lower: Any = (),
    row_upper: Any = (),
    *,
    lower: Any = 0.0,
    upper: Any = INF,
    integer: Any = False,
    sense: Literal["minimize", "maximize"] = "minimize",
    offset: float = 0.0,
    products: Sequence[tuple[int, int, int]] = (),
    ratios: Sequence[tuple[int, int, int]] = (),
    functions: tuple[FunctionAtoms, ...] = (),
    names: Sequence[str] | None = None,
) -> Program:
    n = len(objective)
    matrix = sparse.csr_array(np.asarray(rows, dtype=float).reshape(len(rows), n))
    m = matrix.shape[0]
    matrix.eliminate_zeros()
    blocks = (
        tuple(ProgramBlock(name, j, 1, "stated") for j, name in enumerate(names))
        if names
        else (ProgramBlock("x", 0, n, "stated"),)
    )
    # A ratio (w, a, b) with w = a / b is the product a = w * b.
    triple = np.array([*products, *((a, w, b) for w, a, b in ratios)], dtype=np.int64).reshape(
        -1, 3
    )
    is_ratio = np.arange(len(triple)) >= len(products)
    return Program(
        name="test",
        sense=sense,
        objective=np.asarray(objective, dtype=float),
        offset=offset,
        lower=np.broadcast_to(np.asarray(lower, dtype=float), n).copy(),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), n).copy(),
        integer=np.broadcast_to(np.asarray(integer, dtype=bool), n).copy(),
        matrix=matrix,
        row_lower=np.broadcast_to(np.asarray(row_lower, dtype=float), m).copy(),
        row_upper=np.broadcast_to(np.asarray(row_upper, dtype=float), m).copy(),
        column_blocks=blocks,
        row_blocks=(ProgramBlock("row", 0, m, "stated"),),
        products=Products(*triple.T, is_ratio),
        functions=functions,
    )


def hard_knapsack(columns: int = 90, rows: int = 15, seed: int = 1) -> Program:
    """A multidimensional knapsack that no solver here ends within a minute."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 1000, (rows, columns)).astype(float)
    profit = weights.mean(axis=0) + rng.integers(0, 100, columns)
    return program(
        profit,
        weights,
        np.full(rows, -INF),
        weights.sum(axis=1) * 0.5,
        upper=1.0,
        integer=True,
        sense="maximize",
        offset=5.0,
    )


def function(kind: Any, result: int, argument: int, exponent: float = 1.0) -> FunctionAtoms:
    return FunctionAtoms(kind, np.array([result]), np.array([argument]), exponent)
