"""Index sets and coordinates."""

from __future__ import annotations

import numpy as np

from allocc.compiler.algebra.index import (
    Axis,
    Coordinate,
    IndexSet,
    join_axes,
    lookup,
    same_sets,
    shift,
    spread,
)


def test_labels_match_as_they_are_written() -> None:
    words = IndexSet("w", [["1", "2", "x"]])
    numbers = IndexSet("n", [range(1, 4)], "integer")
    moved = Coordinate.along(Axis(numbers)).into(words)
    assert moved.positions.tolist() == [0, 1, -1]
    assert moved.outside and words.numbers is None and numbers.numbers is not None


def test_steps_go_by_value_in_integers_and_by_point_in_time() -> None:
    gaps = IndexSet("g", [[1, 2, 4]], "integer")
    assert Coordinate.along(Axis(gaps)).shifted(1).positions.tolist() == [1, -1, -1]
    time = IndexSet("t", [[0, 0.5, 1]], "time")
    assert Coordinate.along(Axis(time)).shifted(-1).positions.tolist() == [-1, 0, 1]


def test_steps_may_differ_over_another_axis() -> None:
    week, brand = IndexSet("w", [range(4)], "integer"), IndexSet("b", [["p", "q"]])
    w, b = Axis(week), Axis(brand)
    moved = shift(Coordinate.along(w), np.array([-1, -3]), (b,))
    assert moved.axes == (w, b)
    assert moved.positions.T.tolist() == [[-1, 0, 1, 2], [-1, -1, -1, 0]]


def test_tuples_are_found_by_their_parts() -> None:
    link = IndexSet("l", [["a", "a", "b"], ["x", "y", "y"]])
    first, second = IndexSet("f", [["a", "b", "c"]]), IndexSet("s", [["x", "y"]])
    f, s = Axis(first), Axis(second)
    axes, positions = lookup(link, [Coordinate.along(f), Coordinate.along(s)])
    assert axes == (f, s)
    assert positions.tolist() == [[0, 1], [-1, 2], [-1, -1]]


def test_spread_and_join() -> None:
    a, b = Axis(IndexSet("a", [range(2)])), Axis(IndexSet("b", [range(3)]))
    assert join_axes((a,), (b, a)) == (a, b)
    assert spread(np.zeros((3, 2)), (b, a), (a, b)).shape == (2, 3)
    assert spread(np.zeros(3), (b,), (a, b)).shape == (1, 3)


def test_same_sets_compare_labels_in_order() -> None:
    one, two = IndexSet("one", [["a", "b"]]), IndexSet("two", [["a", "b"]])
    assert same_sets([one], [two]) and not same_sets([one], [IndexSet("x", [["b", "a"]])])
    assert not same_sets([one], [])
