"""The least regret in one go: the best disparity at each pace first, then the allocation.

    python examples/access/regret.py [--data DIR] [--case c06] [--gap 1e-6]

Regret is measured against optima that are themselves only proven within a gap. So the two sides of the
certificate are taken apart: with the *values* of the inner solves, which the optima cannot exceed, no
regret is overstated, and the outer bound holds. With their *bounds*, which the optima cannot fall below,
none is understated, and that is the regret that the allocation is said to have.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import allocc
from allocc import Result

FOLDER = Path(__file__).resolve().parent


#: A set of paces and one of them, as labels.
Pace = tuple[str, str]


@dataclass(frozen=True)
class Regret:
    """The outer result; value and bound of the best disparity at each pace; regret at most."""

    result: Result
    best: dict[Pace, tuple[float, float]]
    regret: dict[Pace, float]

    @property
    def certain(self) -> float:
        """No pace can bring more regret than this."""
        return max(self.regret.values())

    @property
    def bound(self) -> float | None:
        """No allocation can have less."""
        return self.result.bound


def least_regret(data: Path, case: str, gap: float = 1e-6, solver: str = "highs") -> Regret:
    """Solve for each pace by itself, then for the regret."""
    paces = allocc.load(FOLDER / "expected.alloc", data=data, case=case).bound.sets["Pace"]
    best: dict[Pace, tuple[float, float]] = {}
    for rho_set, rho in zip(*paces.components, strict=True):
        model = allocc.load(FOLDER / "access.alloc", data=data, case=case, rho=float(rho))
        found = model.solve(solver=solver, gap=gap)
        if found.value is None or found.bound is None:
            raise SystemExit(f"no optimum is known at pace {rho}: {found.status}")
        best[rho_set, rho] = found.value, found.bound
    given = {f"best[{s},{rho}]": value for (s, rho), (value, _) in best.items()}
    outer = allocc.load(FOLDER / "regret.alloc", data=data, case=case, **given)
    result = outer.solve(solver=solver, gap=gap)
    if result.value is None:
        raise SystemExit(f"no allocation is known: {result.status}")
    at = result.reports["disparity_at"]
    regret = {pace: float(at[pace]) - bound for pace, (_, bound) in best.items()}
    return Regret(result, best, regret)


def main() -> None:
    """Print the inner certificates and the outer one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the CSV files")
    parser.add_argument("--case", default="c06", help="row of cases.csv")
    parser.add_argument("--gap", type=float, default=1e-6, help="relative gap of every solve")
    chosen = parser.parse_args()
    found = least_regret(chosen.data, chosen.case, chosen.gap)
    at = found.result.reports["disparity_at"]
    print(f"{'pace':>6} {'best':>10} {'bound':>10} {'here':>10} {'regret':>10}")
    for pace, (value, bound) in found.best.items():
        lost = found.regret[pace]
        print(f"{pace[1]:>6} {value:10.6f} {bound:10.6f} {at[pace]:10.6f} {lost:10.6f}")
    least = (
        "nothing is proven" if found.bound is None else f"none can have less than {found.bound:.6f}"
    )
    print(f"largest regret: at most {found.certain:.6f}; {least}")
    print(found.result["doses"].to_string())


if __name__ == "__main__":
    main()
