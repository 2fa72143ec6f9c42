"""What is sent to a worker and back: every array whole, every answer as in this process."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allocc.backends import HighsSession, Solution, SolveOptions, get, isolated, open_session
from allocc.backends.isolation import pool, wire
from allocc.backends.solution import Refused
from allocc.compiler.programs.program import Program
from tests.backends.isolating import isolated_workers  # noqa: F401 - a fixture
from tests.backends.programs import INF, hard_knapsack, program
from tests.backends.test_session import random_lp

pytestmark = pytest.mark.usefixtures("workers")


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 40_000, 3_000_000])
def test_arrays_of_every_size_arrive(size: int) -> None:
    one, other = socket.socketpair()
    a, b = wire.Channel(one), wire.Channel(other)
    message = {"x": np.arange(size, dtype=np.float64), "y": np.ones(3, bool), "z": "text"}
    sender = threading.Thread(target=lambda: [a.send(message) for _ in range(3)])
    sender.start()
    for _ in range(3):
        found = b.receive()
        assert (found["x"] == message["x"]).all() and found["x"].dtype == np.float64
        assert found["z"] == "text" and found["y"].all()
        found["x"][:] = 7.0
    sender.join()
    assert not b.poll(0.0)
    a.close()
    with pytest.raises(EOFError):
        b.receive()
    b.close()


def test_systems_without_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    n = 400_000
    big = program(np.ones(n), upper=1.0, lower=0.5)  # type: ignore[arg-type]
    answer = isolated(get("highs")).solve(big, SolveOptions(time_limit=60.0))
    assert answer.point is not None and (answer.point == 0.5).all()
    answer.point[0] = 7.0  # nobody else looks at it


@pytest.mark.parametrize("size", [10, 20_000, 400_000])
def test_a_message_that_breaks_off_is_an_end(size: int) -> None:
    one, other = socket.socketpair()
    other.settimeout(0.2)  # nobody reads, so that what does not fit breaks off
    a, b = wire.Channel(other), wire.Channel(one)
    for _ in range(30):
        try:
            a.send(np.arange(size, dtype=np.float64))
        except TimeoutError:
            break
    else:
        other.send(b"\1\0\0")  # a head, broken off
    a.close()
    whole = 0
    with pytest.raises(EOFError):
        while True:
            assert len(b.receive()) == size
            whole += 1
    assert whole <= 30
    b.close()


def assert_same(found: Solution, expected: Solution) -> None:
    assert found.termination == expected.termination and found.message == expected.message
    assert found.nodes == expected.nodes and found.solver == expected.solver
    assert found.altered == expected.altered
    assert found.value == expected.value and found.bound == expected.bound
    for name in ("point", "row_duals", "reduced_costs"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a is None) == (b is None)
        if a is not None:
            assert np.array_equal(a, b)


PROGRAMS = {
    "lp": random_lp(),
    "large lp": random_lp(2, 200, 300),
    "mip": replace(random_lp(4), integer=np.ones(20, dtype=bool)),
    "knapsack": hard_knapsack(20, 3),
    "infeasible": program([1, 1], [[1, 1]], [9.0], [INF], upper=4),
    "infeasible mip": program([1, 1], [[2, 2]], [3], [3], upper=4, integer=True),
    "unbounded": program([-1.0, 1.0], [[1, -1]], [0], [INF]),
    "nothing to decide": program([0.0], upper=3.0),
    "lost coefficient": program([1, 1], [[1, 1e-12]], [1], [INF], integer=True),
    "small costs": program([1e-6, 3e-6], [[1, 1]], [1.5], [INF], upper=4, integer=True),
}


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_a_worker_answers_as_this_process_does(name: str) -> None:
    options = SolveOptions(threads=1)
    found = isolated(get("highs")).solve(PROGRAMS[name], options)
    assert_same(found, get("highs").solve(PROGRAMS[name], options))


@pytest.mark.parametrize("name", ["scip", "gurobi", "pyomo"])
@pytest.mark.parametrize("which", ["lp", "knapsack"])
def test_other_solvers_in_a_worker(name: str, which: str) -> None:
    backend = get(name)
    if not backend.available():
        pytest.skip(f"{name} is not installed")
    found = isolated(backend).solve(PROGRAMS[which], SolveOptions())
    expected = get("highs").solve(PROGRAMS[which], SolveOptions())
    assert found.termination == "optimal" and found.value == pytest.approx(expected.value)


def both(model: Program) -> list[Any]:
    return [HighsSession(model), open_session(model)]


def test_a_session_answers_as_in_this_process() -> None:
    here, there = both(random_lp())
    for k in range(60):
        values = []
        for session in (here, there):
            step = np.random.default_rng(k)
            columns = step.choice(20, int(step.integers(1, 20)), replace=False)
            session.set_column_bounds(columns, 0.0, step.random(len(columns)))
            if k % 3 == 0:
                session.set_coefficients([k % 12, 0], [k % 20, 3], [0.5, step.random()])
            if k % 5 == 0:
                session.set_objective(-step.random(20) * 10.0 ** -(k % 7), 1.0)
            if k % 11 == 0:
                session.enlarge(2.0)
            if k % 2:
                values.append(session.quick_value(SolveOptions(duals=False)))
            else:
                values.append(session.solve())
            values[-1] = (values[-1], session.iterations(), session.factor, session.tolerance)
        if k % 2:
            assert values[0] == values[1]
        else:
            assert_same(values[1][0], values[0][0])
            assert values[0][1:] == values[1][1:]


def test_a_change_is_sent_as_it_was_made() -> None:
    here, there = both(random_lp())
    for session in (here, there):
        columns, upper = np.array([1, 2]), np.array([0.1, 0.2])
        session.set_column_bounds(columns, 0.0, upper)
        columns[:], upper[:] = 5, 0.0
    assert here.solve().value == there.solve().value


def test_a_session_refuses_what_the_other_refuses() -> None:
    model = random_lp()
    nothing = replace(model, objective=np.full(model.columns, np.nan))
    with pytest.raises(ValueError, match="not a number"):
        open_session(nothing)
    session = open_session(model)
    with pytest.raises(ValueError, match="refuses the change"):
        session.set_column_bounds(999, 0.0, 1.0)
    with pytest.raises(ValueError, match="coefficients"):
        session.set_objective([1.0])
    session.set_coefficients([999], [0], [1.0])
    with pytest.raises(Refused, match="refuses the change"):
        session.solve()
    assert session.solve().termination == "optimal"
    with pytest.raises(ValueError, match="no_such_option"):
        open_session(model, {"no_such_option": 1}).solve()


def test_sessions_that_nobody_has_are_forgotten() -> None:
    first = open_session(random_lp())
    second = open_session(random_lp())
    (worker,) = pool._workers
    assert len(worker.sessions) == 2 and worker.owner is threading.current_thread()
    del first
    assert second.solve().termination == "optimal" and worker.forgotten == []
    del second
    assert not worker.sessions and worker.owner is None
