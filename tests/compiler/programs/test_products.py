"""Products and ratios: a ratio says of itself that it is one, wherever its column stands."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from allocc.backends.isolation.wire import stripped
from allocc.compiler.lowering.complete import Completer
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds_needed import check_bounds, without_quotients, zero_below
from allocc.compiler.programs.direction import monotone_directions
from allocc.compiler.programs.extension import Extension
from allocc.compiler.programs.local_ranges import LocalRanges
from allocc.compiler.programs.program import Products, Program
from allocc.compiler.programs.scaling import scale
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.dsl.diagnostics import DiagnosticError
from tests.compiler.making import problem
from tests.compiler.solving import columns

#: A product, a ratio of columns, one with a product below, and growth, which makes columns anew.
TEXT = """model m
set S = 1 .. 3
time t = 1 .. 8
decide x[S] in 1 .. 10
decide n integer in 1 .. 4
decide lock[t] binary
compartment cases    initial cases = 10
flow growth : -> cases = (2 - 2.5 * lock[t]) * cases
limit room[i in S]: x[i] * n <= 20
limit fair: sum(x) / (n * x[1]) + x[2] / (n + 1) <= 9
minimize { ill: sum(t: cases[t])    spent: sum(i in S: x[i] * x[i] / n) }
"""


def ratios(program: Program) -> set[tuple[int, int, int]]:
    q = program.products
    return set(
        zip(*(side[q.is_ratio].tolist() for side in (q.result, q.left, q.right)), strict=True)
    )


@pytest.mark.parametrize("method", ["stated", "direct", "auto"])
def test_ratios_are_known_after_every_pass(method: str) -> None:
    stated = chain(problem(TEXT), "stated").program
    known = ratios(stated)
    assert known and len(known) < len(stated.products)
    # Each ratio divides two quantities, and its column bears its name.
    for top, ratio, bottom in known:
        name = stated.column_name(ratio)
        assert name == f"ratio[{stated.column_name(top)},{stated.column_name(bottom)}]"
    made = chain(problem(TEXT), method).program
    relaxed = Relaxation(made).build_direct().program
    scaled, _ = scale(relaxed)
    sent = pickle.loads(pickle.dumps(stripped(scaled)))
    extended = Extension(sent).finish(sent.products)
    for program in (made, relaxed, scaled, sent, extended):
        assert ratios(program) == known
    assert not ratios(without_quotients(scaled)) and len(without_quotients(scaled).products)


def test_what_lies_near_a_column_keeps_its_ratios() -> None:
    program = chain(problem(TEXT), "stated").program
    (n,) = (j for j in range(program.columns) if program.column_name(j) == "n")
    near = LocalRanges(program, n)
    q = program.products
    mine = (q.left == n) | (q.right == n)
    assert near.program.products.is_ratio.tolist() == q.is_ratio[mine].tolist()
    assert near.program.products.is_ratio.any()


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_the_order_of_the_columns_decides_nothing(order: tuple[int, int, int]) -> None:
    """w = a / b, with the three laid out in any order."""
    w, a, b = order
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    low[a], high[a], low[b], high[b] = 6.0, 6.0, 0.0, 3.0
    made = columns(low, high, ratios=[(w, a, b)], derived=[w])
    assert made.products.bottoms.tolist() == [b]
    assert zero_below(made, low, high).tolist() == [b]
    with pytest.raises(DiagnosticError) as caught:
        check_bounds(made)
    (told,) = caught.value.diagnostics
    assert f"x{b}" in told.message
    complete = Completer(made, np.arange(3) == b)
    assert complete(np.where(np.arange(3) == b, 2.0, np.nan))[w] == 3.0
    down, up = monotone_directions(made)
    assert not down[a] and not up[a] and not down[b] and not up[b]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
def test_a_product_is_no_ratio(order: tuple[int, int, int]) -> None:
    """w = a b with w and a known says nothing of b where a may be 0."""
    w, _, b = order
    made = columns(np.zeros(3), np.full(3, 5.0), products=[order])
    assert not len(made.products.bottoms)
    assert Completer(made, np.arange(3) != b).missing.tolist() == [b]
    assert not len(Completer(made, np.arange(3) != w).missing)
    check_bounds(made)


def test_some_of_the_products() -> None:
    three = np.arange(3)
    q = Products(three, three + 3, three + 6, np.array([True, False, True]), three + 0.5)
    last = q.taken(np.array([2]))
    assert (last.result, last.left, last.right) == (2, 5, 8)
    assert last.is_ratio.tolist() == [True] and last.factors.tolist() == [2.5]
    assert list(q.taken(~q.is_ratio).entries()) == [(1, 4, 7, 1.5)]
