"""The oracles agree with allocc's simulation, and with brute force of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from truth_models import KINDS, Answer, Units, judge, make

import allocc


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_the_best_allocation_is_what_its_simulation_says(
    kind: str, seed: int, tmp_path: Path
) -> None:
    case = make(kind, seed)
    best = case.best()
    if best.value is None:
        return
    path = tmp_path / "model.alloc"
    path.write_text(case.text, encoding="utf-8")
    seen = allocc.load(path).simulate(
        {n: v if kind == "epidemics" and len(v) > 1 else v[0] for n, v in best.decisions.items()}
    )
    assert seen.value == pytest.approx(best.value, rel=1e-9, abs=1e-9 * best.terms)
    assert seen.violation is not None and seen.violation.relative <= 1e-9
    look = case.look(best.decisions)
    assert look.value == pytest.approx(best.value, rel=1e-9) and look.violation <= 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_no_random_allocation_is_better(kind: str, seed: int) -> None:
    case = make(kind, seed)
    best = case.best()
    if best.value is None:
        return
    rng = np.random.default_rng(seed)
    sign = 1 if case.sense == "minimize" else -1
    whole = {n: all(x == round(x) for x in v) for n, v in best.decisions.items()}
    for _ in range(200):
        tried = {
            n: [x if whole[n] else x * (1 + rng.normal() * 0.05) for x in v]
            for n, v in best.decisions.items()
        }
        look = case.look(tried)
        assert look.violation > 0 or sign * look.value >= sign * best.value - 1e-5 * best.terms


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_units_change_numbers_only(kind: str, seed: int) -> None:
    case, other = make(kind, seed), make(kind, seed, Units(3, -2))
    best, same = case.best(), other.best()
    if best.value is None:
        assert same.value is None
        return
    factor = other.units.factor(*other.objective)
    assert same.value == pytest.approx(best.value * factor, rel=1e-9)
    assert other.look(same.decisions).value == pytest.approx(same.value, rel=1e-9)
    assert other.text != case.text


def test_false_claims_are_found() -> None:
    case = next(c for c in (make("epidemics", s) for s in range(50)) if c.best().value is not None)
    best = case.best()
    value = best.value
    assert value is not None
    worse = 1 if case.sense == "minimize" else -1

    def false(answer: Answer) -> str:
        return judge(case, answer).false

    assert "infeasible" in false(Answer("infeasible"))
    assert not false(Answer("optimal", "gap", value, value, 0.0, 0.0, best.decisions))
    beyond = value + worse * 1e-4 * best.terms
    assert "bound" in false(Answer("feasible", "", value, beyond, 0.0, 0.0, best.decisions))
    assert "value" in false(Answer("feasible", "", beyond, None, 0.0, 0.0, best.decisions))
    much = {n: [x + 7 for x in v] for n, v in best.decisions.items()}
    assert "breaks" in false(Answer("feasible", "", case.look(much).value, None, 0, 0, much))
    far = value + worse * 1e-3 * best.terms
    assert "optimal" in false(Answer("optimal", "gap", far, None, 0, 0, {}))
