"""How long a step of explicit Euler may be: X(t + h) = X(t) + h dX/dt.

A compartment loses h times its outflow at once: at most what it holds where h is at most one over the rate of
its outflow. And an error e becomes (I + h J) e: it dies out, where it does so in continuous time, as long as
h < 2 |Re z| / |z|^2 for every eigenvalue z of the Jacobian J with a negative real part.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.equations.rates import Rates, names
from allocc.questions.analyze.infection import Structure
from allocc.results.dynamics.analysis import SafeStep


def safe_step(
    rates: Rates,
    found: Structure,
    state: FloatArray,
    name: Literal["start", "disease-free", "rest"],
) -> SafeStep:
    """The longest safe step at a state."""
    slope = rates.amounts_slope(state)
    left = found.origin >= 0
    flows = np.nonzero(left)[0]
    own = np.nan_to_num(slope[flows, found.origin[flows]])
    leaving = np.zeros(rates.equations.size)
    np.add.at(leaving, found.origin[flows], own)
    point = int(np.argmax(leaving)) if len(leaving) else 0
    jacobian = rates.slope(state)
    stable = _stable(jacobian) if np.isfinite(jacobian).all() else None
    if not len(leaving) or leaving[point] <= 0:
        return SafeStep(name, None, "", (), stable)
    every = names(rates.equations)
    guilty = {
        every[k] for k, r in zip(flows, own, strict=True) if found.origin[k] == point and r > 0
    }
    label = rates.equations.labels[point]
    ordered = tuple(dict.fromkeys(n for n in every if n in guilty))
    return SafeStep(name, 1 / float(leaving[point]), label, ordered, stable)


def _stable(jacobian: FloatArray) -> float | None:
    values = np.linalg.eigvals(jacobian)
    size = max(float(np.abs(values).max(initial=0.0)), 1e-300)
    damped = values[values.real < -1e-9 * size]
    if not len(damped):
        return None
    return float(np.min(2 * np.abs(damped.real) / np.abs(damped) ** 2))
