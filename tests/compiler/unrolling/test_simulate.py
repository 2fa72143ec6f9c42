"""The dynamics against independent code: hand-written loops, SciPy's solvers, conservation laws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import fsolve

from allocc.compiler.algebra.index import spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.compiler.unrolling.simulate import simulate
from allocc.dsl.reading.parser import parse
from allocc.dsl.tree import Source

HERE = Path(__file__).parent


def compiled(text: str, **given: Any) -> Problem:
    return discretize(bind(parse(Source("model.alloc", text)), HERE, given))


def run(text: str, decisions: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """Every variable by name, over its sets and the time points."""
    problem = compiled(text, **given)
    chosen = {v: np.broadcast_to((decisions or {})[v.name], v.shape) for v in problem.decisions}
    return {v.name: x for v, x in simulate(problem, chosen).items()}


SEIR = """
set Region = {north, south}
param mixing[Region, Region] = 0
param pop[Region] = 0
time t = 0 .. 30 step 0.25 method METHOD
compartment S[Region] compartment E[Region] compartment I[Region] compartment R[Region]
initial S = pop - 5 initial E = 0 initial I = 5 initial R = 0
flow infect[r in Region] : S -> E = 0.4 * S[r] * sum(q in Region: mixing[r, q] * I[q]) / pop[r]
flow incubate[r in Region] : E -> I = 0.2 * E[r]
flow recover[r in Region] : I -> R = 0.1 * I[r]
flow travel[r in Region, q in Region if r != q] : S[r] -> S[q] = 0.01 * S[r]
decide x in 0 .. 1
minimize { sick : sum(r in Region: I[r, end]) + 0 * x }
"""
MIXING = np.array([[1.0, 0.2], [0.1, 0.8]])
POP = np.array([1000.0, 400.0])
GIVEN = {
    "mixing": {(r, q): MIXING[i, j] for i, r in enumerate(("north", "south"))
               for j, q in enumerate(("north", "south"))},
    "pop": {"north": 1000, "south": 400},
}  # fmt: skip


def seir_rate(state: np.ndarray) -> np.ndarray:
    s, e, i, _ = state
    infect = 0.4 * s * (MIXING @ i) / POP
    travel = 0.01 * s
    return np.array([-infect - travel + travel[::-1], infect - 0.2 * e, 0.2 * e - 0.1 * i, 0.1 * i])


def seir_start() -> np.ndarray:
    return np.array([POP - 5, [0.0, 0.0], [5.0, 5.0], [0.0, 0.0]])


def stacked(found: dict[str, Any]) -> np.ndarray:
    return np.array([found[name] for name in "SEIR"])


def test_seir_with_mobility_is_the_hand_written_euler_loop() -> None:
    """Language reference, §5.5."""
    found = stacked(run(SEIR.replace("METHOD", "euler"), {"x": 0}, **GIVEN))
    state = seir_start()
    for k in range(121):
        np.testing.assert_allclose(found[..., k], state, rtol=1e-12, atol=1e-12)
        state = state + 0.25 * seir_rate(state)
    np.testing.assert_allclose(found.sum(axis=(0, 1)), POP.sum(), rtol=1e-12)


def test_implicit_trapezoid_is_what_scipy_solves() -> None:
    """Language reference, §5.5."""
    found = stacked(run(SEIR.replace("METHOD", "trapezoid"), {"x": 0}, **GIVEN))
    state = seir_start()
    for k in range(40):
        np.testing.assert_allclose(found[..., k], state, rtol=1e-9, atol=1e-9)
        here, rate = state, seir_rate(state)

        def residual(flat: np.ndarray, here: Any = here, rate: Any = rate) -> np.ndarray:
            new = flat.reshape(here.shape)
            return (new - here - 0.125 * (rate + seir_rate(new))).ravel()

        state = fsolve(residual, here.ravel(), xtol=1e-13).reshape(here.shape)
    np.testing.assert_allclose(found.sum(axis=(0, 1)), POP.sum(), rtol=1e-9)


def test_exponential_step_is_exact_for_constant_rates() -> None:
    """Language reference, §5.5."""
    found = run(
        """
        time t = 0 .. 8 step 2 method exponential
        compartment A compartment B compartment C
        initial A = 100 initial B = 0 initial C = 3
        flow ab : A -> B = 0.7 * A
        flow ba : B -> A = 0.2 * B
        flow bc : B -> C = 0.4 * B
        flow come : -> A = 5
        flow go : C -> = 0.3 * (A + B + C)
        minimize { c : C[end] }
        """
    )

    def rate(_: float, y: np.ndarray) -> list[float]:
        a, b, c = y
        return [
            -0.7 * a + 0.2 * b + 5,
            0.7 * a - 0.6 * b,
            0.4 * b - 0.3 * (a + b + c),
        ]

    exact = solve_ivp(
        rate,
        (0, 8),
        [100, 0, 3],
        rtol=1e-11,
        atol=1e-11,
        t_eval=np.arange(0, 9, 2),
        method="DOP853",
    )
    np.testing.assert_allclose([found[n] for n in "ABC"], exact.y, rtol=1e-8)


def test_exponential_step_with_rates_and_decisions_that_change_each_period() -> None:
    found = run(
        """
        time t = 0 .. 3 method exponential
        param rate[period] = 0
        compartment A compartment B
        initial A = 10 initial B = 0
        flow ab : A -> B = rate * A
        decide x[period] in 0 .. 9
        flow come : -> A = x
        minimize { c : B[end] }
        """,
        {"x": [1.0, 0.0, 4.0]},
        rate=np.array([0.5, 2.0, 0.1]),
    )
    a, b = 10.0, 0.0
    for k, (r, x) in enumerate(zip((0.5, 2.0, 0.1), (1.0, 0.0, 4.0), strict=True)):
        exact = solve_ivp(
            lambda _, y, r=r, x=x: [-r * y[0] + x, r * y[0]],
            (0, 1), [a, b], rtol=1e-11, atol=1e-11, method="DOP853",
        )  # fmt: skip
        a, b = exact.y[:, -1]
        np.testing.assert_allclose([found["A"][k + 1], found["B"][k + 1]], [a, b], rtol=1e-8)


EXPONENTIAL = """
time t = 0 .. 3 method exponential
set G = {a, b}
compartment A[G] compartment B
initial A[g in G] = if g == "a" then 5 else 10
initial B = 1
decide u[G, period] in 0 .. 2
let whole[t] = sum(g in G: A[g, t])
let bent = 0.1 * sum(g in G: u[g]^2)
flow go[g in G] : A -> B = RATE
flow swap[g in G, k in G if g != k] : A[g] -> A[k] = 0.1 * A[g]
EFFECT
minimize { c : B[end] }
"""


@pytest.mark.parametrize(
    ("rate", "effect", "written"),
    [
        ("0.2 * A[g]", "", lambda a, past, u: 0.2 * a),
        ("0.2 * A[g]", "effect go[g in G] += u[g]", lambda a, past, u: 0.2 * a + u),
        ("0.2 * A[g]", "effect go[g in G] += u[g]^2", lambda a, past, u: 0.2 * a + u**2),
        ("0.1 * A[g] + bent", "", lambda a, past, u: 0.1 * a + 0.1 * (u**2).sum()),
        ("0.05 * whole[t] + sqrt(1 + u[g])", "", lambda a, past, u: 0.05 * a.sum() + np.sqrt(1 + u)),
        ("0.1 * (A[g, t-1] else 4)", "", lambda a, past, u: 0.1 * past),
        ("0.1 * sqrt(A[g, t-1] else 4) + 0.1 * A[g]", "", lambda a, past, u: 0.1 * past**0.5 + 0.1 * a),
    ],
)  # fmt: skip
def test_exponential_steps_over_an_index(rate: str, effect: str, written: Any) -> None:
    """Language reference, §5.5: flows linear in the compartments, whatever decisions do to them."""
    u = np.array([[0.3, 0.0, 1.5], [2.0, 0.4, 0.0]])
    text = EXPONENTIAL.replace("RATE", rate).replace("EFFECT", effect)
    found = run(text, {"u": u})
    state, past = np.array([5.0, 10.0, 1.0]), np.array([4.0, 4.0])
    for k in range(3):

        def flows(_: float, y: np.ndarray, past: Any = past, k: int = k) -> np.ndarray:
            go = np.broadcast_to(written(y[:2], past, u[:, k]), 2)
            return np.array([*(-go - 0.1 * y[:2] + 0.1 * y[1::-1]), go.sum()])

        past = state[:2]
        state = solve_ivp(flows, (0, 1), state, rtol=1e-11, atol=1e-11, method="DOP853").y[:, -1]
        np.testing.assert_allclose(found["A"][:, k + 1], state[:2], rtol=1e-8)
        np.testing.assert_allclose(found["B"][k + 1], state[2], rtol=1e-8)


def test_decisions_are_constant_within_a_period() -> None:
    """Language reference, §5.4."""
    found = run(
        """
        time t = 2020 .. 2022 step 0.5
        compartment A
        initial A = 10
        decide x[period] in 0 .. 9
        flow come : -> A = x
        flow go : A -> = 0.1 * A
        minimize { c : A[end] }
        """,
        {"x": [1.0, 2.0, 3.0, 4.0]},
    )
    state = 10.0
    for k, x in enumerate([1.0, 2.0, 3.0, 4.0]):
        state += 0.5 * (x - 0.1 * state)
        assert found["A"][k + 1] == pytest.approx(state, abs=1e-12)


def test_lags_reach_back_and_take_their_else_before_the_start() -> None:
    """Language reference, §5.3."""
    found = run(
        """
        time t = 0 .. 6
        compartment A compartment B
        initial A = 100 initial B = 0
        flow leave : A -> B = 0.1 * (A[t-2] else 7)
        minimize { c : B[end] }
        """
    )
    a = [100.0]
    for k in range(6):
        a.append(a[-1] - 0.1 * (a[k - 2] if k >= 2 else 7.0))
    np.testing.assert_allclose(found["A"], a, atol=1e-12)
    np.testing.assert_allclose(found["A"] + found["B"], 100, atol=1e-12)


def test_an_indexed_flow_into_a_plain_compartment_is_summed() -> None:
    """Language reference, §5.2."""
    found = run(
        """
        set Region = {n, s}
        time t = 0 .. 3
        compartment A[Region] compartment Dead
        initial A[r in Region] = if r == "n" then 10 else 20
        initial Dead = 1
        flow die[r in Region] : A -> Dead = 0.1 * A[r]
        minimize { c : Dead[end] }
        """
    )
    np.testing.assert_allclose(found["A"].sum(axis=0) + found["Dead"], 31, atol=1e-12)
    np.testing.assert_allclose(found["A"][1], 20 * 0.9 ** np.arange(4), atol=1e-12)


def test_flows_by_label_and_over_tuples() -> None:
    found = run(
        """
        set Region = {n, s, w}
        set Link = {n, s} * {s, w}
        time t = 0 .. 4
        compartment A[Region]
        initial A = 9
        flow move[(a, b) in Link if a != b] : A[a] -> A[b] = 0.1 * A[a]
        flow back : A["w"] -> A["n"] = 2
        minimize { c : A["n", end] }
        """
    )
    n, s, w = 9.0, 9.0, 9.0
    for k in range(4):
        n, s, w = n - 0.2 * n + 2, s + 0.1 * n - 0.1 * s, w + 0.1 * n + 0.1 * s - 2
        np.testing.assert_allclose(found["A"][:, k + 1], [n, s, w], atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    rates=st.lists(st.floats(0, 0.3), min_size=9, max_size=9),
    start=st.lists(st.floats(0, 1e4), min_size=3, max_size=3),
    method=st.sampled_from(["euler", "trapezoid", "implicit", "exponential"]),
)
def test_linear_networks_conserve_mass(rates: list[float], start: list[float], method: str) -> None:
    text = f"""
        set P = {{a, b, c}}
        time t = 0 .. 5 step 1 method {method}
        param rate[P, P] = 0
        param first[P] = 0
        compartment X[P]
        initial X = first
        flow move[p in P, q in P if p != q] : X[p] -> X[q] = rate[p, q] * X[p]
        minimize {{ c : X["a", end] }}
        """
    found = run(text, rate=np.reshape(rates, (3, 3)), first=np.array(start))
    total = sum(start)
    np.testing.assert_allclose(found["X"].sum(axis=0), total, rtol=1e-9, atol=1e-9)


def test_an_unsafe_step_is_told_with_the_largest_safe_one() -> None:
    text = """
        time t = 0 .. 4 step STEP
        compartment A compartment B
        initial A = 10 initial B = 0
        flow ab : A -> B = 1.5 * A
        flow out : A -> = 0.5 * A
        minimize { c : B[end] }
        """
    warned = compiled(text.replace("STEP", "1")).diagnostics
    assert [d.code for d in warned] == ["W4002"]
    assert "'ab', 'out'" in warned[0].message and "0.5" in (warned[0].hint or "")
    assert compiled(text.replace("STEP", "0.5")).diagnostics == ()
    assert compiled(text.replace("STEP", "1 method trapezoid")).diagnostics == ()


def test_the_step_check_sees_single_regions_and_effects() -> None:
    text = """
        set R = {n, s}
        param rate[r in R] = if r == "n" then 0.1 else 2.5
        time t = 0 .. 4
        compartment A[R]
        initial A = 0
        flow out[r in R] : A -> = rate[r] * A[r]
        decide x in 0 .. 1
        effect out += x
        minimize { c : A["n", end] }
        """
    (warned,) = compiled(text).diagnostics
    assert "'A[s]'" in warned.message and "swing" in warned.message
    assert warned.hint is not None and "0.4" in warned.hint
    assert "effect" in warned.notes[0].message


def test_a_period_decision_by_index_alone_under_the_trapezoid(tmp_path: Path) -> None:
    text = """
    model m
    set S = {a, b}
    time t = 0 .. 4 step 1 method trapezoid
    compartment X[S] initial X[s in S] = 10
    compartment Y[S] initial Y[s in S] = 0
    flow f[s in S] : X -> Y = 0
    intervention i { decide v[S, period] in 0 .. 1  effect f[s in S] += v[s] }
    minimize { o : sum(s in S: X[s, end]) }
    """
    problem = discretize(bind(parse(Source("m.alloc", text)), tmp_path))
    (v,) = problem.decisions
    amounts = np.array([[0.5, 1.0, 0.25, 0.0], [0.0, 0.0, 1.0, 1.0]])
    values = simulate(problem, {v: amounts})
    x = next(s for s in problem.states if s.name == "X")
    np.testing.assert_allclose(values[x][:, -1], 10 - amounts.sum(axis=1), rtol=1e-12)


# --- lets in lets ---------------------------------------------------------------------------------

LETS = """
time t = 0 .. 4 step 1 METHOD
compartment S initial S = 100
decide u[period] in 0 .. 1
WHAT
minimize { c : S[end] }
"""
#: Expressions around X, each defined wherever X is positive, and itself positive.
WRAPPED = ("sqrt(1 + X)", "exp(-0.01 * X)", "1 / (1 + X)", "log(2 + X)", "X * X / (1 + X)")


@given(
    chain=st.lists(st.sampled_from(WRAPPED), min_size=1, max_size=4),
    method=st.sampled_from(("method euler", "method trapezoid")),
    chosen=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    indexed=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_lets_in_lets_are_what_they_are_written_out(
    chain: list[str], method: str, chosen: list[float], indexed: bool
) -> None:
    """Nested lets are evaluated anew in every period, over an index or at the current time."""
    index, now, state = ("[p in t]", "[p]", "S[p]") if indexed else ("", "", "S")
    lets, inner, whole = [], state, "S"
    for k, wrap in enumerate(chain):
        lets.append(f"let a{k}{index} = {wrap.replace('X', inner)}")
        inner, whole = f"a{k}{now}", f"({wrap.replace('X', whole)})"
    last = f"a{len(chain) - 1}" + ("[t]" if indexed else "")
    flow = "flow leave : S -> = 0.1 * (0.1 + u) * "
    text = LETS.replace("METHOD", method)
    nested = run(text.replace("WHAT", "\n".join(lets) + f"\n{flow}{last}"), {"u": chosen})
    written = run(text.replace("WHAT", flow + whole), {"u": chosen})
    assert np.isfinite(written["S"]).all()
    assert nested["S"] == pytest.approx(written["S"], rel=1e-9)


#: Lets of what changes with time, and the same written out in a flow.
NOW = {
    "0.1 * x[g]": "0.1 * x[g]",
    "0.1 * x[g] + 0.001 * S[g]": "0.1 * x[g] + 0.001 * S[g]",
    "0.1 * wave": "0.1 * wave",
    "0.1 + 0.01 * t": "0.1 + 0.01 * t",
    "0.01 * (t - start) / (end - start)": "0.01 * t / 8",
    "if t > start + 2 then 0.1 else 0.02": "if t > 2 then 0.1 else 0.02",
    "0.1 * sum(k in Round if k <= t: y[k])": "0.1 * sum(k in Round if k <= t: y[k])",
    "0.1 * (y[t] else 0.3)": "0.1 * (y[t] else 0.3)",
    "0.1 * (if t == start or t == 4 then y else 0)": "0.1 * (y[t] else 0)",
}
LET_OVER_TIME = """
time t = 0 .. 8 step 2 METHOD
set G = {a, b}
set Round = {k in period if k == 0 or k == 4}
param wave[p in period] = 1 + p
compartment S[G] initial S[g in G] = if g == "a" then 100 else 40
decide x[G, period] in 0 .. 1
decide y[Round] in 0 .. 1
WHAT
minimize { c : S["a", end] }
"""


@pytest.mark.parametrize("method", ["euler", "trapezoid"])
@pytest.mark.parametrize("value", NOW)
@pytest.mark.parametrize("before", [True, False])
def test_a_let_of_what_changes_with_time_is_meant_at_the_current_time(
    value: str, method: str, before: bool
) -> None:
    """Language reference, §3.4: as if it stood in the flow, wherever it is declared."""
    let, flow = f"let rate[g in G] = {value}", "flow leave[g in G] : S -> = rate[g] * S[g]"
    text = LET_OVER_TIME.replace("METHOD", f"method {method}")
    chosen = {"x": [[0.1, 0.9, 0.0, 1.0], [0.5, 0.2, 0.3, 0.0]], "y": [0.2, 0.7]}
    found = run(text.replace("WHAT", "\n".join((let, flow) if before else (flow, let))), chosen)
    written = run(text.replace("WHAT", flow.replace("rate[g]", f"({NOW[value]})")), chosen)
    assert np.isfinite(written["S"]).all()
    np.testing.assert_allclose(found["S"], written["S"], rtol=1e-12)


def test_a_let_of_what_changes_with_time_takes_its_time_as_a_last_index() -> None:
    """Language reference, §3.4: outside of flows."""
    problem = compiled(
        """
        time t = 0 .. 4
        set G = {a, b}
        decide x[G, period] in 0 .. 1
        let rate[g in G] = (1 + t) * x[g]
        limit few[g in G, p in period]: rate[g, p] <= 2
        maximize { all : sum(g in G, p in period: rate[g, p]) }
        """
    )
    (v,) = problem.decisions
    evaluate = Evaluation({v: np.ones(v.shape)})
    (few,) = problem.constraints
    over = spread(evaluate(few.body), few.body.axes, few.axes) - few.upper.values
    np.testing.assert_allclose(over, [[-1, 0, 1, 2]] * 2)
    assert float(evaluate(problem.terms[0].node)) == 20


@pytest.mark.parametrize(
    "value",
    [
        "0.1 * (S[t-1] else 10) + 0.01 * S[start]",
        "0.1 * S[t] * (x[t+1] else 0)",
        "0.01 * (if t > start then sum(p in period if p < t: S[p]) else 1)",
        "0.1 * before[t]",
    ],
)
def test_flows_may_look_back_and_at_decisions_to_come(value: str) -> None:
    """Language reference, §5.3; in the last one through a `let` with columns."""
    found = run(
        f"""
        time t = 0 .. 4
        compartment S
        initial S = 10
        decide x[t] in 0 .. 1
        let before[p in t] = sqrt(1 + (S[p-2] else 4)) + sqrt(S[p])
        flow leave : S -> = {value}
        minimize {{ c : S[end] }}
        """,
        {"x": 0.5},
    )
    assert np.isfinite(found["S"]).all() and found["S"][-1] < 10


@pytest.mark.parametrize("read", ["beta * 2", "twice(beta)", "half * 4"])
@pytest.mark.parametrize("x", [0.0, 0.5])
def test_a_let_made_of_a_parameter_has_the_effects_on_it(read: str, x: float) -> None:
    """A name stands for what it names: with it, and written out, the course is the same."""
    text = f"""function twice(v) = 2 * v
        let half = beta / 2
        let fast = {read}
        param beta = 0.1
        time t = 0 .. 3
        compartment S
        initial S = 100 * fast / 0.2
        decide x in 0 .. 1
        flow out : S -> = fast * S
        effect beta *= 1 - x
        limit slow[p in period]: fast[p] <= 1
        minimize {{ z : S[end] + x }}"""
    for effects in (True, False):
        named = discretize(bind(parse(Source("m", text)), HERE), effects)
        rate = 0.2 * (1 - x if effects else 1)
        values = simulate(named, {named.decisions[0]: np.asarray(x)})
        (left,) = (values[v] for v in named.states)
        np.testing.assert_allclose(left, 100 * (1 - rate) ** np.arange(4))
        # Without effects, the limit is one of data alone.
        assert len(named.constraints) == effects
        for slow in named.constraints:
            body = np.broadcast_to(Evaluation(values)(slow.body), 3)
            np.testing.assert_allclose(body, rate - 1)
