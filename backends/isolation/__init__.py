"""Solvers in a process of their own: one that dies, stalls or eats all memory ends alone.

In: a backend, a program. Out: the same answers from a worker. It may import `allocc.backends`.

    backend = isolated(registry.get("scip"))   # the same `solve`, in a worker
    session = open_session(program)            # the same as `HighsSession`, in a worker
    start()                                    # begin to start a worker while something else is done

A worker stays for the next solve and keeps the sessions that are open. `ALLOCC_IN_PROCESS=1` lets
every solver work in the calling process; `reason()` says why it is so.
"""

from allocc.backends.isolation.backend import isolated
from allocc.backends.isolation.pool import close, reason, start, workers
from allocc.backends.isolation.session import Session, open_session

__all__ = ["Session", "close", "isolated", "open_session", "reason", "start", "workers"]
