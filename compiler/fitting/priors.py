"""What an estimate is known to be beforehand: priors as squares that are added to the deviance.

The square of a residual is twice the logarithm of how much denser the prior is at its mode. So the least
sum of all squares is the largest posterior density of the parameter itself (maximum a posteriori). A
lognormal prior with median m and deviation s of the logarithm has its mode at m exp(-s^2), and

    -2 log density(x) = ((log x - log m + s^2) / s)^2 + constant.

A uniform prior only narrows the range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocc.compiler.arrays import FloatArray

PriorKind = Literal["normal", "lognormal", "uniform"]


@dataclass(frozen=True, eq=False)
class Prior:
    """A prior of each number of an estimate: `place` and `size` have the shape of its block.

    They are mean and standard deviation of `normal`, the median and the standard deviation of the
    logarithm of `lognormal`, and both ends of `uniform`.
    """

    kind: PriorKind
    place: FloatArray
    size: FloatArray

    @property
    def range(self) -> tuple[FloatArray, FloatArray]:
        """Outside of which its density is 0."""
        if self.kind == "uniform":
            return self.place, self.size
        low = np.zeros_like(self.place) if self.kind == "lognormal" else -np.inf + 0 * self.place
        return low, np.full_like(self.place, np.inf)

    @property
    def center(self) -> FloatArray:
        """A value in its middle, where a search may begin."""
        return (self.place + self.size) / 2 if self.kind == "uniform" else self.place

    def missed(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals at numbers of the block's shape, and their slopes; none of a uniform prior."""
        if self.kind == "uniform":
            return np.zeros(0), np.zeros(0)
        if self.kind == "normal":
            return (x - self.place) / self.size, 1 / self.size
        with np.errstate(all="ignore"):
            off = np.log(x) - np.log(self.place) + self.size**2
            return off / self.size, 1 / (x * self.size)

    def deviation(self, x: FloatArray) -> FloatArray | None:
        """Its standard deviation around numbers, for what a logarithm has; None of a uniform one."""
        if self.kind == "uniform":
            return None
        return self.size if self.kind == "normal" else self.size * np.abs(x)

    def texts(self) -> list[str]:
        """How it is written, for each number."""
        pairs = zip(self.place.ravel(), self.size.ravel(), strict=True)
        return [f"{self.kind}({a:.6g}, {b:.6g})" for a, b in pairs]
