"""`HighsSession`: every change must give what a newly built program gives."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from allocc.backends import HighsSession, Solution, SolveOptions, get
from allocc.backends.solution import Termination
from allocc.compiler.programs.program import Program
from tests.backends.programs import INF, program


def random_lp(seed: int = 0, rows: int = 12, columns: int = 20) -> Program:
    rng = np.random.default_rng(seed)
    matrix = rng.random((rows, columns)).round(3)
    return program(
        -rng.random(columns).round(3),
        matrix,
        np.full(rows, -INF),
        matrix.sum(axis=1) * 0.3,
        upper=1.0,
        offset=2.0,
    )


def agrees(session: HighsSession, model: Program) -> Solution:
    answer = session.solve()
    fresh = get("highs").solve(model, SolveOptions())
    assert answer.termination == fresh.termination
    if fresh.value is None:
        assert answer.value is None
    else:
        assert answer.value == pytest.approx(fresh.value, abs=1e-7)
    return answer


def test_changes_are_the_same_as_building_again() -> None:
    model = random_lp()
    session = HighsSession(model)
    agrees(session, model)

    upper = model.upper.copy()
    upper[[2, 5]] = 0.25
    model = replace(model, upper=upper)
    session.set_column_bounds([2, 5], 0.0, 0.25)
    agrees(session, model)

    model = replace(model, objective=model.objective[::-1].copy(), offset=-3.0)
    session.set_objective(model.objective, -3.0)
    agrees(session, model)

    dense = model.matrix.toarray()
    dense[0, 0], dense[1, 4] = 3.0, 0.0
    model = replace(model, matrix=sparse.csr_array(dense))
    session.set_coefficients([0, 1], [0, 4], [3.0, 0.0])
    agrees(session, model)


def test_infeasible_and_back() -> None:
    session = HighsSession(random_lp(3))
    first = session.solve()
    session.set_column_bounds(np.arange(20), 0.9, 1.0)
    assert session.solve().termination == "infeasible"
    session.set_column_bounds(np.arange(20), 0.0, 1.0)
    assert session.solve().value == pytest.approx(first.value)


def test_time_limit_is_for_each_solve() -> None:
    session = HighsSession(random_lp())
    for k in range(4):
        session.set_column_bounds(0, 0.0, 0.1 * k)
        assert session.solve(SolveOptions(time_limit=5.0)).termination == "optimal"
    session = HighsSession(random_lp(1, 500, 500))
    for _ in range(200):  # each has its own time, and goes on where the one before was stopped
        answer = session.solve(SolveOptions(time_limit=0.2))
        if answer.termination == "optimal":
            return
        assert answer.termination == "time_limit"
    raise AssertionError("the time of the solves before was counted")


def test_lp_can_be_cancelled() -> None:
    session = HighsSession(random_lp(1, 1500, 1500))
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    answer = session.solve(SolveOptions(cancel=cancel))
    assert answer.termination in ("interrupted", "optimal")
    assert answer.bound is None or answer.termination == "optimal"


def test_small_lps_are_solved_again_cheaply() -> None:
    model = random_lp()
    session = HighsSession(model)
    session.solve()
    cold = hot = 0
    for k in range(30):
        upper = model.upper.copy()
        upper[k % 20] = 0.1 + 0.3 * (k % 2)
        session.set_column_bounds(np.arange(20), 0.0, upper)
        session.solve()
        hot += session.iterations()
        fresh = HighsSession(replace(model, upper=upper), {"presolve": "off"})
        fresh.solve()
        cold += fresh.iterations()
    assert hot < cold / 2


def test_settings_are_handed_over_and_checked() -> None:
    model = random_lp()
    interior = HighsSession(model, {"solver": "ipm"}).solve()
    assert interior.value == pytest.approx(HighsSession(model).solve().value, abs=1e-6)
    with pytest.raises(ValueError, match="no_such_option"):
        HighsSession(model, {"no_such_option": 1}).solve()


def test_bad_data_is_refused() -> None:
    model = random_lp()
    with pytest.raises(ValueError, match="not a number"):
        HighsSession(replace(model, objective=np.full(model.columns, np.nan)))
    session = HighsSession(model)
    with pytest.raises(ValueError, match="refuses the change"):
        session.set_column_bounds(999, 0.0, 1.0)
    with pytest.raises(ValueError, match="coefficients"):
        session.set_objective([1.0])


def test_a_lost_coefficient_is_said() -> None:
    said = "HiGHS left out 1 coefficients that are zero or nearly zero"
    answer = HighsSession(program([1, 1], [[1, 1e-12]], [1], [INF])).solve()
    assert (answer.message, answer.altered) == (said, said)
    session = HighsSession(program([1, 1], [[1, 1]], [1], [INF]))
    assert not session.solve().altered
    session.set_coefficients([0], [1], [1e-12])
    assert session.solve().altered == said


def test_a_lost_coefficient_is_known_whatever_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = HighsSession._termination
    claims: list[Termination] = ["infeasible"]

    def lying(self: HighsSession, monitor: Any) -> Termination:
        return claims.pop() if claims else original(self, monitor)

    monkeypatch.setattr(HighsSession, "_termination", lying)
    answer = HighsSession(program([1, 1], [[1, 1e-12]], [1], [INF], integer=[True, False])).solve()
    assert "the second counts" in answer.message and "left out 1" in answer.altered


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("claim", ["infeasible", "unbounded", "infeasible_or_unbounded"])
def test_a_false_claim_after_presolve_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, claim: Termination, whole: bool
) -> None:
    model = replace(random_lp(), integer=np.full(20, whole))
    truth = HighsSession(model).solve()
    original: Any = HighsSession._termination
    calls: list[str] = []

    def lying(self: HighsSession, monitor: Any) -> Termination:
        calls.append(self._highs.getOptionValue("presolve")[1])
        return claim if len(calls) == 1 else original(self, monitor)

    monkeypatch.setattr(HighsSession, "_termination", lying)
    session = HighsSession(model)
    answer = session.solve()
    assert calls == ["choose", "off"]
    assert answer.termination == "optimal" and answer.value == pytest.approx(truth.value)
    assert "the second counts" in answer.message
    assert session._highs.getOptionValue("presolve")[1] == "choose"
