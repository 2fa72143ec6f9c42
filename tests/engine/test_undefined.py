"""A value that is no finite number is never an answer: it is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc import AlloccError, load

ROOT = """model m "a root below zero"
set G = {a, b}
param k[g in G] = if g == "a" then 10 else 40
time t = 0 .. 3 step 1
compartment S[G]  initial S = 100
decide u[period] in 0 .. 1
let a[g in G] = sqrt(S[g] - 3 * k[g] + 25)
flow leave[g in G] : S -> = 20 + 0.01 * a[g] + 0.01 * u
minimize { c : sum(g in G: S[g, end]) }
"""
INDEXED = (
    ROOT.replace("let a[g in G] =", "let a[g in G, p in t] =")
    .replace("sqrt(S[g] ", "sqrt(S[g, p] ")
    .replace("* a[g]", "* a[g, t]")
)
OVERFLOW = """model m "overflow"
time t = 0 .. 3 step 1
compartment S  initial S = 100
flow grow : -> S = 1e200 * S * S
minimize { c : S[end] }
"""
IMPLICIT = """model m "a step without a solution"
time t = 0 .. 3 step 1 method trapezoid
compartment S  initial S = 100
flow grow : -> S = 0.01 * S * S
minimize { c : S[end] }
"""
RULE = """model m "a limit without a value"
time t = 0 .. 3 step 1
compartment S  initial S = 100
flow leave : S -> = 0.5 * S
decide u in 0 .. 1
limit l: u <= log(S[end] - 50)
minimize { c : S[end] }
"""


def model(folder: Path, text: str):
    (folder / "m.alloc").write_text(text, "utf-8")
    return load(folder / "m.alloc")


@pytest.mark.parametrize("text", [ROOT, INDEXED])
def test_a_simulation_names_the_formula_the_member_the_time_and_what_went_in(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(AlloccError) as caught:
        model(tmp_path, text).simulate({"u": 0})
    (found,) = caught.value.diagnostics
    assert found.code == "E5020"
    assert "`sqrt(S[g" in found.message
    assert "= 1" in found.message and "G = b" in found.message
    assert "G = a" not in found.message
    assert "S[b, 1] = 79." in found.notes[0].message


def test_a_step_that_overflows_names_the_compartment(tmp_path: Path) -> None:
    with pytest.raises(AlloccError, match="E5020.: `1e200"):
        model(tmp_path, OVERFLOW).simulate()
    text = OVERFLOW.replace("1e200 * S * S", "1e308").replace("S = 100", "S = 1.7e308")
    with pytest.raises(AlloccError, match=r"E5021.: .* S\[1\]: the step from t = 0 overflows"):
        model(tmp_path, text).simulate()


def test_an_implicit_step_that_has_no_solution_is_told(tmp_path: Path) -> None:
    """x = 150 + 0.005 x^2 has none: what a search for one ends with is no compartment."""
    with pytest.raises(AlloccError) as caught:
        model(tmp_path, IMPLICIT).simulate({})
    (found,) = caught.value.diagnostics
    assert found.code == "E5021" and "has no solution that was found" in found.message


def test_a_limit_without_a_value_does_not_hold(tmp_path: Path) -> None:
    with pytest.raises(AlloccError, match="E5020.: `log.* in limit l"):
        model(tmp_path, RULE).simulate({"u": 0})


def test_a_baseline_without_values_is_told_and_loses_nothing(tmp_path: Path) -> None:
    text = """model m "only treatment keeps the root"
time t = 0 .. 3 step 1
compartment S  initial S = 100
intervention keep {
  decide u[period] in 30 .. 40
  effect leave += -1 * u[t]
}
flow leave : S -> = 40 + 1e-9 * sqrt(S - 50)
minimize { c : S[end] }
"""
    found = model(tmp_path, text).solve(time_limit=20)
    assert found.status == "optimal"
    assert any("no baseline to compare with: `sqrt" in n for n in found.notes)
