"""The workers of this process: kept while idle, ended at its exit."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from allocc.backends.isolation.process import Worker

IN_PROCESS = "ALLOCC_IN_PROCESS"
"""An environment variable; with the value 1 every solver works in the calling process."""

MOST_IDLE = 2
"""More workers than this are not kept while nobody has a solve or a session in them."""

KEPT_MEGABYTES = 500.0
"""A worker that has grown beyond this is not kept."""

MOST_FAILED_STARTS = 2
"""After so many workers that have ended before they were ready no more are tried."""

_lock = threading.RLock()
_workers: list[Worker] = []
_failures: list[str] = []


def reason() -> str:
    """Why solvers work in the calling process; an empty string when they have one of their own."""
    if os.environ.get(IN_PROCESS) == "1":
        return f"{IN_PROCESS} is set"
    if os.name != "posix" or sys.platform in ("emscripten", "wasi"):
        return f"workers are not made for {sys.platform}"
    if getattr(sys, "frozen", False) or not sys.executable:
        return "there is no Python interpreter to start"
    if len(_failures) >= MOST_FAILED_STARTS:
        return _failures[-1]
    return ""


def start() -> None:
    """Begin to start a worker, unless an idle one is there; does not wait for it."""
    if reason():
        return
    with _lock:
        if not any(w.owner is None and w.alive() for w in _workers):
            _new()


def take() -> Worker | None:
    """A worker for a solve of the calling thread; None where none can be started."""
    me = threading.current_thread()
    with _lock:
        for worker in [w for w in _workers if not w.alive()]:
            discard(worker)
        free = [w for w in _workers if not w.busy and _may_have(w, me)]
        # One's own first: its sessions are there.
        free.sort(key=lambda w: w.owner is not me)
        worker_or_none = free[0] if free else _new()
        if worker_or_none is not None:
            worker_or_none.owner = me
        return worker_or_none


def give(worker: Worker) -> None:
    """Give a worker back after a request; it stays with its thread while that has sessions in it."""
    if worker.sessions:
        return
    worker.owner = None
    with _lock:
        idle = sum(w.owner is None for w in _workers)
    used = worker.megabytes()
    if idle > MOST_IDLE or (used is not None and used > KEPT_MEGABYTES):
        discard(worker)


def discard(worker: Worker) -> int:
    """End a worker; its exit status."""
    with _lock:
        if worker in _workers:
            _workers.remove(worker)
    return worker.end()


def not_started(why: str) -> None:
    """Keep in mind that a worker has ended before it was ready."""
    _failures.append(why)


def started() -> None:
    """A worker is ready: what went wrong before counts no more."""
    _failures.clear()


def workers() -> tuple[int, ...]:
    """The process numbers of the workers that run."""
    with _lock:
        return tuple(w.process.pid for w in _workers if w.alive())


def close() -> None:
    """End all workers; what they work at has failed. New ones are started when they are needed."""
    with _lock:
        ending, _workers[:] = _workers[:], []
    for worker in ending:
        worker.end()


def _new() -> Worker | None:
    try:
        worker = Worker()
    except OSError as error:
        not_started(f"no process can be started: {error}")
        return None
    _workers.append(worker)
    return worker


def _may_have(worker: Worker, thread: threading.Thread) -> bool:
    owner = worker.owner
    return owner is None or owner is thread or not owner.is_alive()


def _after_fork() -> None:
    """In a fork the workers are still the parent's."""
    global _lock
    _lock = threading.RLock()
    for worker in _workers:
        worker.abandon()
    _workers.clear()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
