"""Time from arrays in memory to a loaded HiGHS model: allocc, a hand-written fill, and peers.

    pip install .[bench]
    python benchmarks/compile_speed.py --data DIR --sizes S --peers all --check
    python benchmarks/compile_speed.py --data DIR [--sizes S,M,L] [--repeat 5] [--peers all]

The model is examples/seir_vaccination (linear SEIR, sites, doses, L1 equity); DIR has a folder a size
with its CSV files. Reading them is timed apart (`reading`: the CSV files, and for allocc also the model
file and its binding to them). The floor fills the same sparse arrays by hand with NumPy and passes
them to highspy; the peers (linopy, cvxpy, Pyomo: `peers.py`) build the same model from the same
arrays. Each repetition runs in a process of its own, the candidates in turn, so that the memory is
its own: what building adds to the process's peak. `--check` compares sizes and linear relaxations.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers import PEERS

IMPORTS = {
    "allocc": (
        "allocc.backends.highs",
        "allocc.compiler.unrolling.discretize",
        "allocc.compiler.pipeline",
        "allocc.compiler.relaxing.relaxation",
    ),
    "linopy": ("linopy",),
    "cvxpy": ("cvxpy", "cvxpy.reductions.solvers.conic_solvers.highs_conif"),
    "pyomo": ("pyomo.environ", "pyomo.contrib.appsi.solvers"),
}

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
    from allocc.compiler.binding.bind import bind
    from allocc.dsl.reading.parser import parse_file

    return bind(parse_file(MODEL), folder, {"weeks": weeks}, path=MODEL)


def allocc(model: object) -> object:
    from allocc.backends.highs_session import HighsSession
    from allocc.compiler.pipeline import chain
    from allocc.compiler.relaxing.relaxation import Relaxation
    from allocc.compiler.unrolling.discretize import discretize

    return HighsSession(Relaxation(chain(discretize(model), "stated").program).build().program)  # type: ignore[arg-type]


def first_part(d: dict) -> dict:
    """A few regions and weeks of an instance, for peers to load what they load on first use."""
    small = {k: v[:8] if isinstance(v, np.ndarray) else v for k, v in d.items()}
    kept = np.flatnonzero(d["to"] < 8)
    small.update({"to": d["to"][kept], "from": d["from"][kept] % 8, "rate": d["rate"][kept]})
    return small


def build(kind: str, data: dict, model: object) -> Any:
    """The `highspy.Highs` that a candidate has filled."""
    if kind == "allocc":
        return allocc(model)._highs  # type: ignore[attr-defined]
    return floor(data) if kind == "floor" else PEERS[kind](data)


def memory(name: str) -> int:
    """A line of Linux's account of this process, in KiB; zero elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name + ":")), 0)


def forget_peak() -> int:
    """The memory in use in KiB; on Linux the peak so far is forgotten, elsewhere it is the answer."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return memory("VmRSS")


def one(kind: str, folder: Path, check: bool) -> dict[str, float]:
    """Time one candidate in this process; with `check` also solve its linear relaxation."""
    start = time.perf_counter()
    data = read(folder)
    model = bound_model(folder, len(data["doses"])) if kind == "allocc" else None
    reading = time.perf_counter() - start
    # Imports are not timed: what a candidate needs is loaded before.
    import highspy  # noqa: F401
    from scipy import sparse  # noqa: F401

    for name in IMPORTS.get(kind, ()):
        importlib.import_module(name)
    if kind in PEERS:
        build(kind, first_part(data), None)
    before = forget_peak()
    start = time.perf_counter()
    highs = build(kind, data, model)
    seconds = time.perf_counter() - start
    after = memory("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {
        "reading": reading,
        "seconds": seconds,
        "memory": (after - before) / 1024,
        "columns": highs.getNumCol(),
        "rows": highs.getNumRow(),
        "nonzeros": highs.getNumNz(),
    }
    if check:
        highs.setOptionValue("solve_relaxation", True)
        highs.setOptionValue("output_flag", False)
        highs.run()
        found["relaxation"] = highs.getObjectiveValue()
    return found


def ask(kind: str, folder: Path, check: bool = False) -> dict[str, float]:
    """What `one` finds in a process of its own."""
    command = [sys.executable, __file__, "--data", str(folder), "--one", kind]
    command += ["--check"] if check else []
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{kind} on {folder.name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def present(names: list[str]) -> list[str]:
    """The peers that can be imported; the others are named."""
    found = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as problem:
            print(f"{name} is left out: {problem}")
        else:
            found.append(name)
    return found


def compare(kinds: list[str], folder: Path) -> None:
    """Every candidate must have built the same model: same relaxation, and the floor's size.

    Only allocc's size is its own: it gives each absolute value's argument a column and a row.
    """
    first: dict[str, float] = {}
    for kind in kinds:
        found = ask(kind, folder, check=True)
        size = [int(found[k]) for k in ("columns", "rows", "nonzeros")]
        print(
            f"{folder.name:4} {kind:8} {size[0]:9,d} columns {size[1]:9,d} rows "
            f"{size[2]:10,d} nonzeros, relaxation {found['relaxation']:.9g}"
        )
        first = first or found
        same = kind == "allocc" or all(
            found[k] == first[k] for k in ("columns", "rows", "nonzeros")
        )
        close = abs(found["relaxation"] / first["relaxation"] - 1) < 1e-6
        if not (same and close):
            raise SystemExit(f"{kind} has built another model than {kinds[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", default="S,M,L")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", help="all, none, or names with commas between", default="none")
    parser.add_argument("--check", action="store_true", help="compare the models, time nothing")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one, chosen.data, chosen.check)))
        return
    asked = {"all": list(PEERS), "none": []}.get(chosen.peers, chosen.peers.split(","))
    unknown = [name for name in asked if name not in PEERS]
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    kinds = ["floor", "allocc", *present(asked)]
    sizes = chosen.sizes.split(",")
    if chosen.check:
        for size in sizes:
            compare(kinds, chosen.data / size)
        return
    print(f"{'size':4} {'':8} {'seconds':>8} {'ratio':>6} {'MiB':>6} {'ratio':>6} {'reading':>8}")
    for size in sizes:
        found: dict[str, list[dict[str, float]]] = {k: [] for k in kinds}
        for _ in range(chosen.repeat):
            for kind in kinds:
                found[kind].append(ask(kind, chosen.data / size))
        medians = {
            kind: {k: float(np.median([x[k] for x in runs])) for k in runs[0]}
            for kind, runs in found.items()
        }
        base = medians["floor"]
        for kind, m in medians.items():
            print(
                f"{size:4} {kind:8} {m['seconds']:8.3f} {m['seconds'] / base['seconds']:6.1f} "
                f"{m['memory']:6.0f} {m['memory'] / max(base['memory'], 1):6.1f} "
                f"{m['reading']:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
