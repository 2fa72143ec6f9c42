"""A small allocation, and the ways to ask the library's functions about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Source
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve

Array = np.ndarray[Any, Any]

#: Data that the models and the formulas share.
NEED = np.array([3.0, 1.0, 4.0, 2.0])
STANDING = np.array([2.0, 1.0, 2.0, 3.0])
MEMBERS = np.array([[5.0, 1.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0], [0.0, 3.0, 6.0, 1.0]])
MINUTES = np.array([[10.0, 50.0, 30.0], [20.0, 40.0, 30.0], [60.0, 15.0, 90.0], [70.0, 80.0, 25.0]])
WEIGHTS = np.array([4.0, 2.0, 1.0, 0.5])

DATA = """
    set S = {a, b, c, d}
    set G = {g, h, i}
    set F = {u, v, w}
    set K = 1 .. 4
"""


def table(name: str, sets: str, values: Array) -> str:
    """A parameter that has its values written out."""
    labels = {"S": "abcd", "G": "ghi", "F": "uvw", "K": "1234"}
    bound = [f"i{k}" for k in range(values.ndim)]
    text = "0"
    for place in product(*(range(n) for n in values.shape)):
        same = " and ".join(
            f"{i} == {labels[s][p]}" if s == "K" else f'{i} == "{labels[s][p]}"'
            for i, s, p in zip(bound, sets, place, strict=True)
        )
        text = f"if {same} then {values[place]} else {text}"
    index = ", ".join(f"{i} in {s}" for i, s in zip(bound, sets, strict=True))
    return f"param {name}[{index}] = {text}\n"


DATA += table("need", "S", NEED) + table("standing", "S", STANDING)
DATA += table("members", "GS", MEMBERS) + table("minutes", "SF", MINUTES)
DATA += table("w", "K", WEIGHTS)


@dataclass(frozen=True)
class Notion:
    """A function of the shelf at x: how a model calls it, and its formula without allocc."""

    call: str
    formula: Callable[[Array], float]
    #: What a model has to declare for it.
    more: str = ""
    #: The way in which it is optimized.
    sense: str = "minimize"


def functions(path: str) -> set[str]:
    """What a file of the library declares."""
    text = (Path(__file__).parents[2] / "models" / "library" / path).read_text("utf-8")
    return {line.split("(")[0][9:] for line in text.splitlines() if line.startswith("function ")}


def text(use: str, file: str, objective: str, more: str = "", decide: str = "in 1 .. 6") -> str:
    taken = f'use {use} from "{file}"' if use else ""
    return f"model small {taken} {DATA} decide x[S] {decide} {more} {objective}"


def problem(source: str, folder: Path) -> Problem:
    return discretize(bind(parse(Source("small.alloc", source)), folder))


def solved(source: str, folder: Path, gap: float = 1e-7, seconds: float = 60) -> Outcome:
    found = solve(problem(source, folder), Options(gap=gap, time_limit=seconds, threads=1))
    assert found.status == "optimal", found
    return found


def chosen(found: Outcome, name: str = "x") -> Array:
    assert found.values is not None
    return next(x for v, x in found.values.items() if v.name == name)


def value_at(model: Problem, point: Array) -> float:
    """The objective at x, without any solver."""
    return float(assess(model, {v: point for v in model.decisions}).value)


def whole(total: int = 12) -> Iterator[Array]:
    """All whole allocations of a total that `LIMITS` allows."""
    for x in product(range(1, 7), repeat=4):
        if sum(x) == total and x[0] <= 2 and x[1] + x[2] <= 7 and x[3] >= 2:
            yield np.array(x, float)


LIMITS = """
    limit all: sum(x) == 12
    limit small: x["a"] <= 2
    limit pair: x["b"] + x["c"] <= 7
    limit last: x["d"] >= 2
"""


def best(notion: Notion) -> float:
    """The best value of a notion over all whole allocations, by enumeration."""
    values = [notion.formula(x) for x in whole()]
    return min(values) if notion.sense == "minimize" else max(values)


def optimum(name: str, file: str, notion: Notion, folder: Path, gap: float = 1e-6) -> Outcome:
    """The best whole allocation by a notion, as allocc finds and proves it."""
    objective = f"{notion.sense} {{ measure : {notion.call} }}"
    return solved(
        text(name, file, objective, notion.more + LIMITS, "integer in 1 .. 6"), folder, gap
    )
