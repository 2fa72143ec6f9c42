"""Equations are what is simulated, at any parameters, with exact derivatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocc
from allocc.compiler.equations.equations import Equations, read_equations
from allocc.compiler.equations.rates import STEP, ComplexEvaluation, Rates
from allocc.compiler.functions import BY_KIND, WORDS
from tests import small

EXAMPLES = Path(__file__).parents[3] / "examples"
MODEL = """model rates
set G = {{a, b, c}}
set Link = {{a, b}} * {{b, c}}
param size[g in G] = if g == "a" then 20 else 50
param share = 0.2
param part[g in G] = share * size[g] / sum(q in G: size[q])
param k = 0.3
param zero_or_one[g in G] = if g == "a" then 1 else 0
time t = 0 .. 6
compartment A[G] initial A[g in G] = size[g]
compartment B initial B = k * 10
let crowd[g in G] = A[g] / (1 + sum(q in G: A[q]))
function pull(x) = k * x / (1 + x)
flow in_out[g in G] : -> A = part[g] * B
flow move[g in G if g != "c"] : A[g] -> B = zero_or_one[g] * 0.1 * A[g] + pull(crowd[g])
flow back : B -> A["c"] = {back}
"""
BACKS = (
    "0.1 * B",
    "min(k * B, 2, 1 + 0.1 * B)",
    "max(g in G: 0.01 * A[g])",
    "0.05 * sqrt(B) + 0.01 * B ^ 1.5",
    "0.1 * tanh(B) * exp(-k) + 0.01 * abs(B - 1) + 0.01 * log(1 + B)",
    "0.01 * sum((g, h) in Link: A[g] * A[h]) / (1 + B)",
)


def load(folder: Path, text: str) -> allocc.Model:
    found: allocc.Model = allocc.load(small.easy(folder, text))
    return found


def course(model: allocc.Model, equations: Equations) -> np.ndarray:
    """What is simulated without interventions: points down the rows, time across."""
    run = model.simulate()
    parts = [run[b.name].to_numpy().reshape(len(run[b.name]), -1).T for b in equations.blocks]
    return np.concatenate(parts)


@pytest.mark.parametrize("back", BACKS)
def test_rates_are_those_of_the_simulation(tmp_path: Path, back: str) -> None:
    model = load(tmp_path, MODEL.format(back=back))
    equations = read_equations(model.bound)
    states, rates = course(model, equations), Rates(equations, {})
    assert states[:, 0] == pytest.approx(rates.initial())
    for k in range(states.shape[1] - 1):
        step = model.bound.time.step if model.bound.time is not None else 0
        assert states[:, k + 1] - states[:, k] == pytest.approx(
            step * rates.change(states[:, k]), rel=1e-9, abs=1e-9
        )


@pytest.mark.parametrize("name", ["epidemic", "opioid", "seir_vaccination"])
def test_so_they_are_in_the_examples(name: str) -> None:
    model = allocc.load(EXAMPLES / name / f"{name}.alloc")
    equations = read_equations(model.bound)
    states, rates = course(model, equations), Rates(equations, {})
    assert model.bound.time is not None
    change = model.bound.time.step * rates.change(states[:, 3])
    assert states[:, 4] - states[:, 3] == pytest.approx(change, rel=1e-9, abs=1e-6)


def test_other_parameters_are_those_of_another_model(tmp_path: Path) -> None:
    """Also through parameters and initial values that are made of them."""
    model = load(tmp_path, MODEL.format(back=BACKS[0]))
    equations = read_equations(model.bound)
    assert set(equations.parameters) == {"size", "share", "k"}
    k, share = equations.parameters["k"], equations.parameters["share"]
    moved = Rates(equations, {k: np.asarray(0.7), share: np.asarray(0.5)})
    other = read_equations(allocc.load(tmp_path / "model.alloc", k=0.7, share=0.5).bound)
    again = Rates(other, {})
    state = np.array([3.0, 4.0, 5.0, 6.0])
    assert moved.initial() == pytest.approx(again.initial())
    assert moved.change(state) == pytest.approx(again.change(state))


@pytest.mark.parametrize("back", BACKS)
@settings(max_examples=15, deadline=None)
@given(state=st.lists(st.floats(0.1, 50), min_size=4, max_size=4))
def test_derivatives_are_exact(
    tmp_path_factory: pytest.TempPathFactory, back: str, state: list[float]
) -> None:
    model = load(tmp_path_factory.mktemp("model"), MODEL.format(back=back))
    rates = Rates(read_equations(model.bound), {})
    here, slope = np.array(state), rates.slope(np.array(state))
    for k in range(len(here)):
        # A difference is right to about the root of the rounding error, but not across a corner.
        width = 1e-5 * here[k]
        sides = [rates.change(here + s * width * np.eye(4)[k]) for s in (-1, 1)]
        left, right = (
            (rates.change(here) - sides[0]) / width,
            (sides[1] - rates.change(here)) / width,
        )
        low, high = np.minimum(left, right), np.maximum(left, right)
        room = 1e-4 * (1 + np.abs(slope[:, k]))
        assert (slope[:, k] >= low - room).all() and (slope[:, k] <= high + room).all()


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_every_function_keeps_the_direction(kind: str) -> None:
    """The imaginary part of a complex step is the slope, for each function of the language."""
    from allocc.compiler.algebra.expression import Apply, Data

    x = np.array([0.3, 1.7, 4.0])
    node = Apply(kind, Data((), np.asarray(0.0)), ())
    found = ComplexEvaluation({}).applied(BY_KIND[kind], x + STEP * 1j, node)
    assert found.imag / STEP == pytest.approx(BY_KIND[kind].slope(x), rel=1e-12)
    assert found.real == pytest.approx(BY_KIND[kind].value(x), rel=1e-12)


def test_what_reads_another_time_is_found(tmp_path: Path) -> None:
    for back in ("0.1 * B[start]", "0.1 * (B[t-1] else 1)", "0.1 * sum(g in G: A[g, start])"):
        found = read_equations(load(tmp_path, MODEL.format(back=back)).bound).looking_back()
        assert found is not None and found[0].name == "back", back
    assert read_equations(load(tmp_path, MODEL.format(back="B")).bound).looking_back() is None
