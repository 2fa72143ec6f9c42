"""A request to a worker, watched until its answer: cancel, Ctrl-C, progress, time, memory, its end.

A worker is asked first, by a flag that the running solve looks at. It is ended when it has not
answered within a grace after that.
"""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

from allocc.backends.interrupt import POLL_SECONDS
from allocc.backends.isolation import pool
from allocc.backends.isolation.process import Worker, how_it_ended
from allocc.backends.solution import Refused, SolveOptions, Termination

GRACE_SECONDS = 2.0
"""Solvers look at their callbacks many times a second; a busy machine may make it a second."""

GRACE_SHARE = 0.1
"""A long solve holds a large program, whose steps between two looks at the clock are long as well."""

EMPTY_HANDED_SECONDS = 1.0
"""How long a person waits for a solver that would bring nothing: a linear program broken off."""

START_SECONDS = 60.0
"""A worker that is not ready after this, or has not imported its solver, never will be."""

MEMORY_SHARE = 0.2
"""A worker watches its own memory; it is ended when it is so far beyond the limit and does not stop."""


PATIENCE_SECONDS = 60.0
"""Small linear programs look at no clock, and take milliseconds: one that takes this has lost its way."""


class Ended(Exception):
    """The worker has ended, or was ended, before it had answered.

    `begun` says whether the solver was at work by then: where not, another worker may be asked.
    """

    def __init__(
        self, termination: Termination, text: str, seconds: float, begun: bool = True
    ) -> None:
        super().__init__(text)
        self.termination = termination
        self.seconds = seconds
        self.begun = begun


class NotStarted(Exception):
    """The worker has ended before it was ready: no solver had begun."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a worker and how it is watched.

    `who` is the solver's name in messages, `reading` how many seconds more it may take for a program
    of this size. A solve that is not `stoppable` looks at no flag: it runs as it would in the calling
    thread, and Ctrl-C raises after it. One that `keeps` nothing loses nothing when it is ended.
    """

    kind: str
    arguments: tuple[Any, ...]
    who: str
    reading: float = 0.0
    options: SolveOptions | None = None
    stoppable: bool = True
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `asked` is why a stop was asked for, `keyboard` whether by Ctrl-C."""

    content: Any
    asked: Termination | None = None
    keyboard: bool = False


def ask(worker: Worker, request: Request) -> Reply:
    """Send a request and wait for its answer.

    Raises `Ended`, `NotStarted`, what the worker has raised, and what `on_progress` has raised.
    """
    with worker.lock:
        if worker.busy:
            raise Refused("a solver is asked again inside of its own solve")
        worker.busy = True
        try:
            kind, reply = _Watch(worker, request).run()
        except BaseException:
            # Whatever it was, nobody knows now what is on the way between the two processes.
            pool.discard(worker)
            raise
        finally:
            worker.busy = False
    if kind == "error":
        raise reply.content
    return reply


class _Watch:
    def __init__(self, worker: Worker, request: Request) -> None:
        self.worker = worker
        self.request = request
        self.options = request.options or SolveOptions()
        self.began = time.perf_counter()
        self.asked: Termination | None = None
        self.asked_at = 0.0
        self.keyboard = False
        #: Whether the solver is at work, and not the import of its package.
        self.begun = request.kind != "backend" and worker.ready
        self.error: Exception | None = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def run(self) -> tuple[str, Reply]:
        worker = self.worker
        worker.ask_to_stop(False)
        forgotten, worker.forgotten = worker.forgotten, []
        try:
            worker.channel.send((forgotten, self.request.kind, *self.request.arguments))
            self.began = time.perf_counter()
            kind, content = self.wait()
        except TimeoutError:
            raise self.end("failed", f"took nothing for {self.seconds:.0f} seconds") from None
        except (EOFError, OSError):
            raise self.crashed() from None
        if kind == "memory":
            # After a failed allocation nothing in it can be relied on.
            raise self.end("memory_limit", "had not enough memory")
        if self.error is not None:
            return "error", Reply(self.error)
        if self.keyboard and not self.request.stoppable:
            return "error", Reply(KeyboardInterrupt())
        return kind, Reply(content, self.asked, self.keyboard)

    def wait(self) -> tuple[str, Any]:
        while True:
            try:
                there = self.worker.channel.poll(POLL_SECONDS)
            except KeyboardInterrupt:
                self.interrupted()
                continue
            if there:
                kind, content = self.worker.channel.receive()
                if kind in ("answer", "error", "memory"):
                    return kind, content
                self.heard(kind, content)
            self.look()

    def interrupted(self) -> None:
        """Ctrl-C: the first asks, the second raises."""
        if self.keyboard:
            raise KeyboardInterrupt
        self.keyboard = True
        self.stop("interrupted")

    def heard(self, kind: str, content: Any) -> None:
        if kind == "ready":
            self.worker.ready = True
            self.begun = self.request.kind != "backend"
            pool.started()
            self.restart()
        elif kind == "begun":
            self.begun = True
            self.restart()
        elif kind == "log":
            _show(content)
        elif kind == "progress" and self.options.on_progress is not None:
            try:
                self.options.on_progress(content)
            except KeyboardInterrupt:
                self.interrupted()
            except Exception as error:  # noqa: BLE001 - raised after the end
                self.error = error
                # Not again: the same call would only fail again.
                self.options = replace(self.options, on_progress=None)
                self.stop("interrupted")

    def restart(self) -> None:
        """The time of the solve, and of a stop that was asked before it, begins now."""
        self.began, self.asked_at = time.perf_counter(), 0.0

    def stop(self, why: Termination) -> None:
        """Ask for a stop; the first reason counts."""
        if self.asked is None:
            self.asked, self.asked_at = why, self.seconds
            self.worker.ask_to_stop()

    def look(self) -> None:
        options, now = self.options, self.seconds
        if self.worker.ended:
            raise EOFError  # another thread has closed the pool
        if not self.begun and now > START_SECONDS:
            if self.worker.ready:
                raise self.end("failed", f"was not imported in {now:.0f} seconds and was ended")
            pool.not_started(f"a worker was not ready after {START_SECONDS:.0f} seconds")
            raise NotStarted
        if options.cancel is not None and options.cancel.is_set():
            self.stop("interrupted")
        grace = GRACE_SECONDS + self.request.reading
        limit = options.time_limit
        late = math.inf if limit is None else now - max(limit, 0.0)
        if limit is not None and self.begun:
            # What would bring nothing is not waited for as long as what has a point.
            longest = grace + (GRACE_SHARE * max(limit, 0.0) if self.request.keeps else 0.0)
            if late > longest / 2:
                self.stop("time_limit")
            if late > longest:
                raise self.end(
                    "time_limit", f"did not stop {late:.1f} seconds after its limit and was ended"
                )
        if self.request.stoppable and self.begun and options.patience is not None:
            if now > options.patience:
                self.stop("time_limit")
        elif not self.request.stoppable and self.begun:
            patience = PATIENCE_SECONDS if options.patience is None else options.patience
            if now > patience + grace:
                raise self.end("failed", f"did not end within {now:.1f} seconds and was ended")
        if options.memory_limit_mb is not None:
            used = self.worker.megabytes()
            if used is not None and used > (1.0 + MEMORY_SHARE) * options.memory_limit_mb:
                self.stop("memory_limit")
        since = now - self.asked_at
        if self.asked is not None and self.begun and since > self.grace():
            why = "it had reached its memory limit"
            if self.asked != "memory_limit":
                why = "it was asked to"
            raise self.end(
                self.asked, f"did not stop {since:.1f} seconds after {why} and was ended"
            )

    def grace(self) -> float:
        """How long it may take to a stop that was asked for; a person is not kept waiting."""
        share = GRACE_SHARE * self.asked_at
        if self.asked != "interrupted":
            return GRACE_SECONDS + self.request.reading + share
        if not self.request.keeps:
            return min(EMPTY_HANDED_SECONDS, GRACE_SECONDS)
        return GRACE_SECONDS + share

    def end(self, termination: Termination, text: str) -> BaseException:
        """End the worker; what to raise then."""
        pool.discard(self.worker)
        return self.ended(termination, text)

    def ended(self, termination: Termination, text: str) -> BaseException:
        if self.error is not None:
            return self.error
        if self.keyboard and not self.request.stoppable:
            return KeyboardInterrupt()
        return Ended(termination, f"{self.request.who} {text}", self.seconds, self.begun)

    def crashed(self) -> BaseException:
        how = how_it_ended(pool.discard(self.worker))
        if not self.worker.ready:
            pool.not_started(f"a worker ended before it was ready ({how})")
            return NotStarted()
        return self.ended("failed", f"ended its process ({how})")


def _show(text: bytes) -> None:
    sys.stdout.flush()
    os.write(1, text)
