"""What a bound rests on stands in every sentence about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import allocc
from allocc import Result
from allocc.results.certificate import status_words
from allocc.showing.report import summary
from tests import small
from tests.helpers import only_json

WORDS = [
    ("proven", "", "proven optimal"),
    ("agreed", ", as two solves agree", "optimal, as two solves agree"),
    ("claimed", ", as highs claims", "optimal, as highs claims"),
]


@pytest.fixture
def solved(tmp_path: Path) -> Result:
    return allocc.load(small.epidemic(tmp_path)).solve()


def test_it_is_proven_and_kept(solved: Result, tmp_path: Path) -> None:
    assert solved.proof == "proven" == solved.certificate["proof"]
    assert Result.open(solved.save(tmp_path / "out")).proof == "proven"


@pytest.mark.parametrize(("proof", "beside", "optimal"), WORDS)
def test_sentences(solved: Result, proof: Any, beside: str, optimal: str) -> None:
    solved = replace(solved, proof=proof)
    assert status_words(solved) == optimal
    assert f"(no allocation is below this{beside})" in summary(solved)
    solved = replace(solved, status="feasible", stopped="time_limit", gap=0.5)
    said = f"{beside.removeprefix(',')}," if beside else ""
    assert status_words(solved).startswith(
        f"an allocation is known;{said} no other is more than 50"
    )


@pytest.mark.parametrize("gap", [0.99, 1.0, 20.0])
def test_a_bound_that_says_little(solved: Result, gap: float) -> None:
    """A cost of anything has a bound of zero: with a gap of 100 % nobody learns much."""
    assert solved.value is not None
    bound = solved.value * (1 - gap)
    solved = replace(solved, status="feasible", stopped="time_limit", gap=gap, bound=bound)
    text = " ".join(summary(solved).split())
    if gap < 1:
        assert "no other is more than 99.00 % better" in text and "says little" not in text
    else:
        assert "far off the value, it says little)" in text and "better;" not in text
        assert (
            f"too far off to say much about how good it is (gap {100 * gap:,.0f} %); stopped"
            in text
        )


def test_json(run: Any, tmp_path: Path) -> None:
    found = only_json(run("solve", small.epidemic(tmp_path), "--json", "--no-run", "-q").stdout)
    assert found["proof"] == "proven"


@pytest.mark.parametrize(("proof", "beside", "_"), WORDS)
def test_pictures(solved: Result, proof: Any, beside: str, _: str) -> None:
    pytest.importorskip("matplotlib")
    solved = replace(solved, proof=proof)
    figure = solved.plot("progress")
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes)]
    texts = [t.get_text() for legend in legends if legend for t in legend.get_texts()]
    wanted = "bound: no allocation is in the hatched area" + beside
    assert any(t == ("proven " if not beside else "") + wanted for t in texts), texts


@pytest.mark.parametrize(("proof", "beside", "_"), WORDS)
def test_frontiers(tmp_path: Path, proof: Any, beside: str, _: str) -> None:
    text = "model m decide x integer in 0 .. 3 minimize { a: x  b: 3 - x }"
    path = tmp_path / "m.alloc"
    path.write_text(text)
    found = allocc.load(path).pareto("a", "b", points=3)
    assert found.proof == "proven"
    weaker = replace(found.claims[0], proof=proof)
    found = replace(found, claims=(weaker, *found.claims[1:]))
    assert found.proof == proof
    assert f"this{beside}." in str(found)
