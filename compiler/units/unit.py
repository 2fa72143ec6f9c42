"""The algebra of units: products and rational powers, exact, with the words that a user wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

K = TypeVar("K")

Powers = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A product of powers of base units and of prime numbers.

    The units form an abelian group with rational powers: the free one over base names and primes.
    A week is 7 * 24 * 60 * 60 seconds, so its `dimension` is {second: 1}, and its `scale` has the
    prime factors {2: 7, 3: 3, 5: 2, 7: 1}. Two units are equal when both agree; nothing is rounded.
    `words` are the powers of the words it was written with. They are only for showing it.
    """

    words: Powers = field(default_factory=dict)
    dimension: Powers = field(default_factory=dict)
    scale: Mapping[int, Fraction] = field(default_factory=dict)
    written: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Unit):
            return NotImplemented
        return self.dimension == other.dimension and self.scale == other.scale

    def __hash__(self) -> int:
        return hash((frozenset(self.dimension.items()), frozenset(self.scale.items())))

    def __mul__(self, other: Unit) -> Unit:
        return Unit(
            _added(self.words, other.words),
            _added(self.dimension, other.dimension),
            _added(self.scale, other.scale),
        )

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, exponent: Fraction | int) -> Unit:
        if exponent == 1:
            return self
        return Unit(
            _times(self.words, exponent),
            _times(self.dimension, exponent),
            _times(self.scale, exponent),
        )

    def __str__(self) -> str:
        return self.written or render(self.words)

    @property
    def size(self) -> float:
        """How many units of its dimension it is: 604800 for a week, 0.01 for a percent."""
        try:
            if all(p.denominator == 1 and abs(p) < 100 for p in self.scale.values()):
                return float(math.prod(Fraction(prime) ** p for prime, p in self.scale.items()))
            return math.exp(sum(float(p) * math.log(prime) for prime, p in self.scale.items()))
        except OverflowError:
            return math.inf

    def same_dimension(self, other: Unit) -> bool:
        """Whether the two differ by a number at most."""
        return self.dimension == other.dimension


#: The unit of a pure number.
ONE = Unit()


def base(word: str) -> Unit:
    """A unit that is no multiple of another."""
    return Unit({word: Fraction(1)}, {word: Fraction(1)})


def multiple(word: str, factor: Fraction, of: Unit) -> Unit:
    """The unit `word`, which is `factor` times another; `factor` is above 0."""
    scale = _added(_primes(factor.numerator), _times(_primes(factor.denominator), -1))
    return Unit({word: Fraction(1)}, of.dimension, _added(of.scale, scale))


def render(words: Powers) -> str:
    """A product of powers as a user would write it: `USD/(person/year)`, `dose/(site*week)`."""
    above = {w: p for w, p in words.items() if p > 0}
    below = {w: -p for w, p in words.items() if p < 0}
    if below and len(above) > 1:
        # Money for a person a year is USD/(person/year) rather than USD*year/person.
        times = [w for w, p in above.items() if p == 1 and w in TIMES]
        if len(times) == 1:
            (last,) = times
            rest = {w: p for w, p in above.items() if w != last}
            return f"{_product(rest)}/({_product(below)}/{last})"
    top = _product(above) if above else "1"
    if not below:
        return top
    bottom = _product(below)
    return f"{top}/({bottom})" if len(below) > 1 else f"{top}/{bottom}"


#: The words for stretches of time, from the shortest.
TIMES = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


def _product(words: Powers) -> str:
    return "*".join(_power(w, p) for w, p in words.items())


def _power(word: str, power: Fraction) -> str:
    if power == 1:
        return word
    return f"{word}^{power}" if power.denominator == 1 else f"{word}^({power})"


def _added(a: Mapping[K, Fraction], b: Mapping[K, Fraction]) -> Mapping[K, Fraction]:
    if not b:
        return a
    found = dict(a)
    for key, power in b.items():
        found[key] = found.get(key, Fraction(0)) + power
    return {k: p for k, p in found.items() if p}


def _times(a: Mapping[K, Fraction], factor: Fraction | int) -> Mapping[K, Fraction]:
    return {k: p * factor for k, p in a.items()} if factor else {}


#: Primes above this are not looked for: what is left of a number then counts as one prime.
LARGEST_DIVISOR = 100_000


def _primes(number: int) -> Mapping[int, Fraction]:
    """The prime factors of a whole number, with their powers."""
    found: dict[int, int] = {}
    divisor = 2
    while number > 1:
        if divisor * divisor > number or divisor > LARGEST_DIVISOR:
            found[number] = found.get(number, 0) + 1
            break
        while number % divisor == 0:
            found[divisor] = found.get(divisor, 0) + 1
            number //= divisor
        divisor += 1 if divisor == 2 else 2
    return {p: Fraction(k) for p, k in found.items()}
