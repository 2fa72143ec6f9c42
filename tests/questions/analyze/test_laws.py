"""What must hold for every model: R0 against simulation, derivatives, balances, formulas against numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from allocc.compiler.equations.equations import read_equations
from allocc.compiler.equations.rates import Rates
from tests.questions.analyze.models import ROSS_MACDONALD, SEIR, SIR, analyze, load

sympy = pytest.importorskip("sympy")

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
RATE = st.floats(0.05, 1.5)

GROUPS = """
set Group = {{a, b}}
param N[g in Group] = if g == "a" then {people} else 1000
param within = {within}
param between = {between}
param faster = {faster}
param sigma = {sigma}
param gamma = {gamma}
param first = 1e-9
time t = 0 .. {end} step {step}
compartment S[Group] initial S[g in Group] = N[g] - first
compartment E[Group] initial E[g in Group] = 0
compartment I[Group] initial I[g in Group] = first
compartment R[Group] initial R[g in Group] = 0
flow infect[g in Group] : S -> E =
  S[g] * sum(h in Group: (if g == h then within else between) * I[h] / N[h])
flow onset[g in Group] : E -> I = sigma * E[g]
flow recover[g in Group] : I -> R = (if g == "a" then gamma else gamma * faster) * I[g]
"""


@FEW
@given(
    within=RATE,
    between=RATE,
    sigma=RATE,
    gamma=RATE,
    faster=st.floats(0.3, 3),
    people=st.integers(100, 5000),
)
def test_few_cases_become_more_exactly_if_r0_is_above_one(**data: Any) -> None:
    found = analyze(GROUPS.format(**data, end=1, step=1))
    r = found.reproduction
    assert r is not None
    assume(abs(r.number - 1) > 0.02)
    assert (r.growth > 0) == (r.number > 1)
    longest = min(x for s in found.steps for x in (s.positive, s.stable) if x is not None)
    # Long enough for what is not the leading course to die out, too short for anybody to become immune.
    periods = 400
    step = min(0.2 * longest, 20 / abs(r.growth) / periods)
    model = load(GROUPS.format(**data, end=repr(step * periods), step=repr(step)))
    run = model.simulate()
    cases = sum(run[name].to_numpy().sum(axis=1) for name in ("E", "I"))
    assert (cases[-1] > cases[-20]) == (r.number > 1)


@FEW
@given(rates=st.fixed_dictionaries({n: RATE for n in ("mu", "beta", "sigma", "gamma")}))
def test_formulas_say_what_the_numbers_say(rates: dict[str, float]) -> None:
    found = analyze(SEIR, **rates)
    r, free = found.reproduction, found.disease_free
    assert r is not None and r.formula is not None
    assert free is not None and free.formulas is not None
    named = {x.name: x for x in r.formula.expression.free_symbols}
    value = r.formula.expression.subs({named[n]: x for n, x in rates.items() if n in named})
    assert float(value) == pytest.approx(r.number, rel=1e-9)
    for e in r.elasticities:
        if e.formula is not None:
            values = {x: {**rates, "N": 1000.0}[x.name] for x in e.formula.expression.free_symbols}
            assert float(e.formula.expression.subs(values)) == pytest.approx(e.elasticity, abs=1e-6)
    # R0 has no unit: if all rates are twice as large, it is the same.
    moved = {e.parameter: e.elasticity or 0.0 for e in r.elasticities}
    assert sum(moved[n] for n in rates) == pytest.approx(0, abs=1e-6)
    # The disease stays exactly where it can spread.
    endemic = [s for s in found.states_of_rest if s.kind == "endemic"]
    assert all(s.possible == (r.number > 1) for s in endemic if abs(r.number - 1) > 1e-6)


@pytest.mark.parametrize("text", [SIR, SEIR, ROSS_MACDONALD])
@FEW
@given(chance=st.integers(0, 2**32 - 1))
def test_symbols_and_numbers_are_the_same_equations(text: str, chance: int) -> None:
    model = load(text)
    equations = read_equations(model.bound)
    symbolic = model.to_sympy()
    state = np.random.default_rng(chance).uniform(0.1, 100, equations.size)
    values = {**symbolic.values, **dict(zip(symbolic.states, state.tolist(), strict=True))}
    numbers = Rates(equations, {}).change(state)
    for rate, number in zip(symbolic.rates.values(), numbers, strict=True):
        assert float(rate.subs(values)) == pytest.approx(number, rel=1e-9, abs=1e-9)
    jacobian = Rates(equations, {}).slope(state)
    for i, rate in enumerate(symbolic.rates.values()):
        for k, x in enumerate(symbolic.states):
            slope = float(sympy.diff(rate, x).subs(values))
            assert slope == pytest.approx(jacobian[i, k], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", [SIR, ROSS_MACDONALD])
def test_totals_stay_as_they_are(text: str) -> None:
    found = analyze(text)
    run = load(text).simulate()
    assert found.totals
    for total in found.totals:
        course = sum(run[name].to_numpy() for name in total.compartments)
        assert course == pytest.approx(total.value)
