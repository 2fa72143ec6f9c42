"""Small nonlinear epidemics against all their allocations, each of which is simulated.

The infection term is a product of continuous compartments, and of decisions where these change contacts;
the decisions are whole numbers, few enough that each allocation can be tried. Limits on the infectious lie
between two peaks that allocations lead to, so that no allocation is in doubt. Amounts are written in
persons, in thousands of them, and in shares of all: units are no part of an answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
import pytest

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.unrolling.problem import Problem
from allocc.engine.judging.assess import ROUNDING, Assessment, assess
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve
from tests.compiler.making import problem

Acts = Literal["doses", "closures", "events"]
Cap = Literal["none", "holds", "never"]

GAP = 1e-4
#: What a bound may be off by, of the size of the objective's terms.
ROUNDED = 1e-6
#: Regions, periods and the largest decision: 32 to 81 allocations.
SIZES = ((1, 5, 1), (1, 3, 3), (1, 4, 2), (2, 3, 1))
#: How amounts are written: the size of a person.
UNITS = ("persons", "thousands", "shares")


@dataclass(frozen=True)
class Epidemic:
    """An SIR, or SEIR where infection is latent, of one or two regions; amounts are in persons.

    A decision of 1 gives `effect` of the people of a region doses, or takes away (adds) that part of their
    contacts. One more costs, or is worth, `fee` persons. `cap` is the limit on the infectious of a region.
    """

    regions: int
    periods: int
    high: int
    acts: Acts
    latent: bool
    goal: Literal["total", "peak", "end"]
    people: tuple[float, ...]
    ill: tuple[float, ...]
    beta: float
    leave: float
    effect: float
    budget: int
    fee: float
    cap: float | None = None

    @property
    def minimize(self) -> bool:
        """Whether illness is minimized; with events, what they are worth is maximized."""
        return self.acts != "events"

    def size_of_person(self, unit: str) -> float:
        """What a person is, in a unit."""
        return {"persons": 1.0, "thousands": 1e-3, "shares": 1.0 / sum(self.people)}[unit]

    def text(self, unit: str = "persons") -> str:
        """The model, with all amounts in a unit."""
        person = self.size_of_person(unit)
        names = "ab"[: self.regions]
        people, ill = (
            f'if r == "a" then {x[0] * person!r} else {x[-1] * person!r}'
            for x in (self.people, self.ill)
        )
        contacts = {
            "doses": "1",
            "closures": f"(1 - {self.effect!r} * u[r])",
            "events": f"(1 + {self.effect!r} * u[r])",
        }[self.acts]
        near = 1.0 if self.regions == 1 else 0.9
        lines = [
            "model outbreak",
            f"set Region = {{{', '.join(names)}}}",
            f"time t : day = 0 .. {self.periods}",
            f"param people[r in Region] = {people}",
            f"param ill[r in Region] = {ill}",
            "compartment S[Region] initial S[r in Region] = people[r] - ill[r]",
            "compartment I[Region] initial I[r in Region] = ill[r]",
            "compartment R[Region] initial R[r in Region] = 0",
            f"decide u[Region, period] integer in 0 .. {self.high}",
            f"flow infect[r in Region] : S -> {'E' if self.latent else 'I'} =",
            f"  {self.beta!r} * {contacts} * S[r] * sum(q in Region:",
            f"    (if q == r then {near!r} else {1 - near!r}) * I[q] / people[q])",
            f"flow recover[r in Region] : I -> R = {self.leave!r} * I[r]",
            f"limit budget: sum(u) <= {self.budget}",
        ]
        if self.latent:
            lines.append("compartment E[Region] initial E[r in Region] = ill[r] / 2")
            lines.append("flow fall_ill[r in Region] : E -> I = 0.6 * E[r]")
        if self.acts == "doses":
            lines.append(f"flow protect[r in Region] : S -> R = {self.effect!r} * people[r] * u[r]")
        if self.cap is not None:
            lines.append(f"limit beds[r in Region, k in t]: I[r, k] <= {self.cap * person!r}")
        burden = {
            "total": "sum(r in Region, k in period: infect[r, k])",
            "peak": "max(r in Region, k in t: I[r, k])",
            "end": "sum(r in Region: I[r, end])",
        }[self.goal]
        worth = f"{self.fee * person!r} * sum(u)"
        lines.append(
            f"minimize {{ ill: {burden}  paid: {worth} }}"
            if self.minimize
            else f"maximize {{ held: {worth}  ill: (-1) * {burden} }}"
        )
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Truth:
    """The value of the best allocation and the size of its terms; None where none meets the limits."""

    value: float | None
    size: float


def epidemic(acts: Acts, cap: Cap, seed: int) -> Epidemic:
    """A random epidemic; where a limit `holds`, the best allocation without it breaks it."""
    rng = np.random.default_rng([seed, len(acts)])
    while True:
        free = _without_limit(acts, rng)
        if cap == "none":
            return free
        limits = _limits(free, cap)
        if limits:
            return replace(free, cap=limits[int(rng.integers(len(limits)))])


def _without_limit(acts: Acts, rng: np.random.Generator) -> Epidemic:
    regions, periods, high = SIZES[int(rng.integers(len(SIZES)))]
    people = tuple(float(x) for x in np.rint(10 ** rng.uniform(2.5, 6, regions)))
    return Epidemic(
        regions,
        periods,
        high,
        acts,
        latent=bool(rng.random() < 0.4),
        goal=("total", "peak", "end")[int(rng.integers(3))],
        people=people,
        ill=tuple(float(np.ceil(n * rng.uniform(0.01, 0.08))) for n in people),
        beta=round(float(rng.uniform(0.7, 1.4)), 2),
        leave=round(float(rng.uniform(0.1, 0.4)), 2),
        effect=round(float(rng.uniform(0.2, 0.5)) / high, 3),
        budget=int(np.ceil(rng.uniform(0.4, 0.9) * high * periods * regions)),
        fee=round(sum(people) * float(10 ** rng.uniform(-4, -1.5)), 3),
    )


def _limits(free: Epidemic, cap: Cap) -> list[float]:
    """Limits on the infectious, each half-way between two peaks that are well apart.

    Those that hold are below the peak of the best allocation. What is never met is below the lowest
    peak, and above what is there at the start.
    """
    every = list(_met(problem(free.text())))
    peaks = np.unique([_peak(a) for a in every])
    if cap == "never":
        peaks = np.array([max(free.ill), peaks[0]])
    else:
        peaks = peaks[peaks <= _peak(_best(free, every))]
    apart = np.flatnonzero(np.diff(peaks) > 1e-3 * peaks[1:])
    return [float(peaks[k] + peaks[k + 1]) / 2 for k in apart]


def _best(e: Epidemic, every: list[Assessment]) -> Assessment:
    return (min if e.minimize else max)(every, key=lambda a: a.value)


def _peak(a: Assessment) -> float:
    return max(float(x.max()) for v, x in a.values.items() if v.name == "I")


def _allocations(found: Problem) -> Iterator[dict[Variable, FloatArray]]:
    """All that can be decided."""
    (u,) = found.decisions
    assert u.upper is not None and u.integer
    for x in itertools.product(*(np.arange(h + 1.0) for h in u.upper.ravel())):
        yield {u: np.array(x).reshape(u.shape)}


def _met(found: Problem) -> Iterator[Assessment]:
    """Every allocation that breaks no limit, simulated; none is in doubt."""
    for decisions in _allocations(found):
        a = assess(found, decisions)
        assert a.violation.relative <= ROUNDING or a.violation.relative > 1e-5
        if a.violation.relative <= ROUNDING:
            yield a


@cache
def truth(e: Epidemic) -> Truth:
    """The best of all allocations."""
    every = list(_met(problem(e.text())))
    if not every:
        return Truth(None, 0.0)
    best = _best(e, every)
    return Truth(best.value, best.size)


def honest(e: Epidemic, found: Outcome, said: Problem, person: float) -> None:
    """No claim contradicts the truth, and what is called optimal is."""
    known = truth(e)
    if known.value is None:
        assert found.value is None and found.values is None
        assert found.status in ("infeasible", "unknown")
        return
    assert found.status != "infeasible"
    sign = 1.0 if e.minimize else -1.0
    best, near = known.value * person, ROUNDED * known.size * person
    for step in found.history:
        assert step.bound is None or sign * (step.bound - best) <= near, step
        assert step.value is None or sign * (step.value - best) >= -near, step
    if found.bound is not None:
        assert sign * (found.bound - best) <= near
    if found.value is not None:
        assert found.values is not None
        assert sign * (found.value - best) >= -near
        a = assess(said, {v: found.values[v] for v in said.decisions})
        assert a.violation.relative <= ROUNDING
        assert a.value == pytest.approx(found.value)
        (u,) = said.decisions
        assert (found.values[u] == np.rint(found.values[u])).all()
    if found.status == "optimal":
        assert found.value is not None and found.bound is not None
        assert found.value == pytest.approx(best, rel=GAP, abs=near)
        assert found.bound == pytest.approx(
            best, rel=1.01 * GAP, abs=GAP * 1e-3 * known.size * person
        )


CASES: list[tuple[Acts, Cap, int]] = [
    *((acts, "holds", seed) for acts in ("doses", "closures", "events") for seed in range(3)),
    *((acts, "none", 0) for acts in ("doses", "closures", "events")),
    *((acts, "never", 0) for acts in ("doses", "closures")),
]


@pytest.mark.parametrize(("acts", "cap", "seed"), CASES)
def test_claims_are_true_in_any_unit(acts: Acts, cap: Cap, seed: int) -> None:
    e = epidemic(acts, cap, seed)
    expected = "infeasible" if truth(e).value is None else "optimal"
    assert (expected == "infeasible") == (cap == "never")
    for unit in UNITS:
        said = problem(e.text(unit))
        found = solve(said, Options(gap=GAP, time_limit=20))
        honest(e, found, said, e.size_of_person(unit))
        # So small a model is always proven.
        assert found.status == expected, (unit, found.stopped, found.gap)
