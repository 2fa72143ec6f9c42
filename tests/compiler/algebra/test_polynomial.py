"""Sums of monomials over blocks: adding, multiplying and flattening against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.algebra.expression import Data
from allocc.compiler.algebra.index import Axis, IndexSet
from allocc.compiler.algebra.polynomial import (
    BlockPower,
    Monomial,
    compressed,
    flatten,
    free_of_sums,
    inverse,
    merge,
    renamed,
    scaled,
    times,
)
from allocc.compiler.arrays import FloatArray

A = Axis(IndexSet("A", [["p", "q"]]))
B = Axis(IndexSet("B", [[1, 2, 3]]))
P = Axis(IndexSet("A", [["p", "q"]]), 4)
X = BlockPower(("x",), (A,), np.array([0, 1]))
Y = BlockPower(("y",), (A, B), np.arange(2, 8).reshape(2, 3))
COLUMNS = 8
seeds = st.integers(0, 2**32 - 1)


def term(
    values: object, axes: tuple[Axis, ...] = (), *factors: BlockPower, **rest: object
) -> Monomial:
    return Monomial(np.asarray(values, dtype=float), axes, factors, **rest)  # type: ignore[arg-type]


def value(terms: list[Monomial], own: tuple[Axis, ...], x: FloatArray) -> FloatArray:
    """The sum of terms at a point, over the node's axes."""
    total = np.zeros(int(np.prod([a.size for a in own], dtype=int)))
    for t in terms:
        rows, coefficients, columns = flatten(t, own)
        for factor, place in zip(t.factors, columns, strict=True):
            coefficients = coefficients * x[place] ** factor.exponent
        np.add.at(total, rows, coefficients)
    return total


def sparse(rng: np.random.Generator, *shape: int) -> FloatArray:
    return np.where(rng.random(shape) < 0.6, np.round(rng.uniform(-2, 2, shape), 1), 0.0)


def random_terms(rng: np.random.Generator) -> list[Monomial]:
    known = [
        term(sparse(rng, 2), (A,), X),
        term(sparse(rng, 2, 3), (A, B), Y),
        term(2.0, (), X),
        term(sparse(rng, 3), (B,), X, Y),
        term(sparse(rng, 4), (P,), X, scatter={A: (P, np.array([0, 1, 1, 0]))}),
        term(sparse(rng, 3), (B,)),
    ]
    # A term with a pair axis may not depend on the axis that its entries are sent to.
    known[4] = term(
        sparse(rng, 4),
        (P,),
        BlockPower(("x", "pairs"), (P,), np.array([0, 0, 1, 1])),
        scatter={A: (P, np.array([0, 1, 1, 0]))},
    )
    return [known[int(k)] for k in rng.integers(0, len(known), int(rng.integers(1, 5)))]


@settings(deadline=None, max_examples=80)
@given(seeds)
def test_merging_keeps_the_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms, x = random_terms(rng), rng.uniform(0.5, 2, COLUMNS)
    for own in ((A, B), (B, A)):
        merged = merge(terms, own)
        assert value(merged, own, x) == pytest.approx(value(terms, own, x))
        assert len({(t.key, frozenset(t.all_axes) - set(own)) for t in merged}) == len(merged)
    # Summed over B, the same terms are other ones.
    assert value(merge(terms, (A,)), (A,), x) == pytest.approx(value(terms, (A,), x))


@settings(deadline=None, max_examples=80)
@given(seeds)
def test_leaving_out_zeros_keeps_the_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 2, COLUMNS)
    for t in random_terms(rng):
        for own in ((A, B), (A,), ()):
            if any(a not in own for a in t.scatter):
                continue
            small = compressed(t, own)
            assert value([small], own, x) == pytest.approx(value([t], own, x))
            if t.all_axes:
                assert small.coefficient.all()


def test_opposite_terms_vanish() -> None:
    assert merge([term([1.0, 2.0], (A,), X), term([-1.0, -2.0], (A,), X)], (A,)) == []


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_products_and_inverses(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 2, COLUMNS)
    a = term(rng.uniform(1, 2, 2), (A,), X)
    b = term(rng.uniform(1, 2, 3), (B,), Y, X)
    own = (A, B)
    left, right = value([a], own, x), value([b], own, x)
    assert value([times(a, b)], own, x) == pytest.approx(left * right)
    assert value([times(b, inverse(a))], own, x) == pytest.approx(right / left)
    assert times(a, inverse(a)).factors == ()


def test_powers_of_the_same_columns_are_added() -> None:
    square = times(term(3.0, (), X), term(2.0, (), X))
    assert [f.exponent for f in square.factors] == [2.0] and not square.is_linear
    assert times(square, inverse(term(1.0, (), X))).is_linear


def test_data_along_a_scattered_axis() -> None:
    place = np.array([0, 1, 1, 0])
    columns = BlockPower(("x", "pairs"), (P,), np.array([0, 0, 1, 1]))
    t = term(np.arange(1.0, 5.0), (P,), columns, scatter={A: (P, place)})
    data = Data((A, B), np.arange(6.0).reshape(2, 3))
    x = np.linspace(1, 2, COLUMNS)
    own = (A, B)
    plain = value([t], own, x).reshape(2, 3)
    assert value([scaled(t, data)], own, x).reshape(2, 3) == pytest.approx(plain * data.values)
    both = Data((A, P), np.arange(8.0).reshape(2, 4))
    expected = np.zeros(2)
    for k in range(4):
        expected[place[k]] += (k + 1) * both.values[place[k], k] * x[columns.columns[k]]
    assert value([scaled(t, both)], (A,), x) == pytest.approx(expected)


def test_sums_are_told_from_free_axes() -> None:
    t = term(1.0, (), Y)
    assert free_of_sums([t], (A, B)) and not free_of_sums([t], (A,))
    assert value([t], (A,), np.ones(COLUMNS)).tolist() == [3.0, 3.0]
    assert value([term(2.0)], (A, B), np.ones(COLUMNS)).tolist() == [2.0] * 6


def test_an_axis_under_another_name() -> None:
    new = Axis(B.set)
    t = term([1.0, 2.0, 3.0], (B,), Y, X)
    moved = renamed(t, {B: new})
    assert set(moved.all_axes) == {A, new}
    assert moved.factors[0].key != t.factors[0].key and moved.factors[1].key == t.factors[1].key
    x = np.linspace(1, 2, COLUMNS)
    assert value([moved], (A, new), x) == pytest.approx(value([t], (A, B), x))
    # Over the old axis it now says the same at every point.
    summed = value([t], (A,), x)
    assert value([moved], (A, B), x).reshape(2, 3) == pytest.approx(np.tile(summed[:, None], 3))
    assert renamed(t, {P: new}) is t
