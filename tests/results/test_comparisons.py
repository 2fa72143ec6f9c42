"""What a model compares decisions with is found, whatever its form; what is no target is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allocc
from allocc.results.labelled import Target

TABLE = "name,need,now,size\na,{0},1,10\nb,{1},2,20\nc,{2},0,30\n"
HEAD = """model shares
use l1, l2, linf, squares, gini, proportional_shortfall, cvar_at from "equity.alloc"
table m from "m.csv" key name
set M = m.name
param need[M] "need" = m.need
param now[M] "what there is today" = m.now
param size[M] = m.size
param total = 60
time t = 0 .. 3
compartment A
initial A = 1000
decide x[M] "places" in 0 .. 100
decide y[M, period] "hours" in 0 .. 100
decide over[M] in 0 .. 100
decide under[M] in 0 .. 100
decide level in 0 .. 100
param leaving : 1/week = 0.1
flow cure : A -> = leaving * A
"""


def bound(folder: Path, rest: str, need: tuple[float, ...] = (3, 4, 5)) -> allocc.Model:
    (folder / "m.csv").write_text(TABLE.format(*need), "utf-8")
    path = folder / "shares.alloc"
    path.write_text(HEAD + rest, "utf-8")
    return allocc.load(path)


def targets(folder: Path, rest: str, **decisions: object) -> list[Target]:
    return list(bound(folder, rest).simulate(decisions).targets)


#: Each is a distance of `x` (or of all of `y` together) from an ideal, and is zero there.
DISTANCES = {
    "l1(x, need)": "x",
    "linf(x, need)": "x",
    "squares(x, need)": "x",
    "l2(x, need)": "x",
    "sum(i in M: abs(x[i] - 2 * need[i]))": "x",
    "sum(i in M: abs(need[i] - x[i] / size[i]))": "x",
    "sum(i in M: max(need[i] - x[i], 0))": "x",
    "l1(x / total, need / sum(need))": "x",
    "sum(i in M: (3 * x[i] - need[i])^2)": "x",
    "sum(p in period: linf(y[p], need))": "y",
    "sum(i in M: abs(sum(p in period: y[i, p]) - need[i]))": "y",
    "0.1 * sum(i in M, p in period: abs(y[i, p] - need[i] * total / 100))": "y",
}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    form=st.sampled_from(sorted(DISTANCES)),
    need=st.tuples(*[st.integers(1, 9)] * 3),
    place=st.sampled_from(["term", "limit", "named"]),
)
def test_the_distance_is_zero_at_its_target(
    tmp_path: Path, form: str, need: tuple[int, ...], place: str
) -> None:
    name = DISTANCES[form]
    rest = {
        "term": f'minimize {{ gap "how far off" : {form} }}',
        "limit": f'limit gap "how far off": {form} <= 1e6\nminimize {{ all : sum(x) }}',
        "named": f'let far = {form}\nminimize {{ gap "how far off" : far }}',
    }[place]
    model = bound(tmp_path, rest, tuple(map(float, need)))
    (found,) = model.simulate({}).targets
    assert (found.decision, found.statement, found.description, found.distance) == (
        name,
        "gap",
        "how far off",
        True,
    )
    assert found.values.shape == (3,)
    labels = ("a", "b", "c")
    if name == "x":
        chosen: object = dict(zip(labels, found.values, strict=True))
    else:
        chosen = {
            (i, p): v / 3 for i, v in zip(labels, found.values, strict=True) for p in (0, 1, 2)
        }
    there = bound(tmp_path, f"minimize {{ gap : {form} }}", tuple(map(float, need)))
    assert there.simulate({name: chosen}).terms["gap"] == pytest.approx(0, abs=1e-9)


def test_a_share_of_what_is_given_out(tmp_path: Path) -> None:
    """The ideal may be a share of a total that is decided, too."""
    rest = "minimize { gap : sum(i in M: abs(x[i] - need[i] / sum(need) * sum(x))) }"
    (found,) = targets(tmp_path, rest, x={"a": 24, "b": 0, "c": 0})
    np.testing.assert_allclose(found.values, [6, 8, 10])
    (found,) = targets(
        tmp_path,
        "minimize { gap : proportional_shortfall(x, need) + sum(x) }",
        x={"a": 24, "b": 0, "c": 0},
    )
    np.testing.assert_allclose(found.values, [6, 8, 10])
    (found,) = targets(
        tmp_path,
        "limit some: sum(x) >= 1\nminimize { gap : l1(x / sum(x), need / sum(need)) }",
        x={"a": 24, "b": 0, "c": 0},
    )
    np.testing.assert_allclose(found.values, [6, 8, 10])


def test_soft_limits(tmp_path: Path) -> None:
    rest = 'prefer even[i in M] "as needed": x[i] == need[i] penalty 1\nminimize { all : sum(x) }'
    (found,) = targets(tmp_path, rest)
    assert (found.statement, found.values.tolist()) == ("even", [3, 4, 5])


def test_levels_and_goals(tmp_path: Path) -> None:
    """What effects add to what there is, and the form of goal programming."""
    rest = "effect cure += sum(i in M: (x[i] - now[i]) * 2)\nminimize { all : sum(x) }"
    (found,) = targets(tmp_path, rest)
    assert (found.decision, found.statement, found.description, found.distance) == (
        "x",
        "now",
        "what there is today",
        False,
    )
    assert found.values.tolist() == [1, 2, 0]
    for text in ("x[i] == need[i] + over[i] - under[i]", "need[i] - under[i] + over[i] == x[i]"):
        rest = f"limit goal[i in M]: {text}\nminimize {{ all : sum(over) + sum(under) }}"
        (found,) = targets(tmp_path, rest)
        assert (found.decision, found.statement) == ("x", "need")


@pytest.mark.parametrize(
    "term",
    [
        "sum(i in M, p in period if p > start: abs(y[i, p] - y[i, p-1]))",  # between weeks
        "gini(x) + sum(x)",  # between members
        "sum(i in M: abs(x[i] - over[i]))",  # of two decisions
        "sum(i in M: max(x[i] - level, 0))",  # from a level that is decided
        "sum(i in M: abs(y[i, start] - need[i]))",  # at one time only
        "sum(i in M if need[i] > 3: abs(x[i] - need[i]))",  # of some members only
        "sum(x) - total",  # in total
        "sum(i in M: max(x[i], need[i]))",  # no distance
        "sum(i in M: x[i] * need[i])",
    ],
)
def test_no_target(tmp_path: Path, term: str) -> None:
    assert targets(tmp_path, f"limit some: sum(x) >= 1\nminimize {{ cost : {term} }}", x=1) == []


def test_each_once(tmp_path: Path) -> None:
    rest = "minimize { far : l1(x, need)  worst : linf(x, need)  most : l1(x, now) }"
    assert [t.statement for t in targets(tmp_path, rest)] == ["far", "most"]
