"""`explain` says of every equity function what it costs; the built program must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

import allocc
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.showing.explain import explain_text
from allocc.showing.explain_functions import function_uses

MODEL = """
model equity "Equity functions in both directions"
use {name} from "equity.alloc"
set S = {{a, b, c}}
param plan[i in S] = if i == "a" then 1 else if i == "b" then 2 else 4
decide x[S] in 1 .. 5
decide y[S] in 1 .. 5
limit some: sum(x) + sum(y) >= 12
{rest}
"""
CALLS = {
    "l1": ("l1(x, plan)", "convex"),
    "linf": ("linf(x, plan)", "convex"),
    "worst_off": ("worst_off(x)", "concave"),
    "range": ("range(x)", "convex"),
    "gini": ("gini(x)", "neither convex nor concave as written"),
    "rate_disparity": ("rate_disparity(x, plan, y, plan)", "linear"),
    "proportional_shortfall": ("proportional_shortfall(x, plan)", "convex"),
    # Convex, but written as a smallest value of convex parts.
    "cvar": ("cvar(x, 0.5)", "neither convex nor concave as written"),
}


def load(folder: Path, name: str, rest: str) -> allocc.Model:
    path = folder / "shapes.alloc"
    path.write_text(MODEL.format(name=name, rest=rest), "utf-8")
    model: allocc.Model = allocc.load(path)
    return model


@pytest.mark.parametrize("small", [True, False], ids=["small", "large"])
@pytest.mark.parametrize("place", ["objective", "limit"])
@pytest.mark.parametrize("name", CALLS)
def test_shape_and_binaries(name: str, place: str, small: bool, tmp_path: Path) -> None:
    call, shape = CALLS[name]
    if place == "objective":
        sense = "minimize" if small else "maximize"
        rest = f"{sense} {{ own : 2 * {call}  more : 0.01 * (sum(x) - sum(y)) }}"
    else:
        sign = "<=" if small else ">="
        level = 0.2 if name == "gini" else 1.5
        rest = f"limit own: {call} {sign} {level}\nminimize {{ more : sum(x) + 2 * sum(y) }}"
    model = load(tmp_path, name, rest)
    (use,) = function_uses(model)
    assert (use.call, use.shape, use.direction) == (call, shape, 1 if small else -1)
    assert use.binaries == bool(Relaxation(model.lowered.program).build().program.integer.any())
    # A limit on a ratio alone is multiplied out.
    assert use.relaxed == (name == "gini" and place == "objective")
    text = explain_text(model)
    assert f"{shape}, kept {'small' if small else 'large'} in" in text


def test_through_a_let_and_from_both_sides(tmp_path: Path) -> None:
    rest = """
        let far = -3 * l1(x, plan)
        limit near: far >= -6
        limit exactly: 1 <= l1(y, plan) <= 4
        minimize { more : sum(x) + sum(y) }
    """
    model = load(tmp_path, "l1", rest)
    found = {u.call: u for u in function_uses(model)}
    assert found["l1(x, plan)"].direction == 1
    assert not found["l1(x, plan)"].binaries
    kinds = {u.direction for u in function_uses(model) if u.call == "l1(y, plan)"}
    assert kinds == {1, -1}
    assert any(u.binaries for u in function_uses(model) if u.call == "l1(y, plan)")


def test_what_is_asked_before_changes_nothing(tmp_path: Path) -> None:
    rest = """
        time t = 0 .. 2
        compartment ill
        initial ill = 4
        param faster = 1
        flow get_well: ill -> = faster * ill / 4
        effect faster *= 1 + x["a"] / 20
        function twice(v) = v ^ 2
        report far = l1(x, plan) + l1(y, plan)
        let off = l1(y, plan)
        limit near: off <= 3
        limit quick[p in period]: twice(faster[p]) <= 1.2
        minimize { more : sum(x) + sum(y) + ill[end] }
    """
    fresh = function_uses(load(tmp_path, "l1", rest))
    assert {u.call for u in fresh} == {"twice(faster[p])", "l1(y, plan)"}
    model = load(tmp_path, "l1", rest)
    model.simulate()
    model.simulate({"x": [1, 2, 3]})
    assert function_uses(model) == fresh
