"""Broken models and data, many of them: each must end in a message or a program, soon.

python benchmarks/fuzz.py [--inputs 100000] [--first 0] [--jobs 2] [--seconds 20] [--megabytes 4000]
python benchmarks/fuzz.py --show SEED

Every input goes from its bytes to the linear program, as far as it gets, and what gets there goes through
the lint (`allocc check --pedantic`); a few are solved as well. All of it happens in a process with a limit
of time (of the processor, so that a busy machine changes nothing) and of memory. What is found is printed
with its number, which makes the same input again. Exit code 1 if anything is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))

import mutants

#: One input in so many that compile is solved as well, for so many seconds at most.
SOLVED, SOLVER_SECONDS = 20, 1.0
#: Inputs that one process works on, so that nothing can pile up in it.
BATCH = 250
#: A process that says nothing for so long is taken to hang outside of Python.
SILENCE = 300.0


class TooLong(BaseException):
    """The time of an input is over; no `except Exception` on the way may take it for a mistake."""


def tried(seed: int, folder: Path) -> dict[str, Any]:
    """Compile the input of a number; what came of it as plain data."""
    from allocc.dsl.diagnostics import DiagnosticError
    from allocc.dsl.messages import render, to_json

    case = mutants.make(seed)
    write(case, folder)
    begun = time.process_time()
    found: dict[str, Any] = {"seed": seed, "kind": case.kind, "codes": [], "stage": "model"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shown = _compile(folder, found, seed % SOLVED == 0)
    except DiagnosticError as error:
        shown = list(error.diagnostics)
        found["stage"] = "message"
        if not any(d.severity == "error" for d in shown):
            found["trouble"] = "raised without an error"
    except TooLong:
        found["trouble"] = "too long"
        found["trace"] = traceback.format_exc()
        shown = []
    except Exception as error:  # noqa: BLE001 - what this program looks for
        found["trouble"] = f"{type(error).__name__}: {error}"[:300]
        found["trace"] = traceback.format_exc()
        shown = []
    # A message that cannot be shown is a mistake as well.
    render(shown)
    json.dumps([to_json(d) for d in shown]).encode("utf-8", "strict")
    found["codes"] = sorted({d.code for d in shown})
    found["seconds"] = time.process_time() - begun
    return found


def write(case: mutants.Case, folder: Path) -> None:
    """The input as files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "model.alloc").write_bytes(case.model)
    for name, raw in case.tables.items():
        (folder / name).write_bytes(raw)


def _compile(folder: Path, found: dict[str, Any], solved: bool) -> list[Any]:
    """All stages; the model's warnings, with those of the lint."""
    from allocc.api import Model
    from allocc.compiler.binding.bind import bind
    from allocc.compiler.pipeline import chain
    from allocc.compiler.programs.bounds import Infeasible
    from allocc.compiler.relaxing.relaxation import Relaxation
    from allocc.compiler.unrolling.discretize import discretize
    from allocc.dsl.reading.parser import parse_file
    from allocc.engine.judging.outcome import Options
    from allocc.engine.solve import solve

    path = folder / "model.alloc"
    model = Model(bind(parse_file(path), folder, path=path), folder, {})
    # By hand, since the front door silences NumPy's warnings.
    model.problem = discretize(model.bound)
    with contextlib.suppress(Infeasible):
        Relaxation(chain(model.problem, "stated").program).build()
    shown = model.check(pedantic=True)
    found["stage"] = "program"
    if solved:
        outcome = solve(model.problem, Options(time_limit=SOLVER_SECONDS, threads=1))
        found["stage"] = outcome.status
    return shown


# --- a process that works on a batch --------------------------------------------------------------


def work(first: int, count: int, seconds: float, megabytes: float) -> None:
    """Write one line of JSON before and one after every input."""
    limit = int(megabytes * 1e6)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def over(_signal: int, _frame: object) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, over)
    # What solvers print on their own must not come between the lines.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="allocc-fuzz-") as folder:
        for seed in range(first, first + count):
            print(json.dumps({"begun": seed}), file=answers, flush=True)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                found = tried(seed, Path(folder) / "input")
            except TooLong:
                found = {"seed": seed, "trouble": "too long", "codes": [], "seconds": seconds}
            except Exception as error:  # noqa: BLE001 - while its message was shown
                found = {"seed": seed, "trouble": f"{error!r}"[:300], "codes": [], "seconds": 0.0}
                found["trace"] = traceback.format_exc()
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps(found), file=answers, flush=True)


class Tally:
    """What all processes have found."""

    def __init__(self, inputs: int) -> None:
        self.lock = threading.Lock()
        self.inputs = inputs
        self.done = 0
        self.codes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()
        self.trouble: list[dict[str, Any]] = []
        self.slowest = (0.0, -1)
        self.began = time.perf_counter()

    def add(self, found: dict[str, Any]) -> None:
        """Count one input."""
        with self.lock:
            self.done += 1
            self.codes.update(found["codes"])
            self.kinds[found.get("kind", "?")] += 1
            self.stages[found.get("stage", "?")] += 1
            self.slowest = max(self.slowest, (found["seconds"], found["seed"]))
            if "trouble" in found:
                self.trouble.append(found)
                print(f"input {found['seed']} ({found.get('kind')}): {found['trouble']}")
                print(_last_lines(found.get("trace", "")), flush=True)
            if self.done % 5000 == 0:
                print(f"{self.done} inputs, {self.rate:.0f} a second", flush=True)

    @property
    def rate(self) -> float:
        """Inputs in a second."""
        return self.done / max(time.perf_counter() - self.began, 1e-9)

    def report(self) -> str:
        """All of it as text."""
        lines = [
            f"{self.done} inputs in {time.perf_counter() - self.began:.0f} s, {self.rate:.0f} a second",
            "kinds    " + _counts(self.kinds),
            "ended in " + _counts(self.stages),
            f"codes    {len(self.codes)}: " + _counts(self.codes),
            f"slowest  {self.slowest[0]:.2f} s of the processor, input {self.slowest[1]}",
            f"trouble  {len(self.trouble)}",
        ]
        return "\n".join(lines)


def _counts(counter: Counter[str]) -> str:
    return " ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def _last_lines(trace: str) -> str:
    return "\n".join(f"    {line}" for line in trace.strip().splitlines()[-7:])


def run_batches(tally: Tally, batches: list[tuple[int, int]], chosen: argparse.Namespace) -> None:
    """Take batches until none is left; a process that dies is begun again after the input."""
    while True:
        with tally.lock:
            if not batches:
                return
            first, count = batches.pop()
        end = first + count
        while first < end:
            at, reason = run_process(tally, first, end - first, chosen)
            if reason:
                tally.add({"seed": at, "trouble": reason, "codes": [], "seconds": 0.0})
            first = at + 1


def run_process(
    tally: Tally, first: int, count: int, chosen: argparse.Namespace
) -> tuple[int, str]:
    """Run one process; the last input that it began, and how it died if it did before its end."""
    command = [sys.executable, __file__, "--work", str(first), str(count)]
    command += ["--seconds", str(chosen.seconds), "--megabytes", str(chosen.megabytes)]
    limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ALLOCC_DEBUG": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits}
    ) as child:
        assert child.stdout is not None
        last, open_input = first - 1, False
        timer = threading.Timer(SILENCE, child.kill)
        timer.start()
        for line in child.stdout:
            timer.cancel()
            timer = threading.Timer(SILENCE, child.kill)
            timer.start()
            found = json.loads(line)
            if "begun" in found:
                last, open_input = found["begun"], True
            else:
                open_input = False
                tally.add(found)
        timer.cancel()
        code = child.wait()
    if open_input or code:
        return max(last, first), f"the process ended with {code}"
    return last, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=40.0, help="of the processor, an input")
    parser.add_argument("--megabytes", type=float, default=4000.0, help="of memory, an input")
    parser.add_argument("--show", type=int, metavar="SEED", help="write one input to a folder")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(*chosen.work, chosen.seconds, chosen.megabytes)
        return 0
    if chosen.show is not None:
        folder = Path(f"fuzz-{chosen.show}")
        write(mutants.make(chosen.show), folder)
        print(f"{folder}/model.alloc")
        return 0
    tally = Tally(chosen.inputs)
    batches = [
        (start, min(BATCH, chosen.first + chosen.inputs - start))
        for start in range(chosen.first, chosen.first + chosen.inputs, BATCH)
    ][::-1]
    threads = [
        threading.Thread(target=run_batches, args=(tally, batches, chosen))
        for _ in range(chosen.jobs)
    ]
    for thread in threads:
        thread.start()
    with contextlib.suppress(KeyboardInterrupt):
        for thread in threads:
            thread.join()
    print(tally.report())
    return 1 if tally.trouble or tally.done < chosen.inputs else 0


if __name__ == "__main__":
    sys.exit(main())
