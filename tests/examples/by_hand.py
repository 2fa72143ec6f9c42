"""A mixed-integer program that is put together row by row and given to SciPy's HiGHS.

It shares nothing with the compiler, so that what the READMEs of the whole systems say in mathematics can be
written once more and solved.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

#: A sum of variables: from the number of a variable to its coefficient.
Sum = dict[int, float]


class ByHand:
    """Variables and rows, minimized."""

    def __init__(self) -> None:
        self.low: list[float] = []
        self.high: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[Sum, float, float]] = []

    def new(self, low: float = 0.0, high: float = np.inf, whole: bool = False) -> int:
        """A variable; its number is returned."""
        self.low.append(low)
        self.high.append(high)
        self.whole.append(whole)
        return len(self.low) - 1

    def yes(self) -> int:
        """A variable that is 0 or 1."""
        return self.new(0, 1, whole=True)

    def most(self, terms: Sum, side: float) -> None:
        """The sum is at most `side`."""
        self.rows.append((terms, -np.inf, side))

    def least(self, terms: Sum, side: float) -> None:
        """The sum is at least `side`."""
        self.rows.append((terms, side, np.inf))

    def equal(self, terms: Sum, side: float) -> None:
        """The sum is `side`."""
        self.rows.append((terms, side, side))

    def minimum(self, cost: Sum, gap: float = 1e-7) -> float:
        """The least cost, solved to the relative `gap`."""
        where = [(r, c, x) for r, (terms, _, _) in enumerate(self.rows) for c, x in terms.items()]
        r, c, x = zip(*where, strict=True)
        matrix = sparse.csr_array((x, (r, c)), shape=(len(self.rows), len(self.low)))
        costs = np.zeros(len(self.low))
        costs[list(cost)] = list(cost.values())
        found = milp(
            costs,
            integrality=np.array(self.whole, dtype=int),
            bounds=Bounds(np.array(self.low), np.array(self.high)),
            constraints=LinearConstraint(
                matrix, [row[1] for row in self.rows], [row[2] for row in self.rows]
            ),
            options={"mip_rel_gap": gap, "time_limit": 120},
        )
        assert found.status == 0, found.message
        return float(found.fun)


def plus(*parts: Mapping[int, float]) -> Sum:
    """The sum of sums."""
    total: Sum = {}
    for part in parts:
        for k, x in part.items():
            total[k] = total.get(k, 0.0) + x
    return total


def times(factor: float, terms: Mapping[int, float]) -> Sum:
    """A sum times a number."""
    return {k: factor * x for k, x in terms.items()}


def table(path: Path, *keys: str) -> dict[tuple[str, ...], dict[str, str]]:
    """The rows of a CSV file by their keys."""
    with path.open(encoding="utf-8") as file:
        return {tuple(row[k] for k in keys): row for row in csv.DictReader(file)}


def column(path: Path, key: str, name: str) -> dict[str, float]:
    """One column of numbers by the only key."""
    return {k[0]: float(row[name]) for k, row in table(path, key).items()}
