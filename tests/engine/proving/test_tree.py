"""The tree over linear programs: its bound never excludes a point, and it ends where brute force does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.scaling import scale
from allocc.engine.proving.best_first import Grown
from allocc.engine.proving.branch_and_bound import Tree
from tests.compiler.solving import columns


def random_program(rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """A pure integer program of mixed sizes, with all its points and their values."""
    n, m = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    most = rng.integers(1, 4, n)
    size = 10.0 ** rng.integers(-5, 6, m)
    matrix = np.round(rng.uniform(-5, 5, (m, n)), 1) * size[:, None]
    matrix[rng.random((m, n)) < 0.2] = 0.0
    limit = np.round(rng.uniform(-3, 8, m), 1) * size
    costs = np.round(rng.uniform(-5, 5, n), 1) * 10.0 ** rng.integers(-5, 6)
    made = columns(
        np.zeros(n),
        most.astype(float),
        integer=[True] * n,
        rows=matrix,
        row_lower=np.full(m, -np.inf),
        row_upper=limit,
        objective=costs,
    )
    points = np.array(list(itertools.product(*(range(k + 1) for k in most))), dtype=float)
    off = (points @ matrix.T - limit) / size
    return made, costs, points, off


def grown(program, sense: str, nodes: int = 10_000) -> tuple[Grown, list[FloatArray], float]:  # type: ignore[no-untyped-def]
    """A tree with its offered points, without any target, and the factor of its objective."""
    scaled, scaling = scale(program)
    offered: list[FloatArray] = []
    none = np.inf if sense == "minimize" else -np.inf
    tree = Tree(
        scaling.boxed(scaled),
        lambda x: offered.append(scaling.point_out(x)),
        lambda: none,
        lambda: none,
        lambda: False,
        lambda: None,
    )
    return tree.grow(nodes, np.inf), offered, scaling.objective


@pytest.mark.parametrize("nodes", [1, 4, 10_000])
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_brute_force(nodes: int, seed: int) -> None:
    program, costs, points, off = random_program(np.random.default_rng(seed))
    found, offered, factor = grown(program, "minimize", nodes)
    strictly = points[(off <= 0).all(axis=1)]
    nearly = points[(off <= 1e-6).all(axis=1)]
    size = np.abs(costs).sum() * 3
    if len(strictly):
        best = float((strictly @ costs).min())
        assert not found.infeasible
        assert found.bound / factor <= best + 1e-9 * size
    if found.closed:
        assert found.infeasible == (not len(nearly)) or len(nearly) != len(strictly)
        if len(strictly) and len(nearly) == len(strictly):
            assert found.bound / factor == pytest.approx(best, abs=1e-7 * size)
            assert any(x @ costs == pytest.approx(best, abs=1e-6 * size) for x in offered)
    assert found.word == "proven"


def test_no_end_to_branching() -> None:
    program = columns(
        [0.0],
        [np.inf],
        integer=[True],
        rows=[[1.0]],
        row_lower=[0.5],
        row_upper=[np.inf],
        objective=[1.0],
    )
    found, _, _ = grown(program, "minimize")
    assert not found.closed and found.bound == -np.inf


def test_the_same_nodes_give_the_same_bound() -> None:
    program, *_ = random_program(np.random.default_rng(7))
    first, second = (grown(program, "minimize", 5)[0] for _ in range(2))
    assert (first.bound, first.nodes, first.closed) == (second.bound, second.nodes, second.closed)
