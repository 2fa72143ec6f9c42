"""A model with what is known of it, and the units that its amounts are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

Decisions = Mapping[str, list[float]]


@dataclass(frozen=True)
class Units:
    """How many tens smaller the units are: `people=3` writes 4 thousands as 4,000 persons.

    An amount in person^a USD^b is written times 10^(a people + b money). The decimal digits of a
    number stay as they are, so no rounding is added but that of reading it.
    """

    people: int = 0
    money: int = 0

    def text(self, amount: float | Decimal, person: int = 0, usd: int = 0) -> str:
        """An amount in person^person USD^usd as it is written in these units."""
        exact = amount if isinstance(amount, Decimal) else Decimal(repr(float(amount)))
        return repr(float(exact.scaleb(person * self.people + usd * self.money)))

    def factor(self, person: int = 0, usd: int = 0) -> float:
        """What an amount in person^person USD^usd is multiplied by."""
        return float(Decimal(1).scaleb(person * self.people + usd * self.money))


@dataclass(frozen=True)
class Look:
    """Given decisions, looked at by the oracle: the objective, and the worst relative violation.

    `terms` is the size of the objective's parts, which says what is near zero.
    """

    value: float
    terms: float
    violation: float


@dataclass(frozen=True)
class Best:
    """The best allocation that the oracle found to meet every limit without doubt; None without one.

    Nothing says that there is no better one: it only shows that a claim is false.
    """

    value: float | None
    terms: float
    decisions: dict[str, list[float]]


@dataclass(frozen=True)
class Case:
    """A model and its oracle; `best` and `look` count in the units that the text is written in."""

    kind: str
    size: str
    seed: int
    text: str
    sense: str
    best: Callable[[], Best]
    look: Callable[[Decisions], Look]
    units: Units = Units()
    #: Powers of person and USD in the objective, and in each decision.
    objective: tuple[int, int] = (0, 0)
    decided: Mapping[str, tuple[int, int]] | None = None


def digits(x: float, count: int = 4) -> float:
    """A number as people write it, with few digits."""
    return float(f"{x:.{count}g}")


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between 10^low and 10^high, each power as likely."""
    return float(10 ** rng.uniform(low, high))
