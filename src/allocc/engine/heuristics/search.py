"""Local search over the integers, the rest solved to optimality for every neighbour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allocc.compiler.arrays import FloatArray, IntArray
from allocc.engine.heuristics.fixed import FixedProgram

#: So many pairs of steps are tried where no single step helps.
MOST_PAIRS = 400


class LocalSearch:
    """Best-improvement search from one assignment of the integers; values are cached."""

    def __init__(self, fixed: FixedProgram, minimize: bool) -> None:
        self.fixed = fixed
        self.sign = 1.0 if minimize else -1.0
        self.values: dict[bytes, float] = {}
        self.points: dict[bytes, FloatArray | None] = {}
        self.exhausted: set[tuple[bytes, bytes]] = set()

    def value(self, x: FloatArray) -> float:
        """Signed value (smaller is better) of an assignment."""
        key = x.tobytes()
        if key not in self.values:
            found = self.sign * self.fixed.value(x)
            self.values[key] = found if np.isfinite(found) else np.inf
        return self.values[key]

    def point(self, x: FloatArray) -> FloatArray | None:
        """The best point of an assignment, None where it is infeasible."""
        key = x.tobytes()
        if key not in self.points:
            self.points[key] = self.fixed.point(x)
        return self.points[key]

    def run(
        self,
        start: FloatArray,
        movable: IntArray,
        budget: float,
        stop: Callable[[], bool],
        least: float = 0.0,
    ) -> tuple[float, FloatArray | None]:
        """Improve `start` by single steps and by pairs of them until `budget` is used.

        `budget` is in units of work, not of time, so that the same allocation is found on every
        machine. `movable` are the places (among the integer columns) that are worth moving, the most
        promising first, and a move gains more than `least`. Returns the best signed value and its point.
        """
        end = self.fixed.work + budget
        x = np.clip(np.rint(start), self.fixed.lower, self.fixed.upper)
        best = self.value(x)

        def out() -> bool:
            return self.fixed.work > end or stop()

        improved = True
        while improved and not out():
            improved = False
            # Where nothing around is better, nothing is after a second look.
            here = (x.tobytes(), np.sort(movable).tobytes())
            if here in self.exhausted:
                break
            single: dict[tuple[int, float], float] = {}
            for j in movable.tolist():
                for amount in (1.0, -1.0, 2.0, -2.0):
                    if abs(amount) > 1 and (j, amount / 2) not in single:
                        continue
                    y = self._moved(x, [(j, amount)])
                    if y is None:
                        continue
                    found = self.value(y)
                    if np.isfinite(found):
                        single[j, amount] = found - best
                    if found < best - least:
                        best, x, improved = found, y, True
                        break
                    if out():
                        return best, self.point(x)
            if improved:
                continue
            # No single step helps: two at once, those first whose steps alone cost the least.
            moves = sorted(single, key=lambda m: single[m])
            pairs = sorted(
                ((a, b) for k, a in enumerate(moves) for b in moves[:k] if a[0] != b[0]),
                key=lambda pair: single[pair[0]] + single[pair[1]],
            )
            for a, b in pairs[:MOST_PAIRS]:
                y = self._moved(x, [a, b])
                if y is None:
                    continue
                found = self.value(y)
                if found < best - least:
                    best, x, improved = found, y, True
                    break
                if out():
                    return best, self.point(x)
            if not improved:
                self.exhausted.add(here)
        return best, self.point(x)

    def _moved(self, x: FloatArray, moves: list[tuple[int, float]]) -> FloatArray | None:
        y = x.copy()
        for j, amount in moves:
            y[j] += amount
            if not self.fixed.lower[j] <= y[j] <= self.fixed.upper[j]:
                return None
        return y
