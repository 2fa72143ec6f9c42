"""Small models whose every allocation can be tried, with draws, and what each is worth found one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import allocc

BUDGET = """
model budget "Places for help"
set Site = {a, b, c}
param need[Site]    = 3
param cost          = 2
param good          = 1
param rate          = 0.5
param most          = 4
decide open[Site] integer in 0 .. 2
decide vans        integer in 0 .. most
let    served[s in Site] = need[s] * open[s] / (1 + rate * open[s])
limit  money: cost * sum(open) + vans <= 9
limit  some[s in Site if s != "c"]: open[s] + vans >= 1
prefer even: max(open["a"], open["b"]) <= 1 penalty 0.3 * good
"""

SIR = """
model sir "An outbreak"
param beta  = 0.6
param gamma = 0.25
param first = 5
param kept  = 0.4
time t = 0 .. 4 step 1 method METHOD
compartment S compartment I compartment R
initial S = 100 - first
initial I = first
initial R = 0
decide days[period] integer in 0 .. 1
flow infect : S -> I = beta * (1 - kept * days) * S * I / 100
flow heal   : I -> R = gamma * I
limit few: sum(days) <= 2
minimize { ill : max(t: I[t])  cost : 0.5 * sum(days) }
"""

LINEAR = """
model clinics "Treatment"
set Region = {north, south}
param seek[Region]  = 0.3
param lapse         = 0.2
param places        = 4
param early         = 0
time t = 0 .. 4 step 1 method METHOD
compartment A[Region] compartment T[Region]
initial A = 50
initial T = 10 + early
decide open[Region] integer in 0 .. 3
flow treat[r in Region] : A[r] -> T[r] = seek[r] * A[r] + places * open[r]
flow drop[Region]       : T -> A = lapse * T
limit crew: sum(open) <= 4
minimize { ill : sum(A[end])  price : 3 * sum(open)  fair : abs(A["north", end] - A["south", end]) }
"""


@dataclass(frozen=True)
class Case:
    """A model, its draws, and for the decisions that can be tried all their values."""

    name: str
    text: str
    draws: tuple[Mapping[str, float], ...]
    weights: tuple[float, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, float]]:
        """The draws as they are given to allocc."""
        if not self.weights:
            return [dict(d) for d in self.draws]
        return [{**d, "weight": w} for d, w in zip(self.draws, self.weights, strict=True)]

    def weight(self) -> NDArray[np.float64]:
        """The weight of each draw."""
        w = np.array(self.weights or [1.0] * len(self.draws))
        return w / w.sum()

    def load(self, folder: Path, **settings: float) -> allocc.Model:
        """The model, with settings."""
        path = folder / "model.alloc"
        path.write_text(self.text, encoding="utf-8")
        return allocc.load(path, **settings)


def goal(sense: str) -> str:
    """The objective of `BUDGET`."""
    sign = "" if sense == "maximize" else "-"
    return f"{sense} {{ help : {sign}good * sum(served)  price : {'-' if not sign else ''}0.4 * vans }}"


def full(
    base: Mapping[str, float], *changes: Mapping[str, float]
) -> tuple[Mapping[str, float], ...]:
    """Draws of the same parameters."""
    return tuple({**base, **c} for c in changes)


CASES = (
    Case(
        "budget, larger is better",
        BUDGET + goal("maximize"),
        full(
            {"need[a]": 3.0, "need[b]": 3.0, "cost": 2.0, "rate": 0.5, "good": 1.0},
            {"need[a]": 5.0, "cost": 1.0},
            {"need[a]": 0.0, "rate": 2.0},
            {"need[b]": 4.0, "good": 0.5},
        ),
    ),
    Case(
        "budget, smaller is better, a coefficient of zero, a range that differs",
        BUDGET + goal("minimize"),
        (
            {"good": 0.0, "cost": 2.0, "most": 2.0, "rate": 0.5},
            {"good": 1.0, "cost": 3.0, "most": 3.0, "rate": 0.0},
            {"good": 2.0, "cost": 0.0, "most": 4.0, "rate": 1.0},
        ),
        (0.2, 0.5, 0.3),
    ),
    *(
        Case(
            f"an outbreak, {method}",
            SIR.replace("METHOD", method),
            ({"beta": 0.5, "first": 5.0}, {"beta": 0.9, "first": 2.0}, {"beta": 0.7, "first": 8.0}),
        )
        for method in ("euler", "trapezoid")
    ),
    Case(
        "an outbreak that starts in no draw but one",
        SIR.replace("METHOD", "euler"),
        ({"first": 0.0, "beta": 0.5}, {"first": 4.0, "beta": 0.8}),
        (3.0, 1.0),
    ),
    *(
        Case(
            f"treatment, {method}",
            LINEAR.replace("METHOD", method),
            full(
                {"seek[north]": 0.3, "seek[south]": 0.3, "lapse": 0.2, "places": 4.0, "early": 0.0},
                {"seek[north]": 0.1, "lapse": 0.3, "places": 2.0},
                {"seek[north]": 0.5, "lapse": 0.0, "places": 5.0},
                {"seek[south]": 0.0, "early": 5.0},
            ),
        )
        for method in ("euler", "trapezoid", "implicit", "exponential")
    ),
)


@dataclass(frozen=True)
class Tried:
    """Every allocation that holds all limits in all draws: its values, draw by draw."""

    decisions: list[dict[str, NDArray[np.float64]]]
    values: NDArray[np.float64]
    #: For each draw, the values of all allocations that are possible in it alone.
    alone: list[NDArray[np.float64]]
    sign: float


def tried(case: Case, folder: Path) -> Tried:
    """Every allocation simulated in every draw, each by a model of its own."""
    models = [case.load(folder, **d) for d in case.draws]
    known, rows = [], []
    alone: list[list[float]] = [[] for _ in models]
    widest = {
        n: (min(lo), max(hi))
        for n, lo, hi in (
            (
                v.name,
                [
                    float(m.problem.ends(w)[0].min())
                    for m in models
                    for w in m.problem.decisions
                    if w.name == v.name
                ],
                [
                    float(m.problem.ends(w)[1].max())
                    for m in models
                    for w in m.problem.decisions
                    if w.name == v.name
                ],
            )
            for v in models[0].problem.decisions
        )
    }
    shapes = {v.name: v.shape for v in models[0].problem.decisions}
    for point in _grid(widest, shapes):
        looks = [_look(m, point) for m in models]
        for k, (value, holds) in enumerate(looks):
            if holds:
                alone[k].append(value)
        if all(holds for _, holds in looks):
            known.append(point)
            rows.append([value for value, _ in looks])
    sign = 1.0 if models[0].problem.sense == "minimize" else -1.0
    return Tried(known, np.array(rows), [np.array(a) for a in alone], sign)


def _grid(
    ends: Mapping[str, tuple[float, float]], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[dict[str, NDArray[np.float64]]]:
    sizes = {n: int(np.prod(s, dtype=int)) for n, s in shapes.items()}
    spans = [
        range(int(ends[n][0]), int(ends[n][1]) + 1) for n, k in sizes.items() for _ in range(k)
    ]
    for point in itertools.product(*spans):
        found, at = {}, 0
        for n, k in sizes.items():
            found[n] = np.array(point[at : at + k], dtype=float).reshape(shapes[n])
            at += k
        yield found


def _look(model: allocc.Model, point: Mapping[str, NDArray[np.float64]]) -> tuple[float, bool]:
    from allocc.engine.judging.assess import assess

    found = assess(model.problem, {v: point[v.name] for v in model.problem.decisions})
    return found.value, found.violation.relative <= 1e-9


def measured(
    by: str,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    best: Sequence[float],
    sign: float,
) -> NDArray[np.float64]:
    """The measure of each row of values; a regret is always to be small."""
    if by == "mean":
        return values @ weights
    if by == "worst":
        return sign * (sign * values).max(axis=1)
    if by == "regret":
        return (sign * (values - np.array(best))).max(axis=1)
    level = float(by.split()[1].rstrip("%")) / 100
    return np.array([sign * _tail(sign * row, weights, level) for row in values])


def _tail(row: NDArray[np.float64], weights: NDArray[np.float64], level: float) -> float:
    """The mean of the worst part, by the definition: the least of t + mean of what is above / (1 - level)."""
    return min(float(t + weights @ np.maximum(row - t, 0) / (1 - level)) for t in row)
