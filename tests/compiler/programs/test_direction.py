"""Moving a column that is called harmless breaks no row and worsens no objective."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.arrays import FloatArray
from allocc.compiler.functions import function
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.program import Extremes, FunctionAtoms, Program
from tests.compiler.solving import INF, columns


class Layers:
    """A random program whose derived columns are made of older ones, one after the other."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.base = int(rng.integers(1, 4))
        self.n = self.base + int(rng.integers(1, 6))
        self.how: dict[int, tuple[str, object]] = {}
        self.rows: list[FloatArray] = []
        self.level: list[float] = []
        self.defined: list[int] = []
        products, functions, extremes = [], [], []
        for w in range(self.base, self.n):
            kind = rng.choice(["row", "row", "product", "function", "extreme"])
            a, b = rng.integers(0, w, 2)
            if kind == "row":
                row = np.zeros(self.n)
                row[w] = 1.0
                some = rng.choice(w, size=min(w, 2), replace=False)
                row[some] = rng.choice([1.0, -1.0, 0.5], len(some))
                self.rows.append(row)
                self.level.append(float(rng.integers(-2, 3)))
                self.defined.append(w)
                self.how[w] = "row", len(self.rows) - 1
            elif kind == "product":
                products.append((w, int(a), int(b)))
                self.how[w] = "product", (int(a), int(b))
            elif kind == "function":
                name = str(rng.choice(["exp", "square", "abs"]))
                functions.append(
                    FunctionAtoms(name, np.array([w]), np.array([a]), 2.0)  # type: ignore[arg-type]
                )
                self.how[w] = "function", (name, int(a))
            else:
                group = rng.integers(0, w, int(rng.integers(1, 4)))
                sense = str(rng.choice(["min", "max"]))
                owner = np.zeros(len(group), dtype=np.int64)
                extremes.append(
                    Extremes(sense, np.array([w]), owner, group)  # type: ignore[arg-type]
                )
                self.how[w] = "extreme", (sense, group)
        self.definitions = len(self.rows)
        values = self.forward({})
        plain = int(rng.integers(0, 4))
        row_upper = list(self.level)
        for _ in range(plain):
            row = np.where(rng.random(self.n) < 0.4, rng.choice([1.0, -1.0], self.n), 0.0)
            at = float(row @ values)
            side = rng.random()
            self.rows.append(row)
            self.level.append(at if side < 0.6 else -INF)
            row_upper.append(at if side > 0.4 else INF)
            self.defined.append(-1)
        made = columns(
            np.full(self.n, -INF),
            np.full(self.n, INF),
            derived=range(self.base, self.n),
            objective=np.where(rng.random(self.n) < 0.5, rng.choice([1.0, -1.0], self.n), 0.0),
            sense="maximize" if rng.random() < 0.5 else "minimize",
            rows=self.rows,
            row_lower=self.level,
            row_upper=row_upper,
            functions=tuple(functions),
            extremes=tuple(extremes),
            products=products,
        )
        self.program: Program = replace(made, defined=np.array(self.defined, dtype=np.int64))
        self.values = values

    def forward(self, moved: dict[int, float]) -> FloatArray:
        """All columns from fixed base values; `moved` ones are off by an amount of their own."""
        x = np.zeros(self.n)
        x[: self.base] = np.random.default_rng(self.n).uniform(-1.5, 1.5, self.base)
        for w in range(self.base, self.n):
            kind, what = self.how[w]
            if kind == "row":
                row = self.rows[what]  # type: ignore[call-overload]
                x[w] = 0.0
                x[w] = self.level[what] - row @ x  # type: ignore[call-overload]
            elif kind == "product":
                a, b = what  # type: ignore[misc]
                x[w] = x[a] * x[b]
            elif kind == "function":
                name, a = what  # type: ignore[misc]
                x[w] = float(function(name, 2.0).value(np.array([x[a]]))[0])
            else:
                sense, group = what  # type: ignore[misc]
                x[w] = x[group].max() if sense == "max" else x[group].min()
            x[w] += moved.get(w, 0.0)
        return x

    def holds(self, x: FloatArray) -> bool:
        p = self.program
        activity = (p.matrix @ x)[self.definitions :]
        size = 1e-9 * (1 + (abs(p.matrix) @ np.abs(x))[self.definitions :])
        low, high = p.row_lower[self.definitions :], p.row_upper[self.definitions :]
        return bool((activity >= low - size).all() and (activity <= high + size).all())


@settings(deadline=None, max_examples=400)
@given(st.integers(0, 2**32 - 1))
def test_a_harmless_move_harms_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = Layers(rng)
    p = layers.program
    down, up = monotone_directions(p)
    assert layers.holds(layers.values)
    sign = 1.0 if p.sense == "minimize" else -1.0
    for direction, allowed in ((-1.0, down), (1.0, up)):
        for j in np.flatnonzero(allowed).tolist():
            for amount in (0.01, 1.0, 10.0):
                x = layers.forward({j: direction * amount})
                if not np.isfinite(x).all():
                    continue
                assert layers.holds(x), (j, direction)
                worse = sign * (p.objective @ x - p.objective @ layers.values)
                assert worse <= 1e-9 * (1 + np.abs(x).sum()), (j, direction)


def one(objective: float, row: list[float] | None = None, **rest: object) -> tuple[bool, bool]:
    """Which way the second of two columns may be moved."""
    made = columns(
        [0, -INF],
        [9, INF],
        derived=[1],
        objective=[0, objective],
        rows=[row] if row else (),
        **rest,  # type: ignore[arg-type]
    )
    down, up = monotone_directions(made)
    assert not down[0] and not up[0]
    return bool(down[1]), bool(up[1])


def test_the_objective_decides() -> None:
    assert one(1.0) == (True, False)
    assert one(-1.0) == (False, True)
    assert one(0.0) == (True, True)
    assert one(1.0, sense="maximize") == (False, True)
    assert one(-1.0, sense="maximize") == (True, False)


@pytest.mark.parametrize("coefficient", [2.0, -2.0])
def test_a_row_lets_go_of_its_open_side_only(coefficient: float) -> None:
    below = one(0.0, [1.0, coefficient], row_lower=[-INF], row_upper=[1.0])
    above = one(0.0, [1.0, coefficient], row_lower=[1.0], row_upper=[INF])
    both = one(0.0, [1.0, coefficient], row_lower=[1.0], row_upper=[1.0])
    assert below == ((True, False) if coefficient > 0 else (False, True))
    assert above == ((False, True) if coefficient > 0 else (True, False))
    assert both == (False, False)
