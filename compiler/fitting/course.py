"""How compartments go through a fit's time, and how their course moves with the unknowns.

In continuous time, data and unknowns hold through each period. Where rates are M x + b there, with M and
b of the unknowns p,

    x(t + h) = exp(A h) x(t),   dx/dp (t + h) = exp(A h) dx/dp (t) + L x(t),

with A = [[M, b], [0, 0]], x extended by a one, and L the derivative of the exponential in the direction
dA/dp (Najfeld and Havel 1995, Adv. Appl. Math. 16). All other rates are
integrated together with the variational equations d/dt dx/dp = (df/dx) dx/dp + df/dp. By steps of Euler's
method the recursion is differentiated as it stands. All derivatives are exact, none is a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocc.compiler.algebra.expression import Data, Variable
from allocc.compiler.algebra.index import spread
from allocc.compiler.arrays import FloatArray
from allocc.compiler.fitting.problem import FitProblem
from allocc.compiler.fitting.rates import Rates, degrees
from allocc.compiler.fitting.tangents import Tangents

#: With more compartments than this, rates that are linear are integrated like others.
MOST_EXACT = 60
#: Terms of the series of an exponential, and how often its matrix may be halved for it.
TERMS, MOST_HALVINGS = 16, 60
#: Relative and absolute (in a compartment's own size) tolerance of the integration.
TOLERANCE, OF_SIZE = 1e-9, 1e-11


class NoCourse(Exception):
    """Why the compartments have no finite course at some unknowns, in words."""


@dataclass(frozen=True, eq=False)
class Course:
    """Values and tangents of compartments (and unknowns) at all points of time."""

    values: dict[Variable, FloatArray]
    tangents: dict[Variable, FloatArray]


@dataclass(frozen=True, eq=False)
class LinearRates:
    """M and b of rates M x + b, as they move with the unknowns p: M = still + sum p moved.

    Both have the shape (periods, size + 1, size + 1): b is the last column. One period stands for all
    where they are alike. `moved` has the unknowns first.
    """

    still: FloatArray
    moved: FloatArray


class Dynamics:
    """The courses of one fit; what all of them share is found once."""

    def __init__(self, fit: FitProblem) -> None:
        self.fit = fit
        self.rates = Rates(fit)
        self.count = fit.size

    def at(self, numbers: FloatArray) -> Course:
        """The course at unknowns, shape (count,); raises `NoCourse` where there is none."""
        start, moves = self._start(numbers)
        with np.errstate(all="ignore"):
            if self.fit.stepwise:
                rows, tangents = self._stepped(numbers, start, moves)
            elif self.linear is not None:
                rows, tangents = self._exponential(self.linear, numbers, start, moves)
            elif self._affine:
                rows, tangents = self._exponential(self._local(numbers), None, start, moves)
            else:
                rows, tangents = self._integrated(numbers, start, moves)
        if not (np.isfinite(rows).all() and np.isfinite(tangents).all()):
            raise NoCourse("the compartments have no finite value")
        values = {**self.fit.put(numbers), **self.rates.blocks(rows)}
        return Course(values, {**self._seeds, **self.rates.blocks(tangents)})

    @cached_property
    def _seeds(self) -> dict[Variable, FloatArray]:
        """Each unknown moves in its own direction."""
        found, done = {}, 0
        for u in self.fit.unknowns:
            seed = np.zeros((u.size, self.count))
            seed[np.arange(u.size), done + np.arange(u.size)] = 1.0
            found[u.variable] = seed.reshape(*u.variable.shape, self.count)
            done += u.size
        return found

    @cached_property
    def _known_start(self) -> tuple[FloatArray, FloatArray] | None:
        """The start where no initial value holds an unknown."""
        known = all(isinstance(x.value, Data) for x in self.fit.initials.values())
        return self._start_at(np.zeros(self.count)) if known else None

    def _start(self, numbers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The compartments at the start, shape (size,), and their tangents."""
        return self._known_start or self._start_at(numbers)

    def _start_at(self, numbers: FloatArray) -> tuple[FloatArray, FloatArray]:
        evaluate = Tangents(self.fit.put(numbers), dict(self._seeds), self.count)
        rows, moves = [], []
        for update in self.fit.problem.updates:
            begin = self.fit.initials[update.variable]
            node, axes, shape = begin.value, begin.axes, update.variable.shape[:-1]
            value, moved = evaluate(node)
            rows.append(np.broadcast_to(spread(value, node.axes, axes), shape).reshape(-1))
            if moved is None:
                moves.append(np.zeros((rows[-1].size, self.count)))
                continue
            whole = spread(moved, (*node.axes, evaluate.axis), (*axes, evaluate.axis))
            moves.append(np.broadcast_to(whole, (*shape, self.count)).reshape(-1, self.count))
        return np.concatenate(rows).astype(float), np.concatenate(moves)

    # --- linear rates in continuous time ---

    @cached_property
    def _affine(self) -> bool:
        """Whether the rates are linear in the compartments of their own time."""
        period = self.fit.problem.period
        assert period is not None
        found = [degrees(u.rate, period, self.fit.decided) for u in self.fit.problem.updates]
        return self.rates.size <= MOST_EXACT and all(d.states <= 1 for d in found)

    @cached_property
    def linear(self) -> LinearRates | None:
        """The rates where they are linear in the unknowns, too; None where they are not."""
        period = self.fit.problem.period
        assert period is not None
        found = [degrees(u.rate, period, self.fit.decided) for u in self.fit.problem.updates]
        if not self._affine or any(d.unknowns > 1 for d in found):
            return None
        zero = np.zeros(self.count)
        still = self._matrix(zero)
        moved = [self._matrix(row) - still for row in np.eye(self.count)]
        return _alike(still, np.stack(moved) if moved else np.zeros((0, *still.shape)))

    def _matrix(self, numbers: FloatArray) -> FloatArray:
        """A of every period at unknowns, shape (periods, size + 1, size + 1)."""
        n = self.rates.size

        def rates(state: FloatArray) -> FloatArray:
            found: FloatArray = self.rates.all_periods(
                {**self.fit.put(numbers), **self.rates.steady(state)}
            )
            return found

        level = rates(np.zeros(n))
        whole = np.zeros((level.shape[1], n + 1, n + 1))
        whole[:, :n, n] = level.T
        for k, row in enumerate(np.eye(n)):
            whole[:, :n, k] = (rates(row) - level).T
        return whole

    def _local(self, numbers: FloatArray) -> LinearRates:
        """A at unknowns, and how it moves there."""
        n = self.rates.size

        def rates(state: FloatArray) -> tuple[FloatArray, FloatArray]:
            values = {**self.fit.put(numbers), **self.rates.steady(state)}
            return self.rates.all_moving(values, dict(self._seeds), self.count)

        level, moves = rates(np.zeros(n))
        periods = level.shape[1]
        still = np.zeros((periods, n + 1, n + 1))
        moved = np.zeros((self.count, periods, n + 1, n + 1))
        moves = np.broadcast_to(moves, (n, periods, self.count))
        still[:, :n, n], moved[:, :, :n, n] = level.T, moves.T
        for k, row in enumerate(np.eye(n)):
            there, more = rates(row)
            still[:, :n, k] = (there - level).T
            moved[:, :, :n, k] = (np.broadcast_to(more, moves.shape) - moves).T
        return _alike(still, moved)

    def _exponential(
        self, rates: LinearRates, numbers: FloatArray | None, start: FloatArray, moves: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The course by the exponential of each period; `numbers` where A is linear in them."""
        step = self._step
        whole = rates.still
        if numbers is not None:
            whole = whole + np.tensordot(numbers, rates.moved, axes=1)
        if not np.isfinite(whole).all():
            raise NoCourse("the rates have no finite value")
        transition, slopes = _exponentials(whole * step, rates.moved * step)
        state = np.append(start, 1.0)
        tangent = np.vstack([moves, np.zeros((1, self.count))])
        rows, tangents = [state], [tangent]
        for k in range(len(self.fit.times) - 1):
            j = k if len(transition) > 1 else 0
            tangent = transition[j] @ tangent + (slopes[:, j] @ state).T
            state = transition[j] @ state
            rows.append(state)
            tangents.append(tangent)
        return np.stack(rows, axis=1)[:-1], np.stack(tangents, axis=1)[:-1]

    @property
    def _step(self) -> float:
        time = self.fit.problem.model.time
        assert time is not None
        return time.step

    # --- other rates ---

    def _stepped(
        self, numbers: FloatArray, start: FloatArray, moves: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The course by steps of Euler's method."""
        rows, tangents = self._empty(start, moves)
        values = {**self.fit.put(numbers), **self.rates.blocks(rows)}
        moving = {**self._seeds, **self.rates.blocks(tangents)}
        for k in range(rows.shape[1] - 1):
            rate, slope = self.rates.moving(values, moving, self.count, k)
            rows[:, k + 1] = rows[:, k] + self._step * rate
            tangents[:, k + 1] = tangents[:, k] + self._step * slope
        return rows, tangents

    def _integrated(
        self, numbers: FloatArray, start: FloatArray, moves: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The course and the variational equations by LSODA, period by period."""
        from scipy.integrate import solve_ivp

        n = self.rates.size
        rows, tangents = self._empty(start, moves)
        values = {**self.fit.put(numbers), **self.rates.blocks(rows)}
        moving = {**self._seeds, **self.rates.blocks(tangents)}
        state = np.concatenate([start, moves.ravel()])
        size = float(np.max(np.abs(start), initial=0.0)) or 1.0
        within = np.full(state.size, OF_SIZE * size)
        within[n:] = np.maximum(OF_SIZE * size, OF_SIZE * np.max(np.abs(moves), initial=0.0))
        for k in range(rows.shape[1] - 1):

            def change(_: float, x: FloatArray, k: int = k) -> FloatArray:
                rows[:, k], tangents[:, k] = x[:n], x[n:].reshape(n, -1)
                rate, slope = self.rates.moving(values, moving, self.count, k)
                found = np.concatenate([rate, slope.ravel()])
                if not np.isfinite(found).all():
                    raise NoCourse("the flows have no finite value")
                return found

            ended = solve_ivp(
                change, (0.0, self._step), state, method="LSODA", rtol=TOLERANCE, atol=within
            )
            if not ended.success:
                raise NoCourse(f"the integration fails: {ended.message}")
            # What flows remember of this point is what it began with.
            rows[:, k], tangents[:, k] = state[:n], state[n:].reshape(n, -1)
            state = ended.y[:, -1]
            rows[:, k + 1], tangents[:, k + 1] = state[:n], state[n:].reshape(n, -1)
        return rows, tangents

    def _empty(self, start: FloatArray, moves: FloatArray) -> tuple[FloatArray, FloatArray]:
        points = len(self.fit.times)
        rows = np.full((self.rates.size, points), np.nan)
        tangents = np.zeros((self.rates.size, points, self.count))
        rows[:, 0], tangents[:, 0] = start, moves
        return rows, tangents


def _alike(still: FloatArray, moved: FloatArray) -> LinearRates:
    """One period in the place of all where none differs."""
    if (still == still[:1]).all() and (moved == moved[:, :1]).all():
        return LinearRates(still[:1], moved[:, :1])
    return LinearRates(still, moved)


def _exponentials(whole: FloatArray, moved: FloatArray) -> tuple[FloatArray, FloatArray]:
    """exp(A) of each period, and its derivative in each direction, shapes as those of A.

    By the Taylor series of A / 2^k, whose norm is 1/2 at most, so that `TERMS` terms are exact to
    rounding, and by squaring; each step is differentiated. SciPy's `expm` solves these small systems
    with threads that wait for each other: it was measured to take twenty times as long.
    """
    norm = float(np.abs(whole).sum(axis=-2).max(initial=0.0))
    halvings = max(0, int(np.ceil(np.log2(norm))) + 1) if norm > 0 else 0
    if halvings > MOST_HALVINGS:
        raise NoCourse("the rates are too large for the step of the fit's time")
    a, da = whole / 2.0**halvings, moved / 2.0**halvings
    term = np.broadcast_to(np.eye(whole.shape[-1]), whole.shape)
    found, slope, slopes = term, np.zeros_like(da), np.zeros_like(da)
    for k in range(1, TERMS + 1):
        slope = (slope @ a + term @ da) / k
        term = term @ a / k
        found, slopes = found + term, slopes + slope
    for _ in range(halvings):
        slopes = slopes @ found + found @ slopes
        found = found @ found
    return found, slopes
