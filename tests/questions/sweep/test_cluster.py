"""A Dask cluster of two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allocc.errors import AlloccError
from allocc.questions.sweep.running import run_points
from allocc.results.sweeping.points import Point
from tests import small

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
dask = pytest.importorskip("dask")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    # Dask gives a task up at once when the worker that has it ends: it is ours to try again.
    strict = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with (
        strict,
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as made,
    ):
        yield made


def address(cluster: Any) -> str:
    return str(cluster.scheduler_address).replace("tcp://", "dask://")


def test_a_worker_that_is_killed_costs_nothing(cluster: Any, tmp_path: Path) -> None:
    """Each solve takes its whole time limit, so that the worker is killed with one."""
    model, options = str(small.hard(tmp_path)), {"time_limit": 1.0}
    asked = [Point({"k": str(k)}, model, options={**options, "seed": k}) for k in range(6)]
    pids = [nanny.pid for nanny in cluster.workers.values()]
    told: list[str] = []
    found = {}
    store = tmp_path / "store"
    for point, answer in run_points(asked, store, told=told.append, cluster=address(cluster)):
        found[point.label["k"]] = answer
        if len(found) == 1:
            os.kill(pids[0], signal.SIGKILL)
    assert not any(a.failed for a in found.values())
    assert len(found) == len(list(store.glob("*.json"))) == 6
    assert told and all("KilledWorker" in t and "tried again" in t for t in told)


def test_answers_are_those_of_this_process(cluster: Any, tmp_path: Path) -> None:
    model = str(small.easy(tmp_path))
    asked = [Point({"k": str(k)}, model, settings={"stock": k}) for k in range(8)]
    wanted = {p.label["k"]: a for p, a in run_points(asked)}
    found = {p.label["k"]: a for p, a in run_points(asked, cluster=address(cluster))}
    assert set(found) == set(wanted)
    for k, answer in found.items():
        assert (answer.status, answer.value, answer.terms, answer.key) == (
            wanted[k].status,
            wanted[k].value,
            wanted[k].terms,
            wanted[k].key,
        )


def test_a_mistake_stops_no_other_point(cluster: Any, tmp_path: Path) -> None:
    model = small.easy(tmp_path)
    asked = [
        Point({"k": "good"}, str(model), settings={"stock": 3}),
        Point({"k": "bad"}, str(model), settings={"stok": 3}),
    ]
    found = {p.label["k"]: a for p, a in run_points(asked, cluster=address(cluster))}
    assert found["good"].status == "optimal"
    assert found["bad"].status == "error" and "E3018" in found["bad"].error


def test_no_such_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from allocc.questions.sweep import cluster as room

    monkeypatch.setattr(room, "PATIENCE_SECONDS", 1.0)
    asked = [Point({}, str(small.easy(tmp_path)))]
    for place in ("dask://127.0.0.1:9", "tcp://127.0.0.1:8786", "dask://127.0.0.1"):
        with pytest.raises(AlloccError, match="E7253"):
            list(run_points(asked, cluster=place))
