"""Local search with exact gradients of the simulation, where continuous products remain.

From a point whose whole numbers are held, sequential quadratic programming (SciPy's SLSQP: Kraft 1988,
DFVLR-FB 88-28) seeks the best of the continuous decisions near it. It also finds a way to where all limits
hold, so that it is used where no allocation is known. It proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from allocc.compiler.arrays import BoolArray, FloatArray, IntArray
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.programs.program import Program
from allocc.engine.heuristics.local_program import LocalProgram, Visit, limits_of
from allocc.engine.heuristics.repair import bettered, repaired

#: SLSQP works with dense matrices: a step with so many decisions takes a tenth of a second.
MOST_DECISIONS = 400
#: With more columns that follow, or limits that may bind for each decision, it takes as long to look at one point.
MOST_COLUMNS, MOST_ENTRIES = 20_000, 1_000_000
#: Limits that were nearer than this to their side at a point, by their size, are looked at.
NEAR = 0.1
#: So often limits are added that were broken, and so many steps are taken each time.
ROUNDS, STEPS = 20, 150
#: A decision with a slope below this share of the steepest moves no value.
IDLE = 1e-14
#: So often it begins anew where it broke off, and so many steps mend what it leaves of a limit.
AGAIN, NEWTON = 2, 4
#: Limits hold that are broken by less than this of their size; the search ends when it gains as little.
ACCURACY = 1e-10
#: Limits that are broken by more than this at the end were not reached.
BROKEN = 1e-7


class _Stopped(Exception):
    """The time is over, or it would take too long."""


class _Beyond(Exception):
    """A step has led to where limits are broken that were not looked at."""

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit


class GradientSearch:
    """Searches of one program; `decided` are the columns that determine the others.

    `program` is as it was lowered, its rows that hold on a condition among them.
    """

    def __init__(self, program: Program, decided: IntArray) -> None:
        self.program = program
        given = np.zeros(program.columns, dtype=bool)
        given[decided] = True
        for block in program.conditional:
            for binaries in block.binaries:
                given[binaries] = True
        self.complete = Completer(program, given)
        self.decided = decided
        given[decided] = False
        #: What says which scenarios of a chance block hold: chosen at every start.
        self.scenarios: IntArray = np.flatnonzero(given)

    @property
    def usable(self) -> bool:
        """Whether the decisions determine every column (not so for implicit steps), and not too many."""
        return not len(self.complete.missing) and self.program.columns <= MOST_COLUMNS

    def run(
        self,
        start: FloatArray,
        span: FloatArray,
        stop: Callable[[], bool],
        relaxed: bool = False,
    ) -> FloatArray | None:
        """The best point near a start; the one that breaks limits the least where none breaks none.

        `span` is what each decision is measured by. Whole decisions are held, or `relaxed` ones move too.
        None where the time is over before, nothing may move, or too much.
        """
        local = self._local(start, span, relaxed)
        if local is None:
            return None
        x = start[local.free] / local.span
        found = _Descent(local, stop).run(np.clip(x, local.low, local.high))
        return None if found is None else found.point

    def repaired(
        self, start: FloatArray, span: FloatArray, stop: Callable[[], bool]
    ) -> FloatArray | None:
        """A start whose whole decisions are moved until limits are broken less; see `repair`."""
        return self._moved(start, span, lambda local, whole, x: repaired(local, whole, x, stop))

    def bettered(
        self, start: FloatArray, span: FloatArray, stop: Callable[[], bool]
    ) -> FloatArray | None:
        """The same, until the value is better as well."""
        return self._moved(start, span, lambda local, whole, x: bettered(local, whole, x, stop))

    def _moved(
        self,
        start: FloatArray,
        span: FloatArray,
        move: Callable[[LocalProgram, IntArray, FloatArray], FloatArray],
    ) -> FloatArray | None:
        local = self._local(start, span, relaxed=True)
        if local is None:
            return None
        whole = np.flatnonzero(self.program.integer[local.free])
        return local.visit(move(local, whole, start[local.free] / local.span)).point

    def _local(self, start: FloatArray, span: FloatArray, relaxed: bool) -> LocalProgram | None:
        """What is left to decide, None where that is nothing or too much."""
        p, d = self.program, self.decided
        movable = (p.lower[d] < p.upper[d]) & (relaxed | ~p.integer[d])
        free = d[movable]
        if not len(free) or len(free) > MOST_DECISIONS:
            return None
        start, holds = self._with_scenarios(start)
        limits = limits_of(p, self.complete, holds)
        return LocalProgram(self.complete, limits, free, start, span[movable])

    def _with_scenarios(self, start: FloatArray) -> tuple[FloatArray, BoolArray]:
        """A start with the scenarios that break their limits least, and the rows that then hold."""
        p = self.program
        holds = np.ones(p.rows, dtype=bool)
        if not p.conditional:
            return start, holds
        x = start.copy()
        x[self.scenarios] = 0.0
        point = self.complete(x)
        activity = p.matrix @ point
        over = np.maximum(p.row_lower - activity, activity - p.row_upper)
        size = abs(p.matrix) @ np.abs(point)
        broken = np.zeros(p.columns)
        for block in p.conditional:
            off = np.maximum(over[block.rows], 0.0) / np.where(size > 0, size, 1.0)[block.rows]
            for binaries in block.binaries:
                np.maximum.at(broken, binaries, np.where(np.isnan(off), np.inf, off))
        foreign = np.ones(p.columns, dtype=bool)
        foreign[self.scenarios] = False
        alone = np.asarray(abs(p.matrix) @ foreign) == 0
        weights, least = p.matrix[alone], p.row_lower[alone]
        for j in self.scenarios[np.argsort(broken[self.scenarios], kind="stable")].tolist():
            if (weights @ x >= least).all():
                break
            x[j] = 1.0
        for block in p.conditional:
            for binaries in block.binaries:
                holds[block.rows] &= x[binaries] > 0.5
        return x, holds


class _Descent:
    """One search, from one start."""

    def __init__(self, local: LocalProgram, stop: Callable[[], bool]) -> None:
        self.local = local
        self.stop = stop
        self.best: Visit | None = None
        #: The last point that a step led to, and the last one that was completed.
        self._here: Visit
        self._last: Visit | None = None
        self._slopes: tuple[bytes, FloatArray, FloatArray] | None = None

    def run(self, x: FloatArray) -> Visit | None:
        """The best point that was visited from a start on."""
        with suppress(_Stopped):
            self._run(x)
            self._tidy()
        return self.best

    def _run(self, x: FloatArray) -> None:
        local = self.local
        self._here = self.visit(x)
        looked = local.open & (local.linear | local.equal | (self._here.slack < NEAR))
        restored, again = False, 0
        for _ in range(ROUNDS):
            try:
                ended, converged = self.solve(self._here.x, looked)
            except _Beyond as beyond:
                # On from the last point that was not.
                looked |= local.open & (beyond.visit.slack < NEAR)
                continue
            self._here = ended
            if not (local.open & ~looked & (ended.slack < -ACCURACY)).any():
                if ended.worst <= BROKEN:
                    self._here = self.mended(ended)
                    again += 1
                    if converged or again > AGAIN:
                        return
                    continue
                if restored:
                    return
                self._here, restored = self.restored(ended), True
            looked |= local.open & (self._here.slack < NEAR)

    def _tidy(self) -> None:
        """Put decisions that are beside an end at it, and those that move no value at their lower ends.

        Both where that breaks nothing.
        """
        if self.best is None:
            return
        local = self.local
        x = self.best.x
        x = np.where(x - local.low <= ACCURACY, local.low, x)
        x = np.where(local.high - x <= ACCURACY, local.high, x)
        self._keep(x, ACCURACY * abs(self.best.value))
        x = self.best.x
        slopes = np.abs(self.slopes(x, np.zeros(0, dtype=np.int64))[0])
        idle = (slopes <= IDLE * slopes.max(initial=0.0)) & np.isfinite(local.low)
        idle &= ~local.complete.program.integer[local.free]
        self._keep(np.where(idle, local.low, x), 0.0)

    def _keep(self, x: FloatArray, room: float) -> None:
        """Take a point for the best where it breaks limits no more, and is worse by no more than `room`."""
        assert self.best is not None
        had = self.best
        found = self.visit(x)
        if found.value <= had.value + room and found.worst <= max(had.worst, ACCURACY):
            self.best = found

    def visit(self, x: FloatArray) -> Visit:
        """A completed point, kept if it is the best."""
        if self._last is not None and np.array_equal(self._last.x, x):
            return self._last
        if self.stop():
            raise _Stopped
        found = self.local.visit(np.clip(x, self.local.low, self.local.high))
        found = Visit(x.copy(), found.point, found.value, found.slack)
        self._last = found
        if np.isfinite(found.value) and self._better(found):
            self.best = found
        return found

    def _better(self, found: Visit) -> bool:
        if self.best is None:
            return True
        off, had = (max(v.worst, ACCURACY) for v in (found, self.best))
        return off < had or (off == had and found.value < self.best.value)

    def slopes(self, x: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        """The gradient and the Jacobian at a point, once for both."""
        key = x.tobytes() + which.tobytes()
        if self._slopes is None or self._slopes[0] != key:
            found = self.local.slopes(self.visit(x), which)
            if found is None:
                raise _Stopped
            self._slopes = (key, *found)
        return self._slopes[1], self._slopes[2]

    def solve(self, x: FloatArray, looked: BoolArray) -> tuple[Visit, bool]:
        """SLSQP from a point with the limits that are looked at: where it ends, and whether of itself.

        Raises `_Beyond` where other limits are broken.
        """
        from scipy.optimize import minimize

        local = self.local
        which, others = np.flatnonzero(looked), np.flatnonzero(local.open & ~looked)
        if len(which) * len(x) > MOST_ENTRIES:
            raise _Stopped

        def moved(z: FloatArray) -> None:
            found = self.visit(z)
            if (found.slack[others] < -NEAR).any():
                raise _Beyond(found)
            self._here = found

        scale = self._scale(x, which)
        same = local.equal[which]
        constraints = [
            {
                "type": kind,
                "fun": lambda z, on=on: local.signed(self.visit(z), which[on]),
                "jac": lambda z, on=on: self.slopes(z, which)[1][on],
            }
            for kind, on in (("eq", np.flatnonzero(same)), ("ineq", np.flatnonzero(~same)))
            if len(on)
        ]
        ended = minimize(
            lambda z: self.visit(z).value / scale,
            x,
            jac=lambda z: self.slopes(z, which)[0] / scale,
            method="SLSQP",
            bounds=np.column_stack([local.low, local.high]),
            constraints=constraints,
            callback=moved,
            options={"maxiter": STEPS, "ftol": ACCURACY},
        )
        return self.visit(np.clip(ended.x, local.low, local.high)), bool(ended.success)

    def _scale(self, x: FloatArray, which: IntArray) -> float:
        """What the value is measured by: its steepest slope at the start."""
        gradient, _ = self.slopes(x, which)
        steepest = float(np.max(np.abs(gradient), initial=0.0))
        return steepest if steepest > 0 else 1.0

    def mended(self, ended: Visit) -> Visit:
        """A point that breaks no limit, beside one that breaks some by what rounding has left.

        Newton's method, the shortest steps of the decisions that are not at an end of their range.
        """
        local = self.local
        for _ in range(NEWTON):
            if ended.worst <= ACCURACY:
                break
            active = np.flatnonzero(local.open & (ended.slack < BROKEN))
            jacobian = self.slopes(ended.x, active)[1]
            inside = (ended.x > local.low) & (ended.x < local.high)
            step = np.zeros(len(ended.x))
            off = -local.signed(ended, active)
            step[inside] = np.linalg.lstsq(jacobian[:, inside], off, rcond=None)[0]
            ended = self.visit(np.clip(ended.x + step, local.low, local.high))
        return ended

    def restored(self, ended: Visit) -> Visit:
        """A point that breaks limits less: the least sum of squares of what they are broken by."""
        from scipy.optimize import minimize

        local = self.local
        every = np.flatnonzero(local.open)

        def broken(z: FloatArray) -> tuple[float, FloatArray]:
            signed = local.signed(self.visit(z), every)
            off = np.where(local.equal[every], signed, np.minimum(signed, 0.0))
            return float(off @ off), 2.0 * off @ self.slopes(z, every)[1]

        found = minimize(
            broken,
            ended.x,
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([local.low, local.high]),
            options={"maxiter": STEPS, "ftol": 0.0, "gtol": ACCURACY},
        )
        return self.visit(np.clip(found.x, local.low, local.high))
