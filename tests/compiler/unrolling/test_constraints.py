"""Limits and soft limits as blocks of algebra (language reference, §7)."""

from __future__ import annotations

import numpy as np
import pytest

from allocc.compiler.algebra.numeric import Evaluation
from allocc.compiler.unrolling.problem import Problem
from tests.compiler.making import problem

X = 3.0


def made(text: str) -> Problem:
    head = 'set R = {n, s} param a[r in R] = if r == "n" then 5 else 1 decide x in 0 .. 9\n'
    return problem(f"{head} minimize {{ z : x }} {text}")


def test_a_chain_has_a_constraint_for_each_comparison() -> None:
    found = made("limit both[r in R]: 1 <= x * a[r] <= 8")
    evaluate = Evaluation({found.decisions[0]: np.asarray(X)})
    bodies = [evaluate(c.body).tolist() for c in found.constraints]
    assert bodies == [[1 - 5 * X, 1 - X], [5 * X - 8, X - 8]]
    for place, c in enumerate(found.constraints):
        assert c.written is not None and c.written.place == place
        assert [c.labels(k) for k in range(c.count)] == [("n",), ("s",)]


def test_an_equation_has_both_ends() -> None:
    (above,) = made("limit least: x >= 2").constraints
    (equal,) = made("limit same: x == 2").constraints
    assert (above.lower.values, above.upper.values) == (-np.inf, 0)
    assert (equal.lower.values, equal.upper.values) == (0, 0)


@pytest.mark.parametrize(
    "text, cost",
    [
        ("prefer few[r in R]: x * a[r] <= 2 penalty a[r]", 5 * 13 + 1 * 1),
        ("prefer two: x == 2 penalty 10", 10),
        ("prefer more: x >= 7 penalty 2", 8),
        # Of data alone: it costs the same whatever is decided.
        ("prefer known[r in R]: a[r] <= 3 penalty 2", 4),
        # One price for each point of an index that the sides do not mention.
        ("prefer each[r in R]: x <= 2 penalty 1", 2),
    ],
)
def test_soft_limits_cost_what_exceeds_them(text: str, cost: float) -> None:
    found = made(text)
    term = found.terms[1]
    evaluate = Evaluation({found.decisions[0]: np.asarray(X)})
    assert term.penalty and float(evaluate(term.node)) == pytest.approx(cost)
