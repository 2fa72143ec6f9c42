"""The decisions of a result in short: the largest of many rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocc
from allocc.compiler import labels
from allocc.results.labelled import Block, Labels
from allocc.showing import decision_tables

VALUES = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@given(VALUES)
def test_the_largest_rows_are_shown_in_order(values: list[int]) -> None:
    size = len(values)
    labels = Labels(("S",), tuple((k,) for k in range(1, size + 1)))
    block = Block("x", "decision", (labels,), np.array(values, dtype=float))
    assert [block.label(k) for k in range(size)] == list(block.labels())
    (found,) = decision_tables.decisions_in_short([block])
    shown = [int(row[0]) for row in found.rows if row[0] != "total"]
    if size <= decision_tables.MOST_ROWS:
        assert shown == list(range(1, size + 1))
        return
    used = [k for k in range(size) if values[k]]
    largest = sorted(used, key=lambda k: -values[k])[: decision_tables.MOST_ROWS]
    assert shown == sorted(k + 1 for k in largest)


def test_only_rows_that_are_shown_are_put_into_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "model m\nset S = 1 .. 5000\ndecide x[S] in 0 .. 9\nmaximize { o: sum(x) }"
    (tmp_path / "m.alloc").write_text(text)
    result = allocc.load(tmp_path / "m.alloc").solve()
    words = []
    said = labels.label_text
    monkeypatch.setattr(labels, "label_text", lambda x: words.append(x) or said(x))
    assert "20 largest of 5000 rows" in result.summary()
    assert len(words) == decision_tables.MOST_ROWS
