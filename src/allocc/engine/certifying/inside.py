"""Whether a point lies in the program of a file: all rows and ranges, and what the objective is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import sparse

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.judging.assess import ROUNDING
from allocc.proof import checker

#: A row holds within this part of the sizes of its terms; decisions are judged by the same.
HOLDS = 10 * ROUNDING


@dataclass(frozen=True, eq=False)
class FileArrays:
    """The numbers of a program's file as arrays, its columns in the order of `names`.

    `products` has row and both columns of each term that is a product, and its coefficient.
    """

    names: list[str]
    matrix: sparse.csr_array
    products: tuple[tuple[IntArray, IntArray, IntArray], FloatArray]
    lower: FloatArray
    upper: FloatArray
    columns: tuple[FloatArray, FloatArray]
    costs: FloatArray
    constant: float
    minimize: bool
    whole: IntArray

    @classmethod
    def of(cls, file: checker.Program, columns: Sequence[str]) -> FileArrays:
        """Raises `Refused` where the file has other columns."""
        if list(file.columns) != list(columns):
            raise checker.Refused("the program has other columns than the model leads to")
        names = list(file.rows)
        data: list[float] = []
        index: list[int] = []
        start = [0]
        for row in file.rows.values():
            index += row.terms.keys()
            data += map(float, row.terms.values())
            start.append(len(index))
        products = [
            (i, a, b, float(v))
            for i, row in enumerate(file.rows.values())
            for (a, b), v in row.products.items()
        ]
        places = np.array([entry[:3] for entry in products], dtype=np.int64).reshape(-1, 3)
        times = np.array([entry[3] for entry in products], dtype=float)
        sides = [row.sides() for row in file.rows.values()]
        ends = [file.bounds(j) for j in range(len(columns))]
        costs = np.zeros(len(columns))
        for j, c in file.objective.terms.items():
            costs[j] = float(c)
        return cls(
            names,
            sparse.csr_array((data, index, start), shape=(len(names), len(columns))),
            ((places[:, 0], places[:, 1], places[:, 2]), times),
            _floats([low for low, _ in sides], -np.inf),
            _floats([high for _, high in sides], np.inf),
            (_floats([e[0] for e in ends], -np.inf), _floats([e[1] for e in ends], np.inf)),
            costs,
            -float(file.objective.given.get("RHS", 0)),
            file.sense == "min",
            np.array(sorted(file.integer), dtype=np.int64),
        )

    def broken(self, x: FloatArray, value: float) -> tuple[float, str]:
        """The largest relative distance from a row or range, and what is broken."""
        activity, size = self.matrix @ x, abs(self.matrix) @ np.abs(x)
        (row, a, b), times = self.products
        activity += np.bincount(row, times * x[a] * x[b], len(activity))
        size += np.bincount(row, np.abs(times * x[a] * x[b]), len(activity))
        low, high = self.lower - activity, activity - self.upper
        off = np.maximum(low, high) / np.maximum(size, 1e-300)
        off = np.where(np.maximum(low, high) > 0, off, 0.0)
        k = int(np.argmax(off)) if len(off) else -1
        if k >= 0 and off[k] > HOLDS:
            return float(off[k]), f"row {self.names[k]} does not hold at an allocation of the model"
        under = np.maximum(self.columns[0] - x, x - self.columns[1])
        scale = np.maximum(np.abs(x), np.where(np.isfinite(self.columns[1]), self.columns[1], 0.0))
        beyond = np.where(under > HOLDS * np.maximum(scale, 1e-300), under, 0.0)
        if beyond.any():
            return float(beyond.max()), f"column {int(np.argmax(beyond))} leaves its range"
        fractional = np.abs(x[self.whole] - np.rint(x[self.whole])).max(initial=0.0)
        if fractional > HOLDS:
            return float(fractional), "a whole column is not whole"
        said = float(self.costs @ x) + self.constant
        allowed = HOLDS * (float(np.abs(self.costs) @ np.abs(x)) + abs(self.constant))
        worse = said - value if self.minimize else value - said
        if worse > allowed:
            text = f"the program's objective is {said:.12g} where the model's value is {value:.12g}"
            return worse, text
        return float(off[k]) if k >= 0 else 0.0, ""


def broken_exactly(file: checker.Program, point: FloatArray) -> str:
    """The row that does not hold at a point, its numbers taken as they are; empty where all do."""
    x = {j: Fraction(v) for j, v in enumerate(point.tolist())}
    for name, row in file.rows.items():
        parts = [a * x[j] for j, a in row.terms.items()]
        parts += [v * x[a] * x[b] for (a, b), v in row.products.items()]
        activity, size = sum(parts), sum(map(abs, parts))
        low, high = row.sides()
        off = max(0 if low is None else low - activity, 0 if high is None else activity - high)
        if off > Fraction(HOLDS) * size:
            return f"row {name} does not hold at an allocation of the model"
    return ""


def _floats(values: Sequence[object], missing: float) -> FloatArray:
    return np.array([missing if x is None else float(x) for x in values])  # type: ignore[arg-type]
