"""Local search over the integers, the rest solved to optimality for every neighbour."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from allocc.compiler.program import FloatArray, IntArray
from allocc.engine.fixed import FixedProgram


class LocalSearch:
    """Best-improvement search from one assignment of the integers; values are cached."""

    def __init__(self, fixed: FixedProgram, minimize: bool) -> None:
        self.fixed = fixed
        self.sign = 1.0 if minimize else -1.0
        self.known: dict[bytes, tuple[float, FloatArray | None]] = {}

    def value(self, x: FloatArray) -> tuple[float, FloatArray | None]:
        """Signed value (smaller is better) and point of an assignment."""
        key = x.tobytes()
        if key not in self.known:
            found, point = self.fixed.solve(x)
            self.known[key] = (self.sign * found if np.isfinite(found) else np.inf, point)
        return self.known[key]

    def run(
        self, start: FloatArray, movable: IntArray, budget: float, stop: Callable[[], bool]
    ) -> tuple[float, FloatArray | None]:
        """Improve `start` by single steps and by swaps until `budget` seconds are used.

        `movable` are the places (among the integer columns) that are worth moving, the most
        promising first. Returns the best signed value and its point.
        """
        end = time.perf_counter() + budget
        x = np.clip(np.rint(start), self.fixed.lower, self.fixed.upper)
        best, point = self.value(x)

        def out() -> bool:
            return time.perf_counter() > end or stop()

        improved = True
        while improved and not out():
            improved = False
            gains: dict[int, tuple[float, float]] = {}
            for j in movable.tolist():
                for amount in (1.0, -1.0):
                    y = self._moved(x, [(j, amount)])
                    if y is None:
                        continue
                    found, candidate = self.value(y)
                    if np.isfinite(found):
                        old = gains.get(j)
                        if old is None or found < old[0]:
                            gains[j] = (found, amount)
                    if found < best - 1e-12 * max(1.0, abs(best)):
                        best, point, x, improved = found, candidate, y, True
                    if out():
                        return best, point
            if improved:
                continue
            # No single step helps: give one and take one, the least harmful first.
            order = sorted(gains, key=lambda k: gains[k][0])[:12]
            for a in order:
                for b in order:
                    if a == b or improved:
                        continue
                    y = self._moved(x, [(a, 1.0), (b, -1.0)])
                    if y is None:
                        continue
                    found, candidate = self.value(y)
                    if found < best - 1e-12 * max(1.0, abs(best)):
                        best, point, x, improved = found, candidate, y, True
                    if out():
                        return best, point
        return best, point

    def _moved(self, x: FloatArray, moves: list[tuple[int, float]]) -> FloatArray | None:
        y = x.copy()
        for j, amount in moves:
            y[j] += amount
            if not self.fixed.lower[j] <= y[j] <= self.fixed.upper[j]:
                return None
        return y
