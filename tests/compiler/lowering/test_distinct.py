"""Rows that are the same up to their sign: each once, and none lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from allocc.compiler.lowering.distinct import unsigned
from allocc.compiler.lowering.lower import lower
from tests.compiler.making import completed, problem, simulated

numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5, -2.5])
rows = st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=12)


@given(rows)
def test_each_row_is_one_that_is_kept_or_its_opposite(given_rows: list[tuple[float, ...]]) -> None:
    all_rows = np.array(given_rows)
    found = unsigned(sparse.csr_array(all_rows[:, :3]), all_rows[:, 3])
    kept = np.column_stack([found.matrix.toarray(), found.level])
    for row, place in zip(all_rows, found.place, strict=True):
        assert (kept[place] == row).all() or (kept[place] == -row).all()
    for k, one in enumerate(kept):
        assert (all_rows[found.first[k]] == one).all()
        for other in kept[:k]:
            assert not (one == other).all() and not (one == -other).all()


PAIRS = """model m
set S = {a, b, c, d, e}
param n[s in S] = if s == "a" then 3 else 7
decide x[S] in 0 .. 5
let each[s in S] = x[s] / n[s] + 1
limit even: sum(i in S, j in S: abs(each[i] - each[j])) <= 4
maximize { t : sum(x) }
"""


def test_the_differences_of_all_pairs_are_laid_out_once_for_two() -> None:
    program = lower(problem(PAIRS)).program
    (absolute,) = program.functions
    # Ten pairs, and the difference of each with itself, which is zero.
    assert len(absolute) == 11
    assert sum(b.count for b in program.column_blocks if b.name.startswith("(each[i]")) == 11


@pytest.mark.parametrize("seed", range(5))
def test_rows_hold_at_simulated_points(seed: int) -> None:
    found = problem(PAIRS)
    lowered = lower(found)
    program = lowered.program
    values = simulated(found, np.random.default_rng(seed))
    point = completed(lowered, values)
    activity = program.matrix @ point
    own = program.row_lower == program.row_upper
    assert activity[own] == pytest.approx(program.row_lower[own], abs=1e-9)
    (even,) = (b for b in program.row_blocks if b.name == "even")
    x = point[:5]
    each = x / np.array([3, 7, 7, 7, 7]) + 1
    apart = np.abs(each[:, None] - each[None, :]).sum()
    assert activity[even.start] == pytest.approx(apart)
