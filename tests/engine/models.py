"""Small random allocation models whose optimum is known by enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.judging.assess import assess
from tests.compiler.making import problem

Point = dict[Variable, FloatArray]


@dataclass
class Known:
    """A problem with its true optimum (None where nothing is feasible) and a point that has it."""

    problem: Problem
    text: str
    value: float | None
    point: Point | None

    @property
    def minimize(self) -> bool:
        return self.problem.sense == "minimize"


def _best(found: Problem, text: str, points: Iterable[Point]) -> Known:
    known = Known(found, text, None, None)
    for point in points:
        judged = assess(found, point)
        if not np.isfinite(judged.value) or judged.violation.relative > 1e-9:
            continue
        sign = 1.0 if known.minimize else -1.0
        if known.value is None or sign * judged.value < sign * known.value:
            known.value, known.point = judged.value, point
    return known


def _grid(found: Problem) -> Iterable[Point]:
    """All points of whole decisions; a continuous one stands at its ends."""
    ranges: list[list[float]] = []
    for v in found.decisions:
        assert v.lower is not None and v.upper is not None
        for a, b in zip(v.lower.ravel(), v.upper.ravel(), strict=True):
            ranges.append([*np.arange(a, b + 1)] if v.integer else sorted({float(a), float(b)}))
    for values in itertools.product(*ranges):
        point, start = {}, 0
        for v in found.decisions:
            point[v] = np.array(values[start : start + v.size], dtype=float).reshape(v.shape)
            start += v.size
        yield point


def _signed(rng: np.random.Generator, size: float = 2.0) -> str:
    return f"({rng.uniform(-size, size):.2f})"


def _sense(rng: np.random.Generator) -> str:
    return "maximize" if rng.random() < 0.5 else "minimize"


def facilities(rng: np.random.Generator) -> Known:
    """Open facilities, share money: ratios of continuous by whole, as in the opioid model."""
    k = int(rng.integers(2, 4))
    value, cost = rng.uniform(0.5, 3, k).round(2), rng.uniform(0.1, 2, k).round(2)
    total, floor, cap = rng.uniform(3, 12), rng.uniform(0.2, 1.0), rng.uniform(3, 8)
    least = rng.integers(1, 3, k)
    most = least + rng.integers(0, 4, k)
    maximize = rng.random() < 0.5
    sign = "" if maximize else "-"
    rows = [[i + 1, value[i], cost[i], least[i], most[i]] for i in range(k)]
    text = f"""model m
    table d from "d.csv" key i
    set S = d.i
    param value[S] = d.value
    param cost[S] = d.cost
    param least[S] = d.least
    param most[S] = d.most
    decide n[S] integer in least .. most
    decide s[S] in 0 .. {cap}
    limit total: sum(i in S: s[i]) <= {total}
    limit floor[i in S]: s[i] >= {floor} * n[i]
    {"maximize" if maximize else "minimize"} {{
      gain: {sign}(sum(i in S: value[i] * s[i] * (n[i] - 0.5) / n[i] - cost[i] * n[i]))
    }}"""
    found = problem(text, {"d": (["i", "value", "cost", "least", "most"], rows)})
    n, s = found.decisions

    def points() -> Iterable[Point]:
        for whole in itertools.product(
            *(range(int(a), int(b) + 1) for a, b in zip(least, most, strict=True))
        ):
            x = np.array(whole, dtype=float)
            made = linprog(
                -value * (x - 0.5) / x,
                A_ub=np.ones((1, k)),
                b_ub=[total],
                bounds=[(floor * v, cap) for v in x],
            )
            if made.status == 0:
                yield {n: x, s: made.x}

    return _best(found, text, points())


def sizes(rng: np.random.Generator) -> Known:
    """Products and squares of whole numbers, some of them negative."""
    k = int(rng.integers(2, 4))
    low = rng.integers(-2, 2, k)
    high = low + rng.integers(0, 4, k)
    text = "model m\n"
    for i in range(k):
        text += f"decide n{i} integer in {low[i]} .. {high[i]}\n"
    pairs = [
        f"{_signed(rng)} * n{i} * n{j}" for i in range(k) for j in range(i, k) if rng.random() < 0.8
    ]
    line = [f"{_signed(rng)} * n{i}" for i in range(k)]
    text += f"limit l: {' + '.join(line)} <= {rng.uniform(-1, 4):.2f}\n"
    line = [f"{_signed(rng)} * n{i}" for i in range(k)]
    text += f"limit q: n0 * n{k - 1} + {line[0]} <= {rng.uniform(-2, 6):.2f}\n"
    text += f"{_sense(rng)} {{ o: {' + '.join([*pairs, *line])} + n0^3 }}"
    found = problem(text)
    return _best(found, text, _grid(found))


def corners(rng: np.random.Generator) -> Known:
    """Least, largest and absolute values of whole numbers, with soft limits."""
    text = ""
    low = rng.integers(-3, 1, 3)
    high = low + rng.integers(1, 4, 3)
    for i in range(3):
        text += f"decide n{i} integer in {low[i]} .. {high[i]}\n"
    text += f"limit l: max(n0, n1 + n2) + {_signed(rng)} * n2 <= {rng.uniform(0, 4):.2f}\n"
    text += f"prefer p: min(n0, n1) <= {rng.uniform(-1, 2):.2f} penalty {rng.uniform(0, 2):.2f}\n"
    text += f"prefer e: n0 + n1 == {rng.uniform(-1, 2):.2f} penalty {rng.uniform(0, 2):.2f}\n"
    text += f"""{_sense(rng)} {{
      a: {_signed(rng)} * max(n0, n1, n2) + {_signed(rng)} * min(n0 - n1, 2 * n2)
      b: {_signed(rng)} * abs(n0 - n2) + {_signed(rng)} * abs(n1) * n2 + {_signed(rng)} * n0
    }}"""
    text = "model m\n" + text
    found = problem(text)
    return _best(found, text, _grid(found))


def curves(rng: np.random.Generator) -> Known:
    """Curved functions of whole numbers, on their convex and on their concave side."""
    text = "model m\n"
    for i in range(2):
        first = rng.integers(1, 3)
        text += f"decide n{i} integer in {first} .. {first + rng.integers(1, 5)}\n"
    pool = [
        "exp(0.3 * n0)", "tanh(n0 - 2)", "log(n0 + n1)", "sqrt(n1)", "n0^1.5", "1 / n1", "n0^2", "n1 / n0",
        "log(n0) * n1", "exp(0 - n1)", "1 / (n0 + n1)", "(n0 + n1)^3",
    ]  # fmt: skip
    some = rng.choice(len(pool), 3, replace=False)
    parts = [f"{_signed(rng)} * {pool[int(p)]}" for p in some]
    text += f"limit l: n0 + n1 <= {rng.integers(4, 8)}\n"
    text += f"{_sense(rng)} {{ o: {' + '.join(parts)} + {_signed(rng, 0.5)} * n0 }}"
    found = problem(text)
    return _best(found, text, _grid(found))


def blends(rng: np.random.Generator) -> Known:
    """Products of continuous decisions: linear in each alone, so best at ends of the ranges."""
    text = "model m\n"
    for name in ("u", "v", "w"):
        first = rng.uniform(-2, 1)
        text += f"decide {name} in {first:.2f} .. {first + rng.uniform(0.5, 3):.2f}\n"
    first = rng.integers(-1, 2)
    text += f"decide n integer in {first} .. {first + rng.integers(0, 3)}\n"
    parts = ["u * v", "v * w", "u * v * w", "n * u", "n * v * w", "u", "w", "n"]
    line = [f"{_signed(rng)} * {p}" for p in parts if rng.random() < 0.7] or ["u"]
    text += f"{_sense(rng)} {{ o: {' + '.join(line)} + 0 * n + 0 * u + 0 * v + 0 * w}}"
    found = problem(text)
    return _best(found, text, _grid(found))


def outbreak(rng: np.random.Generator) -> Known:
    """Whole doses in an epidemic: the infection term is a product of two compartments."""
    text = f"""model m
    time t : day = 0 .. 3
    compartment S compartment I compartment R
    initial S = {rng.integers(40, 90)} initial I = {rng.integers(3, 12)} initial R = 0
    flow infect : S -> I = {rng.uniform(0.002, 0.02):.4f} * S * I
    flow recover : I -> R = {rng.uniform(0.1, 0.5):.2f} * I
    flow protect : S -> R = 0
    decide d[period] integer in 0 .. 2
    effect protect += {rng.uniform(1, 6):.2f} * d
    limit supply: sum(p in period: d[p]) <= {rng.integers(1, 5)}
    minimize {{ ill: sum(k in t: I[k]) cost: {rng.uniform(0, 2):.2f} * sum(p in period: d[p]) }}"""
    found = problem(text)
    return _best(found, text, _grid(found))


FAMILIES: dict[str, Callable[[np.random.Generator], Known]] = {
    f.__name__: f for f in (facilities, sizes, corners, curves, blends, outbreak)
}
