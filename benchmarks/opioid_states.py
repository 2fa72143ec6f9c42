"""Opioid treatment, state by state: allocc beside the published relaxation and SCIP.

    python benchmarks/opioid_states.py [--data DIR] [--states RI,VT,...] [--peers] [--time-limit 300]

A row a state: the proven bound, the simulated value, the gap, seconds and rounds of allocc with HiGHS.
With --peers, in the same run: (a) the published relaxation (Luo and Stellato: 1/x written exactly
through one binary a value, the product of money with 1/x left to McCormick over its box) solved with
HiGHS, its decisions simulated, and the gap between the two; (b) SCIP on the bilinear model as it
stands. The folder has one folder a state; without --data only the shipped Rhode Island runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from allocc.backends import registry
from allocc.backends.scip import ScipBackend
from allocc.backends.solution import SolveOptions
from allocc.compiler.binding.bind import bind
from allocc.compiler.lowering.lowered import Places
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.extension import Extension
from allocc.compiler.reformulations import extremes, mccormick
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.reading.parser import parse_file
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options, relative_gap
from allocc.engine.solve import solve

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "opioid" / "opioid.alloc"


def load(data: Path) -> Problem:
    return discretize(bind(parse_file(MODEL), data, path=MODEL))


def simulated(problem: Problem, places: Places, point: np.ndarray) -> float:
    decisions = {}
    for v, x in places.values(point, problem.decisions).items():
        decisions[v] = np.clip(np.rint(x) if v.integer else x, v.lower, v.upper)
    return assess(problem, decisions).value


def published(problem: Problem, limit: float) -> tuple[float | None, float | None, float]:
    """Bound and simulated value of the published relaxation, and the seconds it took."""
    start = time.perf_counter()
    lowered = chain(problem, "stated")
    relaxation = Relaxation(lowered.program)
    p, q = relaxation.program, relaxation.program.products
    build = Extension(p)
    inverse = {}
    for j in np.unique(q.right).tolist():
        values = np.arange(p.lower[j], p.upper[j] + 1)
        b = build.columns("p", len(values), 0.0, 1.0, integer=True)
        (z,) = build.columns("z", 1, 1 / values[-1], 1 / values[0])
        inverse[j] = z
        one = [(np.array([k]), 1.0) for k in b]
        build.rows("one", one, 1.0, 1.0)
        build.rows(
            "x",
            [(np.array([j]), 1.0), *((np.array([k]), -v) for k, v in zip(b, values, strict=True))],
            0.0,
            0.0,
        )
        build.rows(
            "z",
            [
                (np.array([z]), 1.0),
                *((np.array([k]), -1 / v) for k, v in zip(b, values, strict=True)),
            ],
            0.0,
            0.0,
        )
    # w = s / x = s * z, with s the product's result and w its left factor
    z = np.array([inverse[j] for j in q.right.tolist()], dtype=np.int64)
    low = np.concatenate([p.lower, *build._lower])
    high = np.concatenate([p.upper, *build._upper])
    mccormick.envelope(build, q.left, q.result, z, low, high)
    for e in p.extremes:
        extremes.write(build, e, p.lower, p.upper, relaxation.plan.down, relaxation.plan.up)
    program = build.finish()
    found = registry.get("highs").solve(program, SolveOptions(time_limit=limit, gap=1e-4))
    seconds = time.perf_counter() - start
    if found.point is None:
        return found.bound, None, seconds
    return found.bound, simulated(problem, lowered.places, found.point), seconds


def scip(problem: Problem, limit: float) -> tuple[float | None, float | None, float]:
    """SCIP on the bilinear program as it stands, without any bound that allocc derives."""
    start = time.perf_counter()
    program = chain(problem, "stated").program
    relaxation = Relaxation(program)
    build = Extension(program)
    for e in program.extremes:
        extremes.write(
            build, e, program.lower, program.upper, relaxation.plan.down, relaxation.plan.up
        )
    bilinear = build.finish(program.products)
    # As SCIP comes: what allocc turns off is not the peer's to pay for.
    as_it_comes = ScipBackend({"presolving/donotaggr": False})
    found = as_it_comes.solve(bilinear, SolveOptions(time_limit=limit, gap=1e-4))
    return found.bound, found.value, time.perf_counter() - start


def show(x: float | None, form: str = "12.4f") -> str:
    return format(x, form) if x is not None else "-".rjust(int(form.split(".")[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with one folder a state")
    parser.add_argument("--states", help="comma-separated names of those folders")
    parser.add_argument(
        "--peers", action="store_true", help="also run the published relaxation and SCIP"
    )
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--gap", type=float, default=1e-4)
    chosen = parser.parse_args()
    folders = {"RI": MODEL.parent}
    expected: dict[str, dict[str, float]] = {}
    if chosen.data is not None:
        folders = {f.name: f for f in sorted(chosen.data.iterdir()) if (f / "state.csv").is_file()}
        if (chosen.data / "expected.json").is_file():
            expected = json.loads((chosen.data / "expected.json").read_text())
    if chosen.states:
        folders = {s: folders[s] for s in chosen.states.split(",")}
    head = f"{'state':5} {'bound':>12} {'value':>12} {'gap':>9} {'seconds':>8} {'rounds':>6}"
    if chosen.peers:
        head += (
            f" | {'published gap':>13} {'seconds':>8} | {'SCIP gap':>9} {'seconds':>8} {'ratio':>7}"
        )
    print(head)
    ratios = []
    for state, folder in folders.items():
        problem = load(folder)
        start = time.perf_counter()
        o = solve(problem, Options(gap=chosen.gap, time_limit=chosen.time_limit))
        seconds = time.perf_counter() - start
        line = f"{state:5} {show(o.bound)} {show(o.value)} {show(o.gap, '9.1e')} {seconds:8.2f} {o.rounds:6d}"
        if chosen.peers:
            bound, value, took = published(load(folder), chosen.time_limit)
            line += f" | {show(relative_gap(value, bound, 0.0), '13.4f')} {took:8.2f}"
            bound, value, took = scip(load(folder), chosen.time_limit)
            ratios.append(min(took, chosen.time_limit) / seconds)
            line += (
                f" | {show(relative_gap(value, bound, 0.0), '9.1e')} {took:8.2f} {ratios[-1]:7.1f}"
            )
        if state in expected and o.value is not None:
            off = abs(o.value - expected[state]["value"]) / abs(expected[state]["value"])
            line += f"   expected {expected[state]['value']:.3f} ({off:.0e} off)"
        print(line, flush=True)
    if ratios:
        print(
            f"geometric mean of SCIP's seconds over allocc's: {np.exp(np.mean(np.log(ratios))):.1f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB (the whole run, peers included)")


if __name__ == "__main__":
    main()
