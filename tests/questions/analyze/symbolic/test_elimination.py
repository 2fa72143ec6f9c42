"""Systems of equations: each solution is one, and what is too large is given up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sympy = pytest.importorskip("sympy")

from allocc.questions.analyze.symbolic import elimination
from allocc.questions.analyze.symbolic.elimination import solutions

X, Y, Z = sympy.symbols("x y z", positive=True)
A, B = sympy.symbols("a b", positive=True)


def test_cases_of_a_product() -> None:
    found = solutions([X * (Y - A), Y * (X - B)], [X, Y])
    assert found is not None and len(found) == 2
    assert {X: 0, Y: 0} in found and {X: B, Y: A} in found


def test_what_is_not_determined_is_free() -> None:
    assert solutions([X + Y - A, 2 * X + 2 * Y - 2 * A], [X, Y]) == [{X: A - Y}]


def test_a_contradiction_has_no_solution() -> None:
    assert solutions([X - A, X - A - 1], [X]) == []


def test_the_last_unknown_may_be_quadratic() -> None:
    found = solutions([X**2 - A, Y - X], [X, Y])
    assert found is not None and {s[Y] for s in found} == {sympy.sqrt(A), -sympy.sqrt(A)}


@pytest.mark.parametrize(
    "equations", [[X**3 - X - A], [sympy.exp(X) - Y, X + Y - 1], [sympy.Max(X, Y) - A, X - Y]]
)
def test_what_is_beyond_it_is_given_up(equations: list[Any]) -> None:
    assert solutions(equations, [X, Y]) is None


def test_large_systems_are_given_up_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elimination, "MOST_OPERATIONS", 5)
    assert solutions([A * X + B * Y - Z, A * X * Y - B * Z - A * B], [X, Y, Z]) is None
    monkeypatch.setattr(elimination, "MOST_OPERATIONS", 300)
    monkeypatch.setattr(elimination, "MOST_CASES", 3)
    assert solutions([X * (X - A) * (X - B), Y * (Y - A), Z * (Z - B)], [X, Y, Z]) is None


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(st.integers(-3, 3), min_size=9, max_size=9))
def test_every_solution_is_one(numbers: list[int]) -> None:
    n = numbers
    equations = [
        n[0] * X * Y + n[1] * X + n[2] * Z,
        n[3] * Y * Z + n[4] * Y + A,
        X + n[5] * Y + n[6] * Z + n[7] * B + n[8],
    ]
    for solution in solutions(equations, [X, Y, Z]) or []:
        for equation in equations:
            assert sympy.simplify(equation.subs(solution)) == 0
