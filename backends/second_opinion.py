"""A second solve of a mixed-integer program where the first one's claims are not certain.

HiGHS drops what is better than its incumbent by less than `mip_feasibility_tolerance`, an absolute
number. So its bound is no closer to its value than that (see `HighsSession`), and where the asked gap is
smaller, as around a value of nought, the objective is taken larger.

HiGHS 1.15.1 and SCIP 10.0.0 were also seen to call an allocation optimal that was not, after presolve, in
programs with two to nine integers. Programs that are small are solved without presolve as well: the
better point and the weaker bound count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from allocc.backends.interrupt import POLL_SECONDS
from allocc.backends.solution import Solution, SolveOptions
from allocc.compiler.program import Program

if TYPE_CHECKING:
    from allocc.backends.highs import HighsSession

#: Programs up to this size are solved a second time, for so many nodes and seconds at most.
MOST_INTEGERS, MOST_NONZEROS, MOST_NODES, LEAST_SECONDS = 200, 10_000, 1000, 0.5
#: Gaps below these are not to be had in floating point.
LEAST_GAP, LEAST_ABSOLUTE = 1e-9, 1e-12
#: A larger objective has no cost above this: a solver cannot calculate with it.
MOST_COST = 1e11


def is_small(program: Program) -> bool:
    """Whether a program is solved a second time."""
    few = np.count_nonzero(program.integer) <= MOST_INTEGERS
    return bool(few and program.matrix.nnz <= MOST_NONZEROS)


class Meanwhile:
    """A solve that runs in a thread of its own from now on, beside the first one.

    With one thread allowed it waits until its answer is asked for. Leaving the context ends it.
    """

    def __init__(self, solve: Callable[[SolveOptions], Solution], options: SolveOptions) -> None:
        self._solve = solve
        self._enough = threading.Event()
        self._options = replace(
            options, start=None, cutoff=None, on_progress=None, cancel=self._enough
        )
        self._answer: Solution | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None
        if options.threads != 1:
            self._thread = threading.Thread(target=self._run, name="allocc-second", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._answer = self._solve(self._options)
        except Exception as error:  # noqa: BLE001 - raised where the answer is asked for
            self._error = error

    def answer(self, asked: SolveOptions, used: float) -> Solution:
        """What it says within `asked.time_limit`, of which `used` seconds have passed already."""
        if self._thread is None:
            return self._solve(asked)
        start = time.perf_counter()
        left = np.inf if asked.time_limit is None else asked.time_limit - used
        while self._thread.is_alive() and time.perf_counter() - start < left:
            if asked.cancel is not None and asked.cancel.is_set():
                break
            self._thread.join(POLL_SECONDS)
        self._enough.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return replace(self._answer, seconds=time.perf_counter() - start)


def finer(
    session: HighsSession, program: Program, first: Solution, options: SolveOptions
) -> Solution:
    """`first`, or the answer with an objective so large that HiGHS's tolerance is within the gap."""
    if first.termination != "optimal" or first.value is None or first.bound is None:
        return first
    wanted = _allowed(first.value, options)
    if abs(first.value - first.bound) <= wanted:
        return first
    costs = float(np.abs(program.objective).max(initial=0.0)) * session.factor
    times = min(2.0 * session.tolerance / wanted, MOST_COST / max(costs, 1.0))
    if times < 2.0:
        return first
    session.enlarge(2.0 ** np.ceil(np.log2(times)))
    second = session.solve(replace(_left(options, first.seconds), start=first.point))
    total = first.seconds + second.seconds
    return replace(second if second.termination == "optimal" else first, seconds=total)


def without_presolve(
    solve: Callable[[SolveOptions], Solution],
    program: Program,
    first: Solution,
    options: SolveOptions,
) -> Solution:
    """`first`, with what `solve` says of the same program where it is small.

    `solve` leaves presolve out and looks at `MOST_NODES` at most.
    """
    if first.termination not in ("optimal", "infeasible") or not is_small(program):
        return first
    seconds = max(LEAST_SECONDS, 2.0 * first.seconds)
    left = _left(options, first.seconds).time_limit
    asked = replace(
        options,
        time_limit=seconds if left is None else min(left, seconds),
        start=None,
        cutoff=None,
        on_progress=None,
    )
    second = solve(asked)
    total = first.seconds + second.seconds
    if second.termination != "optimal" or second.value is None or second.bound is None:
        return replace(first, seconds=total)
    name = first.solver
    if first.value is None or first.bound is None:
        message = f"{name} says {first.termination} with presolve and optimal without"
        return replace(second, seconds=total, message=message)
    sign = 1.0 if program.sense == "minimize" else -1.0
    better = second if sign * (second.value - first.value) < 0 else first
    message = first.message
    apart = max(abs(first.bound - second.bound), abs(first.value - second.value))
    if apart > 2.0 * _allowed(better.value or 0.0, options):
        message = (
            f"{name}'s bound is {first.bound:.10g} with presolve and {second.bound:.10g} without: "
            "the weaker one counts"
        )
    return replace(
        first,
        point=better.point,
        value=better.value,
        bound=sign * min(sign * first.bound, sign * second.bound),
        seconds=total,
        message=message,
    )


def _allowed(value: float, options: SolveOptions) -> float:
    """How far a bound may be from a value."""
    least = max(options.absolute_gap, LEAST_ABSOLUTE)
    size = abs(value)
    # Around nought a relative gap means nothing.
    return least if size <= 10.0 * least else max(options.gap, LEAST_GAP) * size


def _left(options: SolveOptions, used: float) -> SolveOptions:
    limit = options.time_limit
    return options if limit is None else replace(options, time_limit=max(0.0, limit - used))
