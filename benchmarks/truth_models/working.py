"""The process that solves models which are handed to it one by one."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from truth_models.judging import Answer, Verdict, ended, judge
from truth_models.running import Job


def answered(text: str, job: Job, folder: Path) -> Answer:
    """What allocc says of a model."""
    import allocc

    path = folder / "model.alloc"
    path.write_text(text, encoding="utf-8")
    began = time.perf_counter()
    try:
        r = allocc.load(path).solve(
            solver=job.solver,
            method=job.method,
            gap=job.gap,
            time_limit=job.time_limit,
            threads=1,
        )
    except Exception as error:  # noqa: BLE001 - a refusal of any kind is counted
        said = f"{type(error).__name__}: {error}".strip()
        return Answer(error=said, seconds=time.perf_counter() - began)
    decisions = {b.name: b.values.ravel().tolist() for b in r.blocks if b.kind == "decision"}
    proof = getattr(r, "proof", None)
    return Answer(
        r.status,
        r.stopped,
        r.value,
        r.bound,
        r.gap,
        None if r.violation is None else r.violation.relative,
        decisions,
        None if proof is None else str(proof),
        "",
        time.perf_counter() - began,
    )


def work() -> None:
    """Solve the jobs on standard input; a line before each solve, after it, and with the verdict."""
    lines = os.fdopen(os.dup(1), "w")
    # What solvers print on their own must not come between the lines.
    os.dup2(2, 1)

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=lines, flush=True)

    import allocc  # noqa: F401 - before any clock runs

    with tempfile.TemporaryDirectory(prefix="allocc-truth-") as folder:
        for line in sys.stdin:
            try:
                job = Job(**json.loads(line))
                case = None if job.text else job.case()
                say({"begun": job.seed})
                answer = answered(job.text if case is None else case.text, job, Path(folder))
                say({"solved": job.seed})
                verdict = (
                    Verdict(ended(answer), "", answer)
                    if case is None
                    else judge(case, answer, job.gap)
                )
                say(verdict.plain())
            except Exception as error:  # noqa: BLE001 - the process that asked raises it
                say({"mistake": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    work()
