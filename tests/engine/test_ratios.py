"""Ratios whose denominator is zero somewhere: multiplied out, kept away from it, or refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from allocc.compiler.lowering.lower import lower
from allocc.compiler.programs.bounds import tighten
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.assess import assess
from allocc.engine.judging.outcome import Options
from allocc.engine.proving.denominators import prepared, with_ranges
from allocc.engine.solve import solve
from tests.compiler.making import problem

PEOPLE, GAIN = np.array([12.0, 7.0, 20.0, 5.0]), np.array([1.0, 0.2, 2.2, -0.4])
KITS = """model kits
use gini from "equity.alloc"
table d from "d.csv" key id
set D = d.id
decide kits[D] integer in 0 .. {most}
let each[k in D] = kits[k] / d.people[k]
{limits}
limit stock: sum(kits) <= {stock}
maximize {{ saved : {value} }}
"""
TABLE = {
    "d": (["id", "people", "gain"], [["n", 12, 1], ["e", 7, 0.2], ["s", 20, 2.2], ["w", 5, -0.4]])
}
SAVED = "sum(k in D: d.gain[k] * kits[k])"


def gini(kits: np.ndarray) -> np.ndarray:
    """Twice the total times four, and the sum of the differences: the parts of the coefficient."""
    each = kits / PEOPLE
    apart = np.abs(each[..., :, None] - each[..., None, :]).sum((-1, -2))
    return np.stack([apart, 8 * each.sum(-1)])


def all_kits(most: int, stock: int) -> np.ndarray:
    grid = np.array(list(itertools.product(range(most + 1), repeat=4)), dtype=float)
    return grid[grid.sum(-1) <= stock]


@pytest.mark.parametrize("named", [False, True])
def test_a_limit_on_the_gini_coefficient_where_nothing_is_allowed(named: bool) -> None:
    fair = "limit fair: gini(each) <= 0.25"
    if named:
        fair = "let unequal = gini(each)\nlimit fair: unequal <= 0.25"
    found = problem(KITS.format(limits=fair, value=SAVED, most=40, stock=60), TABLE)
    outcome = solve(found, Options(gap=1e-6))
    kits = np.array(list(itertools.product(range(21), range(13), range(41), range(9))), dtype=float)
    kits = kits[kits.sum(-1) <= 60]
    apart, total = gini(kits)
    fair_ones = kits[apart <= 0.25 * total + 1e-9]
    best = fair_ones[np.argmax(fair_ones @ GAIN)]
    assert best.tolist() == [11, 6, 40, 3]
    assert (outcome.status, outcome.word) == ("optimal", "proven")
    assert outcome.value == pytest.approx(99.0) and outcome.bound == pytest.approx(99.0)
    assert outcome.values is not None
    (given,) = (outcome.values[v] for v in found.decisions)
    assert given.tolist() == best.tolist()


def test_nothing_at_all_meets_a_limit_on_a_ratio() -> None:
    limits = "limit fair: gini(each) <= 0.25"
    found = problem(KITS.format(limits=limits, value="1 - sum(kits)", most=4, stock=16), TABLE)
    outcome = solve(found, Options(gap=1e-6))
    assert (outcome.status, outcome.value, outcome.word) == ("optimal", 1.0, "proven")
    assert outcome.violation is not None and outcome.violation.relative == 0.0


def test_rows_and_simulation_say_the_same_of_every_allocation() -> None:
    limits = "limit fair: gini(each) <= 0.25"
    found = problem(KITS.format(limits=limits, value=SAVED, most=2, stock=8), TABLE)
    (kits,) = found.decisions
    for each in all_kits(2, 8):
        apart, total = gini(each)
        violation = assess(found, {kits: each}).violation
        assert np.isfinite(violation.relative)
        assert (violation.relative <= 1e-9) == (apart <= 0.25 * total + 1e-9)


@pytest.mark.parametrize(
    ("limit", "at_zero"),
    [
        ("x / y <= 2", True),
        ("x / y <= -1", True),
        ("(x + 1) / y <= 2", False),
        ("x / y >= 1", True),
    ],
)
def test_where_both_parts_are_zero_a_limit_holds(limit: str, at_zero: bool) -> None:
    text = f"""
decide x integer in 0 .. 3
decide y integer in 0 .. 3
limit l: {limit}
minimize {{ t: x + y }}"""
    found = problem(text)
    x, y = found.decisions
    zero = assess(found, {x: np.zeros(()), y: np.zeros(())})
    assert (zero.violation.relative == 0.0) == at_zero
    some = assess(found, {x: np.ones(()), y: np.zeros(())})
    assert (some.violation.relative == 0.0) == (limit == "x / y >= 1")


PICK = """model pick
set Item = {{a, b, c, d}}
param w[i in Item] = if i == "a" then 1 else if i == "b" then 0.09 else if i == "c" then 0.4 else 0.12
param s[i in Item] = if i == "a" then 3 else if i == "b" then 1.1 else if i == "c" then 2 else 0.3
decide pick[Item] {range}
let total = sum(i in Item: w[i] * pick[i])
{guard}
{sense} {{ mean : sum(i in Item: s[i] * pick[i]) / total }}
"""
WEIGHT, SCORE = np.array([1, 0.09, 0.4, 0.12]), np.array([3, 1.1, 2, 0.3])


@pytest.mark.parametrize("sense", ["maximize", "minimize"])
@pytest.mark.parametrize(
    ("guard", "least"),
    [
        ("limit one: sum(pick) >= 2", 2),
        ("limit one: sum(i in Item: 2 * w[i] * pick[i]) >= 0.3", 0),
    ],
)
def test_other_limits_keep_a_denominator_from_zero(guard: str, least: int, sense: str) -> None:
    found = problem(PICK.format(range="binary", guard=guard, sense=sense))
    picks = np.array(list(itertools.product((0.0, 1.0), repeat=4)))
    held = (picks.sum(-1) >= 2) if least else (2 * picks @ WEIGHT >= 0.3)
    means = picks[held] @ SCORE / (picks[held] @ WEIGHT)
    outcome = solve(found, Options(gap=1e-6))
    assert (outcome.status, outcome.word) == ("optimal", "proven")
    assert outcome.value == pytest.approx(means.max() if sense == "maximize" else means.min())


def test_a_proven_range_cuts_off_no_allocation() -> None:
    found = problem(
        PICK.format(range="in 0 .. 1", guard="limit one: sum(pick) >= 1.5", sense="maximize")
    )
    program = prepared(found, "stated").program
    (total,) = np.flatnonzero(program.lower > lower(found).program.lower)
    # The lightest one and half of the next.
    assert program.column_name(int(total)) == "total"
    assert program.lower[total] == pytest.approx(0.09 + 0.06) and program.lower[total] < 0.15


def test_a_range_that_propagation_knows_is_not_asked_for() -> None:
    program = lower(problem(PICK.format(range="in 0.5 .. 1", guard="", sense="maximize"))).program
    assert with_ranges(program) is program


def test_sums_of_what_is_not_negative_end_at_zero() -> None:
    program = tighten(
        lower(problem(KITS.format(limits="", value="sum(each)", most=40, stock=60), TABLE)).program
    )
    assert (program.lower == 0.0).all()


def test_a_denominator_of_the_library_is_told_at_the_call() -> None:
    text = KITS.format(limits="", value=f"{SAVED} - gini(each)", most=40, stock=60)
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(text, TABLE), Options())
    (told,) = caught.value.diagnostics
    assert told.code == "E5002" and told.span is not None
    assert (told.span.source.name, told.span.text) == ("model.alloc", "gini(each)")
    (note,) = told.notes
    assert note.span is not None and note.span.source.name == "library equity.alloc"


@pytest.mark.parametrize(
    "limit",
    [
        "(4 * x + y + 1) / (0 - x) >= 1",
        "(0 - x - y - 1) / (0 - x - z) <= 1",
        "(x + 1) / (0 - x - z) >= 1",
    ],
)
def test_a_quotient_by_zero_proves_nothing(limit: str) -> None:
    """Where the denominator is never positive, `w * b = a` has no point at zero: no "infeasible"."""
    text = (
        "decide x integer in 0 .. 3\ndecide y integer in 0 .. 3\ndecide z integer in 0 .. 3\n"
        f"limit l: {limit}\nmaximize {{ o : 4 * x + 4 * y + z }}"
    )
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(text), Options())
    assert {d.code for d in caught.value.diagnostics} == {"E5002"}


def test_what_rows_alone_exclude_is_infeasible_all_the_same() -> None:
    text = (
        "decide x integer in 0 .. 3\nlimit far: x >= 5\nlimit l: (x + 1) / (0 - x) >= 1\n"
        "maximize { o : x }"
    )
    assert solve(problem(text), Options()).status == "infeasible"


def test_only_the_denominator_that_can_be_zero_is_told() -> None:
    text = (
        "decide p binary\ndecide q binary\ndecide x in 0 .. 3\ndecide y in 0 .. 5\n"
        "limit one: p + q >= 1\nminimize { v : 3 / (2 * p + q) + x / y }"
    )
    with pytest.raises(DiagnosticError) as caught:
        solve(problem(text), Options())
    (found,) = caught.value.diagnostics
    assert found.code == "E5002" and "y" in found.message and "p" not in found.message.split("`")[1]


@pytest.mark.parametrize(("target", "status"), [(3, "infeasible"), (1.8, "optimal")])
def test_a_target_out_of_reach_is_not_a_quotient_by_zero(target: float, status: str) -> None:
    text = f"""
decide x in 0 .. 4
decide y in 0 .. 4
limit enough: 1 - exp(-x) + y ^ 2 / (2 ^ 2 + y ^ 2) + 1 / (1 + y) >= {target}
minimize {{ money: x + y }}"""
    outcome = solve(problem(text), Options(gap=1e-4))
    assert outcome.status == status
