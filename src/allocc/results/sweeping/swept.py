"""What a sweep has found: points with their answers, as data and as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allocc.results.sweeping.points import Answer, Point

#: The columns that every table of a sweep has, beside labels and terms.
FIXED = ("status", "value", "bound", "gap", "violation", "seconds", "error", "decisions")


@dataclass(frozen=True)
class SweepResult:
    """Many solves side by side.

    `axes` are the names of what differs, in the order of the labels. `answers` stand beside their `points`, None
    where a point was not solved: it was interrupted, or left to another part. `solved` of them were solved
    now, the others were there already. `folder` is where the answers lie.
    """

    model: str
    title: str
    sense: str
    axes: tuple[str, ...]
    points: tuple[Point, ...]
    answers: tuple[Answer | None, ...]
    solved: int
    seconds: float
    interrupted: bool = False
    folder: str | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the objective's terms, in the order of the model."""
        return tuple(dict.fromkeys(n for a in self.answers if a is not None for n in a.terms))

    @property
    def failed(self) -> tuple[tuple[Point, Answer], ...]:
        """The points that have no answer because something went wrong."""
        pairs = zip(self.points, self.answers, strict=True)
        return tuple((p, a) for p, a in pairs if a is not None and a.failed)

    @property
    def left(self) -> int:
        """How many points are not solved."""
        return sum(a is None for a in self.answers)

    def head(self) -> list[str]:
        """The columns of the table; a term whose name is taken gets `term` before it."""
        taken = {*self.axes, *FIXED}
        terms = [f"term {t}" if t in taken else t for t in self.terms]
        return [*self.axes, *FIXED[:5], *terms, *FIXED[5:]]

    def rows(self) -> list[list[Any]]:
        """A row a point, in the order of the points; None where nothing is known.

        Labels are text. `decisions` is the file of the decisions, from the sweep's folder on.
        """
        return [self._row(p, a) for p, a in zip(self.points, self.answers, strict=True)]

    def _row(self, point: Point, answer: Answer | None) -> list[Any]:
        labels = [point.label.get(name) for name in self.axes]
        if answer is None:
            return [*labels, "left", *[None] * (len(self.terms) + 4), None, None, None]
        return [
            *labels,
            answer.status,
            answer.value,
            answer.bound,
            answer.gap,
            answer.violation,
            *(answer.terms.get(t) for t in self.terms),
            answer.seconds,
            answer.error or None,
            f"points/{answer.key}.csv" if answer.decisions and self.folder else None,
        ]

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row a point; labels that are all numbers are numbers."""
        import pandas as pd

        frame = pd.DataFrame(self.rows(), columns=self.head())
        for name in self.axes:
            numbers = as_numbers([p.label.get(name) for p in self.points])
            if numbers is not None:
                frame[name] = numbers
        for name in self.head():
            if name not in (*self.axes, "status", "error", "decisions"):
                frame[name] = frame[name].astype(float)
        return frame


def as_numbers(labels: Sequence[str | None]) -> list[float] | None:
    """Labels as numbers; None where one of them is none, or may be a name, as 01."""
    from allocc.compiler.data.typed_values import written_number

    found = []
    for text in labels:
        x = float("nan") if text is None else written_number(text)
        if text is None or math.isnan(x) or (len(text) > 1 and text[0] == "0" and text.isdigit()):
            return None
        found.append(x)
    return found
