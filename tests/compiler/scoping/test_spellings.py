"""Labels that only look alike."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.compiler.scoping.spellings import closest, folded, strangers, twins


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("01001", "1001", True),
        ("1001.0", "1001", True),
        ("0", "00", True),
        ("Private", "PRIVATE", True),
        ("St.  Mary", "St. Mary", True),
        ("Caf\u00e9", "Cafe\u0301", True),
        ("A\u200b", "A", True),
        ("1001", "11", False),
        ("10010", "1001", False),
        ("A01", "A1", False),
        ("rural", "urban", False),
    ],
)
def test_what_looks_alike(one: str, other: str, alike: bool) -> None:
    assert (folded(one) == folded(other)) is alike


@given(st.text(string.printable, max_size=12))
def test_folding_twice_is_folding_once(label: str) -> None:
    assert folded(folded(label)) == folded(label)


def test_only_labels_that_lack_a_partner_are_strangers() -> None:
    assert strangers(["101", "0202"], ["0101", "202"]) == [("101", "0101"), ("0202", "202")]
    # Months are no codes of districts.
    assert strangers(["1", "2"], ["01", "02"]) == []
    assert strangers(["a", "B"], ["a", "b"]) == [("B", "b")]
    # What is in both places as it is written is no mistake, whatever else is there.
    assert strangers(["a", "A"], ["A"]) == []
    # One of many that happens to look alike says nothing of two lists that share nothing.
    assert strangers(["A", "x", "y", "z"], ["a", "p", "q", "r"]) == []


def test_twins_and_the_closest() -> None:
    assert list(twins(["b", "B", "c"])) == [("b", "B")]
    assert closest("yes", ["No", "Yes"]) == "Yes"
    assert closest("rurl", ["rural", "urban"]) == "rural"
    assert closest("yes", ["no"]) is None
