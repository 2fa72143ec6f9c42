"""Nonlinear models for the tests of boxes: epidemics with vaccination, closures, denominators, curves."""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.boxes.once import Once, once
from allocc.compiler.lowering.lowered import Lowered
from allocc.compiler.pipeline import chain
from allocc.compiler.unrolling.problem import Problem
from tests.compiler.making import problem

VACCINES = """model m
set Region = {{a, b}}
param mixing[Region, Region] = 0.2
param size = {unit}
time w = 0 .. 5 step 1
compartment S[Region]
compartment E[Region]
compartment I[Region]
compartment R[Region]
initial S[r in Region] = 900 * size
initial E[r in Region] = if r == "a" then 20 * size else 40 * size
initial I[r in Region] = 10 * size
initial R[r in Region] = 0
decide site[Region] integer in 0 .. 3
decide doses[Region, period] in 0 .. 150 * size
flow infect[r in Region] : S -> E =
  1.4 / (1000 * size) * S[r] * (0.8 * I[r] + sum(q in Region: mixing[r, q] * I[q]))
flow onset[r in Region] : E -> I = 0.6 * E[r]
flow heal[r in Region] : I -> R = 0.4 * I[r]
flow protect[r in Region] : S -> R = 0.9 * doses[r]
limit pace[r in Region, p in period]: doses[r, p] <= 60 * size * site[r]
limit staff: sum(site) <= 4
limit stock[p in period]: sum(r in Region: doses[r, p]) <= 170 * size
minimize {{ infections : sum(r in Region, p in period: infect[r, p]) }}
"""

CLOSURES = """model m
param size = {unit}
time w = 0 .. 6 step 1
compartment S
compartment I
compartment R
initial S = 950 * size
initial I = 50 * size
initial R = 0
decide closed[period] in 0 .. 1
flow infect : S -> I = 1.2 * (1 - 0.7 * closed) * S * I / (S + I + R)
flow heal : I -> R = 0.5 * I
limit beds[p in period]: I[p] <= 160 * size
minimize {{ closures : sum(p in period: closed[p]) + sum(p in period: I[p]) / (1000 * size) }}
"""

CURVES = """model m
set K = {{1, 2, 3}}
decide x[K] in 0.2 .. 3
decide y in 0 .. 2
limit most: sum(x) + y <= {unit} * 6 / {unit}
maximize {{ gain : exp(-x[1]) * y + sqrt(x[2]) * x[3] - x[1] ^ 3 / 10 }}
"""

MODELS = {"vaccines": VACCINES, "closures": CLOSURES, "curves": CURVES}


def model(name: str, unit: float = 1.0) -> Problem:
    """One of the models, its people counted in another unit."""
    return problem(MODELS[name].format(unit=unit))


def written(found: Problem) -> tuple[Lowered, Once, BoolArray]:
    """A problem as a program, that program with each definition once, and its stated columns."""
    # Logarithms have ranges that rest on limits, which the points of these tests may break.
    lowered = chain(found, without=("logarithms",))
    stated: BoolArray = np.zeros(lowered.program.columns, dtype=bool)
    for block in lowered.program.column_blocks:
        if block.role == "stated":
            stated[block.start : block.start + block.count] = True
    single = once(lowered.program)
    return lowered, single, stated[single.kept]


def box_around(
    rng: np.random.Generator, point: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """A random box within ranges that holds a point; some columns are fixed, some left as they are."""
    kind = rng.random(len(point))
    low = np.where(kind < 0.5, point - rng.random(len(point)) * (point - lower), lower)
    high = np.where(kind < 0.5, point + rng.random(len(point)) * (upper - point), upper)
    fixed = kind < 0.1
    low, high = np.where(fixed, point, low), np.where(fixed, point, high)
    return np.minimum(low, point), np.maximum(high, point)
