"""A worker: a Python process that solves for this one, and whose end hurts nobody.

It is a new interpreter and not a fork: a fork of a process with threads may hang. It has a process
group of its own, so that Ctrl-C reaches this process alone and so that programs which a solver has
started end with it. It ends when this process does, however that ends: see `serving.end_with_parent`.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from allocc.backends.interrupt import resident_megabytes
from allocc.backends.isolation.wire import Channel, memory_file

SEND_SECONDS = 60.0
"""A worker that reads nothing for so long is given up."""

END_SECONDS = 10.0
"""The system may need a moment to take back the memory of a process that it ends."""

SOLVING = "allocc.backends.isolation.serving"
"""The module whose `main` a worker runs, unless it is told of another one."""

_BOOT = (
    "import sys; a = sys.argv[1:]; sys.path[:] = a[4:]; "
    "from importlib import import_module; import_module(a[0]).main(*map(int, a[1:4]))"
)


class Worker:
    """A running worker. `start` does not wait for it: what is sent before it is ready is kept.

    It runs `main(connection, lifeline, flags)` of the module `serving`, with `environment` beside this
    process's own.
    """

    def __init__(
        self, serving: str = SOLVING, environment: Mapping[str, str] | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.busy = False
        self.ready = False
        self.owner: threading.Thread | None = None
        self.sessions: set[int] = set()
        #: Sessions that nobody has any more; the next message tells the worker.
        self.forgotten: list[int] = []
        flags = memory_file()
        mine, other = socket.socketpair()
        listening, self._lifeline = os.pipe()
        try:
            os.ftruncate(flags, mmap.PAGESIZE)
            self._flags = mmap.mmap(flags, mmap.PAGESIZE)
            handed = (other.fileno(), listening, flags)
            self.process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, serving, *map(str, handed), *_paths()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=handed,
                start_new_session=True,
                env={**os.environ, **(environment or {}), "ALLOCC_IN_PROCESS": "1"},
            )
        except BaseException:
            os.close(self._lifeline)
            mine.close()
            raise
        finally:
            other.close()
            os.close(listening)
            os.close(flags)
        mine.settimeout(SEND_SECONDS)
        self.channel = Channel(mine)
        self.ended = False

    def ask_to_stop(self, stop: bool = True) -> None:
        """Set or clear the flag that a running solve looks at."""
        self._flags[0] = int(stop)

    def alive(self) -> bool:
        """Whether the process still runs. The end of one that is at work shows in its answer."""
        if self.ended or self.busy:
            return not self.ended
        if self.process.poll() is not None:
            self.end()
        return not self.ended

    def megabytes(self) -> float | None:
        """Its resident memory, where the system tells it."""
        return resident_megabytes(self.process.pid)

    def end(self) -> int:
        """End the process and all that it has started; its exit status, negative for a signal.

        One that has crashed keeps the status that it had when its socket was closed.
        """
        if not self.ended:
            self.ended = True
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
            self.abandon()
        status = self.process.returncode
        return -signal.SIGKILL if status is None else int(status)

    def abandon(self) -> None:
        """Close this side's descriptors only, as after a fork."""
        self.ended = True
        self.channel.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        self._lifeline = -1


def _paths() -> list[str]:
    """Where this process finds its modules, and where allocc is."""
    package = find_spec("allocc")
    assert package is not None
    paths = [str(Path(p).absolute()) for p in sys.path]
    home = [str(Path(x).parent) for x in package.submodule_search_locations or ()]
    return [*paths, *(p for p in home if p not in paths)]


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        words = (signal.strsignal(-status) or "").lower()
        more = "; perhaps there was not enough memory" if -status == signal.SIGKILL else ""
        return f"signal {-status}, {words}{more}" if words else f"signal {-status}"
    return f"signal {-status}"
