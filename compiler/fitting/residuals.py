"""What a model says of everything that was observed, and how far data and priors are from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.fitting.course import Dynamics
from allocc.compiler.fitting.deviance import missed
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.tangents import Tangents


@dataclass(frozen=True, eq=False)
class Fitted:
    """An observation as the model has it: over its axes, with tangents in the unknowns last."""

    value: FloatArray
    tangent: FloatArray


@dataclass(frozen=True, eq=False)
class Look:
    """Residuals of everything that was seen at some unknowns, and of priors, shape (residuals,), weighted.

    `slopes` is their Jacobian, shape (residuals, unknowns), and `information` the Fisher information of
    the unknowns, (unknowns, unknowns), with the squared slopes of priors; for plain squares it is that
    of errors of size one.
    """

    residuals: FloatArray
    slopes: FloatArray
    information: FloatArray

    @property
    def loss(self) -> float:
        """The sum of the squares."""
        return float(self.residuals @ self.residuals)


class Residuals:
    """The differences between model and data of one fit, at any unknowns."""

    def __init__(self, fit: FitProblem) -> None:
        self.fit = fit
        self.dynamics = Dynamics(fit)
        #: The unknowns whose priors are squares, with their places in the row of numbers.
        self._known_before = [
            (k, u)
            for u, k in zip(fit.unknowns, fit.places(), strict=True)
            if u.prior is not None and u.prior.kind != "uniform"
        ]

    def fitted(self, numbers: FloatArray) -> list[Fitted]:
        """What the model has in the place of each observation; raises `NoCourse`."""
        course = self.dynamics.at(numbers)
        count = self.fit.size
        evaluate = Tangents(course.values, course.tangents, count)
        found = []
        for o in self.fit.observations:
            value, moves = evaluate(o.value)
            shape = tuple(a.size for a in o.axes)
            moved = np.zeros((*shape, count))
            if moves is not None:
                axes = (*o.axes, evaluate.axis)
                moved = moved + spread(moves, (*o.value.axes, evaluate.axis), axes)
            full = np.broadcast_to(spread(value, o.value.axes, o.axes), shape)
            found.append(Fitted(full, moved))
        return found

    def look(self, numbers: FloatArray) -> Look:
        """Residuals and derivatives at unknowns, shape (unknowns,); raises `NoCourse`."""
        rows, slopes = [], []
        information = np.zeros((self.fit.size, self.fit.size))
        for o, f in zip(self.fit.observations, self.fitted(numbers), strict=True):
            seen, tangent = o.seen, f.tangent[o.seen]
            off = missed(
                o.kind, o.data[seen], f.value[seen], None if o.spread is None else o.spread[seen]
            )
            scale = np.sqrt(o.weight[seen])
            rows.append(scale * off.residual)
            slopes.append((scale * off.slope)[:, None] * tangent)
            information += tangent.T @ ((o.weight[seen] * off.information)[:, None] * tangent)
        for k, unknown in self._known_before:
            assert unknown.prior is not None
            part = slice(k, k + unknown.size)
            far, bend = unknown.prior.missed(numbers[part].reshape(unknown.variable.shape))
            moves = np.zeros((unknown.size, self.fit.size))
            moves[:, part] = np.diag(np.broadcast_to(bend, far.shape).ravel())
            rows.append(far.ravel())
            slopes.append(moves)
            information += moves.T @ moves
        return Look(np.concatenate(rows), np.concatenate(slopes), information)
