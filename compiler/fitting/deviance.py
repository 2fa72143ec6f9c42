"""How far a model is from data, by the kind of their error: residuals whose squares are the loss.

For plain squares the residual is the difference. Otherwise it is the signed root of the deviance: its
square is twice the logarithm of how much likelier the data would be if the model met them exactly
(McCullagh and Nelder 1989, Generalized Linear Models, 2.3). So least squares are maximum likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.arrays import FloatArray
from allocc.compiler.fitting.problem import ErrorKind

#: Relative differences below this are taken by a series.
SMALL = 1e-3


@dataclass(frozen=True, eq=False)
class Missed:
    """Residuals, their slopes in the model's values, and the Fisher information of each value."""

    residual: FloatArray
    slope: FloatArray
    information: FloatArray


def missed(
    kind: ErrorKind, data: FloatArray, model: FloatArray, spread: FloatArray | None
) -> Missed:
    """What the model's values miss of the data, element by element; not a number where none can be.

    `spread` is the standard deviation of `normal` (of the logarithm for `lognormal`), and for
    `negative_binomial` the dispersion k of a variance f + f^2 / k.
    """
    with np.errstate(all="ignore"):
        one = np.ones_like(data)
        match kind:
            case "squares":
                return Missed(model - data, one, one)
            case "normal":
                assert spread is not None
                return Missed((model - data) / spread, one / spread, one / spread**2)
            case "lognormal":
                assert spread is not None
                residual = (np.log(model) - np.log(data)) / spread
                return Missed(residual, 1 / (model * spread), 1 / (model * spread) ** 2)
            case "poisson":
                root = np.sqrt(2 * _bend((model - data) / model) / model)
                return Missed((model - data) * root, 1 / (model * root), 1 / model)
            case "negative_binomial":
                assert spread is not None
                off, above = model - data, model + spread
                root = np.sqrt(2 * (_bend(off / model) / model - _bend(off / above) / above))
                size = model * above / spread
                return Missed(off * root, 1 / (size * root), 1 / size)


def _bend(u: FloatArray) -> FloatArray:
    """((1 - u) log(1 - u) + u) / u^2 for u up to 1: half at 0, and 1 at 1."""
    series = 1 / 2 + u * (1 / 6 + u * (1 / 12 + u * (1 / 20 + u / 30)))
    rest = np.where(u < 1, (1 - u) * np.log1p(-np.minimum(u, 1 - 1e-16)), 0.0)
    return np.where(np.abs(u) < SMALL, series, (rest + u) / np.where(u == 0, 1.0, u) ** 2)
