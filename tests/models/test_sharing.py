"""The ten places of docs/how-to/equity.md: each notion's shares, against all ways to share them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import allocc
from tests.models.shelf import Array

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "equity.md"
NEED = np.array([8.0, 7.0, 2.0, 2.0])
GAIN = np.array([0.2, 0.5, 0.7, 0.6])


def benefit(x: Array) -> Array:
    return GAIN * x / NEED


def gini_of_rates(x: Array) -> float:
    pairs = np.abs(NEED[:, None] * x[None, :] - NEED[None, :] * x[:, None]).sum()
    return float(pairs / (2 * NEED.sum() * x.sum()))


NOTIONS: Mapping[str, Callable[[Array], float]] = {
    "total": lambda x: GAIN @ x,
    "isoelastic 0.5": lambda x: 2 * np.average(np.sqrt(benefit(x)), weights=NEED),
    "isoelastic 1": lambda x: np.average(np.log(benefit(x)), weights=NEED),
    "isoelastic 3": lambda x: -np.average(benefit(x) ** -2, weights=NEED) / 2,
    "worst_off": lambda x: benefit(x).min(),
    "sum_of_smallest 2": lambda x: np.sort(benefit(x))[:2].sum(),
    "nash": lambda x: np.log(benefit(x)).sum(),
    "kolm_pollak 8": lambda x: -np.exp(-8 * benefit(x)).mean(),
    "equity_threshold": lambda x: np.minimum(benefit(x), benefit(x).min() + 0.1).sum(),
    "utility_threshold": lambda x: (
        0.6 + 4 * benefit(x).min() + np.maximum(benefit(x) - benefit(x).min() - 0.2, 0).sum()
    ),
    "range": lambda x: -np.ptp(x),
    "largest_envy": lambda x: -np.ptp(x / NEED),
    "gini_of_rates": lambda x: -gini_of_rates(x),
}


def block(name: str) -> str:
    found = re.search(
        rf"^```\w+ {name}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


def test_all_notions_are_here() -> None:
    named = re.findall(r'notion == "(.*?)"', block("places.alloc"))
    assert {*named, "gini_of_rates"} == NOTIONS.keys()


@pytest.mark.parametrize("notion", NOTIONS)
def test_shares(notion: str, tmp_path: Path) -> None:
    for name in ("places.alloc", "groups.csv"):
        (tmp_path / name).write_text(block(name), "utf-8")
    found = allocc.load(tmp_path / "places.alloc", notion=notion).solve(gap=1e-6)
    assert found.status == "optimal"
    formula = NOTIONS[notion]
    ways = (np.array(x, float) for x in product(*(range(1, int(n) + 1) for n in NEED)))
    best = max(formula(x) for x in ways if x.sum() == 10)
    assert found.value == pytest.approx(best, rel=2e-6)
    assert formula(found["give"].to_numpy().astype(float)) == pytest.approx(best, rel=2e-6)
