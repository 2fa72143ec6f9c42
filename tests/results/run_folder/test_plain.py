"""Values as JSON and back, by the fields of their dataclasses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocc.engine.judging.outcome import Deviation, Violation
from allocc.results.findings import Cell, Conflict, Counted, Escape, Loosened, Member
from allocc.results.labelled import Amount, Labels
from allocc.results.run import Loosening, TermValue
from allocc.results.run_folder.json_values import APART, clean, read_as, to_json

#: JSON has no number that is none; infinities are told apart from others, and not by their sign.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
#: A label is a word or a number.
LABELS = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
AXES = st.builds(
    Labels,
    members=st.lists(st.lists(LABELS).map(tuple)).map(tuple),
)
VALUES = st.one_of(
    AXES,
    *(
        st.from_type(kind)
        for kind in (
            Amount,
            Cell,
            Conflict,
            Counted,
            Deviation,
            Escape,
            Loosened,
            Member,
            TermValue,
        )
    ),
    st.builds(Loosening, result=st.none()),
    st.builds(Violation, absolute=st.floats(min_value=0, allow_nan=False)),
)


@given(VALUES)
def test_what_is_written_reads_back(value: Any) -> None:
    assert read_as(type(value), json.loads(to_json(value))) == value


@dataclass(frozen=True)
class Inner:
    a: int
    pair: tuple[int, str] = (0, "")


@dataclass(frozen=True)
class Outer:
    kind: Literal["x", "y"]
    inner: tuple[Inner, ...]
    table: list[int] = field(metadata=APART)
    by: dict[str, float | None] = field(default_factory=dict)


def test_fields_apart_are_elsewhere() -> None:
    value = Outer("x", (Inner(1, (2, "b")),), [1, 2], {"k": None, "m": 1.5})
    data = clean(value)
    assert data == {
        "kind": "x",
        "inner": [{"a": 1, "pair": [2, "b"]}],
        "by": {"k": None, "m": 1.5},
    }
    assert read_as(Outer, data, table=[1, 2]) == value


def test_what_an_earlier_version_did_not_write_has_its_default() -> None:
    assert read_as(Inner, {"a": 3}) == Inner(3)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, KeyError),
        ({"a": "three"}, TypeError),
        ({"a": 1, "pair": [1]}, ValueError),
        ({"a": 1, "pair": 5}, TypeError),
        ({"a": 1, "pair": "12"}, TypeError),
        ([], TypeError),
        (None, TypeError),
    ],
)
def test_another_form_is_refused(data: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_as(Inner, data)
