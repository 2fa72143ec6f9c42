"""`HighsSession`: every change must give what a newly built program gives."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from allocc.backends import HighsSession, Solution, SolveOptions, get
from allocc.backends.highs_session import Directions
from allocc.backends.solution import Termination
from allocc.compiler.programs.duality import dual_bound, shows_empty
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


# ---- one linear program after another, and the ends of directions ----


def test_loading_is_the_same_as_building() -> None:
    session = HighsSession(random_lp())
    agrees(session, random_lp())
    other = random_lp(seed=1, rows=7)
    session.load(other)
    agrees(session, other)
    basis = session.basis()
    assert basis is not None and [len(part) for part in basis] == [other.columns, other.rows]
    before = session.iterations()
    session.load(other, basis)
    agrees(session, other)
    assert before > 0 and session.iterations() == 0


def test_other_columns_are_not_loaded() -> None:
    session = HighsSession(random_lp())
    for other in (random_lp(columns=21), replace(random_lp(), integer=np.ones(20, dtype=bool))):
        with pytest.raises(ValueError, match="the same columns"):
            session.load(other)


def some_directions(model: Program) -> Directions:
    """A column, and the difference of two, with the ends that their ranges say."""
    first, second = np.array([0, 3]), np.array([0, 5])
    slope = np.array([0.0, 2.0])
    lower = model.lower[first] - slope * model.upper[second]
    upper = model.upper[first] - slope * model.lower[second]
    return Directions(first, second, slope, lower, upper)


def test_multipliers_prove_the_ends_of_directions() -> None:
    model = replace(random_lp(), objective=np.zeros(20), offset=0.0)
    # Something has to be taken, so that the ends are not those of the ranges.
    model = replace(model, row_lower=model.row_upper * 0.9)
    d = some_directions(model)
    session = HighsSession(model)
    point = session.solve().point
    assert point is not None
    found = session.extremes(d, 0.0, point, None)
    # The most of the second is where the least of the first was found.
    assert [(k, sign) for k, sign, _, _ in found] == [(0, 1), (0, -1), (1, 1)]
    for k, sign, ended, y in found:
        costs = np.zeros(20)
        costs[d.second[k]] = -sign * d.slope[k]
        costs[d.first[k]] = sign
        alone = get("highs").solve(replace(model, objective=costs), SolveOptions())
        assert ended == "optimal" and y is not None
        assert dual_bound(model, costs, y).level == pytest.approx(alone.value, abs=1e-6)
    # Its costs are none again.
    assert session.solve().value == 0.0


def test_ends_that_a_point_is_near_to_are_not_sought_nor_any_without_patience() -> None:
    model = replace(random_lp(), objective=np.zeros(20), offset=0.0)
    d = some_directions(model)
    session = HighsSession(model)
    low = session.extremes(d, 0.5, np.zeros(20), None)
    assert (0, 1.0) not in [(k, sign) for k, sign, _, _ in low]
    assert session.extremes(d, 0.0, np.zeros(20), 0.0) == []


def test_where_nothing_is_left_a_ray_tells() -> None:
    model = replace(random_lp(), objective=np.zeros(20), offset=0.0)
    model = replace(model, row_lower=model.matrix.sum(axis=1) + 1.0, row_upper=np.full(12, INF))
    (found,) = HighsSession(model).extremes(some_directions(model), 0.0, np.full(20, 0.5), None)
    assert found[2] == "infeasible"
    assert found[3] is not None and shows_empty(model, found[3]).certain
