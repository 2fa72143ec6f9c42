"""What the lint claims holds: judged by brute force and by solving, on random models."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.compiler.lint.all_checks import lint
from allocc.compiler.lowering.lower import lower
from allocc.compiler.unrolling.problem import Problem
from allocc.dsl.diagnostics import Diagnostic
from tests.compiler.making import problem
from tests.compiler.solving import best

#: Decisions are whole numbers from here to there, so that all of them can be tried.
LEAST, MOST = -2, 3


def linted(text: str) -> tuple[Problem, list[Diagnostic]]:
    found = problem(text)
    return found, lint(found, lower(found))


def codes(text: str) -> list[str]:
    return [d.code for d in linted(text)[1]]


coefficient = st.integers(-3, 3)
coefficients = st.tuples(coefficient, coefficient, coefficient)
row = st.tuples(coefficients.filter(any), st.integers(-9, 9))


def written(factors: tuple[int, ...]) -> str:
    return " + ".join(f"({a}) * {name}" for a, name in zip(factors, "xyz", strict=True))


@settings(max_examples=150, deadline=None)
@given(st.lists(row, min_size=1, max_size=3), coefficients)
def test_limits_and_decisions_by_trying_everything(
    rows: list[tuple[tuple[int, int, int], int]], costs: tuple[int, int, int]
) -> None:
    text = "\n".join(
        [
            *(f"decide {name} integer in {LEAST} .. {MOST}" for name in "xyz"),
            *(f"limit l{k}: {written(a)} <= {b}" for k, (a, b) in enumerate(rows)),
            f"minimize {{ cost: {written(costs)} }}",
        ]
    )
    points = np.array(list(product(range(LEAST, MOST + 1), repeat=3)))
    holds = np.array([points @ np.array(a) <= b for a, b in rows]).reshape(len(rows), -1)
    for diagnostic in linted(text)[1]:
        assert diagnostic.span is not None
        quoted = diagnostic.message.split("'")[1]
        if diagnostic.code == "W6009":
            others = np.delete(holds, int(quoted[1:]), axis=0).all(axis=0)
            assert holds[int(quoted[1:])][others].all()
        elif diagnostic.code == "W6010":
            assert not holds[int(quoted[1:])].any()
        elif diagnostic.code == "W6008":
            column = points[:, "xyz".index(quoted)]
            feasible = holds.all(axis=0)
            values = {
                (points @ np.array(costs))[feasible & (column == x)].min()
                for x in np.unique(column[feasible])
            }
            assert len(values) <= 1, "the best value is the same whatever is decided"
        else:
            raise AssertionError(diagnostic)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=4).filter(any),
    st.integers(0, 12),
    st.sampled_from(["==", "<=", ">="]),
    st.sampled_from(["l1", "linf", "squares"]),
)
def test_targets_that_nothing_can_reach(
    goals: list[int], total: int, sign: str, distance: str
) -> None:
    members = ", ".join(f"m{k}" for k in range(len(goals)))
    value = "0"
    for k, goal in enumerate(goals):
        value = f'if s == "m{k}" then {goal} else ({value})'
    text = (
        f'use {distance} from "equity.alloc"\nset S = {{{members}}}\nparam goal[s in S] = {value}\n'
        f"decide x[S] integer in 0 .. 3\nlimit all: sum(x) {sign} {total}\n"
        f"minimize {{ far: {distance}(x, goal) }}"
    )
    points = np.array(list(product(range(4), repeat=len(goals))))
    sums = points.sum(axis=1)
    holds = {"==": sums == total, "<=": sums <= total, ">=": sums >= total}[sign]
    reached = (points[holds] == np.array(goals)).all(axis=1).any()
    said = "W6015" in codes(text)
    assert not (said and reached)
    within = max(goals) <= 3
    possible = sums[holds]
    if within and len(possible):
        # Where only the totals stand in the way, it is found.
        assert said == (not possible.min() <= sum(goals) <= possible.max())


@settings(max_examples=60, deadline=None)
@given(row, st.lists(row, max_size=2))
def test_preferences_that_never_cost(
    preferred: tuple[tuple[int, int, int], int], rows: list[tuple[tuple[int, int, int], int]]
) -> None:
    text = "\n".join(
        [
            *(f"decide {name} integer in {LEAST} .. {MOST}" for name in "xyz"),
            *(f"limit l{k}: {written(a)} <= {b}" for k, (a, b) in enumerate(rows)),
            f"prefer wish: {written(preferred[0])} <= {preferred[1]} penalty 2",
            "minimize { cost: x }",
        ]
    )
    if "W6011" not in codes(text):
        return
    points = np.array(list(product(range(LEAST, MOST + 1), repeat=3)))
    feasible = np.ones(len(points), dtype=bool)
    for a, b in rows:
        feasible &= points @ np.array(a) <= b
    assert (points @ np.array(preferred[0]) <= preferred[1])[feasible].all()


DYNAMIC = """time t : week = 0 .. 4
compartment A
compartment R
initial A = {start}
initial R = 20
flow treat : A -> R = 0.1 * A
flow lapse : R -> A = 0.05 * R
decide spend[period] in 0 .. 5
effect treat += spend
limit beds[t]: R[t] <= {beds}
minimize {{ ill : sum(t: A[t]) + 0.1 * sum(spend) }}
"""


@pytest.mark.parametrize(("start", "beds"), [(100, 40), (100, 90), (100, 120), (50, 500)])
def test_a_limit_on_compartments_is_judged_by_solving(start: int, beds: int) -> None:
    text = DYNAMIC.format(start=start, beds=beds)
    found = lower(problem(text)).program
    # How many beds are needed at most, by solving without the limit.
    free = lower(problem(text.replace(f"<= {beds}", "<= 1e6"))).program
    columns = [j for j in range(free.columns) if free.column_name(j).startswith("R[")]
    needed = max(best(free, "maximize", {j: 1.0}) or 0.0 for j in columns)
    assert found.columns == free.columns
    if "W6009" in codes(text):
        assert needed <= beds + 1e-6
    if needed > beds:
        assert "W6009" not in codes(text)


def test_statements_that_a_use_brings_are_not_judged(tmp_path: Path) -> None:
    from allocc.compiler.binding.bind import bind
    from allocc.compiler.unrolling.discretize import discretize
    from allocc.dsl.reading.parser import parse_file

    inner = "decide x in 0 .. 1\nintervention i { decide y in 0 .. 2  limit idle: y <= 7 }\n"
    (tmp_path / "part.alloc").write_text(inner + "minimize { c: x + y }", "utf-8")
    model = tmp_path / "whole.alloc"
    model.write_text('use i from "part.alloc"\nminimize { c: y }', "utf-8")
    for path, expected in ((tmp_path / "part.alloc", ["W6009"]), (model, [])):
        found = discretize(bind(parse_file(path), tmp_path, path=path))
        assert [d.code for d in lint(found, lower(found))] == expected


def test_an_index_that_picks_the_members_of_a_tuple_is_used() -> None:
    text = "set S = {a, b}\ndecide x[S] in 0 .. 9\nmaximize { o: sum(x) }\n"
    near = "limit near[r in S]: sum((r, q) in S * S: x[q]) <= 6"
    assert "W6016" not in codes(text + near)
    assert "W6016" in codes(text + near.replace("(r, q)", "(p, q)"))


def test_a_stock_that_nobody_fills_is_no_step_that_is_too_long() -> None:
    text = """time t : week = 0 .. 4
compartment stock
initial stock = 5
flow give : stock -> = 3
flow arrive : -> stock = 0
decide order[period] in 0 .. 9
effect arrive += order
minimize { c: sum(order) }
"""
    assert codes(text) == []


def test_shorter_steps_are_those_that_are_named() -> None:
    text = """time t : week = 0 .. 12 step {step}
compartment S
compartment I
initial S = 990
initial I = 10
flow infect  : S -> I = 0.003 * S * I
flow recover : I ->   = 0.5 * I
decide beds in 0 .. 2000
limit room[t]: I[t] <= beds
minimize {{ ill : sum(t: I[t]) + beds }}
"""
    (told,) = linted(text.format(step=1))[1]
    assert told.code == "W6001"
    safe = told.message.split("Euler's steps of ")[1].split()[0]
    assert "W6001" not in codes(text.format(step=safe))


@pytest.mark.parametrize("scale", ["1e-9", "1e-5", "1", "1e6"])
def test_small_coefficients_hide_nothing(scale: str) -> None:
    """A limit says the same whatever both sides are multiplied with."""
    text = """decide x in 0 .. 5
limit cap: {s} * x <= {s} * {cap}
prefer low: {s} * x <= {s} * {cap} penalty 1
maximize {{ gain: 1 * x }}
"""
    assert codes(text.format(s=scale, cap=4)).count("W6009") == 0
    assert codes(text.format(s=scale, cap=4)).count("W6011") == 1  # the limit implies it
    assert codes(text.format(s=scale, cap=5)).count("W6009") == 1
    free = text.replace("limit cap", "limit other").replace(
        "* x <= {s} * {cap}\nprefer", "* x >= 0\nprefer"
    )
    assert codes(free.format(s=scale, cap=4)).count("W6011") == 0


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("x[s] / sum(x)", True),
        ("x[s] / (1 + sum(x))", False),
        ("x[s]^2 / sum(q in S: x[q]^2)", True),
        ("min(x[s] / 40, 0.9)", False),
        ("max(x[s] - 10, 0.4)", False),
    ],
)
def test_shares_add_up_to_one(part: str, said: bool) -> None:
    """What adds up to 1 whatever is decided is found, also where no range tells."""
    text = f"""use l1 from "equity.alloc"
set S = {{a, b}}
param goal[s in S] = if s == "a" then 0.6 else 0.35
decide x[S] in 1 .. 40
let part[s in S] = {part}
minimize {{ far: l1(part, goal) + sum(x) }}
"""
    assert ("W6015" in codes(text)) == said
    assert "W6015" not in codes(text.replace("0.35", "0.4"))


def test_a_range_with_a_gap_is_no_limit() -> None:
    """`in 0 or LOW .. HIGH` is a constraint that no statement of a limit stands for."""
    assert codes("decide x in 0 or 2 .. 3\nlimit some: x >= 1\nminimize { amount: x }") == []
