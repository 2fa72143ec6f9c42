"""Fits to yearly data: how close to known optima, how long, and how often intervals hold what is true.

    python benchmarks/fit.py --data DIR [--processes 2] [--no-intervals]
    python benchmarks/fit.py --coverage 200 [--level 90%]

DIR has a folder a state, and perhaps `expected_fit.json`: the loss and the estimates of each. A row a state:
the loss beside the expected one, the largest difference of an estimate, searches that ended elsewhere, and
seconds. With --coverage, data are made with known rates and errors of one size, so many times; each estimate's
profile interval holds the rate that made the data in about `--level` of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import allocc

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "opioid" / "opioid.alloc"

#: Two linear flows with known rates, seen each year with an error of one size.
KNOWN = """model known
table seen from "seen.csv" key year
param treat : 1/year in 0 .. = 0.3
param lapse : 1/year in 0 .. = 0.1
param out   : 1/year = 0.05
time t : year = 0 .. 20
compartment A : person
compartment R : person
initial A = 100
initial R = 10
flow to_treatment : A -> R = treat * A
flow back : R -> A = lapse * R
flow leave : R -> = out * R
fit both {
  estimate treat in 0 .. from 1
  estimate lapse in 0 .. from 1
  observe A = seen.A
  observe R = seen.R
}
"""
TRUE = {"treat": 0.3, "lapse": 0.1}
NOISE = 3.0


def fit_state(asked: tuple[Path, bool]) -> dict[str, Any]:
    """One state's fit, with the seconds that it took from the files on."""
    folder, intervals = asked
    begun = time.perf_counter()
    found = allocc.load(MODEL, data=folder).fit(intervals=intervals)
    return {
        "state": folder.name,
        "loss": found.loss,
        "values": found.values,
        "others": len(found.others),
        "seconds": time.perf_counter() - begun,
    }


def states(data: Path, processes: int, intervals: bool) -> None:
    """All states of a folder, beside what is expected."""
    expected = {}
    if (data / "expected_fit.json").is_file():
        expected = json.loads((data / "expected_fit.json").read_text("utf-8"))
    folders = sorted(p.parent for p in data.glob("*/yearly.csv"))
    begun = time.perf_counter()
    with ProcessPoolExecutor(processes) as pool:
        rows = list(pool.map(fit_state, [(f, intervals) for f in folders]))
    whole = time.perf_counter() - begun
    print("state        loss   loss/expected-1   off by   elsewhere  seconds")
    for row in rows:
        known = expected.get(row["state"])
        part, off = "", ""
        if known is not None:
            part = f"{row['loss'] / known['loss'] - 1:+.1e}"
            off = f"{max(abs(x - known[n]) for n, x in row['values'].items()):.1e}"
        print(
            f"{row['state']:5}  {row['loss']:.6e}  {part:>15}  {off:>7}  {row['others']:>9}"
            f"  {row['seconds']:7.2f}"
        )
    print(f"{len(rows)} states in {whole:.1f} s with {processes} processes")


def one_world(asked: tuple[int, float]) -> dict[str, bool]:
    """Whether each interval holds the rate that made the data of one seed."""
    seed, level = asked
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "known.alloc").write_text(KNOWN, "utf-8")
        exact = course()
        noise = np.random.default_rng(seed).normal(0, NOISE, exact.shape)
        lines = [f"{t},{a},{r}" for t, (a, r) in enumerate(exact + noise)]
        (folder / "seen.csv").write_text("\n".join(["year,A,R", *lines]), "utf-8")
        found = allocc.load(folder / "known.alloc").fit(starts=1, level=level)
    held = {}
    for e in found.estimates:
        assert e.interval is not None
        low, high = e.interval
        x = TRUE[e.parameter]
        held[e.name] = (low is None or low <= x) and (high is None or x <= high)
    return held


def course() -> np.ndarray:
    """A and R each year by the matrix exponential, shape (years, 2)."""
    from scipy.linalg import expm

    step = expm(np.array([[-TRUE["treat"], TRUE["lapse"]], [TRUE["treat"], -TRUE["lapse"] - 0.05]]))
    rows = [np.array([100.0, 10.0])]
    for _ in range(20):
        rows.append(step @ rows[-1])
    return np.stack(rows)


def coverage(worlds: int, level: float, processes: int) -> None:
    """How often each interval holds what is true."""
    begun = time.perf_counter()
    with ProcessPoolExecutor(processes) as pool:
        rows = list(pool.map(one_world, [(k, level) for k in range(worlds)], chunksize=10))
    for name, value in TRUE.items():
        share = sum(row[name] for row in rows) / len(rows)
        print(f"{name:6}  {share:.1%} of {worlds} intervals of {level:.0%} hold {value}")
    print(f"{time.perf_counter() - begun:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="a folder with one folder a state")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-intervals", action="store_true")
    parser.add_argument("--coverage", type=int, default=0, metavar="WORLDS")
    parser.add_argument("--level", type=float, default=0.9)
    asked = parser.parse_args()
    if asked.coverage:
        coverage(asked.coverage, asked.level, asked.processes)
    if asked.data is not None:
        states(asked.data, asked.processes, not asked.no_intervals)


if __name__ == "__main__":
    main()
