from __future__ import annotations

import json
import math

import numpy as np
import pytest

from allocc.results.labelled import Block, Labels, index_columns
from allocc.results.run_folder.json_values import to_json
from allocc.tables import duration, number, numbers, percent, table


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (1234.5678, "1,234.57"),
        (0.00012345, "0.000123"),
        (1e-9, "1e-09"),
        (-5e-324, "0"),
        (-2.5, "-2.5"),
        (math.inf, "infinite"),
        (math.nan, "-"),
        (None, "-"),
        (1e30, "1e+30"),
    ],
)
def test_number(x: float | None, text: str) -> None:
    assert number(x) == text


def test_numbers_share_their_decimals() -> None:
    assert numbers([1.0, 2.25, None]) == ["1.00000", "2.25000", "-"]
    assert numbers([1.0, 20.0]) == ["1", "20"]
    assert numbers([-1e-12, 2.5])[0] == "0.00000"
    assert numbers([240.0, 5.82e-44, -1e-300]) == ["240", "0", "0"]
    assert numbers([1e-30, 2e-30]) == ["1e-30", "2e-30"]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0 %"),
        (0.01, "1.00 %"),
        (1e-4, "0.010 %"),
        (4.6e-5, "0.0046 %"),
        (1e-9, "below 0.0001 %"),
    ],
)
def test_percent(x: float, text: str) -> None:
    assert percent(x) == text


def test_signs_and_durations() -> None:
    assert percent(0.5, sign=True) == "+50.00 %"
    assert percent(6.4, sign=True) == "+640 %"
    assert percent(1e-9, sign=True) == "0 %"
    assert duration(59.94) == "59.9 s"
    assert duration(61) == "1 min 1 s"
    assert duration(7260) == "2 h 1 min"


def test_empty_columns_are_left_out() -> None:
    assert table(["a", "b"], [["x", ""]], indent=0) == ["a", "x"]


def test_json_has_no_nan() -> None:
    text = to_json({"a": math.nan, "b": [math.inf, np.float64(2)], "c": np.array([1, 2])})
    assert json.loads(text) == {"a": None, "b": [None, 2.0], "c": [1, 2]}


def test_repeated_index_names() -> None:
    side = Labels(("Region",), (("a",), ("b",)))
    block = Block("mixing", "decision", (side, side), np.arange(4.0).reshape(2, 2))
    assert block.columns == ("Region", "Region.2")
    assert block.frame()["b", "a"] == 2
    time = Labels(("t",), ((0,), (1,)), time=True)
    other = Block("x", "decision", (time, side), np.zeros((2, 2)))
    assert index_columns([other, block]) == ["Region", "Region.2", "t"]
