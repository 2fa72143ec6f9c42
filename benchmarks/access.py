"""Access-aware allocation: what the published heuristic loses, and how long thousands of locations take.

    python benchmarks/access.py heuristic [--data DIR ...] [--random 60] [--locations 40]
    python benchmarks/access.py size [--locations 3000] [--epsilon 0.1] [--solver highs]

DIR has `locations.csv` and `cases.csv` as examples/access has them; of the cases those with one known
pace are solved. Random locations have populations and shares as different as those of real counties:
populations log-normal (median 26,000), shares uniform.
"""

from __future__ import annotations

import argparse
import cProfile
import csv
import pstats
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "access"
sys.path.insert(0, str(FOLDER))
#: A disparity counts as missed beyond the gap at which the optimum is proven.
MISSED = 1e-6


def locations(folder: Path, count: int, seed: int) -> None:
    """Random locations, with one case beside them."""
    rng = np.random.default_rng(seed)
    people = np.clip(np.exp(rng.normal(np.log(26_000), 1.4, count)), 500, 1e7).round()
    beta = rng.uniform(0.05, 0.95, count).round(3)
    rows = [(f"L{k:05}", int(p), b) for k, (p, b) in enumerate(zip(people, beta, strict=True))]
    write(folder / "locations.csv", ("location", "population", "beta"), rows)
    case = ("c01", "approx", "single", "abs_l1", 0.1, 0.6, 0.3, "")
    head = ("case", "model", "criterion", "distance", "epsilon", "r", "rho", "rho_set")
    write(folder / "cases.csv", head, [case])


def write(path: Path, head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def settings(folder: Path) -> list[dict[str, object]]:
    """The cases of a folder with one known pace and saturation."""
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        {"case": r["case"]} for r in rows if (r["model"], r["criterion"]) == ("approx", "single")
    ]


def random_settings(rng: np.random.Generator) -> dict[str, object]:
    return {
        "distance": str(rng.choice(["abs_l1", "rel_linf"])),
        "epsilon": float(rng.choice([0.1, 0.2, 0.5])),
        "available": float(rng.choice([0.3, 0.5, 0.7, 0.9])),
        "rho": float(rng.choice([0.1, 0.25, 0.5, 0.75])),
    }


def heuristics(chosen: argparse.Namespace) -> None:
    from heuristic import compare

    head = ("instance", "reading", "cases", "missed", "mean lost", "most", "seconds", "proof")
    print("{:16} {:10} {:>6} {:>7} {:>10} {:>7} {:>8} {:>6}".format(*head))
    runs = [(d.name, [(d, s) for s in settings(d)]) for d in chosen.data]
    with tempfile.TemporaryDirectory() as top:
        made = []
        rng = np.random.default_rng(chosen.seed)
        for k in range(chosen.random):
            folder = Path(top, str(k))
            folder.mkdir()
            locations(folder, chosen.locations, chosen.seed + k)
            made.append((folder, random_settings(rng)))
        for name, cases in (*runs, (f"random, {chosen.locations}", made)):
            for reading in (False, True):
                if not cases:
                    continue
                found = [compare(d, s, next_dose=reading, solver=chosen.solver) for d, s in cases]
                seconds = np.mean([c.seconds for c in found], axis=0)
                lost = [c.lost for c in found if c.heuristic - c.best > MISSED * abs(c.best) + 1e-9]
                print(
                    f"{name:16} {'next dose' if reading else 'all doses':10} {len(cases):6} "
                    f"{len(lost):7} {np.mean(lost) if lost else 0:10.1%} "
                    f"{max(lost, default=0.0):7.1%} {seconds[0]:8.2f} {seconds[1]:6.2f}",
                    flush=True,
                )


def sizes(chosen: argparse.Namespace) -> None:
    import allocc

    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        for seed in range(chosen.seed, chosen.seed + chosen.repeat):
            locations(folder, chosen.locations, seed)
            profile = cProfile.Profile() if chosen.profile else None
            if profile:
                profile.enable()
            start = time.perf_counter()
            model = allocc.load(FOLDER / "access.alloc", data=folder, epsilon=chosen.epsilon)
            loaded = time.perf_counter()
            result = model.solve(solver=chosen.solver, time_limit=120)
            end = time.perf_counter()
            if profile:
                profile.disable()
            print(
                f"{chosen.locations} locations, epsilon {chosen.epsilon}: read {loaded - start:.2f} s, "
                f"solved {end - loaded:.2f} s, {result.status}, value {result.value}, gap {result.gap}",
                flush=True,
            )
            if profile:
                pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("heuristic", "size"))
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="folders of instances")
    parser.add_argument("--random", type=int, default=60, help="so many random instances")
    parser.add_argument("--locations", type=int, default=None)
    parser.add_argument("--epsilon", type=float, default=0.1)
    parser.add_argument("--solver", default="highs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    chosen.locations = chosen.locations or (40 if chosen.what == "heuristic" else 3000)
    heuristics(chosen) if chosen.what == "heuristic" else sizes(chosen)


if __name__ == "__main__":
    main()
