"""What comes through from a worker: progress, stops, exceptions, logs, names, to every thread."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allocc.backends import (
    LicenceLimit,
    Progress,
    Solution,
    SolveOptions,
    get,
    isolated,
    isolation,
    open_session,
)
from allocc.backends.solution import Refused
from allocc.compiler.programs.program import ProgramBlock
from tests.backends.dying import Dying
from tests.backends.isolating import eventually, isolated_workers, runs  # noqa: F401 - a fixture
from tests.backends.programs import hard_knapsack, program
from tests.backends.test_session import random_lp

pytestmark = pytest.mark.usefixtures("workers")

TINY = program([1, 1], [[1, 1]], [1.5], [9.0], upper=4, integer=True)
HARD = hard_knapsack()


def dying(how: str, mark: Path | None = None) -> Any:
    return isolated(Dying(how, str(mark or "")))


def test_exceptions_keep_type_and_text() -> None:
    with pytest.raises(Refused, match="does not like a number"):
        dying("refuses").solve(TINY, SolveOptions())
    with pytest.raises(LicenceLimit, match="too large; install it: pip install more") as caught:
        dying("unlicensed").solve(TINY, SolveOptions())
    assert caught.value.solver == "highs" and caught.value.install == "pip install more"
    with pytest.raises(RuntimeError, match="^Own: its own words"):
        dying("raises_what_cannot_be_sent").solve(TINY, SolveOptions())
    assert len(isolation.workers()) == 1


def test_nothing_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    dying("speaks").solve(TINY, SolveOptions())
    isolated(get("highs")).solve(TINY, SolveOptions())
    assert capfd.readouterr() == ("", "")


def test_a_log_is_written_when_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    dying("speaks").solve(TINY, SolveOptions(log=True))
    open_session(TINY).solve(SolveOptions(log=True))
    out, err = capfd.readouterr()
    assert out.startswith("said on stdout\n") and "Solving report" in out and not err


@pytest.mark.parametrize("name", ["highs", "scip"])
def test_progress_and_cancel_come_through(name: str) -> None:
    seen: list[Progress] = []
    cancel = threading.Event()

    def on_progress(p: Progress) -> None:
        seen.append(p)
        if len(seen) == 4:
            cancel.set()

    answer = isolated(get(name)).solve(
        HARD, SolveOptions(cancel=cancel, on_progress=on_progress, threads=1)
    )
    assert answer.termination == "interrupted" and answer.point is not None
    assert answer.bound is not None and answer.value is not None
    assert answer.bound >= answer.value
    assert (seen[-1].value, seen[-1].bound) == (answer.value, answer.bound)


def test_an_exception_of_on_progress_comes_back() -> None:
    def broken(_: Progress) -> None:
        raise RuntimeError("broken display")

    with pytest.raises(RuntimeError, match="broken display"):
        isolated(get("highs")).solve(HARD, SolveOptions(on_progress=broken))
    assert len(isolation.workers()) == 1  # it was asked to stop, and did


def test_time_limit_keeps_the_incumbent() -> None:
    answer = isolated(get("highs")).solve(HARD, SolveOptions(time_limit=1.0, threads=1))
    assert answer.termination == "time_limit" and answer.value is not None
    assert answer.bound is not None and len(isolation.workers()) == 1


def test_memory_limit_stops_one_that_listens() -> None:
    answer = isolated(get("highs")).solve(HARD, SolveOptions(memory_limit_mb=1.0))
    assert answer.termination == "memory_limit" and len(isolation.workers()) == 1


def test_names_of_the_model_are_in_messages() -> None:
    blocks = (ProgramBlock("spend", 0, 2, "stated", labels=lambda k: ("ab"[k],)),)
    crossed = replace(TINY, column_blocks=blocks, lower=np.array([0.0, 5.0]))
    answer = isolated(get("highs")).solve(crossed, SolveOptions())
    assert answer.termination == "infeasible"
    assert answer.message == "the lower bound of spend[b] is above its upper bound"


def test_two_threads_at_once() -> None:
    answers: list[Solution] = []
    options = SolveOptions(time_limit=0.7, threads=1)
    both = threading.Barrier(2)

    def solve() -> None:
        session = open_session(random_lp())
        both.wait(60)
        answers.append(isolated(get("highs")).solve(HARD, options))
        assert session.solve().termination == "optimal"

    threads = [threading.Thread(target=solve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.termination for a in answers] == ["time_limit", "time_limit"]
    assert len(isolation.workers()) == 2
    open_session(TINY)
    assert len(isolation.workers()) == 2  # those of threads that have ended are free


def test_the_pool_is_closed_during_a_solve() -> None:
    def close(_: Progress) -> None:
        thread = threading.Thread(target=isolation.close)
        thread.start()
        thread.join()

    answer = isolated(get("highs")).solve(HARD, SolveOptions(on_progress=close))
    assert answer.termination == "failed" and "signal 9" in answer.message
    assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0


def test_asked_again_inside_of_a_solve() -> None:
    session = open_session(random_lp())
    errors: list[BaseException] = []
    values: list[float | None] = []

    def nested(_: Progress) -> None:
        values.append(isolated(get("highs")).solve(TINY, SolveOptions()).value)
        try:
            session.solve()
        except Refused as error:
            errors.append(error)

    assert session.solve(SolveOptions(on_progress=nested)).termination == "optimal"
    assert values and set(values) == {2.0}
    assert errors and "inside of its own solve" in str(errors[0])
