"""The published heuristic beside the proven optimum.

    python examples/access/heuristic.py [--data DIR] [--case c01] [--next-dose]

The heuristic of section 6.2 of the paper, as it can be read: solve the linear program in which no
location saturates; see which ones do at its solution; put the share that the disadvantaged acquire
there into the linear program, and solve it again. Repeated until the doses repeat; the best doses on the
way are kept. With `--next-dose` the share of the next dose is put in instead of the share of all.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import allocc

FOLDER = Path(__file__).resolve().parent
#: It has never taken more than a few steps.
MOST_STEPS = 50


@dataclass(frozen=True)
class Compared:
    """Disparities of the same case: equal coverage, the heuristic's, the best and its bound.

    `seconds` has the time of the heuristic, and of the optimum with its proof.
    """

    proportional: float
    heuristic: float
    best: float
    bound: float
    seconds: tuple[float, float]

    @property
    def lost(self) -> float:
        """The part of what could be gained on equal coverage that the heuristic does not gain."""
        possible = self.proportional - self.best
        return (self.heuristic - self.best) / possible if possible > 1e-12 else 0.0


def heuristic(
    data: Path, settings: dict[str, object], next_dose: bool = False, solver: str = "highs"
) -> tuple[float, float]:
    """Disparity of the best allocation on the way, and that of equal coverage."""
    best = proportional = float("inf")
    share: object = None
    seen: set[bytes] = set()
    for _ in range(MOST_STEPS):
        given = settings if share is None else {**settings, "share": share}
        model = allocc.load(FOLDER / "fixed_shares.alloc", data=data, **given)
        found = model.solve(solver=solver, gap=1e-9)
        best = min(best, found.reports["disparity_with_saturation"])
        proportional = found.reports["proportional"]
        doses = found["doses"].to_numpy().round(6).tobytes()
        if doses in seen:
            break
        seen.add(doses)
        share = found.reports["share_of_next" if next_dose else "share_there"]
    return best, proportional


def compare(
    data: Path, settings: dict[str, object], next_dose: bool = False, solver: str = "highs"
) -> Compared:
    """The heuristic and the certified optimum of one case."""
    start = time.perf_counter()
    value, proportional = heuristic(data, settings, next_dose, solver)
    middle = time.perf_counter()
    exact = allocc.load(FOLDER / "access.alloc", data=data, **settings).solve(
        solver=solver, gap=1e-7
    )
    assert exact.value is not None and exact.bound is not None
    seconds = (middle - start, time.perf_counter() - middle)
    return Compared(proportional, value, float(exact.value), float(exact.bound), seconds)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the CSV files")
    parser.add_argument("--case", action="append", help="row of cases.csv; may be repeated")
    parser.add_argument("--next-dose", action="store_true", help="the other reading")
    chosen = parser.parse_args()
    print(f"{'case':6} {'equal':>10} {'heuristic':>10} {'best':>10} {'bound':>10} {'lost':>6}")
    for case in chosen.case or ["c01"]:
        c = compare(chosen.data, {"case": case}, chosen.next_dose)
        print(
            f"{case:6} {c.proportional:10.6f} {c.heuristic:10.6f} {c.best:10.6f} "
            f"{c.bound:10.6f} {round(c.lost, 3) + 0.0:6.1%}"
        )


if __name__ == "__main__":
    main()
