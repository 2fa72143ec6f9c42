"""Whether compartments can be counted in whole persons, and what rounding their initial values does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.expression import Variable
from allocc.compiler.arrays import FloatArray
from allocc.compiler.labels import label_text, named
from allocc.compiler.unrolling.problem import Problem
from allocc.tables import number

#: Rounding may move at most this part of what a compartment begins with.
MOST_ROUNDED = 0.05


@dataclass(frozen=True, slots=True)
class NotCounted:
    """The first compartment that cannot be counted, and why, in words."""

    compartment: str
    reason: str


def not_counted(problem: Problem, scale: float) -> NotCounted | None:
    """Why the compartments are no counts, `scale` persons a unit; None where they are."""
    everything = 0.0
    pure = True
    for v in problem.states:
        start = problem.starts[v] * scale
        everything += float(start.sum())
        pure = pure and _pure(problem, v)
        moved = float(np.abs(np.rint(start) - start).sum())
        if moved > MOST_ROUNDED * float(start.sum()):
            return NotCounted(v.name, f"it begins with {_fractional(v, start)}")
    if pure and 0 < everything <= 1 + 1e-9 and problem.states:
        return NotCounted(problem.states[0].name, "all of them add up to one, as shares do")
    return None


def rounded(problem: Problem, scale: float) -> tuple[str, ...]:
    """A note on initial values that are no whole numbers; none where all are."""
    told = []
    for v in problem.states:
        start = problem.starts[v].ravel() * scale
        off = np.abs(np.rint(start) - start)
        for k in np.flatnonzero(off > 1e-9 * np.maximum(np.abs(start), 1.0)):
            told.append(
                f"{_name(v, int(k))} from {number(start[k])} to {number(np.rint(start[k]))}"
            )
    if not told:
        return ()
    more = f" and {len(told) - 3:,} more" if len(told) > 3 else ""
    return (f"initial values are rounded to whole numbers: {', '.join(told[:3])}{more}",)


def _pure(problem: Problem, v: Variable) -> bool:
    """Whether a compartment is a pure number, or has no unit."""
    unit = problem.model.units.quantities.get(v.name)
    return unit is None or not unit.words


def _name(v: Variable, k: int) -> str:
    sets = v.sets[:-1]
    where = np.unravel_index(k, tuple(len(s) for s in sets)) if sets else ()
    labels = [x for s, i in zip(sets, where, strict=True) for x in s.label(int(i))]
    return named(v.name, [label_text(x) for x in labels])


def _fractional(v: Variable, start: FloatArray) -> str:
    """The value that rounding moves most."""
    k = int(np.argmax(np.abs(np.rint(start) - start)))
    return number(float(start.flat[k]))
