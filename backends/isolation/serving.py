"""What a worker does: it takes one request after the other until its socket ends."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import math
import mmap
import os
import pickle
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

from allocc.backends.highs_session import HighsSession
from allocc.backends.interrupt import POLL_SECONDS
from allocc.backends.isolation.wire import Channel, flat
from allocc.backends.solution import Progress, SolveOptions


def main(connection: int, lifeline: int, flags: int) -> None:
    """Serve the process at the other end of the socket `connection`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    end_with_parent(lifeline)
    channel = Channel(socket.socket(fileno=connection))
    server = SolverServer(channel, mmap.mmap(flags, mmap.PAGESIZE))
    os.close(flags)
    try:
        server.run()
    finally:
        os._exit(0)  # threads of a solver that still run must not hold the process back


def end_with_parent(lifeline: int) -> None:
    """Let this process end when the other end of the pipe `lifeline` is closed, as with its owner.

    On Linux the kernel sends a signal, which ends also a solver that never gives a thread of Python
    its turn. (PR_SET_PDEATHSIG would act when the thread ends that has started the worker.)
    """
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)

    def wait() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="allocc-lifeline", daemon=True).start()


class Flag(threading.Event):
    """An event that the parent sets in shared memory."""

    def __init__(self, memory: mmap.mmap) -> None:
        super().__init__()
        self._memory = memory

    def is_set(self) -> bool:
        """Whether a stop is asked for."""
        return bool(self._memory[0])

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a stop is asked for, `timeout` seconds at most."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self.is_set() and time.monotonic() < end:
            time.sleep(POLL_SECONDS / 10)
        return self.is_set()


class SolverServer:
    """The sessions of one worker, and the answers to its requests."""

    def __init__(self, channel: Channel, flags: mmap.mmap) -> None:
        self._channel = channel
        self._flag = Flag(flags)
        self._sessions: dict[int, HighsSession] = {}

    def run(self) -> None:
        """Take requests until there are no more."""
        self._channel.send(("ready", None))
        while True:
            try:
                forgotten, kind, *arguments = self._channel.receive()
            except EOFError:
                return
            for number in forgotten:
                self._sessions.pop(number, None)
            answer = self._answer(kind, arguments)
            del arguments
            self._channel.send(answer)

    def _answer(self, kind: str, arguments: list[Any]) -> tuple[str, Any]:
        try:
            return "answer", getattr(self, kind)(*arguments)
        except MemoryError:
            return "memory", None
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            return "error", portable(error)

    # ---- requests ----

    def backend(self, sent: bytes, environment: dict[str, str], program: Any, *wanted: Any) -> Any:
        """One solve of a backend, in the parent's environment of now: licences are found by it."""
        os.environ.update(environment)
        backend, options = pickle.loads(sent), self._options(*wanted)
        if package := getattr(backend, "package", ""):
            # Some take seconds to import, which are not the solve's.
            with contextlib.suppress(ImportError):
                importlib.import_module(package)
        self._channel.send(("begun", None))
        with self._shown(options):
            return flat(backend.solve(program, options))

    def open(self, number: int, program: Any, settings: Any) -> Any:
        """A new session."""
        session = self._sessions[number] = HighsSession(program, settings)
        return _state(session)

    def change(self, number: int, changes: Any) -> Any:
        """Changes of a session without a solve."""
        return _state(self._changed(number, changes))

    def solve(self, number: int, changes: Any, *wanted: Any) -> Any:
        """Changes of a session and a solve."""
        session, options = self._changed(number, changes), self._options(*wanted)
        with self._shown(options):
            found = session.solve(options)
        return flat(found), _state(session)

    def basis(self, number: int) -> Any:
        """The basis of a session's last solve."""
        return self._sessions[number].basis()

    def extremes(self, number: int, changes: Any, *wanted: Any) -> Any:
        """Changes of a session and the ends of some of its columns."""
        return self._changed(number, changes).extremes(*wanted)

    def quick_value(self, number: int, changes: Any, *wanted: Any) -> Any:
        """Changes of a session and its value."""
        session = self._changed(number, changes)
        found = session.quick_value(self._options(*wanted))
        return found, _state(session)

    # ---- what the parent watches ----

    def _changed(self, number: int, changes: list[tuple[str, tuple[Any, ...]]]) -> HighsSession:
        session = self._sessions[number]
        for name, arguments in changes:
            getattr(session, name)(*arguments)
        return session

    def _options(self, changed: dict[str, Any], stoppable: bool, progress: bool) -> SolveOptions:
        return SolveOptions(
            **changed,
            cancel=self._flag if stoppable else None,
            on_progress=self._progress if progress else None,
        )

    def _progress(self, progress: Progress) -> None:
        self._channel.send(("progress", progress))

    @contextlib.contextmanager
    def _shown(self, options: SolveOptions) -> Iterator[None]:
        """Send what the solver writes on stdout to the parent, where its log is wanted."""
        if not options.log:
            yield
            return
        library = ctypes.CDLL(None)
        library.fflush(None)
        reading, writing = os.pipe()
        kept = os.dup(1)
        os.dup2(writing, 1)
        os.close(writing)

        def pass_on() -> None:
            while text := os.read(reading, 65536):
                self._channel.send(("log", text))

        thread = threading.Thread(target=pass_on, name="allocc-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            library.fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
            thread.join()
            os.close(reading)


def _state(session: HighsSession) -> tuple[int, float, float]:
    return session.iterations(), session.factor, session.tolerance


def portable(error: Exception) -> Exception:
    """The exception, or one with its text where it cannot be sent."""
    error.add_note("".join(traceback.format_exception(error)))
    text = f"{type(error).__name__}: {error}"
    try:
        again = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever hinders it
        return RuntimeError(text)
    same = type(again) is type(error) and str(again) == str(error)
    return error if same else RuntimeError(text)
