"""The model of `compile_speed.py` in other modelling packages, each loaded into HiGHS its usual way.

Every function takes the instance as arrays and returns the `highspy.Highs` that holds the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Loaded(Exception):
    """Raised in place of HiGHS's first run: the model is there."""

    def __init__(self, highs: Any) -> None:
        super().__init__()
        self.highs = highs


def state_bounds(d: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of a compartment: fixed at the first point, not negative after it."""
    shape = (len(d["pop"]), len(d["doses"]) + 1)
    low, high = np.zeros(shape), np.full(shape, np.inf)
    low[:, 0] = high[:, 0] = d[name + "0"]
    return low, high


def fair_share(d: dict) -> np.ndarray:
    return d["pop"] * d["svi"] / np.sum(d["pop"] * d["svi"])


def linopy(d: dict) -> object:
    """linopy: labelled arrays; `to_highspy` hands the matrices over directly."""
    import linopy as lp
    import pandas as pd
    import xarray as xr

    R, T = len(d["pop"]), len(d["doses"])
    r, t, p = pd.RangeIndex(R, name="r"), pd.RangeIndex(T, name="t"), pd.RangeIndex(T + 1, name="p")
    m = lp.Model()

    def over(a: np.ndarray) -> xr.DataArray:
        return xr.DataArray(a, coords=[r])

    x = m.add_variables(lower=0, upper=over(d["cap"]), integer=True, coords=[r], name="x")
    v = m.add_variables(lower=0, coords=[r, t], name="v")
    n = m.add_variables(lower=0, coords=[r, t], name="n")
    state = {
        name: m.add_variables(*state_bounds(d, name), coords=[r, p], name=name) for name in "SEIRD"
    }

    def at(name: str, shift: int) -> Any:
        piece = state[name].isel(p=slice(shift, T + shift))
        return (1 * piece).rename(p="t").assign_coords(t=t)

    order = np.argsort(d["to"], kind="stable")
    rate = d["rate"][order].reshape(R, -1)
    source = d["from"][order].reshape(R, -1)
    infected = over(d["foi"]) * at("S", 0)
    for k in range(rate.shape[1]):
        moved = at("I", 0).isel(r=xr.DataArray(source[:, k], dims="r")).assign_coords(r=r)
        infected = infected + over(rate[:, k]) * moved
    ifr, sig, gam, eff = over(d["ifr"]), d["sigma"], d["gamma"], d["eff"]
    m.add_constraints(1 * n - infected == 0, name="n")
    m.add_constraints(at("S", 1) - at("S", 0) + n + eff * v == 0, name="S")
    m.add_constraints(at("E", 1) - (1 - sig) * at("E", 0) - n == 0, name="E")
    m.add_constraints(at("I", 1) - (1 - gam) * at("I", 0) - sig * at("E", 0) == 0, name="I")
    m.add_constraints(
        at("R", 1) - at("R", 0) - (1 - ifr) * gam * at("I", 0) - eff * v == 0, name="R"
    )
    m.add_constraints(at("D", 1) - at("D", 0) - ifr * gam * at("I", 0) == 0, name="D")
    m.add_constraints(v - d["throughput"] * x <= 0, name="pace")
    m.add_constraints(v.sum("r") <= xr.DataArray(d["doses"], coords=[t]), name="supply")
    later = (1 * v.isel(t=slice(1, None))).assign_coords(t=t[:-1])
    sooner = (1 * v.isel(t=slice(None, -1))).assign_coords(t=t[:-1])
    m.add_constraints(later - sooner <= d["ramp"], name="up")
    m.add_constraints(sooner - later <= d["ramp"], name="down")
    u = m.add_variables(lower=0, coords=[r], name="u")
    U = m.add_variables(lower=0, name="U")
    dev = m.add_variables(lower=0, coords=[r], name="dev")
    w = over(fair_share(d))
    m.add_constraints(u - v.sum("t") == 0, name="u")
    m.add_constraints(U - u.sum() == 0, name="U")
    m.add_constraints(dev - u + w * U >= 0, name="above")
    m.add_constraints(dev + u - w * U >= 0, name="below")
    last = state["D"].isel(p=-1).sum()
    m.add_objective(last + d["lam"] * state["I"].sum() + d["kappa"] * dev.sum())
    return lp.io.to_highspy(m)


def cvxpy(d: dict) -> object:
    """cvxpy: whole matrices of variables; its HiGHS interface stopped where it would solve."""
    import cvxpy as cp
    import highspy
    from scipy import sparse

    R, T = len(d["pop"]), len(d["doses"])
    x = cp.Variable(R, integer=True, bounds=[0, d["cap"]])
    v, n = cp.Variable((R, T), bounds=[0, None]), cp.Variable((R, T), bounds=[0, None])
    state = {name: cp.Variable((R, T + 1), bounds=list(state_bounds(d, name))) for name in "SEIRD"}
    S, E, I, Rec, D = (state[name] for name in "SEIRD")
    u, dev = cp.Variable(R, bounds=[0, None]), cp.Variable(R, bounds=[0, None])
    U = cp.Variable(bounds=[0, None])
    moved = sparse.csr_array((d["rate"], (d["to"], d["from"])), shape=(R, R))
    foi, die = sparse.diags_array(d["foi"]), sparse.diags_array(d["ifr"] * d["gamma"])
    heal = sparse.diags_array((1 - d["ifr"]) * d["gamma"])
    sig, gam, eff, w = d["sigma"], d["gamma"], d["eff"], fair_share(d)
    now, then = slice(0, T), slice(1, T + 1)
    limits = [
        n == foi @ S[:, now] + moved @ I[:, now],
        S[:, then] == S[:, now] - n - eff * v,
        E[:, then] == (1 - sig) * E[:, now] + n,
        I[:, then] == (1 - gam) * I[:, now] + sig * E[:, now],
        Rec[:, then] == Rec[:, now] + heal @ I[:, now] + eff * v,
        D[:, then] == D[:, now] + die @ I[:, now],
        v <= d["throughput"] * cp.outer(x, np.ones(T)),
        cp.sum(v, axis=0) <= d["doses"],
        v[:, 1:] - v[:, :-1] <= d["ramp"],
        v[:, :-1] - v[:, 1:] <= d["ramp"],
        u == cp.sum(v, axis=1),
        cp.sum(u) == U,
        dev >= u - w * U,
        dev >= w * U - u,
    ]
    value = cp.sum(D[:, T]) + d["lam"] * cp.sum(I) + d["kappa"] * cp.sum(dev)

    def stop(highs: Any) -> None:
        raise Loaded(highs)

    run, highspy.Highs.run = highspy.Highs.run, stop
    try:
        cp.Problem(cp.Minimize(value), limits).solve(solver=cp.HIGHS)
    except Loaded as loaded:
        return loaded.highs
    finally:
        highspy.Highs.run = run
    raise RuntimeError("cvxpy did not reach HiGHS")


def pyomo(d: dict) -> object:
    """Pyomo: a rule a constraint; its persistent interface to HiGHS (`appsi`) takes the model."""
    import pyomo.environ as py
    from pyomo.contrib.appsi.solvers import Highs

    R, T = len(d["pop"]), len(d["doses"])
    m = py.ConcreteModel()
    m.r, m.t, m.p, m.k = (py.RangeSet(0, n - 1) for n in (R, T, T + 1, T - 1))
    cap, foi, ifr = d["cap"].tolist(), d["foi"].tolist(), d["ifr"].tolist()
    m.x = py.Var(m.r, domain=py.NonNegativeIntegers, bounds=lambda _, r: (0, cap[r]))
    m.v = py.Var(m.r, m.t, domain=py.NonNegativeReals)
    m.n = py.Var(m.r, m.t, domain=py.NonNegativeReals)
    for name in "SEIRD":
        state = py.Var(m.r, m.p, domain=py.NonNegativeReals)
        m.add_component(name, state)
        for r, first in enumerate(d[name + "0"].tolist()):
            # Fixed by its bounds, so that it stays a column as in the others.
            state[r, 0].setlb(first)
            state[r, 0].setub(first)
    m.u, m.dev = (py.Var(m.r, domain=py.NonNegativeReals) for _ in range(2))
    m.U = py.Var(domain=py.NonNegativeReals)
    near: list[list[tuple[int, float]]] = [[] for _ in range(R)]
    for to, source, rate in zip(d["to"], d["from"], d["rate"], strict=True):
        near[to].append((int(source), float(rate)))
    sig, gam, eff, ramp = d["sigma"], d["gamma"], d["eff"], d["ramp"]
    w, doses, pace = fair_share(d).tolist(), d["doses"].tolist(), d["throughput"]
    m.infect = py.Constraint(
        m.r,
        m.t,
        rule=lambda m, r, t: (
            m.n[r, t] - foi[r] * m.S[r, t] - py.quicksum(a * m.I[q, t] for q, a in near[r]) == 0
        ),
    )
    m.dS = py.Constraint(
        m.r,
        m.t,
        rule=lambda m, r, t: m.S[r, t + 1] - m.S[r, t] + m.n[r, t] + eff * m.v[r, t] == 0,
    )
    m.dE = py.Constraint(
        m.r,
        m.t,
        rule=lambda m, r, t: m.E[r, t + 1] - (1 - sig) * m.E[r, t] - m.n[r, t] == 0,
    )
    m.dI = py.Constraint(
        m.r,
        m.t,
        rule=lambda m, r, t: m.I[r, t + 1] - (1 - gam) * m.I[r, t] - sig * m.E[r, t] == 0,
    )
    m.dR = py.Constraint(
        m.r,
        m.t,
        rule=lambda m, r, t: (
            m.R[r, t + 1] - m.R[r, t] - (1 - ifr[r]) * gam * m.I[r, t] - eff * m.v[r, t] == 0
        ),
    )
    m.dD = py.Constraint(
        m.r, m.t, rule=lambda m, r, t: m.D[r, t + 1] - m.D[r, t] - ifr[r] * gam * m.I[r, t] == 0
    )
    m.pace = py.Constraint(m.r, m.t, rule=lambda m, r, t: m.v[r, t] - pace * m.x[r] <= 0)
    m.supply = py.Constraint(
        m.t, rule=lambda m, t: py.quicksum(m.v[r, t] for r in range(R)) <= doses[t]
    )
    m.up = py.Constraint(m.r, m.k, rule=lambda m, r, t: m.v[r, t + 1] - m.v[r, t] <= ramp)
    m.down = py.Constraint(m.r, m.k, rule=lambda m, r, t: m.v[r, t] - m.v[r, t + 1] <= ramp)
    m.own = py.Constraint(
        m.r, rule=lambda m, r: m.u[r] - py.quicksum(m.v[r, t] for t in range(T)) == 0
    )
    m.all = py.Constraint(expr=m.U - py.quicksum(m.u[r] for r in range(R)) == 0)
    m.above = py.Constraint(m.r, rule=lambda m, r: m.dev[r] - m.u[r] + w[r] * m.U >= 0)
    m.below = py.Constraint(m.r, rule=lambda m, r: m.dev[r] + m.u[r] - w[r] * m.U >= 0)
    m.value = py.Objective(
        expr=py.quicksum(m.D[r, T] for r in range(R))
        + d["lam"] * py.quicksum(m.I[r, t] for r in range(R) for t in range(T + 1))
        + d["kappa"] * py.quicksum(m.dev[r] for r in range(R))
    )
    solver = Highs()
    solver.set_instance(m)
    return solver._solver_model


PEERS = {"linopy": linopy, "cvxpy": cvxpy, "pyomo": pyomo}
