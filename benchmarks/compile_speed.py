"""Time from arrays in memory to a loaded HiGHS model: allocc beside a hand-written fill and peers.

    python benchmarks/compile_speed.py --data DIR [--sizes S,M,L] [--repeat 5] [--peers]

The model is examples/seir_vaccination (linear SEIR, sites, doses, L1 equity); DIR has a folder a size
with its CSV files. Reading them is timed on a line of its own. The floor fills the same sparse arrays
by hand with NumPy and passes them to highspy. Peers (linopy, Pyomo) run when they can be imported.
Each repetition runs in a process of its own, the candidates in turn, so that peak memory is their own.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MODEL = Path(__file__).resolve().parent.parent / "examples" / "seir_vaccination"
MODEL = MODEL / "seir_vaccination.alloc"


def columns(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return {name: [row[k] for row in rows[1:]] for k, name in enumerate(rows[0])}


def read(folder: Path) -> dict[str, np.ndarray | float | int]:
    """The instance as arrays."""
    region, mobility = columns(folder / "regions.csv"), columns(folder / "mobility.csv")
    supply, params = columns(folder / "supply.csv"), columns(folder / "params.csv")
    place = {name: i for i, name in enumerate(region["region"])}
    data = {k: np.array(v, dtype=float) for k, v in region.items() if k != "region"}
    data["to"] = np.array([place[x] for x in mobility["to"]])
    data["from"] = np.array([place[x] for x in mobility["from"]])
    data["rate"] = np.array(mobility["rate"], dtype=float)
    data["doses"] = np.array(supply["doses"], dtype=float)
    data.update({k: float(v) for k, v in zip(params["name"], params["value"], strict=True)})
    return data


def floor(d: dict) -> object:
    """The arrays filled by hand, statement by statement, and passed to HiGHS."""
    import highspy
    from scipy import sparse

    R, T = len(d["pop"]), len(d["doses"])
    r, t = np.arange(R)[:, None], np.arange(T)[None, :]
    count = 0

    def block(*shape: int) -> np.ndarray:
        nonlocal count
        n = int(np.prod(shape))
        found = np.arange(count, count + n).reshape(shape)
        count += n
        return found

    x, v = block(R), block(R, T)
    S, E, I, Rec, D = (block(R, T + 1) for _ in range(5))
    n, u, U, dev = block(R, T), block(R), block(1), block(R)
    rows, cols, vals, low, high = [], [], [], [], []
    first = 0

    def add(shape: tuple[int, ...], entries: list, lower: float, upper: object) -> None:
        nonlocal first
        m = int(np.prod(shape))
        index = np.arange(first, first + m).reshape(shape)
        for c, a in entries:
            rows.append(np.broadcast_to(index, shape).ravel())
            cols.append(np.broadcast_to(c, shape).ravel())
            vals.append(np.broadcast_to(a, shape).ravel())
        low.append(np.broadcast_to(lower, shape).ravel())
        high.append(np.broadcast_to(upper, shape).ravel())
        first += m

    sig, gam, eff = d["sigma"], d["gamma"], d["eff"]
    ifr = d["ifr"][:, None]
    start = first
    add((R, T), [(n, 1.0), (S[:, :-1], -d["foi"][:, None])], 0.0, 0.0)
    rows.append((start + d["to"][:, None] * T + t).ravel())
    cols.append(I[d["from"], :-1].ravel())
    vals.append(np.broadcast_to(-d["rate"][:, None], (len(d["rate"]), T)).ravel())
    add((R, T), [(S[:, 1:], 1.0), (S[:, :-1], -1.0), (n, 1.0), (v, eff)], 0.0, 0.0)
    add((R, T), [(E[:, 1:], 1.0), (E[:, :-1], sig - 1.0), (n, -1.0)], 0.0, 0.0)
    add((R, T), [(I[:, 1:], 1.0), (I[:, :-1], gam - 1.0), (E[:, :-1], -sig)], 0.0, 0.0)
    add(
        (R, T),
        [(Rec[:, 1:], 1.0), (Rec[:, :-1], -1.0), (I[:, :-1], -(1 - ifr) * gam), (v, -eff)],
        0.0,
        0.0,
    )
    add((R, T), [(D[:, 1:], 1.0), (D[:, :-1], -1.0), (I[:, :-1], -ifr * gam)], 0.0, 0.0)
    add((R, T), [(v, 1.0), (x[:, None], -d["throughput"])], -np.inf, 0.0)
    start = first
    low.append(np.full(T, -np.inf))
    high.append(d["doses"])
    first += T
    rows.append(np.broadcast_to(start + t, (R, T)).ravel())
    cols.append(v.ravel())
    vals.append(np.ones(R * T))
    add((R, T - 1), [(v[:, 1:], 1.0), (v[:, :-1], -1.0)], -np.inf, d["ramp"])
    add((R, T - 1), [(v[:, :-1], 1.0), (v[:, 1:], -1.0)], -np.inf, d["ramp"])
    start = first
    add((R,), [(u, -1.0)], 0.0, 0.0)
    rows.append(np.broadcast_to(start + r, (R, T)).ravel())
    cols.append(v.ravel())
    vals.append(np.ones(R * T))
    start = first
    add((1,), [(U, -1.0)], 0.0, 0.0)
    rows.append(np.full(R, start))
    cols.append(u)
    vals.append(np.ones(R))
    w = d["pop"] * d["svi"] / np.sum(d["pop"] * d["svi"])
    add((R,), [(dev, 1.0), (u, -1.0), (U, w)], 0.0, np.inf)
    add((R,), [(dev, 1.0), (u, 1.0), (U, -w)], 0.0, np.inf)
    matrix = sparse.csr_array(
        sparse.coo_array(
            (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))),
            shape=(first, count),
        )
    )
    lower, upper, cost = np.zeros(count), np.full(count, np.inf), np.zeros(count)
    upper[x] = d["cap"]
    for state, name in ((S, "S0"), (E, "E0"), (I, "I0"), (Rec, "R0"), (D, "D0")):
        lower[state[:, 0]] = upper[state[:, 0]] = d[name]
    cost[D[:, -1]] = 1.0
    cost[I.ravel()] += d["lam"]
    cost[dev] = d["kappa"]
    integer = np.zeros(count, dtype=np.int32)
    integer[x] = 1
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    h.passModel(
        count,
        first,
        matrix.nnz,
        2,
        1,
        0.0,
        cost,
        lower,
        upper,
        np.concatenate(low).astype(float),
        np.concatenate(high).astype(float),
        matrix.indptr,
        matrix.indices,
        matrix.data,
        integer,
    )
    return h


def bound_model(folder: Path, weeks: int) -> object:
    from allocc.compiler.bind import bind
    from allocc.dsl.parser import parse_file

    return bind(parse_file(MODEL), folder, {"weeks": weeks}, path=MODEL)


def allocc(model: object) -> object:
    from allocc.backends.highs import HighsSession
    from allocc.compiler.discretize import discretize
    from allocc.compiler.lower import lower
    from allocc.compiler.relaxation import Relaxation

    return HighsSession(Relaxation(lower(discretize(model))).build().program)  # type: ignore[arg-type]


def linopy(d: dict) -> object:
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
    n = m.add_variables(coords=[r, t], name="n")
    state = {}
    for name in "SEIRD":
        low, high = np.zeros((R, T + 1)), np.full((R, T + 1), np.inf)
        low[:, 0] = high[:, 0] = d[name + "0"]
        state[name] = m.add_variables(low, high, coords=[r, p], name=name)

    def at(name: str, shift: int) -> object:
        piece = state[name].isel(p=slice(shift, T + shift))
        return (1 * piece).rename(p="t").assign_coords(t=t)

    rate = np.zeros((R, 6))
    source = np.zeros((R, 6), dtype=int)
    slot = np.zeros(R, dtype=int)
    for a, b, q in zip(d["to"], d["from"], d["rate"], strict=True):
        rate[a, slot[a]], source[a, slot[a]] = q, b
        slot[a] += 1
    infected = over(d["foi"]) * at("S", 0)
    for k in range(6):
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
    u, U = m.add_variables(coords=[r], name="u"), m.add_variables(name="U")
    dev = m.add_variables(lower=0, coords=[r], name="dev")
    w = over(d["pop"] * d["svi"] / np.sum(d["pop"] * d["svi"]))
    m.add_constraints(u - v.sum("t") == 0, name="u")
    m.add_constraints(U - u.sum() == 0, name="U")
    m.add_constraints(dev - u + w * U >= 0, name="above")
    m.add_constraints(dev + u - w * U >= 0, name="below")
    last = state["D"].isel(p=-1).sum()
    m.add_objective(last + d["lam"] * state["I"].sum() + d["kappa"] * dev.sum())
    return lp.io.to_highspy(m)


def one(kind: str, folder: Path) -> dict[str, float]:
    """Time one candidate in this process."""
    start = time.perf_counter()
    data = read(folder)
    model = bound_model(folder, len(data["doses"])) if kind == "allocc" else None
    reading = time.perf_counter() - start
    if kind == "allocc":
        from allocc.backends import highs  # noqa: F401
        from allocc.compiler import discretize, lower, relaxation  # noqa: F401
    import highspy  # noqa: F401
    from scipy import sparse  # noqa: F401

    if kind == "linopy":
        import linopy as lp  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    loaded = {
        "allocc": lambda: allocc(model),
        "floor": lambda: floor(data),
        "linopy": lambda: linopy(data),
    }[kind]()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del loaded
    return {"reading": reading, "seconds": seconds, "memory": (after - before) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", default="S,M,L")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one, chosen.data)))
        return
    kinds = ["floor", "allocc"]
    if chosen.peers:
        try:
            import linopy  # noqa: F401

            kinds.append("linopy")
        except ImportError as problem:
            print(f"linopy is left out: {problem}")
    print(
        f"{'size':4} {'':8} {'seconds':>8} {'ratio':>6} {'MiB added':>10} {'ratio':>6} {'reading':>8}"
    )
    for size in chosen.sizes.split(","):
        found: dict[str, list[dict[str, float]]] = {k: [] for k in kinds}
        for _ in range(chosen.repeat):
            for kind in kinds:
                command = [
                    sys.executable,
                    __file__,
                    "--data",
                    str(chosen.data / size),
                    "--one",
                    kind,
                ]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[kind].append(json.loads(done.stdout))
        base = {k: float(np.median([x[k] for x in found["floor"]])) for k in ("seconds", "memory")}
        for kind in kinds:
            m = {k: float(np.median([x[k] for x in found[kind]])) for k in found[kind][0]}
            print(
                f"{size:4} {kind:8} {m['seconds']:8.3f} {m['seconds'] / base['seconds']:6.2f} "
                f"{m['memory']:10.0f} {m['memory'] / max(base['memory'], 1):6.2f} {m['reading']:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
