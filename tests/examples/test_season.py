"""The season of two stages against one linear program that is written out here, world by world."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

import allocc

FOLDER = Path(__file__).parents[2] / "examples" / "season"
WORLDS, WEEKS = 5, 10


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written_out(draws: list[dict[str, float]]) -> float:
    """The least mean cost; columns are beds, then in each world ill, staffed and flown by town and week."""
    towns = [r["town"] for r in rows("towns.csv")]
    people = np.array([float(r["people"]) for r in rows("towns.csv")])
    share = np.array([float(r["share"]) for r in rows("weeks.csv")])
    n = len(towns)
    size = n * (WEEKS + 1) + 2 * n * WEEKS
    columns = n + len(draws) * size
    lower, upper, cost = np.zeros(columns), np.full(columns, np.inf), np.zeros(columns)
    upper[:n], cost[:n] = 600, 6000
    matrix, low, high = lil_array((10_000, columns)), [], []

    def row(parts: dict[int, float], least: float, most: float) -> None:
        for k, x in parts.items():
            matrix[len(low), k] += x
        low.append(least)
        high.append(most)

    for w, draw in enumerate(draws):
        begin = n + w * size
        ill = begin + np.arange(n * (WEEKS + 1)).reshape(n, WEEKS + 1)
        staffed = ill[-1, -1] + 1 + np.arange(n * WEEKS).reshape(n, WEEKS)
        flown = staffed[-1, -1] + 1 + np.arange(n * WEEKS).reshape(n, WEEKS)
        cost[staffed], cost[flown] = 700 / len(draws), 9500 / len(draws)
        upper[staffed] = upper[flown] = 900
        upper[ill[:, 0]] = 0
        stays = np.exp(-draw["stay"])
        within = (1 - stays) / draw["stay"]
        for k in range(WEEKS):
            row(dict.fromkeys(staffed[:, k].tolist(), 1.0), -np.inf, 1200)
            for r, town in enumerate(towns):
                arrive = draw[f"attack[{town}]"] * people[r] * share[k]
                step = {ill[r, k + 1]: 1.0, ill[r, k]: -stays, flown[r, k]: within}
                row(step, within * arrive, within * arrive)
                row({staffed[r, k]: 1.0, r: -1.0}, -np.inf, 0.0)
                row({ill[r, k]: 1.0, staffed[r, k]: -1.0}, -np.inf, 0.0)
    limits = LinearConstraint(matrix.tocsr()[: len(low)], low, high)
    whole = np.arange(columns) < n
    found = milp(
        cost,
        constraints=limits,
        bounds=Bounds(lower, upper),
        integrality=whole,
        options={"mip_rel_gap": 1e-9},
    )
    assert found.success
    return float(found.fun)


def test_the_mean_over_winters() -> None:
    model = allocc.load(FOLDER / "season.alloc")
    draws = model.draw(WORLDS, seed=4)
    expected = written_out(draws)
    found = model.solve_over(WORLDS, seed=4, gap=1e-6, information=False)
    assert found.value == pytest.approx(expected, rel=2e-6)
    assert found.bound is not None and found.bound <= expected * (1 + 1e-8)
    alone = [written_out([d]) for d in draws]
    perfect = model.solve_over(WORLDS, seed=4, gap=1e-6).information
    assert perfect is not None
    low, high = perfect.perfect
    known = expected - float(np.mean(alone))
    assert low is not None and high is not None
    assert low - 1e-5 * expected <= known <= high + 1e-5 * expected
