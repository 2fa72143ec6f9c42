"""Models for which a solver proved what is not so, and what becomes of a bound that cannot be."""

from __future__ import annotations

import pytest

from allocc.backends import registry
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.solve import solve
from tests.compiler.making import problem

#: The optimum is better than the next best value by less than HiGHS tells apart.
NEAR = """model m
decide n0 integer in 0 .. 3 decide n1 integer in 0 .. 3 decide n2 integer in 0 .. 3
decide n3 integer in 0 .. 3 decide n4 integer in 0 .. 3 decide n5 integer in 0 .. 3
minimize { o: 0.1 * (0.158049 * n0 + 0.457059 * n1 + 0.957843 * n2 + 0.623099 * n3
  + 0.860896 * n4 + 0.461061 * n5 - 5.413559)^2 }"""
#: HiGHS 1.15.1 calls 27,714.8 optimal after presolve.
GROWTH = """model m
time t : day = 0 .. 9
compartment I initial I = 0.02683
decide z[period] binary
flow grow : -> I = (1 + 0.1 * t) * 1.22 * I
flow stop : I -> = 0
effect stop += -1.76 * z * I
limit cap: I[end] >= 8970
limit turn[k in period if k > start]: z[k] - z[k-1] <= 0
minimize { o: max(k in t: I[k]) + 1011 * sum(k in period: z[k]) }"""
#: SCIP 10.0.0 calls -7.19 optimal after presolve.
PAIRS = """model m
decide a binary decide b binary decide kept binary
limit one: a + b >= 1
limit enough: a + b >= kept
limit all: kept >= 1
maximize { o: -0.1455 * a - 1.1259 * b - 1.48 * a * a - 2.96 * a * b - 1.48 * b * b }"""
#: As before, 3.04.
CURVED = """model m
decide n0 integer in -2 .. 0
decide n1 integer in 2 .. 3
decide x2 in 2.4 .. 5.2
limit l0: 0.261 * n0 + 0.787 * n0 * n0 - 1.94 * (x2 * n1 + exp(0.3 * x2)) >= -33.55
limit l1: 0.1 * (-1.13 * n0 + 0.297 * n1 + 0.304 * x2) >= 0.3223
maximize { o: 0.703 * (max(n1, 1.89, x2) / (abs(n0) + 0.5))^2 }"""


def proven(found: Outcome, value: float, rel: float = 1e-6) -> None:
    assert (found.status, found.word) == ("optimal", "proven"), (found.status, found.notes)
    assert found.value == pytest.approx(value, rel=rel)
    assert found.bound == pytest.approx(value, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("method", ["auto", "refine"])
def test_near_optima_are_told_apart(method: str) -> None:
    # They differ by 1e-7, and the objective adds up 3: the gap that is asked for tells them apart.
    found = solve(problem(NEAR), Options(method=method, gap=1e-6))  # type: ignore[arg-type]
    proven(found, 1.138489e-07)


def test_presolve_is_checked() -> None:
    proven(solve(problem(GROWTH), Options(method="exact")), 20092.873297)


@pytest.mark.parametrize(("text", "value"), [(PAIRS, -1.6255), (CURVED, 8.4484978)])
@pytest.mark.parametrize("method", ["direct", "refine"])
def test_presolve_of_scip_is_checked(text: str, value: float, method: str) -> None:
    if not registry.get("scip").available():
        pytest.skip("pyscipopt is not installed")
    found = solve(problem(text), Options(solver="scip", method=method))  # type: ignore[arg-type]
    proven(found, value)


def test_presolve_of_scip_behind_pyomo() -> None:
    if not registry.get("pyomo:scip").available():
        pytest.skip("pyomo with scip is not installed")
    proven(solve(problem(CURVED), Options(solver="pyomo:scip")), 8.4484978)


def test_an_allocation_that_uses_the_tolerance_is_no_false_bound() -> None:
    """6 is beyond the limit by less than an allocation may be, and better than all within it."""
    text = """model m
    decide n integer in 1 .. 6 decide m integer in 1 .. 6 decide x in 0 .. 3
    limit l: 0.001 * n * m <= 0.0059999 limit k: x <= n
    maximize { o: n * m + 0.1 * x }"""
    found = solve(problem(text), Options(method="refine"))
    if found.value == pytest.approx(6.3):
        assert found.bound is None and found.status == "feasible" and found.stopped != "gap"
        assert len(found.notes) == 1 and "breaks l by 1e-07" in found.notes[0]
    else:
        proven(found, 5.3)


def test_large_numbers_are_not_called_impossible() -> None:
    """With steps of 1e9, tolerances of 1e-7 are less than rounding: HiGHS calls this infeasible."""
    text = """model m
    time t : day = 0 .. 9
    compartment I initial I = 3841.65774
    decide z[period] binary
    flow grow : -> I = 1.88 * I + 1.69 * z * I
    limit cap: I[end] >= 227300000
    minimize { o: sum(k in t: I[k]) + 303800000 * sum(k in period: z[k]) }"""
    found = solve(problem(text), Options())
    assert found.status != "infeasible" and found.value is not None
    if found.status == "optimal":
        proven(found, 1640394478.08)
