"""The basic reproduction number by the next-generation matrix.

Around the state without the disease, the infected change by dx/dt = (F - V) x: F has the new infections, V
everything else. K = F V^-1 says how many new infections in i one case that begins in j causes before it ends,
and R0 is its spectral radius (Diekmann, Heesterbeek and Metz 1990; van den Driessche and Watmough 2002). The
disease can spread from few cases if R0 > 1, and cannot if R0 < 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.equations.rates import Rates, net
from allocc.questions.analyze.infection import Infection, Structure, new_infections

#: A matrix with a larger condition number is not inverted.
WORST_CONDITION = 1e14


@dataclass(frozen=True, eq=False)
class NextGeneration:
    """F, V and K over `points`, the infected ones; `number` is R0, and `growth` the rate at which cases grow.

    `matrix` and `number` are None where V has no inverse: then some case never ends.
    """

    points: IntArray
    new: FloatArray
    passing: FloatArray
    matrix: FloatArray | None
    number: float | None
    growth: float


def next_generation(
    rates: Rates, found: Structure, of: Infection, state: FloatArray
) -> NextGeneration:
    """The next-generation matrix at a state without the disease."""
    points = np.nonzero(of.infected)[0]
    slope = rates.amounts_slope(state, points)
    counted = new_infections(found, of)
    new = _into(rates, np.where(counted[:, None], slope, 0.0), found, points)
    passing = new - net(rates.equations, slope)[points]
    growth = float(np.linalg.eigvals(new - passing).real.max())
    matrix = _matrix(new, passing)
    number = None if matrix is None else radius(matrix)
    return NextGeneration(points, new, passing, matrix, number, growth)


def _into(rates: Rates, slope: FloatArray, found: Structure, points: IntArray) -> FloatArray:
    """What flows bring to points; what they take from there is no new infection."""
    whole = np.zeros((rates.equations.size, slope.shape[1]))
    inside = found.target >= 0
    np.add.at(whole, found.target[inside], slope[inside])
    return np.asarray(whole[points])


def _matrix(new: FloatArray, passing: FloatArray) -> FloatArray | None:
    if not np.isfinite(passing).all() or np.linalg.cond(passing) > WORST_CONDITION:
        return None
    # Where somebody stays for ever, or infected come from themselves faster than they go, some time in
    # a compartment is infinite or negative.
    stays = np.linalg.inv(passing)
    if (stays < -1e-9 * np.abs(stays).max()).any():
        return None
    return np.asarray(new @ stays)


def radius(matrix: FloatArray) -> float:
    """The spectral radius."""
    return float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))


def by_itself(of: NextGeneration, mask: BoolArray) -> float | None:
    """R0 of some of the infected points alone, were there no others."""
    part = np.ix_(mask, mask)
    matrix = _matrix(of.new[part], of.passing[part])
    return None if matrix is None else radius(matrix)
