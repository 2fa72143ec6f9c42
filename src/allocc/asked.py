"""What a solve is asked for: options checked, and the versions that answer."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING

from allocc import mistakes
from allocc.dsl.diagnostics import Diagnostic
from allocc.errors import AlloccError
from allocc.version import __version__

if TYPE_CHECKING:
    import threading

    from allocc.engine.outcome import Options, Step

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
) -> Options:
    """Checked options of a solve; raises `AlloccError` with everything that is out of range."""
    from allocc.backends import registry
    from allocc.engine.outcome import Options

    found: list[Diagnostic] = []
    key = solver.strip().lower()
    if key not in registry.names() and not (key.startswith("pyomo:") and len(key) > 6):
        found.append(mistakes.unknown_choice("--solver", solver, [*registry.names(), "pyomo:NAME"]))
    if method not in METHODS:
        found.append(mistakes.unknown_choice("--method", method, METHODS))
    if not 0 <= gap < 1:
        found.append(mistakes.bad_gap(gap))
    if time_limit is not None and not 0 < time_limit < float("inf"):
        found.append(mistakes.bad_option("--time-limit", time_limit, "a number of seconds above 0"))
    if memory_limit is not None and not 0 < memory_limit < float("inf"):
        wanted = "a number of megabytes above 0"
        found.append(mistakes.bad_option("--memory-limit", memory_limit, wanted))
    if threads is not None and not 1 <= threads <= cores():
        wanted = f"from 1 to {cores()}, the cores of this machine"
        found.append(mistakes.bad_option("--threads", threads, wanted))
    if not 0 <= seed < 2**31:
        found.append(mistakes.bad_option("--seed", seed, "from 0 to 2147483647"))
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
        cancel=cancel,
        on_progress=progress,
    )


def versions(solver: str = "") -> dict[str, str]:
    """What a result was made with."""
    found = {"allocc": __version__, "python": platform.python_version()}
    if solver:
        from allocc.backends import registry

        backend = registry.get(solver)
        found["solver"] = backend.solver_version()
        found["solver_package"] = f"{backend.interface} {backend.version()}".strip()
    return found
