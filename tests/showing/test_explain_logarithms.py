"""`explain` says what has logarithms beside it and by which rule, and only where it has."""

from __future__ import annotations

from pathlib import Path

import allocc
from allocc.showing.explain import explain_text

MODEL = """model spread
time t = 0 .. 8
decide closed[period] in 0 .. 1
compartment S    initial S = 9900
compartment I    initial I = 100
flow infect : S -> I = (1 - 0.6 * closed) * 1.6 * S * I / 10000
flow recover : I -> = 0.6 * I
limit beds[t]: {limited} <= 1000
minimize { closed: sum(closed) }
"""


def told(folder: Path, limited: str) -> str:
    path = folder / "spread.alloc"
    path.write_text(MODEL.replace("{limited}", limited), "utf-8")
    return explain_text(allocc.load(path))


def test_the_rule_is_told(tmp_path: Path) -> None:
    text = " ".join(told(tmp_path, "I[t]").split())
    assert "Logarithms of I, infect rule sums of products with positive coefficients" in text
    assert "more of them is worse" in text and "which is at least 4" in text
    assert "what else is multiplied, S, by one of up to" in text and "which is at most 10" in text


def test_nothing_is_told_where_the_rule_takes_nothing(tmp_path: Path) -> None:
    # Here only the susceptible are limited.
    assert "Logarithms" not in told(tmp_path, "S[t] / 10")
