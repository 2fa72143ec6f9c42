"""Solvers that break down, or say what is not so: what is had is kept, and nothing false is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allocc.backends import registry
from allocc.backends.highs import HighsBackend
from allocc.backends.solution import (
    Capabilities,
    MissingSolver,
    Solution,
    SolveOptions,
    Termination,
)
from allocc.compiler.programs.program import Program
from allocc.engine.judging.outcome import Options, Outcome
from allocc.engine.proving import door
from allocc.engine.solve import solve
from tests.backends.programs import program
from tests.compiler.making import problem

#: The optimum is 5, at x = 3 and y = 2; y is continuous. All decisions at 0 are not allowed.
MODEL = """
decide x integer in 0 .. 4
decide y in 0 .. 4
limit enough: x + y >= 5
limit most: x <= 3
minimize { cost : x + y + 0 * x }
"""
#: Nothing forbids to decide nothing; the optimum is 12.
LOOSE = """
decide x integer in 0 .. 4
decide y integer in 0 .. 4
limit most: 2 * x + 3 * y <= 16
maximize { gain : 2 * x + 2 * y }
"""
#: A product of two continuous decisions takes many rounds; everything is allowed, the optimum is 2.
ROUNDS = """
decide x in 0 .. 4
decide y in 0 .. 4
limit most: x + 2 * y <= 4
maximize { gain : x * y }
"""

#: As before, with an integer, so that more than linear programs are asked about.
SHARED = """
decide x in 0 .. 4
decide y in 0 .. 4
decide n integer in 0 .. 30
limit most: x + 2 * y + 0.1 * n <= 4
maximize { gain : x * y + 0.07 * n * x }
"""

Lie = Callable[[Program, Solution, int], Solution]


class Liar:
    """HiGHS, whose answers are changed on their way; `calls` counts them."""

    name = "liar"
    interface = "liar"
    capabilities = Capabilities()

    def __init__(self, lie: Lie) -> None:
        self.lie = lie
        self.calls = 0

    def version(self) -> str:
        return "0"

    def solver_version(self) -> str:
        return "0"

    def available(self) -> bool:
        return True

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        self.calls += 1
        found = replace(HighsBackend().solve(program, options), solver=self.name)
        return self.lie(program, found, self.calls)


def told(monkeypatch: pytest.MonkeyPatch, model: str, lie: Lie, **options: object) -> Outcome:
    """What comes out when the solver lies; breakdowns are met as a user meets them."""
    monkeypatch.delenv("ALLOCC_DEBUG", raising=False)
    liar = Liar(lie)
    monkeypatch.setitem(registry._BACKENDS, "liar", lambda: liar)
    return solve(problem(model), Options(solver="liar", **options))  # type: ignore[arg-type]


def honest(found: Outcome, least: float, most: float) -> None:
    """The value can be had, the bound is one, and a proof is claimed only where it was made."""
    assert (found.value is None) == (found.values is None)
    if found.value is not None:
        assert found.violation is not None and found.violation.relative <= 1e-6
        assert least - 1e-6 <= found.value <= most + 1e-6
    if found.status == "optimal":
        assert found.gap is not None and found.gap <= 1e-4
    if found.bound is not None:
        assert np.isfinite(found.bound)


def test_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, MODEL, lambda p, s, n: s)
    assert found.status == "optimal" and found.value == pytest.approx(5) and not found.notes


def test_an_infeasible_point_is_no_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        return replace(found, point=np.zeros(program.columns), value=0.0, bound=0.0)

    found = told(monkeypatch, MODEL, lie)
    honest(found, 5, 8)
    assert found.bound is None
    assert any("breaks the program" in note for note in found.notes)
    assert found.status != "optimal"


def test_a_wrong_value_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, MODEL, lambda p, s, n: replace(s, value=-1e9))
    assert found.status == "optimal" and found.value == pytest.approx(5)


def test_a_bound_beyond_the_value_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, MODEL, lambda p, s, n: replace(s, bound=7.0, row_duals=None))
    honest(found, 5, 8)
    assert found.value == pytest.approx(5)
    # What a tree of our own proves stands in its place.
    assert found.bound == pytest.approx(5) and (found.status, found.word) == ("optimal", "proven")
    assert any("is not" in note for note in found.notes)


#: Small enough for one exact program after a linear round.
PRODUCTS = """
decide n integer in 1 .. 40
decide m integer in 1 .. 40
decide x in 0 .. 9
limit least: n * x + m >= 61.3
minimize { cost : 3 * n + m + 2.2 * x + 0.1 * n * x }
"""


@pytest.mark.parametrize("share", [0.02, -0.02])
def test_a_gap_that_never_closes_ends(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Whether the solver proves too little or too much, its word is not what the end rests on."""

    def lie(program: Program, found: Solution, call: int) -> Solution:
        if found.bound is None:
            return found
        bound = found.bound - share * abs(found.bound)
        return replace(found, bound=bound, row_duals=None, reduced_costs=None)

    found = told(monkeypatch, PRODUCTS, lie, method="refine")
    assert found.rounds < 30
    honest(found, 46.9814285, 120)
    assert found.status != "optimal" or found.word == "proven"


@pytest.mark.parametrize("bound", [np.nan, np.inf, -np.inf, 1e300])
def test_a_bound_that_is_no_number_is_none(monkeypatch: pytest.MonkeyPatch, bound: float) -> None:
    found = told(monkeypatch, MODEL, lambda p, s, n: replace(s, bound=bound, row_duals=None))
    honest(found, 5, 8)
    assert found.value == pytest.approx(5) and found.bound is None


@pytest.mark.parametrize("entry", [np.nan, np.inf, 1e30])
def test_entries_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch, entry: float) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        assert found.point is not None
        point = found.point.copy()
        point[0] = entry
        return replace(found, point=point)

    found = told(monkeypatch, MODEL, lie)
    honest(found, 5, 8)
    assert any("no numbers" in note for note in found.notes)
    assert found.status == "optimal"  # another solver was asked


@pytest.mark.parametrize("amount", [1e-7, -1e-7, 4e-6])
def test_slightly_fractional_values_are_rounded(
    monkeypatch: pytest.MonkeyPatch, amount: float
) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        assert found.point is not None
        return replace(found, point=found.point + amount)

    found = told(monkeypatch, MODEL, lie)
    assert found.status == "optimal" and found.value == pytest.approx(5)
    assert found.values is not None
    whole = next(x for v, x in found.values.items() if v.name == "x")
    assert (whole == np.rint(whole)).all()


@pytest.mark.parametrize("more", [-1, 3])
def test_a_point_of_another_length(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        return replace(found, point=np.zeros(program.columns + more))

    found = told(monkeypatch, MODEL, lie)
    honest(found, 5, 8)
    assert any("columns" in note for note in found.notes) and found.status == "optimal"


def test_optimal_without_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "OTHERS", ())
    found = told(monkeypatch, MODEL, lambda p, s, n: replace(s, point=None))
    honest(found, 5, 8)
    # 6 is what a share of every range gives.
    assert (found.status, found.stopped, found.value) == ("feasible", "failed", 6)


def test_infeasible_though_deciding_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        return Solution("infeasible", None, None, None, 0.0, solver="liar")

    found = told(monkeypatch, LOOSE, lie)
    honest(found, 0, 12)
    assert (found.status, found.value, found.word) == ("optimal", 12, "proven")
    # Beside a proven optimum, "infeasible" would only alarm.
    assert not found.message and not any("nothing meets" in note for note in found.notes)


@pytest.mark.parametrize("word", ["unbounded", "infeasible_or_unbounded"])
def test_unbounded_within_finite_ranges(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        return Solution(word, None, None, None, 0.0, solver="liar")  # type: ignore[arg-type]

    found = told(monkeypatch, LOOSE, lie)
    assert found.status != "unbounded"
    assert (found.status == "optimal") != ("says unbounded" in found.message)


def test_a_solver_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def lie(program: Program, found: Solution, call: int) -> Solution:
        calls.append(call)
        time.sleep(0.3)
        return replace(found, bound=None, row_duals=None, reduced_costs=None)

    found = told(monkeypatch, ROUNDS, lie, time_limit=0.2, gap=1e-12)
    honest(found, 0, 2)
    assert found.stopped in ("time_limit", "gap")


@pytest.mark.parametrize("error", [RuntimeError("lost its mind"), OSError(5, "pipe"), ValueError()])
def test_a_crash_at_once_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        raise error

    found = told(monkeypatch, MODEL, lie)
    honest(found, 5, 8)
    assert found.status == "optimal"  # another solver was asked
    (note,) = (note for note in found.notes if note.startswith("liar broke down"))
    assert type(error).__name__ in note
    monkeypatch.setattr(door, "OTHERS", ())
    found = told(monkeypatch, MODEL, lie)
    assert (found.status, found.stopped, found.bound) == ("feasible", "failed", None)
    assert found.message.startswith("liar broke down") and type(error).__name__ in found.message


@pytest.mark.parametrize("error", [RuntimeError("lost"), MemoryError()])
@pytest.mark.parametrize("call", [2, 3])
def test_a_crash_later_keeps_what_is_had(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, call: int
) -> None:
    def lie(program: Program, found: Solution, number: int) -> Solution:
        if number >= call:
            raise error
        return found

    monkeypatch.setattr(door, "OTHERS", ())
    found = told(monkeypatch, SHARED, lie, gap=1e-9)
    honest(found, 0, 100)
    assert found.value is not None
    wanted = {RuntimeError: "failed", MemoryError: "memory_limit"}
    assert found.stopped == wanted[type(error)] or found.word == "proven"


def broken_after(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the tree over boxes break down at its third look."""
    from allocc.engine.proving.box_look import BoxLook

    original, looks = BoxLook.look, [0]

    def look(self: BoxLook, *given: Any) -> object:
        looks[0] += 1
        if looks[0] >= 3:
            raise error
        return original(self, *given)

    monkeypatch.setattr(BoxLook, "look", look)


def test_ctrl_c_in_the_loop_keeps_what_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_after(monkeypatch, KeyboardInterrupt())
    found = told(monkeypatch, ROUNDS, lambda p, s, n: s, gap=1e-9)
    honest(found, 0, 2)
    assert found.value is not None and found.stopped == "interrupted"


def test_a_mistake_of_our_own_keeps_what_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_after(monkeypatch, AssertionError("a mistake in the loop"))
    found = told(monkeypatch, ROUNDS, lambda p, s, n: s, gap=1e-9)
    honest(found, 0, 2)
    assert found.value is not None and found.stopped == "failed"
    assert "allocc broke down: AssertionError" in found.message


def test_a_missing_solver_is_no_breakdown(monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(program: Program, found: Solution, call: int) -> Solution:
        raise MissingSolver("liar", "no licence")

    with pytest.raises(MissingSolver):
        told(monkeypatch, MODEL, lie)


LEFT_OUT = "liar left out 2 coefficients"
SECOND = "liar said infeasible with presolve and optimal without; the second counts"


@pytest.mark.parametrize("message", ["", LEFT_OUT, SECOND])
def test_a_solver_that_has_changed_the_program_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    """Whatever the solver says besides: a second answer may have a sentence of its own."""

    def lie(program: Program, found: Solution, call: int) -> Solution:
        return replace(found, bound=7.0, row_duals=None, altered=LEFT_OUT, message=message)

    found = told(monkeypatch, MODEL, lie)
    honest(found, 5, 8)
    assert found.bound is None or found.word == "proven"
    assert f"{LEFT_OUT}; its bounds are not used" in found.notes

    def empty(program: Program, found: Solution, call: int) -> Solution:
        return Solution(
            "infeasible", None, None, None, 0.0, solver="liar", message=message, altered=LEFT_OUT
        )

    assert told(monkeypatch, MODEL, empty).status != "infeasible"


#: What may be asked: with whole numbers, with a product, linear and without dual values.
ASKED = {
    "whole": program([1, 1], [[1, 1]], [1], [9], upper=4, integer=True),
    "product": program([1, 1, 1], [[1, 1, 0]], [1], [9], upper=4, products=[(2, 0, 1)]),
    "linear": program([1, 1], [[1, 1]], [1], [9], upper=4),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("ended", ["optimal", "unbounded", "infeasible_or_unbounded", "time_limit"])
def test_nothing_comes_through_the_door_of_a_program_that_was_changed(
    monkeypatch: pytest.MonkeyPatch, asked: Program, ended: Termination
) -> None:
    class Odd(Liar):
        capabilities = Capabilities(products=True, duals=True)

        def solve(self, program: Program, options: SolveOptions) -> Solution:
            point = np.zeros(program.columns) if ended in ("optimal", "time_limit") else None
            point = None if point is None else point + (np.arange(len(point)) == 0)
            bound = None if point is None else 3.0
            return Solution(ended, point, bound, bound, 0.0, 0, self.name, SECOND, altered=LEFT_OUT)

    notes: list[str] = []
    found = door.ask(Odd(lambda p, s, n: s), asked, SolveOptions(), notes.append, tries=1)
    assert found.bound is None
    assert found.termination == (ended if found.point is not None else "failed")
    assert f"{LEFT_OUT}; its bounds are not used" in notes
