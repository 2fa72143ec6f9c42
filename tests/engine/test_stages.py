"""The stages of a model: made once, whoever asks."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import allocc
from allocc.compiler.unrolling import discretize
from tests import small


def test_threads_share_what_one_of_them_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = allocc.load(small.easy(tmp_path))
    del model.__dict__["problem"]
    made = []
    real = discretize.discretize

    def slow(*given: object, **more: object) -> object:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(discretize, "discretize", slow)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(model.problem)) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(made) == 1
    assert len(found) == 8
    assert all(x is found[0] for x in found)
