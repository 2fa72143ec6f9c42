"""A `HighsSession` in a worker, which looks the same from outside."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from allocc.backends.highs import HighsBackend
from allocc.backends.highs_session import DIRECT_NONZEROS, Basis, Directions, Extreme, HighsSession
from allocc.backends.interrupt import watched
from allocc.backends.isolation import pool, watching
from allocc.backends.isolation.answers import failed, reading, sent, told
from allocc.backends.isolation.process import Worker
from allocc.backends.isolation.watching import Ended, NotStarted, Reply, Request, ask
from allocc.backends.isolation.wire import plain, stripped
from allocc.backends.solution import Refused, Solution, SolveOptions
from allocc.compiler.arrays import FloatArray
from allocc.compiler.programs.program import Program

_numbers = itertools.count()


class Session(Protocol):
    """What `HighsSession` offers, wherever it works."""

    @property
    def factor(self) -> float:
        """What the objective is multiplied with in HiGHS."""

    @property
    def tolerance(self) -> float:
        """Points that are better than a MIP's incumbent by less than this may be lost."""

    def enlarge(self, times: float) -> None:
        """Take the objective so many times larger."""

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for some columns."""

    def set_objective(self, c: ArrayLike, offset: float = 0.0) -> None:
        """A new objective, one coefficient a column."""

    def set_coefficients(
        self, rows: Sequence[int], columns: Sequence[int], values: Sequence[float]
    ) -> None:
        """New matrix coefficients, entry by entry."""

    def load(self, program: Program, basis: Basis | None = None) -> None:
        """Another linear program with as many columns, to start from a basis."""

    def basis(self) -> Basis | None:
        """The basis of the last solve."""

    def solve(self, options: SolveOptions | None = None) -> Solution:
        """Solve what the session holds now."""

    def quick_value(self, options: SolveOptions) -> float | None:
        """The optimal value of a linear program, None where there is none to give."""

    def extremes(
        self, directions: Directions, near: float, point: FloatArray, patience: float | None
    ) -> list[Extreme]:
        """The multipliers with which each direction is least, and most."""

    def iterations(self) -> int:
        """Simplex iterations of the last run."""


def open_session(
    program: Program, settings: Mapping[str, object] | None = None, isolate: bool = True
) -> Session:
    """A `HighsSession` in a worker, or in this process where there is none or `isolate` is False."""
    while isolate and not pool.reason():
        worker = pool.take()
        if worker is None:
            break
        try:
            return IsolatedSession(worker, program, settings)
        except NotStarted:
            continue
        except Ended as end:
            raise Refused(str(end)) from None
        finally:
            pool.give(worker)
    return HighsSession(program, settings)


class IsolatedSession:
    """A `HighsSession` in a worker. Changes are kept and sent with the next solve.

    After its worker has died, every use raises `Refused`; a solve that it died of has failed.
    """

    def __init__(
        self, worker: Worker, program: Program, settings: Mapping[str, object] | None
    ) -> None:
        self._worker = worker
        self._number = next(_numbers)
        self._columns = program.columns
        self._reading = reading(HighsBackend.capabilities, program)
        self._mixed = bool(program.integer.any())
        self._direct = not self._mixed and len(program.matrix.data) <= DIRECT_NONZEROS
        self._changes: list[tuple[str, tuple[Any, ...]]] = []
        self._end = ""
        #: Iterations, factor and tolerance after the last answer.
        self._state: tuple[int, float, float] = (0, 1.0, 0.0)
        self._state = self._ask("open", stripped(program), dict(settings or {})).content
        worker.sessions.add(self._number)
        weakref.finalize(self, _forget, worker, self._number).atexit = False

    @property
    def factor(self) -> float:
        """What the objective is multiplied with in HiGHS."""
        self._flush()
        return self._state[1]

    @property
    def tolerance(self) -> float:
        """Points that are better than a MIP's incumbent by less than this may be lost."""
        self._flush()
        return self._state[2]

    def enlarge(self, times: float) -> None:
        """Take the objective so many times larger, a power of two; answers are in its own size."""
        self._change("enlarge", float(times))

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for some columns."""
        index = np.array(columns, dtype=np.int32, ndmin=1)
        _within(index, self._columns)
        ends = (plain(np.array(x, dtype=np.float64)) for x in (lower, upper))
        self._change("set_column_bounds", plain(index), *ends)

    def set_objective(self, c: ArrayLike, offset: float = 0.0) -> None:
        """A new objective, one coefficient a column, in the same sense as before."""
        costs = np.array(c, dtype=np.float64)
        if costs.shape != (self._columns,):
            raise ValueError(f"{self._columns} coefficients are needed, not {costs.shape}")
        if not np.isfinite(costs).all():
            raise ValueError("the objective holds a number that is infinite or not a number")
        self._change("set_objective", costs, float(offset))

    def set_coefficients(
        self, rows: Sequence[int], columns: Sequence[int], values: Sequence[float]
    ) -> None:
        """New matrix coefficients, entry by entry; an entry may be new or become zero."""
        if not len(rows) == len(columns) == len(values):
            raise ValueError("rows, columns and values must be as many")
        last = self._changes[-1] if self._changes else None
        if last is None or last[0] != "set_coefficients":
            self._change("set_coefficients", [], [], [])
            last = self._changes[-1]
        for kept, more in zip(last[1], (rows, columns, values), strict=True):
            kept.extend(more)

    def load(self, program: Program, basis: Basis | None = None) -> None:
        """Another linear program with as many columns, to start from a basis where one is given."""
        # What was changed before is of the program that was there.
        self._changes.clear()
        self._direct = len(program.matrix.data) <= DIRECT_NONZEROS
        self._change("load", stripped(program), basis)

    def basis(self) -> Basis | None:
        """The basis of the last solve: what each column and each row is in HiGHS's numbering."""
        self._flush()
        try:
            found: Basis | None = self._ask("basis").content
        except Ended as end:
            raise Refused(str(end)) from None
        return found

    def solve(self, options: SolveOptions | None = None) -> Solution:
        """Solve what the session holds now."""
        options = options or SolveOptions()
        stoppable = not self._direct or watched(options)
        self._alive()
        try:
            reply = self._ask_with_changes("solve", options, stoppable)
        except Ended as end:
            return failed("highs", end)
        found, self._state = reply.content
        return told(replace(reply, content=found))

    def quick_value(self, options: SolveOptions) -> float | None:
        """The optimal value of a linear program in a direct run, None where there is none to give."""
        stoppable = not self._direct or watched(options)
        try:
            reply = self._ask_with_changes("quick_value", options, stoppable)
        except Ended as end:
            raise Refused(str(end)) from None
        found, self._state = reply.content
        return None if found is None else float(found)

    def extremes(
        self, directions: Directions, near: float, point: FloatArray, patience: float | None
    ) -> list[Extreme]:
        """The multipliers of the rows with which each direction is least, and with which it is most.

        See `HighsSession.extremes`. It may take as long as any request, and begins nothing in the last half.
        """
        changes, self._changes = self._changes, []
        most = watching.PATIENCE_SECONDS
        patience = most if patience is None else min(patience, most)
        wanted = directions, near, point, min(patience, most / 2)
        options = SolveOptions(patience=patience)
        try:
            found: list[Extreme] = self._ask("extremes", changes, *wanted, options=options).content
        except Ended as end:
            raise Refused(str(end)) from None
        return found

    def iterations(self) -> int:
        """Simplex iterations of the last run."""
        return self._state[0]

    # ---- to the worker ----

    def _change(self, name: str, *arguments: Any) -> None:
        self._changes.append((name, arguments))

    def _alive(self) -> None:
        if not self._end and self._worker.ended:
            self._end = "HiGHS's process has ended"
        if self._end:
            raise Refused(f"{self._end}; the session has ended with it")

    def _flush(self) -> None:
        self._alive()
        if not self._changes:
            return
        changes, self._changes = self._changes, []
        try:
            self._state = self._ask("change", changes).content
        except Ended as end:
            raise Refused(str(end)) from None

    def _ask_with_changes(self, kind: str, options: SolveOptions, stoppable: bool) -> Reply:
        changes, self._changes = self._changes, []
        return self._ask(
            kind, changes, *sent(options, stoppable), options=options, stoppable=stoppable
        )

    def _ask(
        self,
        kind: str,
        *arguments: Any,
        options: SolveOptions | None = None,
        stoppable: bool = False,
    ) -> Reply:
        self._alive()
        request = Request(
            kind,
            (self._number, *arguments),
            "HiGHS",
            self._reading,
            options,
            stoppable,
            keeps=self._mixed,
        )
        try:
            return ask(self._worker, request)
        except BaseException as error:
            if isinstance(error, Ended):
                self._end = str(error)
            raise


def _within(index: Any, count: int) -> None:
    if len(index) and not (index.min() >= 0 and index.max() < count):
        raise Refused("HiGHS refuses the change: an index or a number is out of range")


def _forget(worker: Worker, number: int) -> None:
    """Called when nobody has a session any more, at any time: it takes no lock and sends nothing."""
    worker.sessions.discard(number)
    worker.forgotten.append(number)
    if not worker.sessions and not worker.busy:
        worker.owner = None
