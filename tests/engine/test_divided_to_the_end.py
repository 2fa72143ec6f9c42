"""Small nonlinear epidemics that a tree over boxes has to close: curves, minima, limits that cost nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from allocc.engine.judging.assess import ROUNDING, assess
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import problem

#: A minimum that no range settles at first, and that the closed group of everybody settles.
SETTLED = """model m
time t : day = 0 .. 4
decide u[period] integer in 0 .. 2
flow infect : S -> I = 0.9 * (1 - 0.15 * u) * S * I
flow recover : I -> R = 0.4 * I
flow jab : S -> R = min(0.235 * u, S)
compartment S initial S = 0.93
compartment I initial I = 0.07
compartment R initial R = 0
limit low: R[end] >= 0.05
maximize { o: -0.002 * sum(u) }
"""
#: More doses than there are people: the compartment may not run below empty, so the minimum is exact.
EMPTIED = """model m
time t : day = 0 .. 4 step 2
decide u[period] binary
flow infect : S -> I = 3.96 * exp(-0.238 * u) * S * I^1.5
flow recover : I -> R = 0.11 * I
flow die : I -> = 0.05 * I
flow jab : S -> R = min(0.238 * u, S / 2)
compartment S initial S = 0.90153
compartment I initial I = 0.09847
compartment R initial R = 0
minimize { o: sum(k in t: I[k]^2)  c: 0.000953 * sum(k in period: u[k] * I[k]) }
"""
#: What the relaxation gets wrong costs nothing: it only lets a compartment be above empty.
FREE = """model m
time t : day = 0 .. 10 step 2
decide u[period] integer in 0 .. 1
flow infect : S -> E = 1.18 * S * I / (S + I + R)
flow fall : E -> I = 0.5 * E
flow recover : I -> R = 0.12 * I
flow die : I -> = 0.05 * I
flow import : -> I = 2
flow crowd : S -> = 0.05 * S * (S - I) / 1000
flow jab : S -> R = 0.245 * S * u
compartment S initial S = 930.57
compartment I initial I = 69.43
compartment R initial R = 0
compartment E initial E = 34.715
minimize { c: 11.2 * sum(k in period: u[k] * I[k]) / 1000 }
"""
#: Squares of millions of persons in the dynamics, both ends of a step.
SQUARES = """model m
time t : day = 0 .. 2 method trapezoid
decide u[period] binary
decide w binary
flow infect : S -> I = 1.31 * (1 - 0.727 * u)^2 * (1 - 0.2 * w) * S * (I / {n})^2 * 5
flow recover : I -> R = 0.26 * I
flow die : I -> = 0.2 * I
flow jab : S -> R = 0.268 * {n} * u
compartment S initial S = 0.905 * {n}
compartment I initial I = 0.095 * {n}
compartment R initial R = 0
limit budget: sum(u) == 1
minimize {{ o: I[end]^2 / {n}  c: 0.0006 * {n} * sum(u) + 0.0004 * {n} * w }}
"""
#: Nobody is ill, up to rounding: ranges of 1e-60 beside those of persons. The best decisions are at an end.
NOBODY = """model m
time t : day = 0 .. 3 method trapezoid
decide u[period] in 0 .. 1
flow infect : S -> I = 0.74 * max(S - 200, 0) * tanh(I / 1000)
flow recover : I -> R = 0.39 * I
compartment S initial S = 1000
compartment I initial I = 0
compartment R initial R = 0
limit beds: mean(k in t: I[k]) <= 552
maximize { o: I[end]^2 / 1000  c: 4.51 * sum(u) }
"""
MODELS = {
    "nobody": NOBODY,
    "settled": SETTLED,
    "emptied": EMPTIED,
    "free": FREE,
    "squares of shares": SQUARES.format(n=1),
    "squares of persons": SQUARES.format(n=35_820_000),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_tree_ends_at_the_best_of_all_allocations(name: str) -> None:
    found = problem(MODELS[name])
    ends = [found.ends(v) for v in found.decisions]
    choices = [
        np.arange(low, high + 1)
        for v, (lows, highs) in zip(found.decisions, ends, strict=True)
        for low, high in zip(
            np.broadcast_to(lows, v.shape).ravel(),
            np.broadcast_to(highs, v.shape).ravel(),
            strict=True,
        )
    ]
    values = []
    for chosen in itertools.product(*choices):
        rest = iter(chosen)
        a = assess(
            found,
            {
                v: np.array([next(rest) for _ in range(int(np.prod(v.shape)))]).reshape(v.shape)
                for v in found.decisions
            },
        )
        if a.finite and a.violation.relative <= ROUNDING:
            values.append(a.value)
    best = min(values) if found.sense == "minimize" else max(values)
    end = solve(found, Options(time_limit=60))
    assert end.status == "optimal", (end.stopped, end.message, end.bound)
    assert end.value == pytest.approx(best, rel=1e-4, abs=1e-9)
