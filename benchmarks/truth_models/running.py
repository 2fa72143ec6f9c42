"""Many models solved in processes that are used again, and may crash or hang."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truth_models.case import Case, Units
from truth_models.judging import Answer, Verdict

#: Seconds after the time limit at which a solve is late, and for what is not the solve.
LATE, OTHER = 5.0, 120.0
#: Processes that a job is given to where they end before they begin with it.
TRIES = 2


@dataclass(frozen=True)
class Job:
    """One model and how to solve it: one of a kind with a number, or any `text`, which is not judged."""

    kind: str
    seed: int = 0
    solver: str = "highs"
    method: str = "auto"
    gap: float = 1e-4
    time_limit: float = 10.0
    people: int = 0
    money: int = 0
    text: str = ""

    def case(self) -> Case:
        """The model."""
        import truth_models

        return truth_models.make(self.kind, self.seed, Units(self.people, self.money))


def run(jobs: Sequence[Job], workers: int = 2) -> Iterator[tuple[Job, Verdict]]:
    """Every job with its verdict, in the order in which they are done."""
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done: queue.SimpleQueue[tuple[Job, Verdict] | BaseException] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_serve, args=(waiting, done), daemon=True) for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    for _ in jobs:
        found = done.get()
        if isinstance(found, BaseException):
            raise found
        yield found


def _serve(
    waiting: queue.SimpleQueue[Job], done: queue.SimpleQueue[tuple[Job, Verdict] | BaseException]
) -> None:
    worker: _Worker | None = None
    try:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                break
            verdict = None
            for _ in range(TRIES):
                worker = worker or _Worker()
                verdict = worker.solve(job)
                if not worker.alive:
                    worker = None
                if verdict is not None:
                    break
            if verdict is None:
                raise RuntimeError(f"{job}: the process ends before it begins to solve")
            done.put((job, verdict))
    except BaseException as mistake:  # noqa: BLE001 - it is raised where the verdicts are read
        done.put(mistake)
    if worker is not None:
        worker.end()


class _Worker:
    """A process that solves one job after the other."""

    def __init__(self) -> None:
        here = str(Path(__file__).resolve().parents[1])
        limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        paths = os.pathsep.join(filter(None, [here, *sys.path]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "truth_models.working"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **limits, "PYTHONPATH": paths},
        )
        self.alive = True
        self.killed = False

    def solve(self, job: Job) -> Verdict | None:
        """The verdict on a job; None where the process ended before it began to solve it.

        That may be due to what an earlier solve has left behind. A process that crashed or was too
        late has ended.
        """
        assert self.process.stdin is not None
        said: dict[str, Any] = {}
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(asdict(job)) + "\n")
            self.process.stdin.flush()
        for stage, seconds in (("begun", OTHER), ("solved", job.time_limit + LATE), ("end", OTHER)):
            line = self._line(seconds)
            if not line:
                self.alive = False
                self.end()
                return None if stage == "begun" else self._ended(stage)
            said = json.loads(line)
            if "mistake" in said:
                raise RuntimeError(f"{job}: {said['mistake']}")
        answer = Answer(**said["answer"])
        return Verdict(said["outcome"], said["false"], answer)

    def _line(self, seconds: float) -> str:
        assert self.process.stdout is not None
        timer = threading.Timer(seconds, self._kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        return line

    def _kill(self) -> None:
        self.killed = True
        self.process.kill()

    def _ended(self, stage: str) -> Verdict:
        if self.killed and stage == "solved":
            return Verdict("late")
        return Verdict("crashed", f"the process ended with {self.process.poll()}")

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
