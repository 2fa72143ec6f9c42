"""Nonlinear epidemics: the three shipped instances, allocc with HiGHS beside SCIP on the products.

python benchmarks/epidemics.py [--time-limit 60] [--gap 0.01] [--peers]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from allocc.compiler.binding.bind import bind
from allocc.compiler.unrolling.discretize import discretize
from allocc.dsl.reading.parser import parse_file
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "epidemic"
MODEL = FOLDER / "epidemic.alloc"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--gap", type=float, default=1e-2)
    parser.add_argument("--peers", action="store_true", help="also SCIP with --method direct")
    chosen = parser.parse_args()
    print(f"{'instance':14} {'solver':12} {'bound':>12} {'value':>12} {'gap':>9} {'seconds':>8}")
    for name in ("one_region", "two regions", "four_regions"):
        data = FOLDER if name == "two regions" else FOLDER / name
        runs = [("highs", "auto")] + ([("scip", "direct")] if chosen.peers else [])
        for solver, method in runs:
            problem = discretize(bind(parse_file(MODEL), data, path=MODEL))
            start = time.perf_counter()
            options = Options(
                solver=solver, method=method, gap=chosen.gap, time_limit=chosen.time_limit
            )
            o = solve(problem, options)
            gap = f"{o.gap:9.1e}" if o.gap is not None else "        -"
            print(
                f"{name:14} {solver + ' ' + method:12} {o.bound or float('nan'):12.2f} "
                f"{o.value or float('nan'):12.2f} {gap} {time.perf_counter() - start:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
