"""Which of the points that are solved is nearest to one that is not: its answer is a start."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from allocc.questions.sweep.keys import canonical
from allocc.results.sweeping.points import Answer, Point

#: So many points of a model and its data are kept in mind; the oldest goes first.
MOST_KEPT = 100

Place = Mapping[str, object]


class Neighbours:
    """The answers of finished points; a start has to be of the same model and the same files."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[tuple[Place, Answer]]] = {}
        self._spans: dict[str, tuple[float, float]] = {}

    def add(self, point: Point, answer: Answer) -> None:
        """Keep a finished point in mind."""
        where = place(point)
        for name, x in where.items():
            if isinstance(x, float):
                low, high = self._spans.get(name, (x, x))
                self._spans[name] = (min(low, x), max(high, x))
        self._kept.setdefault(_family(point), deque(maxlen=MOST_KEPT)).append((where, answer))

    def nearest(self, point: Point) -> Answer | None:
        """The answer of the nearest finished point; None where there is none."""
        known = self._kept.get(_family(point))
        if not known:
            return None
        here = place(point)
        return min(known, key=lambda other: self._distance(here, other[0]))[1]

    def _distance(self, here: Place, there: Place) -> float:
        """The sum over the settings of how far they differ; a word that differs counts as a whole range."""
        total = 0.0
        for name in {*here, *there}:
            a, b = here.get(name), there.get(name)
            if isinstance(a, float) and isinstance(b, float):
                low, high = self._spans.get(name, (a, a))
                span = max(high, a) - min(low, a)
                total += abs(a - b) / span if span > 0 else 0.0
            else:
                total += a != b
        return total


def place(point: Point) -> dict[str, object]:
    """The settings of a point as coordinates."""
    found: dict[str, object] = canonical(point.settings)
    return found


def _family(point: Point) -> str:
    return f"{point.path}\0{point.data or ''}"
