"""Counts of false claims on random ordinary models whose best allocation is known without allocc.

python benchmarks/truth.py [--kind all] [--seed 0] [--count 200] [--solver highs] [--method auto]
    [--time-limit 10] [--people 0] [--money 0] [--quick] [--jobs 2] [--json FILE]
python benchmarks/truth.py --kind epidemics --show 17

`epidemics`: SIR and SEIR of any population; every allocation is simulated. `budgets`: money for
programmes with saturating, S-shaped and concave effects; a fine grid, polished. `programs`:
mixed-integer linear programs with badly scaled numbers; every choice of the integers is tried, the rest
is solved with fractions. A claim is false when it says "infeasible" and an allocation meets every
limit; when a bound excludes the best allocation known by more than 1e-6 of it; when "optimal" is worse
than that by more than the gap; when an allocation breaks a limit or has another value than it is said
to have. The process of a solve may crash, which counts as false, and be later than the time limit by five
seconds. Every false claim is printed with its model and the number that makes it again. Exit code 1
where there is one, or less than 98 % are proven. `--people 3 --money -6` writes the same models in
thousandths of persons and in millions of dollars.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))

from truth_models import KINDS, Job, Units, Verdict, make, run

OUTCOMES = ("proven", "open", "refused", "late", "crashed")
#: The smallest part of all models that is to be proven.
PROVEN = 0.98
QUICK = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0, help="of the first model of each kind")
    parser.add_argument("--count", type=int, default=200, help="models of each kind")
    parser.add_argument("--solver", default="highs")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--people", type=int, default=0, metavar="K", help="amounts times 10^K")
    parser.add_argument("--money", type=int, default=0, metavar="K", help="amounts times 10^K")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} models of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one model and its truth")
    chosen = parser.parse_args()
    kinds = list(KINDS) if chosen.kind == "all" else [chosen.kind]
    if chosen.show is not None:
        for kind in kinds:
            case = make(kind, chosen.show, Units(chosen.people, chosen.money))
            print(f"# {kind} {chosen.show}, truth: {case.best()}\n{case.text}")
        return 0
    count = QUICK if chosen.quick else chosen.count
    jobs = [
        Job(
            kind=k,
            seed=s,
            solver=chosen.solver,
            method=chosen.method,
            gap=chosen.gap,
            time_limit=chosen.time_limit,
            people=chosen.people,
            money=chosen.money,
        )
        for s in range(chosen.seed, chosen.seed + count)
        for k in kinds
    ]
    began = time.perf_counter()
    found = []
    for job, verdict in run(jobs, chosen.jobs):
        found.append((job, verdict))
        if verdict.false:
            print(f"FALSE {job.kind} {job.seed}: {verdict.false}")
            print("    " + job.case().text.replace("\n", "\n    "), flush=True)
    seconds = time.perf_counter() - began
    print(report(found))
    print(f"{len(found)} models in {seconds:.0f} s, {chosen.solver} {chosen.method}")
    if chosen.json:
        plain = [{**asdict(j), "size": j.case().size, **v.plain()} for j, v in found]
        chosen.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    proven = sum(v.outcome == "proven" for _, v in found)
    return int(any(v.false for _, v in found) or proven < PROVEN * len(found))


def report(found: list[tuple[Job, Verdict]]) -> str:
    """One row for every kind and size, and one for each kind."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for job, verdict in found:
        for size in (job.case().size, "all"):
            row = rows.setdefault((job.kind, size), Counter())
            row.update(["count", verdict.outcome] + (["false"] if verdict.false else []))
            row.update([f"proof {verdict.answer.proof}"] if verdict.answer.proof else [])
    words = sorted({w for row in rows.values() for w in row if w.startswith("proof ")})
    columns = ["count", *OUTCOMES, "false", *words]
    head = f"{'kind':10} {'size':6}" + "".join(f"{c.removeprefix('proof '):>9}" for c in columns)
    lines = [head]
    for (kind, size), row in sorted(rows.items()):
        lines.append(f"{kind:10} {size:6}" + "".join(f"{row[c]:9}" for c in columns))
    return "\n".join(lines + _refusals(found))


def _refusals(found: list[tuple[Job, Verdict]]) -> list[str]:
    """Which models were refused, late or left open, so that they can be looked at."""
    lines: list[str] = []
    for outcome in OUTCOMES[1:]:
        of: dict[str, list[Any]] = {}
        for job, v in found:
            if v.outcome == outcome:
                of.setdefault(job.kind, []).append(job.seed)
        lines += [f"{outcome:8} {kind}: {' '.join(map(str, sorted(s)))}" for kind, s in of.items()]
    return lines


if __name__ == "__main__":
    sys.exit(main())
