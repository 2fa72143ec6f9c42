"""What a solve is asked for: options checked, and the versions that answer."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
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
    key = solver.strip().lower() if isinstance(solver, str) else ""
    if key not in registry.names() and not (key.startswith("pyomo:") and len(key) > 6):
        found.append(mistakes.unknown_choice("--solver", solver, [*registry.names(), "pyomo:NAME"]))
    if method not in METHODS:
        found.append(mistakes.unknown_choice("--method", method, METHODS))
    if not (_is_number(gap) and 0 <= gap < 1):
        found.append(mistakes.bad_gap(gap))
    if not (time_limit is None or (_is_number(time_limit) and 0 < time_limit < float("inf"))):
        found.append(mistakes.bad_option("--time-limit", time_limit, "a number of seconds above 0"))
    if not (memory_limit is None or (_is_number(memory_limit) and 0 < memory_limit < float("inf"))):
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
        cancel=cancel,
        on_progress=progress,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, of Python's or of NumPy's."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def as_path(value: object, what: str) -> Path:
    """A path from outside; raises E7054 for what is none, `what` says in words what it names."""
    if not isinstance(value, (str, PathLike)) or isinstance(value, bytes):
        raise AlloccError([mistakes.no_path(what, f"an object of type {type(value).__name__}")])
    path = Path(value)
    reason = "a null byte is in it" if "\0" in str(path) else ""
    try:
        # A name that is too long fails here rather than somewhere later.
        path.exists()
    except OSError as problem:
        reason = problem.strerror or str(problem)
    if reason:
        shown = str(path)[:60].replace("\0", "\\0")
        raise AlloccError([mistakes.no_path(what, f"'{shown}': {reason[:1].lower()}{reason[1:]}")])
    return path


def versions(solver: str = "") -> dict[str, str]:
    """What a result was made with."""
    found = {"allocc": __version__, "python": platform.python_version()}
    if solver:
        from allocc.backends import registry

        backend = registry.get(solver)
        found["solver"] = backend.solver_version()
        found["solver_package"] = f"{backend.interface} {backend.version()}".strip()
    return found
