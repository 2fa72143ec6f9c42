"""Answers on disk read back as they were."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allocc
from allocc.results.sweeping.points import Answer
from allocc.results.sweeping.store import keep, kept

LABELS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\n"), max_size=6
).map(str.strip)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.dictionaries(st.tuples(LABELS, LABELS), NUMBERS, min_size=1, max_size=4),
    st.dictionaries(st.tuples(LABELS), NUMBERS, min_size=1, max_size=4),
    NUMBERS,
    NUMBERS,
)
def test_decisions(
    tmp_path: Path,
    two: dict[tuple[str, ...], float],
    one: dict[tuple[str, ...], float],
    alone: float,
    value: float,
) -> None:
    answer = Answer(
        "k",
        "optimal",
        value=value,
        terms={"a": value},
        columns={"x": ("S", "S.2"), "y": ("S",), "z": ()},
        decisions={"x": two, "y": one, "z": {(): alone}},
    )
    keep(tmp_path, answer)
    assert kept(tmp_path, "k") == answer


def test_it_is_what_simulate_reads(tmp_path: Path) -> None:
    text = """model odd
set S = {a, "=b", "c,d"}
decide x[S] integer in 0 .. 9
limit all: sum(x) <= 20
maximize { sum : sum(s in S: x[s]) }
"""
    (tmp_path / "odd.alloc").write_text(text, "utf-8")
    found = allocc.sweep(tmp_path / "odd.alloc", folder=tmp_path / "found", workers=1)
    (answer,) = found.answers
    assert answer is not None and answer.value == 20
    model = allocc.load(tmp_path / "odd.alloc")
    assert model.simulate(tmp_path / "found" / "points" / f"{answer.key}.csv").value == 20
    assert model.simulate(answer.decisions).value == 20
