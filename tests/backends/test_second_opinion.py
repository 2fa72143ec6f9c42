"""What is asked a second time: the weaker bound and the better point count."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from allocc.backends.highs import HighsBackend, HighsSession
from allocc.backends.second_opinion import MOST_INTEGERS, Meanwhile, without_presolve
from allocc.backends.solution import Refused, Solution, SolveOptions
from allocc.compiler.program import Program
from tests.backends.programs import program


def choice(gap: float) -> Program:
    """One of two for about 1; the second is cheaper by `gap`. The costs cancel but for that."""
    return program(
        [1.0, 1.0 - gap, -1.0],
        rows=[[1.0, 1.0, 0.0]],
        row_lower=[1.0],
        row_upper=[1.0],
        lower=[0.0, 0.0, 1.0],
        upper=[1.0, 1.0, 1.0],
        integer=[True, True, False],
    )


def test_a_bound_is_no_closer_than_highs_looks() -> None:
    session = HighsSession(choice(0.25))
    found = session.solve(SolveOptions(gap=0.0))
    assert found.value is not None and found.bound is not None
    assert found.bound <= found.value - session.tolerance + 1e-12
    session.enlarge(1024.0)
    again = session.solve(SolveOptions(gap=0.0))
    assert again.value == pytest.approx(found.value, abs=1e-9)
    assert again.bound is not None and found.bound < again.bound <= found.value


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("gap", [1e-3, 1e-7, 1e-8])
def test_small_differences_are_seen(sense: str, gap: float) -> None:
    asked = choice(gap)
    if sense == "maximize":
        asked = replace(asked, sense="maximize", objective=-asked.objective)
    sign = 1.0 if sense == "minimize" else -1.0
    found = HighsBackend().solve(asked, SolveOptions(gap=1e-6))
    assert found.termination == "optimal" and found.bound is not None
    assert found.value == pytest.approx(-sign * gap, abs=1e-9)
    assert sign * found.bound <= -gap + 1e-12
    assert abs(found.bound + sign * gap) <= 1e-9 + 1e-6 * gap


def test_steps_are_not_missed() -> None:
    """Whole numbers with whole costs: nothing lies within the tolerance, and the bound is as it is."""
    asked = program(
        [2.0, 3.0],
        rows=[[2.0, 2.0]],
        row_lower=[3.0],
        row_upper=[np.inf],
        upper=9.0,
        integer=True,
    )
    found = HighsSession(asked).solve(SolveOptions(gap=0.0))
    assert found.value == 4.0 and found.bound == pytest.approx(4.0, abs=1e-12)
    asked.objective[0] = 2.0000001
    found = HighsSession(asked).solve(SolveOptions(gap=0.0))
    assert found.bound is not None and found.bound <= 4.0000002 - 1e-6 + 1e-12


def test_what_the_ranges_prove_needs_no_larger_objective() -> None:
    found = HighsSession(program([1.0, 2.0], upper=3.0, integer=True)).solve(SolveOptions(gap=0.0))
    assert found.value == 0.0 and found.bound == 0.0


def claim(value: float | None, bound: float | None, termination: str = "optimal") -> Solution:
    point = None if value is None else np.array([value])
    return Solution(termination, point, value, bound, 0.0, solver="one")  # type: ignore[arg-type]


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_the_better_point_and_the_weaker_bound_count(sense: str) -> None:
    sign = 1.0 if sense == "minimize" else -1.0
    asked = replace(program([1.0], upper=9.0, integer=True), sense=sense)

    def heard(first: Solution, second: Solution) -> Solution:
        return without_presolve(lambda options: second, asked, first, SolveOptions())

    found = heard(claim(sign * 5, sign * 5), claim(sign * 4, sign * 3))
    assert (found.value, found.bound) == (sign * 4, sign * 3) and "weaker" in found.message
    assert found.point is not None and found.point[0] == sign * 4
    found = heard(claim(sign * 5, sign * 3), claim(sign * 6, sign * 6))
    assert (found.value, found.bound) == (sign * 5, sign * 3)
    found = heard(claim(5, 5), claim(5, 5))
    assert (found.value, found.bound, found.message) == (5, 5, "")
    found = heard(claim(None, None, "infeasible"), claim(5, 5))
    assert found.termination == "optimal" and found.value == 5 and "infeasible" in found.message
    # What the second solve could not end says nothing.
    assert heard(claim(5, 5), claim(4, 1, "time_limit")).value == 5
    assert heard(claim(5, 5), claim(None, None, "infeasible")).value == 5


def test_large_programs_are_asked_once() -> None:
    def never(options: SolveOptions) -> Solution:
        raise AssertionError

    n = MOST_INTEGERS + 1
    asked = program(np.ones(n), upper=1.0, integer=True)
    assert without_presolve(never, asked, claim(5, 5), SolveOptions()).value == 5
    small = program([1.0], upper=1.0, integer=True)
    late = claim(5, 4, "time_limit")
    assert without_presolve(never, small, late, SolveOptions()) is late


def waits(options: SolveOptions) -> Solution:
    """A solve that ends when it is told to."""
    assert options.cancel is not None
    assert options.cancel.wait(30.0)
    return claim(None, None, "interrupted")


def test_the_second_solve_runs_beside_the_first_and_ends_with_it() -> None:
    asked = SolveOptions(time_limit=0.2)
    with Meanwhile(waits, SolveOptions()) as second:
        assert threading.active_count() > 1
        assert second.answer(asked, used=0.1).termination == "interrupted"
    before = threading.active_count()
    with pytest.raises(RuntimeError), Meanwhile(waits, SolveOptions()):
        raise RuntimeError("the first solve broke down")
    assert threading.active_count() == before


def test_a_stop_does_not_wait_for_the_second_solve() -> None:
    stop = threading.Event()
    stop.set()
    with Meanwhile(waits, SolveOptions()) as second:
        # `waits` fails where nobody tells it to end.
        assert second.answer(SolveOptions(cancel=stop), used=0.0).termination == "interrupted"


def test_what_breaks_in_the_second_solve_is_raised_where_it_is_asked_for() -> None:
    def breaks(_: SolveOptions) -> Solution:
        raise Refused("no")

    with pytest.raises(Refused), Meanwhile(breaks, SolveOptions()) as second:
        second.answer(SolveOptions(), used=0.0)


def test_one_thread_is_one_thread() -> None:
    asked: list[SolveOptions] = []

    def solve(options: SolveOptions) -> Solution:
        asked.append(options)
        return claim(1.0, 1.0)

    with Meanwhile(solve, SolveOptions(threads=1)) as second:
        assert not asked
        assert second.answer(SolveOptions(gap=0.5), used=0.0).value == 1.0
    assert [o.gap for o in asked] == [0.5]
