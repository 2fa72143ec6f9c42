"""How long `allocc solve` works outside of the solver: total, less imports, less calls to HiGHS.

    python benchmarks/own_time.py [--model MODEL] [--data DIR] [--repeat 9] [--profile]

Each repetition is `allocc solve` in a fresh process, run folder and all. Imports are timed where they
are made, since most of them wait until they are needed. A call to HiGHS is `run` and what hands
it a whole model; everything else, also the many small changes between two runs, is own time. On a
machine with other work, the processor time of the thread (`own cpu`) is the steadier number: HiGHS
works in a thread of its own wherever it has to be watched.
"""

from __future__ import annotations

import argparse
import builtins
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODEL = Path(__file__).resolve().parent.parent / "examples" / "opioid" / "opioid.alloc"


class Clock:
    """Seconds in which anything watched runs, in any thread; `cpu` those of the main thread."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu = 0.0
        self.calls = 0
        self._inside = threading.local()
        self._lock = threading.Lock()
        self._running, self._since = 0, 0.0

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            if getattr(self._inside, "now", False):
                return function(*args, **named)
            self._inside.now = True
            with self._lock:
                if not self._running:
                    self._since = time.perf_counter()
                self._running += 1
            cpu = time.thread_time()
            try:
                return function(*args, **named)
            finally:
                with self._lock:
                    self._running -= 1
                    if not self._running:
                        self.seconds += time.perf_counter() - self._since
                if threading.current_thread() is threading.main_thread():
                    self.cpu += time.thread_time() - cpu
                self.calls += 1
                self._inside.now = False

        return timed


def one(model: Path, data: Path | None, profile: bool) -> dict[str, float]:
    """One solve in this process."""
    imports, runs, loads = Clock(), Clock(), Clock()
    start, cpu = time.perf_counter(), time.thread_time()
    builtins.__import__ = imports.watch(builtins.__import__)
    import importlib

    importlib.import_module = imports.watch(importlib.import_module)  # type: ignore[assignment]
    import highspy

    highspy.Highs.run = runs.watch(highspy.Highs.run)
    highspy.Highs.passModel = loads.watch(highspy.Highs.passModel)
    from allocc.cli import main

    with tempfile.TemporaryDirectory() as folder:
        command = ["solve", str(model), "--quiet", "--run", str(Path(folder) / "run")]
        command += ["--data", str(data)] if data is not None else []
        sys.argv = ["allocc", *command]
        if profile:
            import cProfile

            profiler = cProfile.Profile()
            profiler.enable()
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
        if profile:
            profiler.disable()
            import pstats

            stats = pstats.Stats(profiler, stream=sys.stderr)
            stats.sort_stats("tottime").print_stats(45)
            stats.sort_stats("cumulative").print_stats(90)
    total, cpu = time.perf_counter() - start, time.thread_time() - cpu
    return {
        "total": total,
        "imports": imports.seconds,
        "solver": runs.seconds,
        "loading": loads.seconds,
        "runs": runs.calls,
        "own": total - imports.seconds - runs.seconds - loads.seconds,
        "own cpu": cpu - imports.cpu - runs.cpu - loads.cpu,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--profile", action="store_true", help="Profile one run, on stderr.")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one or chosen.profile:
        found = one(chosen.model, chosen.data, chosen.profile)
        print(json.dumps(found), flush=True)
        return
    command = [sys.executable, __file__, "--one", "--model", str(chosen.model)]
    command += ["--data", str(chosen.data)] if chosen.data is not None else []
    results = []
    for _ in range(chosen.repeat):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    for name in results[0]:
        values = [r[name] for r in results]
        print(f"{name:8} median {statistics.median(values):8.4f}   least {min(values):8.4f}")


if __name__ == "__main__":
    main()
