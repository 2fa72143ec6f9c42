"""Logarithms beside sums of products: nothing is cut off, bounds are true, and the rule is as stated."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.backends.point_check import check_point
from allocc.compiler.lowering.lower import lower
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds import tighten
from allocc.compiler.reformulations.logarithms import SHORT, WIDE, growing, in_logarithms
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.simulate import simulate
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import completed, problem, simulated
from tests.compiler.solving import best

#: Two regions that meet, with a decision that scales the contacts; `unit` persons are one of the model.
SEIR = """model spread
set Region = {{north, south}}
time t = 0 .. {weeks}
param people[r in Region] = (if r == "north" then 60000 else 40000) / {unit}
param mixing[r in Region, q in Region] = if r == q then 0.8 else 0.2
param beta = {beta}
compartment S[Region]    initial S[r in Region] = people[r] - 300 / {unit}
compartment E[Region]    initial E[r in Region] = 200 / {unit}
compartment I[Region]    initial I[r in Region] = 100 / {unit}
flow infect[r in Region] : S -> E = beta * S[r] * sum(q in Region: mixing[r, q] * I[q] / people[q])
flow onset[r in Region] : E -> I = 0.7 * E[r]
flow recover[r in Region] : I -> = 0.6 * I[r]
intervention measures {{
  {decided}
  limit beds[t]: sum(r in Region: I[r, t]) <= {beds} / {unit}
}}
{goal}
"""

CLOSED = "decide act[period] {kind}    effect beta *= 1 - 0.6 * act"
EVENTS = "decide act[period] {kind}    effect beta *= 1 + 0.4 * act"
BOTH = (
    "decide act[period] {kind}    decide masks[period] in 0 .. 1    "
    "effect beta *= (1 - 0.6 * act) * (1 - 0.3 * masks)"
)

#: What is decided, and how good it is.
KINDS = {
    "closed, binary": (CLOSED.format(kind="binary"), "minimize { n: sum(p in period: act[p]) }"),
    "closed, continuous": (
        CLOSED.format(kind="in 0 .. 1"),
        "minimize { n: sum(p in period: act[p]) }",
    ),
    "events, whole": (
        EVENTS.format(kind="integer in 0 .. 2"),
        "maximize { n: sum(p in period: act[p]) }",
    ),
    "two factors": (
        BOTH.format(kind="binary"),
        "minimize { n: sum(p in period: act[p] + 0.4 * masks[p]) }",
    ),
}

seeds = st.integers(0, 2**32 - 1)
each = pytest.mark.parametrize("kind", KINDS)


def text(kind: str, weeks: int = 6, beds: float = 2000, unit: float = 1, beta: float = 1.6) -> str:
    decided, goal = KINDS[kind]
    if "event" in kind:
        # Without events it would go away.
        beta, beds = 0.56, beds / 2
    return SEIR.format(decided=decided, goal=goal, weeks=weeks, beds=beds, unit=unit, beta=beta)


@each
@settings(deadline=None, max_examples=10)
@given(seeds)
def test_no_feasible_point_is_cut_off(kind: str, seed: int) -> None:
    found = problem(text(kind, weeks=8, beds=2500))
    lowered = lower(found)
    made = in_logarithms(lowered.program)
    assert made is not lowered.program
    values = simulated(found, np.random.default_rng(seed))
    before = completed(lowered, values)
    after = completed(replace(lowered, program=made), values)
    assert after[: len(before)] == pytest.approx(before, rel=1e-12)
    assert check_point(lowered.program, before).holds(1e-7) == check_point(made, after).holds(1e-7)
    # Its relaxation, with tangents anywhere, holds it as well.
    relaxation = Relaxation(made)
    rng = np.random.default_rng(seed)
    low, high = relaxation.program.lower, relaxation.program.upper
    for number, f in enumerate(made.functions):
        at = rng.uniform(low[f.argument], high[f.argument])
        relaxation.cuts[number].append(np.where(rng.random(len(f)) < 0.5, at, np.nan))
    relaxed = relaxation.build()
    if check_point(lowered.program, before).holds(1e-7) and not relaxed.copies:
        assert check_point(relaxed.program, after).holds(1e-7)


def least(found, program):  # type: ignore[no-untyped-def]
    """The best value over every combination of whole decisions, each at its ends where continuous."""
    lowered = lower(found)
    ends = [
        np.array([a, b]) if not v.integer else np.arange(a, b + 1)
        for v in found.decisions
        for a, b in zip(v.lower.ravel(), v.upper.ravel(), strict=True)
    ]
    sign = 1 if found.sense == "minimize" else -1
    value = np.inf
    for chosen in itertools.product(*ends):
        rest, values = np.array(chosen), {}
        for v in found.decisions:
            size = int(np.prod(v.shape))
            values[v], rest = rest[:size].reshape(v.shape), rest[size:]
        point = completed(lowered, simulate(found, values))
        if check_point(program, point).holds(1e-7):
            value = min(value, sign * float(program.objective @ point + program.offset))
    return sign * value


@each
def test_the_bound_is_true(kind: str) -> None:
    weeks = 7 if "event" in kind else 5
    found = problem(text(kind, weeks=weeks, beds=1500, beta=2.4))
    true = least(found, lower(found).program)
    assert np.isfinite(true)
    sign = 1 if found.sense == "minimize" else -1
    for without in ((), {"coefficients", "growth", "chance", "denominators"}):
        program = chain(found, "refine", without=without).program
        bound = best(Relaxation(program).build(integral=False).program)
        assert bound is not None and sign * bound <= sign * true + 1e-6
    outcome = solve(found, Options(gap=1e-4, time_limit=60))
    assert outcome.bound is not None and sign * outcome.bound <= sign * true + 1e-6 * abs(true)
    assert any("logarithms" in note for note in outcome.notes)


@each
def test_it_bounds_better(kind: str) -> None:
    found = problem(text(kind, weeks=10))
    sign = 1 if found.sense == "minimize" else -1
    with_logs, plain = (
        best(Relaxation(chain(found, "refine", without=w).program).build(integral=False).program)
        for w in ((), {"logarithms"})
    )
    assert with_logs is not None and plain is not None
    assert sign * with_logs > sign * plain + 1e-3


@each
def test_persons_thousands_and_shares_say_the_same(kind: str) -> None:
    bounds = []
    for unit in (1, 1000, 100_000):
        program = chain(problem(text(kind, weeks=10, beds=1000, unit=unit)), "refine").program
        bounds.append(best(Relaxation(program).build(integral=False).program))
    assert bounds[0] is not None and bounds[0] > 0.1
    assert bounds[1:] == pytest.approx(bounds[:1] * 2, rel=1e-4)


# --- the rule ------------------------------------------------------------------------------------


def names(program, columns) -> set[str]:  # type: ignore[no-untyped-def]
    return {program.column_name(j).split("[")[0] for j in columns}


def test_what_is_taken() -> None:
    program = lower(problem(text("closed, binary"))).program
    found = growing(program)
    assert found is not None
    assert {"E", "I"} <= names(program, found.sums) and names(program, found.others) == {"S"}
    assert found.widest([*found.sums]) >= WIDE and found.widest(found.others) <= SHORT
    # The curves of what grows need tangents only: no range is cut for them.
    made = in_logarithms(program)
    cut = Relaxation(made).plan.curved
    assert not names(program, [j for j in cut if j < program.columns]) & {"E", "I", "infect"}


@pytest.mark.parametrize(
    "changed",
    [
        # Nothing is worse where there are more infectious people.
        ("limit beds[t]: sum(r in Region: I[r, t]) <= 2000 / 1", "limit few: sum(act) <= 3"),
        # The susceptible can run out.
        ("flow onset", "flow gone[r in Region] : S -> = 20000 * act    flow onset"),
        # Decisions do not scale the contacts.
        ("effect beta *= 1 - 0.6 * act", "effect infect[r in Region] += 0 * act"),
    ],
)
def test_what_is_left_as_it_is(changed: tuple[str, str]) -> None:
    written = text("closed, continuous")
    assert changed[0] in written
    program = lower(problem(written.replace(*changed))).program
    found = growing(program)
    if found is None:
        assert in_logarithms(program) is program
    else:
        # Only the first weeks, in which they have not run out.
        assert found.widest(found.others) <= SHORT


def test_ranges_stay_positive() -> None:
    """Interval arithmetic on a difference would let the exposed be negative."""
    program = lower(problem(text("closed, binary"))).program
    plain = tighten(program)
    found = growing(program)
    assert found is not None
    mine = [*found.sums]
    assert (found.low[mine] > 0).all() and (plain.lower[mine] <= 0).any()
