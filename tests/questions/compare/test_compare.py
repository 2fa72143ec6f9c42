"""Allocations side by side: what is matched, what adds up, and what is told to be otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocc
from allocc.questions.compare.members import main_set, side_by_side, summed
from allocc.results.comparing.comparison import Comparison, Row
from allocc.results.labelled import Block, Labels
from tests import small

GOODS = """model goods "Goods for places"
set Place = {a, b, c}
set Good = {food, water}
param stock[g in Good] = if g == "food" then 6 else 9
param need = 3
decide sent[Place, Good] "parcels" : parcel integer in 0 .. 4
decide staff[Place] "people at work" : parcel in 0 .. 2
limit store[g in Good] "what there is": sum(p in Place: sent[p, g]) <= stock[g]
limit hands: sum(staff) <= 4
limit exact: sent["a", "food"] == need
report parcels "all that is sent" : parcel = sum(p in Place, g in Good: sent[p, g])
maximize {
  fed "people fed": 3 * sum(p in Place: sent[p, "food"]) + sum(p in Place: sent[p, "water"])
  idle : -sum(staff)
}
"""


def load(folder: Path, text: str = GOODS, **settings: Any) -> allocc.Model:
    return allocc.load(small.easy(folder, text), **settings)


def sent(*rows: tuple[int, int]) -> dict[str, Any]:
    return {"sent": np.array(rows, dtype=float), "staff": 0.0}


@pytest.fixture
def pair(tmp_path: Path) -> Comparison:
    model = load(tmp_path)
    full = model.simulate({**sent((3, 4), (3, 4), (0, 1)), "staff": [2, 2, 0]})
    some = model.simulate(sent((3, 4), (1, 2), (0, 1)))
    return allocc.compare(full, some, model=model)


def test_what_differs_is_told_in_every_way(pair: Comparison) -> None:
    assert pair.value.values == (23.0, 19.0) and pair.value.difference(1) == -4.0
    assert [(r.name, r.values) for r in pair.terms] == [
        ("fed", (27.0, 19.0)),
        ("idle", (-4.0, 0.0)),
    ]
    assert [(c.term, c.amount, c.good) for c in pair.why(1)] == [
        ("fed", -8.0, False),
        ("idle", 4.0, True),
    ]
    assert [(r.name, r.values) for r in pair.decisions] == [
        ("sent", (15.0, 11.0)),
        ("staff", (4.0, 0.0)),
    ]
    (parcels,) = pair.reports
    assert parcels.values == (15.0, 11.0) and parcels.unit == "parcel"


def test_members_that_differ_most_come_first_and_others_are_left_out(pair: Comparison) -> None:
    sent, staff = pair.members
    assert [sent.members[k] for k in sent.differing] == [("b", "food"), ("b", "water")]
    assert [staff.members[k] for k in staff.differing] == [("a",), ("b",)]
    assert sent.row(2).name == "sent[b,food]" and sent.row(2).values == (3.0, 1.0)


def test_what_is_over_other_sets_besides_is_told_by_group(pair: Comparison) -> None:
    assert pair.group == "Place"
    (by_place,) = pair.by_group
    assert by_place.name == "sent" and by_place.members == (("a",), ("b",), ("c",))
    assert by_place.values.tolist() == [[7, 7, 1], [7, 3, 1]]


def test_limits_tell_where_they_bind_and_equations_are_none(pair: Comparison) -> None:
    found = {row.name: row for row in pair.limits}
    assert set(found) == {"store", "hands"}
    assert [h and h.binding for h in found["store"].sides] == [2, 0]
    assert found["store"].only(0) == ((("food",), 1), (("water",), 1))
    assert [h and h.binding for h in found["hands"].sides] == [1, 0]


def test_a_broken_limit_is_counted_and_said(tmp_path: Path) -> None:
    model = load(tmp_path)
    over = model.simulate(sent((3, 4), (4, 4), (4, 4)))
    found = allocc.compare(over, "baseline", model=model)
    store = next(r for r in found.limits if r.name == "store")
    assert store.sides[0] is not None
    assert (store.sides[0].binding, store.sides[0].broken) == (0, 2)
    assert "breaks limits, most store[food]" in found.sides[0].text
    # In the baseline nothing is sent, so that the equation does not hold.
    exact = next(r for r in found.limits if r.name == "exact")
    assert [h and h.broken for h in exact.sides] == [0, 1]


def test_other_settings_and_other_data_are_told_and_compared(tmp_path: Path) -> None:
    low = load(tmp_path).simulate(sent((3, 0), (0, 0), (0, 0)))
    high = load(tmp_path, need=2).simulate(sent((2, 0), (0, 0), (0, 0)))
    found = allocc.compare(low, high, model=load(tmp_path))
    assert any("need = 2 there, as in the model in result 1" in n for n in found.notes)
    # Each is held against its own model: with need = 3 the second would break `exact`.
    assert "exact" not in {r.name for r in found.limits}


def test_other_models_are_compared_where_names_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = load(tmp_path).simulate(sent((3, 0), (0, 0), (0, 0)))
    text = GOODS.replace("model goods", "model wares").replace("{a, b, c}", "{b, d}")
    text = text.replace('"a", "food"', '"b", "food"').replace("idle :", "rest :")
    two = load(tmp_path / "other", text).simulate({"sent": np.ones((2, 2)), "staff": 1.0})
    found = allocc.compare(one, two)
    assert any("another model, 'wares' and not 'goods'" in n for n in found.notes)
    members = found.members[0]
    assert members.members[-1] == ("d", "water") and np.isnan(members.values[0, -1])
    assert [r.values for r in found.terms if r.name == "rest"] == [(None, -2.0)]
    # The terms still add up to the difference.
    assert sum(c.amount for c in found.why(1)) == pytest.approx(found.value.difference(1))


def test_without_a_model_limits_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    model = load(tmp_path)
    first = model.simulate(sent((3, 0), (0, 0), (0, 0)))
    found = allocc.compare(first, first)
    assert not found.limits and any("--model" in n for n in found.notes)
    assert found.sides[1].name == "result 2" and not any(found.why(1))


def test_an_own_copy_of_the_model_is_enough(tmp_path: Path) -> None:
    model = allocc.load(small.easy(tmp_path))
    kept = model.solve(prove=True).save(tmp_path / "kept")
    found = allocc.compare(kept, "baseline")
    assert found.limits and not found.notes
    assert [r.values for r in found.decisions] == [(10.0, 0.0)]


def test_a_run_without_an_allocation_is_told(tmp_path: Path) -> None:
    never = allocc.load(small.easy(tmp_path, small.INFEASIBLE)).solve()
    found = allocc.compare(never, never)
    assert found.value.values == (None, None) and not found.members
    assert sum("has no allocation" in n for n in found.notes) == 2
    assert "no allocation" in str(found)


def test_compartments_are_compared_at_the_end(tmp_path: Path) -> None:
    model = allocc.load(small.epidemic(tmp_path))
    base, most = model.simulate(), model.simulate({"teams": 20.0})
    found = allocc.compare(base, most, model=model)
    ill = next(r for r in found.ends if r.name == "A")
    for k, run in enumerate((base, most)):
        assert ill.values[k] == pytest.approx(run["A"].iloc[-1].sum())
    assert [m.name for m in found.by_group] == ["A", "R"] and found.group == "Region"
    assert found.members[0].how == "sum over t"


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_are_refused(tmp_path: Path, count: int) -> None:
    result = load(tmp_path).simulate()
    with pytest.raises(allocc.AlloccError, match="E7240"):
        allocc.compare(*[result] * count)


def test_what_is_no_allocation_is_refused(tmp_path: Path) -> None:
    result = load(tmp_path).simulate()
    with pytest.raises(allocc.AlloccError, match="E7241"):
        allocc.compare(result, 7)  # type: ignore[arg-type]
    with pytest.raises(allocc.AlloccError, match="E7242"):
        allocc.compare(result, "baseline")


LABELS = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> Block:
    rows, columns = draw(LABELS), draw(LABELS)
    axes = (
        Labels(("Row",), tuple((x,) for x in rows)),
        Labels(("Column",), tuple((x,) for x in columns)),
    )
    whole = st.integers(-9, 9).map(float)
    values = draw(
        st.lists(whole, min_size=len(rows) * len(columns), max_size=len(rows) * len(columns))
    )
    return Block("x", "decision", axes, np.array(values).reshape(len(rows), len(columns)))


@given(st.lists(tables(), min_size=2, max_size=4))
def test_nothing_is_lost_or_told_twice(blocks: list[Block]) -> None:
    """Totals, sums over one set and members are those of the blocks, whatever their labels are."""
    found = side_by_side("x", [[b] for b in blocks])
    assert found.total is not None and main_set([found]) == "Row"
    by_row = summed(found, "Row")
    assert by_row is not None
    for k, block in enumerate(blocks):
        assert found.total.values[k] == block.values.sum()
        assert np.nansum(found.values[k]) == np.nansum(by_row.values[k]) == block.values.sum()
        known = {found.members[m]: x for m, x in enumerate(found.values[k]) if not np.isnan(x)}
        assert known == dict(zip(block.labels(), block.values.ravel(), strict=True))
        rows = {by_row.members[m]: x for m, x in enumerate(by_row.values[k]) if not np.isnan(x)}
        assert rows == {m: block.values[n].sum() for n, m in enumerate(block.axes[0].members)}
    assert len(set(found.members)) == len(found.members)
    apart = found.spread
    assert sorted(found.differing) == np.flatnonzero(apart).tolist()
    assert all(np.diff(apart[found.differing]) <= 0)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_differences_are_those_of_numbers_but_for_rounding(x: float, y: float) -> None:
    row = Row("x", (x, y))
    found = row.difference(1)
    assert found is not None and abs(found - (y - x)) <= 1e-6 * max(abs(x), abs(y))
    assert row.difference(0) == 0 and row.differs is (found != 0)
