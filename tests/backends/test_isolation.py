"""Solvers in a worker: it may die at every stage, and this process lives on."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allocc.backends import (
    HighsSession,
    Progress,
    SolveOptions,
    get,
    isolated,
    isolation,
    open_session,
)
from allocc.backends.highs import HighsBackend
from allocc.backends.isolation import pool, process, watching
from allocc.backends.solution import Refused
from tests.backends.dying import Dying
from tests.backends.isolating import eventually, isolated_workers, runs  # noqa: F401 - a fixture
from tests.backends.programs import hard_knapsack, program
from tests.backends.test_session import random_lp, some_directions

pytestmark = pytest.mark.usefixtures("workers")

TINY = program([1, 1], [[1, 1]], [1.5], [9.0], upper=4, integer=True)
HARD = hard_knapsack()


def dying(how: str, mark: Path | None = None) -> Any:
    return isolated(Dying(how, str(mark or "")))


def test_it_looks_the_same_from_outside() -> None:
    inside = get("scip")
    outside = isolated(inside)
    assert outside is not inside
    assert (outside.name, outside.capabilities) == (inside.name, inside.capabilities)
    assert outside.version() == inside.version() and outside.available() == inside.available()


def test_only_classes_that_say_so_themselves_are_isolated() -> None:
    class Derived(HighsBackend):
        pass

    backend = Derived()
    assert isolated(backend) is backend


def test_in_process_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = get("highs")
    assert isolated(backend, in_process=True) is backend
    assert isinstance(open_session(TINY, isolate=False), HighsSession)
    monkeypatch.setenv(pool.IN_PROCESS, "1")
    assert "ALLOCC_IN_PROCESS" in isolation.reason()
    assert isolated(backend) is backend and isinstance(open_session(TINY), HighsSession)
    assert not isolation.workers()


def test_in_process_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(process.subprocess, "Popen", fails)
    assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0
    assert isinstance(open_session(TINY), HighsSession)
    assert "no more processes" in isolation.reason()


def test_in_process_where_workers_do_not_come_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BOOT", "raise SystemExit(4)")
    assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0
    assert "ended before it was ready (exit status 4)" in isolation.reason()


def test_one_worker_serves_many_solves() -> None:
    isolation.start()
    before = isolation.workers()
    for _ in range(3):
        assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0
    session = open_session(TINY)
    assert session.solve().value == 2.0
    assert isolation.workers() == before and len(before) == 1


def test_ends_of_directions_are_the_same_in_a_worker() -> None:
    model = replace(random_lp(), objective=np.zeros(20), offset=0.0)
    point, d = np.zeros(20), some_directions(model)
    inside, outside = HighsSession(random_lp(seed=1)), open_session(random_lp(seed=1))
    assert not isinstance(outside, HighsSession)
    ends = []
    for session in (inside, outside):
        session.load(random_lp())
        session.solve()
        basis = session.basis()
        session.load(model, basis)
        ends.append(session.extremes(d, 0.0, point, None))
    for one, other in zip(*ends, strict=True):
        assert one[:3] == other[:3]
        np.testing.assert_array_equal(one[3], other[3])


def test_a_worker_that_is_late_with_the_ends_of_directions_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the patience of the caller, and not by that for any request."""
    given = []

    def ask(worker: Any, request: Any) -> Any:
        given.append((request.kind, request.arguments[-1], request.options))
        return watching.ask(worker, request)

    monkeypatch.setattr("allocc.backends.isolation.session.ask", ask)
    session = open_session(replace(random_lp(), objective=np.zeros(20)))
    d, most = some_directions(random_lp()), watching.PATIENCE_SECONDS
    for patience, sent, waits in ((2.0, 2.0, 2.0), (900.0, most / 2, most), (None, most / 2, most)):
        session.extremes(d, 0.0, np.zeros(20), patience)
        kind, asked, options = given[-1]
        assert (kind, asked, options.patience) == ("extremes", sent, waits)


# ---- the worker dies ----


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("segfault", "signal 11, segmentation fault"),
        ("abort", "signal 6, aborted"),
        ("killed", "signal 9, killed; perhaps there was not enough memory"),
        ("exit", "exit status 3"),
    ],
)
def test_a_solver_that_ends_its_process_has_failed(how: str, words: str) -> None:
    answer = dying(how).solve(TINY, SolveOptions())
    assert answer.termination == "failed" and answer.solver == "highs"
    assert (answer.point, answer.value, answer.bound) == (None, None, None)
    assert answer.message == f"HiGHS ended its process ({words})"
    assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0


def test_the_bound_of_a_dead_solver_is_not_believed() -> None:
    seen: list[Progress] = []
    answer = dying("tells_and_dies").solve(TINY, SolveOptions(on_progress=seen.append))
    assert [p.bound for p in seen] == [4.0]
    assert answer.termination == "failed" and answer.bound is None and answer.value is None


def test_killed_while_idle() -> None:
    backend = isolated(get("highs"))
    backend.solve(TINY, SolveOptions())
    (first,) = isolation.workers()
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not runs(first))
    assert backend.solve(TINY, SolveOptions()).value == 2.0
    assert first not in isolation.workers()


def test_killed_during_a_mip(tmp_path: Path) -> None:
    def kill(_: Progress) -> None:
        for pid in isolation.workers():
            os.kill(pid, signal.SIGKILL)

    answer = isolated(get("highs")).solve(HARD, SolveOptions(on_progress=kill))
    assert answer.termination == "failed" and "signal 9" in answer.message
    assert answer.bound is None and not isolation.workers()


def test_killed_between_two_solves_of_a_session() -> None:
    session = open_session(random_lp())
    assert session.solve().termination == "optimal"
    (pid,) = isolation.workers()
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not runs(pid))
    session.set_column_bounds([2], 0.0, 0.5)
    answer = session.solve()
    assert answer.termination == "failed" and "signal 9" in answer.message
    for use in (
        session.solve,
        lambda: session.quick_value(SolveOptions()),
        lambda: session.factor,
        lambda: session.tolerance,
        session.basis,
        lambda: session.extremes(some_directions(random_lp()), 0.0, np.zeros(20), None),
    ):
        with pytest.raises(Refused, match="session has ended"):
            use()
    assert open_session(random_lp()).solve().termination == "optimal"


def test_a_value_that_is_not_had_is_no_infeasible_program() -> None:
    session = open_session(random_lp())
    session.solve()
    os.kill(isolation.workers()[0], signal.SIGKILL)
    with pytest.raises(Refused, match="signal 9"):
        session.quick_value(SolveOptions())


def test_sessions_die_with_the_solver_beside_them() -> None:
    session = open_session(random_lp())
    assert dying("segfault").solve(TINY, SolveOptions()).termination == "failed"
    with pytest.raises(Refused, match="ended"):
        session.solve()


@pytest.mark.parametrize("size", [10, 400_000])
def test_killed_while_it_is_sent_a_program(size: int) -> None:
    """The worker is held, so that all that is sent still waits when it is killed."""
    isolated(get("highs")).solve(TINY, SolveOptions())
    (pid,) = isolation.workers()
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    big = program([1.0] * size, upper=1.0)
    answer = dying("nothing").solve(big, SolveOptions())
    # No solver had begun: another worker was asked.
    assert answer.termination == "optimal" and pid not in isolation.workers()


def test_one_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SEND_SECONDS", 0.3)
    isolated(get("highs")).solve(TINY, SolveOptions())
    (pid,) = isolation.workers()
    os.kill(pid, signal.SIGSTOP)
    many = [program([1.0] * 4000) for _ in range(40)]  # more than a socket holds, in small arrays
    session = Dying("nothing")
    session.kept = many  # type: ignore[attr-defined]
    answer = isolated(session).solve(TINY, SolveOptions())
    # Another one was asked, which on a busy machine may take nothing within that time, either.
    assert answer.termination == "optimal" or "took nothing" in answer.message
    assert eventually(lambda: not runs(pid))


# ---- the worker does not stop ----


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "GRACE_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["deaf", "holds_the_interpreter"])
def test_a_stall_is_ended_after_its_limit(how: str, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    answer = dying(how, mark).solve(TINY, SolveOptions(time_limit=0.1))
    assert answer.termination == "time_limit"
    assert (answer.point, answer.value, answer.bound) == (None, None, None)
    assert "seconds after its limit and was ended" in answer.message
    assert not runs(int(mark.read_text()))


@pytest.mark.parametrize("module", ["", "time.sleep(600)"])
def test_a_solver_whose_import_stalls(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is not the solve's, but it is not endless."""
    (tmp_path / "slow_to_import.py").write_text(f"import time\n{module or 'time.sleep(1.5)'}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(watching, "GRACE_SECONDS", 0.3)
    backend = Dying("nothing")
    backend.package = "slow_to_import"
    if module:
        isolated(Dying("nothing")).solve(TINY, SolveOptions())
        # A worker has to start in that time, too, on a busy machine.
        monkeypatch.setattr(watching, "START_SECONDS", 3.0)
    answer = isolated(backend).solve(TINY, SolveOptions(time_limit=0.1))
    if module:
        assert answer.termination == "failed" and "was not imported" in answer.message
    else:
        assert answer.termination == "optimal"


@pytest.mark.usefixtures("impatient")
def test_a_stall_is_ended_after_cancel() -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    answer = dying("deaf").solve(TINY, SolveOptions(cancel=cancel))
    assert answer.termination == "interrupted"
    assert "after it was asked to and was ended" in answer.message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("integer", [False, True])
def test_a_person_does_not_wait_for_as_long_as_a_large_program_takes_to_read(
    integer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocc.backends.isolation.backend.reading", lambda *_: 1e6)
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    large = program([1, 1], [[1, 1]], [1.5], [9.0], upper=4, integer=integer)
    answer = dying("deaf").solve(large, SolveOptions(cancel=cancel))
    assert answer.termination == "interrupted"


@pytest.mark.usefixtures("impatient")
def test_programs_that_a_solver_has_started_end_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    dying("deaf_with_a_child", mark).solve(TINY, SolveOptions(time_limit=1.0))
    assert eventually(lambda: not any(runs(int(p)) for p in mark.read_text().split()))


@pytest.mark.usefixtures("impatient")
def test_memory_beyond_the_limit_ends_a_deaf_worker() -> None:
    answer = dying("eats").solve(TINY, SolveOptions(memory_limit_mb=150.0))
    assert answer.termination == "memory_limit"
    assert "memory limit and was ended" in answer.message


def test_a_failed_allocation_is_a_memory_limit() -> None:
    answer = dying("bad_alloc").solve(TINY, SolveOptions())
    assert answer.termination == "memory_limit" and answer.message == "HiGHS had not enough memory"
    assert not isolation.workers()


def test_a_worker_that_has_grown_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEPT_MEGABYTES", 1.0)
    assert isolated(get("highs")).solve(TINY, SolveOptions()).value == 2.0
    assert not isolation.workers()
