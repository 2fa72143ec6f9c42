"""How long one who comes to a compartment stays there.

Once: one over the rate at which the compartment is left. In all stays: with A the matrix of linear flows among the
compartments that are left for good, dx/dt = A x, one who begins in j spends -A^-1 (i, j) in i (the fundamental
matrix of a Markov chain in continuous time; Kemeny and Snell 1960).
"""

from __future__ import annotations

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray
from allocc.compiler.equations.rates import Rates
from allocc.questions.analyze.infection import Structure
from allocc.results.dynamics.analysis import Stay


def stays(rates: Rates, found: Structure, state: FloatArray) -> tuple[Stay, ...]:
    """The mean times in every compartment that is left, at a state."""
    slope = rates.amounts_slope(state)
    if not np.isfinite(slope).all():
        return ()
    leaving, matrix = _generator(rates, found, slope)
    labels = rates.equations.labels
    passed = _left_for_good(found, matrix)
    in_all: dict[int, dict[str, float]] = {}
    if _linear(rates, found, slope, state) and passed.any():
        points = np.nonzero(passed)[0]
        times = -np.linalg.inv(matrix[np.ix_(points, points)])
        for column, k in enumerate(points):
            in_all[int(k)] = {
                labels[i]: float(t) for i, t in zip(points, times[:, column], strict=True) if t > 0
            }
    return tuple(
        Stay(label, 1 / float(leaving[k]) if leaving[k] > 0 else None, in_all.get(k))
        for k, label in enumerate(labels)
    )


def _generator(rates: Rates, found: Structure, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The rate at which each point is left, and A: how one who is in a point moves on."""
    n = rates.equations.size
    leaving, matrix = np.zeros(n), np.zeros((n, n))
    flows = np.nonzero(found.origin >= 0)[0]
    start, stop = found.origin[flows], found.target[flows]
    own = slope[flows, start]
    np.add.at(leaving, start, own)
    np.subtract.at(matrix, (start, start), own)
    inside = stop >= 0
    np.add.at(matrix, (stop[inside], start[inside]), own[inside])
    return leaving, matrix


def _linear(rates: Rates, found: Structure, slope: FloatArray, state: FloatArray) -> bool:
    """Whether each flow out of a compartment is a rate times what it holds, and nothing else."""
    flows = np.nonzero(found.origin >= 0)[0]
    own = slope[flows].copy()
    held = own[np.arange(len(flows)), found.origin[flows]]
    own[np.arange(len(flows)), found.origin[flows]] = 0.0
    other = 0.5 * state + 1.0
    amounts = rates.amounts(other)[flows]
    size = max(float(np.abs(amounts).max(initial=0.0)), 1e-300)
    straight = np.abs(amounts - held * other[found.origin[flows]]) <= 1e-9 * size
    return bool(not own.any() and straight.all())


def _left_for_good(found: Structure, matrix: FloatArray) -> BoolArray:
    """The points from which one comes, sooner or later, to where there is no way back from."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(matrix)
    # The outside is one more point, which nobody comes back from.
    graph = np.zeros((n + 1, n + 1))
    graph[:n, :n] = (matrix.T > 0) & ~np.eye(n, dtype=bool)
    graph[:n, n] = -matrix.sum(axis=0) > 1e-12 * np.abs(np.diag(matrix))
    count, member = connected_components(csr_array(graph), directed=True, connection="strong")
    leads_on = np.zeros(count, dtype=bool)
    start, stop = np.nonzero(graph)
    np.logical_or.at(leads_on, member[start], member[start] != member[stop])
    return np.asarray(leads_on[member[:n]])
