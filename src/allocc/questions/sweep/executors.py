"""Who solves tasks: this process, or workers of its own. `cluster` has a third one.

A worker is a Python process that stays for many tasks, because importing what a solve needs takes about as long as a
small solve. Solvers work within it: when one crashes, that worker ends, and no other.
"""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from allocc import mistakes
from allocc.backends.isolation.process import Worker, how_it_ended
from allocc.dsl.diagnostics import DiagnosticError
from allocc.questions.sweep.solving import Task, failure, solve_task
from allocc.results.sweeping.points import Answer

#: The module that a worker runs.
SERVING = "allocc.questions.sweep.serving"
#: A worker solves with one thread; libraries must not take more behind its back.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
#: A worker that has grown beyond this, in megabytes, is replaced by a new one.
MOST_MEGABYTES = 1500.0
#: So many workers one after the other that end before they are ready: no more are tried.
MOST_FAILED_STARTS = 3
#: A worker that takes so much longer than the time limit of its task, in seconds, is given up.
GRACE_SECONDS = 60.0


@dataclass(frozen=True)
class Died:
    """The process that had a task is gone; `how` it ended, in words."""

    how: str


class Executor(Protocol):
    """Who solves tasks. `tries` is how often a task is given to a worker before it is given up."""

    tries: int

    def free(self) -> bool:
        """Whether another task can be taken."""

    def submit(self, task: Task) -> None:
        """Take a task."""

    def wait(self, seconds: float) -> list[tuple[Task, Answer | Died]]:
        """What has ended, after so many seconds at most."""

    def close(self) -> None:
        """End everything at once; what is not finished is lost."""


class InProcess:
    """Solve in this process, one task after the other."""

    tries = 1

    def __init__(self, cancel: threading.Event | None) -> None:
        self._cancel = cancel
        self._tasks: list[Task] = []

    def free(self) -> bool:
        """Whether another task can be taken."""
        return not self._tasks

    def submit(self, task: Task) -> None:
        """Take a task; `wait` solves it."""
        self._tasks.append(task)

    def wait(self, seconds: float) -> list[tuple[Task, Answer | Died]]:
        """Solve what was taken, however long it takes."""
        tasks, self._tasks = self._tasks, []
        return [(task, solve_task(task, self._cancel)) for task in tasks]

    def close(self) -> None:
        """Nothing is left to end."""


class Hand:
    """A worker, and the task that it has since `since`."""

    def __init__(self) -> None:
        self.worker = Worker(SERVING, ONE_THREAD)
        self.task: Task | None = None
        self.since = 0.0

    @property
    def overdue(self) -> bool:
        """Whether it is far beyond its task's time limit."""
        if self.task is None or not self.worker.ready:
            return False
        limit = self.task.point.options.get("time_limit")
        return limit is not None and time.monotonic() - self.since > 2 * limit + GRACE_SECONDS


class Processes:
    """Workers of this process, started when there is something for them to do."""

    tries = 3

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._hands: list[Hand] = []
        self._done: list[tuple[Task, Answer | Died]] = []
        self._failed_starts = 0

    def free(self) -> bool:
        """Whether a worker has nothing to do, or another one may be started."""
        return len(self._hands) < self._most or any(h.task is None for h in self._hands)

    def submit(self, task: Task) -> None:
        """Give a task to a worker; raises E7254 where none can be started."""
        hand = next((h for h in self._hands if h.task is None), None)
        if hand is None:
            try:
                hand = Hand()
            except OSError as problem:
                reason = problem.strerror or str(problem)
                raise DiagnosticError([mistakes.no_workers(reason)]) from None
            self._hands.append(hand)
        hand.task, hand.since = task, time.monotonic()
        try:
            hand.worker.channel.send(task)
        except OSError:
            self._lost(hand)
        except Exception as error:  # noqa: BLE001 - whatever hinders it to be sent
            hand.task = None
            reason = f"its settings cannot be sent to another process: {error}"
            self._done.append((task, failure(task, "error", reason)))

    def wait(self, seconds: float) -> list[tuple[Task, Answer | Died]]:
        """What has ended, after so many seconds at most; raises E7254 where no worker gets ready."""
        if not self._done:
            channels = {h.worker.channel: h for h in self._hands}
            there = [c for c in channels if c.poll(0.0)]
            for channel in there or select.select(list(channels), [], [], seconds)[0]:
                self._hear(channels[channel])
            for hand in [h for h in self._hands if h.overdue]:
                self._lost(hand, "it did not stop at its time limit")
        done, self._done = self._done, []
        return done

    def _hear(self, hand: Hand) -> None:
        try:
            said = hand.worker.channel.receive()
        except (EOFError, OSError):
            self._lost(hand)
            return
        if not isinstance(said, Answer):
            hand.worker.ready, hand.since = True, time.monotonic()
            self._failed_starts = 0
            return
        assert hand.task is not None
        self._done.append((hand.task, said))
        hand.task = None
        used = hand.worker.megabytes()
        if used is not None and used > MOST_MEGABYTES:
            self._hands.remove(hand)
            hand.worker.end()

    def _lost(self, hand: Hand, how: str = "") -> None:
        """Take a worker off that has ended, and say which task it had."""
        self._hands.remove(hand)
        how = how or how_it_ended(hand.worker.end())
        hand.worker.end()
        if not hand.worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                raise DiagnosticError([mistakes.no_workers(how)])
        if hand.task is not None:
            self._done.append((hand.task, Died(how)))

    def close(self) -> None:
        """End all workers at once."""
        hands, self._hands = self._hands, []
        for hand in hands:
            hand.worker.end()
