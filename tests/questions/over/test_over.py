"""One allocation for many draws, against every allocation tried in every draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.questions.over.models import CASES, Case, Tried, measured, tried

GAP = 1e-4
MEASURES = ("mean", "worst", "cvar 60%", "regret")


@pytest.fixture(scope="module", params=CASES, ids=lambda c: c.name)
def known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, Tried, Path]:
    folder = tmp_path_factory.mktemp("over")
    return request.param, tried(request.param, folder), folder


@pytest.mark.parametrize("by", MEASURES)
def test_the_best_for_all_draws(known: tuple[Case, Tried, Path], by: str) -> None:
    case, every, folder = known
    best = [every.sign * float((every.sign * a).min()) for a in every.alone]
    found = case.load(folder).solve_over(case.rows(), by, gap=GAP)
    worth = measured(by, every.values, case.weight(), best, every.sign)
    sign = 1.0 if by == "regret" else every.sign
    truth = sign * float((sign * worth).min())
    size = max(1.0, float(np.abs(every.values).max()))
    # What is proven of the model as it stands is proven over draws; the implicit step has no ranges.
    proven = {"proven", "agreed"} if case.name.endswith(("implicit", "trapezoid")) else {"proven"}
    assert found.status == "optimal" and found.proof in proven
    assert found.value is not None and found.bound is not None
    # The allocation is as good as the best one, and no bound is beyond it.
    assert abs(found.value - truth) <= 2 * GAP * size
    assert sign * (truth - found.bound) >= -1e-7 * size
    assert sign * (found.value - found.bound) >= -1e-9 * size
    # What is told of each draw is what the model of the draw alone says.
    point = {b.name: b.values for b in found.decisions}
    row = next(
        r
        for r, d in zip(every.values, every.decisions, strict=True)
        if all(np.array_equal(d[n], np.rint(x)) for n, x in point.items())
    )
    assert np.allclose(found.values, row, rtol=1e-9)
    assert found.kept == 1.0 and all(not d.broken for d in found.draws)


def test_what_information_is_worth(known: tuple[Case, Tried, Path]) -> None:
    case, every, folder = known
    found = case.load(folder).solve_over(case.rows(), information=True)
    w, sign = case.weight(), every.sign
    here = float((sign * (every.values @ w)).min())
    wait = float(w @ [(sign * a).min() for a in every.alone])
    assert found.information is not None
    low, high = found.information.perfect
    assert low is not None and high is not None
    slack = 3e-4 * max(1.0, abs(here))
    assert low - 1e-9 <= here - wait <= high + 1e-9 and high - low <= slack
    if found.information.stochastic is not None:
        least, most = found.information.stochastic
        assert least is not None and most is not None and 0 <= least <= most


@pytest.mark.parametrize("number", range(3))
def test_an_allocation_in_every_draw_and_its_regret(number: int, tmp_path: Path) -> None:
    case = CASES[number]
    every = tried(case, tmp_path)
    model = case.load(tmp_path)
    place = int(np.random.default_rng(number).integers(len(every.decisions)))
    given, row = every.decisions[place], every.values[place]
    found = model.evaluate(given, case.rows())
    assert np.allclose(found.values, row) and found.kept == 1.0
    assert found.mean == pytest.approx(case.weight() @ row)
    assert found.worst == pytest.approx(every.sign * (every.sign * row).max())
    told = model.regret(given, case.rows())
    for d, a in zip(told.draws, every.alone, strict=True):
        truth = float((every.sign * d.value) - (every.sign * a).min())
        assert d.regret is not None and d.regret[0] is not None and d.regret[1] is not None
        assert d.regret[0] - 1e-9 <= truth <= d.regret[1] + 1e-9
        assert d.regret[1] - d.regret[0] <= 3 * GAP * max(1.0, float(np.abs(a).max()))


def test_limits_that_break_are_told_by_name_and_weight(tmp_path: Path) -> None:
    case = CASES[1]
    model = case.load(tmp_path)
    given = {"open": {"a": 2, "b": 1, "c": 1}, "vans": 2}
    found = model.evaluate(given, case.rows())
    # Money: 8 + 2 > 9 in the first draw, 12 + 2 > 9 in the second, 0 + 2 in the third.
    limit = next(x for x in found.limits if x.name == "money")
    assert limit.holds == pytest.approx(0.3)
    assert [d.broken for d in found.draws] == [("money",), ("money",), ()]
    assert found.kept == pytest.approx(0.3)
    told = model.regret(given, case.rows())
    assert [d.regret is None for d in told.draws] == [True, True, False]
