"""R0 and what belongs to it, against formulas that are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allocc
from allocc.results.dynamics.analysis import Reproduction
from tests.questions.analyze.models import ROSS_MACDONALD, SEIR, SIR, analyze

sympy = pytest.importorskip("sympy")

EPIDEMIC = Path(__file__).parents[3] / "examples" / "epidemic" / "epidemic.alloc"


def same(expression: Any, text: str) -> bool:
    """Whether an expression is what a formula in the same names says."""
    symbols = {x.name: x for x in expression.free_symbols}
    wanted = sympy.sympify(text, locals=symbols)
    return bool(sympy.simplify(expression - wanted) == 0)


def holds(r: Reproduction | None, formula: str, number: float) -> None:
    """R0 is what a formula says, as an expression and as a number."""
    assert r is not None and r.formula is not None
    assert same(r.formula.expression, formula), r.formula.text
    assert r.number == pytest.approx(number, rel=1e-9)


def test_sir() -> None:
    """Kermack and McKendrick 1927."""
    found = analyze(SIR)
    assert found.infected == ("I",) and found.transmissions == ("infect",)
    holds(found.reproduction, "beta / gamma", 2.5)
    assert found.reproduction is not None
    assert found.reproduction.growth == pytest.approx(0.3, rel=1e-9)
    assert found.disease_free is not None and found.disease_free.formulas is not None
    assert found.disease_free.formulas["S"].text == "N"
    assert found.disease_free.stable is False


def test_the_final_size_of_sir() -> None:
    """log(s) = R0 (s - 1) for the share s that is spared (Kermack and McKendrick 1927)."""
    found = analyze(SIR.replace('ill today" : person = 10', 'ill today" : person = 1e-6'))
    (settled,) = (s for s in found.states_of_rest if s.kind == "settles")
    spared = (settled.values["S"] or 0.0) / 1000
    assert np.log(spared) == pytest.approx(2.5 * (spared - 1), rel=1e-5)


def test_seir_with_demography() -> None:
    """Anderson and May 1991; the endemic state by Li and Muldowney 1995."""
    found = analyze(SEIR)
    assert found.infected == ("E", "I")
    number = 0.9 * 0.3 / ((0.3 + 0.01) * (0.2 + 0.01))
    holds(found.reproduction, "beta * sigma / ((sigma + mu) * (gamma + mu))", number)
    (endemic,) = found.states_of_rest
    assert endemic.kind == "endemic" and endemic.stable and endemic.reached
    assert endemic.formulas is not None
    assert same(
        endemic.formulas["S"].expression, "N * (sigma + mu) * (gamma + mu) / (beta * sigma)"
    )
    assert endemic.values["S"] == pytest.approx(1000 / number)


def test_two_groups_with_mixing() -> None:
    """The spectral radius of N_i beta c_ij / (gamma N_j) (Diekmann, Heesterbeek and Metz 1990)."""
    found = analyze(
        """
        set Group = {young, old}
        param N[g in Group] = if g == "young" then 300 else 700
        param contacts[g in Group, h in Group] =
          if g == "young" and h == "young" then 8 else if g == h then 3 else 2
        param p = 0.05
        param gamma[g in Group] = if g == "young" then 0.3 else 0.2
        time t = 0 .. 10
        compartment S[Group] initial S[g in Group] = N[g] - 1
        compartment I[Group] initial I[g in Group] = 1
        compartment R[Group] initial R[g in Group] = 0
        flow infect[g in Group] : S -> I = p * S[g] * sum(h in Group: contacts[g, h] * I[h] / N[h])
        flow recover[g in Group] : I -> R = gamma[g] * I[g]
        """
    )
    people, rates = np.array([300, 700]), np.array([0.3, 0.2])
    k = 0.05 * np.array([[8, 2], [2, 3]]) * people[:, None] / people / rates
    r = found.reproduction
    assert r is not None and r.formula is not None
    assert np.allclose(r.matrix, k)
    assert r.number == pytest.approx(max(abs(np.linalg.eigvals(k))), rel=1e-9)
    young, old = r.groups
    assert (young.group, old.group) == ("young", "old")
    assert young.alone == pytest.approx(k[0, 0]) and old.alone == pytest.approx(k[1, 1])
    assert young.causes == pytest.approx(k[:, 0].sum())
    values, vectors = np.linalg.eig(k)
    leading = np.abs(vectors[:, np.argmax(values)])
    assert young.share == pytest.approx(leading[0] / leading.sum())
    moved = {e.parameter: e.elasticity for e in r.elasticities}
    assert moved["contacts"] == pytest.approx(1, abs=1e-6)
    assert moved["gamma"] == pytest.approx(-1, abs=1e-6)


def test_a_vector_borne_disease() -> None:
    """Ross 1911, Macdonald 1957: the square root of m a^2 b c / (r g), with m mosquitos a person."""
    found = analyze(ROSS_MACDONALD)
    assert found.infected == ("Ih", "Iv")
    assert found.transmissions == ("bitten", "catch")
    number = np.sqrt(5 * 0.3**2 * 0.2 * 0.4 / (0.05 * 0.1))
    holds(found.reproduction, "sqrt(M * a**2 * b * c / (H * r * g))", number)
    assert found.reproduction is not None
    moved = {e.parameter: e.elasticity for e in found.reproduction.elasticities}
    assert moved["a"] == pytest.approx(1, abs=1e-6)
    assert [moved["b"], moved["c"]] == pytest.approx([0.5, 0.5], abs=1e-6)


def test_mosquitos_that_bite_in_several_places() -> None:
    """Rodriguez and Torres-Sorando 2001: R0^2 is the sum over the places of what goes there and back."""
    found = analyze(
        """
        set Place = {field, town}
        param N[p in Place] = if p == "field" then 200 else 800
        param bites[p in Place] = if p == "field" then 0.5 else 0.1
        param M = 3000
        param g = 0.1
        param r = 0.05
        time t = 0 .. 10
        compartment S[Place] initial S[p in Place] = N[p] - 1
        compartment I[Place] initial I[p in Place] = 1
        compartment U initial U = M
        compartment V initial V = 0
        flow bitten[p in Place] : S -> I = bites[p] * V * S[p] / N[p]
        flow recover[p in Place] : I -> S = r * I[p]
        flow catch : U -> V = U * sum(p in Place: bites[p] * I[p] / N[p])
        flow hatch : -> U = g * M
        flow die_U : U -> = g * U
        flow die_V : V -> = g * V
        """
    )
    text = "sqrt(M * (field**2 / nf + town**2 / nt) / (g * r))"
    r = found.reproduction
    assert r is not None and r.formula is not None
    assert r.number == pytest.approx(np.sqrt(3000 * (0.25 / 200 + 0.01 / 800) / 0.005))
    by_name = {x.name: x for x in r.formula.expression.free_symbols}
    short = {"field": "bites[field]", "town": "bites[town]", "nf": "N[field]", "nt": "N[town]"}
    symbols = {**by_name, **{k: by_name[v] for k, v in short.items()}}
    assert sympy.simplify(r.formula.expression**2 - sympy.sympify(text, locals=symbols) ** 2) == 0


def test_the_epidemic_that_is_shipped() -> None:
    """Rows of contacts add up to one in both regions: R0 is beta / gamma."""
    found = allocc.load(EPIDEMIC).analyze()
    assert found.infected == ("E", "I")
    assert found.reproduction is not None
    assert found.reproduction.number == pytest.approx(1.1 / 0.5, rel=1e-9)
    assert found.reproduction.cases == ("E[North]", "E[South]")
    north, south = found.reproduction.groups
    assert north.alone == pytest.approx(0.9 * 1.1 / 0.5) and south.alone == pytest.approx(1.87)
    assert [t.value for t in found.totals] == [60_000, 40_000]


def test_germs_in_water() -> None:
    """Tien and Earn 2010: R0 = (b_I + b_W) / (gamma + mu); what is shed is no new infection of anybody."""
    found = analyze(
        """
        param mu = 0.02
        param bI = 0.1
        param bW = 0.3
        param gamma = 0.2
        param xi = 0.4
        time t = 0 .. 10
        compartment S initial S = 0.99
        compartment I initial I = 0.01
        compartment W initial W = 0
        compartment R initial R = 0
        flow born : -> S = mu
        flow infect : S -> I = bI * S * I + bW * S * W
        flow recover : I -> R = gamma * I
        flow shed : -> W = xi * I
        flow decay : W -> = xi * W
        flow die_S : S -> = mu * S
        flow die_I : I -> = mu * I
        flow die_R : R -> = mu * R
        """
    )
    assert found.infected == ("I", "W")
    holds(found.reproduction, "(bI + bW) / (gamma + mu)", 0.4 / 0.22)


def test_vaccination_that_wears_off_and_does_not_protect_all() -> None:
    """Kribs-Zaleta and Velasco-Hernandez 2000: infected are I alone, not V, and R_c is less than R0."""
    found = analyze(
        """
        param mu = 0.02
        param beta = 0.6
        param gamma = 0.1
        param phi = 0.3
        param theta = 0.05
        param leak = 0.2
        time t = 0 .. 10
        compartment S initial S = 0.99
        compartment I initial I = 0.01
        compartment V initial V = 0
        flow born : -> S = mu
        flow infect : S -> I = beta * S * I
        flow through : V -> I = leak * beta * V * I
        flow recover : I -> S = gamma * I
        flow vaccinate : S -> V = phi * S
        flow wear_off : V -> S = theta * V
        flow die_S : S -> = mu * S
        flow die_I : I -> = mu * I
        flow die_V : V -> = mu * V
        """
    )
    assert found.infected == ("I",)
    number = 0.6 / 0.12 * (0.02 + 0.05 + 0.2 * 0.3) / (0.02 + 0.05 + 0.3)
    formula = "beta / (mu + gamma) * (mu + theta + leak * phi) / (mu + theta + phi)"
    holds(found.reproduction, formula, number)
