"""Pieces that are propagated side by side get the ranges that each gets alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allocc
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.bounds import Infeasible, Propagator
from allocc.compiler.programs.local_ranges import SWEEPS, LocalRanges, propagate
from allocc.compiler.relaxing.relaxation import Relaxation

EXAMPLES = Path(__file__).parents[3] / "examples"


def alone(near: LocalRanges, low: float, high: float) -> tuple[FloatArray, FloatArray] | None:
    """What plain propagation says of one piece."""
    lower, upper = near.program.lower.copy(), near.program.upper.copy()
    lower[near.mine] = max(low, lower[near.mine])
    upper[near.mine] = min(high, upper[near.mine])
    try:
        return Propagator(near.program).run(lower, upper, sweeps=SWEEPS)
    except Infeasible:
        return None


@pytest.mark.parametrize("name", ["opioid", "epidemic", "lockdown"])
def test_side_by_side_is_as_alone(name: str) -> None:
    model = allocc.load(EXAMPLES / name / f"{name}.alloc")
    relaxation = Relaxation(model.lowered.program)
    rng = np.random.default_rng(7)
    asked, empty = [], 0
    for j in relaxation.plan.cut_columns[:12] or np.unique(relaxation.program.products.left)[:12]:
        low, high = relaxation.program.lower[j], relaxation.program.upper[j]
        cuts = np.sort(rng.uniform(low, high, 4))
        if relaxation.program.integer[j]:
            cuts = np.unique(np.floor(cuts))
        # The last piece lies outside of the column's range, where nothing is.
        lows = np.array([low, *cuts, high + 10])
        highs = np.array([*cuts, high, high + 20])
        asked.append((LocalRanges(relaxation.program, int(j)), lows, highs))
    propagate(asked)
    for near, lows, highs in asked:
        for low, high, good in zip(lows, highs, near.feasible(lows, highs), strict=True):
            expected = alone(near, low, high)
            assert good == (expected is not None)
            if expected is None:
                empty += 1
                continue
            found = near.ranges(near.columns, np.array([low]), np.array([high]))
            for mine, theirs in zip(found, expected, strict=True):
                assert mine[0] == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    assert empty
