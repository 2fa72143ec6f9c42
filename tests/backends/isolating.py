"""What the tests of isolation share: a fixture that leaves no worker, and a look at processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allocc.backends import isolation
from allocc.backends.isolation import pool


@pytest.fixture(name="workers")
def isolated_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start without workers, end with none."""
    monkeypatch.delenv(pool.IN_PROCESS, raising=False)
    pool.started()
    yield
    pool.started()
    pids = isolation.workers()
    isolation.close()
    assert not [p for p in pids if runs(p)]


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes true within the patience of a busy machine."""
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.05)
    return False
