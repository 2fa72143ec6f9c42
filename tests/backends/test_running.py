"""Limits, stops, Ctrl-C, progress, starts and cutoffs on a program that takes too long."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from allocc.backends import Progress, Solution, SolveOptions, check_point, get
from allocc.compiler.programs.program import Program
from tests.backends.programs import hard_knapsack, program
from tests.backends.test_conformance import backend

HARD = hard_knapsack()
WATCHED = ("highs", "scip", "gurobi")
#: Looks at a running solve, of a tenth of a second each, before it is cancelled.
POLLS = 8
EVERY = (*WATCHED, "pyomo", "pyomo:scip", "pyomo:gurobi")


def honest(model: Program, answer: Solution) -> None:
    assert answer.point is not None and answer.value is not None and answer.bound is not None
    assert check_point(model, answer.point).holds(1e-6)
    assert answer.value == pytest.approx(model.objective @ answer.point + model.offset)
    assert answer.bound >= answer.value - 1e-6
    assert answer.value > 0.9 * answer.bound


@pytest.mark.parametrize("name", EVERY)
def test_time_limit_keeps_the_incumbent_and_a_bound(name: str) -> None:
    answer = backend(name).solve(HARD, SolveOptions(time_limit=1.0, threads=1))
    assert answer.termination == "time_limit"
    honest(HARD, answer)


@pytest.mark.parametrize("name", EVERY)
def test_no_time_gives_no_point_that_is_made_up(name: str) -> None:
    answer = backend(name).solve(HARD, SolveOptions(time_limit=0.0, threads=1))
    assert answer.termination == "time_limit"
    if answer.point is None:
        assert answer.value is None
    else:
        assert check_point(HARD, answer.point).holds(1e-6)


@pytest.mark.parametrize("name", WATCHED)
def test_cancel_and_progress(name: str) -> None:
    seen: list[Progress] = []
    cancel = threading.Event()

    def on_progress(p: Progress) -> None:
        seen.append(p)
        if len(seen) == POLLS:
            cancel.set()

    answer = backend(name).solve(HARD, SolveOptions(cancel=cancel, on_progress=on_progress))
    assert answer.termination == "interrupted"
    honest(HARD, answer)
    assert POLLS < len(seen) < 10 * POLLS
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)
    assert seen[-1].value == answer.value and seen[-1].bound == answer.bound
    assert all(p.bound is None or abs(p.bound) < 1e15 for p in seen)


@pytest.mark.parametrize("name", WATCHED)
def test_first_ctrl_c_keeps_the_incumbent(name: str) -> None:
    timer = threading.Timer(0.8, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    answer = backend(name).solve(HARD, SolveOptions(time_limit=30.0))
    assert answer.termination == "interrupted"  # and not "time_limit"
    honest(HARD, answer)


def test_second_ctrl_c_raises() -> None:
    def twice() -> None:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

    cancel = threading.Event()
    thread = threading.Thread(target=twice)
    thread.start()
    try:
        answer = get("highs").solve(HARD, SolveOptions(time_limit=30.0, cancel=cancel))
        # On a busy machine the second signal comes after the first has ended the solve.
        thread.join()
    except KeyboardInterrupt:
        time.sleep(0.5)  # the abandoned solve comes to its end
        thread.join()
    else:  # both signals were delivered as one
        assert answer.termination == "interrupted"


@pytest.mark.parametrize("name", WATCHED)
def test_exception_of_on_progress_comes_back(name: str) -> None:
    calls: list[Progress] = []

    def broken(p: Progress) -> None:
        calls.append(p)
        raise RuntimeError("broken display")

    with pytest.raises(RuntimeError, match="broken display"):
        backend(name).solve(HARD, SolveOptions(on_progress=broken, time_limit=20.0))
    assert len(calls) == 1 and calls[0].seconds < 20.0


def test_works_in_a_thread_that_is_not_the_main_one() -> None:
    answers: list[Solution] = []
    options = SolveOptions(time_limit=0.5, threads=1)
    threads = [
        threading.Thread(target=lambda: answers.append(get("highs").solve(HARD, options)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.termination for a in answers] == ["time_limit", "time_limit"]


@pytest.mark.parametrize("name", WATCHED)
@pytest.mark.parametrize("partial", [False, True])
def test_start_is_used(name: str, partial: bool) -> None:
    solver = backend(name)
    good = solver.solve(HARD, SolveOptions(time_limit=0.6, threads=1))
    assert good.point is not None and good.value is not None
    start = np.round(good.point)
    if partial:
        start[:5] = np.nan
    again = solver.solve(HARD, SolveOptions(time_limit=0.3, threads=1, start=start))
    assert again.value is not None and again.value >= good.value - 1e-6
    with pytest.raises(ValueError, match="entries"):
        solver.solve(HARD, SolveOptions(start=np.zeros(3), time_limit=0.1))


@pytest.mark.parametrize("name", WATCHED)
def test_cutoff_that_nothing_beats(name: str) -> None:
    model = hard_knapsack(25, 4)
    solver = backend(name)
    best = solver.solve(model, SolveOptions(time_limit=20.0))
    assert best.termination == "optimal" and best.value is not None
    cut = solver.solve(model, SolveOptions(time_limit=20.0, cutoff=best.value * 1.02))
    assert cut.bound is not None and cut.bound >= best.value - 1e-6
    assert cut.termination in ("cutoff", "optimal")
    if name != "highs":
        assert cut.termination == "cutoff" and cut.point is None
    loose = solver.solve(model, SolveOptions(time_limit=20.0, cutoff=best.value * 0.98))
    assert loose.termination == "optimal"
    assert loose.value == pytest.approx(best.value, rel=1e-6)


def test_memory_limit_stops_highs() -> None:
    answer = get("highs").solve(HARD, SolveOptions(memory_limit_mb=1.0, time_limit=5.0))
    assert answer.termination in ("memory_limit", "time_limit")


@pytest.mark.parametrize("name", EVERY)
def test_nothing_on_stdout(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    model = program([1, 1], [[1, 1]], [1.5], [9.0], upper=4, integer=True)
    assert backend(name).solve(model, SolveOptions()).termination == "optimal"
    assert capfd.readouterr().out == ""
