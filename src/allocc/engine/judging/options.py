"""The options of a solve, checked; they are made once and passed on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from allocc import mistakes
from allocc.asked import is_number, is_whole
from allocc.dsl.diagnostics import Diagnostic
from allocc.errors import AlloccError

if TYPE_CHECKING:
    import threading

    from allocc.engine.judging.outcome import Options, Step

METHODS = ("auto", "refine", "exact", "direct")


def cores() -> int:
    """How many of the machine's cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_options(
    solver: str = "highs",
    method: str = "auto",
    gap: float = 1e-4,
    time_limit: float | None = None,
    threads: int | None = None,
    seed: int = 0,
    cancel: threading.Event | None = None,
    progress: Callable[[Step], None] | None = None,
    memory_limit: float | None = None,
    prove: bool = False,
) -> Options:
    """Checked options of a solve; raises `AlloccError` with everything that is out of range."""
    from allocc.backends import registry
    from allocc.engine.judging.outcome import Options

    found: list[Diagnostic] = []
    key = solver.strip().lower() if isinstance(solver, str) else ""
    if key not in registry.names() and not (key.startswith("pyomo:") and len(key) > 6):
        found.append(mistakes.unknown_choice("--solver", solver, [*registry.names(), "pyomo:NAME"]))
    if method not in METHODS:
        found.append(mistakes.unknown_choice("--method", method, METHODS))
    if not (is_number(gap) and 0 <= gap < 1):
        found.append(mistakes.bad_gap(gap))
    if not (time_limit is None or (is_number(time_limit) and 0 < time_limit < float("inf"))):
        found.append(mistakes.bad_option("--time-limit", time_limit, "a number of seconds above 0"))
    if not (memory_limit is None or (is_number(memory_limit) and 0 < memory_limit < float("inf"))):
        wanted = "a number of megabytes above 0"
        found.append(mistakes.bad_option("--memory-limit", memory_limit, wanted))
    if not (threads is None or (is_whole(threads) and 1 <= threads <= cores())):
        wanted = f"a whole number from 1 to {cores()}, the cores of this machine"
        found.append(mistakes.bad_option("--threads", threads, wanted))
    if not (is_whole(seed) and 0 <= seed < 2**31):
        found.append(mistakes.bad_option("--seed", seed, "a whole number from 0 to 2147483647"))
    if cancel is not None and not hasattr(cancel, "is_set"):
        found.append(mistakes.bad_option("cancel", cancel, "a threading.Event"))
    if progress is not None and not callable(progress):
        found.append(mistakes.bad_option("progress", progress, "a function, True or None"))
    if found:
        raise AlloccError(found)
    return Options(
        solver=key,
        method=method,  # type: ignore[arg-type]
        gap=gap,
        time_limit=time_limit,
        memory_limit_mb=memory_limit,
        threads=threads,
        seed=seed,
        prove=bool(prove),
        cancel=cancel,
        on_progress=progress,
    )
