"""Limits of logic among what conflicts."""

from __future__ import annotations

from pathlib import Path

import allocc

TEXT = """model l "No way"
set C = {a, b}
param need[C] = 3
decide x[C] integer in 0 .. 5
decide m[C] in 0 or 4 .. 9
limit a[c in C]: x[c] >= need[c] if m[c] > 0
limit b: at least 2 of (c in C: x[c] >= 2)
limit c: sum(x) <= 5
limit d[c in C]: m[c] >= 5 if x[c] >= 1
minimize { c : sum(x) + sum(m) }
"""


def test_a_conflict_names_limits_of_logic_with_their_data(tmp_path: Path) -> None:
    path = tmp_path / "l.alloc"
    path.write_text(TEXT)
    model = allocc.load(path)
    assert model.solve().status == "infeasible"
    found = model.conflict()
    limits = [m for m in found.members if m.kind == "limit"]
    assert {m.name for m in limits} >= {"b", "c"}
    logic = next(m for m in limits if m.name == "a")
    assert logic.operator == "" and [c.name for c in logic.cells] == ["need[a]"]
    loose = model.loosen()
    assert loose.status == "cheapest" and [i.name for i in loose.items] == ["c"]
    assert loose.result is not None and loose.result.value == 16
