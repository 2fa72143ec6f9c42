"""A switch whose constant is far too large: what other limits prove takes its place."""

from __future__ import annotations

import itertools

import pytest

from allocc.compiler.lowering.lower import lower
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import problem
from tests.compiler.solving import best

DEPOTS = """
set Depot = {{north, south}}
param need : dose = 60
param rent[d in Depot] = if d == "north" then 900 else 1100
decide open[Depot] binary
decide sent[Depot] : dose in 0 ..
limit link[d in Depot]: sent[d] <= {most} * open[d]
limit met: sum(sent) {how} need
minimize {{ rent : sum(d in Depot: rent[d] * open[d]) }}
"""

WARDS = """
time w : week = 0 .. 4
set Ward = {{a, b}}
param rent[k in Ward] = if k == "a" then 700 else 520
param come[p in period] = 30 + 7 * p
compartment Q initial Q = 0
compartment In[Ward] initial In[k in Ward] = 0
decide open[Ward, period] binary
decide take[Ward, period] in 0 ..
flow arrive : -> Q = come
flow enter[k in Ward] : Q -> In[k] = take[k]
flow leave[k in Ward] : In -> = 0.4 * In[k]
limit link[k in Ward, p in period]: take[k, p] <= {most} * open[k, p]
limit wait[w]: Q[w] <= 60
limit beds[k in Ward, w]: In[k, w] <= 75
minimize {{ rent : sum(k in Ward, p in period: rent[k] * open[k, p])  wait : 0.01 * sum(w: Q[w]) }}
"""


def by_hand(text: str) -> float:
    """The best value over all ways to open, each a linear program."""
    found = problem(text)
    (opened,) = (v for v in found.decisions if v.name == "open")
    lowered = lower(found)
    program, columns = lowered.program, lowered.places.positions([opened]).tolist()
    values = []
    for ways in itertools.product((0.0, 1.0), repeat=len(columns)):
        value = best(program, fixed=dict(zip(columns, ways, strict=True)))
        values += [] if value is None else [value]
    return min(values)


@pytest.mark.parametrize("most", ["1e8", "1e9", "1e12", "1e14"])
def test_depots_that_share_what_is_needed(most: str) -> None:
    text = DEPOTS.format(most=most, how="==")
    outcome = solve(problem(text), Options(gap=1e-6))
    assert (outcome.status, outcome.word) == ("optimal", "proven")
    # One depot is enough, and the north is the cheaper one.
    assert outcome.value == pytest.approx(900.0)
    assert outcome.bound == pytest.approx(900.0)


@pytest.mark.parametrize("most", ["2e8", "1e13"])
def test_wards_that_are_opened_week_by_week(most: str) -> None:
    # A constant that is just large enough, for the solver that enumerates: no ward holds more than 75.
    known = by_hand(WARDS.format(most="80"))
    outcome = solve(problem(WARDS.format(most=most)), Options(gap=1e-6))
    assert (outcome.status, outcome.word) == ("optimal", "proven")
    assert outcome.value == pytest.approx(known, rel=1e-6)
    assert outcome.violation is not None and outcome.violation.relative < 1e-8


def test_what_cannot_be_settled_is_named() -> None:
    text = """
decide open binary
decide sent in 0 ..
decide more in 0 ..
limit link: sent <= 1e12 * open
limit met: sent - more == 60
minimize { rent : 900 * open }
"""
    outcome = solve(problem(text), Options())
    assert outcome.status in ("unknown", "feasible") and outcome.bound is not None
    assert outcome.bound <= 900.0
    assert outcome.message == (
        "`link` multiplies `open` by 1e+12, which is too large for a solver beside the rest; write a "
        "smaller number there, or limit `sent`, so that a smaller one follows"
    )
