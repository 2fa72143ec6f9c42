"""What is known of a function of one variable.

Every claim is held by `tests/compiler/functions/test_functions.py`, for all functions alike: values and slopes
against differences, images and what they come from, curvature and direction against samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray

Map = Callable[[FloatArray], FloatArray]
Ends = tuple[FloatArray, FloatArray]
Domain = Literal["all", "not negative", "positive", "not zero"]


@dataclass(frozen=True)
class Word:
    """A function as a word of the language.

    `units`: the unit of the result is that of the argument (`kept`) or its root; or both are pure
    numbers (`pure`). `size` gives the size of the result (see `unrolling/magnitude_of_terms`) from its absolute value
    and the size of the argument. `around` is what stands around the argument in a formula, where that is
    not the name and brackets.
    """

    about: str
    units: Literal["kept", "root", "pure"]
    size: Callable[[FloatArray, FloatArray], FloatArray]
    around: tuple[str, str] | None = None


@dataclass(frozen=True)
class ScalarFunction:
    """A function f of one real variable; all arrays are of one shape, and no NumPy warning escapes.

    - `value`, `slope`: f and f', not a number outside of the domain.
    - `image(low, high)`: the ends of f over `low .. high`, as far as that lies in the domain.
    - `preimage(low, high, argument_low)`: a range that holds every x from `argument_low` on with f(x) in
      `low .. high`; None where nothing is said.
    - `curvature(low, high)`: 1 where f is convex over `low .. high`, -1 where concave, else 0.
    - `turn`: where f changes from the one to the other, if there is such a point in the domain.
    - `monotone`: 1 where f rises over its whole domain, -1 where it falls, else 0.
    - `even`: f(-x) = f(x).
    - `smooth`: f has a slope everywhere within its domain; if not, it has an exact linear form.
    - `steep`: its slope may change by orders of magnitude, so that tangents crowd at the ends of a range.
    - `divides`: f grows without end where its argument nears zero, as a quotient does.
    - `text`: f of `{}` as one writes it in a model; `name`: what its columns are called.
    """

    kind: str
    value: Map
    slope: Map
    image: Callable[[FloatArray, FloatArray], Ends]
    preimage: Callable[[FloatArray, FloatArray, FloatArray], Ends] | None
    curvature: Callable[[FloatArray, FloatArray], IntArray]
    text: str
    name: str
    domain: Domain = "all"
    turn: float | None = None
    monotone: Literal[-1, 0, 1] = 0
    even: bool = False
    smooth: bool = True
    steep: bool = True
    divides: bool = False
    word: Word | None = None

    def outside(self, low: FloatArray, high: FloatArray) -> BoolArray:
        """Where a range of the argument reaches beyond the domain."""
        match self.domain:
            case "all":
                return np.zeros(np.shape(low), dtype=bool)
            case "not negative":
                return np.asarray(low < 0)
            case "positive":
                return np.asarray(low <= 0)
            case "not zero":
                return np.asarray((low <= 0) & (high >= 0))

    @property
    def convexity(self) -> int:
        """1 where f is convex over its whole domain, -1 where concave, else 0."""
        least = {"not negative": 0.0, "positive": np.finfo(float).tiny}.get(self.domain, -np.inf)
        return int(self.curvature(np.array([least]), np.array([np.inf]))[0])


#: No NumPy warning escapes from a function that is decorated with it.
quiet = np.errstate(all="ignore")


def always(sign: int) -> Callable[[FloatArray, FloatArray], IntArray]:
    """One curvature everywhere."""
    return lambda low, high: np.full(len(low), sign)


def by_side(
    below: int, above: int, pole: bool = False
) -> Callable[[FloatArray, FloatArray], IntArray]:
    """One curvature below zero and one above it; with a `pole` there, zero belongs to neither."""

    def curvature(low: FloatArray, high: FloatArray) -> IntArray:
        right, left = (low > 0, high < 0) if pole else (low >= 0, high <= 0)
        return np.where(right, above, np.where(left, below, 0))

    return curvature
