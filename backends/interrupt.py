"""Run a solver so that it can be watched and stopped: one pattern for all backends.

The solver works in a thread of its own. Its callbacks only write numbers into a `Monitor` and never
raise. The calling thread waits in small steps, reports progress, and asks for a stop when the
caller's `cancel` is set, when memory runs out or at Ctrl-C. After a stop the best point is kept; a
second Ctrl-C raises.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from allocc.backends.solution import Progress, SolveOptions, Termination
from allocc.backends.support import finite

POLL_SECONDS = 0.1
"""How often the calling thread looks at cancel, memory and progress."""

Reason = Literal["interrupted", "memory_limit", "cutoff"]


class Monitor:
    """What the solver's callbacks and the calling thread share during one solve."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.reason: Reason | None = None
        self.error: BaseException | None = None
        self.snapshot: tuple[float | None, float | None, int] | None = None
        self.keyboard = False

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self.started

    @property
    def stopping(self) -> bool:
        """Whether the solver is asked to stop."""
        return self.reason is not None or self.error is not None

    def stop(self, reason: Reason) -> None:
        """Ask for a stop; the first reason counts."""
        if self.reason is None:
            self.reason = reason

    def note(self, value: float | None, bound: float | None, nodes: int) -> None:
        """Keep the latest numbers; None or an infinite number is unknown."""
        self.snapshot = (finite(value), finite(bound), int(nodes))

    def fail(self, error: BaseException) -> None:
        """Keep an exception of a callback, to be raised in the calling thread."""
        if self.error is None:
            self.error = error

    def stopped(self) -> Termination:
        """The termination after the solver has said that it was stopped from outside."""
        return self.reason or "interrupted"

    def progress(self) -> Progress:
        """The latest snapshot as a Progress."""
        value, bound, nodes = self.snapshot or (None, None, 0)
        return Progress(self.seconds, value, bound, nodes)

    def watch(self, options: SolveOptions) -> None:
        """One step of the calling thread: cancel, memory, progress."""
        if options.cancel is not None and options.cancel.is_set():
            self.stop("interrupted")
        if options.memory_limit_mb is not None:
            used = resident_megabytes()
            if used is not None and used > options.memory_limit_mb:
                self.stop("memory_limit")
        if options.on_progress is not None and self.snapshot is not None:
            options.on_progress(self.progress())


def resident_megabytes(process: int | str = "self") -> float | None:
    """Memory of this process or another where the system tells it (Linux), otherwise None."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        import resource

        return pages * resource.getpagesize() / 1e6
    except (OSError, ImportError, IndexError, ValueError):
        return None


def watched(options: SolveOptions) -> bool:
    """Whether the caller asked for anything that needs a watching thread."""
    return (
        options.cancel is not None
        or options.on_progress is not None
        or options.time_limit is not None
        or options.memory_limit_mb is not None
    )


def supervise(
    work: Callable[[], object],
    monitor: Monitor,
    options: SolveOptions,
    ask: Callable[[], object] | None = None,
) -> None:
    """Run `work` in a thread and watch it until it ends.

    `ask` hands a stop to solvers that are not polled in a callback; it may be called repeatedly.
    An exception of `work`, of a callback or of `on_progress` is raised here, after the end.
    """
    done = threading.Event()

    def body() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            monitor.fail(error)
        finally:
            done.set()

    worker = threading.Thread(target=body, name="allocc-solver", daemon=True)
    worker.start()
    ended = False
    while not ended:
        try:
            while not done.wait(POLL_SECONDS):
                monitor.watch(options)
                if monitor.stopping and ask is not None:
                    ask()
            ended = True
        except KeyboardInterrupt:
            if monitor.keyboard:
                raise
            monitor.keyboard = True
            monitor.stop("interrupted")
        except Exception as error:  # noqa: BLE001 - raised below
            monitor.fail(error)
            # Not again: the same call would only fail again while the solver comes to its end.
            options = SolveOptions()
    worker.join(1.0)
    if monitor.error is not None:
        raise monitor.error
