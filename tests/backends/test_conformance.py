"""Known answers; every backend must give the same."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allocc.backends import Backend, MissingSolver, SolveOptions, check_point, get
from allocc.backends.files import write
from allocc.compiler.programs.program import Extremes, Program
from tests.backends.programs import INF, function, program

LINEAR = ("highs", "scip", "gurobi", "pyomo", "pyomo:scip", "pyomo:gurobi", "pyomo:cbc")
NONLINEAR = ("scip", "gurobi", "pyomo:scip", "pyomo:gurobi")
OPTIONS = SolveOptions(threads=1, time_limit=20.0)


def backend(name: str) -> Backend:
    found = get(name)
    if not found.available():
        if name == "highs":
            pytest.fail("HiGHS must always be there")
        pytest.skip(f"solver {name} is not installed here")
    return found


KNOWN: dict[str, tuple[Program, float]] = {
    "lp_min": (program([3, 2], [[1, 1]], [6], [INF], upper=[4, 9]), 12.0),
    "lp_max_offset": (
        program([3, 2], [[1, 1]], [-INF], [6], upper=[4, 9], sense="maximize", offset=1.5),
        17.5,
    ),
    "equality": (program([1, 2], [[1, 1], [1, -1]], [4, 1], [4, 1]), 5.5),
    "range_low": (program([1, 1], [[1, 2]], [3], [5], upper=[9, 1]), 2.0),
    "range_high": (program([1, 1], [[1, 2]], [3], [5], upper=[9, 1], sense="maximize"), 5.0),
    "free_column": (
        program([1, 0], [[1, 1]], [-7], [INF], lower=[-INF, -2], upper=[INF, 3]),
        -10.0,
    ),
    "negative_upper": (program([1], lower=-INF, upper=-2.5, sense="maximize"), -2.5),
    "knapsack": (
        program([5, 4, 3], [[2, 3, 1], [4, 1, 2]], -INF, [5, 11], integer=True, sense="maximize"),
        15.0,
    ),
    "fractional_bounds": (
        program([1, -1], lower=[0.4, 0.5], upper=[3.5, 2.7], integer=True, offset=-4),
        -5.0,
    ),
    "negative_integers": (program([1], [[2]], [-7], [INF], lower=-9, upper=9, integer=True), -3.0),
    "mixed": (
        program([2, 3], [[1, 1]], [2.5], [INF], upper=[1, 9], integer=[True, False]),
        6.5,
    ),
    "empty_row": (program([1, 0], [[0, 0], [1, 1]], [-1, 1], [1, 3], upper=4), 0.0),
    "free_row": (program([1], [[1]], [-INF], [INF], lower=2, upper=3), 2.0),
    "no_rows": (program([1, -1], upper=[4, 2.5], offset=3), 0.5),
    "unused_column": (program([1, 0], [[1, 0]], [1], [INF], lower=[0, 2], upper=[9, 5]), 1.0),
    "no_objective": (program([0, 0], [[1, 1]], [1], [3], upper=4, offset=7), 7.0),
    "no_columns": (program([], offset=4), 4.0),
    "fixed": (program([1, 1], [[1, 1]], [3], [3], lower=[1, 0], upper=[1, 5]), 3.0),
}

IMPOSSIBLE: dict[str, Program] = {
    "rows": program([3, 2], [[1, 1]], [16], [INF], upper=[4, 9]),
    "whole_only": program([1, 1], [[2, 2]], [1], [1], upper=5, integer=True),
    "between_integers": program([1], lower=0.3, upper=0.7, integer=True),
    "empty_row": program([1], [[0]], [1], [2], upper=4),
    "crossed_bounds": program([1], lower=2, upper=1),
    "no_columns": program([], [[]], [1], [2]),
}

UNBOUNDED: dict[str, Program] = {
    "ray": program([3, -2], [[1, -1]], [-INF], [2]),
    "maximize": program([1], sense="maximize"),
    "whole": program([-1, 0], [[1, -1]], [-INF], [2], integer=True),
}


@pytest.mark.parametrize("case", KNOWN)
@pytest.mark.parametrize("name", LINEAR)
def test_known_answers(name: str, case: str) -> None:
    model, value = KNOWN[case]
    answer = backend(name).solve(model, OPTIONS)
    assert answer.termination == "optimal", answer.message
    assert answer.value == pytest.approx(value, abs=1e-6)
    assert answer.bound is None or answer.bound == pytest.approx(value, abs=1e-5)
    assert answer.point is not None and answer.point.shape == (model.columns,)
    assert check_point(model, answer.point).holds(1e-6)
    assert answer.solver == name and answer.seconds >= 0.0


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.parametrize("name", LINEAR)
def test_infeasible(name: str, case: str) -> None:
    answer = backend(name).solve(IMPOSSIBLE[case], OPTIONS)
    allowed = {"infeasible", "infeasible_or_unbounded"} if ":" in name else {"infeasible"}
    assert answer.termination in allowed
    assert answer.point is None and answer.value is None and answer.bound is None


@pytest.mark.parametrize("case", UNBOUNDED)
@pytest.mark.parametrize("name", LINEAR)
def test_unbounded(name: str, case: str) -> None:
    answer = backend(name).solve(UNBOUNDED[case], OPTIONS)
    assert answer.termination in ("unbounded", "infeasible_or_unbounded")
    assert answer.point is None and answer.bound is None
    if name in ("highs", "scip", "gurobi") and case != "whole":
        assert answer.termination == "unbounded"


PRODUCTS: dict[str, tuple[Program, float]] = {
    "continuous": (
        program(
            [1, 1, 1], [[1, 1, 0]], [-INF], [5], upper=[4, 4, 20], products=[(2, 0, 1)],
            sense="maximize",
        ),
        11.25,
    ),
    "binary_times": (
        program(
            [0, -1, 3], [[1, 1, 0]], [-INF], [5], upper=[1, 7, 7], integer=[True, False, False],
            products=[(2, 0, 1)], sense="maximize",
        ),
        8.0,
    ),
    "square": (
        program([1, 1], lower=[-3, 0], upper=[2, 20], products=[(1, 0, 0)], sense="maximize"),
        6.0,
    ),
    "nonconvex_min": (
        program([0, 0, 1], lower=[-2, -1, -9], upper=[3, 1, 9], products=[(2, 0, 1)]),
        -3.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PRODUCTS)
@pytest.mark.parametrize("name", NONLINEAR)
def test_products(name: str, case: str) -> None:
    model, value = PRODUCTS[case]
    solver = backend(name)
    assert solver.capabilities.products
    answer = solver.solve(model, OPTIONS)
    assert answer.termination == "optimal", answer.message
    assert answer.value == pytest.approx(value, abs=1e-4)
    assert answer.bound == pytest.approx(value, abs=1e-4)
    assert answer.point is not None
    assert check_point(model, answer.point).holds(1e-5)


FUNCTIONS: tuple[tuple[Any, float, float, float, float], ...] = (
    ("exp", 0.0, 1.0, 1.0, math.e),
    ("log", 1.0, 3.0, 1.0, math.log(3.0)),
    ("sqrt", 0.0, 4.0, 1.0, 2.0),
    ("square", -2.0, 1.0, 1.0, 4.0),
    ("power", 1.0, 2.0, 2.5, 2.0**2.5),
    ("reciprocal", 0.5, 2.0, 1.0, 2.0),
    ("abs", -3.0, 2.0, 1.0, 3.0),
)


@pytest.mark.parametrize(("kind", "low", "high", "exponent", "value"), FUNCTIONS)
@pytest.mark.parametrize("name", NONLINEAR)
def test_functions(
    name: str, kind: Any, low: float, high: float, exponent: float, value: float
) -> None:
    solver = backend(name)
    atoms = function(kind, 0, 1, exponent)
    model = program(
        [1, 0], lower=[-100, low], upper=[100, high], functions=(atoms,), sense="maximize"
    )
    if kind not in solver.capabilities.functions:
        with pytest.raises(ValueError, match=kind):
            solver.solve(model, OPTIONS)
        return
    answer = solver.solve(model, OPTIONS)
    assert answer.termination == "optimal"
    assert answer.value == pytest.approx(value, abs=1e-5)
    assert answer.point is not None
    assert check_point(model, answer.point).function < 1e-5


@pytest.mark.parametrize("name", ["highs", "pyomo", "pyomo:cbc"])
def test_linear_solvers_refuse_products(name: str) -> None:
    with pytest.raises((ValueError, MissingSolver)):
        get(name).solve(PRODUCTS["square"][0], OPTIONS)


@pytest.mark.parametrize("name", ["highs", "gurobi"])
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_duals_are_changes_of_the_objective(name: str, sense: Any) -> None:
    solver = backend(name)
    low, high = ([7.0, 2.0, -INF], [9.0, 2.0, 6.0])

    def value(row_low: list[float], row_high: list[float], upper: list[float]) -> Any:
        model = program(
            [3, 2, 4],
            [[1, 1, 1], [1, -1, 0], [0, 1, 2]],
            row_low,
            row_high,
            lower=0.25,
            upper=upper,
            sense=sense,
            offset=2,
        )
        return solver.solve(model, SolveOptions())

    upper = [9.0, 9.0, 1.5]
    base = value(low, high, upper)
    assert base.row_duals is not None and base.reduced_costs is not None
    step = 1e-3
    for i in range(3):
        moved = value(
            [x + step * (k == i) for k, x in enumerate(low)],
            [x + step * (k == i) for k, x in enumerate(high)],
            upper,
        )
        assert (moved.value - base.value) / step == pytest.approx(base.row_duals[i], abs=1e-6)
    moved = value(low, high, [9.0, 9.0, 1.5 + step])
    expected = base.reduced_costs[2] if base.point[2] > 1.0 else 0.0
    assert (moved.value - base.value) / step == pytest.approx(expected, abs=1e-6)


def test_integer_programs_have_no_duals() -> None:
    answer = backend("highs").solve(KNOWN["knapsack"][0], OPTIONS)
    assert answer.row_duals is None and answer.reduced_costs is None


def test_extremes_are_measured_and_never_dropped(tmp_path: Path) -> None:
    extremes = Extremes("max", np.array([0]), np.array([0, 0]), np.array([1, 2]))
    model = replace(program([1, 0, 0], upper=4, lower=0), extremes=(extremes,))
    assert check_point(model, np.array([3.0, 1.0, 3.0])).holds(0.0)
    assert check_point(model, np.array([1.0, 1.0, 3.0])).extreme == pytest.approx(0.5)
    for name in LINEAR:
        if get(name).available():
            with pytest.raises(ValueError, match="min or max"):
                get(name).solve(model, OPTIONS)
    with pytest.raises(ValueError, match="max"):
        write(model, tmp_path / "model.lp")


@pytest.mark.parametrize("name", LINEAR)
def test_data_that_is_no_number_is_refused(name: str) -> None:
    solver = backend(name)
    for model in (
        program([math.nan], upper=1),
        program([1], [[INF]], [0], [1]),
        program([1], lower=math.nan),
        program([1], [[1]], [math.nan], [1]),
        program([1], offset=INF),
    ):
        with pytest.raises(ValueError, match="not a number"):
            solver.solve(model, OPTIONS)


def test_check_point_measures_violations() -> None:
    model = program(
        [1, 1, 0], [[1, 1, 0]], [0], [5], upper=[4, 4, 20], integer=[True, False, False],
        products=[(2, 0, 1)],
    )  # fmt: skip
    good = check_point(model, np.array([2.0, 3.0, 6.0]))
    assert good.holds(0.0) and good.worst_row is None and good.worst_column is None
    bad = check_point(model, np.array([2.25, 4.5, 0.0]))
    assert bad.bound == pytest.approx(0.5) and bad.worst_column == 1
    assert bad.integrality == pytest.approx(0.25)
    assert bad.row == pytest.approx(1.75) and bad.worst_row == 0
    assert bad.row_relative == pytest.approx(1.75 / 7.75)
    assert bad.product == pytest.approx(10.125 / 11.125)
    assert check_point(model, np.array([np.nan, 0.0, 0.0])).bound == INF
    with pytest.raises(ValueError, match="3 entries"):
        check_point(model, np.zeros(2))
