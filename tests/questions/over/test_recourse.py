"""An allocation of a two-stage model in draws: what comes after is the best that the rest leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc

TEXT = """model two "Two stages"
param demand in 0 .. = 5
param price in 0 .. = 3
scenario World from "worlds.csv"
decide built integer in 0 .. 6
decide hired integer in 0 .. 9 after World
limit enough: built + hired >= demand
limit room: hired <= 4
minimize { build : 2 * built  hire : price * hired }
"""


def test_what_comes_after_is_decided_anew(tmp_path: Path) -> None:
    (tmp_path / "m.alloc").write_text(TEXT)
    (tmp_path / "worlds.csv").write_text("demand,price\n3,3\n6,4\n5,1\n")
    model = allocc.load(tmp_path / "m.alloc")
    found = model.evaluate({"built": 3}, tmp_path / "worlds.csv")
    assert found.values.tolist() == pytest.approx([6, 6 + 12, 6 + 2])
    assert [b.name for b in found.decisions] == ["built"] and found.kept == 1
    told = model.regret({"built": 3}, tmp_path / "worlds.csv")
    # Alone: 3 built; 6 built; 1 built and 4 hired.
    truth = [0, 18 - 12, 8 - (2 + 4)]
    assert [d.regret[1] for d in told.draws if d.regret] == pytest.approx(truth, abs=0.01)
    assert {f.name for f in told.firm} == {"built"}
    # Where nothing is possible, limits break and it is told.
    broken = model.evaluate({"built": 1}, [{"demand": 6.0, "price": 1.0}])
    assert broken.draws[0].broken == ("enough",)
    assert any("none meets every limit" in n for n in broken.notes)
    over = model.solve_over()
    again = model.evaluate({"built": over["built"]}, tmp_path / "worlds.csv")
    assert over.mean == pytest.approx(again.mean)
