"""A solve may begin with the pieces of another one: what is proven stays the same, whatever they are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocc
from allocc.engine.judging.options import make_options
from allocc.questions.solve import solve

MODEL = """model rooms "Whole numbers times amounts"
set S = {a, b, c}
param worth[s in S] = if s == "a" then 3 else if s == "b" then 2 else 2.5
param money = 20
decide n[S] integer in 1 .. 9
decide x[S] in 0 .. 10
limit all: sum(s in S: n[s] * x[s]) <= 30
limit pay: sum(s in S: worth[s] * n[s]) <= money
maximize { good : sum(s in S: worth[s] * x[s]) + sum(s in S: n[s]) }
"""


@cache
def model(money: float = 20.0) -> allocc.Model:
    with TemporaryDirectory() as name:
        path = Path(name) / "rooms.alloc"
        path.write_text(MODEL, "utf-8")
        return allocc.load(path, money=money)


@cache
def plain(money: float = 20.0) -> allocc.Result:
    return model(money).solve(method="refine", gap=1e-6)


@cache
def state() -> tuple[allocc.Model, allocc.Result]:
    root = Path(__file__).parents[2]
    found = allocc.load(root / "examples" / "opioid" / "opioid.alloc")
    return found, found.solve()


def test_a_result_has_them() -> None:
    cuts = state()[1].cuts
    assert cuts and all(name.startswith("open[") for name in cuts)
    for ends in cuts.values():
        assert list(ends) == sorted(ends) and all(x == int(x) for x in ends)


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(["n[a]", "n[b]", "n[c]", "x[a]", "other"]),
        st.lists(st.integers(-2, 12).map(float), max_size=6),
    ),
    st.sampled_from([20.0, 24.0]),
)
def test_any_cuts_lead_to_the_same(cuts: dict[str, list[float]], money: float) -> None:
    options = make_options(method="refine", gap=1e-6)
    start = {"n": [1, 1, 1], "x": [0, 0, 0]}
    found = solve(model(money), options, start, cuts)
    assert (found.status, found.proof) == ("optimal", "proven")
    assert found.value == pytest.approx(plain(money).value, rel=2e-6)


def test_a_result_as_a_start_brings_its_own() -> None:
    """The best allocation is known, and with its pieces it is proven in fewer rounds."""
    model, first = state()
    found = model.solve(start=first)
    assert (found.status, found.proof) == ("optimal", "proven")
    assert found.value == pytest.approx(first.value, rel=1e-9)
    assert found.rounds < first.rounds
    other = allocc.load(model.path, alpha=0.16)
    warm, cold = other.solve(start=first), other.solve()
    assert warm.value == pytest.approx(cold.value, rel=1e-4)
    assert warm.rounds < cold.rounds
