"""The rates of a fit's compartments as one row of numbers, and how they move."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocc.compiler.algebra.expression import (
    Add,
    Data,
    Divide,
    Multiply,
    Node,
    Reduce,
    Reference,
    Variable,
    children,
)
from allocc.compiler.algebra.index import Axis, spread
from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.arrays import FloatArray
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.tangents import Tangents


@dataclass(frozen=True, eq=False)
class Rates:
    """The changes of all compartments of a fit, one after the other, in every period."""

    fit: FitProblem

    @cached_property
    def states(self) -> list[Variable]:
        """The compartments, in their order."""
        return [u.variable for u in self.fit.problem.updates]

    @cached_property
    def cuts(self) -> list[int]:
        """Where each compartment begins in the row, and where the last one ends."""
        sizes = [int(np.prod(v.shape[:-1], dtype=np.int64)) for v in self.states]
        return [int(x) for x in np.cumsum([0, *sizes])]

    @property
    def size(self) -> int:
        """How many numbers all compartments are at one time."""
        return self.cuts[-1]

    def blocks(self, rows: FloatArray) -> dict[Variable, FloatArray]:
        """Every compartment's block from rows over the points of time, shape (size, points, ...)."""
        return {
            v: rows[a:b].reshape(*v.shape[:-1], *rows.shape[1:])
            for v, a, b in zip(self.states, self.cuts, self.cuts[1:], strict=False)
        }

    def steady(self, state: FloatArray) -> dict[Variable, FloatArray]:
        """The blocks where a state, shape (size,), holds at all times."""
        points = len(self.fit.times)
        return self.blocks(np.repeat(state[:, None], points, axis=1))

    def all_periods(self, values: dict[Variable, FloatArray]) -> FloatArray:
        """The rates in every period, shape (size, periods)."""
        evaluate = Evaluation(values)
        return self._joined([evaluate(u.rate) for u in self.fit.problem.updates], ())

    def all_moving(
        self, values: dict[Variable, FloatArray], tangents: dict[Variable, FloatArray], count: int
    ) -> tuple[FloatArray, FloatArray]:
        """The same, with its tangents in `count` directions, shape (size, periods, count)."""
        evaluate = Tangents(values, tangents, count)
        return self._moving(evaluate)

    def moving(
        self,
        values: dict[Variable, FloatArray],
        tangents: dict[Variable, FloatArray],
        count: int,
        period: int,
    ) -> tuple[FloatArray, FloatArray]:
        """The rates in one period and their tangents, shapes (size,) and (size, count)."""
        axis = self.fit.problem.period
        assert axis is not None
        rate, moves = self._moving(Tangents(dict(values), dict(tangents), count, {axis: period}))
        return rate[:, 0], moves[:, 0]

    def _moving(self, evaluate: Tangents) -> tuple[FloatArray, FloatArray]:
        updates = self.fit.problem.updates
        found = [evaluate(u.rate) for u in updates]
        rates = self._joined([value for value, _ in found], (), evaluate)
        moves = [
            np.zeros((1,) * (len(u.rate.axes) + 1)) if moved is None else moved
            for u, (_, moved) in zip(updates, found, strict=True)
        ]
        return rates, self._joined(moves, (evaluate.axis,), evaluate)

    def _joined(
        self,
        parts: list[FloatArray],
        more: tuple[Axis, ...],
        evaluate: Tangents | None = None,
    ) -> FloatArray:
        """The parts of all compartments below each other, over periods and the axes `more`."""
        held = evaluate.plain.at if evaluate is not None else {}
        rows = []
        for u, part in zip(self.fit.problem.updates, parts, strict=True):
            shape = [1 if a in held else a.size for a in (*u.axes, *more)]
            whole = np.broadcast_to(
                spread(part, (*u.rate.axes, *more), (*u.axes, *more)), shape, subok=True
            )
            rows.append(whole.reshape(-1, *shape[len(u.axes) - 1 :]))
        return np.concatenate(rows)


#: A degree above this is not told apart.
_MANY = 2


@dataclass(frozen=True, slots=True)
class Degrees:
    """How a node depends on compartments, and on unknowns: not (0), linearly (1), otherwise (2)."""

    states: int
    unknowns: int


def degrees(node: Node, period: Axis, decided: Container[Variable] = ()) -> Degrees:
    """The degrees of a node in the compartments of the current period, and in the unknowns.

    What is `decided` is none of them.
    """
    match node:
        case Data():
            return Degrees(0, 0)
        case Reference():
            return _of_reference(node, period, decided)
        case Add(parts=parts):
            found = [degrees(p, period, decided) for p in parts]
            return Degrees(max(d.states for d in found), max(d.unknowns for d in found))
        case Multiply(left=left, right=right):
            a, b = degrees(left, period, decided), degrees(right, period, decided)
            return _capped(a.states + b.states, a.unknowns + b.unknowns)
        case Divide(left=left, right=right):
            a, b = degrees(left, period, decided), degrees(right, period, decided)
            return _capped(
                a.states + (_MANY if b.states else 0), a.unknowns + (_MANY if b.unknowns else 0)
            )
        case Reduce(operation="sum", body=body):
            return degrees(body, period, decided)
        case _:
            inner = [degrees(c, period, decided) for c in children(node)]
            return Degrees(
                _MANY if any(d.states for d in inner) else 0,
                _MANY if any(d.unknowns for d in inner) else 0,
            )


def _capped(states: int, unknowns: int) -> Degrees:
    return Degrees(min(states, _MANY), min(unknowns, _MANY))


def _of_reference(node: Reference, period: Axis, decided: Container[Variable]) -> Degrees:
    variable = node.variable
    if variable.kind == "decision":
        return Degrees(0, 0 if variable in decided else 1)
    if variable.time_axis is None:
        assert variable.value is not None
        return _any_time(degrees(variable.value, period, decided))
    now = node.coordinates[variable.time_axis]
    if now.axes != (period,) or not np.array_equal(now.positions, np.arange(period.size)):
        # What was before is none of the current compartments.
        return Degrees(_MANY, 0)
    if variable.value is None:
        return Degrees(1, 0)
    return degrees(variable.value, variable.axes[variable.time_axis], decided)


def _any_time(found: Degrees) -> Degrees:
    """What has no time of its own may only hold unknowns."""
    return Degrees(_MANY if found.states else 0, found.unknowns)
