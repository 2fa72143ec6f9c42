"""Proofs in rationals of the opioid model, state by state: what they cost beside the solve.

python benchmarks/proofs.py --data DIR [--only RI,HI] [--gap 1e-4] [--time-limit 240] [--write DIR]

DIR has a folder for each state with counties.csv and state.csv. Each state is solved alone, then solved and
proven, one after the other in this process. `gap` is between the simulated value and the rational bound, `MB` is
the compressed proof. `check` is the time of `allocc.proof.checker` alone, asked anew. Below stand the geometric
means. `--write` keeps program.mps and proof.vipr.gz of each state for other checkers. Exit code 1 where a state
has no proof, or its bound misses the gap.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import allocc
from allocc.engine.certifying.proven import solve_and_prove
from allocc.engine.judging.outcome import Options
from allocc.engine.judging.proof import Proof
from allocc.engine.solve import solve
from allocc.proof.checker import check

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "examples" / "opioid" / "opioid.alloc"


def main() -> int:
    """Run the states and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--time-limit", type=float, default=240.0)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    if not asked.data.is_dir():
        print(f"skipped: there is no folder {asked.data}")
        return 0
    states = sorted(p.parent.name for p in asked.data.glob("*/counties.csv"))
    if asked.only:
        states = [s for s in states if s in asked.only.split(",")]
    head = (
        "state",
        "solve s",
        "prove s",
        "check s",
        "leaves",
        "MB",
        "value",
        "rational bound",
        "gap",
    )
    print(("{:>7}" + "{:>10}" * 5 + "{:>14}{:>16}{:>10}").format(*head), flush=True)
    failed, ratios = False, []
    for state in states:
        problem = allocc.load(MODEL, data=asked.data / state).problem
        started = time.perf_counter()
        solve(problem, Options(gap=asked.gap, time_limit=asked.time_limit))
        alone = time.perf_counter() - started
        outcome = solve_and_prove(
            problem, Options(gap=asked.gap, time_limit=asked.time_limit, prove=True)
        )
        proof = outcome.proof
        if proof is None or proof.bound is None or outcome.value is None:
            print(f"{state:>7}  no proof: {'; '.join(outcome.notes)}", flush=True)
            failed = True
            continue
        seconds = _checked(proof, None if asked.write is None else asked.write / state)
        gap = (outcome.value - float(proof.bound)) / abs(outcome.value)
        failed |= gap > asked.gap
        ratios.append((proof.seconds + proof.seconds_to_check) / alone)
        print(
            f"{state:>7}{alone:>10.1f}{proof.seconds:>10.1f}{seconds:>10.2f}{proof.leaves:>10}"
            f"{len(proof.text) / 1e6:>10.2f}{outcome.value:>14.4f}{float(proof.bound):>16.6f}{gap:>10.1e}",
            flush=True,
        )
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"to prove and check takes {mean:.2f} times as long as to solve (geometric mean)")
    return 1 if failed else 0


def _checked(proof: Proof, kept: Path | None) -> float:
    """Seconds of the checker alone, on files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) if kept is None else kept
        folder.mkdir(parents=True, exist_ok=True)
        program, text = folder / "program.mps", folder / "proof.vipr.gz"
        program.write_bytes(proof.program)
        text.write_bytes(proof.text)
        started = time.perf_counter()
        found = check(program, text)
        seconds = time.perf_counter() - started
        assert found.bound == proof.bound
        return seconds


if __name__ == "__main__":
    sys.exit(main())
