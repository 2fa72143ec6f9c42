"""Many points: each is solved once, by whatever process, and nothing is lost with one that dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import allocc
from allocc.backends.isolation import pool
from allocc.errors import AlloccError
from allocc.questions.sweep.running import run_points
from allocc.results.sweeping.points import Answer, Point
from allocc.results.sweeping.store import kept
from tests import small

needs_processes = pytest.mark.skipif(bool(pool.reason()), reason="there are no processes here")


def points(path: Path, stocks: Iterable[Any], **options: Any) -> list[Point]:
    return [Point({"stock": str(s)}, str(path), None, {"stock": s}, None, options) for s in stocks]


def answers(*arguments: Any, **more: Any) -> dict[str, Answer]:
    return {p.label["stock"]: a for p, a in run_points(*arguments, **more)}


def lasting(answer: Answer) -> dict[str, Any]:
    return {k: v for k, v in vars(answer).items() if k != "seconds"}


def test_answers_are_those_of_plain_solves(tmp_path: Path) -> None:
    model = small.epidemic(tmp_path)
    asked = [Point({"stock": str(c)}, str(model), None, {"cap": c}) for c in (20, 40, 60)]
    for key, found in answers(asked, warm=False).items():
        plain = allocc.load(model, cap=int(key)).solve(threads=1)
        assert (found.status, found.value, found.bound) == (plain.status, plain.value, plain.bound)
        assert found.terms == plain.terms
        again = allocc.load(model, cap=int(key)).simulate(found.decisions)
        assert again.value == plain.value
        assert (again["teams"] == plain["teams"]).all(axis=None)


@needs_processes
def test_one_process_two_and_none_give_the_same(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), range(2, 9))
    here = answers(asked, warm=False)
    for workers in (1, 2):
        found = answers(asked, tmp_path / f"store{workers}", workers, warm=False)
        assert {k: lasting(a) for k, a in found.items()} == {k: lasting(a) for k, a in here.items()}
    warm = answers(asked, workers=2)
    assert {k: a.value for k, a in warm.items()} == {k: a.value for k, a in here.items()}


@needs_processes
def test_what_is_there_is_not_solved_again(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), range(4))
    store = tmp_path / "store"
    first = answers(asked[:2], store)
    before = {p: p.stat().st_mtime_ns for p in store.iterdir()}
    assert len(before) == 4
    every = answers(asked, store)
    assert list(every) == ["0", "1", "2", "3"]
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert every["0"] == first["0"]  # to the second, and with its decisions
    anew = answers(asked[:1], store, again=True)["0"]
    assert lasting(anew) == lasting(first["0"])
    assert {p: p.stat().st_mtime_ns for p in before} != before


def test_a_damaged_answer_is_found_anew(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), [3])
    store = tmp_path / "store"
    found = answers(asked, store)["3"]
    path = store / f"{found.key}.json"
    for text in ("", "{}", "[]", path.read_text("utf-8").replace("point 1", "point 9")):
        path.write_text(text, "utf-8")
        assert kept(store, found.key) is None
        assert lasting(answers(asked, store)["3"]) == lasting(found)
    path.with_suffix(".csv").unlink()
    assert kept(store, found.key) is None


def test_equal_points_are_solved_once(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), [5, "5", 5.0])
    found = list(run_points(asked))
    assert [p for p, _ in found] == asked
    assert len({id(a) for _, a in found}) == 1


def test_a_mistake_stops_no_other_point(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), [3, "three", 5])
    asked.append(Point({"stock": "data"}, asked[0].path, str(tmp_path / "nowhere")))
    asked.append(Point({"stock": "name"}, asked[0].path, settings={"stok": 3}))
    found = answers(asked, tmp_path / "store", 2)
    assert [found[k].status for k in ("3", "5")] == ["optimal", "optimal"]
    for key, code in (("three", "E3019"), ("data", "E7003"), ("name", "E3018")):
        assert found[key].failed and code in found[key].error, found[key].error
    # What failed is tried again the next time.
    assert len(list((tmp_path / "store").glob("*.json"))) == 2


def test_a_point_without_an_allocation_has_an_answer(tmp_path: Path) -> None:
    path = small.easy(tmp_path, small.INFEASIBLE)
    ((_, found),) = run_points([Point({}, str(path))], tmp_path / "store")
    assert (found.status, found.failed, found.decisions) == ("infeasible", False, {})
    assert kept(tmp_path / "store", found.key) == found


class Poison:
    """A setting that ends each process that reads it."""

    def __str__(self) -> str:
        return "poison"

    def __reduce__(self) -> Any:
        return os._exit, (9,)


@needs_processes
def test_a_point_that_kills_its_process_takes_no_other_along(tmp_path: Path) -> None:
    asked = points(small.easy(tmp_path), [1, 2, Poison(), 3, 4, 5, 6])
    told: list[str] = []
    found = answers(asked, tmp_path / "store", 2, told.append)
    poisoned = found.pop("poison")
    assert poisoned.status == "died" and "exit status 9" in poisoned.error
    assert len(told) == 3 and "tried again" in told[0] and "given up" in told[2]
    assert {a.status for a in found.values()} == {"optimal"} and len(found) == 6


@needs_processes
def test_a_worker_that_is_killed_from_outside_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from allocc.questions.sweep import executors

    made: list[executors.Hand] = []

    class Seen(executors.Hand):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(executors, "Hand", Seen)
    told: list[str] = []
    found: dict[str, Answer] = {}
    asked = points(small.easy(tmp_path), range(12))
    for point, answer in run_points(asked, tmp_path / "store", 2, told.append):
        found[point.label["stock"]] = answer
        if len(found) == 4:
            os.kill(made[0].worker.process.pid, signal.SIGKILL)
    assert len(found) == 12 and {a.status for a in found.values()} == {"optimal"}
    assert len(made) == 3
    # It may have been killed between two tasks, or with one.
    assert len(told) <= 1 and all("signal 9" in t for t in told)


@needs_processes
def test_a_stop_keeps_what_is_finished(tmp_path: Path) -> None:
    cancel = threading.Event()
    asked = points(small.easy(tmp_path), range(50))
    found = []
    for pair in run_points(asked, tmp_path / "store", 2, cancel=cancel):
        found.append(pair)
        if len(found) == 5:
            cancel.set()
    assert 5 <= len(found) < 50
    assert len(list((tmp_path / "store").glob("*.json"))) == len(found)


def test_a_stop_in_this_process(tmp_path: Path) -> None:
    cancel = threading.Event()
    asked = points(small.easy(tmp_path), range(9))
    found = []
    for pair in run_points(asked, cancel=cancel):
        found.append(pair)
        cancel.set()
    assert len(found) == 1


def test_decisions_that_do_not_fit_are_no_start(tmp_path: Path) -> None:
    """Another table gives the same model other labels."""
    model = small.epidemic(tmp_path)
    asked = [Point({"stock": "a"}, str(model), str(tmp_path / "data"), {"cap": 30})]
    first = answers(asked)["a"]
    (tmp_path / "data" / "regions.csv").write_text("name,sick\neast,300\nwest,500\n", "utf-8")
    from allocc.questions.sweep.keys import Keys
    from allocc.questions.sweep.solving import Task, solve_task

    keys = Keys()
    plain = Task(keys.key(asked[0]), asked[0], keys.files(asked[0]))
    started = Task(plain.key, plain.point, plain.files, first)
    assert lasting(solve_task(started)) == lasting(solve_task(plain))


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    from allocc.questions.sweep.keys import Keys
    from allocc.questions.sweep.solving import Task, solve_task

    (point,) = points(small.easy(tmp_path), [3])
    keys = Keys()
    task = Task(keys.key(point), point, keys.files(point))
    Path(point.path).write_text(small.EASY.replace("0 .. 8", "0 .. 7"), "utf-8")
    found = solve_task(task)
    assert found.failed and "model.alloc" in found.error and "changed" in found.error


def test_mistakes_in_all_points_are_raised(tmp_path: Path) -> None:
    with pytest.raises(AlloccError, match="E7001"):
        list(run_points([Point({}, str(tmp_path / "none.alloc"))]))
    with pytest.raises(AlloccError, match="E7005"):
        list(run_points(points(small.easy(tmp_path), [3], gap=2)))
    with pytest.raises(AlloccError, match="E7006"):
        list(run_points(points(small.easy(tmp_path), [3], solver="heighs")))


@needs_processes
def test_no_worker_gets_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from allocc.questions.sweep import executors

    monkeypatch.setattr(executors, "SERVING", "allocc.no_such_module")
    with pytest.raises(AlloccError, match="E7254"):
        list(run_points(points(small.easy(tmp_path), range(4)), workers=2))


def test_numpy_warns_as_before_between_two_points(tmp_path: Path) -> None:
    import numpy as np

    before = np.geterr()
    for _ in run_points(points(small.easy(tmp_path), [3, 4])):
        assert np.geterr() == before
