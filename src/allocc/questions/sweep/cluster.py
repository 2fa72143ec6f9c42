"""Tasks solved by the workers of a Dask cluster.

Each worker needs allocc, and finds the model and its data at the same paths: they lie on a disk that all machines
see. Hashes are compared there, so that other files are told and not solved.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from allocc import mistakes
from allocc.dsl.diagnostics import DiagnosticError
from allocc.errors import require
from allocc.questions.sweep.executors import Died
from allocc.questions.sweep.solving import Task, failure, solve_task
from allocc.results.sweeping.points import Answer

_ADDRESS = re.compile(r"dask://([^/\s]+:\d+)/?\Z")
#: How long to wait for the scheduler, in seconds.
PATIENCE_SECONDS = 15.0
#: Tasks that are handed over for each thread of a worker: one that runs, and one for when it is done.
AHEAD = 2


class Cluster:
    """The workers of a Dask scheduler at `dask://HOST:PORT`.

    Dask gives up a task (KilledWorker) after some workers have ended that had it, also where the task was only
    waiting there: so it is handed over more often than to workers of our own.
    """

    tries = 6

    def __init__(self, address: str, told: Callable[[str], None] | None = None) -> None:
        match = _ADDRESS.match(address)
        if match is None:
            reason = "its address has another form"
            raise DiagnosticError([mistakes.bad_cluster(address, reason)])
        require("distributed", "a cluster", "cluster")
        from distributed import Client

        self._address = address
        self._told = told
        self._tasks: dict[Any, Task] = {}
        self._done: list[tuple[Task, Answer | Died]] = []
        self._threads, self._looked = 0, 0.0
        try:
            self._client = Client(
                f"tcp://{match[1]}", timeout=PATIENCE_SECONDS, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError) as problem:
            raise DiagnosticError([mistakes.bad_cluster(address, _short(problem))]) from None

    def free(self) -> bool:
        """Whether the workers have room for another task."""
        if time.monotonic() - self._looked > 1.0:
            had, self._looked = self._threads, time.monotonic()
            self._threads = sum(self._client.nthreads().values())
            if not self._threads and had != self._threads and self._told is not None:
                self._told("the cluster has no worker; waiting for one")
        return len(self._tasks) < AHEAD * self._threads

    def submit(self, task: Task) -> None:
        """Hand a task over; an attempt has a name of its own, so that no failed one is answered from memory."""
        name = f"allocc-{task.key[:16]}-{uuid.uuid4().hex[:8]}"
        try:
            future = self._client.submit(solve_task, task, key=name, pure=False)
        except Exception as error:  # noqa: BLE001 - whatever hinders it to be sent
            reason = f"its settings cannot be sent to another process: {_short(error)}"
            self._done.append((task, failure(task, "error", reason)))
            return
        self._tasks[future] = task

    def wait(self, seconds: float) -> list[tuple[Task, Answer | Died]]:
        """What has ended, after so many seconds at most; raises E7253 where the scheduler is gone."""
        from distributed import wait

        if self._tasks and not self._done:
            with contextlib.suppress(TimeoutError), self._client.as_current():
                wait(list(self._tasks), timeout=seconds, return_when="FIRST_COMPLETED")
            for future in [f for f in self._tasks if f.status != "pending"]:
                self._done.append((self._tasks.pop(future), self._end(future)))
        elif not self._done:
            time.sleep(seconds)
        if self._client.status not in ("running", "connecting"):
            reason = "its scheduler has ended"
            raise DiagnosticError([mistakes.bad_cluster(self._address, reason)])
        done, self._done = self._done, []
        return done

    def _end(self, future: Any) -> Answer | Died:
        if future.status == "finished":
            found: Answer = future.result()
            return found
        if future.status == "error":
            return Died(_short(future.exception()))
        return Died("it was taken back by the cluster")

    def close(self) -> None:
        """Take back what is not finished, and leave the cluster as it is."""
        self._client.cancel(list(self._tasks), force=True)
        self._client.close(timeout=5)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
