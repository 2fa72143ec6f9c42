"""The worker that solvers run in is killed at every stage of a solve, and the run lives."""

from __future__ import annotations

import os
import signal

import pytest

from allocc.backends import isolation
from allocc.backends.isolation import backend, session
from allocc.engine.judging.outcome import Options
from allocc.engine.solve import solve
from tests.compiler.making import problem

#: Linear rounds, local search over integers, and a tree.
INTEGERS = """
decide n integer in 1 .. 40
decide m integer in 1 .. 40
decide x in 0 .. 9
limit least: n * x + m >= 61.3
minimize { cost : 3 * n + m + 2.2 * x + 0.1 * n * x }
"""
#: Bounds by optimization, successive linear programs, and mixed-integer rounds.
SHARED = """
decide x in 0 .. 4
decide y in 0 .. 4
decide n integer in 0 .. 30
limit most: x + 2 * y + 0.1 * n <= 4
maximize { gain : x * y + 0.07 * n * x }
"""

pytestmark = pytest.mark.skipif(bool(isolation.reason()), reason="solvers run in this process")


def killed_at(monkeypatch: pytest.MonkeyPatch, number: int, often: bool) -> list[int]:
    """Kill all workers before the request of a number, or before each one after it; the count."""
    count = [0]

    def counted(ask):  # type: ignore[no-untyped-def]
        def asked(worker, request):  # type: ignore[no-untyped-def]
            count[0] += 1
            if count[0] == number or (often and count[0] > number and count[0] % 40 == 0):
                for pid in isolation.workers():
                    os.kill(pid, signal.SIGKILL)
            return ask(worker, request)

        return asked

    for module in (backend, session):
        monkeypatch.setattr(module, "ask", counted(module.ask))
    return count


@pytest.mark.parametrize(
    ("number", "often"), [*((k, False) for k in (1, 2, 3, 5, 8, 13, 21, 40)), (4, True)]
)
@pytest.mark.parametrize(("model", "value"), [(INTEGERS, 46.9814286), (SHARED, 2.8008)])
def test_the_run_lives(
    monkeypatch: pytest.MonkeyPatch, model: str, value: float, number: int, often: bool
) -> None:
    monkeypatch.delenv("ALLOCC_DEBUG", raising=False)
    whole = solve(problem(model), Options())
    assert whole.status == "optimal" and whole.value == pytest.approx(value, rel=1e-3)
    killed_at(monkeypatch, number, often)
    found = solve(problem(model), Options())
    assert found.status in ("optimal", "feasible"), found
    assert found.value is not None and found.violation is not None
    assert found.violation.relative <= 1e-6
    if not often:
        assert found.status == "optimal"
        assert found.value == pytest.approx(whole.value, rel=2e-4)
    if found.bound is not None and found.word == "proven":
        sign = 1.0 if "minimize" in model else -1.0
        assert sign * found.bound <= sign * whole.value * (1 + 1e-6 * sign)


def test_what_died_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(monkeypatch, 1, often=False)
    found = solve(problem("decide n integer in 0 .. 4 minimize { o: abs(n - 2.4) }"), Options())
    assert found.status == "optimal" and found.value == pytest.approx(0.4)
