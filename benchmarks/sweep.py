"""Many solves: all states of a folder, draws of uncertain rates, and what a solve costs after another one.

    python benchmarks/sweep.py --data DIR [--draws 200] [--state RI] [--workers 2]

DIR has a folder a state. Three tables: the states, each by itself, in one sweep; draws of two rates of one state, each
within a fifth of its value, with warm and with cold starts; and the time from a command line to an answer, for a
first solve in a new process and for the next one, with another rate, in a process that is there. The last
two are measured side by side, one after the other, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import allocc
from allocc.questions.sweep.running import run_points
from allocc.results.sweeping.points import Answer, Point

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "opioid" / "opioid.alloc"
#: The rates that are drawn, with their values in the model.
RATES = {"alpha": 0.15, "gamma": 0.00744}
SPREAD = 0.2

ONE_SOLVE = """import sys, time
begun = time.perf_counter()
import allocc
first = allocc.load(sys.argv[1], data=sys.argv[2])
found = first.solve(threads=1)
told = [time.perf_counter() - begun, found.seconds]
for start in (None, found):
    begun = time.perf_counter()
    again = allocc.load(sys.argv[1], data=sys.argv[2], **{sys.argv[3]: float(sys.argv[4])})
    after = again.solve(threads=1, start=start)
    told += [time.perf_counter() - begun, after.seconds]
print(*told)
"""


def states(data: Path, workers: int) -> None:
    """All states in one sweep, written down, and once more to see what reading costs."""
    with TemporaryDirectory() as name:
        begun = time.perf_counter()
        found = allocc.sweep(MODEL, data=f"{data}/*", folder=name + "/states", workers=workers)
        whole = time.perf_counter() - begun
        print(found)
        begun = time.perf_counter()
        allocc.sweep(MODEL, data=f"{data}/*", folder=name + "/states", workers=workers)
        print(f"\nstates: {whole:.1f} s; again {time.perf_counter() - begun:.2f} s\n")


def drawn(state: Path, draws: int) -> list[Point]:
    """Points with rates drawn evenly around their values, the same every time."""
    chance = np.random.default_rng(2301)
    return [
        Point(
            {"draw": str(k)},
            str(MODEL),
            str(state.absolute()),
            {n: x * float(chance.uniform(1 - SPREAD, 1 + SPREAD)) for n, x in RATES.items()},
        )
        for k in range(draws)
    ]


def draws(state: Path, count: int, workers: int) -> None:
    """Draws of rates, cold and warm: the time of both, and how far the values are apart."""
    points = drawn(state, count)
    kept: dict[str, dict[str, Answer]] = {}
    for name, warm in (("cold", False), ("warm", True)):
        with TemporaryDirectory() as folder:
            begun = time.perf_counter()
            answers = run_points(points, Path(folder) / "points", workers, print, warm=warm)
            kept[name] = {p.label["draw"]: a for p, a in answers}
            whole = time.perf_counter() - begun
        found = list(kept[name].values())
        values = np.array([a.value for a in found], dtype=float)
        spread = f"{np.nanmin(values):,.1f} .. {np.nanmax(values):,.1f}"
        statuses = {s: sum(a.status == s for a in found) for s in {a.status for a in found}}
        gap = max(a.gap or 0.0 for a in found)
        each = median(a.seconds for a in found)
        print(
            f"{count} draws of {state.name}, {name} starts: {whole:.1f} s with {workers} workers, {statuses}, "
            f"largest gap {gap:.1e}, median {each:.2f} s, values {spread}"
        )
    pairs: list[Any] = [(a, kept["warm"][k]) for k, a in kept["cold"].items()]
    off = max(abs(a.value - b.value) / abs(a.value) for a, b in pairs)
    print(f"largest difference between the two: {off:.1e}\n")


def again(data: Path, rounds: int = 3) -> None:
    """A first solve from a new process on, the next one there, and the next one with a start."""
    print("state   first  of it solver   again   part   with a start   part")
    parts = []
    for folder in sorted(p for p in data.iterdir() if (p / "state.csv").is_file()):
        rows = []
        for k in range(rounds):
            changed = str(RATES["alpha"] * (1.02 + 0.01 * k))
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", ONE_SOLVE, str(MODEL), str(folder), "alpha", changed],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "ALLOCC_IN_PROCESS": "1"},
            )
            whole = time.perf_counter() - begun
            first, solver, cold, _, warm, _ = map(float, done.stdout.split())
            # From the start of the process on, and without its end and the two that follow.
            rows.append((whole - cold - warm, solver, cold, warm, first))
        first, solver, cold, warm = (median(r[k] for r in rows) for k in range(4))
        parts.append((cold / first, warm / first))
        print(
            f"{folder.name:5}  {first:6.2f}  {solver:12.2f}  {cold:6.2f}  {cold / first:5.0%}"
            f"  {warm:13.2f}  {warm / first:5.0%}"
        )
    print(
        f"median                                {median(p[0] for p in parts):5.0%}"
        f"                 {median(p[1] for p in parts):5.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with one folder a state")
    parser.add_argument("--state", default="RI", help="whose rates are drawn")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    states(asked.data, asked.workers)
    draws(asked.data / asked.state, asked.draws, asked.workers)
    again(asked.data)


if __name__ == "__main__":
    main()
