"""Random expressions in the language, each with what it means in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Environment = dict[str, Any]
Meaning = Callable[[Environment, dict[str, int]], float]
Written = tuple[str, Meaning]

SET = (1, 2, 3)
PAIRS = {(1, 1): 0.5, (1, 2): 2.0, (2, 3): -0.5, (3, 1): -1.0}
TABLES = {
    "d": (["i", "a", "b"], [[1, 2, 0.5], [2, 0, -1.5], [3, -1, 4]]),
    "l": (["i", "j", "w"], [[i, j, w] for (i, j), w in PAIRS.items()]),
}
DATA: Environment = {
    "a": {1: 2.0, 2: 0.0, 3: -1.0},
    "b": {1: 0.5, 2: -1.5, 3: 4.0},
    "w": PAIRS,
}
#: x and n are positive; y has both signs.
HEAD = """
table d from "d.csv" key i
table l from "l.csv" key i, j
set S = d.i
set L = l.key
param a[S] = d.a
param b[S] = d.b
param w[L] = l.w
decide x[S] in 0.5 .. 3
decide n[S] integer in 1 .. 4
decide y in -2 .. 2
"""


class Writer:
    """Writes expressions over the indices that are bound, with a budget."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.fresh = 0

    def pick(self, options: list[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def index(self) -> str:
        self.fresh += 1
        return f"k{self.fresh}"

    def at(self, name: str, bound: list[str]) -> Written:
        """An entry of an array at a bound index, or at a label."""
        if bound and self.rng.random() < 0.85:
            i = self.pick(bound)
            return f"{name}[{i}]", lambda v, at: v[name][at[i]]
        label = int(self.pick(list(SET)))
        return f"{name}[{label}]", lambda v, at: v[name][label]

    def positive(self, bound: list[str]) -> Written:
        """Something that is greater than zero."""
        one, f = self.at(self.pick(["x", "n"]), bound)
        other, g = self.at(self.pick(["x", "n"]), bound)
        match int(self.rng.integers(5)):
            case 0:
                return f"({one} + {other})", lambda v, at: f(v, at) + g(v, at)
            case 1:
                return f"({one} * {other})", lambda v, at: f(v, at) * g(v, at)
            case 2:
                return f"(2 * {one})", lambda v, at: 2 * f(v, at)
            case _:
                return one, f

    def leaf(self, bound: list[str]) -> Written:
        choice = int(self.rng.integers(8))
        if choice < 4:
            return self.at(self.pick(["x", "n"]), bound)
        if choice == 4:
            return self.at(self.pick(["a", "b"]), bound)
        if choice == 5:
            number = float(self.pick([0.0, 1.0, -2.0, 0.5]))
            return f"({number:g})", lambda v, at: number
        return "y", lambda v, at: v["y"]

    def expression(self, depth: int, bound: list[str]) -> Written:
        if depth == 0:
            return self.leaf(bound)
        if self.rng.random() < 0.45:
            return self.sum(depth, bound)
        one, f = self.expression(depth - 1, bound)
        two, g = self.expression(depth - 1, bound)
        safe, h = self.positive(bound)
        match int(self.rng.integers(14)):
            case 0 | 1:
                return f"({one} + {two})", lambda v, at: f(v, at) + g(v, at)
            case 2:
                return f"({one} - {two})", lambda v, at: f(v, at) - g(v, at)
            case 3 | 4 | 5:
                return f"({one} * {two})", lambda v, at: f(v, at) * g(v, at)
            case 6 | 7:
                return f"({one} / {safe})", lambda v, at: f(v, at) / h(v, at)
            case 8:
                return f"{safe} * ({one} / {safe})", lambda v, at: f(v, at)
            case 9:
                return f"max({one}, {two}, 1)", lambda v, at: max(f(v, at), g(v, at), 1.0)
            case 10:
                return f"min({one}, {two})", lambda v, at: min(f(v, at), g(v, at))
            case 11:
                return f"abs({one})", lambda v, at: abs(f(v, at))
            case 12:
                small = f"({one}) / (10 + ({one})^2)"
                return f"exp({small})", lambda v, at: math.exp(f(v, at) / (10 + f(v, at) ** 2))
            case _:
                return self.function(safe, h)

    def function(self, safe: str, h: Meaning) -> Written:
        match int(self.rng.integers(6)):
            case 0:
                return f"log({safe})", lambda v, at: math.log(h(v, at))
            case 1:
                return f"sqrt({safe})", lambda v, at: math.sqrt(h(v, at))
            case 2:
                return f"({safe})^2", lambda v, at: h(v, at) ** 2
            case 3:
                return f"({safe})^1.5", lambda v, at: h(v, at) ** 1.5
            case 4:
                return f"({safe})^-1", lambda v, at: 1 / h(v, at)
            case _:
                return "(y^2)^0.5", lambda v, at: abs(v["y"])

    def sum(self, depth: int, bound: list[str]) -> Written:
        """A sum with or without a filter, over pairs, or over a set without a name."""
        i = self.index()
        choice = int(self.rng.integers(7))
        if choice == 0 and bound:
            outer = self.pick(bound)
            body, f = self.expression(depth - 1, [*bound, i])
            return f"sum(({outer}, {i}) in L: w[{outer}, {i}] * ({body}))", lambda v, at: sum(
                w * f(v, at | {i: j}) for (k, j), w in PAIRS.items() if k == at[outer]
            )
        if choice == 1:
            j = self.index()
            body, f = self.expression(depth - 1, [*bound, i, j])
            return f"sum(({i}, {j}) in L: {body})", lambda v, at: sum(
                f(v, at | {i: p, j: q}) for p, q in PAIRS
            )
        body, f = self.expression(depth - 1, [*bound, i])
        if choice == 2 and bound:
            outer = self.pick(bound)
            sign = self.pick(["<", ">", "!=", "<=", "=="])
            test = {
                "<": int.__lt__, ">": int.__gt__, "!=": int.__ne__, "<=": int.__le__,
                "==": int.__eq__,
            }[sign]  # fmt: skip
            return f"sum({i} in S if {i} {sign} {outer}: {body})", lambda v, at: sum(
                f(v, at | {i: k}) for k in SET if test(k, at[outer])
            )
        if choice == 3:
            least = int(self.rng.integers(1, 5))
            return f"sum({i} in S if {i} >= {least}: {body})", lambda v, at: sum(
                f(v, at | {i: k}) for k in SET if k >= least
            )
        if choice == 4:
            name = self.pick(["x", "n", "a"])
            return f"sum({name})", lambda v, at: sum(v[name].values())
        if choice == 5:
            pick = self.pick([max, min])
            return f"{pick.__name__}({i} in S: {body})", lambda v, at: pick(
                f(v, at | {i: k}) for k in SET
            )
        return f"sum({i} in S: {body})", lambda v, at: sum(f(v, at | {i: k}) for k in SET)
