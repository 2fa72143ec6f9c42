"""`run_points`: many points solved, each once, with nothing lost by whoever is killed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from allocc.backends import registry
from allocc.backends.isolation import pool
from allocc.errors import reported
from allocc.questions.sweep.executors import Died, Executor, InProcess, Processes
from allocc.questions.sweep.keys import Keys, solve_options
from allocc.questions.sweep.nearest import Neighbours
from allocc.questions.sweep.solving import Task, failure
from allocc.results.sweeping.points import Answer, Point
from allocc.results.sweeping.store import keep, kept, make_store

#: How long to wait for an answer before looking whether a stop is asked for, in seconds.
LOOK_SECONDS = 0.2


def run_points(
    points: Iterable[Point],
    store: Path | None = None,
    workers: int = 1,
    told: Callable[[str], None] | None = None,
    cancel: threading.Event | None = None,
    again: bool = False,
    warm: bool = True,
    cluster: str | None = None,
) -> Iterator[tuple[Point, Answer]]:
    """Solve points and give each with its answer, as they are finished; what is in `store` comes first.

    Every finished point is written into the folder `store` and not solved another time, unless `again`; mistakes
    and processes that died are not written. Points with the same key are solved once. With one worker and no
    store all is done in this process; else in `workers` processes, or by the workers of `cluster`, as
    `dask://HOST:PORT`. A process that dies is told of (`told` gets a sentence), its point is tried again,
    and in the end has the status "died". `warm` begins each solve with the decisions, and the cuts of ranges, of the nearest point that
    is finished, which changes no proof, but perhaps which allocation within the gap is found. When `cancel` is
    set, or the iterator closed, workers are ended at once and what is left is not given.

    Raises `AlloccError` for a model, a fit or options that cannot be read, or a store that cannot be written,
    and `MissingSolver`.
    """
    found = _run(list(points), store, workers, told, cancel, again, warm, cluster)
    try:
        while True:
            # Not around the `yield`: what it sets for NumPy would hold for whoever iterates.
            with reported():
                item = next(found, None)
            if item is None:
                return
            yield item
    finally:
        found.close()


def _run(
    points: list[Point],
    store: Path | None,
    workers: int,
    told: Callable[[str], None] | None,
    cancel: threading.Event | None,
    again: bool,
    warm: bool,
    cluster: str | None,
) -> Generator[tuple[Point, Answer], None, None]:
    keys = Keys()
    same: dict[str, list[Point]] = {}
    for point in points:
        same.setdefault(keys.key(point), []).append(point)
    if store is not None:
        make_store(store)
    near = Neighbours() if warm else None
    waiting: deque[Task] = deque()
    for key, alike in same.items():
        ready = kept(store, key) if store is not None and not again else None
        if ready is None:
            waiting.append(Task(key, alike[0], keys.files(alike[0])))
            continue
        if near is not None and ready.decisions:
            near.add(alike[0], ready)
        yield from ((point, ready) for point in alike)
    if not waiting:
        return
    executor = _executor(waiting, store, workers, told, cancel, cluster)
    died: dict[str, int] = {}
    running = 0
    try:
        while (waiting or running) and not (cancel is not None and cancel.is_set()):
            while waiting and executor.free():
                task = waiting.popleft()
                start = None if near is None else near.nearest(task.point)
                executor.submit(replace(task, start=start))
                running += 1
            for task, found in executor.wait(LOOK_SECONDS):
                running -= 1
                if isinstance(found, Died):
                    died[task.key] = died.get(task.key, 0) + 1
                    left = executor.tries - died[task.key]
                    if told is not None:
                        then = "it is tried again" if left > 0 else "it is given up"
                        told(
                            f"the process with {task.point.name or 'a point'} has ended"
                            f" ({found.how}); {then}"
                        )
                    if left > 0:
                        waiting.append(task)
                        continue
                    found = failure(task, "died", f"its process has ended: {found.how}")
                if found.stopped == "interrupted":
                    continue
                if store is not None and not found.failed:
                    keep(store, found)
                if near is not None and found.decisions:
                    near.add(task.point, found)
                yield from ((point, found) for point in same[task.key])
    finally:
        executor.close()


def _executor(
    tasks: Iterable[Task],
    store: Path | None,
    workers: int,
    told: Callable[[str], None] | None,
    cancel: threading.Event | None,
    cluster: str | None,
) -> Executor:
    """Who solves; raises `MissingSolver` where that is known to be in vain."""
    if cluster is not None:
        from allocc.questions.sweep.cluster import Cluster

        return Cluster(cluster, told)
    for solver in {solve_options(t.point.options).solver for t in tasks}:
        registry.get(solver).solver_version()
    if (workers <= 1 and store is None) or pool.reason():
        return InProcess(cancel)
    return Processes(workers)
